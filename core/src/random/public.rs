//! The public functions of distributions, each one call.

use super::distributions as of;
use crate::library::T;
use crate::{Backend, DType, IntoShape, Operand, Tensor};

/// Floats of any shape of the gamma distribution of scale 1 and shape parameter `a`, which broadcasts to
/// the shape: Marsaglia and Tsang's rejection. Differentiable by `a`: the sample moves so that its
/// distribution function stays.
#[track_caller]
pub fn gamma<B: Backend>(
    key: &Tensor<B>,
    a: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::gamma(key.value().clone(), a.term(), shape.into_shape(), dtype, false).branded()
}

/// The logarithm of [`gamma`]'s sample, which does not underflow where `a` is small.
#[track_caller]
pub fn loggamma<B: Backend>(
    key: &Tensor<B>,
    a: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::gamma(key.value().clone(), a.term(), shape.into_shape(), dtype, true).branded()
}

/// Integers of type `dtype`, of any shape, of the Poisson distribution of this rate, which is taken as f32
/// and broadcasts to the shape; -1 where it is negative or NaN.
#[track_caller]
pub fn poisson<B: Backend>(
    key: &Tensor<B>,
    rate: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::poisson(key.value().clone(), rate.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the beta distribution: A / (A + B), A and B of [`gamma`] with `a` and `b`, which
/// broadcast to the shape.
#[track_caller]
pub fn beta<B: Backend>(
    key: &Tensor<B>,
    a: impl Operand<B>,
    b: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::beta(key.value().clone(), a.term(), b.term(), shape.into_shape(), dtype).branded()
}

/// -1 or 1, equally probable, of any shape and dtype.
#[track_caller]
pub fn rademacher<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::rademacher(key.value().clone(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Laplace distribution, of density e^-|x| / 2: sign(u) log(1 - |u|), u uniform
/// in (-1, 1).
#[track_caller]
pub fn laplace<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::laplace(key.value().clone(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the logistic distribution: log(u / (1 - u)), u uniform in (0, 1).
#[track_caller]
pub fn logistic<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::logistic(key.value().clone(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Cauchy distribution: tan(π (u - 1/2)), u uniform in (0, 1).
#[track_caller]
pub fn cauchy<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::cauchy(key.value().clone(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the chi-square distribution with `df` degrees of freedom, which broadcast to the
/// shape: twice a [`gamma`] number of df / 2.
#[track_caller]
pub fn chisquare<B: Backend>(
    key: &Tensor<B>,
    df: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::chisquare(key.value().clone(), df.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of Student's t distribution with `df` degrees of freedom, which broadcast to the
/// shape.
#[track_caller]
pub fn t<B: Backend>(key: &Tensor<B>, df: impl Operand<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::t(key.value().clone(), df.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Pareto distribution of exponent `b`, which broadcasts to the shape: e^(E /
/// b), E [`exponential`](super::exponential).
#[track_caller]
pub fn pareto<B: Backend>(
    key: &Tensor<B>,
    b: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::pareto(key.value().clone(), b.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Weibull distribution: scale E^(1 / concentration), E [`exponential`](super::exponential); the
/// parameters broadcast to the shape.
#[track_caller]
pub fn weibull_min<B: Backend>(
    key: &Tensor<B>,
    scale: impl Operand<B>,
    concentration: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::weibull_min(key.value().clone(), scale.term(), concentration.term(), shape.into_shape(), dtype)
        .branded()
}

/// Floats of any shape of the Rayleigh distribution: scale √(-2 log u), u [`uniform`](super::uniform); the scale broadcasts
/// to the shape.
#[track_caller]
pub fn rayleigh<B: Backend>(
    key: &Tensor<B>,
    scale: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::rayleigh(key.value().clone(), scale.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Maxwell distribution: the length of a vector of three [`normal`](super::normal) numbers.
#[track_caller]
pub fn maxwell<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::maxwell(key.value().clone(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the log-normal distribution: e^(sigma n), n [`normal`](super::normal); sigma broadcasts to the
/// shape.
#[track_caller]
pub fn lognormal<B: Backend>(
    key: &Tensor<B>,
    sigma: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::lognormal(key.value().clone(), sigma.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the Wald (inverse Gaussian) distribution of this mean, which broadcasts to the
/// shape, and scale 1.
#[track_caller]
pub fn wald<B: Backend>(
    key: &Tensor<B>,
    mean: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::wald(key.value().clone(), mean.term(), shape.into_shape(), dtype).branded()
}

/// Integers of type `dtype`, of any shape, of the geometric distribution: the number of trials, each of
/// success probability `p`, up to the first success; p broadcasts to the shape.
#[track_caller]
pub fn geometric<B: Backend>(
    key: &Tensor<B>,
    p: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::geometric(key.value().clone(), p.term(), shape.into_shape(), dtype).branded()
}

/// Floats of any shape of the generalised normal distribution, of density proportional to e^-|x|^p.
#[track_caller]
pub fn generalized_normal<B: Backend>(
    key: &Tensor<B>,
    p: f64,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::generalized_normal(key.value().clone(), p, shape.into_shape(), dtype).branded()
}

/// Floats of the triangular distribution between `left` and `right`, most probable at `mode`; the parameters broadcast to the
/// shape.
#[track_caller]
pub fn triangular<B: Backend>(
    key: &Tensor<B>,
    left: impl Operand<B>,
    mode: impl Operand<B>,
    right: impl Operand<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    let parameters = [left.term(), mode.term(), right.term()];
    of::triangular(key.value().clone(), parameters, shape.into_shape(), dtype).branded()
}

/// Vectors of the Dirichlet distribution: positive, of sum 1. `alpha` is `[.., n]`, its other axes broadcast to the shape; the
/// result is `[keys.., shape.., n]`: softmax of [`loggamma`].
#[track_caller]
pub fn dirichlet<B: Backend>(
    key: &Tensor<B>,
    alpha: &Tensor<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::dirichlet(key.value().clone(), alpha.erased(), shape.into_shape(), dtype).branded()
}

/// Numbers of 0, 1, .., n - 1, i32 of any shape, by the probabilities `p`, a vector of n that need not sum to 1; without
/// `replace`, each at most once (n must then have as many above 0 as are drawn).
///
/// With replacement it is the place of a uniform number among the cumulated probabilities, without it are the places of the
/// largest log p + g, g [`gumbel`](super::gumbel).
#[track_caller]
pub fn choice_by<B: Backend>(
    key: &Tensor<B>,
    p: &Tensor<B>,
    shape: impl IntoShape,
    replace: bool,
) -> Tensor<B> {
    of::choice_by(key.value().clone(), p.erased(), shape.into_shape(), replace).branded()
}

/// Orthogonal matrices, uniformly distributed, `[keys.., shape.., n, n]`: the Q of a [`normal`](super::normal) matrix, with
/// the signs of R's diagonal.
#[track_caller]
pub fn orthogonal<B: Backend>(key: &Tensor<B>, n: usize, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    of::orthogonal(key.value().clone(), n, n, shape.into_shape(), dtype).branded()
}

/// Matrices `[keys.., shape.., n, m]` whose columns (where n < m, rows) are orthonormal; see [`orthogonal`].
#[track_caller]
pub fn orthogonal_of<B: Backend>(
    key: &Tensor<B>,
    n: usize,
    m: usize,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    of::orthogonal(key.value().clone(), n, m, shape.into_shape(), dtype).branded()
}

/// Vectors of the normal distribution of this mean and covariance, `[keys.., shape.., n]`: mean + L x, x
/// [`normal`](super::normal) and L the Cholesky factor of `cov`, `[.., n, n]`. The mean broadcasts to `[shape.., n]`, the
/// covariance's other axes to the shape.
#[track_caller]
pub fn multivariate_normal<B: Backend>(
    key: &Tensor<B>,
    mean: impl Operand<B>,
    cov: &Tensor<B>,
    shape: impl IntoShape,
    dtype: DType,
) -> Tensor<B> {
    let cov: T = cov.erased();
    of::multivariate_normal(key.value().clone(), mean.term(), cov, shape.into_shape(), dtype).branded()
}
