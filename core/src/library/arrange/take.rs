//! Elements at given places of an axis, and repeated ones.

use super::super::T;
use crate::op::IndexMode;
use crate::shape::normalize_axis;
use crate::value::check_bounds;
use crate::{Array, Shape, TakeMode};

/// Places along an axis that are known here.
#[track_caller]
pub fn take_places(x: &T, places: &[usize], axis: usize) -> T {
    let places = Array::new(places.iter().map(|&p| p as i32).collect(), [places.len()]);
    T::of(x.value().clone().take(x.value().constant(places), axis, IndexMode::Clip))
}

#[track_caller]
fn check_integers(name: &str, indices: &T) {
    assert!(indices.dtype().is_integer(), "{name}: indices are integers, not {}", indices.ty());
}

/// Places along an axis. Without a mode, those that can be read are checked, and others are moved inside.
#[track_caller]
pub fn take(x: &T, indices: &T, axis: isize, mode: Option<TakeMode>) -> T {
    let axis = normalize_axis("take", axis, x.shape());
    check_integers("take", indices);
    let n = x.shape()[axis];
    let i = indices.value().clone();
    let (places, mode) = match mode {
        None => {
            check_bounds("take", &i, axis, x.shape());
            (i.wrap_negative(n), IndexMode::Clip)
        }
        Some(TakeMode::Fill) => (i.wrap_negative(n), IndexMode::Fill),
        Some(TakeMode::Clip) => (i, IndexMode::Clip),
        Some(TakeMode::Wrap) => (indices.remainder(n.max(1)).into_value(), IndexMode::Clip),
    };
    T::of(x.value().clone().take(places, axis, mode))
}

/// Both operands with the sizes they broadcast to along all axes but `axis`; indices counted from the front.
#[track_caller]
fn aligned(name: &str, x: &T, indices: &T, axis: usize) -> (T, T) {
    check_integers(name, indices);
    assert!(
        x.rank() == indices.rank(),
        "{name}: indices of shape {} for shape {}: they have as many axes",
        indices.shape(),
        x.shape()
    );
    let (a, b) = (x.shape().ones_at(&[axis]), indices.shape().ones_at(&[axis]));
    let Some(common) = a.broadcast(&b) else {
        panic!(
            "{name}: indices of shape {} do not broadcast with shape {} outside axis {axis}",
            indices.shape(),
            x.shape()
        )
    };
    check_bounds(name, indices.value(), axis, x.shape());
    let with = |n: usize| {
        let mut shape: Shape = common.clone();
        shape[axis] = n;
        shape
    };
    let places = T::of(indices.value().clone().wrap_negative(x.shape()[axis]));
    (x.broadcast_to(with(x.shape()[axis])), places.broadcast_to(with(indices.shape()[axis])))
}

/// `out[.., j, ..] = x[.., indices[.., j, ..], ..]`.
#[track_caller]
pub fn take_along_axis(x: &T, indices: &T, axis: isize) -> T {
    let axis = normalize_axis("take_along_axis", axis, x.shape());
    let (x, places) = aligned("take_along_axis", x, indices, axis);
    if places.is_empty() {
        return T::of(x.value().full(crate::Number::Int(0), x.ty().with_shape(places.shape().clone())));
    }
    T::of(x.into_value().take_along(places.into_value(), axis))
}

/// `out[.., indices[.., j, ..], ..] = values[.., j, ..]`; elsewhere `x`.
#[track_caller]
pub fn put_along_axis(x: &T, indices: &T, values: &T, axis: isize) -> T {
    let axis = normalize_axis("put_along_axis", axis, x.shape());
    let (wide, places) = aligned("put_along_axis", x, indices, axis);
    assert!(
        wide.shape() == x.shape(),
        "put_along_axis: indices of shape {} reach outside shape {}",
        indices.shape(),
        x.shape()
    );
    let values = T::of(values.value().clone().cast(x.dtype()).broadcast_to("put_along_axis", places.shape()));
    T::of(wide.into_value().put_along(places.into_value(), values.into_value(), axis))
}

/// Each element `n` times, one behind the other.
#[track_caller]
pub fn repeat(x: &T, n: usize, axis: isize) -> T {
    let axis = normalize_axis("repeat", axis, x.shape());
    let one_more = x.shape().insert(axis + 1, 1);
    let mut spread = one_more.clone();
    spread[axis + 1] = n;
    let mut shape = x.shape().clone();
    shape[axis] *= n;
    x.reshape(one_more).broadcast_to(spread).reshape(shape)
}

/// Each element along an axis as often as `counts`, which is read, says.
#[track_caller]
pub fn repeat_each(x: &T, counts: &T, axis: isize) -> T {
    let axis = normalize_axis("repeat", axis, x.shape());
    check_integers("repeat", counts);
    let n = x.shape()[axis];
    assert!(
        counts.rank() <= 1 && (counts.len() == n || counts.len() == 1),
        "repeat: counts of shape {} for axis {axis} of shape {}",
        counts.shape(),
        x.shape()
    );
    let instead =
        "the result's size would depend on them: repeat by a number, or take at places of known size";
    let counts = counts.cast(crate::DType::I64).value().array_or("repeat", instead);
    let counts = counts.as_slice::<i64>().unwrap_or_default();
    let mut places = Vec::new();
    for i in 0..n {
        let count = counts[if counts.len() == 1 { 0 } else { i }];
        assert!(count >= 0, "repeat: a count of {count}");
        places.extend(std::iter::repeat_n(i, count as usize));
    }
    take_places(x, &places, axis)
}
