//! Collectives have a meaning only among lanes: their samples' inputs have the lanes as first axis, and so have their
//! outputs. Here such an operation runs under `vmap`'s layer; every other runs as it is.

use plywood_batching::{Batched, Frame};
use plywood_core::op::{Collective, Types};
use plywood_core::{Backend, Dyn, Engine, Op, TensorType, Value, Values};

/// The operation on values of `engine`.
pub fn apply(engine: &'static dyn Engine, op: &Op, inputs: Values) -> Values {
    match op {
        Op::Collective(c) => among(engine, c, op, inputs),
        _ if op.arity() == (0, Some(0)) => Value::create(engine, op.clone()).into(),
        _ => Value::apply(op, inputs),
    }
}

fn among(engine: &'static dyn Engine, c: &Collective, op: &Op, inputs: Values) -> Values {
    let frame = Frame::new(c.size, Some(c.axis.clone()));
    frame.run::<Dyn, _>(|| {
        let inputs: Values = inputs.into_iter().map(|x| frame.enter::<Dyn>(x)).collect();
        let outputs = match inputs.is_empty() {
            true => {
                Dyn::with_engine(engine, || Values::from(Value::create(Batched::<Dyn>::ENGINE, op.clone())))
            }
            false => Value::apply(op, inputs),
        };
        let whole = |y: Value| {
            let (value, batched) = frame.leave(y);
            if batched { value } else { repeated(value, c.size) }
        };
        outputs.into_iter().map(whole).collect()
    })
}

fn repeated(value: Value, lanes: usize) -> Value {
    let shape = value.shape().insert(0, lanes);
    let axes = (1..shape.rank()).collect();
    value.broadcast_in(shape, axes)
}

/// The types of the outputs.
#[track_caller]
pub fn infer(op: &Op, inputs: &[&TensorType]) -> Types {
    let Op::Collective(c) = op else { return op.infer(inputs) };
    let lane: Vec<TensorType> = inputs.iter().map(|ty| ty.with_shape(ty.shape.without(&[0]))).collect();
    let outputs = op.infer(&lane.iter().collect::<Vec<_>>());
    outputs.into_iter().map(|ty| ty.with_shape(ty.shape.insert(0, c.size))).collect()
}
