//! Choosing by a bool, or by a number.

use super::Queue;
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::{DType, TensorType, Value, Values};

/// Inputs: which, and the cases.
pub fn select<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    let which = x[0].dtype();
    let what = match which {
        DType::Bool => Single::Select(ty.dtype),
        _ => Single::Case(which, ty.dtype, (x.len() - 1) as u8),
    };
    queue.map(what, ty, &x)
}
