//! Several tensors, or one several times, in one.

use super::super::T;
use crate::shape::{Axes, normalize_axis};
use crate::{Shape, Value, Values};

/// With at least `rank` axes, as NumPy's `atleast_1d` to `atleast_3d` add them.
#[track_caller]
pub fn at_least(x: &T, rank: usize) -> T {
    let n = x.shape();
    let shape: Shape = match (rank, x.rank()) {
        (3, 1) => [1, n[0], 1].into(),
        (3, 2) => [n[0], n[1], 1].into(),
        (_, r) if r >= rank => return x.clone(),
        (_, r) => std::iter::repeat_n(1, rank - r).chain(n.iter().copied()).collect(),
    };
    x.reshape(shape)
}

/// Joined along an axis after each was given `rank` axes; vectors stand as columns where `columns`.
#[track_caller]
pub fn side_by_side(name: &str, tensors: &[T], rank: usize, axis: Option<isize>, columns: bool) -> T {
    assert!(!tensors.is_empty(), "{name}: no tensors");
    let mut parts = Values::new();
    for x in tensors {
        let column = columns && x.rank() < 2;
        parts.push(if column { x.reshape([-1, 1]) } else { at_least(x, rank) }.into_value());
    }
    // NumPy's hstack: vectors along their only axis, all others along the second.
    let axis = axis.unwrap_or(if parts[0].rank() == 1 { 0 } else { 1 });
    T::of(Value::concatenate(parts, axis))
}

/// All of one shape, the one they broadcast to.
#[track_caller]
pub fn broadcast_all(name: &str, tensors: &[T]) -> Vec<T> {
    let mut common = Shape::scalar();
    for x in tensors {
        common = match common.broadcast(x.shape()) {
            Some(shape) => shape,
            None => {
                let shapes: Vec<String> = tensors.iter().map(|t| t.shape().to_string()).collect();
                panic!("{name}: shapes {} do not broadcast", shapes.join(" and "))
            }
        };
    }
    let mut all = Vec::new();
    for x in tensors {
        all.push(x.broadcast_to(&common));
    }
    all
}

/// Each vector along an axis of its own: the i-th along axis i (or, `xy`, the first two exchanged); spread over the
/// whole grid where `full`.
#[track_caller]
pub fn grid(name: &str, vectors: &[T], xy: bool, full: bool) -> Vec<T> {
    let mut axes: Axes = (0..vectors.len()).collect();
    if xy && axes.len() >= 2 {
        axes.swap(0, 1);
    }
    let mut lines = Vec::new();
    for (v, &axis) in vectors.iter().zip(&axes) {
        assert!(v.rank() <= 1, "{name}: takes vectors, not a tensor of shape {}", v.shape());
        let sizes = (0..vectors.len()).map(|d| if d == axis { v.len() } else { 1 });
        lines.push(v.reshape(sizes.collect::<Shape>()));
    }
    if full { broadcast_all(name, &lines) } else { lines }
}

/// Repeated as a whole, so many times along each axis; a missing axis or number is 1.
#[track_caller]
pub fn tile(x: &T, times: &[usize]) -> T {
    let rank = x.rank().max(times.len());
    let size = |d: usize| if d + x.rank() < rank { 1 } else { x.shape()[d + x.rank() - rank] };
    let time = |d: usize| if d + times.len() < rank { 1 } else { times[d + times.len() - rank] };
    let (mut from, mut to, mut last) = (Axes::new(), Axes::new(), Axes::new());
    for d in 0..rank {
        from.extend([1, size(d)]);
        to.extend([time(d), size(d)]);
        last.push(time(d) * size(d));
    }
    let shape = |sizes: Axes| sizes.into_iter().collect::<Shape>();
    x.reshape(shape(from)).broadcast_to(shape(to)).reshape(shape(last))
}

/// Values behind the tensor, along an axis.
#[track_caller]
pub fn append(x: &T, values: &T, axis: isize) -> T {
    let axis = normalize_axis("append", axis, x.shape());
    let fits =
        x.rank() == values.rank() && (0..x.rank()).all(|d| d == axis || x.shape()[d] == values.shape()[d]);
    assert!(fits, "append: shapes {} and {} differ outside axis {axis}", x.shape(), values.shape());
    crate::concatenate([x, values], axis)
}

/// Values before place `at` of an axis, as NumPy's `insert` with one place: given the tensor's rank by leading axes, of
/// which the first is then moved to `axis`.
#[track_caller]
pub fn insert(x: &T, at: isize, values: &T, axis: isize) -> T {
    let axis = normalize_axis("insert", axis, x.shape());
    let n = x.shape()[axis] as isize;
    assert!((-n..=n).contains(&at), "insert: place {at} of axis {axis} of shape {}", x.shape());
    let at = if at < 0 { at + n } else { at } as usize;
    let lead = x.rank().checked_sub(values.rank());
    let Some(lead) = lead else {
        panic!("insert: values of shape {} into shape {}", values.shape(), x.shape())
    };
    let shape: Shape = std::iter::repeat_n(1, lead).chain(values.shape().iter().copied()).collect();
    let values = values.reshape(shape).moveaxis(0, axis);
    let mut part = x.shape().clone();
    part[axis] = values.shape()[axis];
    assert!(
        values.shape().broadcast(&part).is_some_and(|s| s == part),
        "insert: values of shape {} do not fit axis {axis} of shape {}",
        values.shape(),
        x.shape()
    );
    let values = values.cast(x.dtype()).broadcast_to(part);
    let front = T::of(x.value().clone().slice_axis(axis, 0, at));
    let back = T::of(x.value().clone().slice_axis(axis, at, n as usize));
    crate::concatenate([&front, &values, &back], axis)
}

/// Without some places of an axis.
#[track_caller]
pub fn delete(x: &T, places: &[isize], axis: isize) -> T {
    let axis = normalize_axis("delete", axis, x.shape());
    let n = x.shape()[axis] as isize;
    let mut gone = Vec::new();
    for &p in places {
        assert!((-n..n).contains(&p), "delete: place {p} of axis {axis} of shape {}", x.shape());
        gone.push(if p < 0 { p + n } else { p });
    }
    let kept: Vec<usize> = (0..n).filter(|p| !gone.contains(p)).map(|p| p as usize).collect();
    super::take_places(x, &kept, axis)
}
