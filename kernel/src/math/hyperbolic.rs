//! tanh, sinh and cosh on |x|, each on one path; the odd ones take the sign of x.
//!
//! tanh is N / D with N = (1 - F) / 2, D = (1 + F) / 2 and F = e^(-2|x|) = 2^m (1 + p). What the roundings of N, of D
//! and of the quotient lost is added in the end: over D, which as N + D = 1 is times 1 + N / D. sinh and cosh need no division: with
//! |x| = n ln 2 + r they are sums of products of sinh r and cosh r, two polynomials, with sinh(n ln 2) and cosh(n ln 2).

use super::super::V;
use super::coefficients::*;
use super::exp::reduce;
use super::parts::*;
use std::f64::consts::LOG2_E;

/// tanh x.
pub fn tanh<'b>(x: V<'b>) -> V<'b> {
    let a = x.c(by_width(x, 10.0, 22.0)).min(x.abs());
    let m = round_product(a, x.c(-2.0 * LOG2_E));
    let (hi, lo) = real(x, LN_2_32.half(), LN_2_64.half());
    let h = m.fma(lo, m.fma(hi, a)); // -2a = m ln 2 - 2h
    // p / 2, where p = e^(-2h) - 1.
    let t = poly(h, &substitute(2.0, -2.0, EXPM1_32), &substitute(2.0, -2.0, EXPM1_64));
    let p = (h * t).fms(h, h);
    let (half, f) = (x.c(0.5), x.c(1.0).scale(m));
    let (above, below) = (f.fnma(half, half), f.fma(half, half));
    let (n, d) = (f.fnma(p, above), f.fma(p, below));
    let (n_lost, d_lost) = (f.fnma(p, above - n), f.fma(p, f.fma(half, half - d)));
    let y = n / d;
    let lost = y.fnma(d_lost, y.fnma(d, n) + n_lost);
    (lost.fma(y, lost) + y) | x.sign_bit()
}

/// What sinh and cosh of |x| = n ln 2 + r are made of.
struct Halves<'b> {
    /// n - 1.
    exponent: V<'b>,
    /// 1.
    one: V<'b>,
    /// 2^(-2n).
    power: V<'b>,
    /// sinh r.
    s: V<'b>,
    /// cosh r - 1, which is small: its rounding hardly matters.
    c: V<'b>,
}

fn halves<'b>(x: V<'b>) -> Halves<'b> {
    let a = x.c(by_width(x, 90.0, 711.0)).min(x.abs());
    let (n, r) = reduce(a);
    let t = r * r;
    let s = (r * t).fma(poly(t, &SINH_32, &SINH_64), r);
    let c = t * poly(t, &COSH_32, &COSH_64);
    let one = x.c(1.0);
    // 2^(-2n) matters while it is more than an ulp of 1; beyond, any small power does.
    let power = one.scale(x.c(by_width(x, -100.0, -200.0)).max(n * -2.0));
    Halves { exponent: n - 1.0, one, power, s, c }
}

/// sinh x.
pub fn sinh<'b>(x: V<'b>) -> V<'b> {
    let h = halves(x);
    let (minus, plus) = (h.one - h.power, h.one + h.power);
    (minus + h.s.fma(plus, h.c * minus)).scale(h.exponent) | x.sign_bit()
}

/// cosh x.
pub fn cosh<'b>(x: V<'b>) -> V<'b> {
    let h = halves(x);
    let (minus, plus) = (h.one - h.power, h.one + h.power);
    // What `plus` loses to rounding may be a unit of the result: the power is added with the small terms.
    (h.one + h.s.fma(minus, h.c.fma(plus, h.power))).scale(h.exponent)
}
