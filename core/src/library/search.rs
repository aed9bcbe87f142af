//! What depends on values: nonzero, unique, masks, counting, histograms. Eager: they read the data.
//!
//! What is read are places; elements are then taken there, so that derivatives pass.

use super::T;
use super::arrange::take_places;
use crate::op::{Binary, ScatterKind};
use crate::shape::normalize_axis;
use crate::value::Term;
use crate::{Array, DType, Element, Number, TensorType};

const SELECT: &str = "the result's shape depends on it: choose with select (or where_), or count with sum";

/// The places of elements that are true (not zero): a vector for each axis.
#[track_caller]
pub fn nonzero(name: &str, x: &T) -> Vec<T> {
    assert!(x.rank() > 0, "{name}: takes a tensor with axes, not a scalar; atleast_1d gives it one");
    x.value().clone().nonzero(name, SELECT).into_iter().map(T::of).collect()
}

/// A mask's true places along an axis, of a mask no longer than it.
#[track_caller]
pub fn compress(x: &T, mask: &T, axis: isize) -> T {
    let axis = normalize_axis("compress", axis, x.shape());
    assert!(
        mask.rank() == 1 && mask.len() <= x.shape()[axis],
        "compress: a mask of shape {} for axis {axis} of shape {}",
        mask.shape(),
        x.shape()
    );
    let places = nonzero("compress", mask).remove(0);
    super::arrange::take(x, &places, axis as isize, None)
}

/// All elements where a mask of the same shape is true.
#[track_caller]
pub fn extract(x: &T, mask: &T) -> T {
    assert!(mask.shape() == x.shape(), "extract: a mask of shape {} for shape {}", mask.shape(), x.shape());
    let places = nonzero("extract", &mask.flatten()).remove(0);
    super::arrange::take(&x.flatten(), &places, 0, None)
}

/// Elements as integers of the same order: floats by their bits, -0 as 0, NaN above all.
fn keys(array: &Array) -> Vec<i128> {
    fn of<T: Element>(x: &T) -> i128 {
        if !T::DTYPE.is_float() {
            return crate::convert::to_i128(*x);
        }
        let x = crate::convert::to_f64(*x);
        let bits = if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() } as i64;
        if bits >= 0 { bits as i128 } else { (bits ^ i64::MAX) as i128 }
    }
    crate::with_dtype!(array.dtype(), E => {
        array.as_slice::<E>().unwrap_or_default().iter().map(of).collect()
    })
}

/// Distinct elements: where each first stands, the number of the one at each place, and how many there are of each.
struct Distinct {
    first: Vec<usize>,
    inverse: Vec<i32>,
    counts: Vec<i32>,
    keys: Vec<i128>,
}

#[track_caller]
fn distinct(name: &str, x: &T) -> Distinct {
    let keys = keys(&x.value().array_or(name, "the result's shape depends on it"));
    let mut order: Vec<usize> = (0..keys.len()).collect();
    // Stable: of equal elements the first comes first.
    order.sort_by_key(|&i| keys[i]);
    let mut found = Distinct { first: vec![], inverse: vec![0; keys.len()], counts: vec![], keys: vec![] };
    for i in order {
        if found.keys.last() != Some(&keys[i]) {
            found.keys.push(keys[i]);
            found.first.push(i);
            found.counts.push(0);
        }
        let last = found.counts.len() - 1;
        found.counts[last] += 1;
        found.inverse[i] = last as i32;
    }
    found
}

/// The distinct elements in increasing order.
#[track_caller]
pub fn unique(x: &T) -> T {
    let flat = x.flatten();
    take_places(&flat, &distinct("unique", &flat).first, 0)
}

/// The distinct elements, where each first stands, the number of the one at each place, and how often each occurs.
#[track_caller]
pub fn unique_all(x: &T) -> [T; 4] {
    let flat = x.flatten();
    let found = distinct("unique_all", &flat);
    let values = take_places(&flat, &found.first, 0);
    let n = found.first.len();
    let first = Array::new(found.first.iter().map(|&i| i as i32).collect(), [n]);
    let inverse = Array::new(found.inverse, x.shape().clone());
    let counts = Array::new(found.counts, [n]);
    let constant = x.value();
    [
        values,
        T::of(constant.constant(first)),
        T::of(constant.constant(inverse)),
        T::of(constant.constant(counts)),
    ]
}

/// Which of two sets' elements are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sets {
    /// Those in both.
    Both,
    /// Those in the first only.
    FirstOnly,
    /// Those in exactly one.
    One,
}

