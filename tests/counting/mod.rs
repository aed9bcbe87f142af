//! A layer that counts what is executed below it, by the name of the operation. Bodies of loops run on it too.

use plywood::control::interpret::{self, Runs};
use plywood::prelude::*;
use plywood::{Array, Engine, Error, Op, Step, Value, Values};
use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static COUNTS: RefCell<BTreeMap<&'static str, usize>> = const { RefCell::new(BTreeMap::new()) };
    static HELD: RefCell<(usize, usize)> = const { RefCell::new((0, 0)) };
}

/// The CPU, counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Counting;

/// What this layer keeps for a value; it counts how many bytes there are of them.
struct Counted(Value);

impl Drop for Counted {
    fn drop(&mut self) {
        let bytes = self.0.ty().bytes();
        HELD.with_borrow_mut(|(now, _)| *now -= bytes);
    }
}

fn counted(inner: Value) -> Value {
    let bytes = inner.ty().bytes();
    HELD.with_borrow_mut(|(now, peak)| {
        *now += bytes;
        *peak = (*peak).max(*now);
    });
    Value::new(Counting::ENGINE, inner.ty().clone(), Counted(inner))
}

/// Runs a function: its result, how often each operation was executed, and the most bytes of values that there were at a
/// time beyond those before.
pub fn counting<R>(f: impl FnOnce() -> R) -> (R, BTreeMap<&'static str, usize>, usize) {
    COUNTS.with_borrow_mut(BTreeMap::clear);
    let before = HELD.with_borrow_mut(|(now, peak)| {
        *peak = *now;
        *now
    });
    let result = f();
    (result, COUNTS.with_borrow(BTreeMap::clone), HELD.with_borrow(|(_, peak)| peak - before))
}

impl Backend for Counting {
    const ENGINE: &'static dyn Engine = &Counting;
}

impl Layer for Counting {
    type Inner = Cpu;
    fn lift(inner: Value) -> Value {
        counted(inner)
    }
}

impl Runs for Counting {
    fn engine(&self) -> &'static dyn Engine {
        Counting::ENGINE
    }
}

impl Engine for Counting {
    fn execute(&'static self, step: Step<'_>, x: Values) -> Values {
        COUNTS.with_borrow_mut(|counts| *counts.entry(step.op.name()).or_default() += 1);
        match step.op {
            Op::Call(call) => call.graph.replay(self, x),
            Op::Scan(scan) => interpret::scan(self, step.outputs, x, scan),
            Op::While(w) => interpret::while_loop(self, x, w),
            Op::Cond(c) => interpret::cond(self, x, c),
            _ => {
                let x = x.iter().map(|x| x.data::<Counted>().0.clone()).collect();
                Cpu::ENGINE.execute(step, x).into_iter().map(counted).collect()
            }
        }
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        value.data::<Counted>().0.read()
    }
    fn device(&'static self, _: Option<&Value>) -> Device {
        Device::cpu(0)
    }
    fn name(&self) -> String {
        "Counting".to_string()
    }
}
