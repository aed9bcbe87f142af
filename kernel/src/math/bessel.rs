//! The modified Bessel functions of the first kind of order 0 and 1, times e^-|x|.
//!
//! Up to 8 polynomials of x², whose coefficients are all positive, times e^-|x|; beyond, polynomials of 1/|x| over √|x|
//! (the expansion DLMF 10.40.1, fitted).

use super::super::V;
use super::exp::exp_of_sum;
use super::parts::*;
use super::special_tables::*;

/// A polynomial of 1/a over √a, given as one of 16 / a - 1; with what its last step, the root and the quotient lost.
fn far<'b>(a: V<'b>, narrow: &[f64], wide: &[f64]) -> V<'b> {
    let u = a.c(16.0) / a - 1.0;
    let coefficients = by_width(a, narrow, wide);
    let first = a.c(coefficients[0]);
    let tail = a.builder().poly(u, &coefficients[1..]);
    let p = u.fma(tail, first);
    let p_rest = u.fma(tail, first - p);
    let root = a.sqrt();
    let inverse = a.c(1.0) / root;
    let root_rest = root.fnma(root, a) * 0.5 * inverse;
    let quotient = p * inverse;
    let rest = quotient.fnma(root_rest, quotient.fnma(root, p) + p_rest);
    a.eq(a.c(f64::INFINITY)).select(a.c(0.0), rest.fma(inverse, quotient))
}

/// A polynomial and what its last two steps lost to rounding, all terms being positive.
fn poly_sum<'b>(t: V<'b>, narrow: &[f64], wide: &[f64]) -> (V<'b>, V<'b>) {
    let coefficients = by_width(t, narrow, wide);
    let (c0, c1) = (t.c(coefficients[0]), t.c(coefficients[1]));
    let tail = t.builder().poly(t, &coefficients[2..]);
    let inner = t.fma(tail, c1);
    let inner_rest = t.fma(tail, c1 - inner);
    let sum = t.fma(inner, c0);
    (sum, t.fma(inner, c0 - sum) + t * inner_rest)
}

/// (y + rest) e^-a, of which `slope` times what the square of a lost to rounding is added to the exponent: y is a
/// polynomial of that square, and the slope that of its logarithm, roughly.
fn near<'b>(a: V<'b>, (y, rest): (V<'b>, V<'b>), slope: [f64; 3]) -> V<'b> {
    let (_, lost) = two_product(a, a);
    let (n, r, tail) = exp_of_sum(-a.c(8.0).min(a), lost * a.builder().poly(a, &slope));
    (y + y.fma(r, y.fma(tail, rest.fma(r, rest)))).scale(n)
}

/// e^-|x| I₀(x).
pub fn bessel_i0e<'b>(x: V<'b>) -> V<'b> {
    let a = x.abs();
    let near = near(a, poly_sum(a * a, &I0_NEAR_32, &I0_NEAR_64), [0.25, -0.045, 0.0027]);
    a.le(x.c(8.0)).select(near, far(a, &I0_FAR_32, &I0_FAR_64))
}

/// e^-|x| I₁(x).
pub fn bessel_i1e<'b>(x: V<'b>) -> V<'b> {
    let a = x.abs();
    let (p, rest) = poly_sum(a * a, &I1_NEAR_32, &I1_NEAR_64);
    let (y, lost) = two_product(a, p);
    let near = near(a, (y, a.fma(rest, lost)), [0.125, -0.0132, 0.0005]);
    a.le(x.c(8.0)).select(near, far(a, &I1_FAR_32, &I1_FAR_64)) | x.sign_bit()
}
