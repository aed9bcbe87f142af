//! rsqrt and cbrt, without division.
//!
//! A first guess y of a^(-1/k) comes from the exponent and fraction of a as one integer, divided by -k; then
//! e = 1 - a y^k is small and a^(-1/k) is y (1 - e)^(-1/k), a polynomial in e (Householder's iteration, its series made
//! a minimax fit). A step of Newton's with a fused residual repairs the last digits.

use super::super::V;
use super::parts::*;
use super::tables::*;

/// Whether a number is subnormal (or negative), and the number made normal by 2^24 (2^54).
fn made_normal<'b>(x: V<'b>) -> (V<'b>, V<'b>) {
    let least = by_width(x, f32::MIN_POSITIVE as f64, f64::MIN_POSITIVE);
    let up = by_width(x, 2f64.powi(24), 2f64.powi(54));
    let tiny = x.lt(x.c(least));
    (tiny, tiny.select(x * up, x))
}

/// 1 / sqrt(x): infinity of zeros, with their sign; NaN below.
pub fn rsqrt<'b>(x: V<'b>) -> V<'b> {
    let one = x.c(1.0);
    let (tiny, a) = made_normal(x);
    let magic = x.builder().int(by_width(x, 0x5f37_4700, 0x5fe6_e8e0_0000_0000));
    let y = (magic - a.to_bits().shr(1)).from_bits();
    let e = (a * y).fnma(y, one);
    let y = (y * e).fma(poly(e, &RSQRT_32, &RSQRT_64), y);
    let newton = |y: V<'b>| (y * 0.5).fma((a * y).fnma(y, one), y);
    let y = by_width(x, y, newton(y));
    let y = tiny.select(y * by_width(x, 2f64.powi(12), 2f64.powi(27)), y);
    let infinity = x.c(f64::INFINITY);
    let y = x.eq(infinity).select(x.c(0.0), y);
    let y = x.eq(x.c(0.0)).select(infinity | x.sign_bit(), y);
    x.lt(x.c(0.0)).select(x.c(f64::NAN), y)
}

/// The cube root, of negative numbers too.
pub fn cbrt<'b>(x: V<'b>) -> V<'b> {
    let (magnitude, third) = (x.abs(), x.c(1.0 / 3.0));
    let (tiny, a) = made_normal(magnitude);
    let magic = x.c(by_width(x, 1419901610.0, 6142604227142221824.0));
    let y = a.to_bits().convert(x.ty()).fnma(third, magic).convert(x.builder().width().signed()).from_bits();
    let e = (a * y).fnma(y * y, x.c(1.0));
    let y = (y * e).fma(poly(e, &CBRT_32, &CBRT_64), y);
    let square = y * y;
    let root = a * square;
    let left = (root * root).fnma(root, a);
    let root = left.fma(square * third, root);
    let root = tiny.select(root * by_width(x, 2f64.powi(-8), 2f64.powi(-18)), root);
    magnitude.lt(x.c(f64::INFINITY)).select(root, magnitude) | x.sign_bit()
}
