//! Activations by value, as `jax.nn` names them: `grad(nn::silu)`. Each is the tensor's method of the same name.

pub use crate::math::{logistic as sigmoid, relu, tanh};

use crate::{Backend, Tensor};

/// log(1 + e^x), without overflow.
#[track_caller]
pub fn softplus<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.softplus()
}

/// 0 below -1, (x + 1)² / 4 between, x above 1.
#[track_caller]
pub fn sparse_plus<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.sparse_plus()
}

/// x / (|x| + 1).
#[track_caller]
pub fn soft_sign<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.soft_sign()
}

/// 0 below -1, (x + 1) / 2 between, 1 above 1.
#[track_caller]
pub fn sparse_sigmoid<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.sparse_sigmoid()
}

/// x / (1 + e^-x), the sigmoid linear unit (swish).
#[track_caller]
pub fn silu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.silu()
}

/// x tanh(softplus(x)).
#[track_caller]
pub fn mish<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.mish()
}

/// log(1 / (1 + e^-x)), exact where that is small.
#[track_caller]
pub fn log_sigmoid<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.log_sigmoid()
}

/// The scaled exponential linear unit, 1.0507 elu(x, 1.6733): keeps mean 0 and variance 1 through layers.
#[track_caller]
pub fn selu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.selu()
}

/// x between 0 and 6, cut off there; its derivatives at 0 and 6 are 0.
#[track_caller]
pub fn relu6<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.relu6()
}

/// relu6(x + 3) / 6.
#[track_caller]
pub fn hard_sigmoid<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.hard_sigmoid()
}

/// x relu6(x + 3) / 6 (hard swish).
#[track_caller]
pub fn hard_silu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.hard_silu()
}

/// x, cut off at -1 and 1; its derivative there is 1.
#[track_caller]
pub fn hard_tanh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.hard_tanh()
}

/// The Gaussian error linear unit, x Φ(x), approximated by tanh as `jax.nn.gelu` is by default: x/2 (1 +
/// tanh(√(2/π) (x + 0.044715 x³))).
#[track_caller]
pub fn gelu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.gelu()
}

/// The Gaussian error linear unit x Φ(x), by the error function (`jax.nn.gelu(x, approximate=False)`).
#[track_caller]
pub fn gelu_exact<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.gelu_exact()
}

/// log(1 - e^-x) of x > 0, exact for small and for large x.
#[track_caller]
pub fn log1mexp<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.log1mexp()
}

/// (x + √(x² + b)) / 2; b = 4 is usual.
#[track_caller]
pub fn squareplus<B: Backend>(x: Tensor<B>, b: f64) -> Tensor<B> {
    x.squareplus(b)
}

/// x above 0, alpha (e^x - 1) below: the exponential linear unit; alpha = 1 is usual.
#[track_caller]
pub fn elu<B: Backend>(x: Tensor<B>, alpha: f64) -> Tensor<B> {
    x.elu(alpha)
}

/// max(x, 0) + alpha (e^(min(x, 0) / alpha) - 1); alpha = 1 is usual.
#[track_caller]
pub fn celu<B: Backend>(x: Tensor<B>, alpha: f64) -> Tensor<B> {
    x.celu(alpha)
}

/// x above 0, slope x below; slope = 0.01 is usual.
#[track_caller]
pub fn leaky_relu<B: Backend>(x: Tensor<B>, slope: f64) -> Tensor<B> {
    x.leaky_relu(slope)
}
