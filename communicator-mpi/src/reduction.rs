//! How elements are combined, on bytes: what MPI's own operators do not do as Plywood means it is done by this code, called by
//! MPI or beside it.
//!
//! What always holds: nothing here knows MPI; bytes may lie at any address; integers wrap; the largest and the smallest of floats
//! are found as integers in the order of floats, so that the result is the same to the bit in any grouping and order: of equal
//! zeros the positive one is the larger, and NaN is beyond both ends. Sums of 16-bit floats are made in f32 and rounded to
//! nearest, ties to even.

use half::{bf16, f16};
use plywood_core::DType;

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
const WIDE: usize = 128;

/// A float of 16 bits: exactly in f32, and the nearest to one, ties to even. Without branches, so that the compiler makes vectors of
/// it.
trait Half: Sized {
    fn wide(bits: u16) -> f32;
    fn nearest(wide: f32) -> u16;

    fn widen_all(bytes: &[[u8; 2]], wide: &mut [f32]) {
        wide.iter_mut().zip(bytes).for_each(|(to, from)| *to = Self::wide(u16::from_ne_bytes(*from)));
    }
    fn narrow_all(wide: &[f32], bytes: &mut [[u8; 2]]) {
        bytes.iter_mut().zip(wide).for_each(|(to, from)| *to = Self::nearest(*from).to_ne_bytes());
    }
}

/// f32 has 13 digits more, and an exponent that is 112 larger.
impl Half for f16 {
    #[inline(always)]
    fn wide(bits: u16) -> f32 {
        let low = i32::from(bits & 0x7fff) << 13;
        let moved = low + (112 << 23);
        // Numbers without a leading one get one, which is subtracted again; infinities and NaN have the last exponent here, too.
        let small = f32::from_bits((moved + (1 << 23)) as u32) - f32::from_bits(113 << 23);
        let wide = if low < 1 << 23 { small.to_bits() as i32 } else { moved };
        let wide = if low < 31 << 23 { wide } else { moved + (112 << 23) };
        f32::from_bits(wide as u32 | u32::from(bits & 0x8000) << 16)
    }
    #[inline(always)]
    fn nearest(wide: f32) -> u16 {
        let (bits, sign) = ((wide.to_bits() & 0x7fff_ffff) as i32, (wide.to_bits() >> 16) as u16 & 0x8000);
        // Half a unit of what is kept, less one bit where that is even; what overflows becomes infinity.
        let rounded = (bits - (112 << 23) + 0xfff + ((bits >> 13) & 1)) >> 13;
        let rounded = if rounded < 0x7c00 { rounded } else { 0x7c00 };
        // Below the normal numbers: added to one whose last digit is theirs.
        let least = f32::from_bits(126 << 23);
        let small = (f32::from_bits(bits as u32) + least).to_bits() as i32 - least.to_bits() as i32;
        let kept = if bits < 113 << 23 { small } else { rounded };
        let kept = if bits > 255 << 23 { 0x7e00 } else { kept };
        sign | kept as u16
    }
}

/// The upper half of an f32.
impl Half for bf16 {
    #[inline(always)]
    fn wide(bits: u16) -> f32 {
        f32::from_bits(u32::from(bits) << 16)
    }
    #[inline(always)]
    fn nearest(wide: f32) -> u16 {
        let bits = wide.to_bits();
        // Half a unit of what is kept, less one bit where that is even.
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1));
        let kept = if wide.is_nan() { bits | 0x40_0000 } else { rounded };
        (kept >> 16) as u16
    }
}

macro_rules! halves { ($($T:ident)*) => { $( impl Combined for $T {
    fn sum(into: &mut [u8], from: &[u8]) {
        let (into, from) = (into.as_chunks_mut().0, from.as_chunks().0);
        for (into, from) in into.chunks_mut(WIDE).zip(from.chunks(WIDE)) {
            let (mut a, mut b) = ([0.0; WIDE], [0.0; WIDE]);
            let (a, b) = (&mut a[..into.len()], &mut b[..into.len()]);
            <$T as Half>::widen_all(into, a);
            <$T as Half>::widen_all(from, b);
            a.iter_mut().zip(b).for_each(|(a, b)| *a += *b);
            <$T as Half>::narrow_all(a, into);
        }
    }
    extremes!($T i16);
    fn sum_all(parts: &[u8], out: &mut [u8]) {
        let whole = out.len();
        for (i, into) in out.as_chunks_mut().0.chunks_mut(WIDE).enumerate() {
            let at = 2 * WIDE * i;
            let (mut sum, mut next) = ([0.0; WIDE], [0.0; WIDE]);
            let (sum, next) = (&mut sum[..into.len()], &mut next[..into.len()]);
            for (k, part) in parts.chunks_exact(whole).enumerate() {
                let part = part[at..at + 2 * into.len()].as_chunks().0;
                // The first is not added to zero, which would lose the sign of its own zeros.
                if k == 0 {
                    <$T as Half>::widen_all(part, sum);
                } else {
                    <$T as Half>::widen_all(part, next);
                    sum.iter_mut().zip(&*next).for_each(|(sum, next)| *sum += *next);
                }
            }
            <$T as Half>::narrow_all(sum, into);
        }
    }
} )* } }
halves!(f16 bf16);

#[cfg(test)]
mod tests {
    use super::*;
    use plywood_core::Element;
    use plywood_core::convert::Wide;

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

    /// Every number of 16 bits with some others: the sum is the nearest to the exact one, which f64 holds well enough.
    fn nearest<T: Element + Into<f64>>(of: impl Fn(u16) -> T, to: impl Fn(T) -> u16) {
        let all: Vec<T> = (0..=u16::MAX).map(&of).collect();
        for b in [1.0, -2048.0, 0.000061, 65504.0, 3.17, -0.0, 3.3e38] {
            let b = T::narrow(Wide::Float(b));
            let sums = combined(Reduction::Sum, (&all, &vec![b; all.len()]), |x| to(x).to_ne_bytes());
            for (&a, sum) in all.iter().zip(sums) {
                let (sum, exact) = (of(u16::from_ne_bytes(sum)), a.into() + b.into());
                let nearest = T::narrow(Wide::Float(exact));
                let nan = sum.into().is_nan() && nearest.into().is_nan();
                assert!(to(sum) == to(nearest) || nan, "{a:?} + {b:?}: {sum:?}, not {nearest:?}");
            }
        }
    }

    #[test]
    fn sums_of_16_bits_are_the_nearest() {
        nearest(f16::from_bits, f16::to_bits);
        nearest(bf16::from_bits, bf16::to_bits);
    }

    #[test]
    fn sums_in_order_are_rounded_once() {
        // After each step, it would be 1 again, and infinite.
        let parts = [1.0, 6e4, 2f32.powi(-11), 6e4, 2f32.powi(-11), -6e4];
        let parts = bytes(&parts, |x| f16::from_f32(x).to_ne_bytes());
        let mut out = [0; 4];
        fold(Reduction::SumInOrder, DType::F16, &parts, &mut out);
        let got: Vec<f32> = out.as_chunks().0.iter().map(|&x| f16::from_ne_bytes(x).to_f32()).collect();
        assert_eq!(got, [1.0 + 2f32.powi(-10), 6e4]);
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
