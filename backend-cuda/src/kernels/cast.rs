//! To another dtype, by value (a formula) and by bits (a view).

use super::Queue;
use crate::data::{self, Storage};
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::{TensorType, Value};
use plywood_kernel::layout::Layout;

/// By value.
pub fn cast<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value) -> Value {
    match x.dtype() == ty.dtype {
        true => x,
        false => queue.map(Single::Cast(x.dtype(), ty.dtype), ty, &[x]),
    }
}

/// By bits: of another size, along a last axis that comes or goes.
pub fn bitcast<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value) -> Value {
    if let Storage::Number(_) = &data::data(&x).storage {
        let copy = queue.copied(&x);
        return bitcast(queue, ty, copy);
    }
    let (from, to) = (x.dtype().size(), ty.dtype.size());
    if from == to {
        let layout = data::data(&x).layout.clone();
        return queue.view(ty, &x, layout);
    }
    let x = queue.contiguous(x);
    let start = data::data(&x).layout.offset * from;
    match start.is_multiple_of(to) {
        true => {
            let layout = Layout { offset: start / to, ..Layout::row_major(&ty.shape) };
            queue.view(ty, &x, layout)
        }
        false => {
            let copy = queue.copied(&x);
            bitcast(queue, ty, copy)
        }
    }
}
