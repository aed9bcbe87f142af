//! Stable sorting along one axis, whole or only the largest.

use crate::{DType, TensorType};
use smallvec::smallvec;

/// Any number of operands of one shape go along; the first `keys` of them decide, in lexicographic order. Ascending;
/// -0 and 0 are equal, NaN comes last. Stable.
#[track_caller]
pub(super) fn infer_sort(x: &[&TensorType], axis: usize, keys: usize) -> crate::op::Types {
    assert!(!x.is_empty() && (1..=x.len()).contains(&keys), "sort: {keys} keys of {} operands", x.len());
    let shape = &x[0].shape;
    assert!(axis < shape.rank(), "sort: axis {axis} of a tensor of shape {shape}");
    for other in x {
        assert!(other.shape == *shape, "sort: shapes {shape} and {} differ", other.shape);
    }
    x.iter().map(|&t| t.clone()).collect()
}

/// The k largest along an axis, the largest first; NaN is larger than all, of equal ones the first comes first.
#[track_caller]
pub(super) fn infer_top_k(x: &TensorType, k: usize, axis: usize) -> crate::op::Types {
    assert!(axis < x.rank(), "top_k: axis {axis} of a tensor of shape {}", x.shape);
    assert!(
        k <= x.shape[axis],
        "top_k: {k} of the {} elements along axis {axis} of shape {}",
        x.shape[axis],
        x.shape
    );
    let mut shape = x.shape.clone();
    shape[axis] = k;
    let values = x.with_shape(shape);
    smallvec![values.clone(), values.with_dtype(DType::I32)]
}
