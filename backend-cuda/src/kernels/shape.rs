//! Rearranging: views of the same memory. Only a reshape that no strides express copies.

use super::Queue;
use crate::data;
use cubecl::prelude::Runtime;
use plywood_core::op::Slice;
use plywood_core::{TensorType, Value};

/// The same elements in row-major order.
pub fn reshape<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value) -> Value {
    match data::data(&x).layout.reshape(x.shape(), &ty.shape) {
        Some(layout) => queue.view(ty, &x, layout),
        None => {
            let copy = queue.copied(&x);
            reshape(queue, ty, copy)
        }
    }
}

/// Output axis `i` is input axis `permutation[i]`.
pub fn transpose<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value, permutation: &[usize]) -> Value {
    queue.view(ty, &x, data::data(&x).layout.transposed(permutation))
}

/// Input axis `i` becomes output axis `axes[i]`.
pub fn broadcast<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value, axes: &[usize]) -> Value {
    let layout = data::data(&x).layout.broadcast(x.shape(), &ty.shape, axes);
    queue.view(ty, &x, layout)
}

/// Turns axes round.
pub fn reverse<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value, axes: &[usize]) -> Value {
    queue.view(ty, &x, data::data(&x).layout.reversed(x.shape(), axes))
}

/// Every `strides[d]`-th element from `starts[d]` on.
pub fn slice<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value, slice: &Slice) -> Value {
    let layout = data::data(&x).layout.sliced(&ty.shape, slice);
    queue.view(ty, &x, layout)
}
