//! asinh, acosh and atanh as logarithms of 1 + t, where t is known to more than a float's digits.
//!
//! The forms are Kahan's (Branch Cuts for Complex Elementary Functions, 1987): none cancels. Where t would overflow or
//! is all that matters, log 2x stands for it.

use super::super::V;
use super::log::log1p_sum;
use super::parts::*;

/// Above it x^2 + 1 is x^2, and 2x stands for x + sqrt(x^2 + 1).
fn large(x: V<'_>) -> V<'_> {
    x.c(by_width(x, 1073741824.0, 1152921504606846976.0))
}

/// asinh x = log(1 + t), t = |x| + x^2 / (1 + sqrt(1 + x^2)).
pub fn asinh<'b>(x: V<'b>) -> V<'b> {
    let (a, one) = (x.abs(), x.c(1.0));
    let large = a.gt(large(x));
    let square = a * a;
    let (t, rest) = fast_two_sum(a, square / ((square + one).sqrt() + one));
    let y = log1p_sum(large.select(a, t), Some(large.select(x.c(0.0), rest)), Some(large));
    y | x.sign_bit()
}

/// acosh x = log(1 + t), t = d + sqrt(d^2 + 2d), d = x - 1.
pub fn acosh<'b>(x: V<'b>) -> V<'b> {
    let one = x.c(1.0);
    let large = x.gt(large(x));
    let d = x - one;
    let (t, rest) = fast_two_sum(d.fma(d, d + d).sqrt(), d);
    let y = log1p_sum(large.select(x, t), Some(large.select(x.c(0.0), rest)), Some(large));
    x.lt(one).select(x.c(f64::NAN), y)
}

/// atanh x = log(1 + t) / 2, t = 2|x| / (1 - |x|).
pub fn atanh<'b>(x: V<'b>) -> V<'b> {
    let (a, one) = (x.abs(), x.c(1.0));
    let (d, lost) = fast_two_sum(one, -a);
    let (twice, q) = (a + a, one / d);
    let t = twice * q;
    let rest = t.fnma(lost, t.fnma(d, twice)) * q;
    let y = log1p_sum(t, Some(rest), None) * 0.5;
    y | x.sign_bit()
}
