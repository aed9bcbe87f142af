//! Element-wise comparisons of two operands of the same type; they give bool. Comparisons with NaN are false, but `ne`.

use crate::op::{names, same_types};
use crate::{DType, TensorType};

names! {
    /// An element-wise comparison.
    pub enum Compare {
        /// x == y.
        Eq "eq",
        /// x != y.
        Ne "ne",
        /// x < y.
        Lt "lt",
        /// x <= y.
        Le "le",
        /// x > y.
        Gt "gt",
        /// x >= y.
        Ge "ge",
    }
}

impl Compare {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, y: &TensorType) -> TensorType {
        same_types(self.name(), &[x, y]);
        x.with_dtype(DType::Bool)
    }
}
