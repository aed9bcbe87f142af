//! How elements are combined, on bytes: what MPI's own operators do not do as Plywood means it is done by this code, called by
//! MPI or beside it.
//!
//! What always holds: nothing here knows MPI; bytes may lie at any address; integers wrap; the largest and the smallest of floats
//! are found as integers in the order of floats, so that the result is the same to the bit in any grouping and order: of equal
//! zeros the positive one is the larger, and NaN is beyond both ends. Sums of 16-bit floats are made in f32 and rounded to
//! nearest, ties to even.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use plywood_core::DType;
use std::array::from_fn;

/// How the members' elements are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// The sum. Integers wrap. Floats are added in the order of MPI's algorithm, which depends on the size, the number of members
    /// and the library; 16-bit floats are rounded after each addition.
    Sum,
    /// The sum in the order of ranks, `((x0 + x1) + x2) + x3`: the same bits on every member, in every run, with every MPI.
    /// 16-bit floats are added in f32 and rounded once. About as many bytes travel, in one more round.
    SumInOrder,
    /// The largest; NaN if any is.
    Max,
    /// The smallest; NaN if any is.
    Min,
}

impl Reduction {
    /// Every one there is.
    pub const ALL: [Reduction; 4] = [Reduction::Sum, Reduction::SumInOrder, Reduction::Max, Reduction::Min];

    /// The name: `sum`, `sum in order`, `max`, `min`.
    pub const fn name(self) -> &'static str {
        match self {
            Reduction::Sum => "sum",
            Reduction::SumInOrder => "sum in order",
            Reduction::Max => "max",
            Reduction::Min => "min",
        }
    }

    /// Whether elements of the type are combined so: bools are not added.
    pub const fn takes(self, dtype: DType) -> bool {
        match self {
            Reduction::Sum | Reduction::SumInOrder => !matches!(dtype, DType::Bool),
            Reduction::Max | Reduction::Min => true,
        }
    }
}

/// Combines the elements of `into` with those of `from`, in place.
///
/// # Panics
/// If the lengths differ or are no whole number of elements, or for sums of bools.
pub fn combine(how: Reduction, dtype: DType, into: &mut [u8], from: &[u8]) {
    assert_eq!(into.len(), from.len(), "{}: as many bytes as there are", how.name());
    assert!(into.len().is_multiple_of(dtype.size()), "{}: {} bytes of {dtype}", how.name(), into.len());
    plywood_core::with_dtype!(dtype, T => match how {
        Reduction::Sum | Reduction::SumInOrder => <T as Combined>::sum(into, from),
        Reduction::Max => <T as Combined>::max(into, from),
        Reduction::Min => <T as Combined>::min(into, from),
    })
}

/// Combines blocks that lie one behind another in `parts`, each as long as `out`, in their order.
///
/// # Panics
/// As [`combine`], and if the parts are not whole.
pub fn fold(how: Reduction, dtype: DType, parts: &[u8], out: &mut [u8]) {
    if out.is_empty() {
        return;
    }
    assert!(!parts.is_empty() && parts.len().is_multiple_of(out.len()), "{}: whole parts", how.name());
    plywood_core::with_dtype!(dtype, T => match how {
        Reduction::Sum | Reduction::SumInOrder => <T as Combined>::sum_all(parts, out),
        Reduction::Max | Reduction::Min => in_blocks(parts, out, |into, from| combine(how, dtype, into, from)),
    })
}

/// Blocks of the output that stay in a cache while all parts are added to them; a multiple of every element's size.
const BLOCK: usize = 16 << 10;

fn in_blocks(parts: &[u8], out: &mut [u8], combine: impl Fn(&mut [u8], &[u8])) {
    let whole = out.len();
    for (i, into) in out.chunks_mut(BLOCK).enumerate() {
        let at = i * BLOCK;
        into.copy_from_slice(&parts[at..at + into.len()]);
        for part in parts.chunks_exact(whole).skip(1) {
            combine(into, &part[at..at + into.len()]);
        }
    }
}

/// An element type's part in [`combine`] and [`fold`].
trait Combined {
    fn sum(into: &mut [u8], from: &[u8]);
    fn max(into: &mut [u8], from: &[u8]);
    fn min(into: &mut [u8], from: &[u8]);
    fn sum_all(parts: &[u8], out: &mut [u8]) {
        in_blocks(parts, out, Self::sum);
    }
}

fn zip<const N: usize>(into: &mut [u8], from: &[u8], f: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    for (a, b) in into.as_chunks_mut().0.iter_mut().zip(from.as_chunks().0) {
        *a = f(*a, *b);
    }
}

