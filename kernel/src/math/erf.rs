//! erf, erfc and the inverse of erf.
//!
//! erf(x) is x + x P(x^2) within 1 and 1 - 2^Q(|x|) beyond. erf_inv is, after Giles ("Approximating the erfinv function",
//! GPU Computing Gems, 2011), x times a polynomial in w = -log(1 - x^2), and in sqrt(w) where w is large. The polynomials
//! are our own fits, but for those of [`erf_inv_giles`], which are his.

use super::super::{V, Width};
use super::exp::exp_of_sum;
use super::log::log_normal;
use super::parts::*;
use super::special_tables::{ERFCX_32, ERFCX_64};
use super::tables::{
    ERF_BIG_32, ERF_BIG_64, ERF_INV_CENTRAL_32, ERF_INV_CENTRAL_64, ERF_INV_FAR_64, ERF_INV_MIDDLE_64,
    ERF_INV_TAIL_32, ERF_SMALL_32, ERF_SMALL_64, EXP2_32, EXP2_64,
};

/// The error function.
pub fn erf<'b>(x: V<'b>) -> V<'b> {
    let one = x.c(1.0);
    let near = x.fma(poly(x * x, &ERF_SMALL_32, &ERF_SMALL_64), x);
    let (top, middle) = by_width(x, (4.0, 0.0), (6.0, 3.0));
    let a = x.c(top).min(x.abs());
    let centred = if middle == 0.0 { a } else { a - middle };
    let q = poly(centred, &ERF_BIG_32, &ERF_BIG_64); // log2(1 - erf(a))
    let n = round_product(q, one);
    let rest = poly(q - n, &EXP2_32, &EXP2_64).scale(n);
    a.lt(one).select(near, (one - rest) | x.sign_bit())
}

/// 1 - erf(x), exact where it is small: from 3/4 on e^(-x²) times a polynomial in (x - k) / (x + k) over x, x² being an
/// unrounded sum.
pub fn erfc<'b>(x: V<'b>) -> V<'b> {
    let one = x.c(1.0);
    // 1 - x is exact where little is left of it.
    let near = x.fnma(poly(x * x, &ERF_SMALL_32, &ERF_SMALL_64), one - x);
    // Beyond the end the result is 0.
    let (middle, end) = by_width(x, (2.0, 10.25), (3.0, 27.375));
    let a = x.c(end).min(x.abs());
    let (top, bottom) = (a - middle, a + middle);
    let q_inverse = one / bottom;
    let q = top * q_inverse;
    // What q lost to its roundings.
    let (top_lost, bottom_lost) = (a - (top + middle), a - (bottom - middle));
    let q_rest = (q.fnma(bottom, top) + q.fnma(bottom_lost, top_lost)) * q_inverse;
    let (square, lost) = two_product(a, a);
    let (n, r, small) = exp_of_sum(-square, -lost);
    // The quotient and what that leaves over, times e^..
    let coefficients: &[f64] = by_width(x, &ERFCX_32, &ERFCX_64);
    let (first, inverse) = (x.c(coefficients[0]), one / a);
    let tail = x.builder().poly(q, &coefficients[1..]);
    let p = q.fma(tail, first);
    let p_rest = q.fma(tail, first - p);
    let quotient = p * inverse;
    // The polynomial's slope is about (1 - q) / 4.
    let over = (quotient.fnma(a, p) + (q_rest * (0.25 - 0.25 * q) + p_rest)) * inverse;
    let y = (quotient + quotient.fma(r, quotient.fma(small, over))).scale(n);
    let far = x.lt(x.c(0.0)).select(2.0 - y, y);
    let far = x.abs().lt(x.c(0.75)).select(near, far);
    x.eq(x).select(far, x)
}

/// The inverse of the error function: infinity at -1 and 1, NaN beyond.
pub fn erf_inv<'b>(x: V<'b>) -> V<'b> {
    let w = -log_normal(x.fnma(x, x.c(1.0)));
    with_ends(x, by_logarithm(x, w))
}

/// As `jax.random.normal` has it: x^2 is rounded before it is taken from 1, so that near 1 the result is some 40 ulp from
/// the true one; and in `F32` the polynomials are Giles'.
pub fn erf_inv_giles<'b>(x: V<'b>) -> V<'b> {
    let b = x.builder();
    let w = -log_normal(1.0 - x * x);
    let y = match b.width() {
        Width::W64 => by_logarithm(x, w),
        Width::W32 => {
            let (near, far) = (b.poly(w - 2.5, &GILES_CENTRAL), b.poly(w.sqrt() - 3.0, &GILES_TAIL));
            x * w.lt(x.c(5.0)).select(near, far)
        }
    };
    with_ends(x, y)
}

/// x times the polynomials in w.
fn by_logarithm<'b>(x: V<'b>, w: V<'b>) -> V<'b> {
    let b = x.builder();
    let middle = by_width(x, 2.5, 3.125);
    let near = x.fma(poly(w - middle, &ERF_INV_CENTRAL_32, &ERF_INV_CENTRAL_64), x);
    let root = w.sqrt();
    let far = match b.width() {
        Width::W32 => b.poly(root - 3.0, &ERF_INV_TAIL_32),
        Width::W64 => {
            let middle = b.poly(root - 3.25, &ERF_INV_MIDDLE_64);
            w.lt(x.c(16.0)).select(middle, b.poly(root - 5.0, &ERF_INV_FAR_64))
        }
    };
    w.lt(x.c(2.0 * middle)).select(near, x * far)
}

/// A result `y` within -1 and 1, and what stands there and beyond.
fn with_ends<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    let (a, one) = (x.abs(), x.c(1.0));
    let end = a.eq(one).select(x.c(f64::INFINITY), x.c(f64::NAN));
    a.lt(one).select(y, end) | x.sign_bit()
}

/// Giles' single-precision polynomials, in w - 2.5 for w below 5, and in sqrt(w) - 3.
#[rustfmt::skip]
const GILES_CENTRAL: [f64; 9] = [
    1.50140941, 0.246640727, -0.00417768164, -0.00125372503, 0.00021858087, -4.39150654e-06, -3.5233877e-06,
    3.43273939e-07, 2.81022636e-08,
];
#[rustfmt::skip]
const GILES_TAIL: [f64; 9] = [
    2.83297682, 1.00167406, 0.00943887047, -0.0076224613, 0.00573950773, -0.00367342844, 0.00134934322,
    0.000100950558, -0.000200214257,
];
