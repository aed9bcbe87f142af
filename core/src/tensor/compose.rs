//! Functions that are written in the primitives, once, for all layers.

use super::Tensor;
use crate::backend::Values;
use crate::shape::Axis;
use crate::{Backend, IntoAxes, Value};

/// Tensors one after another along an existing axis; dtypes promote.
///
/// ```
/// # use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([[1.0f32, 2.0]]);
/// assert_eq!(concatenate([&x, &x], 0).shape(), &[2, 2]);
/// ```
#[track_caller]
pub fn concatenate<'a, B: Backend>(
    tensors: impl IntoIterator<Item = &'a Tensor<B>>,
    axis: impl Axis,
) -> Tensor<B> {
    let values: Values = tensors.into_iter().map(|t| t.value.clone()).collect();
    Tensor::of(Value::concatenate(values, axis.signed()))
}

/// Tensors of one shape beside one another along a new axis; dtypes promote.
#[track_caller]
pub fn stack<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>, axis: impl Axis) -> Tensor<B> {
    let values: Values = tensors.into_iter().map(|t| t.value.clone()).collect();
    Tensor::of(Value::stack(values, axis.signed()))
}

impl<B: Backend> Tensor<B> {
    /// The largest element along an axis, a constant to derivatives, and 0 where it is not finite: what is subtracted
    /// before an `exp`.
    #[track_caller]
    fn safe_max(&self, axes: &[isize]) -> Self {
        let high = self.max_keep(axes).stop_gradient();
        high.is_finite().select(high, 0)
    }

    /// log(sum(e^x)) of all elements, without overflow.
    #[track_caller]
    pub fn logsumexp(&self) -> Self {
        self.logsumexp_axes((0..self.rank()).collect::<Vec<_>>())
    }

    /// log(sum(e^x)) along some axes, which go away.
    #[track_caller]
    pub fn logsumexp_axes(&self, axes: impl IntoAxes) -> Self {
        let axes = axes.into_axes();
        let x = self.cast(self.dtype().to_float());
        let high = x.safe_max(&axes);
        let sum = (x - &high).exp().sum_keep(&axes[..]);
        // Of nothing but -inf it is -inf, a constant: the logarithm's derivative at 0 would make it NaN.
        let none = sum.eq(0);
        (none.select(1, sum).log() + none.select(f64::NEG_INFINITY, high)).squeeze(&axes[..])
    }

    /// e^x / sum(e^x) along an axis.
    #[track_caller]
    pub fn softmax(&self, axis: impl Axis) -> Self {
        let axes = [axis.signed()];
        let x = self.cast(self.dtype().to_float());
        let high = x.safe_max(&axes);
        let e = (x - high).exp();
        // One division a row, and a derivative that reads `e` and a number of each row.
        let scale = 1.0 / e.sum_keep(axes);
        e * scale
    }

    /// x - log(sum(e^x)) along an axis: the logarithm of [`softmax`](Tensor::softmax), exact where that is small.
    #[track_caller]
    pub fn log_softmax(&self, axis: impl Axis) -> Self {
        let axes = [axis.signed()];
        let x = self.cast(self.dtype().to_float());
        let high = x.safe_max(&axes);
        let x = x - high;
        let sum = x.exp().sum_keep(axes).log();
        x - sum
    }
}
