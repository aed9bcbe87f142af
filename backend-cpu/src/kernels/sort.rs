//! Stable sorting along one axis, and the largest elements.
//!
//! Operands are copied with the axis to be sorted last, so that a lane is a slice; the output stays in that order and
//! is shown as a view (in place, where an operand lies so and nobody else holds it). One operand alone is sorted by
//! itself. Several are rearranged by a permutation, which comes from sorting pairs of key and place. A [`Key`] is an
//! unsigned number of the same order. Short lanes are sorted by comparison, long ones digit by digit ([`radix`]).
//! Threads share the lanes, or each long one.

mod radix;
mod top_k;

pub use top_k::top_k;

use crate::data::{View, contiguous, data, owned, value};
use crate::dispatch::{by_size, stored};
use crate::layout::{Layout, row_major};
use crate::math::Num;
use crate::par;
use crate::pool::scratch;
use crate::storage::Storage;
use bytemuck::Pod;
use half::{bf16, f16};
use plywood_core::op::Types;
use plywood_core::shape::Axes;
use plywood_core::{TensorType, Value, Values};

/// Lanes from this many elements on may be shared by threads.
const LONG: usize = 1 << 15;

/// An unsigned number, as wide as the elements it stands for.
trait Bits: Pod + Ord + Send + Sync {
    const BYTES: usize = size_of::<Self>();
    fn wide(self) -> u64;
}

/// A stored type with the order of sorting.
trait Key: Num {
    type Bits: Bits;
    /// A number that orders as the elements do: equal zeros, NaN last.
    fn key(self) -> Self::Bits;
}

macro_rules! bits { ($($T:ty)*) => { $( impl Bits for $T {
    #[inline(always)]
    fn wide(self) -> u64 { self as u64 }
} )* } }
bits!(u8 u16 u32 u64);

macro_rules! integers { ($($T:ty, $Bits:ty, $flip:expr;)*) => { $( impl Key for $T {
    type Bits = $Bits;
    #[inline(always)]
    fn key(self) -> $Bits { self as $Bits ^ $flip }
} )* } }
integers! {
    u8, u8, 0; u16, u16, 0; u32, u32, 0; u64, u64, 0;
    i8, u8, 1 << 7; i16, u16, 1 << 15; i32, u32, 1 << 31; i64, u64, 1 << 63;
}

macro_rules! floats { ($($T:ty, $Bits:ty, $Signed:ty;)*) => { $( impl Key for $T {
    type Bits = $Bits;
    #[inline(always)]
    fn key(self) -> $Bits {
        // As integers, floats of one sign grow with their magnitude.
        let (bits, sign) = (self.to_bits(), 1 << (<$Bits>::BITS - 1));
        let magnitude = bits & !sign;
        let ordered = bits ^ ((bits as $Signed >> (<$Bits>::BITS - 1)) as $Bits | sign);
        let ordered = if magnitude == 0 { sign } else { ordered };
        if magnitude > <$T>::INFINITY.to_bits() { <$Bits>::MAX } else { ordered }
    }
} )* } }
floats! { f64, u64, i64; f32, u32, i32; f16, u16, i16; bf16, u16, i16; }

/// Nanoseconds that sorting a lane of n elements takes.
fn work(n: usize) -> f64 {
    if n < 256 { 2.0 * n as f64 * (n.max(2) as f64).log2() } else { 10.0 * n as f64 }
}