macro_rules! integers { ($($T:ident)*) => { $( impl Combined for $T {
    fn sum(into: &mut [u8], from: &[u8]) {
        zip(into, from, |a, b| $T::from_ne_bytes(a).wrapping_add($T::from_ne_bytes(b)).to_ne_bytes())
    }
    fn max(into: &mut [u8], from: &[u8]) {
        zip(into, from, |a, b| $T::from_ne_bytes(a).max($T::from_ne_bytes(b)).to_ne_bytes())
    }
    fn min(into: &mut [u8], from: &[u8]) {
        zip(into, from, |a, b| $T::from_ne_bytes(a).min($T::from_ne_bytes(b)).to_ne_bytes())
    }
} )* } }
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

/// Of bools the largest is or, the smallest and: bytes that are 0 or 1.
impl Combined for bool {
    fn sum(_: &mut [u8], _: &[u8]) {
        panic!("sum: does not take bool")
    }
    fn max(into: &mut [u8], from: &[u8]) {
        <u8 as Combined>::max(into, from)
    }
    fn min(into: &mut [u8], from: &[u8]) {
        <u8 as Combined>::min(into, from)
    }
}

/// The largest and the smallest of floats `$T`, by their bits as integers `$I`.
macro_rules! extremes {
    ($T:ident $I:ident) => {
        fn max(into: &mut [u8], from: &[u8]) {
            let key =
                |x| if $T::from_ne_bytes(x).is_nan() { $I::MAX } else { flip!($I, $I::from_ne_bytes(x)) };
            zip(into, from, |a, b| flip!($I, key(a).max(key(b))).to_ne_bytes())
        }
        fn min(into: &mut [u8], from: &[u8]) {
            let key =
                |x| if $T::from_ne_bytes(x).is_nan() { $I::MIN } else { flip!($I, $I::from_ne_bytes(x)) };
            zip(into, from, |a, b| flip!($I, key(a).min(key(b))).to_ne_bytes())
        }
    };
}

/// Bits of a float as an integer in the order of floats, and back: those below the sign of negative ones inverted.
macro_rules! flip {
    ($I:ident, $bits:expr) => {{
        let bits: $I = $bits;
        bits ^ ((bits >> ($I::BITS - 1)) & $I::MAX)
    }};
}

macro_rules! floats { ($($T:ident $I:ident)*) => { $( impl Combined for $T {
    fn sum(into: &mut [u8], from: &[u8]) {
        zip(into, from, |a, b| ($T::from_ne_bytes(a) + $T::from_ne_bytes(b)).to_ne_bytes())
    }
    extremes!($T $I);
} )* } }
floats!(f64 i64 f32 i32);

/// Elements of 16 bits that are widened together.
const WIDE: usize = 256;

fn widen<T: Copy>(bytes: &[u8], of: impl Fn([u8; 2]) -> T, zero: T, wide: &mut [f32; WIDE])
where
    [T]: HalfFloatSliceExt,
{
    let mut narrow = [zero; WIDE];
    let n = bytes.len() / 2;
    for (to, from) in narrow.iter_mut().zip(bytes.as_chunks().0) {
        *to = of(*from);
    }
    narrow[..n].convert_to_f32_slice(&mut wide[..n]);
}

macro_rules! halves { ($($T:ident)*) => { $( impl Combined for $T {
    fn sum(into: &mut [u8], from: &[u8]) {
        for (into, from) in into.chunks_mut(2 * WIDE).zip(from.chunks(2 * WIDE)) {
            let (mut a, mut b) = ([0.0; WIDE], [0.0; WIDE]);
            widen(into, $T::from_ne_bytes, $T::ZERO, &mut a);
            widen(from, $T::from_ne_bytes, $T::ZERO, &mut b);
            store::<$T>(into, &from_fn(|i| a[i] + b[i]));
        }
    }
    extremes!($T i16);
    fn sum_all(parts: &[u8], out: &mut [u8]) {
        let whole = out.len();
        for (i, into) in out.chunks_mut(2 * WIDE).enumerate() {
            let at = 2 * WIDE * i;
            let (mut sum, mut next) = ([0.0; WIDE], [0.0; WIDE]);
            for (k, part) in parts.chunks_exact(whole).enumerate() {
                widen(&part[at..at + into.len()], $T::from_ne_bytes, $T::ZERO, &mut next);
                // Not from zero, which would lose the sign of zeros.
                sum = if k == 0 { next } else { from_fn(|i| sum[i] + next[i]) };
            }
            store::<$T>(into, &sum);
        }
    }
}
impl Narrow for $T {
    fn narrow(wide: &[f32; WIDE]) -> [[u8; 2]; WIDE] {
        let mut narrow = [$T::ZERO; WIDE];
        narrow.convert_from_f32_slice(wide);
        narrow.map($T::to_ne_bytes)
    }
} )* } }
halves!(f16 bf16);

/// f32 to the nearest number of 16 bits, ties to even.
trait Narrow {
    fn narrow(wide: &[f32; WIDE]) -> [[u8; 2]; WIDE];
}

