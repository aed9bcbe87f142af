//! Activations, as `jax.nn` has them; integers are computed in f32. (`relu`, `sigmoid`, `tanh`, `softmax` stand with their
//! families.)

use super::Tensor;
use crate::library::activation;
use crate::shape::Axis;
use crate::{Backend, IntoAxes};

impl<B: Backend> Tensor<B> {
    /// log(1 + e^x), without overflow.
    #[track_caller]
    pub fn softplus(&self) -> Self {
        activation::softplus(&self.erased()).branded()
    }

    /// 0 below -1, (x + 1)² / 4 between, x above 1.
    #[track_caller]
    pub fn sparse_plus(&self) -> Self {
        activation::sparse_plus(&self.erased()).branded()
    }

    /// x / (|x| + 1).
    #[track_caller]
    pub fn soft_sign(&self) -> Self {
        activation::soft_sign(&self.erased()).branded()
    }

    /// 0 below -1, (x + 1) / 2 between, 1 above 1.
    #[track_caller]
    pub fn sparse_sigmoid(&self) -> Self {
        activation::sparse_sigmoid(&self.erased()).branded()
    }

    /// x / (1 + e^-x), the sigmoid linear unit (swish).
    #[track_caller]
    pub fn silu(&self) -> Self {
        activation::silu(&self.erased()).branded()
    }

    /// x tanh(softplus(x)).
    #[track_caller]
    pub fn mish(&self) -> Self {
        activation::mish(&self.erased()).branded()
    }

    /// log(1 / (1 + e^-x)), exact where that is small.
    #[track_caller]
    pub fn log_sigmoid(&self) -> Self {
        activation::log_sigmoid(&self.erased()).branded()
    }

    /// The scaled exponential linear unit, 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through layers.
    #[track_caller]
    pub fn selu(&self) -> Self {
        activation::selu(&self.erased()).branded()
    }

    /// x between 0 and 6, cut off there; its derivatives at 0 and 6 are 0.
    #[track_caller]
    pub fn relu6(&self) -> Self {
        activation::relu6(&self.erased()).branded()
    }

    /// relu6(x + 3) / 6.
    #[track_caller]
    pub fn hard_sigmoid(&self) -> Self {
        activation::hard_sigmoid(&self.erased()).branded()
    }

    /// x relu6(x + 3) / 6 (hard swish).
    #[track_caller]
    pub fn hard_silu(&self) -> Self {
        activation::hard_silu(&self.erased()).branded()
    }

    /// x, cut off at -1 and 1; its derivative there is 1.
    #[track_caller]
    pub fn hard_tanh(&self) -> Self {
        activation::hard_tanh(&self.erased()).branded()
    }

    /// The Gaussian error linear unit, x Φ(x), approximated by tanh as `jax.nn.gelu` is by default: x/2 (1 +
    /// tanh(√(2/π) (x + 0.044715 x³))).
    #[track_caller]
    pub fn gelu(&self) -> Self {
        activation::gelu(&self.erased()).branded()
    }

    /// The Gaussian error linear unit x Φ(x), by the error function (`jax.nn.gelu(x, approximate=False)`).
    #[track_caller]
    pub fn gelu_exact(&self) -> Self {
        activation::gelu_exact(&self.erased()).branded()
    }

    /// log(1 - e^-x) of x > 0, exact for small and for large x.
    #[track_caller]
    pub fn log1mexp(&self) -> Self {
        activation::log1mexp(&self.erased()).branded()
    }

    /// (x + √(x² + b)) / 2; b = 4 is usual.
    #[track_caller]
    pub fn squareplus(&self, b: f64) -> Self {
        activation::squareplus(&self.erased(), b).branded()
    }

    /// x above 0, alpha (e^x - 1) below: the exponential linear unit; alpha = 1 is usual.
    #[track_caller]
    pub fn elu(&self, alpha: f64) -> Self {
        activation::elu(&self.erased(), alpha).branded()
    }

    /// max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1); alpha = 1 is usual.
    #[track_caller]
    pub fn celu(&self, alpha: f64) -> Self {
        activation::celu(&self.erased(), alpha).branded()
    }

    /// x above 0, slope x below; slope = 0.01 is usual.
    #[track_caller]
    pub fn leaky_relu(&self, slope: f64) -> Self {
        activation::leaky_relu(&self.erased(), slope).branded()
    }

    /// x1 / (1 + e^-x2) of the two halves of an axis: the gated linear unit. Panics where the axis has no two halves.
    #[track_caller]
    pub fn glu(&self, axis: impl Axis) -> Self {
        activation::glu(&self.erased(), axis.signed()).branded()
    }

    /// (x - mean) / sqrt(variance + epsilon) along axes, as in layer and batch norms; `jax.nn` takes 1e-5.
    #[track_caller]
    pub fn standardize(&self, axes: impl IntoAxes, epsilon: f64) -> Self {
        activation::standardize(&self.erased(), &axes.into_axes(), epsilon).branded()
    }

    /// log(mean(e^x)) along some axes, which go away, without overflow.
    #[track_caller]
    pub fn logmeanexp(&self, axes: impl IntoAxes) -> Self {
        activation::logmeanexp(&self.erased(), &axes.into_axes()).branded()
    }
}
