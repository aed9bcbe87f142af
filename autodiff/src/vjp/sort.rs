//! The derivative of a sort is the permutation back, of all operands that went along; that of the k largest puts them
//! back in their places.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{IndexMode, Scatter, ScatterKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, Number, Op, Value, Values};
use smallvec::SmallVec;
use std::sync::Arc;

pub(super) fn vjp(axis: usize, keys: usize, r: &Pull<'_>, cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    // Where each element came from: sort the places along with the keys.
    let first = r.x(0);
    let places = first.value().iota(first.ty().with_dtype(DType::I32), axis);
    let values: Values = (0..keys).map(|i| r.x(i).value().clone()).chain([places]).collect();
    let origin = Value::sort_together(values, axis as isize, keys).remove(keys);
    // Sorting the cotangents by their origin puts them back.
    let present: Vec<usize> = (0..cts.len()).filter(|&i| r.wants(i) && cts[i].is_some()).collect();
    let back: Values = [origin]
        .into_iter()
        .chain(present.iter().map(|&i| cts[i].clone().expect("present").into_value()))
        .collect();
    let sorted = Value::sort_together(back, axis as isize, 1);
    let mut gradients: Gradients = cts.iter().map(|_| None).collect();
    for (&i, ct) in present.iter().zip(sorted.into_iter().skip(1)) {
        gradients[i] = Some(T::of(ct));
    }
    gradients
}

pub(super) fn keep_top_k() -> Keep {
    Keep::outputs().and_type_of(0)
}

/// What was taken from a place goes back there.
pub(super) fn top_k(axis: usize, r: &Pull<'_>, ct: T) -> T {
    let places = &r.kept.y[1];
    let zeros = ct.value().full(Number::Int(0), r.ty(0).clone());
    let others: Axes = (0..places.rank()).filter(|&d| d != axis).collect();
    let scatter = Scatter {
        kind: ScatterKind::Add,
        window_axes: Axes::new(),
        inserted_axes: Axes::from_slice(&[axis]),
        operand_batching_axes: others.clone(),
        indices_batching_axes: others,
        index_map: Axes::from_slice(&[axis]),
        mode: IndexMode::PromiseInBounds,
    };
    let indices = places.expand_dims(-1).into_value();
    let inputs: Values = [zeros, indices, ct.into_value()].into_iter().collect();
    T::of(Value::apply_all(Op::Scatter(Arc::new(scatter)), inputs))
}