fn store<T: Narrow>(into: &mut [u8], wide: &[f32; WIDE]) {
    for (to, from) in into.as_chunks_mut().0.iter_mut().zip(T::narrow(wide)) {
        *to = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plywood_core::Element;
    use plywood_core::convert::{Convert, Wide};

    fn bytes<T: Copy, const N: usize>(values: &[T], to: impl Fn(T) -> [u8; N]) -> Vec<u8> {
        values.iter().flat_map(|&v| to(v)).collect()
    }

    fn combined<T: Element, const N: usize>(
        how: Reduction,
        (a, b): (&[T], &[T]),
        to: impl Fn(T) -> [u8; N] + Copy,
    ) -> Vec<[u8; N]> {
        let (mut a, b) = (bytes(a, to), bytes(b, to));
        combine(how, T::DTYPE, &mut a, &b);
        a.as_chunks().0.to_vec()
    }

    #[test]
    fn integers_wrap() {
        assert_eq!(combined(Reduction::Sum, (&[100i8, -128], &[100, -1]), i8::to_ne_bytes), [[200], [127]]);
        let sum = combined(Reduction::Sum, (&[u64::MAX], &[2]), u64::to_ne_bytes);
        assert_eq!(u64::from_ne_bytes(sum[0]), 1);
        let max = combined(Reduction::Max, (&[u64::MAX], &[2]), u64::to_ne_bytes);
        assert_eq!(u64::from_ne_bytes(max[0]), u64::MAX);
    }

    #[test]
    fn extremes_know_nan_and_zeros() {
        let cases = [1.0f32, -1.0, 0.0, -0.0, f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for a in cases {
            for b in cases {
                for how in [Reduction::Max, Reduction::Min] {
                    let got = f32::from_ne_bytes(combined(how, (&[a], &[b]), f32::to_ne_bytes)[0]);
                    let swapped = f32::from_ne_bytes(combined(how, (&[b], &[a]), f32::to_ne_bytes)[0]);
                    assert_eq!(got.to_bits(), swapped.to_bits());
                    if a.is_nan() || b.is_nan() {
                        assert!(got.is_nan());
                        continue;
                    }
                    let order = a.total_cmp(&b);
                    let first = if how == Reduction::Max { order.is_ge() } else { order.is_le() };
                    assert_eq!(
                        got.to_bits(),
                        if first { a } else { b }.to_bits(),
                        "{} of {a}, {b}",
                        how.name()
                    );
                }
            }
        }
        let nan = combined(Reduction::Max, (&[bf16::NAN], &[bf16::INFINITY]), bf16::to_ne_bytes);
        assert!(bf16::from_ne_bytes(nan[0]).is_nan());
    }

    /// Every f16 with some others: the nearest to the exact sum, which f64 holds.
    #[test]
    fn sums_of_16_bits_are_the_nearest() {
        let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
        for b in [1.0, -2048.0, 0.000061, 65504.0, 3.14].map(f16::from_f32) {
            let sums = combined(Reduction::Sum, (&all, &vec![b; all.len()]), f16::to_ne_bytes);
            for (&a, sum) in all.iter().zip(sums) {
                let (sum, exact) = (f16::from_ne_bytes(sum), f64::from(a) + f64::from(b));
                let nearest = f16::narrow(Wide::Float(exact));
                assert!(
                    sum == nearest || (sum.is_nan() && nearest.is_nan()),
                    "{a} + {b}: {sum}, not {nearest}"
                );
            }
        }
    }

    #[test]
    fn sums_in_order_are_rounded_once() {
        let parts =
            [[1.0, 60000.0], [0.0009765625, 60000.0], [0.0009765625, -60000.0]].as_flattened().to_vec();
        let parts = bytes(&parts, |x| f16::from_f32(x).to_ne_bytes());
        let mut out = [0; 4];
        fold(Reduction::SumInOrder, DType::F16, &parts, &mut out);
        let got: Vec<f32> = out.as_chunks().0.iter().map(|&x| f16::from_ne_bytes(x).to_f32()).collect();
        assert_eq!(got, [1.001953125, 60000.0]);
    }

    #[test]
    fn a_fold_is_its_combinations() {
        for dtype in DType::ALL {
            for how in [Reduction::Max, Reduction::Min] {
                let size = dtype.size();
                let n = (BLOCK / size + 3) * size;
                let parts: Vec<u8> = (0..3 * n).map(|i| (i * i / 7) as u8 & 1).collect();
                let mut out = vec![9; n];
                fold(how, dtype, &parts, &mut out);
                let mut expected = parts[..n].to_vec();
                combine(how, dtype, &mut expected, &parts[n..2 * n]);
                combine(how, dtype, &mut expected, &parts[2 * n..]);
                assert_eq!(out, expected, "{} of {dtype}", how.name());
            }
        }
    }
}
