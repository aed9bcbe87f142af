//! Plywood's core: what every layer and every device is built on.
//!
//! Operations are data ([`Op`]); an [`Engine`] executes them; a [`Value`] carries its type, its engine and that
//! engine's data; a [`Tensor`] is a value branded with its [`Backend`]. Users see tensors; layers are ordinary code
//! over values, compiled once.

mod array;
pub mod at;
pub mod axis;
mod backend;
pub mod collective;
pub mod control;
pub mod convert;
mod device;
mod display;
mod dtype;
mod dynamic;
mod error;
pub mod explain;
pub mod fft;
mod function;
mod graph;
mod library;
pub mod linalg;
pub mod math;
pub mod nn;
mod number;
pub mod op;
pub mod random;
pub mod record;
pub mod shape;
mod tensor;
pub mod tree;
mod types;
pub mod value;
mod varying;

pub use array::Array;
pub use backend::{Backend, DeviceBackend, Engine, Layer, Step, Values};
pub use device::Device;
pub use dtype::{DType, Element, Elements};
pub use dynamic::Dyn;
pub use error::Error;
pub use explain::{ExplainedOp, ExplainedStep, Explanation, Flops, StepKind};
pub use function::{Function, Nth};
pub use graph::{Equation, Graph, Var};
pub use number::{Number, Scalar};
pub use op::{Op, OpKind};
pub use record::{Trace, Traced, trace};
pub use shape::{IntoAxes, IntoShape, Shape};
pub use tensor::*;
pub use tree::{Path, PathStep, Plain, SelfTree, Tree, Visitor, eval, lift, tree_leaves, tree_map};
pub use types::TensorType;
pub use value::{Later, Source, Term, Value};
pub use varying::Varying;

#[doc(hidden)]
pub use half;
