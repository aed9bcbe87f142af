//! Functions of one operand.

use plywood_core::op::Unary;
use plywood_core::{TensorType, Value, Values};

pub fn unary(_ty: TensorType, _x: Values, _op: Unary) -> Value {
    unimplemented!("next")
}
pub fn integer_pow(_ty: TensorType, _x: Values, _exponent: i32) -> Value {
    unimplemented!("next")
}
pub fn reduce_precision(_ty: TensorType, _x: Values, _exponent_bits: u32, _mantissa_bits: u32) -> Value {
    unimplemented!("next")
}
