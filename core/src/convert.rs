//! Conversions between element types by value, as `Op::Cast` defines them: to a float the nearest one, of two equally
//! near the even one, in one rounding; truncating and saturating from floats to integers (NaN gives 0), wrapping
//! between integers, `!= 0` to bool.
//!
//! Rust converts numbers to f32 and f64 so, and `half` f32 to f16 and bf16; its `from_f64` rounds twice or drops bits.
//! Everything wider than f32 therefore goes to f32 *to odd* first: a number that f32 lacks becomes that one of its two
//! neighbours whose last bit is set. No tie and no number of the narrow type has that bit, so that the number stays
//! on its side of all of them, and the rounding to nearest that follows is the only one.

use crate::{Element, Number};
use half::{bf16, f16};

/// An element on its way between two types, exact.
#[derive(Clone, Copy, Debug)]
pub enum Wide {
    /// A float.
    Float(f64),
    /// An integer or bool.
    Int(i128),
}

/// The two halves of a conversion. Every [`Element`] has it.
pub trait Convert: Sized {
    /// To the wide form, exactly.
    fn widen(self) -> Wide;
    /// From the wide form, by the rules of a cast.
    fn narrow(wide: Wide) -> Self;
}

macro_rules! integers { ($($I:ty)*) => { $( impl Convert for $I {
    #[inline(always)]
    fn widen(self) -> Wide { Wide::Int(self as i128) }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self { match wide { Wide::Int(i) => i as $I, Wide::Float(f) => f as $I } }
} )* } }
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! floats { ($($F:ty, $from_float:expr, $from_int:expr;)*) => { $( impl Convert for $F {
    #[inline(always)]
    fn widen(self) -> Wide { Wide::Float(f64::from(self)) }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self {
        match wide { Wide::Int(i) => $from_int(i), Wide::Float(f) => $from_float(f) }
    }
} )* } }
floats! {
    f64, |f| f, |i| i as f64;
    f32, |f| f as f32, |i| i as f32;
    f16, |f| f16::from_f32(to_odd(f)), |i| f16::from_f32(to_odd(int_to_odd(i)));
    bf16, |f| bf16::from_f32(to_odd(f)), |i| bf16::from_f32(to_odd(int_to_odd(i)));
}

/// As f32, rounded to odd; NaN stays NaN.
#[inline(always)]
fn to_odd(x: f64) -> f32 {
    let nearest = x as f32;
    let back = f64::from(nearest);
    // The neighbour towards zero; of an infinity that came of a finite number, the largest finite one.
    let truncated = nearest.to_bits() - (back.abs() > x.abs()) as u32;
    f32::from_bits(truncated | (back != x) as u32)
}

