//! Cutting out and putting together at computed places; padding; concatenation.

use plywood_core::op::Padding;
use plywood_core::{TensorType, Value, Values};

/// Inputs: the tensor, one integer scalar an axis.
pub fn dynamic_slice(_ty: TensorType, _x: Values) -> Value {
    unimplemented!("written on the branch kernels")
}

/// Inputs: the tensor, the update, one integer scalar an axis.
pub fn dynamic_update(_ty: TensorType, _x: Values) -> Value {
    unimplemented!("written on the branch kernels")
}

/// Inputs: the tensor, the scalar.
pub fn pad(_ty: TensorType, _x: Values, _padding: &[Padding]) -> Value {
    unimplemented!("written on the branch kernels")
}

/// Inputs: the tensors.
pub fn concatenate(_ty: TensorType, _x: Values, _axis: usize) -> Value {
    unimplemented!("written on the branch kernels")
}
