//! Functions of one operand, by their formulas, and the loops of what no vector unit computes.

use crate::dispatch::floats;
use crate::elementwise::{Family, Formula, map1, run, run_loop};
use crate::float::Float;
use crate::kernel::formulas::unary::{formula, power};
use plywood_core::op::Unary;
use plywood_core::{TensorType, Value, Values};

/// Input: one operand.
pub fn unary(ty: TensorType, x: Values, op: Unary) -> Value {
    run(ty, x, Formula::new(Family::Unary, op as u8, &|x| formula(op, x[0])))
}

/// Input: one operand. The power is computed by squaring.
pub fn integer_pow(ty: TensorType, x: Values, exponent: i32) -> Value {
    let attribute = exponent as u32;
    run(ty, x, Formula { attribute, ..Formula::new(Family::Unary, 254, &|x| power(x[0], exponent)) })
}

/// Input: one operand of floats.
pub fn reduce_precision(ty: TensorType, x: Values, exponent_bits: u32, mantissa_bits: u32) -> Value {
    floats!(ty.dtype, T => run_loop(ty, x, 1.0, &|x, out| {
        map1(x, out, |a: T| Float::reduce_precision(a, exponent_bits, mantissa_bits))
    }))
}
