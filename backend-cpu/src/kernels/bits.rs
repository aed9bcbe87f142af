//! Bits of integers, and the logic of bool.

use crate::elementwise::{Family, Formula, run};
use crate::kernel::formulas::bits::formula;
use plywood_core::op::Bits;
use plywood_core::{TensorType, Value, Values};

/// Inputs: one or two operands.
pub fn bits(ty: TensorType, x: Values, op: Bits) -> Value {
    let dtype = ty.dtype;
    run(ty, x, Formula::new(Family::Bits, op as u8, &|x| formula(op, dtype, x)))
}
