//! Control flow by running bodies again and again on an engine whose values can be read: for devices that run loops from the
//! host. Nothing is recorded.

use crate::backend::Engine;
use crate::op::{Cond, Scan, While};
use crate::{Graph, Number, Op, TensorType, Value, Values};
use std::sync::Arc;

/// Slices that arrive step by step, and become one tensor with a leading axis of steps.
pub trait Stack {
    /// The slice of a step; each comes once, in any order.
    fn put(&mut self, step: usize, slice: Value);
    /// The tensor.
    fn finish(self: Box<Self>) -> Value;
}

/// How an engine runs bodies; by default operation by operation.
pub trait Runs {
    /// The engine.
    fn engine(&self) -> &'static dyn Engine;

    /// Runs a body. `least`: as often as that it will be run, at least.
    fn run(&self, body: &Arc<Graph>, inputs: Values, least: usize) -> Values {
        let _ = least;
        body.replay(self.engine(), inputs)
    }

    /// A slice of a tensor along its first axis, which it lacks.
    fn slice(&self, x: &Value, step: usize) -> Value {
        x.clone().slice_axis(0, step, step + 1).squeeze(&[0])
    }

    /// The place for slices of a stacked type, of which there is at least one.
    fn stack(&self, ty: &TensorType) -> Box<dyn Stack> {
        Held::stack(ty)
    }
}

/// A scan. Inputs: constants, state, tensors to be scanned.
pub fn scan(runs: &dyn Runs, types: &[TensorType], mut x: Values, scan: &Scan) -> Values {
    let xs: Vec<Value> = x.drain(scan.constants + scan.carries..).collect();
    let mut carry: Values = x.drain(scan.constants..).collect();
    let constants = x;
    let stacked = &types[scan.carries..];
    if scan.length == 0 {
        return carry.into_iter().chain(stacked.iter().map(|ty| empty(runs.engine(), ty))).collect();
    }
    let mut stacks: Vec<Box<dyn Stack>> = stacked.iter().map(|ty| runs.stack(ty)).collect();
    for i in 0..scan.length {
        let i = if scan.reverse { scan.length - 1 - i } else { i };
        let mut inputs = constants.clone();
        inputs.append(&mut carry);
        inputs.extend(xs.iter().map(|x| runs.slice(x, i)));
        carry = runs.run(&scan.body, inputs, scan.length);
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
pub fn while_loop(runs: &dyn Runs, mut x: Values, w: &While) -> Values {
    let mut carry: Values = x.drain(w.condition_constants + w.body_constants..).collect();
    let of_body: Values = x.drain(w.condition_constants..).collect();
    let with = |constants: &Values, carry: Values| {
        let mut inputs = constants.clone();
        inputs.extend(carry);
        inputs
    };
    let mut steps = 0;
    while runs.run(&w.condition, with(&x, carry.clone()), steps)[0].item::<bool>() {
        carry = runs.run(&w.body, with(&of_body, carry), steps);
        steps += 1;
    }
    carry
}

/// A branch. Inputs: which one, operands.
pub fn cond(runs: &dyn Runs, mut x: Values, c: &Cond) -> Values {
    let which = x.remove(0).item::<i32>().clamp(0, c.branches.len() as i32 - 1);
    runs.run(&c.branches[which as usize], x, 1)
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
