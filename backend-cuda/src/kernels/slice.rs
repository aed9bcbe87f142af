//! Padding and concatenation: copies into parts of the output.

use super::{Queue, along, operand, placed, written};
use crate::data;
use crate::launch::Operand;
use cubecl::prelude::Runtime;
use plywood_core::op::Padding;
use plywood_core::{Shape, TensorType, Value, Values};
use plywood_kernel::layout::{Layout, row_major};

/// Inputs: the tensor, the scalar. The scalar everywhere, then the tensor in its place.
pub fn pad<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, padding: &[Padding]) -> Value {
    let buffer = queue.empty(&ty);
    queue.copy(ty.dtype, &ty.shape, along(&x[1], ty.shape.iter().map(|_| None)), written(&buffer, &ty));
    if let Some((shape, from, to)) = inside(&x[0], &ty, padding) {
        let from = Operand { offset: from.offset, strides: from.strides, ..operand(&x[0]) };
        queue.copy(ty.dtype, &shape, from, placed(&buffer, to));
    }
    queue.filled(ty, buffer)
}

/// A tensor with this number round it, and between its elements; itself where there is no padding.
pub fn padded<R: Runtime>(queue: &Queue<'_, R>, x: Value, padding: &[Padding], number: [u8; 8]) -> Value {
    if padding.iter().all(|p| p.low == 0 && p.high == 0 && p.interior == 0) {
        return x;
    }
    let size = |(p, &n): (&Padding, &usize)| usize::try_from(p.size(n)).expect("the shape rule found it");
    let shape: Shape = padding.iter().zip(x.shape().iter()).map(size).collect();
    let number = queue.number(TensorType::scalar(x.dtype()), number);
    pad(queue, x.ty().with_shape(shape), [x, number].into_iter().collect(), padding)
}

/// The part of a tensor that a padding leaves: its shape, where it lies, and where it goes.
fn inside(x: &Value, ty: &TensorType, padding: &[Padding]) -> Option<(Vec<usize>, Layout, Layout)> {
    let (mut from, mut to) = (data::data(x).layout.clone(), Layout::row_major(&ty.shape));
    let mut shape = Vec::new();
    for (d, p) in padding.iter().enumerate() {
        let (low, step) = (p.low as isize, p.interior as isize + 1);
        // Elements i with 0 <= low + i step < size.
        let first = if low < 0 { (-low + step - 1) / step } else { 0 };
        let last = (ty.shape[d] as isize - 1 - low).div_euclid(step).min(x.shape()[d] as isize - 1);
        if last < first {
            return None;
        }
        shape.push((last - first + 1) as usize);
        from.offset = (from.offset as isize + first * from.strides[d]) as usize;
        to.offset = (to.offset as isize + (low + first * step) * to.strides[d]) as usize;
        to.strides[d] *= step;
    }
    Some((shape, from, to))
}

/// One after another along an axis.
pub fn concatenate<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, axis: usize) -> Value {
    let buffer = queue.empty(&ty);
    let strides = row_major(&ty.shape);
    let mut start = 0;
    for x in &x {
        let layout = Layout { strides: strides.clone(), offset: start * strides[axis] as usize };
        queue.copy(ty.dtype, x.shape(), operand(x), placed(&buffer, layout));
        start += x.shape()[axis];
    }
    queue.filled(ty, buffer)
}
