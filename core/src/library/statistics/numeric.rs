//! Numerical analysis in small: differences, integrals, interpolation, polynomials, comparisons up to rounding.

use super::super::T;
use super::super::search::places_right;
use crate::DType;
use crate::op::IndexMode;
use crate::shape::{normalize_axes, normalize_axis};

/// A range of an axis.
#[track_caller]
fn part(x: &T, axis: usize, start: usize, limit: usize) -> T {
    T::of(x.value().clone().slice_axis(axis, start, limit))
}

/// The differences of neighbours along an axis.
#[track_caller]
fn steps(x: &T, axis: usize) -> T {
    let n = x.shape()[axis];
    part(x, axis, n.min(1), n) - part(x, axis, 0, n.saturating_sub(1))
}

/// The integral by trapezoids along an axis, of places at distance `dx` (a scalar) or at `at`.
#[track_caller]
pub fn trapezoid(y: &T, dx: &T, at: Option<&T>, axis: isize) -> T {
    let axis = normalize_axis("trapezoid", axis, y.shape());
    let n = y.shape()[axis];
    let y = y.cast(y.dtype().to_float());
    if n == 0 {
        return y.sum_axes(axis);
    }
    let Some(at) = at else {
        let ends = part(&y, axis, 0, 1) + part(&y, axis, n - 1, n);
        return (y.sum_axes(axis) - 0.5 * ends.squeeze(axis)) * dx;
    };
    assert!(
        at.shape() == y.shape() || (at.rank() == 1 && at.len() == n),
        "trapezoid: places of shape {} for axis {axis} of shape {}",
        at.shape(),
        y.shape()
    );
    let widths = if at.shape() == y.shape() { steps(at, axis) } else { along(&steps(at, 0), axis, y.rank()) };
    let sums = part(&y, axis, 1, n) + part(&y, axis, 0, n - 1);
    (0.5 * (widths * sums)).sum_axes(axis)
}

/// A vector along one of `rank` axes.
#[track_caller]
fn along(v: &T, axis: usize, rank: usize) -> T {
    v.reshape((0..rank).map(|d| if d == axis { v.len() } else { 1 }).collect::<crate::Shape>())
}

/// Central differences along an axis, one-sided ones at the ends; of elements at distance `h`, or at the places `h`.
#[track_caller]
pub fn gradient(x: &T, h: &T, axis: isize) -> T {
    let axis = normalize_axis("gradient", axis, x.shape());
    let n = x.shape()[axis];
    assert!(n >= 2, "gradient: axis {axis} of shape {} has fewer than 2 elements", x.shape());
    assert!(
        h.rank() == 0 || (h.rank() == 1 && h.len() == n),
        "gradient: a spacing of shape {} for axis {axis} of shape {}: it is a number, or the place of each",
        h.shape(),
        x.shape()
    );
    let x = x.cast(x.dtype().to_float());
    let first = part(&x, axis, 1, 2) - part(&x, axis, 0, 1);
    let last = part(&x, axis, n - 1, n) - part(&x, axis, n - 2, n - 1);
    let (before, here, after) = (part(&x, axis, 0, n - 2), part(&x, axis, 1, n - 1), part(&x, axis, 2, n));
    if h.rank() == 0 {
        return crate::concatenate([&(first / h), &((after - before) * 0.5 / h), &(last / h)], axis);
    }
    let widths = along(&steps(h, 0), axis, x.rank());
    let (d1, d2) = (part(&widths, axis, 0, n - 2), part(&widths, axis, 1, n - 1));
    let a = -(&d2 / (&d1 * (&d1 + &d2)));
    let b = (&d2 - &d1) / (&d1 * &d2);
    let c = &d1 / (&d2 * (&d1 + &d2));
    let inner = a * before + b * here + c * after;
    let first = first / part(&widths, axis, 0, 1);
    let last = last / part(&widths, axis, n - 2, n - 1);
    crate::concatenate([&first, &inner, &last], axis)
}

/// What is outside the places of an interpolation.
#[derive(Clone, Debug)]
pub enum Outside {
    /// Below the first place the first scalar, above the last the second; the values at the ends without.
    Values(Option<T>, Option<T>),
    /// The places go on with this period.
    Period(f64),
}