/// Whether lanes are so few and long that threads share each of them instead; and into how many pieces.
fn pieces(lanes: usize, n: usize) -> Option<usize> {
    (n >= LONG && lanes < 2 * par::threads()).then(|| par::pieces_of(work(n)).min(8))
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
            let all = View::<T>::of(lanes).contiguous().expect("it was made so");
            let mut storage = Storage::overwritten(ty.bytes());
            let out = &mut storage.as_mut_slice::<T>().expect("it is new")[..all.len()];
            let unit = if n >= LONG { 1024 } else { n };
            par::chunks(out, unit, 3.0 * unit as f64, |first, mut out| {
                let mut at = first * unit;
                while !out.is_empty() {
                    let (start, inside) = (at / n * n, at % n);
                    let (now, rest) = out.split_at_mut(out.len().min(n - inside));
                    let lane = &all[start..start + n];
                    now.iter_mut().zip(&permutation.as_slice::<u32>()[at..]).for_each(|(out, &place)| {
                        *out = lane[place as usize];
                    });
                    at += now.len();
                    out = rest;
                }
            });
            turned_back(ty, storage, axis)
        })
    });
    rearranged.collect()
}

/// The value with this axis last.
pub(super) fn last(x: Value, axis: usize) -> Value {
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
pub(super) fn turned_back(ty: &TensorType, storage: Storage, axis: usize) -> Value {
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
        sort_lanes(out, n);
    });
    turned_back(ty, storage, axis)
}

fn sort_lanes<T: Key>(all: &mut [T], n: usize) {
    let digit = |x: &T, i: usize| (x.key().wide() >> (8 * i)) as u8;
    if n < 96 * T::Bits::BYTES {
        par::chunks(all, n, work(n), |_, out| {
            out.chunks_mut(n).for_each(|lane| lane.sort_by_key(|x| x.key()));
        });
    } else if let Some(pieces) = pieces(all.len() / n, n) {
        let mut spare = scratch(n * size_of::<T>());
        let spare = &mut spare.as_mut_slice::<T>()[..n];
        all.chunks_mut(n).for_each(|lane| radix::sort(lane, spare, T::Bits::BYTES, pieces, digit));
    } else {
        par::chunks(all, n, work(n), |_, out| {
            let mut spare = scratch(n * size_of::<T>());
            let spare = &mut spare.as_mut_slice::<T>()[..n];
            out.chunks_mut(n).for_each(|lane| radix::sort(lane, spare, T::Bits::BYTES, 1, digit));
        });
    }
}

/// For every lane, the places of its elements in order, as `u32`.
fn permutation(keys: &[Value], n: usize, elements: usize) -> crate::pool::Scratch {
    assert!(u32::try_from(n).is_ok(), "sort: {n} elements along the axis");
    let mut all = scratch(elements * 4);
    let permutation = &mut all.as_mut_slice::<u32>()[..elements];
    if let Some(pieces) = pieces(elements / n, n) {
        for (i, places) in permutation.chunks_mut(n).enumerate() {
            by_digits(keys, i * n, places, pieces);
        }
    } else if n >= 512 {
        par::chunks(permutation, n, work(n) * 2.0 * keys.len() as f64, |first, permutation| {
            for (i, places) in permutation.chunks_mut(n).enumerate() {
                by_digits(keys, (first + i) * n, places, 1);
            }
        });
    } else {
        par::chunks(permutation, n, 2.0 * work(n), |first, permutation| {
            by_comparison(keys, first * n, n, permutation)
        });
    }
    all
}

/// The places of lanes, the first of which starts at `start`, in order.
fn by_comparison(keys: &[Value], start: usize, n: usize, permutation: &mut [u32]) {
    let mut pairs: Vec<(u64, u32)> = Vec::with_capacity(n);
    let mut columns = vec![0; keys.len() * n];
    for (i, places) in permutation.chunks_mut(n).enumerate() {
        for (column, key) in columns.chunks_mut(n).zip(keys) {
            lane_keys(key, start + i * n, column);
        }
        if let [_] = keys {
            pairs.clear();
            pairs.extend(columns.iter().copied().zip(0..));
            pairs.sort_unstable();
            places.iter_mut().zip(&pairs).for_each(|(place, pair)| *place = pair.1);
        } else {
            places.iter_mut().zip(0..).for_each(|(place, i)| *place = i);
            let at = |place: u32| (0..keys.len()).map(move |k| k * n + place as usize);
            places.sort_unstable_by(|&a, &b| {
                let by_keys = at(a).map(|i| columns[i]).cmp(at(b).map(|i| columns[i]));
                by_keys.then(a.cmp(&b))
            });
        }
    }
}

