//! The whole contract of a layer or a device.
//!
//! An [`Engine`] executes operations, which are data; a [`Backend`] is its name as a type, a brand for tensors; a
//! [`Layer`] is a backend over a backend. There is one entry point, so whatever an engine does (differentiate, batch,
//! fuse, compute), it does in one place, for every operation.

use crate::at::At;
use crate::{Array, Device, Error, Explanation, Graph, Op, TensorType, Value};
use smallvec::SmallVec;
use std::any::TypeId;
use std::fmt::Debug;

/// Inputs or outputs of an operation. Up to three need no allocation.
pub type Values = SmallVec<[Value; 3]>;

/// One operation to be executed: what, what comes out (by the operation's shape rule), and on which line it stands.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// The operation.
    pub op: &'a Op,
    /// The types of its outputs.
    pub outputs: &'a [TensorType],
    /// The user's line.
    pub at: At,
}

/// What executes operations: a device, or a layer over another engine.
///
/// Engines are zero-sized and static; a value carries a reference to its own. Two references are of the same engine
/// where their [`id`](Engine::id)s are equal (addresses of zero-sized statics say nothing).
pub trait Engine: Send + Sync + 'static {
    /// Executes one operation. The inputs are values of this engine, and given up: a value that nobody else holds
    /// may be overwritten.
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values;

    /// The data of a value, on the host; an error where it has none (while a function is recorded).
    fn read(&'static self, value: &Value) -> Result<Array, Error>;

    /// Computes what was put off, all of these values together; nothing on an engine that computes at once.
    fn eval(&'static self, values: &[Value]) -> Result<(), Error> {
        let _ = values;
        Ok(())
    }

    /// The device that holds the value's data; without a value, the one where new data is made.
    fn device(&'static self, value: Option<&Value>) -> Device;

    /// The name of the backend: `Autodiff<Cpu>`.
    fn name(&self) -> String;

    /// What runs when a graph is called, and what it costs; nothing on an engine that has no plans of its own, such as a layer that
    /// derives a graph before it passes it on.
    fn explain(&self, graph: &Graph) -> Option<Explanation> {
        let _ = graph;
        None
    }

    /// The identity of the engine.
    fn id(&self) -> TypeId {
        TypeId::of::<Self>()
    }
}

/// The name of an engine as a type, with which tensors are branded.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a backend",
    note = "a backend is `Cpu`, `Dyn`, or a layer over one, such as `Autodiff<Cpu>`"
)]
pub trait Backend: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The engine of this name.
    const ENGINE: &'static dyn Engine;
}

/// A backend that wraps another one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer over another backend",
    note = "`.lift()` goes up one layer: inside a transformed function, from outside to inside"
)]
pub trait Layer: Backend {
    /// The backend below.
    type Inner: Backend;

    /// A value of the backend below, as a constant of this one.
    fn lift(inner: Value) -> Value;
}

/// A backend that holds data itself, on devices.
pub trait DeviceBackend: Backend {
    /// The devices there are.
    fn devices() -> Vec<Device>;

    /// The value's data on that device.
    fn to_device(value: Value, device: Device) -> Result<Value, Error>;
}
