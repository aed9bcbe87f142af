//! Plywood's core: what every layer and every device is built on.
//!
//! Operations are data ([`Op`]); an [`Engine`] executes them; a [`Value`] carries its type, its engine and that
//! engine's data; a [`Tensor`] is a value branded with its [`Backend`]. Users see tensors; layers are ordinary code
//! over values, compiled once.

mod array;
pub mod at;
mod backend;
pub mod convert;
mod device;
mod display;
mod dtype;
mod dynamic;
mod error;
mod number;
pub mod op;
pub mod shape;
mod types;
pub mod value;

pub use array::Array;
pub use backend::{Backend, DeviceBackend, Engine, Layer, Step, Values};
pub use device::Device;
pub use dtype::{DType, Element, Elements};
pub use dynamic::Dyn;
pub use error::Error;
pub use number::{Number, Scalar};
pub use op::{Op, OpKind};
pub use shape::{IntoAxes, IntoShape, Shape};
pub use types::TensorType;
pub use value::{Operand, Value};

#[doc(hidden)]
pub use half;
