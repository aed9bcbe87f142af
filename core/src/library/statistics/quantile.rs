//! Quantiles, by sorting: derivatives go to the elements between which a quantile lies.

use super::super::T;
use crate::op::IndexMode;
use crate::shape::Axes;
use crate::value::Over;
use crate::{DType, QuantileMethod, Shape};

/// The quantiles `q` (a scalar, or a vector that becomes the first axis) along axes; `ignore` leaves NaN out, otherwise
/// they make the result NaN.
#[track_caller]
pub fn quantile(
    name: &str,
    x: &T,
    q: &T,
    over: Over<'_>,
    keep: bool,
    method: QuantileMethod,
    ignore: bool,
) -> T {
    let axes = over.resolve(name, x.shape());
    assert!(q.rank() <= 1, "{name}: q is a number or a vector, not a tensor of shape {}", q.shape());
    let n: usize = axes.iter().map(|&d| x.shape()[d]).product();
    assert!(n > 0, "{name}: no elements along axes {axes:?} of shape {}", x.shape());
    let dtype = x.dtype().to_float();
    let wide = if dtype == DType::F64 { dtype } else { DType::F32 };
    // The reduced axes as the last one.
    let mut order: Axes = (0..x.rank()).filter(|d| !axes.contains(d)).collect();
    let rest: Shape = order.iter().map(|&d| x.shape()[d]).collect();
    let last = order.len();
    order.extend(axes.iter().copied());
    let lanes = T::of(x.cast(dtype).into_value().permute(order).reshape_to(rest.insert(last, n)));
    let lanes = if ignore {
        // NaN of either sign sorts last.
        lanes.is_nan().select(f64::NAN, &lanes)
    } else {
        lanes.is_nan().any_axes(-1).expand_dims(-1).select(f64::NAN, &lanes)
    };
    let sorted = lanes.sort(-1);
    let vector = q.cast(wide).reshape([-1]);
    // Places among the elements, which q's axis comes behind.
    let (place, highest) = if ignore {
        let most = sorted.is_nan().logical_not().cast(wide).sum_axes(-1).expand_dims(-1) - 1;
        (&vector * &most, most)
    } else {
        let most = vector.full_like(n - 1);
        (&vector * &most, most)
    };
    let (low, high) = (place.floor(), place.ceil());
    let high_weight = &place - &low;
    let low_weight = 1 - &high_weight;
    let read = |places: &T| places.minimum(&highest).maximum(0).cast(DType::I32).into_value();
    let (low, high) = (read(&low), read(&high));
    let (low, high) = if ignore {
        (sorted.value().clone().take_along(low, last), sorted.value().clone().take_along(high, last))
    } else {
        let clip = IndexMode::Clip;
        (sorted.value().clone().take(low, last, clip), sorted.value().clone().take(high, last, clip))
    };
    let (low, high) = (T::of(low), T::of(high));
    let found = match method {
        QuantileMethod::Linear => low.cast(wide) * low_weight + high.cast(wide) * high_weight,
        QuantileMethod::Lower => low,
        QuantileMethod::Higher => high,
        QuantileMethod::Nearest => high_weight.le(0.5).select(low, high),
        QuantileMethod::Midpoint => (low + high) * 0.5,
    };
    let found = found.cast(dtype).moveaxis(-1, 0);
    let shape = if keep { x.shape().ones_at(&axes) } else { rest };
    found.reshape(if q.rank() == 0 { shape } else { shape.insert(0, q.len()) })
}
