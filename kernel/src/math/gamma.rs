//! The logarithm of |Γ|.
//!
//! By |x| = a: below 1/2, x P(x) - log a with log Γ(1 + t) = t P(t); about 1 and about 2, where the result is 0, t P(t) in
//! t = a - 1 and t Q(t) in t = a - 2; up to 8, the same of t in [-1/2, 1/2) and the logarithm of a product; from there on
//! Stirling's series (DLMF 5.11.1). Below -1/2, log(π / (a |sin πa|)) - log Γ(a) (DLMF 5.5.3). Logarithms are unrounded
//! sums of two floats, so that sums with them round once.
//!
//! From -1/2 on the result is within the 2 ulp (4 in `F64`) of this folder. Below, the terms that are subtracted may be
//! larger than what they leave, and the error is theirs: some 2 units of the last place of |y| + 4, not of the result y.
//! So a small `F32` result errs by more ulp of its own: 3.2 at -7.9996824, where y is -2.5, 4.8 at -7.9998722, where it is
//! -1.6; and the nearer to a zero the more (from (-3, -2) on there are two in each interval of negative whole numbers).
//! The tests and `--bin ulp` measure |y| + 4 for negative numbers, added in lanes of `F32`: of all inputs the worst is
//! 2.10 ulp at -7.9996824, half a unit of which is the addition's.

use super::super::V;
use super::super::ir::Rounding;
use super::coefficients::*;
use super::log::exponent_and_fraction;
use super::parts::*;
use super::special_tables::*;

/// log x of a positive number and what that leaves over.
fn log_sum<'b>(x: V<'b>) -> (V<'b>, V<'b>) {
    let (e, f) = exponent_and_fraction(x);
    let e = e * by_width(x, 1.0 / 8388608.0, 1.0 / 4503599627370496.0);
    let (hi, lo) = real(x, LN_2_32, LN_2_64);
    let (whole, lost) = two_product(e, hi);
    let (sum, rest) = fast_two_sum(whole, f);
    let small = (f * f).fma(poly(f, &LOG_32, &LOG_64), e.fma(lo, lost));
    (sum, rest + small)
}

/// log |Γ(x)|; infinity at 0, at negative whole numbers, and at both infinities.
pub fn lgamma<'b>(x: V<'b>) -> V<'b> {
    let c = |v: f64| x.c(v);
    let (zero, one, infinity) = (c(0.0), c(1.0), c(f64::INFINITY));
    let a = x.abs();
    let (tiny, first, product_is) = (a.lt(c(0.5)), a.lt(c(1.5)), a.lt(c(8.0)));

    // a = 2 + n + t: the factors that lead from 2 + t to a.
    let factor = |k: f64| {
        let factor = a - k;
        factor.ge(c(1.5)).select(factor, one)
    };
    let product = (factor(1.0) * factor(2.0)) * (factor(3.0) * factor(4.0)) * (factor(5.0) * factor(6.0));
    let t = (a - 2.0) - (a - 1.5).round(Rounding::Down).max(zero);
    let near_one = tiny.select(x, a - 1.0);
    let near = first.select(
        near_one * poly(near_one - 0.25, &LGAMMA_ONE_32, &LGAMMA_ONE_64),
        t * poly(t, &LGAMMA_TWO_32, &LGAMMA_TWO_64),
    );
    let product = product_is.select(product, a);
    let (log, rest) = log_sum(tiny.select(a, first.select(one, product)));
    let near = tiny.select((near - rest) - log, (near + rest) + log);

    // (a - 1/2) (log a - 1) + (log(2π) - 1) / 2 + S(1/a²) / a.
    let inverse = one / a;
    let series = poly(inverse * inverse, &STIRLING_32, &STIRLING_64);
    let b = a - 0.5;
    let small = inverse.fma(series, c(0.418_938_533_204_672_7));
    let far = b.fma(log - one, b.fma(rest, small));
    let positive = product_is.select(near, far);
    let positive = a.lt(infinity).select(positive, a);

    let r = a - a.round(Rounding::Nearest);
    let sine = (r * poly(r * r, &SIN_PI_32, &SIN_PI_64)).abs();
    let (log, rest) = log_sum(a * sine * std::f64::consts::FRAC_1_PI);
    let reflected = (-log - positive) - rest;
    let pole = r.eq(zero) | a.eq(infinity);
    let negative = pole.select(infinity, reflected);
    let y = x.le(c(-0.5)).select(negative, positive);
    // The logarithm of 0 is none that `log_sum` has.
    let y = a.eq(zero).select(infinity, y);
    x.eq(x).select(y, x)
}