/// As f64, rounded to odd.
#[inline]
fn int_to_odd(i: i128) -> f64 {
    let surplus = (i128::BITS - i.unsigned_abs().leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
    let kept = i >> surplus;
    let inexact = kept << surplus != i;
    ((kept | inexact as i128) << surplus) as f64
}

impl Convert for bool {
    #[inline(always)]
    fn widen(self) -> Wide {
        Wide::Int(self as i128)
    }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self {
        match wide {
            Wide::Int(i) => i != 0,
            Wide::Float(f) => f != 0.0,
        }
    }
}

/// One element as another type.
#[inline(always)]
pub fn cast<T: Element, U: Element>(x: T) -> U {
    U::narrow(x.widen())
}

/// An integer or bool element, exactly; a float truncated.
pub fn to_i128<T: Element>(x: T) -> i128 {
    match x.widen() {
        Wide::Int(i) => i,
        Wide::Float(f) => f as i128,
    }
}

/// An element as f64, rounded to nearest.
pub fn to_f64<T: Element>(x: T) -> f64 {
    match x.widen() {
        Wide::Int(i) => i as f64,
        Wide::Float(f) => f,
    }
}

/// A plain number as an element.
pub fn from_number<T: Element>(number: Number) -> T {
    T::narrow(match number {
        Number::Float(x) => Wide::Float(x),
        Number::Int(x) => Wide::Int(x as i128),
        Number::UInt(x) => Wide::Int(x as i128),
        Number::Bool(x) => Wide::Int(x as i128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn casts_truncate_saturate_and_wrap() {
        assert_eq!(cast::<f32, i8>(-1.9), -1);
        assert_eq!(cast::<f32, u8>(300.0), 255);
        assert_eq!(cast::<f64, i32>(f64::NAN), 0);
        assert_eq!(cast::<i32, u8>(-1), 255);
        assert_eq!(cast::<f64, bf16>(1.0 + 1.0 / 256.0), bf16::ONE);
        assert!(cast::<f32, bool>(f32::NAN));
        assert_eq!(from_number::<f16>(Number::Bool(true)), f16::ONE);
    }

    /// All finite numbers of a narrow type that are not negative, in order, and the power of two that would follow:
    /// what rounds there is infinite. All are exact in f64.
    fn ladder<T: Element>(from_bits: impl Fn(u16) -> T, infinity: u16) -> Vec<f64> {
        let mut all: Vec<f64> = (0..infinity).map(|bits| to_f64(from_bits(bits))).collect();
        let (last, before) = (all[all.len() - 1], all[all.len() - 2]);
        all.push(last + (last - before));
        all
    }

    /// The place in the ladder of what is nearest to a number, not negative, that `compare` orders exactly with floats.
    fn nearest(ladder: &[f64], compare: impl Fn(f64) -> Ordering) -> u16 {
        let above = ladder.partition_point(|&y| compare(y) != Ordering::Less);
        let Some(&high) = ladder.get(above) else { return ladder.len() as u16 - 1 };
        // The middle has one bit more than its ends: it is exact in f64.
        let low = above - 1;
        match compare(ladder[low] + (high - ladder[low]) / 2.0) {
            Ordering::Less => low as u16,
            Ordering::Equal => (low + low % 2) as u16,
            Ordering::Greater => above as u16,
        }
    }

    /// How a number that is not negative and a finite float of that kind compare, in integers.
    fn compare_ints(i: u128, y: f64) -> Ordering {
        let whole = y.trunc();
        i.cmp(&(whole as u128)).then(if whole < y { Ordering::Less } else { Ordering::Equal })
    }

    /// Numbers of 64 random bits (splitmix).
    fn random(n: u64) -> impl Iterator<Item = u64> {
        (1..=n).map(|i| {
            let mut z = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        })
    }

    /// Casts of floats and integers to a narrow type, against exact comparisons with all its numbers.
    macro_rules! against_exact {
        ($T:ident) => {{
            let infinity = $T::INFINITY.to_bits();
            let ladder = ladder($T::from_bits, infinity);
            let floats = |x: f64| {
                let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
                let want = nearest(&ladder, |y| x.abs().partial_cmp(&y).expect("not NaN"));
                assert_eq!(cast::<f64, $T>(x).to_bits(), sign | want, "{x:e}");
            };
            // At every number, at every tie and right beside them.
            for pair in ladder.windows(2) {
                for x in [pair[0], pair[0] + (pair[1] - pair[0]) / 2.0] {
                    for x in [x, x.next_up(), x.next_down(), x * (1.0 + 1e-9), x * (1.0 - 1e-9)] {
                        floats(x);
                        floats(-x);
                    }
                }
            }
            // Any bits, and such whose exponent the narrow type has.
            for bits in random(100_000) {
                let x = f64::from_bits(bits);
                if x.is_nan() {
                    assert!(cast::<f64, $T>(x).is_nan());
                    continue;
                }
                floats(x);
                floats(f64::from_bits(bits & !(0x7ff << 52) | (1023 - 140 + (bits >> 52) % 270) << 52));
            }
            let integers = |i: i128| {
                let sign = if i < 0 { 0x8000 } else { 0 };
                let want = nearest(&ladder, |y| compare_ints(i.unsigned_abs(), y));
                assert_eq!($T::narrow(Wide::Int(i)).to_bits(), sign | want, "{i}");
                if let Ok(i) = i64::try_from(i) {
                    assert_eq!(cast::<i64, $T>(i).to_bits(), sign | want, "{i}");
                    assert_eq!(from_number::<$T>(Number::Int(i)).to_bits(), sign | want, "{i}");
                }
                if let Ok(i) = u64::try_from(i) {
                    assert_eq!(cast::<u64, $T>(i).to_bits(), want, "{i}");
                }
            };
            for pair in ladder.windows(2).filter(|pair| pair[1] >= 1.0 && pair[1] <= 2f64.powi(126)) {
                for x in [pair[0], pair[0] + (pair[1] - pair[0]) / 2.0] {
                    for i in [x as i128 - 1, x as i128, x as i128 + 1] {
                        integers(i);
                        integers(-i);
                    }
                }
            }
            for bits in random(100_000) {
                let i = (bits as i128) << 64 | bits.reverse_bits() as i128;
                for i in [i, i >> (bits % 127), bits as i128 >> (bits % 61)] {
                    integers(i);
                }
            }
            for i in [i128::MIN, i128::MAX, i64::MIN as i128, i64::MAX as i128, u64::MAX as i128] {
                integers(i);
            }
        }};
    }

    #[test]
    fn casts_to_narrow_floats_round_once() {
        against_exact!(f16);
        against_exact!(bf16);
    }

    #[test]
    fn casts_beside_ties() {
        let two = |exponent: i32| 2f64.powi(exponent);
        // The tie between 1 and the next number, the tie above that one, and both a little off.
        let (f, b) = (two(-11), two(-8));
        for (x, want) in [
            (1.0 + f, 1.0),
            (1.0 + f + two(-50), 1.0 + 2.0 * f),
            (1.0 + f - two(-50), 1.0),
            (1.0 + 3.0 * f, 1.0 + 4.0 * f),
            (1.0 + 3.0 * f - two(-50), 1.0 + 2.0 * f),
            (65520.0, f64::INFINITY),
            (65520.0 - two(-30), 65504.0),
            (-two(-25), -0.0),
            (-two(-25) - two(-70), -two(-24)),
            (f64::MAX, f64::INFINITY),
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
            (f64::MIN_POSITIVE, 0.0),
        ] {
            assert_eq!(to_f64(cast::<f64, f16>(x)).to_bits(), want.to_bits(), "{x:e} to f16");
        }
        for (x, want) in [
            (1.0 + b, 1.0),
            (1.0 + b + two(-50), 1.0 + 2.0 * b),
            (1.0 + b - two(-50), 1.0),
            (1.0 + 3.0 * b, 1.0 + 4.0 * b),
            (1.0 + 3.0 * b - two(-50), 1.0 + 2.0 * b),
            (two(-134), 0.0),
            (two(-134) + two(-180), two(-133)),
            (two(-134) * 3.0 - two(-180), two(-133)),
            (f64::MAX, f64::INFINITY),
        ] {
            assert_eq!(to_f64(cast::<f64, bf16>(x)).to_bits(), want.to_bits(), "{x:e} to bf16");
        }
        for (i, want) in [
            (1i64 << 54 | 1 << 46, two(54)),
            (1 << 54 | 1 << 46 | 1, two(54) + two(47)),
            (-(1 << 54 | 1 << 46 | 1), -two(54) - two(47)),
            ((1 << 24) + (1 << 16) + 1, two(24) + two(17)),
            (i64::MAX, two(63)),
        ] {
            assert_eq!(to_f64(cast::<i64, bf16>(i)), want, "{i} to bf16");
        }
        assert_eq!(cast::<i64, f16>(2049), f16::from_f32(2048.0));
        assert_eq!(cast::<i64, f16>(65519), f16::MAX);
        assert_eq!(cast::<u64, f16>(u64::MAX), f16::INFINITY);
        assert!(cast::<f64, f16>(-f64::NAN).is_nan() && cast::<f64, bf16>(-f64::NAN).is_nan());
    }
}
