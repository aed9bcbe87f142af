//! Rearranging: views of the same storage. Only a reshape that no strides express copies.

use crate::data::{CpuData, contiguous, data, value};
use crate::layout::{Layout, Strides};
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
    let CpuData { layout, .. } = data(&x);
    let strides = permutation.iter().map(|&d| layout.strides[d]).collect();
    let layout = Layout { strides, offset: layout.offset };
    view(ty, &x, layout)
}

/// Input axis `i` becomes output axis `axes[i]`; what is repeated has stride 0.
pub fn broadcast(ty: TensorType, x: Value, axes: &[usize]) -> Value {
    let CpuData { layout, .. } = data(&x);
    let mut strides = Strides::from_elem(0, ty.rank());
    for (d, &axis) in axes.iter().enumerate() {
        if x.shape()[d] == ty.shape[axis] {
            strides[axis] = layout.strides[d];
        }
    }
    let layout = Layout { strides, offset: layout.offset };
    view(ty, &x, layout)
}

/// Turns axes round: their strides change sign, and the first element is the last one.
pub fn reverse(ty: TensorType, x: Value, axes: &[usize]) -> Value {
    let mut layout = data(&x).layout.clone();
    if ty.elements() > 0 {
        for &d in axes {
            let last = (ty.shape[d] as isize - 1) * layout.strides[d];
            layout.offset = (layout.offset as isize + last) as usize;
            layout.strides[d] = -layout.strides[d];
        }
    }
    view(ty, &x, layout)
}

/// Every `strides[d]`-th element from `starts[d]` on.
pub fn slice(ty: TensorType, x: Value, slice: &Slice) -> Value {
    let mut layout = data(&x).layout.clone();
    if ty.elements() > 0 {
        for d in 0..ty.rank() {
            let first = slice.starts[d] as isize * layout.strides[d];
            layout.offset = (layout.offset as isize + first) as usize;
            layout.strides[d] *= slice.strides[d] as isize;
        }
    }
    view(ty, &x, layout)
}
