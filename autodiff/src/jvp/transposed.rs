//! The Jacobian-vector product as the transpose of the vector-Jacobian product.
//!
//! The pullback of an operation at fixed residuals is a linear function of the cotangents. It is run once in reverse
//! mode, with cotangents that are tracked and zero; what it pulls the tangents back to are the products.

use super::{Push, Tangents};
use crate::engine::{self, Autodiff};
use crate::tape::Tape;
use crate::vjp::{self, Keep, T};
use plywood_core::{Array, Backend, Device, Engine, Error, Step, Value, Values};
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::Arc;

pub(super) fn transposed(p: &Push<'_>) -> Tangents {
    Below::within(p.x[0].value().engine(), || on_tape(p))
}

fn on_tape(p: &Push<'_>) -> Tangents {
    let engine = <Autodiff<Below> as Backend>::ENGINE;
    let lifted =
        |x: &[T]| -> Vec<Value> { x.iter().map(|x| engine::constant(engine, x.value().clone())).collect() };
    let keep = Keep::everything();
    let kept = keep.and_outputs_of(keep.inputs_of(&lifted(p.x)), &lifted(p.y));
    let tape = Arc::new(Tape::new());
    let cotangents: SmallVec<[Option<T>; 1]> = (p.y.iter())
        .map(|y| {
            let slot = tape.variable();
            let zero = || T::of(engine::tracked(engine, y.zeros_like().into_value(), tape.clone(), slot));
            y.dtype().is_float().then(zero)
        })
        .collect();
    let wanted = p.t.iter().map(Option::is_some).collect();
    let gradients = vjp::pull_back(p.op, &kept, wanted, cotangents);
    let seeds = gradients.iter().zip(p.t).filter_map(|(gradient, t)| {
        let slot = engine::slot_on(gradient.as_ref()?.value(), &tape)?;
        Some((slot, t.clone()?))
    });
    let seeds = seeds.collect();
    drop(gradients);
    tape.backward(seeds, p.y.len()).into_iter().collect()
}

/// The engine of an operation, below the tape on which its rule runs: what a rule makes from nothing is made there. `Dyn`
/// cannot stand for it, since it may itself be a layer over `Dyn`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Below;

thread_local! { static ENGINE: Cell<Option<&'static dyn Engine>> = const { Cell::new(None) }; }

impl Below {
    fn within<R>(engine: &'static dyn Engine, f: impl FnOnce() -> R) -> R {
        struct Restore(Option<&'static dyn Engine>);
        impl Drop for Restore {
            fn drop(&mut self) {
                ENGINE.set(self.0)
            }
        }
        let _restore = Restore(ENGINE.replace(Some(engine)));
        f()
    }

    fn engine() -> &'static dyn Engine {
        ENGINE.get().expect("a rule runs within its operation")
    }
}

impl Backend for Below {
    const ENGINE: &'static dyn Engine = &Below;
}

impl Engine for Below {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        Below::engine().execute(step, inputs)
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        value.read()
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        Below::engine().device(value)
    }
    fn name(&self) -> String {
        Below::engine().name()
    }
}