/// The piecewise linear function through the points `(at, values)`, whose places increase, at `x`.
#[track_caller]
pub fn interp(x: &T, at: &T, values: &T, outside: Outside) -> T {
    assert!(
        at.rank() == 1 && at.shape() == values.shape() && !at.is_empty(),
        "interp: places and values are vectors of one size, not of shapes {} and {}",
        at.shape(),
        values.shape()
    );
    let dtype = x.dtype().promote(at.dtype()).to_float();
    let (mut x, mut at) = (x.cast(dtype), at.cast(dtype));
    let mut values = values.cast(values.dtype().to_float());
    if let Outside::Period(period) = outside {
        assert!(period != 0.0 && period.is_finite(), "interp: a period of {period}");
        let period = period.abs();
        (x, at) = (x.remainder(period), at.remainder(period));
        let pair = crate::Values::from_iter([at.value().clone(), values.value().clone()]);
        let sorted = crate::Value::sort_together(pair, 0, 1);
        (at, values) = (T::of(sorted[0].clone()), T::of(sorted[1].clone()));
        let n = at.len();
        let (first, last) = (part(&at, 0, 0, 1), part(&at, 0, n - 1, n));
        at = crate::concatenate([&(last - period), &at, &(first + period)], 0);
        values = crate::concatenate([&part(&values, 0, n - 1, n), &values, &part(&values, 0, 0, 1)], 0);
    }
    let n = at.len();
    let right = places_right(&at, &x).minimum(n as i32 - 1).maximum(1);
    let left = &right - 1;
    let read = |v: &T, places: &T| T::of(v.value().clone().take(places.value().clone(), 0, IndexMode::Clip));
    let (x0, x1) = (read(&at, &left), read(&at, &right));
    let (y0, y1) = (read(&values, &left), read(&values, &right));
    let width = x1 - &x0;
    // Between places as good as equal the function jumps; its slope is taken as 0.
    let tiny = if dtype == DType::F64 { 2f64.powi(-104) } else { 2f64.powi(-46) };
    let jump = width.abs().le(tiny);
    let slope = (&x - x0) / jump.select(1, width);
    let inside = jump.select(&y0, &y0 + slope * (y1 - &y0));
    match outside {
        Outside::Period(_) => inside,
        Outside::Values(below, above) => {
            let below = below.unwrap_or_else(|| values.get(0));
            let above = above.unwrap_or_else(|| values.get(-1));
            let y = x.lt(at.get(0)).select(below, inside);
            x.gt(at.get(-1)).select(above, y)
        }
    }
}

/// Horner's rule; the first coefficient is the one of the highest power.
#[track_caller]
pub fn polyval(coefficients: &T, x: &T) -> T {
    assert!(coefficients.rank() >= 1, "polyval: coefficients are a vector, not a scalar");
    let dtype = coefficients.dtype().promote(x.dtype());
    let (p, x) = (coefficients.cast(dtype), x.cast(dtype));
    let mut y = x.full_like(0);
    for i in 0..p.shape()[0] {
        y = y * &x + p.get(i);
    }
    y
}

/// Where `|x - y| <= atol + rtol |y|`; equal infinities are close, NaN is close to nothing.
#[track_caller]
pub fn isclose(x: &T, y: &T, rtol: f64, atol: f64) -> T {
    let dtype = x.dtype().promote(y.dtype()).to_float();
    let (x, y) = (x.cast(dtype), y.cast(dtype));
    let near = (&x - &y).abs().le(y.abs() * rtol + atol);
    x.eq(&y).logical_or(&y.is_finite().logical_and(&near))
}

/// `log(sum(b e^x))` along axes, without overflow; NaN where the sum is negative.
#[track_caller]
pub fn logsumexp_weighted(x: &T, b: &T, axes: &[isize], keep: bool) -> T {
    let dtype = x.dtype().promote(b.dtype()).to_float();
    let all = super::super::arrange::broadcast_all("logsumexp_weighted", &[x.cast(dtype), b.cast(dtype)]);
    let (x, b) = (&all[0], &all[1]);
    let axes = normalize_axes("logsumexp_weighted", axes, x.shape());
    let x = b.ne(0).select(x, f64::NEG_INFINITY);
    let high = x.max_keep(&axes[..]).stop_gradient();
    let high = high.is_finite().select(high, 0);
    let sum = ((x - &high).exp() * b).sum_keep(&axes[..]);
    let log = sum.abs().log() + high;
    let y = sum.lt(0).select(f64::NAN, log);
    if keep { y } else { y.squeeze(&axes[..]) }
}
