//! Reductions over axes, which go away: sums and the like, and the places of extremes.

use crate::op::names;
use crate::{DType, TensorType};

names! {
    /// How a reduction combines elements.
    pub enum Reduction {
        /// The sum; as accurate as pairwise summation, f16 and bf16 accumulate in f32; of numbers. Empty: 0.
        Sum "reduce_sum",
        /// The product; of numbers. Empty: 1.
        Prod "reduce_prod",
        /// The largest; NaN if any is. Of any type. Empty: the lowest value there is.
        Max "reduce_max",
        /// The smallest; NaN if any is. Of any type. Empty: the highest value there is.
        Min "reduce_min",
        /// Bitwise (of bool: logical) and. Empty: all bits set.
        And "reduce_and",
        /// Bitwise or. Empty: 0.
        Or "reduce_or",
        /// Bitwise exclusive or. Empty: 0.
        Xor "reduce_xor",
    }
}
names! {
    /// Which extreme an arg-reduction looks for. The first place wins, and NaN wins over all.
    pub enum ArgReduction {
        /// The place of the largest.
        Max "argmax",
        /// The place of the smallest.
        Min "argmin",
    }
}

impl Reduction {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, axes: &[usize]) -> TensorType {
        let fits = match self {
            Reduction::Sum | Reduction::Prod => x.dtype != DType::Bool,
            Reduction::Max | Reduction::Min => true,
            Reduction::And | Reduction::Or | Reduction::Xor => !x.dtype.is_float(),
        };
        assert!(fits, "{}: does not take {}", self.name(), x.dtype);
        check_axes(self.name(), x, axes);
        x.with_shape(x.shape.without(axes))
    }
}

impl ArgReduction {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, axis: usize, dtype: DType) -> TensorType {
        check_axes(self.name(), x, &[axis]);
        assert!(dtype.is_integer(), "{}: the index is an integer, not {dtype}", self.name());
        assert!(x.shape[axis] > 0, "{}: axis {axis} of shape {} is empty", self.name(), x.shape);
        x.with_shape(x.shape.without(&[axis])).with_dtype(dtype)
    }
}

#[track_caller]
fn check_axes(name: &str, x: &TensorType, axes: &[usize]) {
    let fits = axes.windows(2).all(|w| w[0] < w[1]) && axes.iter().all(|&a| a < x.rank());
    assert!(fits, "{name}: axes {axes:?} of a tensor of shape {}", x.shape);
}
