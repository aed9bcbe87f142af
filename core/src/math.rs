//! Elementary and special functions by value: `grad(math::tanh)`, and a tensor that is moved in may be overwritten.
//!
//! Each is the method of the same name.

mod special;

pub use special::*;

use crate::op::Unary;
use crate::{Backend, Tensor};

/// |x|.
#[track_caller]
pub fn abs<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Abs))
}

/// -1, 0 or 1 by the sign; NaN stays NaN.
#[track_caller]
pub fn sign<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Sign))
}

/// x².
#[track_caller]
pub fn square<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Square))
}

/// The largest integer not above x.
#[track_caller]
pub fn floor<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Floor))
}

/// The smallest integer not below x.
#[track_caller]
pub fn ceil<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Ceil))
}

/// The nearest integer, halves to the even one, as NumPy rounds.
#[track_caller]
pub fn round<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::RoundEven))
}

/// The nearest integer, halves away from zero, as `f32::round`.
#[track_caller]
pub fn round_half_away<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Round))
}

/// Whether x is neither infinite nor NaN, as bool.
#[track_caller]
pub fn is_finite<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::IsFinite))
}

/// e^x.
#[track_caller]
pub fn exp<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Exp))
}

/// 2^x.
#[track_caller]
pub fn exp2<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Exp2))
}

/// e^x - 1, exact near 0.
#[track_caller]
pub fn expm1<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Expm1))
}

/// The natural logarithm; -inf at 0, NaN below.
#[track_caller]
pub fn log<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Log))
}

/// log(1 + x), exact near 0.
#[track_caller]
pub fn log1p<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Log1p))
}

/// The square root; NaN below 0.
#[track_caller]
pub fn sqrt<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Sqrt))
}

/// 1 / sqrt(x).
#[track_caller]
pub fn rsqrt<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Rsqrt))
}

/// The cube root.
#[track_caller]
pub fn cbrt<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Cbrt))
}

/// The sine of x in radians.
#[track_caller]
pub fn sin<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Sin))
}

/// The cosine of x in radians.
#[track_caller]
pub fn cos<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Cos))
}

/// The tangent of x in radians.
#[track_caller]
pub fn tan<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Tan))
}

/// The inverse sine, in [-π/2, π/2].
#[track_caller]
pub fn asin<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Asin))
}

/// The inverse cosine, in [0, π].
#[track_caller]
pub fn acos<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Acos))
}

/// The inverse tangent, in (-π/2, π/2).
#[track_caller]
pub fn atan<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Atan))
}

/// The hyperbolic sine.
#[track_caller]
pub fn sinh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Sinh))
}

/// The hyperbolic cosine.
#[track_caller]
pub fn cosh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Cosh))
}

/// The hyperbolic tangent.
#[track_caller]
pub fn tanh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Tanh))
}

/// The inverse hyperbolic sine.
#[track_caller]
pub fn asinh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Asinh))
}

/// The inverse hyperbolic cosine; NaN below 1.
#[track_caller]
pub fn acosh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Acosh))
}

/// The inverse hyperbolic tangent; NaN outside [-1, 1].
#[track_caller]
pub fn atanh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Atanh))
}

/// The logistic function (sigmoid), 1 / (1 + e^-x).
#[track_caller]
pub fn logistic<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Logistic))
}

/// The error function, 2/√π ∫₀ˣ e^(-t²) dt.
#[track_caller]
pub fn erf<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Erf))
}

/// The inverse of the error function; ±inf at ±1, NaN beyond.
#[track_caller]
pub fn erf_inv<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::ErfInv))
}

/// The logistic function, by its other name.
#[track_caller]
pub fn sigmoid<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    logistic(x)
}

/// max(x, 0); its derivative at 0 is 0.
#[track_caller]
pub fn relu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.relu()
}

/// The value itself, a constant to derivatives at every level.
#[track_caller]
pub fn stop_gradient<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().stop_gradient())
}
