//! Running reductions.

use plywood_core::op::Cumulation;
use plywood_core::{TensorType, Value};

/// Each element with all before it along `axis`, or all behind it.
pub fn cumulative(_ty: TensorType, _x: Value, _kind: Cumulation, _axis: usize, _reverse: bool) -> Value {
    todo!()
}