/// The distinct elements of both, promoted to one dtype, that are in the sets named; in increasing order.
#[track_caller]
pub fn set_operation(name: &str, x: &T, y: &T, which: Sets) -> T {
    let dtype = x.dtype().promote(y.dtype());
    let (x, y) = (x.flatten().cast(dtype), y.flatten().cast(dtype));
    let (a, b) = (distinct(name, &x), distinct(name, &y));
    let in_b = |key: &i128| b.keys.binary_search(key).is_ok();
    let places = |wanted: bool| -> Vec<usize> {
        (0..a.first.len()).filter(|&i| in_b(&a.keys[i]) == wanted).map(|i| a.first[i]).collect()
    };
    match which {
        Sets::Both => take_places(&x, &places(true), 0),
        Sets::FirstOnly => take_places(&x, &places(false), 0),
        Sets::One => {
            let all = crate::concatenate([&x, &y], 0);
            let found = distinct(name, &all);
            let alone = |i: &usize| (a.keys.binary_search(&found.keys[*i]).is_ok()) != in_b(&found.keys[*i]);
            let first: Vec<usize> = (0..found.first.len()).filter(alone).map(|i| found.first[i]).collect();
            take_places(&all, &first, 0)
        }
    }
}

/// Where an element of `x` is among those of `y`: each is compared with each.
#[track_caller]
pub fn isin(x: &T, y: &T) -> T {
    x.expand_dims(-1).eq(y.flatten()).any_axes(-1)
}

/// How often 0, 1, .. occur in a vector, or the sum of the weights of each. Negative ones count as 0, those from
/// `length` on are dropped. Without a length it is read off the data.
#[track_caller]
pub fn bincount(x: &T, weights: Option<&T>, length: Option<usize>) -> T {
    assert!(x.rank() == 1 && !x.dtype().is_float(), "bincount: takes a vector of integers, not {}", x.ty());
    let places = x.cast(if x.dtype().size() == 8 { DType::I64 } else { DType::I32 });
    let length = match length {
        Some(n) => n,
        None => {
            let instead = "the result's size depends on it: say it with bincount_to";
            let data = places.cast(DType::I64).value().array_or("bincount", instead);
            data.as_slice::<i64>().unwrap_or_default().iter().max().map_or(0, |&n| n.max(0) as usize + 1)
        }
    };
    let ones = TensorType::new(x.shape().clone(), DType::I32);
    let weights = match weights {
        Some(w) => {
            assert!(
                w.shape() == x.shape(),
                "bincount: weights of shape {} for shape {}",
                w.shape(),
                x.shape()
            );
            w.clone()
        }
        None => T::of(x.value().full(Number::Int(1), ones)),
    };
    add_at(&places.maximum(0), &weights, length)
}

/// The sums of the weights that have each place; places outside are dropped.
#[track_caller]
fn add_at(places: &T, weights: &T, length: usize) -> T {
    let ty = TensorType::new([length], weights.dtype());
    let zeros = weights.value().full(Number::Int(0), ty);
    T::of(zeros.scatter_rows(ScatterKind::Add, places.value().clone(), weights.value().clone()))
}

/// How many elements of the increasing vector `edges` are at most `x`: by halving, in as many steps as the size has
/// bits.
#[track_caller]
pub fn places_right(edges: &T, x: &T) -> T {
    let ty = x.ty().with_dtype(DType::I32);
    let mut low = T::of(x.value().full(Number::Int(0), ty.clone()));
    let mut high = T::of(x.value().full(Number::Int(edges.len() as i64), ty));
    for _ in 0..usize::BITS - edges.len().leading_zeros() {
        let middle = (&low + &high) >> 1;
        // Where low meets high nothing changes: the middle is then low, and is not below high.
        let read = middle.minimum(edges.len() as i32 - 1);
        let right = super::arrange::take(edges, &read, 0, Some(crate::TakeMode::Clip)).le(x);
        let open = low.lt(&high);
        let (up, down) = (right.logical_and(&open), open.logical_and(&right.logical_not()));
        low = up.select(&middle + 1, &low);
        high = down.select(&middle, &high);
    }
    low
}

/// What the bins of a histogram are.
#[derive(Debug)]
pub enum Bins {
    /// As many of equal width, over the range of the data or the one given.
    Number(usize, Option<(f64, f64)>),
    /// The edges, increasing.
    Edges(T),
}

/// The edges of a histogram's bins.
#[track_caller]
pub fn histogram_edges(x: &T, bins: Bins) -> T {
    let dtype = x.dtype().to_float();
    let (n, range) = match bins {
        Bins::Edges(edges) => {
            assert!(
                edges.rank() == 1 && !edges.is_empty(),
                "histogram: the edges are a vector, not a tensor of shape {}",
                edges.shape()
            );
            return edges.cast(dtype);
        }
        Bins::Number(n, range) => (n, range),
    };
    assert!(n > 0, "histogram: into no bins");
    let (low, high) = match range {
        Some((low, high)) => {
            assert!(
                low <= high && low.is_finite() && high.is_finite(),
                "histogram: a range from {low} to {high}"
            );
            let x = T::of(x.value().full(Number::Int(0), TensorType::scalar(dtype)));
            (x.full_like(low), x.full_like(high))
        }
        None => {
            assert!(!x.is_empty(), "histogram: no elements to take the range from; give a range or edges");
            (x.min().cast(dtype), x.max().cast(dtype))
        }
    };
    let flat = low.eq(&high);
    let low = flat.select(&low - 0.5, &low);
    let high = flat.select(&high + 0.5, &high);
    // As numpy.linspace: the ends are exact.
    let count = T::of(x.value().iota(TensorType::new([n + 1], dtype), 0));
    let t = &count / n;
    let between = &low * (1.0 - &t) + &high * t;
    count.eq(n).select(high, between)
}

