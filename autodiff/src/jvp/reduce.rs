//! Tangents of products and extremes: each element counts for one result.

use super::{Push, Tangents};
use plywood_core::op::Reduction;
use plywood_core::shape::Axes;
use smallvec::smallvec;

use crate::vjp::T;

pub(super) fn grouped(axes: &Axes, p: &Push<'_>) -> Tangents {
    let Some(t) = &p.t[0] else { return smallvec![None] };
    let weights = p.pulled(0, p.y[0].ones_like()).expect("it has a derivative");
    let sum = (weights * t).into_value().reduce_axes(Reduction::Sum, axes.clone());
    smallvec![Some(T::of(sum))]
}
