//! Derivatives of rearrangements: the rearrangement back; of a broadcast, the sum over what was repeated.

use super::{Pull, T};
use plywood_core::op::Reduction;
use plywood_core::shape::Axes;
use plywood_core::{Op, Shape, Value};

pub(super) fn reshape(r: &Pull<'_>, ct: T) -> T {
    T::of(ct.into_value().reshape_to(r.shape(0).clone()))
}

pub(super) fn transpose(permutation: &[usize], ct: T) -> T {
    let mut inverse = Axes::from_elem(0, permutation.len());
    for (i, &p) in permutation.iter().enumerate() {
        inverse[p] = i;
    }
    T::of(ct.into_value().permute(inverse))
}

pub(super) fn broadcast(shape: &Shape, axes: &[usize], r: &Pull<'_>, ct: T) -> T {
    let x = r.shape(0);
    let kept = |d: usize| axes.iter().position(|&a| a == d).is_some_and(|i| x[i] == shape[d]);
    let repeated = (0..shape.rank()).filter(|&d| !kept(d)).collect();
    T::of(ct.into_value().reduce_axes(Reduction::Sum, repeated).reshape_to(x.clone()))
}

pub(super) fn reverse(axes: &Axes, ct: T) -> T {
    T::of(Value::apply1(Op::Reverse { axes: axes.clone() }, ct.into_value()))
}
