//! Writing windows: the mirror of gathers. The result differs between lanes if anything does, so the operand is repeated.

use super::{Args, Batch, batched, led, up};
use plywood_core::op::Scatter;
use plywood_core::{Op, Value};
use std::sync::Arc;

pub(super) fn scatter(s: &Scatter, b: &Batch<'_>, mut x: Args) -> Args {
    let updates = x.pop().expect("three inputs").lanes(b.size());
    let indices = x.pop().expect("three inputs");
    let operand = x.pop().expect("three inputs").lanes(b.size());
    let inside = Scatter {
        kind: s.kind,
        window_axes: up(&s.window_axes),
        inserted_axes: up(&s.inserted_axes),
        operand_batching_axes: up(&s.operand_batching_axes),
        indices_batching_axes: s.indices_batching_axes.clone(),
        index_map: up(&s.index_map),
        mode: s.mode,
    };
    let scatter = match indices.batched {
        // The window grows by the lanes' axis.
        false => Scatter { window_axes: led(0, &inside.window_axes), ..inside },
        true => Scatter {
            operand_batching_axes: led(0, &inside.operand_batching_axes),
            indices_batching_axes: led(0, &up(&s.indices_batching_axes)),
            ..inside
        },
    };
    let inputs = [operand, indices.value, updates].into_iter().collect();
    batched(Value::apply_all(Op::Scatter(Arc::new(scatter)), inputs))
}
