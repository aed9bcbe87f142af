//! [`GpuData`]: what the engines keep in a value: where its elements lie in a buffer of the device, or the one number that all of them
//! are, which stays on the host until a kernel takes it as an argument.

use crate::client::Client;
use cubecl::prelude::Runtime;
use cubecl::server::Handle;
use plywood_core::{Engine, TensorType, Value};
use plywood_kernel::layout::Layout;

/// A value's data.
#[derive(Clone, Debug)]
pub struct GpuData {
    /// Where the elements lie, relative to the value's shape.
    pub layout: Layout,
    /// The elements.
    pub storage: Storage,
    /// Which of the platform's devices.
    pub device: usize,
}

/// Elements.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In the device's memory.
    Device(Buffer),
    /// One number, by its bytes as an array has them, lowest first.
    Number([u8; 8]),
}

/// Memory of a device. A clone shares it; it goes back to the pool with the last one.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// CubeCL's name for it.
    pub handle: Handle,
    /// Bytes that are meant; there may be a few more.
    pub bytes: usize,
}

/// What the engine keeps in `value`.
pub fn data(value: &Value) -> &GpuData {
    value.data()
}

/// Makes a value.
pub fn value(
    engine: &'static dyn Engine,
    ty: TensorType,
    layout: Layout,
    storage: Storage,
    device: usize,
) -> Value {
    debug_assert_eq!(layout.strides.len(), ty.rank());
    Value::new(engine, ty, GpuData { layout, storage, device })
}

impl Storage {
    /// Memory of the device; a number is put there.
    pub fn on<R: Runtime>(&self, client: &Client<R>, size: usize) -> Buffer {
        match self {
            Storage::Device(buffer) => buffer.clone(),
            Storage::Number(bytes) => client.upload(&bytes[..size]),
        }
    }
}
