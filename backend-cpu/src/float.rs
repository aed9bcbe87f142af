//! Functions of floats: what each float type computes in, and the functions that the standard library lacks.
//!
//! f16 and bf16 compute in f32 and round once. `erf`, and the inverse hyperbolic functions where the standard
//! library's formulas overflow or cancel, come from `libm`; `erf_inv` is Giles' polynomials ("Approximating the erfinv
//! function", 2011), in f32 with the constants and the order of `jax.random.normal`.

use crate::math::Num;
use half::{bf16, f16};

/// A float type in kernels.
pub trait Float: Num {
    /// What it computes in.
    type Wide: Real;
    /// Bits of the mantissa.
    const MANTISSA: u32;
    /// Bits of the exponent.
    const EXPONENT: u32;
    /// To the type it computes in.
    fn wide(self) -> Self::Wide;
    /// Rounded from the type it computes in.
    fn narrow(wide: Self::Wide) -> Self;
    /// The bits, in the lowest places.
    fn bits(self) -> u64;
    /// From such bits.
    fn from_bits(bits: u64) -> Self;
    /// The next float towards `y`; NaN if either is.
    fn next_after(self, y: Self) -> Self;

    /// x^y.
    #[inline(always)]
    fn pow(self, y: Self) -> Self {
        Self::narrow(self.wide().powf(y.wide()))
    }

    /// The angle of the point whose ordinate is `self` and whose abscissa is `x`.
    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        Self::narrow(self.wide().atan2(x.wide()))
    }

    /// To nearest even in a format of fewer bits, and back: too large becomes infinite, subnormal becomes zero.
    #[inline(always)]
    fn reduce_precision(self, exponent_bits: u32, mantissa_bits: u32) -> Self {
        if self.is_nan() {
            return self;
        }
        let mut bits = self.bits();
        let sign = bits & (1 << (Self::EXPONENT + Self::MANTISSA));
        bits ^= sign;
        if mantissa_bits < Self::MANTISSA {
            let dropped = Self::MANTISSA - mantissa_bits;
            let last_kept = bits >> dropped & 1;
            bits = (bits + (1 << (dropped - 1)) - 1 + last_kept) >> dropped << dropped;
        }
        if exponent_bits < Self::EXPONENT {
            let bias = |bits: u32| (1u64 << (bits - 1)) - 1;
            let (own, reduced) = (bias(Self::EXPONENT), bias(exponent_bits));
            let exponent = bits >> Self::MANTISSA;
            if exponent > own + reduced {
                bits = ((1 << Self::EXPONENT) - 1) << Self::MANTISSA;
            } else if exponent <= own - reduced {
                bits = 0;
            }
        }
        Self::from_bits(sign | bits)
    }
}

