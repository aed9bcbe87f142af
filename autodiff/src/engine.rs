//! The layer: each value is a value of the engine below and, if it is tracked, its slot on a tape.

use crate::derive;
use crate::tape::{Entry, Tape};
use crate::vjp::{self, Residuals, T};
use plywood_core::at::At;
use plywood_core::{Array, Backend, Device, Engine, Error, Layer, Op, Step, TensorType, Value, Values};
use smallvec::SmallVec;
use std::marker::PhantomData;
use std::sync::Arc;

/// The backend on which functions are differentiated in reverse mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Autodiff<B>(PhantomData<B>);

impl<B: Backend> Backend for Autodiff<B> {
    const ENGINE: &'static dyn Engine = &Autodiff::<B>(PhantomData);
}

impl<B: Backend> Layer for Autodiff<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        constant(Self::ENGINE, inner)
    }
}

impl<B: Backend> Engine for Autodiff<B> {
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
        format!("Autodiff<{}>", B::ENGINE.name())
    }
}

/// What this layer keeps for a value. `primal` is there; it is an option so that it can be moved out of a value that
/// nobody else holds.
struct Tracked {
    primal: Option<Value>,
    slot: Option<(Arc<Tape>, u32)>,
}

/// A value that derivatives do not reach.
#[inline]
pub(crate) fn constant(engine: &'static dyn Engine, inner: Value) -> Value {
    Value::new(engine, inner.ty().clone(), Tracked { primal: Some(inner), slot: None })
}

/// A value with a slot on a tape.
#[inline]
pub(crate) fn tracked(engine: &'static dyn Engine, inner: Value, tape: Arc<Tape>, slot: u32) -> Value {
    Value::new(engine, inner.ty().clone(), Tracked { primal: Some(inner), slot: Some((tape, slot)) })
}

/// The value on the engine below.
#[inline]
pub(crate) fn primal(value: &Value) -> &Value {
    value.data::<Tracked>().primal.as_ref().expect("a value that is still held has its primal")
}

/// The value on the engine below, moved out if nobody else holds this one.
#[inline]
pub(crate) fn into_primal(mut value: Value) -> Value {
    match value.data_mut::<Tracked>().and_then(|t| t.primal.take()) {
        Some(primal) => primal,
        None => primal(&value).clone(),
    }
}

/// The slot on `tape`; none for a constant. Panics where the value belongs to another call.
pub(crate) fn slot_on(value: &Value, tape: &Arc<Tape>) -> Option<u32> {
    let (other, slot) = value.data::<Tracked>().slot.as_ref()?;
    assert!(Arc::ptr_eq(tape, other), "{MET}");
    Some(*slot)
}

const MET: &str = "tensors of two gradient calls on the same level met: one was captured by a function inside the \
                   other; pass it as an argument";

fn execute(this: &'static dyn Engine, below: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    let mut tape: Option<Arc<Tape>> = None;
    let mut slots: SmallVec<[Option<u32>; 3]> = SmallVec::new();
    for x in &inputs {
        slots.push(match &x.data::<Tracked>().slot {
            None => None,
            Some((other, slot)) => {
                let tape = tape.get_or_insert_with(|| other.clone());
                assert!(Arc::ptr_eq(tape, other), "{}, at {}: {MET}", step.op.name(), step.at);
                Some(*slot)
            }
        });
    }
    let mut primals = Values::new();
    for x in inputs {
        primals.push(into_primal(x));
    }
    let below = primals.first().map_or(below, Value::engine);
    let keep = match tape {
        Some(_) => vjp::keep(step.op, &slots),
        None => None,
    };
    let (Some(tape), Some(keep)) = (tape, keep) else {
        let mut outputs = below.execute(step, primals);
        outputs.iter_mut().for_each(|y| *y = constant(this, y.clone()));
        return outputs;
    };
    let (op, at) = (step.op, step.at);
    let (op, residuals, mut outputs) = match op {
        Op::Call(_) | Op::Scan(_) | Op::Cond(_) | Op::While(_) | Op::Pmap(_) => {
            graphs(op, at, below, &slots, primals)
        }
        _ => {
            let residuals = keep.inputs_of(&primals);
            let outputs = below.execute(step, primals);
            (op.clone(), keep.and_outputs_of(residuals, &outputs), outputs)
        }
    };
    let name = op.name();
    let count = outputs.len() as u32;
    let entry = |first_output| Entry { op, at, slots, residuals, first_output, outputs: count };
    let Some(first) = tape.push(outputs.len(), entry) else {
        panic!("{name}, at {at}: a tensor outlived the gradient call it belongs to")
    };
    let output = |y: Value, tape: Arc<Tape>, i: usize| match y.dtype().is_float() {
        true => tracked(this, y, tape, first + i as u32),
        false => constant(this, y),
    };
    // Nearly all operations have one output: it is moved, not counted up and down.
    if outputs.len() == 1 {
        let y = outputs.pop().expect("there is one");
        outputs.push(output(y, tape, 0));
        return outputs;
    }
    outputs.into_iter().enumerate().map(|(i, y)| output(y, tape.clone(), i)).collect()
}

/// Executes an operation that holds graphs so that its derivative can be taken: what the tape holds instead of it is the
/// call of its backward graph, with what that needs.
fn graphs(
    op: &Op,
    at: At,
    below: &'static dyn Engine,
    slots: &[Option<u32>],
    primals: Values,
) -> (Op, Residuals, Values) {
    let wanted: SmallVec<[bool; 8]> = slots.iter().map(Option::is_some).collect();
    let derived = derive::op_backward(op, &wanted, at);
    let given: Vec<&TensorType> = primals.iter().map(Value::ty).collect();
    let all = derived.forward.infer(&given);
    let mut x: SmallVec<[Option<T>; 3]> =
        derived.inputs.iter().map(|&i| Some(T::of(primals[i].clone()))).collect();
    let types: Vec<TensorType> = primals.iter().map(|x| x.ty().clone()).collect();
    let count = op.infer(&types.iter().collect::<Vec<_>>()).len();
    let mut outputs = below.execute(Step { op: &derived.forward, outputs: &all, at }, primals);
    x.extend(outputs.drain(count..).map(|saved| Some(T::of(saved))));
    let residuals =
        Residuals { x, y: SmallVec::new(), types: outputs.iter().map(|y| Some(y.ty().clone())).collect() };
    (derived.backward.clone(), residuals, outputs)
}
