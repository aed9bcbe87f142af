//! Functions of one operand: each a loop, generic over the types that take it.

use crate::dispatch::{floats, integers, numbers};
use crate::elementwise::{map1, run};
use crate::float::{Float, Real};
use crate::math::Num;
use plywood_core::op::Unary;
use plywood_core::{TensorType, Value, Values};

/// A loop over slices.
type Loop = fn(&[&[u8]], &mut [u8]);

/// Input: one operand.
pub fn unary(ty: TensorType, x: Values, op: Unary) -> Value {
    let (work, kernel) = match x[0].dtype() {
        dtype if dtype.is_float() => floats!(dtype, T => of_floats::<T>(op)),
        dtype => integers!(dtype, T => (LIGHT, of_integers::<T>(op))),
    };
    run(ty, x, work, &kernel)
}

/// Nanoseconds of an element: of arithmetic, of a root or a rounding, of a function made of many steps.
const LIGHT: f64 = 0.3;
const ROOT: f64 = 1.0;
const HEAVY: f64 = 8.0;

fn of_integers<T: Num>(op: Unary) -> Loop {
    use Unary::*;
    match op {
        Abs => |x, out| map1(x, out, T::abs),
        Neg => |x, out| map1(x, out, T::neg),
        Sign => |x, out| map1(x, out, T::sign),
        Square => |x, out| map1(x, out, |a: T| a.mul(a)),
        IsFinite | Floor | Ceil | Round | RoundEven | Exp | Exp2 | Expm1 | Log | Log1p | Sqrt | Rsqrt
        | Cbrt | Sin | Cos | Tan | Asin | Acos | Atan | Sinh | Cosh | Tanh | Asinh | Acosh | Atanh
        | Logistic | Erf | ErfInv => unreachable!("the shape rule lets only floats here"),
    }
}

/// The loop of a method of the type that `T` computes in.
macro_rules! wide {
    ($T:ident $method:ident) => {
        |x, out| map1(x, out, |a: $T| $T::narrow(a.wide().$method()))
    };
}

fn of_floats<T: Float>(op: Unary) -> (f64, Loop) {
    match op {
        Unary::Abs => (LIGHT, |x, out| map1(x, out, T::abs)),
        Unary::Neg => (LIGHT, |x, out| map1(x, out, T::neg)),
        Unary::Sign => (LIGHT, |x, out| map1(x, out, T::sign)),
        Unary::Square => (LIGHT, |x, out| map1(x, out, |a: T| a.mul(a))),
        Unary::IsFinite => (LIGHT, |x, out| map1(x, out, |a: T| a.wide().is_finite() as u8)),
        Unary::Floor => (ROOT, wide!(T floor)),
        Unary::Ceil => (ROOT, wide!(T ceil)),
        Unary::Round => (ROOT, wide!(T round)),
        Unary::RoundEven => (ROOT, wide!(T round_even)),
        Unary::Sqrt => (ROOT, wide!(T sqrt)),
        Unary::Rsqrt => (ROOT, wide!(T rsqrt)),
        Unary::Cbrt => (HEAVY, wide!(T cbrt)),
        Unary::Exp => (HEAVY, wide!(T exp)),
        Unary::Exp2 => (HEAVY, wide!(T exp2)),
        Unary::Expm1 => (HEAVY, wide!(T expm1)),
        Unary::Log => (HEAVY, wide!(T log)),
        Unary::Log1p => (HEAVY, wide!(T log1p)),
        Unary::Sin => (HEAVY, wide!(T sin)),
        Unary::Cos => (HEAVY, wide!(T cos)),
        Unary::Tan => (HEAVY, wide!(T tan)),
        Unary::Asin => (HEAVY, wide!(T asin)),
        Unary::Acos => (HEAVY, wide!(T acos)),
        Unary::Atan => (HEAVY, wide!(T atan)),
        Unary::Sinh => (HEAVY, wide!(T sinh)),
        Unary::Cosh => (HEAVY, wide!(T cosh)),
        Unary::Tanh => (HEAVY, wide!(T tanh)),
        Unary::Asinh => (HEAVY, wide!(T asinh)),
        Unary::Acosh => (HEAVY, wide!(T acosh)),
        Unary::Atanh => (HEAVY, wide!(T atanh)),
        Unary::Logistic => (HEAVY, wide!(T logistic)),
        Unary::Erf => (HEAVY, wide!(T erf)),
        Unary::ErfInv => (HEAVY, wide!(T erf_inv)),
    }
}

/// Input: one operand. The power is computed by squaring.
pub fn integer_pow(ty: TensorType, x: Values, exponent: i32) -> Value {
    numbers!(ty.dtype, T => run(ty, x, 1.0, &|x, out| match exponent {
        2 => map1(x, out, |a: T| Num::mul(a, a)),
        _ => map1(x, out, |a: T| Num::powi(a, exponent)),
    }))
}

/// Input: one operand of floats.
pub fn reduce_precision(ty: TensorType, x: Values, exponent_bits: u32, mantissa_bits: u32) -> Value {
    floats!(ty.dtype, T => run(ty, x, 1.0, &|x, out| {
        map1(x, out, |a: T| Float::reduce_precision(a, exponent_bits, mantissa_bits))
    }))
}
