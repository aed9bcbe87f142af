//! Convolution.

use plywood_core::op::Conv;
use plywood_core::{TensorType, Value, Values};

/// Inputs: the tensor, the kernel.
pub fn conv(_ty: TensorType, _x: Values, _conv: &Conv) -> Value {
    todo!()
}
