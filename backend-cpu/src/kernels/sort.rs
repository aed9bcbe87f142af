//! Stable sorting along one axis.
//!
//! Operands are copied with the axis to be sorted last, so that a lane is a slice; the output stays in that order and
//! is shown as a view (in place, where an operand lies so and nobody else holds it). One operand alone is sorted by
//! itself. Several are rearranged by a permutation, which comes from sorting pairs of key and place: a key is the
//! element as a `u64` of the same order, and places break ties, which makes it stable. Threads share the lanes.

use crate::data::{View, contiguous, data, owned, value};
use crate::dispatch::{by_size, stored};
use crate::layout::{Layout, row_major};
use crate::math::Num;
use crate::par;
use crate::storage::Storage;
use bytemuck::Pod;
use half::{bf16, f16};
use plywood_core::op::Types;
use plywood_core::shape::Axes;
use plywood_core::{TensorType, Value, Values};
use std::cmp::Ordering;

/// A stored type with the order of sorting.
trait Key: Num {
    /// A number that orders as the elements do: equal zeros, NaN last.
    fn key(self) -> u64;
}

macro_rules! keys { ($($T:ty: $x:ident => $key:expr;)*) => { $( impl Key for $T {
    #[inline(always)]
    fn key(self) -> u64 { let $x = self; $key }
} )* } }
keys! {
    u8: x => x as u64; u16: x => x as u64; u32: x => x as u64; u64: x => x;
    i8: x => (x as i64).key(); i16: x => (x as i64).key(); i32: x => (x as i64).key();
    i64: x => x as u64 ^ 1 << 63;
    f16: x => x.to_f64().key(); bf16: x => x.to_f64().key(); f32: x => (x as f64).key();
    f64: x => {
        // Adding 0 makes -0 to 0. As integers, floats grow with their magnitude.
        let bits = (x + 0.0).to_bits();
        let ordered = if bits >> 63 == 1 { !bits } else { bits | 1 << 63 };
        if x.is_nan() { u64::MAX } else { ordered }
    };
}

/// The order of two elements: NaN last, zeros equal.
fn order<T: Num>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Nanoseconds that sorting a lane of n elements takes.
fn work(n: usize) -> f64 {
    4.0 * n as f64 * (n.max(2) as f64).log2()
}

/// Sorts all operands alike along `axis`, by the first `keys`.
pub fn sort(types: Types, mut x: Values, axis: usize, keys: usize) -> Values {
    let shape = types[0].shape.clone();
    let n = shape[axis];
    if n <= 1 || shape.elements() == 0 {
        return x;
    }
    if x.len() == 1 {
        let lanes = last(x.pop().expect("it has one"), axis);
        return smallvec::smallvec![one(&types[0], lanes, n, axis)];
    }
    let lanes: Vec<Value> = x.into_iter().map(|x| contiguous(last(x, axis))).collect();
    let permutation = permutation(&lanes[..keys], n, shape.elements());
    let rearranged = types.iter().zip(&lanes).map(|(ty, lanes)| {
        by_size!(ty.dtype.size(), T => {
            let all = View::<T>::of(lanes).to_contiguous();
            let mut storage = Storage::zeroed(all.len() * size_of::<T>());
            let out = &mut storage.as_mut_slice::<T>().expect("it is new")[..all.len()];
            par::chunks(out, n, 2.0 * n as f64, |first, out| {
                let range = first * n..first * n + out.len();
                let lanes = all[range.clone()].chunks(n).zip(permutation[range].chunks(n));
                for (out, (lane, places)) in out.chunks_mut(n).zip(lanes) {
                    out.iter_mut().zip(places).for_each(|(out, &place)| *out = lane[place]);
                }
            });
            turned_back(ty, storage, axis)
        })
    });
    rearranged.collect()
}

/// The k largest along `axis`, and their places.
pub fn top_k(_types: Types, _x: Value, _k: usize, _axis: usize) -> Values {
    todo!()
}

/// The value with this axis last.
fn last(x: Value, axis: usize) -> Value {
    let mut order: Axes = (0..x.rank()).collect();
    let axis = order.remove(axis);
    order.push(axis);
    if order.iter().copied().eq(0..x.rank()) {
        return x;
    }
    let ty = x.ty().with_shape(order.iter().map(|&d| x.shape()[d]).collect::<plywood_core::Shape>());
    let Layout { strides, offset } = data(&x).layout.clone();
    let strides = order.iter().map(|&d| strides[d]).collect();
    let storage = data(&x).storage.clone();
    drop(x);
    value(ty, Layout { strides, offset }, storage)
}

