//! The kernels of the operations, a file for each family, by the same name as everywhere. What is element-wise has none: it is a
//! formula. Families whose places are computed share [`places`]; where updates meet, [`combine`] and [`order`] keep them in order.

pub mod cast;
pub mod combine;
pub mod control;
pub mod conv;
pub mod create;
pub mod cumulative;
pub mod dot;
pub mod fft;
pub mod gather;
pub mod linalg;
#[cfg(feature = "matmul")]
pub mod matmul;
pub mod order;
pub mod places;
pub mod random;
pub mod reduce;
pub mod remainder;
pub mod scatter;
pub mod select;
pub mod shape;
pub mod slice;
pub mod sort;
pub mod special;
pub mod window;

use crate::client::Client;
use crate::data::{self, Buffer, GpuData, Storage, value};
use crate::launch::{Job, Operand, launch};
use crate::programs::{Single, single};
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::{Array, DType, Engine, Error, TensorType, Value};
use plywood_kernel::layout::{Layout, Strides};

/// A device's queue, as kernels use it.
pub struct Queue<'a, R: Runtime> {
    /// The device.
    pub client: &'a Client<R>,
    /// Whose values these are.
    pub engine: &'static dyn Engine,
}

impl<R: Runtime> Queue<'_, R> {
    /// A value of that layout.
    pub fn value(&self, ty: TensorType, layout: Layout, storage: Storage) -> Value {
        value(self.engine, ty, layout, storage, self.client.device.index)
    }

    /// A value that fills a buffer in row-major order.
    pub fn filled(&self, ty: TensorType, buffer: Buffer) -> Value {
        let layout = Layout::row_major(&ty.shape);
        self.value(ty, layout, Storage::Device(buffer))
    }

    /// The same memory under another layout.
    pub fn view(&self, ty: TensorType, x: &Value, layout: Layout) -> Value {
        self.value(ty, layout, data::data(x).storage.clone())
    }

    /// Memory for a type.
    pub fn empty(&self, ty: &TensorType) -> Buffer {
        self.client.empty(ty.bytes())
    }

    /// One number everywhere.
    pub fn number(&self, ty: TensorType, bytes: [u8; 8]) -> Value {
        let layout = Layout::constant(ty.rank());
        self.value(ty, layout, Storage::Number(bytes))
    }

    /// A host array's elements, on the device.
    pub fn upload(&self, array: &Array) -> Value {
        match views::only(array) {
            Some(bytes) => self.number(array.ty(), bytes),
            None => self.filled(array.ty(), self.client.upload(views::bytes(array))),
        }
    }

    /// The data of a value, once everything before is done.
    pub fn read(&self, x: &Value) -> Result<Array, Error> {
        if let Storage::Number(bytes) = &data::data(x).storage {
            let (n, size) = (x.ty().elements(), x.dtype().size());
            return Ok(views::array(x.ty(), &bytes[..size].repeat(n)));
        }
        let x = match &data::data(x).storage {
            // Of a small part of a buffer, no more than that is brought.
            Storage::Device(buffer) if buffer.bytes > x.ty().bytes() => self.copied(x),
            Storage::Device(_) | Storage::Number(_) => self.contiguous(x.clone()),
        };
        let GpuData { storage: Storage::Device(buffer), layout, .. } = data::data(&x) else {
            unreachable!("it is in order, in memory")
        };
        let bytes = self.client.download(buffer)?;
        let start = layout.offset * x.dtype().size();
        Ok(views::array(x.ty(), &bytes[start..start + x.ty().bytes()]))
    }

    /// The elements in row-major order, in memory: the value itself, or a copy.
    pub fn contiguous(&self, x: Value) -> Value {
        let GpuData { layout, storage, .. } = data::data(&x);
        match storage {
            Storage::Device(_) if layout.is_contiguous(x.shape()) => x,
            Storage::Device(_) | Storage::Number(_) => self.copied(&x),
        }
    }

    /// A copy in row-major order, at the start of a buffer of its own.
    pub fn copied(&self, x: &Value) -> Value {
        let buffer = self.empty(x.ty());
        self.copy(x.dtype(), x.shape(), operand(x), written(&buffer, x.ty()));
        self.filled(x.ty().clone(), buffer)
    }

    /// Copies elements from one place to another.
    pub fn copy(&self, dtype: DType, shape: &[usize], from: Operand, to: Operand) {
        self.run(Single::Copy(dtype), shape, 0, vec![from, to]);
    }

    /// Queues a single operation's program over a domain, whose last `columns` axes are columns.
    pub fn run(&self, what: Single, shape: &[usize], columns: usize, operands: Vec<Operand>) {
        launch(self.client, &Job { program: single(what), shape, columns, operands });
    }

    /// An operation element by element.
    pub fn map(&self, what: Single, ty: TensorType, inputs: &[Value]) -> Value {
        let buffer = self.empty(&ty);
        let operands = inputs.iter().map(operand).chain([written(&buffer, &ty)]).collect();
        self.run(what, &ty.shape, 0, operands);
        self.filled(ty, buffer)
    }
}

/// A buffer that holds the elements in row-major order and that nobody else holds: the value's own, or a copy. For kernels that
/// change a part of an input.
pub fn owned<R: Runtime>(queue: &Queue<'_, R>, mut x: Value) -> Buffer {
    let shape = x.shape().clone();
    if let Some(GpuData { storage: Storage::Device(buffer), layout, .. }) = x.data_mut::<GpuData>()
        && layout.offset == 0
        && layout.is_contiguous(&shape)
        && queue.client.is_last(buffer)
    {
        return buffer.clone();
    }
    let buffer = queue.empty(x.ty());
    queue.copy(x.dtype(), x.shape(), operand(&x), written(&buffer, x.ty()));
    buffer
}

/// A value as it lies.
pub fn operand(x: &Value) -> Operand {
    let GpuData { layout, storage, .. } = data::data(x);
    Operand { storage: storage.clone(), offset: layout.offset, strides: layout.strides.clone() }
}

/// A buffer that is filled in row-major order.
pub fn written(buffer: &Buffer, ty: &TensorType) -> Operand {
    placed(buffer, Layout::row_major(&ty.shape))
}

/// A buffer's elements by a layout.
pub fn placed(buffer: &Buffer, layout: Layout) -> Operand {
    Operand { storage: Storage::Device(buffer.clone()), offset: layout.offset, strides: layout.strides }
}

/// For each axis of a domain the stride of the operand's axis that goes along it; 0 where none does.
pub fn along(x: &Value, axes: impl IntoIterator<Item = Option<usize>>) -> Operand {
    let from = operand(x);
    let strides: Strides = axes.into_iter().map(|d| d.map_or(0, |d| from.strides[d])).collect();
    Operand { strides, ..from }
}