/// The keys of a lane of a contiguous operand.
fn lane_keys(x: &Value, first: usize, out: &mut [u64]) {
    stored!(x.dtype(), T => {
        let all = View::<T>::of(x).contiguous().expect("it was made so");
        out.iter_mut().zip(&all[first..]).for_each(|(out, x)| *out = x.key().wide());
    })
}

/// The places of one lane in order: stable sorts by each key, the last one first.
fn by_digits(keys: &[Value], start: usize, places: &mut [u32], pieces: usize) {
    let n = places.len();
    let spread = |work: f64| work / if pieces == 1 { f64::INFINITY } else { 1.0 };
    for (round, key) in keys.iter().rev().enumerate() {
        stored!(key.dtype(), T => {
            let lane = &View::<T>::of(key).contiguous().expect("it was made so")[start..start + n];
            let place = |i: usize| if round == 0 { i as u32 } else { places[i] };
            if <T as Key>::Bits::BYTES <= 4 {
                let mut pairs = scratch(2 * n * 8);
                let (pairs, spare) = pairs.as_mut_slice::<u64>().split_at_mut(n);
                par::chunks(pairs, 1, spread(2.0), |first, pairs| {
                    pairs.iter_mut().zip(first..).for_each(|(pair, i)| {
                        let place = place(i);
                        *pair = lane[place as usize].key().wide() << 32 | place as u64;
                    });
                });
                radix::sort(pairs, spare, <T as Key>::Bits::BYTES, pieces, |x, i| (x >> (32 + 8 * i)) as u8);
                par::chunks(places, 1, spread(1.0), |first, places| {
                    places.iter_mut().zip(&pairs[first..]).for_each(|(place, &pair)| *place = pair as u32);
                });
            } else {
                let mut pairs = scratch(2 * n * 16);
                let (pairs, spare) = pairs.as_mut_slice::<[u64; 2]>().split_at_mut(n);
                par::chunks(pairs, 1, spread(2.0), |first, pairs| {
                    pairs.iter_mut().zip(first..).for_each(|(pair, i)| {
                        let place = place(i);
                        *pair = [lane[place as usize].key().wide(), place as u64];
                    });
                });
                radix::sort(pairs, spare, 8, pieces, |x, i| (x[0] >> (8 * i)) as u8);
                par::chunks(places, 1, spread(1.0), |first, places| {
                    places.iter_mut().zip(&pairs[first..]).for_each(|(place, &pair)| *place = pair[1] as u32);
                });
            }
        });
    }
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

    /// Long lanes: by digits, in pieces where they are few; every width of keys, ties, several keys.
    #[test]
    fn long_lanes_are_sorted_by_digits() {
        let mut numbers = Numbers(10);
        for (lanes, n) in [(1, 100_003), (3, 40_000), (30, 3000), (5, 700)] {
            for dtype in DType::ALL {
                let bound = if dtype == DType::Bool { 2 } else { 100 };
                let odd = |k: usize| if k == 7 && dtype.is_float() { f64::NAN } else { k as f64 };
                let all: Vec<f64> = (0..lanes * n).map(|_| odd(numbers.below(bound))).collect();
                let second: Vec<f64> = (0..lanes * n).map(|_| numbers.below(50) as f64).collect();
                let places: Vec<f64> = (0..lanes * n).map(|i| i as f64).collect();
                let shape = [lanes, n];
                let (x, y) = (tensor(&all, &shape, dtype), tensor(&second, &shape, DType::I8));
                let z = tensor(&places, &shape, DType::I32);
                for threads in [1, 4] {
                    let run = |keys, x: Vec<Value>| {
                        par::with_threads(threads, || execute(&Op::Sort { axis: 1, keys }, x))
                    };
                    let alone = run(1, vec![x.clone()]);
                    let one = run(1, vec![x.clone(), z.clone()]);
                    let two = run(2, vec![x.clone(), y.clone(), z.clone()]);
                    let order = |a: f64, b: f64| a.partial_cmp(&b).unwrap_or(a.is_nan().cmp(&b.is_nan()));
                    let mut by_one: Vec<usize> = (0..lanes * n).collect();
                    let mut by_two = by_one.clone();
                    by_one.chunks_mut(n).for_each(|lane| lane.sort_by(|&a, &b| order(all[a], all[b])));
                    by_two.chunks_mut(n).for_each(|lane| {
                        lane.sort_by(|&a, &b| order(all[a], all[b]).then(order(second[a], second[b])));
                    });
                    let want: Vec<f64> = by_one.iter().map(|&i| all[i]).collect();
                    assert!(bits(&elements(&alone[0])) == bits(&want), "{dtype} {shape:?} {threads}");
                    assert!(bits(&elements(&one[0])) == bits(&want), "{dtype} {shape:?} {threads}");
                    let same = |got: &Value, want: &[usize]| {
                        elements(got).iter().zip(want).all(|(&got, &want)| got == want as f64)
                    };
                    assert!(same(&one[1], &by_one), "{dtype} {shape:?} {threads}");
                    assert!(same(&two[2], &by_two), "{dtype} {shape:?} {threads}");
                }
            }
        }
    }

    #[test]
    fn long_lanes_keep_zeros_in_order() {
        let all: Vec<f64> = (0..50_000).map(|i| [0.0, -0.0, 1.0, -1.0, -0.0][i * 7 % 11 % 5]).collect();
        let got = execute(&Op::Sort { axis: 0, keys: 1 }, vec![tensor(&all, &[50_000], DType::F32)]);
        let mut want = all.clone();
        want.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
        assert!(bits(&elements(&got[0])) == bits(&want));
    }

    #[test]
    fn the_largest_are_the_ends_of_a_sort() {
        let mut numbers = Numbers(11);
        let cases =
            [(1, 200_000, 64), (1, 200_000, 1), (2, 50_000, 40_000), (200, 1000, 10), (7, 33, 33), (3, 5, 0)];
        for (lanes, n, k) in cases {
            for dtype in DType::ALL {
                for rising in [false, true] {
                    let bound = if dtype == DType::Bool { 2 } else { 120 };
                    let odd = |i: usize, k: usize| match () {
                        _ if rising => (i % n * bound / n) as f64,
                        _ if dtype.is_float() && k % 40 == 7 => f64::NAN,
                        _ => k as f64,
                    };
                    let all: Vec<f64> = (0..lanes * n).map(|i| odd(i, numbers.below(bound))).collect();
                    let x = tensor(&all, &[lanes, n], dtype);
                    let op = Op::TopK { k, axis: 1 };
                    let mut results = [1, 4].map(|threads| {
                        let got = par::with_threads(threads, || execute(&op, vec![x.clone()]));
                        (bits(&elements(&got[0])), elements(&got[1]))
                    });
                    let mut want = (vec![], vec![]);
                    for lane in all.chunks(n) {
                        let mut order: Vec<usize> = (0..n).collect();
                        let key = |i: usize| if lane[i].is_nan() { f64::INFINITY } else { lane[i] };
                        order.sort_by(|&a, &b| key(b).total_cmp(&key(a)));
                        want.0.extend(bits(&order[..k].iter().map(|&i| lane[i]).collect::<Vec<_>>()));
                        want.1.extend(order[..k].iter().map(|&i| i as f64));
                    }
                    for got in &mut results {
                        assert!(*got == want, "{dtype} {k} of {lanes} times {n}");
                    }
                }
            }
        }
    }
}