macro_rules! real { ($($method:ident $std:ident),* ; $($own:ident),*) => {
    /// f32 or f64, with the functions that the operations name.
    pub trait Real: Num {
        $(#[doc = concat!("`", stringify!($method), "` of the standard library.")] fn $method(self) -> Self;)*
        $(#[doc = concat!("`", stringify!($own), "`, which the standard library lacks.")] fn $own(self) -> Self;)*
        /// x^y.
        fn powf(self, y: Self) -> Self;
        /// The angle of the point whose ordinate is `self` and whose abscissa is `x`.
        fn atan2(self, x: Self) -> Self;
        /// Neither infinite nor NaN.
        fn is_finite(self) -> bool;
    }
    real!(@of f32, $($method $std),*);
    real!(@of f64, $($method $std),*);
};
(@of $T:ident, $($method:ident $std:ident),*) => { impl Real for $T {
    $(#[inline(always)] fn $method(self) -> Self { $T::$std(self) })*
    #[inline(always)]
    fn powf(self, y: Self) -> Self { $T::powf(self, y) }
    #[inline(always)]
    fn atan2(self, x: Self) -> Self { $T::atan2(self, x) }
    #[inline(always)]
    fn is_finite(self) -> bool { $T::is_finite(self) }
    #[inline(always)]
    fn rsqrt(self) -> Self { 1.0 / self.sqrt() }
    // e^-|x| is at most 1: nothing overflows, and small results keep all their bits.
    #[inline(always)]
    fn logistic(self) -> Self {
        let e = (-self.abs()).exp();
        (if self < 0.0 { e } else { 1.0 }) / (1.0 + e)
    }
    #[inline(always)]
    fn asinh(self) -> Self { libm::asinh(self as f64) as $T }
    #[inline(always)]
    fn acosh(self) -> Self {
        // Below -1 `libm` rounds its way to the logarithm of a positive number.
        if self < 1.0 { $T::NAN } else { libm::acosh(self as f64) as $T }
    }
    #[inline(always)]
    fn atanh(self) -> Self { libm::atanh(self as f64) as $T }
    #[inline(always)]
    fn erf(self) -> Self { Erf::erf(self) }
    #[inline(always)]
    fn erf_inv(self) -> Self { Erf::erf_inv(self) }
} } }
real! {
    floor floor, ceil ceil, round round, round_even round_ties_even, exp exp, exp2 exp2, expm1 exp_m1, log ln,
    log1p ln_1p, sqrt sqrt, cbrt cbrt, sin sin, cos cos, tan tan, asin asin, acos acos, atan atan, sinh sinh,
    cosh cosh, tanh tanh;
    rsqrt, logistic, asinh, acosh, atanh, erf, erf_inv
}

macro_rules! float { ($($T:ident $Wide:ident $Bits:ident $Signed:ident $exponent:literal $mantissa:literal
    $wide:expr, $narrow:expr;)*) => { $( impl Float for $T {
    type Wide = $Wide;
    const EXPONENT: u32 = $exponent;
    const MANTISSA: u32 = $mantissa;
    #[inline(always)]
    fn wide(self) -> $Wide { $wide(self) }
    #[inline(always)]
    fn narrow(wide: $Wide) -> Self { $narrow(wide) }
    #[inline(always)]
    fn bits(self) -> u64 { self.to_bits() as u64 }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self { $T::from_bits(bits as $Bits) }
    #[inline]
    fn next_after(self, y: Self) -> Self {
        if self.is_nan() || y.is_nan() {
            return $T::NAN;
        }
        if self == y {
            return y;
        }
        let bits = self.to_bits();
        if self == Self::ZERO {
            return $T::from_bits(1).copysign(y);
        }
        // As integers, floats of one sign grow with their magnitude.
        let away = (y > self) == (bits as $Signed > 0);
        $T::from_bits(if away { bits + 1 } else { bits - 1 })
    }
} )* } }
float! {
    f64 f64 u64 i64 11 52 |x| x, |x| x;
    f32 f32 u32 i32 8 23 |x| x, |x| x;
    f16 f32 u16 i16 5 10 f16::to_f32, f16::from_f32;
    bf16 f32 u16 i16 8 7 bf16::to_f32, bf16::from_f32;
}

/// The error function and its inverse, for each type by its own polynomials.
trait Erf {
    fn erf(self) -> Self;
    fn erf_inv(self) -> Self;
}

/// Horner's rule, highest power first.
macro_rules! horner { ($w:expr, $first:literal $(, $c:literal)* $(,)?) => {{
    let w = $w;
    let p = $first;
    $( let p = p * w + $c; )*
    p
}} }

// The published constants, with more digits than an f32 holds.
#[allow(clippy::excessive_precision)]
impl Erf for f32 {
    fn erf(self) -> f32 {
        libm::erff(self)
    }

    fn erf_inv(self) -> f32 {
        if self.abs() == 1.0 {
            return self * f32::INFINITY;
        }
        let w = -(-self * self).ln_1p();
        let p = if w < 5.0 {
            horner!(
                w - 2.5,
                2.81022636e-08,
                3.43273939e-07,
                -3.5233877e-06,
                -4.39150654e-06,
                0.00021858087,
                -0.00125372503,
                -0.00417768164,
                0.246640727,
                1.50140941
            )
        } else {
            horner!(
                w.sqrt() - 3.0,
                -0.000200214257,
                0.000100950558,
                0.00134934322,
                -0.00367342844,
                0.00573950773,
                -0.0076224613,
                0.00943887047,
                1.00167406,
                2.83297682
            )
        };
        p * self
    }
}

#[allow(clippy::excessive_precision)]
impl Erf for f64 {
    fn erf(self) -> f64 {
        libm::erf(self)
    }

    fn erf_inv(self) -> f64 {
        let magnitude = self.abs();
        if magnitude == 1.0 {
            return self * f64::INFINITY;
        }
        // 1 - x² of x near 1 cancels unless it is factored; near 0 its logarithm does unless it is not.
        let w = if magnitude < 0.5 {
            -(-self * self).ln_1p()
        } else {
            -((1.0 - magnitude) * (1.0 + magnitude)).ln()
        };
        let p = if w < 6.25 {
            horner!(
                w - 3.125,
                -3.6444120640178196996e-21,
                -1.685059138182016589e-19,
                1.2858480715256400167e-18,
                1.115787767802518096e-17,
                -1.333171662854620906e-16,
                2.0972767875968561637e-17,
                6.6376381343583238325e-15,
                -4.0545662729752068639e-14,
                -8.1519341976054721522e-14,
                2.6335093153082322977e-12,
                -1.2975133253453532498e-11,
                -5.4154120542946279317e-11,
                1.051212273321532285e-09,
                -4.1126339803469836976e-09,
                -2.9070369957882005086e-08,
                4.2347877827932403518e-07,
                -1.3654692000834678645e-06,
                -1.3882523362786468719e-05,
                0.0001867342080340571352,
                -0.00074070253416626697512,
                -0.0060336708714301490533,
                0.24015818242558961693,
                1.6536545626831027356
            )
        } else if w < 16.0 {
            horner!(
                w.sqrt() - 3.25,
                2.2137376921775787049e-09,
                9.0756561938885390979e-08,
                -2.7517406297064545428e-07,
                1.8239629214389227755e-08,
                1.5027403968909827627e-06,
                -4.013867526981545969e-06,
                2.9234449089955446044e-06,
                1.2475304481671778723e-05,
                -4.7318229009055733981e-05,
                6.8284851459573175448e-05,
                2.4031110387097893999e-05,
                -0.0003550375203628474796,
                0.00095328937973738049703,
                -0.0016882755560235047313,
                0.0024914420961078508066,
                -0.0037512085075692412107,
                0.005370914553590063617,
                1.0052589676941592334,
                3.0838856104922207635
            )
        } else {
            horner!(
                w.sqrt() - 5.0,
                -2.7109920616438573243e-11,
                -2.5556418169965252055e-10,
                1.5076572693500548083e-09,
                -3.7894654401267369937e-09,
                7.6157012080783393804e-09,
                -1.4960026627149240478e-08,
                2.9147953450901080826e-08,
                -6.7711997758452339498e-08,
                2.2900482228026654717e-07,
                -9.9298272942317002539e-07,
                4.5260625972231537039e-06,
                -1.9681778105531670567e-05,
                7.5995277030017761139e-05,
                -0.00021503011930044477347,
                -0.00013871931833623122026,
                1.0103004648645343977,
                4.8499064014085844221
            )
        };
        p * self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn erf_inv_inverts_erf() {
        for i in 1..4000 {
            let x = i as f64 / 4000.0;
            for x in [x, -x, x * 1e-8, 1.0 - x * 1e-9] {
                let back = Real::erf(Real::erf_inv(x));
                assert!((back - x).abs() <= 1e-15 * x.abs(), "{x}: {back}");
            }
            let x = x as f32;
            let back = libm::erf(Real::erf_inv(x) as f64) as f32;
            assert!((back - x).abs() <= 4e-7 * x, "{x}: {back}");
        }
    }

    /// Values computed to 30 digits.
    #[test]
    fn erf_inv_has_known_values() {
        let cases = [
            (0.5, 0.476_936_276_204_469_9),
            (0.1, 0.088_855_990_494_257_7),
            (-0.9, -1.163_087_153_676_674_2),
            (0.99, 1.821_386_367_718_449_5),
            (1.0 - 2f64.powi(-20), 3.465_505_025_803_331),
            (1.0 - 2f64.powi(-40), 5.051_254_085_249_39),
            (1.0 - 2f64.powi(-53), 5.863_584_748_755_168),
            (1e-200, 8.862_269_254_527_58e-201),
        ];
        for (x, want) in cases {
            let got = Real::erf_inv(x);
            assert!((got - want).abs() <= 2e-15 * want.abs(), "{x}: {got} {want}");
        }
        assert_eq!((Real::erf_inv(1f32), Real::erf_inv(-1f64)), (f32::INFINITY, f64::NEG_INFINITY));
        assert!(Real::erf_inv(1.5f64).is_nan() && Real::erf_inv(f32::NAN).is_nan());
    }

    #[test]
    fn the_logistic_function_neither_overflows_nor_flushes() {
        assert_eq!(Real::logistic(f32::NEG_INFINITY), 0.0);
        assert_eq!(Real::logistic(f32::INFINITY), 1.0);
        assert_eq!(Real::logistic(0f64), 0.5);
        assert_eq!(Real::logistic(-100f32), (-100f32).exp());
        assert!(Real::logistic(-100f32) > 0.0 && Real::logistic(-740f64) > 0.0);
        assert!(Real::logistic(f32::NAN).is_nan());
    }
}