/// A value of this type, whose elements lie as if `axis` were the last.
fn turned_back(ty: &TensorType, storage: Storage, axis: usize) -> Value {
    let mut sizes: Axes = ty.shape[..].into();
    let n = sizes.remove(axis);
    sizes.push(n);
    let mut strides = row_major(&sizes);
    let step = strides.pop().expect("the axis");
    strides.insert(axis, step);
    value(ty.clone(), Layout { strides, offset: 0 }, storage)
}

/// Sorts the lanes of one operand.
fn one(ty: &TensorType, lanes: Value, n: usize, axis: usize) -> Value {
    let mut storage = owned(lanes);
    stored!(ty.dtype, T => {
        let out = &mut storage.as_mut_slice::<T>().expect("it is owned")[..ty.elements()];
        par::chunks(out, n, work(n), |_, out| out.chunks_mut(n).for_each(|lane| lane.sort_by(order)));
    });
    turned_back(ty, storage, axis)
}

/// For every lane, the places of its elements in order.
fn permutation(keys: &[Value], n: usize, elements: usize) -> Vec<usize> {
    let mut permutation = vec![0; elements];
    par::chunks(&mut permutation, n, work(n), |first, permutation| {
        let mut pairs: Vec<(u64, usize)> = Vec::with_capacity(n);
        let mut columns = vec![0; keys.len() * n];
        for (i, places) in permutation.chunks_mut(n).enumerate() {
            for (column, key) in columns.chunks_mut(n).zip(keys) {
                lane_keys(key, (first + i) * n, column);
            }
            if let [_] = keys {
                pairs.clear();
                pairs.extend(columns.iter().copied().zip(0..));
                pairs.sort_unstable();
                places.iter_mut().zip(&pairs).for_each(|(place, pair)| *place = pair.1);
            } else {
                places.iter_mut().zip(0..).for_each(|(place, i)| *place = i);
                let at = |place: usize| (0..keys.len()).map(move |k| k * n + place);
                places.sort_unstable_by(|&a, &b| {
                    let by_keys = at(a).map(|i| columns[i]).cmp(at(b).map(|i| columns[i]));
                    by_keys.then(a.cmp(&b))
                });
            }
        }
    });
    permutation
}

