//! Partial evaluation: what is known is computed, what depends on something unknown is recorded.
//!
//! [`linearize`] runs a function on dual numbers over it, with tangents unknown: primals, and all coefficients that the
//! tangents are multiplied with, are computed once; what is left is a graph from tangents to tangents.

mod control;
mod linearize;
mod split;

pub use linearize::{Linear, linearize};

use plywood_core::at::At;
use plywood_core::{
    Array, Backend, Device, Engine, Error, Layer, Op, Step, TensorType, Traced, Value, Values,
};
use smallvec::SmallVec;
use std::marker::PhantomData;

/// The layer on which a function is evaluated as far as its arguments are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial<B>(PhantomData<B>);

/// What the layer keeps for a value.
enum Part {
    /// A value of the engine below.
    Known(Value),
    /// A value of the recording engine.
    Unknown(Value),
}

impl<B: Backend> Backend for Partial<B> {
    const ENGINE: &'static dyn Engine = &Partial::<B>(PhantomData);
}

impl<B: Backend> Layer for Partial<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        known(Self::ENGINE, inner)
    }
}

impl<B: Backend> Engine for Partial<B> {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        let on = On { this: self, below: B::ENGINE, recording: Traced::<B>::ENGINE, lift: Traced::<B>::lift };
        execute(&on, step, inputs)
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        inner(value).read()
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        value.map_or_else(|| B::ENGINE.device(None), |v| inner(v).device())
    }
    fn name(&self) -> String {
        format!("Partial<{}>", B::ENGINE.name())
    }
}

fn known(engine: &'static dyn Engine, inner: Value) -> Value {
    Value::new(engine, inner.ty().clone(), Part::Known(inner))
}

fn unknown(engine: &'static dyn Engine, symbol: Value) -> Value {
    Value::new(engine, symbol.ty().clone(), Part::Unknown(symbol))
}

fn inner(value: &Value) -> &Value {
    match value.data::<Part>() {
        Part::Known(inner) | Part::Unknown(inner) => inner,
    }
}

fn is_unknown(value: &Value) -> bool {
    match value.data::<Part>() {
        Part::Known(_) => false,
        Part::Unknown(_) => true,
    }
}

/// The layer, the engine below it, and the one that records what is unknown.
struct On {
    this: &'static dyn Engine,
    below: &'static dyn Engine,
    recording: &'static dyn Engine,
    /// A value of the engine below as one of the recording engine.
    lift: fn(Value) -> Value,
}

impl On {
    /// A value of the recording engine.
    fn symbol(&self, x: &Value) -> Value {
        match x.data::<Part>() {
            Part::Known(x) => (self.lift)(x.clone()),
            Part::Unknown(x) => x.clone(),
        }
    }

    /// Executes an operation below.
    fn compute(&self, op: &Op, at: At, inputs: Values) -> Values {
        let engine = inputs.first().map_or(self.below, Value::engine);
        let outputs = op.infer(&inputs.iter().map(Value::ty).collect::<SmallVec<[&TensorType; 8]>>());
        engine.execute(Step { op, outputs: &outputs, at }, inputs)
    }

    /// Records an operation.
    fn record(&self, op: &Op, at: At, inputs: Values) -> Values {
        let outputs = op.infer(&inputs.iter().map(Value::ty).collect::<SmallVec<[&TensorType; 8]>>());
        self.recording.execute(Step { op, outputs: &outputs, at }, inputs)
    }

    /// Records an operation with whatever it takes: all its outputs are unknown.
    fn whole(&self, op: &Op, at: At, inputs: &[Value]) -> Values {
        let inputs = inputs.iter().map(|x| self.symbol(x)).collect();
        self.record(op, at, inputs).into_iter().map(|y| unknown(self.this, y)).collect()
    }
}

fn execute(on: &On, step: Step<'_>, inputs: Values) -> Values {
    if !inputs.iter().any(is_unknown) {
        let inputs: Values = inputs.into_iter().map(|x| inner(&x).clone()).collect();
        let engine = inputs.first().map_or(on.below, Value::engine);
        return engine.execute(step, inputs).into_iter().map(|y| known(on.this, y)).collect();
    }
    match step.op {
        Op::Call(call) => control::call(on, call, step.at, inputs),
        Op::Scan(scan) => control::scan(on, scan, step.at, inputs),
        Op::While(w) => control::while_loop(on, w, step.at, inputs),
        Op::Cond(cond) => control::cond(on, cond, step.at, inputs),
        Op::Pmap(pmap) => control::pmap(on, pmap, step.at, inputs),
        op => on.whole(op, step.at, &inputs),
    }
}
