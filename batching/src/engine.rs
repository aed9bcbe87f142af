//! The layer: each value is a value of the engine below, and the frame of its lanes if it has one for each.
//!
//! What always holds: the type of a value is that of one lane; the value below has the lanes in front of it, or is the same
//! for all of them.

use crate::frame::{Frame, MET, zeros};
use crate::rules::{self, Arg, Args, Batch};
use plywood_core::axis;
use plywood_core::{Array, Backend, Device, Engine, Error, Layer, Op, Step, Value, Values, at};
use std::marker::PhantomData;
use std::sync::Arc;

/// The backend on which functions of one example run for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Batched<B>(PhantomData<B>);

impl<B: Backend> Backend for Batched<B> {
    const ENGINE: &'static dyn Engine = &Batched::<B>(PhantomData);
}

impl<B: Backend> Layer for Batched<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        same_for_all(Self::ENGINE, inner)
    }
}

impl<B: Backend> Engine for Batched<B> {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        execute(self, B::ENGINE, step, inputs)
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        let lanes = value.data::<Lanes>();
        match &lanes.frame {
            None => lanes.inner().read(),
            Some(frame) => Err(Error::Unreadable(format!(
                "under vmap this value is one of {} lanes' values, and has no one number; return it from the function and \
                 read it there",
                frame.size()
            ))),
        }
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        match value {
            Some(value) => value.data::<Lanes>().inner().device(),
            None => B::ENGINE.device(None),
        }
    }
    fn name(&self) -> String {
        format!("Batched<{}>", B::ENGINE.name())
    }
}

/// What this layer keeps for a value. `inner` is there; it is an option so that it can be moved out.
pub(crate) struct Lanes {
    pub inner: Option<Value>,
    /// Those of the lanes; none where the value is the same for all.
    pub frame: Option<Arc<Frame>>,
}

impl Lanes {
    fn inner(&self) -> &Value {
        self.inner.as_ref().expect("a value that is still held has its inner one")
    }
}

/// A value that is the same for all lanes.
pub(crate) fn same_for_all(engine: &'static dyn Engine, inner: Value) -> Value {
    Value::new(engine, inner.ty().clone(), Lanes { inner: Some(inner), frame: None })
}

/// The value on the engine below, moved out if nobody else holds this one.
pub(crate) fn into_inner(mut value: Value) -> Value {
    match value.data_mut::<Lanes>().and_then(|l| l.inner.take()) {
        Some(inner) => inner,
        None => value.data::<Lanes>().inner().clone(),
    }
}

fn execute(this: &'static dyn Engine, below: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    let mut frame: Option<Arc<Frame>> = None;
    let mut args = Args::new();
    for x in inputs {
        let of = &x.data::<Lanes>().frame;
        if let Some(other) = of {
            let frame = frame.get_or_insert_with(|| other.clone());
            assert!(Arc::ptr_eq(frame, other), "{}, at {}: {MET}", step.op.name(), step.at);
        }
        let batched = of.is_some();
        args.push(Arg { value: into_inner(x), batched });
    }
    let below = args.first().map_or(below, |x| x.value.engine());
    let Some(frame) = frame.or_else(|| mentioned(this, step.op)) else {
        let inputs = args.into_iter().map(|x| x.value).collect();
        return below.execute(step, inputs).into_iter().map(|y| same_for_all(this, y)).collect();
    };
    assert!(
        !frame.is_closed(),
        "{}, at {}: a tensor outlived the vmap call it belongs to",
        step.op.name(),
        step.at
    );
    let outputs = match frame.size() {
        // Nothing is computed for no lanes.
        0 => {
            let none = |ty: &plywood_core::TensorType| ty.with_shape(ty.shape.insert(0, 0));
            step.outputs.iter().map(|ty| Arg { value: zeros(None, below, none(ty)), batched: true }).collect()
        }
        _ => {
            let batch = Batch { frame: &frame, below, outputs: step.outputs, at: step.at };
            at::within(step.at, || rules::apply(step.op, &batch, args))
        }
    };
    let value = |(y, ty): (Arg, &plywood_core::TensorType)| match y.batched {
        true => frame.batched(this, ty.clone(), y.value),
        false => same_for_all(this, y.value),
    };
    outputs.into_iter().zip(step.outputs).map(value).collect()
}

/// The frame over whose lanes an operation speaks, though none of its inputs differs between them: only where it is a
/// collective, or holds a graph with one, of an axis that this engine made.
fn mentioned(this: &'static dyn Engine, op: &Op) -> Option<Arc<Frame>> {
    if axis::none() {
        return None;
    }
    let axes = axis::all();
    let inner = |i: usize| axes[i + 1..].iter().all(|other| other.name != axes[i].name);
    let found = (0..axes.len())
        .rev()
        .find(|&i| axes[i].engine == this.id() && inner(i) && op.mentions(&axes[i].name))?;
    axes[found].frame.clone().downcast().ok()
}
