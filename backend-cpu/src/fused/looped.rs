//! Loops of few elements as one kernel, whose rows are the steps ([`plywood_kernel::looped`]): no step is launched alone.

use crate::data;
use crate::kernel::Kernel;
use crate::kernel::cache::compile;
use crate::kernel::launch::{Place, in_rows};
use crate::kernels::control::MANY;
use crate::layout::Layout;
use crate::storage::Storage;
use plywood_core::op::{Scan, While};
use plywood_core::{Op, TensorType, Value, Values};
use plywood_kernel::looped::{self, Argument, Looped};
use smallvec::SmallVec;
use std::sync::Arc;

/// A loop's kernel.
struct Ready {
    code: &'static Kernel,
    arguments: Vec<Argument>,
    elements: usize,
}

/// None where there is no such program, or where threads share the work of a step.
fn ready(looped: Option<Looped>) -> Option<Ready> {
    let Looped { program, arguments, elements } = looped?;
    let code = compile(&program);
    code.is_for_one_thread([1, elements]).then_some(Ready { code, arguments, elements })
}

fn of_scan(scan: &Scan) -> Arc<Option<Ready>> {
    if scan.length * scan.body.equations().len() < MANY {
        return Arc::new(None);
    }
    let key = [&b"scan"[..], &scan.constants.to_le_bytes(), &scan.carries.to_le_bytes()].concat();
    scan.body.memo().get(&key, || ready(looped::scan(scan)))
}

fn of_while(w: &While) -> Arc<Option<Ready>> {
    let words = [w.condition.memo().id(), w.condition_constants as u64, w.body_constants as u64];
    let key = [&b"while"[..], &words.map(u64::to_le_bytes).concat()].concat();
    w.body.memo().get(&key, || ready(looped::while_loop(w)))
}

/// Whether an operation is a loop that runs as one kernel.
pub fn is_one_kernel(op: &Op) -> bool {
    match op {
        Op::Scan(scan) => of_scan(scan).is_some(),
        Op::While(w) => of_while(w).is_some(),
        _ => false,
    }
}

/// Runs a scan; gives its inputs back where it has no kernel.
pub fn scan(types: &[TensorType], mut x: Values, scan: &Scan) -> Result<Values, Values> {
    let Some(ready) = &*of_scan(scan) else { return Err(x) };
    let (carried, stacked) = types.split_at(scan.carries);
    let scanned: Values = x.drain(scan.constants + scan.carries..).collect();
    let state: Values = x.drain(scan.constants..).collect();
    let run = Run { ready, constants: x, state, scanned, steps: scan.length, reverse: scan.reverse };
    Ok(run.run(carried, stacked))
}

/// Runs a loop with a condition; gives its inputs back where it has no kernel.
pub fn while_loop(mut x: Values, w: &While) -> Result<Values, Values> {
    let Some(ready) = &*of_while(w) else { return Err(x) };
    let types: Vec<TensorType> = w.body.output_types().cloned().collect();
    let state: Values = x.drain(w.condition_constants + w.body_constants..).collect();
    // As many as it takes.
    let steps = isize::MAX as usize;
    let run = Run { ready, constants: x, state, scanned: Values::new(), steps, reverse: false };
    Ok(run.run(&types, &[]))
}

struct Run<'a> {
    ready: &'a Ready,
    constants: Values,
    state: Values,
    scanned: Values,
    steps: usize,
    reverse: bool,
}

impl Run<'_> {
    fn run(self, carried: &[TensorType], stacked: &[TensorType]) -> Values {
        let Run { ready, constants, state, scanned, steps, reverse } = self;
        let arguments = &ready.arguments;
        // What the program writes is its own; the rest of the state stays as it is.
        let mut state: SmallVec<[Result<Storage, Value>; 8]> = state
            .into_iter()
            .enumerate()
            .map(|(k, x)| match arguments.contains(&Argument::State(k)) {
                true => Ok(data::owned(x)),
                false => Err(x),
            })
            .collect();
        let mut stacks: SmallVec<[Storage; 8]> =
            stacked.iter().map(|ty| Storage::overwritten(ty.bytes())).collect();
        let [constants, scanned] =
            [constants, scanned].map(|x| x.into_iter().map(data::contiguous).collect::<Values>());
        {
            let mut state: SmallVec<[Option<&mut [u8]>; 8]> =
                state.iter_mut().map(|x| x.as_mut().ok().and_then(|s| s.as_mut_slice())).collect();
            let mut stacks: SmallVec<[Option<&mut [u8]>; 8]> =
                stacks.iter_mut().map(|s| s.as_mut_slice()).collect();
            let slices = |bytes: usize| {
                let slice = bytes / steps;
                match reverse {
                    true => (bytes - slice, -(slice as isize)),
                    false => (0, slice as isize),
                }
            };
            let mut places: SmallVec<[Place<'_>; 12]> = SmallVec::new();
            for argument in arguments {
                places.push(match *argument {
                    Argument::Constant(i) => Place::Read { bytes: bytes(&constants[i]), first: 0, step: 0 },
                    Argument::State(k) => {
                        let bytes = state[k].take().expect("each has one place, and is its own");
                        Place::Written { bytes, first: 0, step: 0 }
                    }
                    Argument::Scanned(k) => {
                        let (first, step) = slices(scanned[k].ty().bytes());
                        Place::Read { bytes: bytes(&scanned[k]), first, step }
                    }
                    Argument::Stacked(k) => {
                        let (first, step) = slices(stacked[k].bytes());
                        let bytes = stacks[k].take().expect("each has one place, and is its own");
                        Place::Written { bytes, first, step }
                    }
                });
            }
            in_rows(ready.code, [steps, ready.elements], places);
        }
        let made = |ty: &TensorType, storage| data::value(ty.clone(), Layout::row_major(&ty.shape), storage);
        let last = state.into_iter().zip(carried).map(|(x, ty)| x.map_or_else(|x| x, |s| made(ty, s)));
        last.chain(stacked.iter().zip(stacks).map(|(ty, s)| made(ty, s))).collect()
    }
}

/// A value's elements, which lie in order.
fn bytes(x: &Value) -> &[u8] {
    let data::CpuData { layout, storage } = data::data(x);
    &storage.bytes()[layout.offset * x.dtype().size()..]
}
