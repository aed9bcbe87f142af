//! Element-wise functions of one tensor: the same shape; floats stay of their type, integers and bool are computed in f32
//! (`abs`, `sign`, `square`, negation and the roundings keep integers).

use super::Tensor;
use crate::Backend;
use crate::op::Unary;

impl<B: Backend> Tensor<B> {
    /// |x|.
    #[track_caller]
    pub fn abs(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Abs))
    }

    /// -1, 0 or 1 by the sign; NaN stays NaN.
    #[track_caller]
    pub fn sign(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Sign))
    }

    /// x².
    #[track_caller]
    pub fn square(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Square))
    }

    /// The largest integer not above x.
    #[track_caller]
    pub fn floor(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Floor))
    }

    /// The smallest integer not below x.
    #[track_caller]
    pub fn ceil(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Ceil))
    }

    /// The nearest integer, halves to the even one, as NumPy rounds.
    #[track_caller]
    pub fn round(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::RoundEven))
    }

    /// The nearest integer, halves away from zero, as `f32::round`.
    #[track_caller]
    pub fn round_half_away(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Round))
    }

    /// Whether x is neither infinite nor NaN, as bool.
    #[track_caller]
    pub fn is_finite(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::IsFinite))
    }

    /// e^x.
    #[track_caller]
    pub fn exp(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Exp))
    }

    /// 2^x.
    #[track_caller]
    pub fn exp2(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Exp2))
    }

    /// e^x - 1, exact near 0.
    #[track_caller]
    pub fn expm1(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Expm1))
    }

    /// The natural logarithm; -inf at 0, NaN below.
    #[track_caller]
    pub fn log(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Log))
    }

    /// log(1 + x), exact near 0.
    #[track_caller]
    pub fn log1p(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Log1p))
    }

    /// The square root; NaN below 0.
    #[track_caller]
    pub fn sqrt(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Sqrt))
    }

    /// 1 / sqrt(x).
    #[track_caller]
    pub fn rsqrt(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Rsqrt))
    }

    /// The cube root.
    #[track_caller]
    pub fn cbrt(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Cbrt))
    }

    /// The sine of x in radians.
    #[track_caller]
    pub fn sin(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Sin))
    }

    /// The cosine of x in radians.
    #[track_caller]
    pub fn cos(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Cos))
    }

    /// The tangent of x in radians.
    #[track_caller]
    pub fn tan(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Tan))
    }

    /// The inverse sine, in [-π/2, π/2].
    #[track_caller]
    pub fn asin(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Asin))
    }

    /// The inverse cosine, in [0, π].
    #[track_caller]
    pub fn acos(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Acos))
    }

    /// The inverse tangent, in (-π/2, π/2).
    #[track_caller]
    pub fn atan(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Atan))
    }

    /// The hyperbolic sine.
    #[track_caller]
    pub fn sinh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Sinh))
    }

    /// The hyperbolic cosine.
    #[track_caller]
    pub fn cosh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Cosh))
    }

    /// The hyperbolic tangent.
    #[track_caller]
    pub fn tanh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Tanh))
    }

    /// The inverse hyperbolic sine.
    #[track_caller]
    pub fn asinh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Asinh))
    }

    /// The inverse hyperbolic cosine; NaN below 1.
    #[track_caller]
    pub fn acosh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Acosh))
    }

    /// The inverse hyperbolic tangent; NaN outside [-1, 1].
    #[track_caller]
    pub fn atanh(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Atanh))
    }

    /// The logistic function (sigmoid), 1 / (1 + e^-x).
    #[track_caller]
    pub fn logistic(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Logistic))
    }

    /// The error function, 2/√π ∫₀ˣ e^(-t²) dt.
    #[track_caller]
    pub fn erf(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Erf))
    }

    /// The inverse of the error function; ±inf at ±1, NaN beyond.
    #[track_caller]
    pub fn erf_inv(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::ErfInv))
    }

    /// The logistic function, by its other name.
    #[track_caller]
    pub fn sigmoid(&self) -> Self {
        self.logistic()
    }

    /// 1 / x.
    #[track_caller]
    pub fn reciprocal(&self) -> Self {
        1.0 / self
    }

    /// x to an integer power: exact at 0, where a float power has no derivative.
    #[track_caller]
    pub fn powi(&self, exponent: i32) -> Self {
        Self::of(self.value.clone().integer_pow(exponent))
    }

    /// Whether x is NaN, as bool.
    #[track_caller]
    pub fn is_nan(&self) -> Self {
        self.ne(self)
    }

    /// Whether x is infinite, as bool.
    #[track_caller]
    pub fn is_inf(&self) -> Self {
        self.abs().eq(f64::INFINITY)
    }

    /// Whether x is inf, as bool.
    #[track_caller]
    pub fn is_posinf(&self) -> Self {
        self.eq(f64::INFINITY)
    }

    /// Whether x is -inf, as bool.
    #[track_caller]
    pub fn is_neginf(&self) -> Self {
        self.eq(f64::NEG_INFINITY)
    }

    /// The logarithm of base 2.
    #[track_caller]
    pub fn log2(&self) -> Self {
        self.log() / std::f64::consts::LN_2
    }

    /// The logarithm of base 10.
    #[track_caller]
    pub fn log10(&self) -> Self {
        self.log() * std::f64::consts::LOG10_E
    }

    /// The integer part: rounded towards 0.
    #[track_caller]
    pub fn trunc(&self) -> Self {
        self.lt(0).select(self.ceil(), self.floor())
    }

    /// The fractional and the integer part, both with the sign of x. Of integers and bool in f32.
    #[track_caller]
    pub fn modf(&self) -> (Self, Self) {
        let x = self.cast(self.dtype().to_float());
        let whole = x.trunc();
        (x - &whole, whole)
    }

    /// Rounded to so many decimals, halves to even; -1 rounds to tens. Integers stay where `decimals` is not negative.
    #[track_caller]
    pub fn round_to(&self, decimals: i32) -> Self {
        if !self.dtype().is_float() {
            assert!(decimals >= 0, "round_to: {decimals} decimals of {}: cast it to a float", self.dtype());
            return self.clone();
        }
        // Half precision would overflow or lose the digits in between.
        let wide = if self.dtype().size() < 4 { crate::DType::F32 } else { self.dtype() };
        let factor = 10f64.powi(decimals);
        ((self.cast(wide) * factor).round() / factor).cast(self.dtype())
    }

    /// NaN replaced by 0, the infinities by the largest and the lowest number of the dtype.
    #[track_caller]
    pub fn nan_to_num(&self) -> Self {
        let largest = match self.dtype() {
            crate::DType::F64 => f64::MAX,
            crate::DType::F32 => f32::MAX as f64,
            crate::DType::F16 => half::f16::MAX.to_f64(),
            crate::DType::BF16 => half::bf16::MAX.to_f64(),
            _ => return self.clone(),
        };
        self.nan_to_num_with(0.0, largest, -largest)
    }

    /// NaN, inf and -inf replaced by these numbers.
    #[track_caller]
    pub fn nan_to_num_with(&self, nan: f64, posinf: f64, neginf: f64) -> Self {
        if !self.dtype().is_float() {
            return self.clone();
        }
        let x = self.is_nan().select(nan, self);
        let x = self.is_posinf().select(posinf, x);
        self.is_neginf().select(neginf, x)
    }

    /// Whether the sign is negative, as bool: of -0 and of NaN by its bit.
    #[track_caller]
    pub fn signbit(&self) -> Self {
        let bits = match self.dtype() {
            crate::DType::F64 => self.stop_gradient().bitcast(crate::DType::I64),
            crate::DType::F32 => self.stop_gradient().bitcast(crate::DType::I32),
            crate::DType::F16 | crate::DType::BF16 => self.stop_gradient().bitcast(crate::DType::I16),
            _ => self.clone(),
        };
        bits.lt(0)
    }

    /// From degrees to radians.
    #[track_caller]
    pub fn deg2rad(&self) -> Self {
        self.cast(self.dtype().to_float()) * (std::f64::consts::PI / 180.0)
    }

    /// From radians to degrees.
    #[track_caller]
    pub fn rad2deg(&self) -> Self {
        self.cast(self.dtype().to_float()) * (180.0 / std::f64::consts::PI)
    }

    /// sin(πx) / (πx), and 1 at 0.
    #[track_caller]
    pub fn sinc(&self) -> Self {
        let x = self.cast(self.dtype().to_float()) * std::f64::consts::PI;
        let zero = x.eq(0);
        let safe = zero.select(1, &x);
        let square = x.square();
        // At 0 its series, for the sake of derivatives.
        let series = 1 - &square / 6 + square.square() / 120;
        zero.select(series, safe.sin() / safe)
    }

    /// Rounds to a float format of these bits, and back: what a narrower type would keep.
    #[track_caller]
    pub fn reduce_precision(&self, exponent_bits: u32, mantissa_bits: u32) -> Self {
        let op = crate::Op::ReducePrecision { exponent_bits, mantissa_bits };
        Self::of(crate::Value::apply1(op, self.value.clone()))
    }

    /// max(x, 0); its derivative at 0 is 0.
    #[track_caller]
    pub fn relu(&self) -> Self {
        self.gt(0).select(self, 0)
    }

    /// The number of bits set; of integers.
    #[track_caller]
    pub fn population_count(&self) -> Self {
        Self::of(crate::Value::apply1(crate::Op::Bits(crate::op::Bits::PopulationCount), self.value.clone()))
    }

    /// The number of zero bits above the highest one that is set; of integers.
    #[track_caller]
    pub fn leading_zeros(&self) -> Self {
        Self::of(crate::Value::apply1(
            crate::Op::Bits(crate::op::Bits::CountLeadingZeros),
            self.value.clone(),
        ))
    }

    /// The value itself, a constant to derivatives at every level.
    #[track_caller]
    pub fn stop_gradient(&self) -> Self {
        Self::of(self.value.clone().stop_gradient())
    }
}
