//! Changing the dtype: by value (`cast`) and by bits (`bitcast`).

use crate::{DType, Shape, TensorType};

/// A cast goes from any dtype to any: to a float it rounds once, to nearest even, from whatever type; floats to
/// integers truncate and saturate (NaN gives 0), integers wrap, to bool is `!= 0`.
pub(super) fn infer_cast(x: &TensorType, dtype: DType) -> TensorType {
    x.with_dtype(dtype)
}

/// A bitcast to a narrower dtype appends an axis for the parts, lowest bits first; to a wider one it takes the last axis.
#[track_caller]
pub(super) fn infer_bitcast(x: &TensorType, dtype: DType) -> TensorType {
    let (from, to) = (x.dtype.size(), dtype.size());
    assert!(
        (x.dtype == DType::Bool) == (dtype == DType::Bool),
        "bitcast: from {} to {dtype}; bool has no bits to give or take: cast it",
        x.dtype
    );
    let shape: Shape = if from >= to {
        x.shape.iter().copied().chain((from > to).then_some(from / to)).collect()
    } else {
        let ratio = to / from;
        assert!(
            x.shape.last() == Some(&ratio),
            "bitcast: {x} to {dtype}: the last axis must have size {ratio}"
        );
        x.shape[..x.rank() - 1].into()
    };
    TensorType::new(shape, dtype)
}
