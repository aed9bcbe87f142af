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
