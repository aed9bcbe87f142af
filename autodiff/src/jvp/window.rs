//! Tangents of the extremes of windows: those of the places that won.

use super::{Push, Tangents};
use crate::vjp::T;
use plywood_core::op::{Gather, IndexMode, Window, WindowKind};
use plywood_core::{Op, Value};
use smallvec::smallvec;
use std::sync::Arc;

pub(super) fn extreme(kind: WindowKind, window: &Arc<Window>, p: &Push<'_>) -> Tangents {
    let Some(t) = &p.t[0] else { return smallvec![None] };
    let kind = match kind {
        WindowKind::Min => WindowKind::ArgMin,
        WindowKind::Max | WindowKind::Sum | WindowKind::ArgMax | WindowKind::ArgMin => WindowKind::ArgMax,
    };
    let op = Op::Window { kind, window: window.clone() };
    let places = T::of(Value::apply1(op, p.x[0].value().clone()));
    // A window of padding alone has the place -1, and no tangent.
    let none = places.lt(0);
    let gather = Gather {
        offset_axes: Default::default(),
        collapsed_axes: [0].into_iter().collect(),
        operand_batching_axes: Default::default(),
        indices_batching_axes: Default::default(),
        start_index_map: [0].into_iter().collect(),
        sizes: [1].into_iter().collect(),
        mode: IndexMode::Clip,
    };
    if t.is_empty() {
        return smallvec![None];
    }
    let indices = places.expand_dims(places.rank()).into_value();
    let found = T::of(Value::apply2(Op::Gather(Arc::new(gather)), t.flatten().into_value(), indices));
    smallvec![Some(none.select(0, found))]
}
