//! Derivatives of samples by the parameters of their distributions.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{Random, Special, SpecialFunction};
use plywood_core::{DType, Op, Value};
use smallvec::smallvec;

pub(super) fn keep(random: &Random) -> Option<Keep> {
    match random {
        Random::Gamma { .. } => Some(Keep::inputs([1]).and_outputs()),
        // Bits, integers, and floats without a parameter.
        Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } => None,
        Random::Poisson { .. } | Random::Split { .. } | Random::FoldIn => None,
    }
}

pub(super) fn vjp(random: &Random, r: &Pull<'_>, ct: T) -> Gradients {
    match random {
        Random::Gamma { dtype, log, .. } => {
            let (a, y) = (r.x(1).cast(wide(*dtype)), r.y().cast(wide(*dtype)));
            let slope = if *log { log_gamma(&a, &y) } else { gamma(&a, &y) };
            smallvec![None, Some(ct * slope.cast(*dtype))]
        }
        Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } => {
            unreachable!("{}: `keep` says that no derivative passes", random.name())
        }
        Random::Poisson { .. } | Random::Split { .. } | Random::FoldIn => {
            unreachable!("{}: `keep` says that no derivative passes", random.name())
        }
    }
}

/// 16-bit floats do not hold the quotients.
fn wide(dtype: DType) -> DType {
    if dtype.size() == 2 { DType::F32 } else { dtype }
}

/// A derivative of P(a, x).
fn igamma(orders: [u8; 3], a: &T, x: &T) -> T {
    let op = Op::Special(Special { function: SpecialFunction::Igamma, orders });
    T::of(Value::apply2(op, a.value().clone(), x.value().clone()))
}

/// dx/da where the sample moves so that P(a, x) stays: -∂P/∂a / ∂P/∂x.
fn gamma(a: &T, x: &T) -> T {
    let density = igamma([0, 1, 0], a, x);
    // A sample that has become 0 stays there.
    let none = x.le(0);
    none.select(0, -igamma([1, 0, 0], a, x) / none.select(1, density))
}

/// The same of log x. Where x is so small that P is x^a / Γ(a + 1), it is (ψ(a + 1) - log x) / a, whether or not x is a
/// number of the dtype.
fn log_gamma(a: &T, log: &T) -> T {
    let small = log.lt(-50);
    let x = small.select(1, log).exp();
    let usual = -igamma([1, 0, 0], a, &x) / (&x * igamma([0, 1, 0], a, &x));
    let digamma = Op::Special(Special::of(SpecialFunction::Digamma));
    let limit = (T::of(Value::apply1(digamma, (a + 1).value().clone())) - log) / a;
    small.select(limit, usual)
}
