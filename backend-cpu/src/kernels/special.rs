//! Special functions and their derivatives.

use plywood_core::op::Special;
use plywood_core::{TensorType, Value, Values};

/// Element by element.
pub fn special(_ty: TensorType, _x: Values, _s: Special) -> Value {
    todo!()
}
