//! Derivatives of reductions: what the sum gives to all alike, an extreme gives to those that attain it.

use super::products::{gathered_last, others_along_last};
use super::shape::transpose;
use super::{Keep, Pull, T};
use plywood_core::Shape;
use plywood_core::op::Reduction;
use plywood_core::shape::Axes;

pub(super) fn keep(kind: Reduction) -> Option<Keep> {
    match kind {
        Reduction::Sum => Some(Keep::type_of(0)),
        Reduction::Prod => Some(Keep::inputs([0])),
        Reduction::Max | Reduction::Min => Some(Keep::inputs([0]).and_outputs()),
        // Of integers and bool.
        Reduction::And | Reduction::Or | Reduction::Xor => None,
    }
}

pub(super) fn vjp(kind: Reduction, axes: &[usize], r: &Pull<'_>, ct: T) -> Option<T> {
    match kind {
        Reduction::Sum => Some(spread(ct, axes, r.shape(0))),
        Reduction::Prod => {
            let x = r.x(0);
            let (last, permutation) = gathered_last(x, axes);
            let others = others_along_last(&last);
            let moved: Vec<usize> = permutation.iter().map(|&d| x.shape()[d]).collect();
            Some(spread(ct, axes, x.shape()) * transpose(&permutation, others.reshape(moved)))
        }
        Reduction::Max | Reduction::Min => {
            // Averaged over all places that attain the extreme. None attains NaN: 0 / 0 passes it on.
            let x = r.x(0);
            let attained = x.eq(spread(r.y().clone(), axes, x.shape())).cast(ct.dtype());
            let places = attained.sum_axes(axes);
            Some(attained / spread(places, axes, x.shape()) * spread(ct, axes, x.shape()))
        }
        Reduction::And | Reduction::Or | Reduction::Xor => None,
    }
}

/// Repeated along the axes that a reduction dropped.
fn spread(y: T, axes: &[usize], shape: &Shape) -> T {
    let kept: Axes = (0..shape.rank()).filter(|d| !axes.contains(d)).collect();
    T::of(y.into_value().broadcast_in(shape.clone(), kept))
}
