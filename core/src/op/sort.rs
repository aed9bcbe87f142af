//! Stable sorting along one axis.

use crate::TensorType;

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