/// The sums of the weights of the elements in each bin, which are closed on the left (the last on both sides), and
/// the edges.
#[track_caller]
pub fn histogram(x: &T, bins: Bins, weights: Option<&T>, density: bool) -> (T, T) {
    let weights = match weights {
        Some(w) => {
            assert!(
                w.shape() == x.shape(),
                "histogram: weights of shape {} for shape {}",
                w.shape(),
                x.shape()
            );
            let dtype = x.dtype().promote(w.dtype()).to_float();
            w.cast(dtype)
        }
        None => x.cast(x.dtype().to_float()).full_like(1),
    };
    let x = x.cast(weights.dtype()).flatten();
    let edges = histogram_edges(&x, bins);
    let last = edges.len() - 1;
    let place = places_right(&edges, &x);
    let place = x.eq(edges.get(-1)).select(last, place);
    let counts = add_at(&place, &weights.flatten(), last + 1).get(1..);
    if !density {
        return (counts, edges);
    }
    let widths = edges.get(1..) - edges.get(..-1);
    let total = counts.sum();
    (counts / widths / total, edges)
}

/// Rows of `data` combined by the number of their segment.
#[track_caller]
pub fn segments(name: &str, data: &T, ids: &T, n: usize, kind: ScatterKind) -> T {
    assert!(
        ids.dtype().is_integer() && ids.rank() == 1 && data.rank() >= 1 && data.shape()[0] == ids.len(),
        "{name}: the segments' numbers are {}, an integer is needed for each row of shape {}",
        ids.ty(),
        data.shape()
    );
    let mut ty = data.ty().clone();
    ty.shape[0] = n;
    let dtype = data.dtype();
    let neutral = match kind {
        ScatterKind::Set | ScatterKind::Add => Number::Int(0),
        ScatterKind::Mul => Number::Int(1),
        ScatterKind::Max => extreme(dtype, false),
        ScatterKind::Min => extreme(dtype, true),
    };
    let start = data.value().full(neutral, ty);
    let ids = if ids.dtype().size() == 8 { ids.cast(DType::I64) } else { ids.cast(DType::I32) };
    T::of(start.scatter_rows(kind, ids.into_value(), data.value().clone()))
}

/// The highest (or lowest) number of a dtype; of floats the infinities.
fn extreme(dtype: DType, highest: bool) -> Number {
    let bits = dtype.bits() as u32;
    match (dtype, highest) {
        (DType::Bool, _) => Number::Bool(highest),
        (d, true) if d.is_float() => Number::Float(f64::INFINITY),
        (d, false) if d.is_float() => Number::Float(f64::NEG_INFINITY),
        (d, true) if d.is_unsigned() => Number::UInt(u64::MAX >> (64 - bits)),
        (d, false) if d.is_unsigned() => Number::UInt(0),
        (_, true) => Number::Int(i64::MAX >> (64 - bits)),
        (_, false) => Number::Int(i64::MIN >> (64 - bits)),
    }
}

/// The coordinates of places counted in row-major order, moved inside; negative ones count from the end.
#[track_caller]
pub fn unravel(places: &T, sizes: &[usize]) -> Vec<T> {
    assert!(places.dtype().is_integer(), "unravel_index: places are integers, not {}", places.ty());
    let total: usize = sizes.iter().product();
    let mut rest = T::of(places.value().clone().wrap_negative(total)).clip(0, total.max(1) - 1);
    let mut found = Vec::new();
    for &n in sizes.iter().rev() {
        let n = n.max(1);
        found.push(rest.rem(n));
        rest = T::of(rest.into_value().div_trunc(Term::Number(Number::UInt(n as u64))));
    }
    found.reverse();
    found
}

/// Places in row-major order, of coordinates.
#[track_caller]
pub fn ravel(coordinates: &[T], sizes: &[usize]) -> T {
    assert!(
        coordinates.len() == sizes.len() && !sizes.is_empty(),
        "ravel_multi_index: {} coordinates for sizes {sizes:?}",
        coordinates.len()
    );
    let mut place = coordinates[0].clone();
    for (c, &n) in coordinates.iter().zip(sizes) {
        assert!(c.dtype().is_integer(), "ravel_multi_index: coordinates are integers, not {}", c.ty());
        crate::value::check_bounds("ravel_multi_index", c.value(), 0, &[n].into());
    }
    for (c, &n) in coordinates.iter().zip(sizes).skip(1) {
        place = T::of((place * n).into_value().binary(Binary::Add, Term::Value(c.value().clone())));
    }
    place
}
