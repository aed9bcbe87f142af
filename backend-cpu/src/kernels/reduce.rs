//! Reductions.

use plywood_core::op::{ArgReduction, Reduction};
use plywood_core::{TensorType, Value};

pub fn reduce(_ty: TensorType, _x: Value, _kind: Reduction, _axes: &[usize]) -> Value {
    unimplemented!("next")
}
pub fn arg_reduce(_ty: TensorType, _x: Value, _kind: ArgReduction, _axis: usize) -> Value {
    unimplemented!("next")
}
