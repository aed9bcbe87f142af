//! Reading at computed places, backwards: adding at the same places, in the same mode.

use super::{Pull, T};
use plywood_core::op::{Gather, IndexMode, Scatter, ScatterKind};
use plywood_core::{Number, Op, TensorType, Value};
use std::sync::Arc;

pub(super) fn vjp(g: &Gather, r: &Pull<'_>, ct: T) -> T {
    let zeros = ct.value().full(Number::Int(0), r.ty(0).clone());
    let add = mirror(g, ScatterKind::Add);
    let inputs = [zeros, r.x(1).value().clone(), ct.into_value()];
    T::of(Value::apply_all(Op::Scatter(Arc::new(add)), inputs.into_iter().collect()))
}

/// The scatter that writes where a gather reads.
fn mirror(g: &Gather, kind: ScatterKind) -> Scatter {
    Scatter {
        kind,
        window_axes: g.offset_axes.clone(),
        inserted_axes: g.collapsed_axes.clone(),
        operand_batching_axes: g.operand_batching_axes.clone(),
        indices_batching_axes: g.indices_batching_axes.clone(),
        index_map: g.start_index_map.clone(),
        mode: g.mode,
    }
}

/// Reads where a scatter writes; a window that the scatter drops gives zeros.
pub(super) fn read_back(s: &Scatter, updates: &TensorType, indices: &T, from: &T) -> T {
    let gather = Gather {
        offset_axes: s.window_axes.clone(),
        collapsed_axes: s.inserted_axes.clone(),
        operand_batching_axes: s.operand_batching_axes.clone(),
        indices_batching_axes: s.indices_batching_axes.clone(),
        start_index_map: s.index_map.clone(),
        sizes: s.window_sizes(from.rank(), &updates.shape),
        mode: s.mode,
    };
    let gather = Op::Gather(Arc::new(gather));
    let read = |x: &T| T::of(Value::apply2(gather.clone(), x.value().clone(), indices.value().clone()));
    match s.mode {
        IndexMode::Clip | IndexMode::PromiseInBounds => read(from),
        // Of bool, what lies outside reads as true.
        IndexMode::Fill => read(&from.ne(from).zeros_like()).select(0, read(from)),
    }
}
