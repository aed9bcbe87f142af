//! Derivatives of functions of one operand. x is the input, y the output; what is cheaper is kept.

use super::{Keep, Pull, T};
use plywood_core::op::{Special, SpecialFunction, Unary};
use plywood_core::{DType, Op, Value};
use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, PI};

pub(super) fn keep(op: Unary) -> Option<Keep> {
    use Unary::*;
    match op {
        Neg => Some(Keep::NOTHING),
        Exp | Exp2 | Expm1 | Sqrt | Cbrt | Tan | Tanh | Logistic | ErfInv => Some(Keep::outputs()),
        Rsqrt => Some(Keep::inputs([0]).and_outputs()),
        Abs | Square | Log | Log1p | Sin | Cos | Asin | Acos | Atan | Sinh | Cosh | Asinh | Acosh | Atanh
        | Erf | Erfc | Lgamma => Some(Keep::inputs([0])),
        BesselI0e | BesselI1e => Some(Keep::inputs([0]).and_outputs()),
        // Constant between their steps: the derivative is zero.
        Sign | Floor | Ceil | Round | RoundEven | IsFinite => None,
    }
}

pub(super) fn vjp(op: Unary, r: &Pull<'_>, ct: T) -> Option<T> {
    use Unary::*;
    Some(match op {
        Neg => -ct,
        // +1 at 0.
        Abs => r.x(0).ge(0).select(&ct, -&ct),
        Square => ct * (2.0 * r.x(0)),
        Exp => ct * r.y(),
        Exp2 => ct * (LN_2 * r.y()),
        Expm1 => ct * (r.y() + 1.0),
        Log => ct / r.x(0),
        Log1p => ct / (r.x(0) + 1.0),
        Sqrt => ct * (0.5 / r.y()),
        Rsqrt => ct * (-0.5 * (r.y() / r.x(0))),
        Cbrt => ct * (r.y().powi(-2) / 3.0),
        Sin => ct * r.x(0).cos(),
        Cos => -(ct * r.x(0).sin()),
        Tan => ct * (1.0 + r.y().square()),
        Asin => ct * (1.0 - r.x(0).square()).rsqrt(),
        Acos => -(ct * (1.0 - r.x(0).square()).rsqrt()),
        Atan => ct / (1.0 + r.x(0).square()),
        Sinh => ct * r.x(0).cosh(),
        Cosh => ct * r.x(0).sinh(),
        Tanh => ct * (1.0 - r.y().square()),
        Asinh => ct * (r.x(0).square() + 1.0).rsqrt(),
        Acosh => ct * ((r.x(0) - 1.0) * (r.x(0) + 1.0)).rsqrt(),
        Atanh => ct / ((1.0 - r.x(0)) * (1.0 + r.x(0))),
        Logistic => ct * (r.y() * (1.0 - r.y())),
        Erf => ct * (FRAC_2_SQRT_PI * (-r.x(0).square()).exp()),
        Erfc => -(ct * (FRAC_2_SQRT_PI * (-r.x(0).square()).exp())),
        Lgamma => ct * digamma(r.x(0)),
        BesselI0e | BesselI1e => bessel(op, r, ct),
        ErfInv => ct * (PI.sqrt() / 2.0 * r.y().square().exp()),
        Sign | Floor | Ceil | Round | RoundEven | IsFinite => return None,
    })
}

pub(super) fn keep_integer_pow(exponent: i32) -> Option<Keep> {
    match exponent {
        0 => None,
        1 => Some(Keep::NOTHING),
        _ => Some(Keep::inputs([0])),
    }
}

/// n x^(n-1).
pub(super) fn integer_pow(n: i32, r: &Pull<'_>, ct: T) -> T {
    match n {
        1 => ct,
        2 => ct * (2.0 * r.x(0)),
        _ => ct * (n * r.x(0).powi(n - 1)),
    }
}

/// Of e^-|x| I₀(x) and e^-|x| I₁(x): differences of numbers near each other, for which 16-bit floats are too short.
fn bessel(op: Unary, r: &Pull<'_>, ct: T) -> T {
    let apply = |op: Unary, x: &T| T::of(x.value().clone().unary(op));
    let dtype = r.x(0).dtype();
    let (x, y) = match dtype.size() {
        2 => {
            let x = r.x(0).cast(DType::F32);
            let y = apply(op, &x);
            (x, y)
        }
        _ => (r.x(0).clone(), r.y().clone()),
    };
    let slope = if op == Unary::BesselI0e {
        apply(Unary::BesselI1e, &x) - x.sign() * y
    } else {
        // I₁(x) / x at 0 is a half.
        let zero = x.eq(0);
        let ratio = zero.select(0.5, &y / zero.select(1, &x));
        apply(Unary::BesselI0e, &x) - x.sign() * y - ratio
    };
    ct * slope.cast(dtype)
}

/// ψ(x), the derivative of log Γ.
fn digamma(x: &T) -> T {
    let op = Op::Special(Special::of(SpecialFunction::Digamma));
    T::of(Value::apply1(op, x.value().clone()))
}
