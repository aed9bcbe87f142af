//! Running reductions along an axis: the same shape out as in.

use crate::op::names;
use crate::{DType, TensorType};

names! {
    /// How a running reduction combines elements.
    pub enum Cumulation {
        /// The sum; f16 and bf16 accumulate in f32 or better; of numbers.
        Sum "cumsum",
        /// The product; f16 and bf16 accumulate in f32 or better; of numbers.
        Prod "cumprod",
        /// The largest so far, NaN from the first NaN on; of numbers.
        Max "cummax",
        /// The smallest so far, NaN from the first NaN on; of numbers.
        Min "cummin",
        /// log(sum(e^x)), without overflow; of floats.
        LogSumExp "cumlogsumexp",
    }
}

impl Cumulation {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, axis: usize) -> TensorType {
        let name = self.name();
        let fits = match self {
            Cumulation::Sum | Cumulation::Prod | Cumulation::Max | Cumulation::Min => x.dtype != DType::Bool,
            Cumulation::LogSumExp => x.dtype.is_float(),
        };
        assert!(fits, "{name}: does not take {}", x.dtype);
        assert!(axis < x.rank(), "{name}: axis {axis} of a tensor of shape {}", x.shape);
        x.clone()
    }
}
