//! Control flow by replaying bodies, operation by operation, on an engine whose values can be read: for devices that run
//! loops from the host. Nothing is recorded.

use crate::backend::Engine;
use crate::op::{Cond, Scan, While};
use crate::{Number, Op, TensorType, Value, Values};

/// Slices that arrive step by step, and become one tensor with a leading axis of steps.
pub trait Stack {
    /// The slice of a step; each comes once, in any order.
    fn put(&mut self, step: usize, slice: Value);
    /// The tensor.
    fn finish(self: Box<Self>) -> Value;
}

/// A scan. Inputs: constants, state, tensors to be scanned; `stack` makes the place for slices of a stacked type, of which
/// there is at least one.
pub fn scan(
    engine: &'static dyn Engine,
    types: &[TensorType],
    mut x: Values,
    scan: &Scan,
    stack: &dyn Fn(&TensorType) -> Box<dyn Stack>,
) -> Values {
    let xs: Vec<Value> = x.drain(scan.constants + scan.carries..).collect();
    let mut carry: Values = x.drain(scan.constants..).collect();
    let constants = x;
    let stacked = &types[scan.carries..];
    if scan.length == 0 {
        return carry.into_iter().chain(stacked.iter().map(|ty| empty(engine, ty))).collect();
    }
    let mut stacks: Vec<Box<dyn Stack>> = stacked.iter().map(stack).collect();
    for i in 0..scan.length {
        let i = if scan.reverse { scan.length - 1 - i } else { i };
        let mut inputs = constants.clone();
        inputs.append(&mut carry);
        inputs.extend(xs.iter().map(|x| x.clone().slice_axis(0, i, i + 1).squeeze(&[0])));
        carry = scan.body.replay(engine, inputs);
        for (stack, y) in stacks.iter_mut().zip(carry.drain(scan.carries..)) {
            stack.put(i, y);
        }
    }
    carry.into_iter().chain(stacks.into_iter().map(|s| s.finish())).collect()
}

fn empty(engine: &'static dyn Engine, ty: &TensorType) -> Value {
    Value::create(engine, Op::Full { number: Number::Int(0), ty: ty.clone() })
}

/// A loop. Inputs: constants of the condition, constants of the body, state.
pub fn while_loop(engine: &'static dyn Engine, mut x: Values, w: &While) -> Values {
    let mut carry: Values = x.drain(w.condition_constants + w.body_constants..).collect();
    let of_body: Values = x.drain(w.condition_constants..).collect();
    let with = |constants: &Values, carry: Values| {
        let mut inputs = constants.clone();
        inputs.extend(carry);
        inputs
    };
    while w.condition.replay(engine, with(&x, carry.clone()))[0].item::<bool>() {
        carry = w.body.replay(engine, with(&of_body, carry));
    }
    carry
}

/// A branch. Inputs: which one, operands.
pub fn cond(engine: &'static dyn Engine, mut x: Values, c: &Cond) -> Values {
    let which = x.remove(0).item::<i32>().clamp(0, c.branches.len() as i32 - 1);
    c.branches[which as usize].replay(engine, x)
}

/// Slices that are held until the end, and then concatenated: for any engine.
#[derive(Debug)]
pub struct Held(Vec<Option<Value>>);

impl Held {
    /// For a type `[steps, ..]`.
    pub fn stack(stacked: &TensorType) -> Box<dyn Stack> {
        Box::new(Held(vec![None; stacked.shape[0]]))
    }
}

impl Stack for Held {
    fn put(&mut self, step: usize, slice: Value) {
        self.0[step] = Some(slice);
    }
    fn finish(self: Box<Self>) -> Value {
        Value::stack(self.0.into_iter().map(|y| y.expect("every step puts its slice")).collect(), 0)
    }
}
