//! Functions of one operand, in lanes.
//!
//! What always holds: a formula is the same on every backend, and of 16-bit floats it is computed in f32 and rounded by
//! whoever stores or goes on with it.

use crate::ir::Rounding;
use crate::{Type, V, math};
use plywood_core::op::Unary;

/// The function of a value in lanes; 16-bit floats compute in f32.
pub fn formula<'b>(op: Unary, x: V<'b>) -> V<'b> {
    match op {
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Sign => sign(x),
        Unary::Square => x * x,
        Unary::Floor => x.round(Rounding::Down),
        Unary::Ceil => x.round(Rounding::Up),
        Unary::Round => round(x),
        Unary::RoundEven => x.round(Rounding::Nearest),
        Unary::IsFinite => x.abs().lt(x.c(f64::INFINITY)),
        Unary::Exp => math::exp(x),
        Unary::Exp2 => math::exp2(x),
        Unary::Expm1 => math::expm1(x),
        Unary::Log => math::log(x),
        Unary::Log1p => math::log1p(x),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => math::rsqrt(x),
        Unary::Cbrt => math::cbrt(x),
        Unary::Sin => math::sin(x),
        Unary::Cos => math::cos(x),
        Unary::Tan => math::tan(x),
        Unary::Asin => math::asin(x),
        Unary::Acos => math::acos(x),
        Unary::Atan => math::atan(x),
        Unary::Sinh => math::sinh(x),
        Unary::Cosh => math::cosh(x),
        Unary::Tanh => math::tanh(x),
        Unary::Asinh => math::asinh(x),
        Unary::Acosh => math::acosh(x),
        Unary::Atanh => math::atanh(x),
        Unary::Logistic => math::logistic(x),
        Unary::Erf => math::erf(x),
        Unary::ErfInv => math::erf_inv(x),
        Unary::Erfc => math::erfc(x),
        Unary::Lgamma => math::lgamma(x),
        Unary::BesselI0e => math::bessel_i0e(x),
        Unary::BesselI1e => math::bessel_i1e(x),
    }
}

/// -1, 0 or 1; NaN and zeros stay.
fn sign<'b>(x: V<'b>) -> V<'b> {
    match x.ty() {
        Type::F32 | Type::F64 => x.abs().gt(x.c(0.0)).select(x.c(1.0).copysign(x), x),
        Type::I32 | Type::I64 => x.max(x.c(-1.0)).min(x.c(1.0)),
        Type::U32 | Type::U64 => x.min(x.c(1.0)),
        Type::Mask => unreachable!("the shape rule lets no bool here"),
    }
}

/// To the nearest integer, halves away from zero: what is cut off is exact.
fn round<'b>(x: V<'b>) -> V<'b> {
    let whole = x.round(Rounding::Zero);
    let far = (x - whole).abs().ge(x.c(0.5));
    far.select(whole + x.c(1.0).copysign(x), whole).copysign(x)
}

/// A power by squaring.
pub fn power<'b>(x: V<'b>, exponent: i32) -> V<'b> {
    let (mut square, mut left) = (x, exponent.unsigned_abs());
    let mut product = None;
    while left > 0 {
        if left & 1 == 1 {
            product = Some(product.map_or(square, |p| p * square));
        }
        left >>= 1;
        if left > 0 {
            square = square * square;
        }
    }
    let power = product.unwrap_or(x.c(1.0));
    if exponent < 0 { x.c(1.0) / power } else { power }
}
