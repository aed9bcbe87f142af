//! Rearranging: views of the same storage. Only a reshape that no strides express copies.

use crate::data::{CpuData, contiguous, data, value};
use crate::layout::Layout;
use plywood_core::op::Slice;
use plywood_core::{TensorType, Value};

/// The same storage under another layout.
fn view(ty: TensorType, x: &Value, layout: Layout) -> Value {
    value(ty, layout, data(x).storage.clone())
}

/// The same elements in row-major order.
pub fn reshape(ty: TensorType, x: Value) -> Value {
    let CpuData { layout, .. } = data(&x);
    match layout.reshape(x.shape(), &ty.shape) {
        Some(layout) => view(ty, &x, layout),
        None => reshape(ty, contiguous(x)),
    }
}

/// Output axis `i` is input axis `permutation[i]`.
pub fn transpose(ty: TensorType, x: Value, permutation: &[usize]) -> Value {
    let layout = data(&x).layout.transposed(permutation);
    view(ty, &x, layout)
}

/// Input axis `i` becomes output axis `axes[i]`; what is repeated has stride 0.
pub fn broadcast(ty: TensorType, x: Value, axes: &[usize]) -> Value {
    let layout = data(&x).layout.broadcast(x.shape(), &ty.shape, axes);
    view(ty, &x, layout)
}

/// Turns axes round.
pub fn reverse(ty: TensorType, x: Value, axes: &[usize]) -> Value {
    let layout = data(&x).layout.reversed(&ty.shape, axes);
    view(ty, &x, layout)
}

/// Every `strides[d]`-th element from `starts[d]` on.
pub fn slice(ty: TensorType, x: Value, slice: &Slice) -> Value {
    let layout = data(&x).layout.sliced(&ty.shape, slice);
    view(ty, &x, layout)
}
