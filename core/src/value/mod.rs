//! [`Value`]: a tensor without a brand. It carries its type, its data and its engine.
//!
//! All logic of tensors' methods (promotion, broadcasting, axes, checks) is here, on values: ordinary code, compiled
//! once. [`Tensor`](crate::Tensor) is a brand over it, and its methods are one-line calls.
//!
//! What always holds: an operation's shape rule runs here, on the types the user sees, before the engine executes.

mod create;
mod dot;
mod elementwise;
mod index;
mod later;
mod mask;
mod reduce;
mod shape;
mod take;
mod varying;

pub use elementwise::Term;
pub(crate) use index::check_bounds;
pub use index::{IndexItem, Update};
pub use later::{Later, Source};
pub use reduce::Over;

use crate::at;
use crate::backend::{Engine, Step, Values};
use crate::{Array, DType, Device, Element, Error, Op, Shape, TensorType};
use smallvec::{SmallVec, smallvec};
use std::any::Any;
use std::fmt;
use std::sync::Arc;

struct Payload<D: ?Sized> {
    engine: &'static dyn Engine,
    ty: TensorType,
    data: D,
}

/// A tensor without a brand: its type, its engine, and the engine's data. A clone shares them.
#[derive(Clone)]
pub struct Value(Arc<Payload<dyn Any + Send + Sync>>);

impl Value {
    /// A value of `engine`. `data` is what that engine keeps for a value.
    #[inline]
    pub fn new(engine: &'static dyn Engine, ty: TensorType, data: impl Any + Send + Sync) -> Self {
        Value(Arc::new(Payload { engine, ty, data }))
    }

