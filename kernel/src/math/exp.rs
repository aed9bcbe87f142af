//! exp, exp2, expm1 and logistic: x = n ln 2 + r, a polynomial for e^r, a scaling by 2^n that rounds once.
//!
//! Reduction and reconstruction after Cody and Waite (Software Manual for the Elementary Functions, 1980) and Muller
//! et al. (Handbook of Floating-Point Arithmetic, 2nd ed., chapter 10). The logistic function is written over 2^-n, so
//! that its denominator is rounded once.

use super::super::V;
use super::super::ir::Rounding;
use super::coefficients::*;
use super::parts::*;
use std::f64::consts::LOG2_E;

/// n and r with x = n ln 2 + r, |r| <= ln 2 / 2. For |x| below a thousand or so.
pub(super) fn reduce<'b>(x: V<'b>) -> (V<'b>, V<'b>) {
    let n = round_product(x, x.c(LOG2_E));
    let (hi, lo) = real(x, LN_2_32, LN_2_64);
    (n, n.fnma(lo, n.fnma(hi, x)))
}

/// n, r and t with e^(x + rest) = 2^n (1 + r + t). What is taken from x first is near it, and exact, so that r has one
/// rounding less than in [`reduce`]; t is small.
pub(super) fn exp_of_sum<'b>(x: V<'b>, rest: V<'b>) -> (V<'b>, V<'b>, V<'b>) {
    let n = round_product(x, x.c(LOG2_E));
    let (hi, lo) = real(x, LN_2_32, LN_2_64);
    let (whole, whole_rest) = two_product(n, hi);
    let (r, rest) = fast_two_sum(x - whole, rest - n.fma(lo, whole_rest));
    (n, r, (r * r).fma(poly(r, &EXPM1_32, &EXPM1_64), rest))
}

/// e^x.
pub fn exp<'b>(x: V<'b>) -> V<'b> {
    let (lo, hi) = by_width(x, (-104.0, 89.0), (-746.0, 710.0));
    let (n, r) = reduce(clamp(x, lo, hi));
    r.fma(poly(r, &EXP_32, &EXP_64), x.c(1.0)).scale(n)
}

/// 2^x.
pub fn exp2<'b>(x: V<'b>) -> V<'b> {
    let (lo, hi) = by_width(x, (-151.0, 129.0), (-1076.0, 1025.0));
    let x = clamp(x, lo, hi);
    let n = x.round(Rounding::Nearest);
    exp2_of(x - n).scale(n)
}

/// 2^r for |r| <= 1/2.
pub(super) fn exp2_of<'b>(r: V<'b>) -> V<'b> {
    r.fma(poly(r, &EXP2_32, &EXP2_64), r.c(1.0))
}

/// e^x - 1 = 2^n (p + (1 - 2^-n)) with p = e^r - 1.
pub fn expm1<'b>(x: V<'b>) -> V<'b> {
    let (lo, hi) = by_width(x, (-20.0, 89.0), (-40.0, 710.0));
    let (n, r) = reduce(clamp(x, lo, hi));
    let p = (r * poly(r, &EXPM1_32, &EXPM1_64)).fma(r, r);
    let one = x.c(1.0);
    let y = (p + (one - one.scale(-n))).scale(n);
    y | x.sign_bit()
}

/// 1 / (1 + e^-x) = 2^n / ((2^n + 1) + (e^-r - 1)).
///
/// A rounding of the denominator is up to a unit of the result: there is but one. A power so small that it would be lost
/// beside 1 is added to the small term.
pub fn logistic<'b>(x: V<'b>) -> V<'b> {
    let (lo, hi) = by_width(x, (-104.0, 30.0), (-746.0, 60.0));
    let (n, r) = reduce(clamp(x, lo, hi));
    let one = x.c(1.0);
    let q = poly(r, &substitute(1.0, -1.0, EXP_32), &substitute(1.0, -1.0, EXP_64));
    let power = one.scale(n);
    let beside = power.max(x.c(2f64.powi(-20)));
    (one / (q.fnma(r, power - beside) + (beside + one))).scale(n)
}
