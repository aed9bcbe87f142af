//! Derivatives of cutting out and putting together: each is the other's.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{Padding, Slice};
use plywood_core::shape::Axes;
use plywood_core::{Number, TensorType, Value};

/// Zeros around and between.
pub(super) fn slice(s: &Slice, r: &Pull<'_>, ct: T) -> T {
    let padding = |d: usize| {
        let covered = match ct.shape()[d] {
            0 => 0,
            n => (n - 1) * s.strides[d] + 1,
        };
        let high = r.shape(0)[d] - s.starts[d] - covered;
        Padding { low: s.starts[d] as isize, high: high as isize, interior: s.strides[d] - 1 }
    };
    let padding: Vec<Padding> = (0..ct.rank()).map(padding).collect();
    T::of(ct.into_value().pad_zeros(&padding))
}

pub(super) fn keep_dynamic_slice() -> Keep {
    Keep::all_inputs_but_first().and_type_of(0)
}

fn starts(r: &Pull<'_>, first: usize) -> impl Iterator<Item = Value> {
    (first..r.wanted.len()).map(|i| r.x(i).value().clone())
}

fn no_more(r: &Pull<'_>, mut gradients: Gradients) -> Gradients {
    gradients.resize(r.wanted.len(), None);
    gradients
}

fn zeros(like: &T, ty: &TensorType) -> Value {
    like.value().full(Number::Int(0), ty.clone())
}

/// The cotangent put into zeros.
pub(super) fn dynamic_slice(r: &Pull<'_>, ct: T) -> Gradients {
    let into_zeros = |ct: T| T::of(zeros(&ct, r.ty(0)).dynamic_update(ct.into_value(), starts(r, 1)));
    no_more(r, r.each(ct, [&into_zeros]))
}

pub(super) fn keep_dynamic_update() -> Keep {
    Keep::all_inputs_but_first().and_type_of(0).and_type_of(1)
}

/// To the tensor what was not overwritten, to the update what it overwrote.
pub(super) fn dynamic_update(r: &Pull<'_>, ct: T) -> Gradients {
    let rest = |ct: T| {
        let none = zeros(&ct, r.ty(1));
        T::of(ct.into_value().dynamic_update(none, starts(r, 2)))
    };
    let part = |ct: T| T::of(ct.into_value().dynamic_slice(starts(r, 2), r.shape(1).clone()));
    no_more(r, r.each(ct, [&rest, &part]))
}

/// To the tensor its own places, to the scalar the sum of all others.
pub(super) fn pad(padding: &[Padding], r: &Pull<'_>, ct: T) -> Gradients {
    let own = |ct: T| {
        let trim: Vec<Padding> =
            padding.iter().map(|p| Padding { low: -p.low, high: -p.high, interior: 0 }).collect();
        let inner = ct.into_value().pad_zeros(&trim);
        let strides: Axes = padding.iter().map(|p| p.interior + 1).collect();
        let limits = inner.shape().iter().copied().collect();
        T::of(inner.slice(Axes::from_elem(0, padding.len()), limits, strides))
    };
    r.each(ct, [&own, &|ct| ct.sum() - own(ct).sum()])
}

/// To each operand its part.
pub(super) fn concatenate(axis: usize, r: &Pull<'_>, ct: T) -> Gradients {
    let mut start = 0;
    (0..r.wanted.len())
        .map(|i| {
            let end = start + r.shape(i)[axis];
            let part = r.wants(i).then(|| T::of(ct.value().clone().slice_axis(axis, start, end)));
            start = end;
            part
        })
        .collect()
}
