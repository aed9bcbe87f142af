//! Data from nothing: numbers stay on the host, counting is a program along one axis.

use super::{Queue, written};
use crate::data::Storage;
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::{Shape, TensorType, Value};
use plywood_kernel::layout::{Layout, Strides};

/// 0, 1, 2, .. along an axis; one row of them, repeated.
pub fn iota<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, axis: usize) -> Value {
    let row = ty.with_shape(Shape::from(&ty.shape[axis..axis + 1]));
    let buffer = queue.empty(&row);
    queue.run(Single::Iota(ty.dtype), &row.shape, 1, vec![written(&buffer, &row)]);
    let mut strides = Strides::from_elem(0, ty.rank());
    strides[axis] = 1;
    queue.value(ty, Layout { strides, offset: 0 }, Storage::Device(buffer))
}
