//! Loops and branches: the same operations of batched graphs. Which values differ between lanes is found as a fixpoint: the
//! state does if it does at first, or after a step.

mod branch;
mod scan;
mod while_loop;

pub(super) use branch::cond;
pub(super) use scan::scan;
pub(super) use while_loop::while_loop;

use super::{Arg, Args, Batch};
use crate::frame::Frame;
use plywood_core::{Graph, Value};

fn flags(x: &[Arg]) -> Vec<bool> {
    x.iter().map(|x| x.batched).collect()
}

/// The marks of a state with those of the state that `next` finds after a step.
fn fixpoint(mut state: Vec<bool>, next: impl Fn(&[bool]) -> Vec<bool>) -> Vec<bool> {
    loop {
        let found = next(&state);
        if state.iter().zip(&found).all(|(&old, &new)| old || !new) {
            return state;
        }
        state.iter_mut().zip(found).for_each(|(old, new)| *old |= new);
    }
}

/// The value below, with lanes where they are marked.
fn as_marked(x: Args, marks: &[bool], b: &Batch<'_>) -> Vec<Value> {
    x.into_iter().zip(marks).map(|(x, &marked)| if marked { x.lanes(b.size()) } else { x.value }).collect()
}

/// Panics where lanes would have to wait for others that never come.
fn refuse_collectives(name: &str, what: &str, graphs: &[&Graph], frame: &Frame) {
    let Some(axis) = frame.name() else { return };
    assert!(
        !graphs.iter().any(|graph| graph.mentions(axis)),
        "{name}: {what}, and there is a collective over {axis:?} inside, which all lanes must execute together; take it out"
    );
}