/// The keys of a lane of a contiguous operand.
fn lane_keys(x: &Value, first: usize, out: &mut [u64]) {
    fn fill<T: Key + Pod>(x: &Value, first: usize, out: &mut [u64]) {
        let all = View::<T>::of(x).contiguous().expect("it was made so");
        out.iter_mut().zip(&all[first..]).for_each(|(out, x)| *out = x.key());
    }
    stored!(x.dtype(), T => fill::<T>(x, first, out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, elements, execute, flat, index, tensor};
    use plywood_core::{DType, Op};

    /// Sorts every lane by inserting, and gives each operand's elements.
    fn naive(shape: &[usize], looks: &[Vec<f64>], axis: usize, keys: usize) -> Vec<Vec<f64>> {
        let mut sorted = looks.to_vec();
        let before = |a: &[f64], b: &[f64]| {
            for (a, b) in a.iter().zip(b).take(keys) {
                if a < b || (b.is_nan() && !a.is_nan()) {
                    return true;
                }
                if a > b || (a.is_nan() && !b.is_nan()) {
                    return false;
                }
            }
            false
        };
        for start in 0..shape.iter().product() {
            let mut at = index(shape, start);
            if at[axis] != 0 {
                continue;
            }
            let mut lane: Vec<Vec<f64>> = vec![];
            for i in 0..shape[axis] {
                at[axis] = i;
                let row: Vec<f64> = looks.iter().map(|look| look[flat(shape, &at)]).collect();
                let place = lane.iter().position(|other| before(&row, other)).unwrap_or(lane.len());
                lane.insert(place, row);
            }
            for (i, row) in lane.into_iter().enumerate() {
                at[axis] = i;
                sorted.iter_mut().zip(row).for_each(|(sorted, x)| sorted[flat(shape, &at)] = x);
            }
        }
        sorted
    }

    fn bits(all: &[f64]) -> Vec<u64> {
        all.iter().map(|x| if x.is_nan() { u64::MAX } else { x.to_bits() }).collect()
    }

    #[test]
    fn sorts_are_stable_along_any_axis() {
        let mut numbers = Numbers(8);
        for _ in 0..1500 {
            let rank = 1 + numbers.below(3);
            let shape = numbers.shape(rank, 7);
            let (operands, axis) = (1 + numbers.below(4), numbers.below(rank));
            let keys = 1 + numbers.below(operands);
            let dtypes: Vec<DType> = (0..operands).map(|_| DType::ALL[numbers.below(13)]).collect();
            let (x, looks): (Vec<Value>, Vec<Vec<f64>>) =
                dtypes.iter().map(|&dtype| numbers.tensor(&shape, dtype)).unzip();
            let got = execute(&Op::Sort { axis, keys }, x.clone());
            let want = naive(&shape, &looks, axis, keys);
            for ((got, want), (x, look)) in got.iter().zip(&want).zip(x.iter().zip(&looks)) {
                assert_eq!(&elements(got), want, "{dtypes:?} {shape:?} along {axis} by {keys}: {looks:?}");
                assert_eq!(&elements(x), look, "a shared operand stays as it is");
            }
        }
    }

    #[test]
    fn zeros_are_equal_and_nan_comes_last() {
        let all = [0.0, f64::NAN, -0.0, f64::INFINITY, -1.0, 0.0, f64::NEG_INFINITY, -0.0, f64::NAN, 1.0];
        let places: Vec<f64> = (0..10).map(|i| i as f64).collect();
        let order = [6.0, 4.0, 0.0, 2.0, 5.0, 7.0, 9.0, 3.0, 1.0, 8.0];
        for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
            let x = tensor(&all, &[10], dtype);
            let want: Vec<f64> = order.iter().map(|&i| all[i as usize]).collect();
            let alone = execute(&Op::Sort { axis: 0, keys: 1 }, vec![x.clone()]);
            assert_eq!(bits(&elements(&alone[0])), bits(&want), "{dtype}");
            let both =
                execute(&Op::Sort { axis: 0, keys: 1 }, vec![x.clone(), tensor(&places, &[10], DType::I32)]);
            assert_eq!(bits(&elements(&both[0])), bits(&want), "{dtype}");
            assert_eq!(elements(&both[1]), order, "{dtype}");
            let same = tensor(&[5.0; 10], &[10], DType::U8);
            let third = tensor(&places, &[10], DType::I32);
            let three = execute(&Op::Sort { axis: 0, keys: 2 }, vec![same, x, third]);
            assert_eq!(elements(&three[2]), order, "{dtype}");
        }
    }

    #[test]
    fn extremes_of_integers_keep_their_order() {
        for dtype in DType::ALL.into_iter().filter(|d| d.is_integer()) {
            let bits = dtype.bits() as i32 - dtype.is_signed_integer() as i32;
            // Of 64 bits f64 holds only some: those below the top by a power of two.
            let top = 2f64.powi(bits) - if bits > 53 { 2f64.powi(bits - 53) } else { 1.0 };
            let low = if dtype.is_unsigned() { 0.0 } else { -2f64.powi(bits) };
            let x = tensor(&[top, 3.0, low, 3.0], &[4], dtype);
            let places = tensor(&[0.0, 1.0, 2.0, 3.0], &[4], DType::U8);
            let got = execute(&Op::Sort { axis: 0, keys: 1 }, vec![x, places]);
            assert_eq!(elements(&got[0]), [low, 3.0, 3.0, top], "{dtype}");
            assert_eq!(elements(&got[1]), [2.0, 1.0, 3.0, 0.0], "{dtype}");
        }
    }

    #[test]
    fn lanes_are_shared_by_threads_and_sorted_in_place() {
        let mut numbers = Numbers(9);
        let all: Vec<f64> = (0..200_000).map(|_| numbers.below(1000) as f64).collect();
        let x = tensor(&all, &[200, 1000], DType::F32);
        let address = data(&x).storage.bytes().as_ptr();
        let got = execute(&Op::Sort { axis: 1, keys: 1 }, vec![x]);
        assert_eq!(data(&got[0]).storage.bytes().as_ptr(), address);
        for (lane, got) in all.chunks(1000).zip(elements(&got[0]).chunks(1000)) {
            let mut lane = lane.to_vec();
            lane.sort_by(f64::total_cmp);
            assert_eq!(lane, got);
        }
    }
}
