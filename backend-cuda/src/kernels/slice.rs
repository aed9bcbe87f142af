//! Padding and concatenation: copies into parts of the output. Windows at computed places, read and written.
//!
//! Where a window is, is computed by the kernel that moves it, so that nothing waits for the device. Starts that the host knows
//! anyway, or that can only be 0, are part of a view.

use super::places::{self, Component, Indices, Task, What};
use super::{Queue, along, operand, owned, placed, written};
use crate::data::{self, GpuData, Storage};
use crate::launch::Operand;
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::op::Padding;
use plywood_core::{DType, Shape, TensorType, Value, Values};
use plywood_kernel::Width;
use plywood_kernel::layout::{Layout, Strides, row_major};
use smallvec::SmallVec;

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
        let (low, step) = (p.low, p.interior as isize + 1);
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

/// Inputs: the tensor, one integer scalar an axis.
pub fn dynamic_slice<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    let (whole, scalars) = x.split_first().expect("the shape rule counted the inputs");
    let GpuData { layout, storage, .. } = data::data(whole);
    if ty.elements() == 0 {
        let buffer = queue.empty(&ty);
        return queue.filled(ty, buffer);
    }
    let Storage::Device(from) = storage else {
        return queue.view(ty, whole, layout.clone());
    };
    let (inside, indices) = starts(queue, whole.shape(), &ty.shape, &layout.strides, scalars);
    let offset = (layout.offset as isize + inside) as usize;
    if indices.components.is_empty() {
        return queue.view(ty, whole, Layout { offset, strides: layout.strides.clone() });
    }
    let buffer = queue.empty(&ty);
    let task = Task {
        name: "dynamic_slice",
        what: What::Read(buffer.clone()),
        dtype: ty.dtype,
        buffer: Some(from.clone()),
        offset,
        strides: layout.strides.clone(),
        shape: &ty.shape,
        indices,
    };
    places::launch(queue, task);
    queue.filled(ty, buffer)
}

/// Inputs: the tensor, the update, one integer scalar an axis.
pub fn dynamic_update<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, mut x: Values) -> Value {
    let scalars: Values = x.drain(2..).collect();
    let update = x.pop().expect("the shape rule counted the inputs");
    let whole = x.pop().expect("the shape rule counted the inputs");
    if update.ty().elements() == 0 {
        return whole;
    }
    if update.shape() == whole.shape() {
        return update;
    }
    let strides = row_major(&ty.shape);
    let (inside, indices) = starts(queue, &ty.shape, update.shape(), &strides, &scalars);
    let buffer = owned(queue, whole);
    if indices.components.is_empty() {
        let layout = Layout { strides, offset: inside as usize };
        queue.copy(ty.dtype, update.shape(), operand(&update), placed(&buffer, layout));
        return queue.filled(ty, buffer);
    }
    let task = Task {
        name: "dynamic_update_slice",
        what: What::Write(operand(&update)),
        dtype: ty.dtype,
        buffer: Some(buffer.clone()),
        offset: inside as usize,
        strides,
        shape: update.shape(),
        indices,
    };
    places::launch(queue, task);
    queue.filled(ty, buffer)
}

/// Where a window of `sizes` starts, relative to the first element: what is known of it, and what is read from the device.
fn starts<R: Runtime>(
    queue: &Queue<'_, R>,
    shape: &[usize],
    sizes: &[usize],
    strides: &[isize],
    scalars: &[Value],
) -> (isize, Indices) {
    let (mut inside, mut unknown) = (0, SmallVec::<[(usize, &Value); 4]>::new());
    for (d, scalar) in scalars.iter().enumerate() {
        match &data::data(scalar).storage {
            _ if shape[d] == sizes[d] => {}
            Storage::Number(bytes) => {
                let start = clamped(scalar.dtype(), bytes, shape[d] - sizes[d]);
                inside += start as isize * strides[d];
            }
            Storage::Device(_) => unknown.push((d, scalar)),
        }
    }
    let dtype = scalars.first().map_or(DType::I32, |s| s.dtype());
    let mut indices = Indices {
        dtype,
        lists: SmallVec::new(),
        components: SmallVec::new(),
        strides: Strides::from_elem(0, shape.len()),
        fills: false,
    };
    // As many as a kernel has arguments, besides what is read and what is written; more are brought together first.
    let together = (unknown.len() + 3 > queue.client.facts.bindings)
        .then(|| queue.empty(&TensorType::new([unknown.len()], dtype)));
    indices.lists.extend(together.clone());
    for (i, (d, scalar)) in unknown.into_iter().enumerate() {
        let from = operand(scalar);
        let mut component =
            Component { list: i, offset: from.offset as isize, last: shape[d] - sizes[d], step: strides[d] };
        match (&together, &from.storage) {
            (Some(all), _) => {
                queue.copy(dtype, &[], from, placed(all, Layout { strides: Strides::new(), offset: i }));
                (component.list, component.offset) = (0, i as isize);
            }
            (None, storage) => indices.lists.push(storage.on(queue.client, dtype.size())),
        }
        indices.components.push(component);
    }
    (inside, indices)
}

/// An integer that the host knows, clamped from 0 to `last`.
fn clamped(dtype: DType, bytes: &[u8; 8], last: usize) -> usize {
    let bits = views::lane(dtype, Width::W64, bytes);
    match dtype.is_unsigned() {
        true => bits.min(last as u64) as usize,
        false => (bits as i64).clamp(0, last as i64) as usize,
    }
}
