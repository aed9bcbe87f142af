//! A scan for all lanes is a scan over slices of all lanes.

use super::{as_marked, fixpoint, flags};
use crate::derive::{graph, key};
use crate::rules::{Arg, Args, Batch};
use plywood_core::op::Scan;
use plywood_core::{Op, Values};
use std::sync::Arc;

/// A scan for all lanes.
struct Whole {
    scan: Arc<Scan>,
    state: Vec<bool>,
    stacked: Vec<bool>,
}

pub(in crate::rules) fn scan(s: &Scan, b: &Batch<'_>, mut x: Args) -> Args {
    let given = flags(&x);
    let numbers = [s.constants, s.carries, s.length, s.reverse as usize].map(|n| n as u64);
    let whole = s.body.memo().get(&key("scan", &[&given], &numbers, b.frame), || {
        let (constants, rest) = given.split_at(s.constants);
        let (state, slices) = rest.split_at(s.carries);
        let of_body = |state: &[bool]| [constants, state, slices].concat();
        let found =
            |state: &[bool]| graph(&s.body, &of_body(state), &[], b.frame).outputs[..s.carries].to_vec();
        let state = fixpoint(state.to_vec(), found);
        let body = graph(&s.body, &of_body(&state), &state, b.frame);
        let stacked = body.outputs[s.carries..].to_vec();
        Whole { scan: Arc::new(Scan { body: body.graph.clone(), ..s.clone() }), state, stacked }
    });
    let slices: Args = x.drain(s.constants + s.carries..).collect();
    let state: Args = x.drain(s.constants..).collect();
    // Steps come first, then lanes.
    let turned = |x: Arg| if x.batched { x.value.move_axis(1, 0) } else { x.value };
    let inputs: Values = (x.into_iter().map(|x| x.value))
        .chain(as_marked(state, &whole.state, b))
        .chain(slices.into_iter().map(turned))
        .collect();
    let mut state = b.run(&Op::Scan(whole.scan.clone()), inputs);
    let stacked: Values = state.drain(s.carries..).collect();
    let state = state.into_iter().zip(&whole.state).map(|(value, &batched)| Arg { value, batched });
    let stacked = stacked.into_iter().zip(&whole.stacked).map(|(value, &batched)| {
        let value = if batched { value.move_axis(1, 0) } else { value };
        Arg { value, batched }
    });
    state.chain(stacked).collect()
}
