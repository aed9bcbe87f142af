//! Sorting, running reductions and searching in sorted tensors.

use super::T;
use crate::backend::Values;
use crate::op::{Cumulation, Gather, IndexMode};
use crate::shape::{Axes, normalize_axis};
use crate::{DType, Op, Value};
use smallvec::smallvec;
use std::sync::Arc;

#[track_caller]
pub fn sort(x: T, axis: isize, descending: bool) -> T {
    let axis = normalize_axis("sort", axis, x.shape());
    let sorted = T::of(Value::sort_together(x.into_value().into(), axis as isize, 1).remove(0));
    if descending { sorted.flip([axis]) } else { sorted }
}

/// Of equal elements the first comes first, in both directions.
#[track_caller]
pub fn argsort(x: T, axis: isize, descending: bool) -> T {
    let axis = normalize_axis("argsort", axis, x.shape());
    let places = T::of(x.value().iota(x.ty().with_dtype(DType::I32), axis));
    let turned = |x: T| if descending { x.flip([axis]) } else { x };
    let operands: Values = smallvec![turned(x).into_value(), turned(places).into_value()];
    turned(T::of(Value::sort_together(operands, axis as isize, 1).remove(1)))
}

#[track_caller]
pub fn sort_together(operands: Values, axis: isize, keys: usize) -> Vec<Value> {
    Value::sort_together(operands, axis, keys).into_vec()
}

/// The last key decides first.
#[track_caller]
pub fn lexsort(keys: Values, axis: isize) -> Value {
    let Some(first) = keys.first() else { panic!("lexsort: no tensors") };
    let axis = normalize_axis("lexsort", axis, first.shape());
    let (count, places) = (keys.len(), first.iota(first.ty().with_dtype(DType::I32), axis));
    let operands: Values = keys.into_iter().rev().chain([places]).collect();
    Value::sort_together(operands, axis as isize, count).remove(count)
}

#[track_caller]
pub fn top_k(x: T, k: usize, axis: isize) -> (T, T) {
    let axis = normalize_axis("top_k", axis, x.shape());
    let mut outputs = Value::apply(&Op::TopK { k, axis }, x.into_value().into()).into_iter().map(T::of);
    let mut next = || outputs.next().expect("two outputs");
    (next(), next())
}

/// Where each value belongs in a sorted vector: by halves, all values at once.
#[track_caller]
pub fn searchsorted(sorted: T, values: T, right: bool) -> T {
    assert!(sorted.rank() == 1, "searchsorted: takes a sorted vector, not {}", sorted.ty());
    let dtype = sorted.dtype().promote(values.dtype());
    let (sorted, values) = (sorted.cast(dtype).stop_gradient(), values.cast(dtype).stop_gradient());
    let n = sorted.len();
    assert!(i32::try_from(n).is_ok(), "searchsorted: a vector of {n} elements, whose places are i32");
    let places = values.ty().with_dtype(DType::I32);
    // Below `low` all elements come before the value, from `low + left` on none does.
    let mut low = T::of(values.value().full(crate::Number::Int(0), places));
    let mut left = n;
    while left > 0 {
        // Of the elements that are not known the middle one; both halves are taken to be as long as the longer.
        let half = left / 2;
        let middle = (&low + half as i32).minimum(n as i32 - 1);
        let found = elements(&sorted, &middle);
        let before = if right { not_above(&found, &values) } else { below(&found, &values) };
        low = before.select(&middle + 1, low).minimum(n as i32);
        left = half;
    }
    low
}

/// In the order of sorting: NaN is above all.
fn below(x: &T, y: &T) -> T {
    match x.dtype().is_float() {
        true => x.lt(y) | (y.is_nan() & x.eq(x)),
        false => x.lt(y),
    }
}

fn not_above(x: &T, y: &T) -> T {
    if x.dtype().is_float() { x.le(y) | y.is_nan() } else { x.le(y) }
}

/// The elements of a vector at these places.
fn elements(x: &T, places: &T) -> T {
    let gather = Gather {
        offset_axes: Axes::new(),
        collapsed_axes: Axes::from_slice(&[0]),
        operand_batching_axes: Axes::new(),
        indices_batching_axes: Axes::new(),
        start_index_map: Axes::from_slice(&[0]),
        sizes: Axes::from_slice(&[1]),
        mode: IndexMode::Clip,
    };
    let indices = places.expand_dims(-1).into_value();
    T::of(Value::apply2(Op::Gather(Arc::new(gather)), x.value().clone(), indices))
}

#[track_caller]
pub fn digitize(x: T, bins: T, right: bool) -> T {
    assert!(bins.rank() == 1, "digitize: takes a vector of bounds, not {}", bins.ty());
    let n = bins.len();
    if n == 0 {
        let places = x.ty().with_dtype(DType::I32);
        return T::of(x.value().full(crate::Number::Int(0), places));
    }
    let end = |i: usize| T::of(bins.value().clone().slice_axis(0, i, i + 1)).reshape([0usize; 0]);
    let rising = end(n - 1).ge(end(0));
    let up = searchsorted(bins.clone(), x.clone(), !right);
    let down = n as i32 - searchsorted(bins.flip([0]), x, !right);
    rising.select(up, down)
}

/// A running reduction; sums and products of small integers and of bool are done in 32 bits.
#[track_caller]
pub fn cumulative(x: T, kind: Cumulation, axis: isize, reverse: bool) -> T {
    let axis = normalize_axis(kind.name(), axis, x.shape());
    let dtype = match kind {
        Cumulation::Sum | Cumulation::Prod => x.dtype().to_sum(),
        Cumulation::Max | Cumulation::Min => x.dtype(),
        Cumulation::LogSumExp => x.dtype().to_float(),
    };
    let x = x.into_value().cast(dtype);
    T::of(Value::apply1(Op::Cumulative { kind, axis, reverse }, x))
}

#[track_caller]
pub fn diff(x: T, n: usize, axis: isize) -> T {
    let axis = normalize_axis("diff", axis, x.shape());
    let mut x = x;
    for _ in 0..n {
        let size = x.shape()[axis];
        let (start, end) = (size.min(1), size.saturating_sub(1));
        let part = |start, limit| T::of(x.value().clone().slice_axis(axis, start, limit));
        let (behind, before) = (part(start, size), part(0, end));
        x = if x.dtype() == DType::Bool { behind.ne(before) } else { behind - before };
    }
    x
}
