//! pow: 2^(y log2 x), the logarithm and the product as unrounded sums of two floats.
//!
//! With f and m as in [`log`](super::log()), s = f / (2 + f) and q = s^2: log2 m = s (c0 + q (c1 + q T(q))), the series
//! of atanh (Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed., chapter 10). s is a float and its remainder,
//! from a reciprocal by Newton's steps; the sums from c1 on out keep their remainders (Dekker 1971). What is left is
//! below 2^-31 (2^-63) of the logarithm, and so of the exponent below a fifth of an ulp of the result.

use super::super::V;
use super::super::ir::Rounding;
use super::coefficients::*;
use super::exp::exp2_of;
use super::log::exponent_and_fraction;
use super::parts::*;

/// log2 x of a positive number, and what that leaves over.
fn log2_sum<'b>(x: V<'b>) -> (V<'b>, V<'b>) {
    let (e, f) = exponent_and_fraction(x);
    let e = e * by_width(x, 1.0 / 8388608.0, 1.0 / 4503599627370496.0);
    let one = x.c(1.0);
    let (d, d_rest) = fast_two_sum(x.c(2.0), f);
    // 1 / d.
    let r = poly(f, &RECIPROCAL_32, &RECIPROCAL_64);
    let miss = d.fnma(r, one);
    let r = miss.fma(miss, miss).fma(r, r);
    let r = by_width(x, r, d.fnma(r, one).fma(r, r));
    let s = f * r;
    let s_rest = s.fnma(d_rest, s.fnma(d, f)) * r;
    let (q, q_rest) = two_product(s, s);
    let q_rest = (s + s).fma(s_rest, q_rest);
    let t = poly(q, &LOG2_TAIL_32, &LOG2_TAIL_64);
    let (c0, c0_rest) = real(x, LOG2_C0_32, LOG2_C0_64);
    let (c1, c1_rest) = real(x, LOG2_C1_32, LOG2_C1_64);
    let w = q.fma(t, c1);
    let w_rest = q.fma(t, c1 - w) + c1_rest;
    let (p, p_rest) = two_product(q, w);
    let p_rest = q.fma(w_rest, q_rest.fma(w, p_rest));
    let (v, v_rest) = fast_two_sum(c0, p);
    let v_rest = v_rest + (c0_rest + p_rest);
    let (l, l_rest) = two_product(s, v);
    let l_rest = s_rest.fma(v, s.fma(v_rest, l_rest));
    let (sum, rest) = fast_two_sum(e, l);
    (sum, rest + l_rest)
}

/// x^y, with all exceptions of C99.
pub fn pow<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    let c = |v: f64| x.c(v);
    let (zero, one, infinity) = (c(0.0), c(1.0), c(f64::INFINITY));
    let a = x.abs();
    let (l, l_rest) = log2_sum(a);
    let l = a.eq(zero).select(c(f64::NEG_INFINITY), l);
    let l = a.lt(infinity).select(l, a);
    // Beyond these bounds every power of a number other than 1 is 0 or infinite.
    let most = by_width(x, 2f64.powi(40), 2f64.powi(70));
    let factor = clamp(y, -most, most);
    let z = factor * l;
    let z_rest = factor.fma(l_rest, factor.fms(l, z));
    let (lo, hi) = by_width(x, (-160.0, 140.0), (-1090.0, 1040.0));
    let z = clamp(z, lo, hi);
    // Of no weight but where z is between its bounds; there it is small and a number.
    let z_rest = z_rest.max(c(-0.0625)).min(c(0.0625));
    let n = z.round(Rounding::Nearest);
    let magnitude = exp2_of((z - n) + z_rest).scale(n);

    let integral = y.round(Rounding::Zero).eq(y);
    let half = y * 0.5;
    let odd = integral & half.round(Rounding::Zero).ne(half);
    let signed = magnitude | odd.select(x.sign_bit(), zero);
    let undefined = x.lt(zero) & x.gt(c(f64::NEG_INFINITY)) & !integral;
    let defined = undefined.select(c(f64::NAN), signed);
    (x.eq(one) | y.eq(zero)).select(one, defined)
}
