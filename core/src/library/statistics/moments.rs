//! Averages, variances, covariances; and reductions that leave NaN out.

use super::super::T;
use crate::op::{Binary, Reduction};
use crate::value::{Over, Term};
use crate::{DType, Number};

/// A reduction of a tensor, as the user's methods do it.
#[track_caller]
fn reduced(x: &T, kind: Reduction, over: Over<'_>, keep: bool) -> T {
    T::of(x.value().clone().reduce(kind, over, keep))
}

/// Half precision is computed in f32.
fn wide(dtype: DType) -> DType {
    match dtype.to_float() {
        DType::F16 | DType::BF16 => DType::F32,
        dtype => dtype,
    }
}

/// The mean of the squared distances from the mean, with `ddof` less in the divisor; NaN where nothing is left of it.
#[track_caller]
pub fn var(name: &str, x: &T, over: Over<'_>, ddof: i32, keep: bool) -> T {
    let axes = over.resolve(name, x.shape());
    let n: usize = axes.iter().map(|&d| x.shape()[d]).product();
    let dtype = x.dtype().to_float();
    let x = x.cast(wide(dtype));
    let mean = T::of(x.value().clone().mean(over, true));
    let squares = reduced(&(x - mean).square(), Reduction::Sum, over, keep);
    let left = n as i64 - ddof as i64;
    let result = (squares / left as f64).cast(dtype);
    if left > 0 {
        return result;
    }
    // The derivative is NaN as well, as JAX's.
    let never = T::of(result.value().full(Number::Bool(false), result.ty().with_dtype(DType::Bool)));
    never.select(result, f64::NAN)
}

/// NaN replaced by what does not change a reduction.
#[track_caller]
pub fn nan_filled(x: &T, neutral: f64) -> T {
    if x.dtype().is_float() { x.is_nan().select(neutral, x) } else { x.clone() }
}

/// How many elements are not NaN, in the dtype of the result.
#[track_caller]
fn nan_count(x: &T, over: Over<'_>, keep: bool, dtype: DType) -> T {
    let present = x.is_nan().logical_not().cast(dtype);
    reduced(&present, Reduction::Sum, over, keep)
}

/// The mean of what is not NaN.
#[track_caller]
pub fn nan_mean(x: &T, over: Over<'_>, keep: bool) -> T {
    let dtype = x.dtype().to_float();
    let sum = reduced(&nan_filled(&x.cast(dtype), 0.0), Reduction::Sum, over, keep);
    sum / nan_count(x, over, keep, dtype)
}

/// The largest or smallest of what is not NaN; NaN where all are.
#[track_caller]
pub fn nan_extreme(x: &T, over: Over<'_>, keep: bool, largest: bool) -> T {
    let (kind, neutral) = match largest {
        true => (Reduction::Max, f64::NEG_INFINITY),
        false => (Reduction::Min, f64::INFINITY),
    };
    let y = reduced(&nan_filled(x, neutral), kind, over, keep);
    if !x.dtype().is_float() {
        return y;
    }
    let none = reduced(&x.is_nan(), Reduction::And, over, keep);
    none.select(f64::NAN, y)
}

/// The variance of what is not NaN.
#[track_caller]
pub fn nan_var(x: &T, over: Over<'_>, ddof: i32, keep: bool) -> T {
    let dtype = x.dtype().to_float();
    let x = x.cast(wide(dtype));
    let mean = nan_mean(&x, over, true);
    let squares = x.is_nan().select(0, &x - mean).square();
    let left = nan_count(&x, over, keep, x.dtype()) - ddof;
    let none = left.le(0);
    let sum = none.select(f64::NAN, reduced(&squares, Reduction::Sum, over, keep));
    (sum / none.select(1, left)).cast(dtype)
}

/// The mean with weights, of the tensor's shape or (along one axis) a vector.
#[track_caller]
pub fn average(x: &T, weights: &T, over: Over<'_>) -> T {
    let dtype = x.dtype().promote(weights.dtype()).to_float();
    let axes = over.resolve("average", x.shape());
    let weights = if weights.shape() == x.shape() {
        weights.cast(dtype)
    } else {
        assert!(
            axes.len() == 1 && weights.rank() == 1 && weights.len() == x.shape()[axes[0]],
            "average: weights of shape {} along axes {axes:?} of shape {}",
            weights.shape(),
            x.shape()
        );
        T::of(weights.cast(dtype).into_value().broadcast_in(x.shape().clone(), axes))
    };
    let sum = reduced(&(x.cast(dtype) * &weights), Reduction::Sum, over, false);
    sum / reduced(&weights, Reduction::Sum, over, false)
}

/// The largest less the smallest.
#[track_caller]
pub fn ptp(x: &T, over: Over<'_>) -> T {
    reduced(x, Reduction::Max, over, false) - reduced(x, Reduction::Min, over, false)
}

/// The covariances of variables, which are rows.
#[track_caller]
pub fn cov(name: &str, x: &T, ddof: i32) -> T {
    assert!(
        x.rank() == 1 || x.rank() == 2,
        "{name}: takes a vector or a matrix whose rows are variables, not a tensor of shape {}",
        x.shape()
    );
    let rows = x.cast(x.dtype().to_float()).atleast_2d();
    let centered = &rows - rows.mean_keep(1);
    let n = rows.shape()[1] as f64 - ddof as f64;
    let c = centered.matmul(&centered.t()) / n;
    if rows.shape()[0] == 1 { c.reshape([] as [usize; 0]) } else { c }
}

/// Covariances divided by the standard deviations.
#[track_caller]
pub fn corrcoef(x: &T) -> T {
    let c = cov("corrcoef", x, 1);
    if c.rank() == 0 {
        // 1, or NaN where the variance is 0 or NaN.
        let variance = c.clone();
        return c / variance;
    }
    let deviation = c.diag(0).sqrt();
    let c = c / deviation.expand_dims(1) / deviation.expand_dims(0);
    T::of(
        c.into_value()
            .binary(Binary::Max, Term::Number(Number::Int(-1)))
            .binary(Binary::Min, Term::Number(Number::Int(1))),
    )
}
