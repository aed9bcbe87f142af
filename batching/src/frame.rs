//! [`Frame`]: one running call of a mapped function, its lanes, and how values go in and out.
//!
//! Types do not catch two calls of one type that meet, or a value that outlives its call; so each batched value knows its
//! frame, frames are compared at every operation, and a closed frame refuses.

use crate::engine::{Batched, Lanes};
use plywood_core::axis::{self, Axis};
use plywood_core::op::Reduction;
use plywood_core::{Backend, Engine, Number, Op, TensorType, Value};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The lanes of a running call.
#[derive(Debug)]
pub struct Frame {
    name: Option<Arc<str>>,
    size: usize,
    closed: AtomicBool,
}

impl Frame {
    /// Lanes with or without a name.
    pub fn new(size: usize, name: Option<Arc<str>>) -> Arc<Frame> {
        Arc::new(Frame { name, size, closed: AtomicBool::new(false) })
    }

    /// How many lanes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What collectives call the axis of these lanes.
    pub fn name(&self) -> Option<&Arc<str>> {
        self.name.as_ref()
    }

    /// Runs `f`, a function on the layer `Batched<B>`, with the axis in scope if it has a name.
    pub fn run<B: Backend, R>(self: &Arc<Frame>, f: impl FnOnce() -> R) -> R {
        self.scoped(Batched::<B>::ENGINE, f)
    }

    pub(crate) fn scoped<R>(self: &Arc<Frame>, engine: &'static dyn Engine, f: impl FnOnce() -> R) -> R {
        let Some(name) = &self.name else { return f() };
        let axis = Axis {
            name: name.clone(),
            size: self.size,
            tracked: false,
            engine: engine.id(),
            frame: self.clone(),
        };
        axis::within(axis, f)
    }

    /// The call is over: values of its lanes are worth nothing any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    /// A value of `B` whose first axis is the lanes', as a value of a lane on `Batched<B>`.
    pub fn enter<B: Backend>(self: &Arc<Frame>, inner: Value) -> Value {
        assert!(
            inner.shape().first() == Some(&self.size),
            "{} has not one element along its first axis for each of {} lanes",
            inner.ty(),
            self.size
        );
        let ty = inner.ty().with_shape(inner.shape().without(&[0]));
        self.batched(Batched::<B>::ENGINE, ty, inner)
    }

    /// A value of a lane, whose value below has all of them.
    pub(crate) fn batched(
        self: &Arc<Frame>,
        engine: &'static dyn Engine,
        ty: TensorType,
        inner: Value,
    ) -> Value {
        Value::new(engine, ty, Lanes { inner: Some(inner), frame: Some(self.clone()) })
    }

    /// The value below, and whether its first axis is the lanes' (otherwise it is the same for all). Panics where it is of
    /// another call's lanes.
    #[track_caller]
    pub fn leave(self: &Arc<Frame>, value: Value) -> (Value, bool) {
        let batched = match &value.data::<Lanes>().frame {
            None => false,
            Some(other) => {
                assert!(Arc::ptr_eq(self, other), "{MET}");
                true
            }
        };
        (crate::engine::into_inner(value), batched)
    }
}

pub(crate) const MET: &str = "tensors of two vmap calls on the same level met: one was captured by a function inside the \
                              other; pass it as an argument";

/// A value below that is the same for all lanes, repeated for each.
#[track_caller]
pub(crate) fn repeated(value: Value, size: usize) -> Value {
    let shape = value.shape().insert(0, size);
    let axes = (1..shape.rank()).collect();
    value.broadcast_in(shape, axes)
}

/// The sum over the lanes, of numbers; of bool, whether any is true.
pub(crate) fn summed(value: Value) -> Value {
    let kind = if value.dtype() == plywood_core::DType::Bool { Reduction::Or } else { Reduction::Sum };
    Value::apply1(Op::Reduce { kind, axes: SmallVec::from_slice(&[0]) }, value)
}

/// Zeros of a type, on the engine of an example or, without one, on this.
pub(crate) fn zeros(example: Option<&Value>, engine: &'static dyn Engine, ty: TensorType) -> Value {
    let engine = example.map_or(engine, Value::engine);
    Value::create(engine, Op::Full { number: Number::Int(0), ty })
}
