//! What must be true of every operation on every engine. A property is a function of an engine and a sample; [`check`]
//! runs it over the samples of an operation and reports all that fail, panics included.
//!
//! | property | what it says | where |
//! |---|---|---|
//! | forward | the result is the oracle's, whatever the inputs' layout; inputs that are held stay as they are | [`forward`] |
//! | gradient | reverse mode gives what differences of the operation give | [`gradient`] |
//! | second order | reverse over reverse gives what differences of the gradient give | [`second_order`] |
//! | jvp | forward mode and reverse mode give one product of cotangent, Jacobian and tangent | [`jvp()`] |
//! | alone | an input's derivative is the same whether it is differentiated alone or with all others | [`alone`] |
//! | tangent | of what has forward mode only: tangents are what differences give, twice; reverse mode says why not | [`tangent()`] |
//! | mixtures | second derivatives are the same in all four mixtures of the modes | [`mixtures`] |
//! | replay | a recorded graph, also as one call, gives what eager execution gives, to the bit | [`replay`] |
//! | vmap | for many lanes at once it is the stack over slices, for every placement of their axis, and so are derivatives | [`vmap()`], [`vmap_of_derivatives`] |
//! | device | a device gives what the CPU gives: values, derivatives, many lanes, as one call | [`device()`] |
//! | devices | a collective on devices gives what the lanes of `vmap` give, and so do its derivatives | `tests/devices.rs` |
//!
//! A layer brings its own property, a file here: `fusion` (against eager execution).

mod alone;
mod device;
mod forward;
mod gradient;
mod jvp;
mod pullback;
mod replay;
mod second_order;
mod tangent;
mod vmap;

pub use alone::alone;
pub use device::{Nearness, Part, device};
pub use forward::forward;
pub use gradient::gradient;
pub use jvp::{jvp, mixtures, pushed};
pub use pullback::{directions, pullback};
pub use replay::replay;
pub use second_order::second_order;
pub use tangent::{no_reverse, tangent};
pub use vmap::{vmap, vmap_of_derivatives};

use crate::Sample;
use crate::samples::samples;
use plywood_core::OpKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a property over the samples of an operation that `chosen` picks; panics with what failed, if anything did.
#[track_caller]
pub fn check(
    kind: OpKind,
    chosen: impl Fn(&Sample) -> bool,
    property: impl Fn(&Sample) -> Result<(), String>,
) {
    let all: Vec<Sample> = samples(kind).into_iter().filter(chosen).collect();
    assert!(!all.is_empty(), "{kind:?}: no sample to check");
    let failures: Vec<String> = all
        .iter()
        .filter_map(|sample| {
            let result = catch_unwind(AssertUnwindSafe(|| property(sample)));
            let result = result.unwrap_or_else(|panic| Err(format!("panicked: {}", message(&*panic))));
            result.err().map(|why| format!("{}: {why}", sample.name))
        })
        .collect();
    if failures.is_empty() {
        return;
    }
    // All of them for a report, the first ones otherwise.
    let most = if std::env::var_os("GAUNTLET_ALL").is_some() { usize::MAX } else { 12 };
    let shown: String = failures.iter().take(most).map(|f| format!("\n  {f}")).collect();
    panic!("{} of {} samples of {kind:?} fail:{shown}", failures.len(), all.len());
}

/// What a panic said.
pub fn message(panic: &(dyn std::any::Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => "(no message)".to_string(),
    }
}
