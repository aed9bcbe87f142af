//! Tangents of sorts: they go along with their elements.

use super::{Push, Tangents};
use crate::vjp::T;
use plywood_core::Value;
use plywood_core::op::{Gather, IndexMode};
use plywood_core::shape::Axes;
use plywood_core::{Op, Values};
use smallvec::smallvec;
use std::sync::Arc;

/// The keys once more, with the tangents as passengers.
pub(super) fn sort(axis: usize, keys: usize, p: &Push<'_>) -> Tangents {
    let present: Vec<usize> = (0..p.t.len()).filter(|&i| p.t[i].is_some()).collect();
    let passengers = present.iter().map(|&i| p.tangent(i).into_value());
    let values: Values = p.x[..keys].iter().map(|x| x.value().clone()).chain(passengers).collect();
    let sorted = Value::sort_together(values, axis as isize, keys);
    let mut tangents: Tangents = p.t.iter().map(|_| None).collect();
    for (&i, t) in present.iter().zip(sorted.into_iter().skip(keys)) {
        tangents[i] = Some(T::of(t));
    }
    tangents
}

/// Those of the places that were chosen.
pub(super) fn top_k(axis: usize, p: &Push<'_>) -> Tangents {
    let places = &p.y[1];
    smallvec![p.t[0].as_ref().map(|t| along(t, places, axis)), None]
}

/// The elements at places along an axis; all other axes run along.
fn along(x: &T, places: &T, axis: usize) -> T {
    let rank = x.rank();
    let others: Axes = (0..rank).filter(|&d| d != axis).collect();
    let gather = Gather {
        offset_axes: Axes::new(),
        collapsed_axes: [axis].into_iter().collect(),
        operand_batching_axes: others.clone(),
        indices_batching_axes: others,
        start_index_map: [axis].into_iter().collect(),
        sizes: Axes::from_elem(1, rank),
        mode: IndexMode::PromiseInBounds,
    };
    let indices = places.expand_dims(rank);
    T::of(Value::apply2(Op::Gather(Arc::new(gather)), x.value().clone(), indices.into_value()))
}
