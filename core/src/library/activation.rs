//! Activations by the formulas of `jax.nn`, whose derivatives at kinks they share.

use super::T;
use crate::op::Unary;
use crate::shape::normalize_axis;

/// Floats as they are, others in f32.
fn float(x: &T) -> T {
    x.cast(x.dtype().to_float())
}

#[track_caller]
pub fn softplus(x: &T) -> T {
    float(x).logaddexp(0)
}

#[track_caller]
pub fn squareplus(x: &T, b: f64) -> T {
    let x = float(x);
    (&x + (x.square() + b).sqrt()) / 2
}

#[track_caller]
pub fn sparse_plus(x: &T) -> T {
    let x = float(x);
    let middle = (&x + 1).square() / 4;
    x.le(-1).select(0, x.ge(1).select(&x, middle))
}

#[track_caller]
pub fn soft_sign(x: &T) -> T {
    let x = float(x);
    &x / (x.abs() + 1)
}

#[track_caller]
pub fn sparse_sigmoid(x: &T) -> T {
    0.5 * (float(x) + 1).clip(0, 2)
}

#[track_caller]
pub fn silu(x: &T) -> T {
    let x = float(x);
    &x * x.logistic()
}

#[track_caller]
pub fn mish(x: &T) -> T {
    float(x) * softplus(x).tanh()
}

#[track_caller]
pub fn log_sigmoid(x: &T) -> T {
    -softplus(&-float(x))
}

#[track_caller]
pub fn elu(x: &T, alpha: f64) -> T {
    let x = float(x);
    let above = x.gt(0);
    // What is not taken must not overflow: its derivative would be infinite times zero.
    let below = alpha * above.select(0, &x).expm1();
    above.select(x, below)
}

#[track_caller]
pub fn celu(x: &T, alpha: f64) -> T {
    let x = float(x);
    x.maximum(0) + alpha * (x.minimum(0) / alpha).expm1()
}

#[track_caller]
pub fn selu(x: &T) -> T {
    // Klambauer et al., "Self-normalizing neural networks", 2017.
    const ALPHA: f64 = 1.673_263_242_354_377_2;
    const SCALE: f64 = 1.050_700_987_355_480_5;
    SCALE * elu(x, ALPHA)
}

#[track_caller]
pub fn leaky_relu(x: &T, slope: f64) -> T {
    let x = float(x);
    let below = slope * &x;
    x.ge(0).select(x, below)
}

#[track_caller]
pub fn relu6(x: &T) -> T {
    // A clamp: its derivative at both bounds is 0.
    x.clamp(0, 6)
}

#[track_caller]
pub fn hard_sigmoid(x: &T) -> T {
    relu6(&(float(x) + 3)) / 6
}

#[track_caller]
pub fn hard_silu(x: &T) -> T {
    float(x) * hard_sigmoid(x)
}

#[track_caller]
pub fn hard_tanh(x: &T) -> T {
    x.gt(1).select(1, x.lt(-1).select(-1, x))
}

/// By tanh, as `jax.nn.gelu` is by default.
#[track_caller]
pub fn gelu(x: &T) -> T {
    let x = float(x);
    let inner = (2.0 / std::f64::consts::PI).sqrt() * (&x + 0.044715 * x.powi(3));
    &x * (0.5 * (inner.tanh() + 1))
}

/// By the error function.
#[track_caller]
pub fn gelu_exact(x: &T) -> T {
    let x = float(x);
    let erfc = (-std::f64::consts::FRAC_1_SQRT_2 * &x).into_value().unary(Unary::Erfc);
    0.5 * &x * T::of(erfc)
}

#[track_caller]
pub fn glu(x: &T, axis: isize) -> T {
    let d = normalize_axis("glu", axis, x.shape());
    let n = x.shape()[d];
    assert!(n.is_multiple_of(2), "glu: axis {axis} of shape {} has no two halves", x.shape());
    let half = |from: usize, to: usize| T::of(float(x).into_value().slice_axis(d, from, to));
    half(0, n / 2) * half(n / 2, n).logistic()
}

#[track_caller]
pub fn log1mexp(x: &T) -> T {
    let x = float(x);
    // Each formula where it is exact; the other one's argument is kept away from its pole.
    let small = x.lt(std::f64::consts::LN_2);
    let near = (-(-small.select(&x, 1)).expm1()).log();
    let far = (-(-small.select(1, &x)).exp()).log1p();
    small.select(near, far)
}

/// (x - mean) / sqrt(variance + epsilon) along axes; the variance is that of the centred values.
#[track_caller]
pub fn standardize(x: &T, axes: &[isize], epsilon: f64) -> T {
    let x = float(x);
    let centred = &x - x.mean_keep(axes);
    let variance = centred.square().mean_keep(axes);
    centred * (variance + epsilon).rsqrt()
}

#[track_caller]
pub fn logmeanexp(x: &T, axes: &[isize]) -> T {
    let count: usize = axes.iter().map(|&a| x.shape()[normalize_axis("logmeanexp", a, x.shape())]).product();
    x.logsumexp_axes(axes) - (count as f64).ln()
}
