//! Cutting out and putting together: slice, dynamic slice, dynamic update, pad, concatenate.

use crate::op::same_dtypes;
use crate::shape::Axes;
use crate::{Shape, TensorType};

/// Along each axis `starts[d], starts[d] + strides[d], ..` below `limits[d]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slice {
    /// First index of each axis.
    pub starts: Axes,
    /// Index after the last of each axis.
    pub limits: Axes,
    /// Step of each axis, at least 1.
    pub strides: Axes,
}

impl Slice {
    #[track_caller]
    pub(super) fn infer(&self, x: &TensorType) -> TensorType {
        let Slice { starts, limits, strides } = self;
        let fits = [starts, limits, strides].iter().all(|s| s.len() == x.rank())
            && (0..x.rank()).all(|d| starts[d] <= limits[d] && limits[d] <= x.shape[d] && strides[d] >= 1);
        assert!(fits, "slice: from {starts:?} to {limits:?} by {strides:?} of a tensor of shape {}", x.shape);
        x.with_shape((0..x.rank()).map(|d| (limits[d] - starts[d]).div_ceil(strides[d])).collect::<Shape>())
    }
}

/// Padding of one axis: `low` and `high` elements at the ends (negative: taken away), `interior` between any two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Padding {
    /// Elements before the first.
    pub low: isize,
    /// Elements after the last.
    pub high: isize,
    /// Elements between any two neighbours.
    pub interior: usize,
}

impl Padding {
    /// The size that an axis of `size` is padded to; negative where more is taken away than there is.
    pub fn size(&self, size: usize) -> isize {
        (size + size.saturating_sub(1) * self.interior) as isize + self.low + self.high
    }
}

/// Inputs: the tensor, and the scalar to pad with.
#[track_caller]
pub(super) fn infer_pad(x: &TensorType, value: &TensorType, padding: &[Padding]) -> TensorType {
    same_dtypes("pad", &[x, value]);
    assert!(value.rank() == 0, "pad: pads with a scalar, not with a tensor of shape {}", value.shape);
    assert!(padding.len() == x.rank(), "pad: {} paddings for shape {}", padding.len(), x.shape);
    let shape = x.shape.iter().zip(padding).map(|(&n, p)| {
        let size = p.size(n);
        assert!(size >= 0, "pad: {p:?} takes more away than an axis of size {n} has (shape {})", x.shape);
        size as usize
    });
    x.with_shape(shape.collect::<Shape>())
}

/// Inputs: any number of tensors, equal but along `axis`.
#[track_caller]
pub(super) fn infer_concatenate(x: &[&TensorType], axis: usize) -> TensorType {
    assert!(!x.is_empty(), "concatenate: no tensors");
    same_dtypes("concatenate", x);
    let first = &x[0].shape;
    assert!(axis < first.rank(), "concatenate: axis {axis} of shape {first}");
    for other in &x[1..] {
        let fits = other.rank() == first.rank()
            && (0..first.rank()).all(|d| d == axis || first[d] == other.shape[d]);
        assert!(fits, "concatenate: shapes {first} and {} differ outside axis {axis}", other.shape);
    }
    let mut shape = first.clone();
    shape[axis] = x.iter().map(|t| t.shape[axis]).sum();
    x[0].with_shape(shape)
}

#[track_caller]
fn check_starts(name: &str, x: &TensorType, sizes: &[usize], starts: &[&TensorType]) {
    let fits = sizes.len() == x.rank() && sizes.iter().zip(x.shape.iter()).all(|(s, n)| s <= n);
    assert!(fits, "{name}: a window of {sizes:?} of a tensor of shape {}", x.shape);
    assert!(starts.len() == x.rank(), "{name}: {} starts for shape {}", starts.len(), x.shape);
    for s in starts {
        let fits = s.rank() == 0 && s.dtype.is_integer();
        assert!(fits, "{name}: starts are integer scalars, not {s}");
    }
    same_dtypes(name, starts);
}

/// Inputs: the tensor, and one integer scalar an axis; starts are clamped so that the window lies inside.
#[track_caller]
pub(super) fn infer_dynamic_slice(x: &[&TensorType], sizes: &Shape) -> TensorType {
    check_starts("dynamic_slice", x[0], sizes, &x[1..]);
    x[0].with_shape(sizes.clone())
}

/// Inputs: the tensor, the update, and one integer scalar an axis, clamped likewise.
#[track_caller]
pub(super) fn infer_dynamic_update(x: &[&TensorType]) -> TensorType {
    same_dtypes("dynamic_update_slice", &x[..2]);
    check_starts("dynamic_update_slice", x[0], &x[1].shape, &x[2..]);
    x[0].clone()
}
