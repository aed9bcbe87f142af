//! Data that comes from nowhere: a number everywhere, counting, host data. Operations without inputs; of
//! a number and of host data the type is an attribute.

use crate::{DType, TensorType};

/// 0, 1, 2, .. along `axis`, the same along the others.
#[track_caller]
pub(super) fn infer_iota(ty: &TensorType, axis: usize) -> TensorType {
    assert!(axis < ty.rank(), "iota: axis {axis} of shape {}", ty.shape);
    assert!(ty.dtype != DType::Bool, "iota: does not count in bool");
    ty.clone()
}