    /// The engine that executes operations on this value.
    #[inline]
    pub fn engine(&self) -> &'static dyn Engine {
        self.0.engine
    }

    /// Shape and dtype.
    #[inline]
    pub fn ty(&self) -> &TensorType {
        &self.0.ty
    }

    /// Sizes of the axes.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.0.ty.shape
    }

    /// Type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.0.ty.dtype
    }

    /// How many axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.0.ty.rank()
    }

    /// What the engine keeps, which is of type `D`.
    #[track_caller]
    #[inline]
    pub fn data<D: 'static>(&self) -> &D {
        match self.0.data.downcast_ref() {
            Some(data) => data,
            None => self.later_data(),
        }
    }

    /// What the engine keeps, to be taken or overwritten; `None` where somebody else holds the value too.
    #[inline]
    pub fn data_mut<D: 'static>(&mut self) -> Option<&mut D> {
        // A glance is cheaper than the locked look that `get_mut` takes, and a shared value is the commoner case.
        if Arc::strong_count(&self.0) != 1 {
            return None;
        }
        let data = &mut Arc::get_mut(&mut self.0)?.data;
        match data.is::<D>() {
            true => data.downcast_mut(),
            false => data.downcast_mut::<Later>()?.data_mut(),
        }
    }

    /// What stands for the data, if they come later.
    pub fn later(&self) -> Option<&Later> {
        self.0.data.downcast_ref()
    }

    #[track_caller]
    #[cold]
    fn later_data<D: 'static>(&self) -> &D {
        match self.later().map(Later::value) {
            Some(Ok(value)) => value.data(),
            Some(Err(e)) => panic!("{e}"),
            None => panic!("a value of {} met another engine", self.engine().name()),
        }
    }

    /// How many hold this value; another thread may have changed that meanwhile, unless the caller knows them all.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }

    /// Whether two values are the same one, not merely equal.
    pub fn same(&self, other: &Value) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The device that holds the data.
    pub fn device(&self) -> Device {
        match self.later() {
            Some(later) => later.device(),
            None => self.engine().device(Some(self)),
        }
    }

    /// The data on the host, or why there is none.
    pub fn read(&self) -> Result<Array, Error> {
        if let Some(later) = self.later() {
            return later.value()?.read();
        }
        self.engine().read(self)
    }

    /// The elements in row-major order; panics where they are of another type, or there are none.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        assert!(
            self.dtype() == T::DTYPE,
            "to_vec::<{}>() of {}: read it as {}, or cast it",
            T::DTYPE,
            self.ty(),
            self.dtype()
        );
        self.array("to_vec").into_vec().expect("the dtype was checked")
    }

    /// The one element; panics where there are more or fewer, or they are of another type.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        assert!(
            self.dtype() == T::DTYPE,
            "item::<{}>() of {}: read it as {}, or cast it",
            T::DTYPE,
            self.ty(),
            self.dtype()
        );
        let n = self.ty().elements();
        assert!(n == 1, "item() of {}: it has {n} elements, not one; to_vec() reads them all", self.ty());
        self.array("item").as_slice().expect("the dtype was checked")[0]
    }

    /// The data on the host; panics at the caller's line where there is none.
    #[track_caller]
    pub fn array(&self, name: &str) -> Array {
        match self.read() {
            Ok(array) => array,
            Err(e) => panic!("{name}: {e}"),
        }
    }

    /// Executes an operation without inputs.
    #[track_caller]
    pub fn create(engine: &'static dyn Engine, op: Op) -> Value {
        let outputs = op.infer(&[]);
        one(engine.execute(Step { op: &op, outputs: &outputs, at: at::caller() }, Values::new()))
    }

    /// Executes an operation on `inputs`, on their engine; all must be of the same.
    #[track_caller]
    pub fn apply(op: &Op, inputs: Values) -> Values {
        let engine = common_engine(op, &inputs);
        let mut inputs = inputs;
        let mut types: SmallVec<[&TensorType; 3]> = inputs.iter().map(Value::ty).collect();
        if varying::matters(op, &types) {
            drop(types);
            inputs = varying::met(op, inputs);
            types = inputs.iter().map(Value::ty).collect();
        }
        let outputs = op.infer(&types);
        drop(types);
        engine.execute(Step { op, outputs: &outputs, at: at::caller() }, inputs)
    }

    /// Executes an operation of one input and one output.
    #[track_caller]
    pub fn apply1(op: Op, x: Value) -> Value {
        let x = if varying::matters(&op, &[x.ty()]) { varying::met(&op, smallvec![x]).remove(0) } else { x };
        let outputs = op.infer(&[x.ty()]);
        let engine = x.engine();
        one(engine.execute(Step { op: &op, outputs: &outputs, at: at::caller() }, smallvec![x]))
    }

    /// Executes an operation of two inputs and one output.
    #[track_caller]
    pub fn apply2(op: Op, x: Value, y: Value) -> Value {
        let engine = x.engine();
        same_engine(&op, engine, &y);
        if varying::matters(&op, &[x.ty(), y.ty()]) {
            return one(Value::apply(&op, smallvec![x, y]));
        }
        let outputs = op.infer(&[x.ty(), y.ty()]);
        one(engine.execute(Step { op: &op, outputs: &outputs, at: at::caller() }, smallvec![x, y]))
    }

    /// Executes an operation of two inputs whose only output has the type of the first; the caller has applied the
    /// shape rule.
    #[track_caller]
    #[inline]
    fn apply_alike(op: Op, x: Value, y: Value) -> Value {
        let engine = x.engine();
        same_engine(&op, engine, &y);
        if varying::matters(&op, &[x.ty(), y.ty()]) {
            return one(Value::apply(&op, smallvec![x, y]));
        }
        let output = x.ty().clone();
        let step = Step { op: &op, outputs: std::slice::from_ref(&output), at: at::caller() };
        one(engine.execute(step, smallvec![x, y]))
    }

    /// Executes an operation of any number of inputs and one output.
    #[track_caller]
    pub fn apply_all(op: Op, inputs: Values) -> Value {
        one(Value::apply(&op, inputs))
    }
}

/// The engine of all inputs; panics where they differ.
#[track_caller]
fn common_engine(op: &Op, inputs: &[Value]) -> &'static dyn Engine {
    let Some((first, rest)) = inputs.split_first() else {
        panic!("{}: without inputs there is no engine to run on", op.name())
    };
    let engine = first.engine();
    rest.iter().for_each(|other| same_engine(op, engine, other));
    engine
}

#[track_caller]
#[inline]
fn same_engine(op: &Op, engine: &'static dyn Engine, other: &Value) {
    // The same address and the same methods are the same engine; otherwise their identities decide.
    #[allow(ambiguous_wide_pointer_comparisons)]
    if !std::ptr::eq(engine, other.engine()) && engine.id() != other.engine().id() {
        engines_met(op, engine, other.engine())
    }
}

#[track_caller]
#[cold]
fn engines_met(op: &Op, one: &dyn Engine, other: &dyn Engine) -> ! {
    panic!(
        "{}: a tensor of {} met one of {}; `.lift()` brings the outer one in, `.to()` another device's",
        op.name(),
        one.name(),
        other.name()
    )
}

/// The single output of an operation.
#[inline]
fn one(mut outputs: Values) -> Value {
    debug_assert_eq!(outputs.len(), 1);
    outputs.pop().expect("an operation has an output")
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {} ({})", self.ty(), self.engine().name(), self.device())
    }
}
