//! Comparisons: bool, a mask in lanes.

use crate::elementwise::{Family, Formula, run};
use crate::kernel::formulas::compare::formula;
use plywood_core::op::Compare;
use plywood_core::{TensorType, Value, Values};

/// Inputs: two operands of one type.
pub fn compare(ty: TensorType, x: Values, op: Compare) -> Value {
    run(ty, x, Formula::new(Family::Compare, op as u8, &|x| formula(op, x[0], x[1])))
}
