//! Forward mode as a layer: each value is a value of the engine below and, if it depends on what is differentiated, its
//! tangent.
//!
//! Primal and tangent are computed together, operation by operation, so nothing is recorded and nothing is kept. Each
//! running call has a number; tangents of two calls never meet (types do not catch a value that outlives its call).

use crate::derive;
use crate::jvp::{self, Push};
use crate::vjp::{self, T};
use plywood_core::at;
use plywood_core::{Array, Backend, Device, Engine, Error, Layer, Op, Step, Value, Values};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

/// The backend on which functions are differentiated in forward mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Forward<B>(PhantomData<B>);

impl<B: Backend> Backend for Forward<B> {
    const ENGINE: &'static dyn Engine = &Forward::<B>(PhantomData);
}

impl<B: Backend> Layer for Forward<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        constant(Self::ENGINE, inner)
    }
}

impl<B: Backend> Engine for Forward<B> {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        execute(self, B::ENGINE, step, inputs)
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        primal(value).read()
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        match value {
            Some(value) => primal(value).device(),
            None => B::ENGINE.device(None),
        }
    }
    fn name(&self) -> String {
        format!("Forward<{}>", B::ENGINE.name())
    }
}

/// What this layer keeps for a value. `primal` is there; it is an option so that it can be moved out.
struct Dual {
    primal: Option<Value>,
    tangent: Option<(Call, Value)>,
}

/// The number of a running call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call(u64);

impl Call {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Call(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// A value with its tangent.
    pub fn dual(self, engine: &'static dyn Engine, primal: Value, tangent: Value) -> Value {
        let ty = primal.ty().clone();
        Value::new(engine, ty, Dual { primal: Some(primal), tangent: Some((self, tangent)) })
    }

    /// The tangent of a result; none where it does not depend on what is differentiated.
    pub fn tangent(self, value: &Value) -> Option<Value> {
        let (call, tangent) = value.data::<Dual>().tangent.as_ref()?;
        assert!(*call == self, "{MET}");
        Some(tangent.clone())
    }
}

const MET: &str = "tensors of two jvp calls on the same level met: one was captured by a function inside the other; pass \
                   it as an argument";

/// A value without a tangent.
pub(crate) fn constant(engine: &'static dyn Engine, inner: Value) -> Value {
    Value::new(engine, inner.ty().clone(), Dual { primal: Some(inner), tangent: None })
}

fn primal(value: &Value) -> &Value {
    value.data::<Dual>().primal.as_ref().expect("a value that is still held has its primal")
}

/// The value on the engine below, moved out if nobody else holds this one.
pub(crate) fn into_primal(mut value: Value) -> Value {
    match value.data_mut::<Dual>().and_then(|d| d.primal.take()) {
        Some(primal) => primal,
        None => primal(&value).clone(),
    }
}

fn execute(this: &'static dyn Engine, below: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    let mut call: Option<Call> = None;
    let mut tangents: SmallVec<[Option<T>; 3]> = SmallVec::new();
    for x in &inputs {
        tangents.push(x.data::<Dual>().tangent.as_ref().map(|(other, t)| {
            let call = *call.get_or_insert(*other);
            assert!(call == *other, "{}, at {}: {MET}", step.op.name(), step.at);
            T::of(t.clone())
        }));
    }
    let primals: Values = inputs.into_iter().map(into_primal).collect();
    let below = primals.first().map_or(below, Value::engine);
    let slots: SmallVec<[Option<u32>; 3]> = tangents.iter().map(|t| t.as_ref().map(|_| 0)).collect();
    let differentiable = call.filter(|_| vjp::keep(step.op, &slots).is_some());
    let Some(call) = differentiable else {
        return below.execute(step, primals).into_iter().map(|y| constant(this, y)).collect();
    };
    if let Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) = step.op {
        return graphs(this, below, step, call, primals, &tangents);
    }
    let x: SmallVec<[T; 3]> = primals.iter().cloned().map(T::of).collect();
    let outputs = below.execute(step, primals);
    let y: SmallVec<[T; 1]> = outputs.iter().cloned().map(T::of).collect();
    let push = Push { op: step.op, x: &x, y: &y, t: &tangents };
    let pushed = at::within(step.at, || jvp::push_forward(&push));
    drop((x, y));
    let mut pushed = pushed.into_iter();
    let dual = |y: Value| match pushed.next().flatten() {
        Some(t) if y.dtype().is_float() => call.dual(this, y, t.into_value()),
        _ => constant(this, y),
    };
    outputs.into_iter().map(dual).collect()
}

/// An operation that holds graphs and its tangents are one call of its tangent graph.
fn graphs(
    this: &'static dyn Engine,
    below: &'static dyn Engine,
    step: Step<'_>,
    call: Call,
    primals: Values,
    tangents: &[Option<T>],
) -> Values {
    let given: SmallVec<[bool; 8]> = tangents.iter().map(Option::is_some).collect();
    let derived = derive::op_tangent(step.op, &given, step.at);
    let of = |(x, t): (&Value, &Option<T>)| Some(t.as_ref()?.value().clone().vary_to(&x.ty().varying));
    let given_tangents: Values = primals.iter().zip(tangents).filter_map(of).collect();
    let inputs: Values = primals.into_iter().chain(given_tangents).collect();
    let types = derived.call.infer(&inputs.iter().map(Value::ty).collect::<Vec<_>>());
    let mut outputs = below.execute(Step { op: &derived.call, outputs: &types, at: step.at }, inputs);
    let mut tangents = outputs.drain(derived.present.len()..).collect::<Values>().into_iter();
    let dual = |(y, &present): (Value, &bool)| match present {
        true => call.dual(this, y, tangents.next().expect("one for each that is present")),
        false => constant(this, y),
    };
    outputs.into_iter().zip(&derived.present).map(dual).collect()
}
