//! Control flow: bodies are replayed, operation by operation; nothing is recorded again.
//!
//! A slice is a view; results are stacked at the end, each copied once.

use crate::Cpu;
use crate::data::{View, overwritten};
use crate::dispatch::by_size;
use crate::par;
use plywood_core::op::{Cond, Scan, Types, While};
use plywood_core::{Backend, TensorType, Value, Values};

/// Inputs: constants, state, tensors to be scanned.
pub fn scan(types: Types, mut x: Values, scan: &Scan) -> Values {
    let xs: Vec<Value> = x.drain(scan.constants + scan.carries..).collect();
    let mut carry: Vec<Value> = x.drain(scan.constants..).collect();
    let constants = x;
    let mut steps: Vec<Vec<Value>> =
        (scan.carries..types.len()).map(|_| Vec::with_capacity(scan.length)).collect();
    for i in 0..scan.length {
        let i = if scan.reverse { scan.length - 1 - i } else { i };
        let slices = xs.iter().map(|x| x.clone().slice_axis(0, i, i + 1).squeeze(&[0]));
        let inputs: Values =
            constants.iter().cloned().chain(std::mem::take(&mut carry)).chain(slices).collect();
        let mut results = scan.body.replay(Cpu::ENGINE, inputs);
        for (steps, y) in steps.iter_mut().zip(results.drain(scan.carries..)) {
            steps.push(y);
        }
        carry = results.into_vec();
    }
    let stacked = steps.into_iter().zip(&types[scan.carries..]).map(|(mut steps, ty)| {
        if scan.reverse {
            steps.reverse();
        }
        stack(ty, &steps)
    });
    carry.into_iter().chain(stacked).collect()
}

/// Values of one type, one after another along a new first axis.
fn stack(ty: &TensorType, steps: &[Value]) -> Value {
    let n = if steps.is_empty() { 1 } else { (ty.elements() / steps.len()).max(1) };
    by_size!(ty.dtype.size(), T => overwritten::<T>(ty.clone(), |out| {
        par::chunks(out, n, 0.2 * n as f64 + 20.0, |first, out| {
            for (out, step) in out.chunks_mut(n).zip(&steps[first..]) {
                View::<T>::of(step).copy_into(out);
            }
        });
    }))
}

/// Inputs: constants of the condition, constants of the body, state.
pub fn while_loop(mut x: Values, w: &While) -> Values {
    let mut carry: Values = x.drain(w.condition_constants + w.body_constants..).collect();
    let of_body: Values = x.drain(w.condition_constants..).collect();
    let with =
        |constants: &Values, carry: Values| -> Values { constants.iter().cloned().chain(carry).collect() };
    while w.condition.replay(Cpu::ENGINE, with(&x, carry.clone()))[0].item::<bool>() {
        carry = w.body.replay(Cpu::ENGINE, with(&of_body, carry));
    }
    carry
}

/// Inputs: which branch, operands.
pub fn cond(mut x: Values, c: &Cond) -> Values {
    let which = x.remove(0).item::<i32>().clamp(0, c.branches.len() as i32 - 1);
    c.branches[which as usize].replay(Cpu::ENGINE, x)
}
