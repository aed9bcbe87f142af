//! log, log2 and log1p: x = 2^e m with m from sqrt 1/2 to sqrt 2, a polynomial in f = m - 1.
//!
//! After Muller et al. (Handbook of Floating-Point Arithmetic, 2nd ed., chapter 10). f is exact, and near 1, where the
//! result is small, e is 0 and f is all there is. There is no division: f's polynomial costs less than one. What 1 + x
//! loses to rounding is added to f, scaled like m, so that log1p is as exact as log.

use super::super::V;
use super::coefficients::*;
use super::parts::*;

/// How far 2^e, the exponent as it stands in a float's bits, is from e.
fn exponent_unit(x: V<'_>) -> f64 {
    by_width(x, 8388608.0, 4503599627370496.0)
}

/// A number taken apart.
struct Split<'b> {
    /// e, as it stands in the bits: an integer.
    shifted: V<'b>,
    /// From sqrt 1/2 to sqrt 2.
    m: V<'b>,
}

/// Of a positive normal number. (Of others both parts are some numbers.)
fn split<'b>(x: V<'b>) -> Split<'b> {
    let (b, bits) = (x.builder(), x.to_bits());
    let (root, exponent) =
        by_width(x, (0x3f35_04f3, !0x7f_ffff), (0x3fe6_a09e_667f_3bcd, !0xf_ffff_ffff_ffff));
    let shifted = (bits - b.int(root)) & b.int(exponent);
    Split { shifted, m: (bits - shifted).from_bits() }
}

/// e of a split number less a subnormal's scaling, times [`exponent_unit`]; and f.
pub(super) fn exponent_and_fraction<'b>(x: V<'b>) -> (V<'b>, V<'b>) {
    let (least, digits) = by_width(x, (f32::MIN_POSITIVE as f64, 23.0), (f64::MIN_POSITIVE, 52.0));
    let unit = exponent_unit(x);
    let tiny = x.lt(x.c(least));
    let s = split(tiny.select(x * unit, x));
    let e = s.shifted.convert(x.ty()) - tiny.select(x.c(digits * unit), x.c(0.0));
    (e, s.m - 1.0)
}

/// log(2^e (1 + f)), e in units of [`exponent_unit`].
fn log_of<'b>(e: V<'b>, f: V<'b>) -> V<'b> {
    with_exponent(e, (f * f).fma(poly(f, &LOG_32, &LOG_64), f))
}

/// log 2^e and a logarithm of at most log sqrt 2.
fn with_exponent<'b>(e: V<'b>, log: V<'b>) -> V<'b> {
    let unit = exponent_unit(e);
    let (hi, lo) = real(e, LN_2_32.over(unit), LN_2_64.over(unit));
    e.fma(hi, e.fma(lo, log))
}

/// A logarithm's result `y` but for infinity, NaN, zero and negative numbers.
fn with_exceptions<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    let y = x.lt(x.c(f64::INFINITY)).select(y, x);
    let below = x.lt(x.c(0.0)).select(x.c(f64::NAN), y);
    x.eq(x.c(0.0)).select(x.c(f64::NEG_INFINITY), below)
}

/// The natural logarithm.
pub fn log<'b>(x: V<'b>) -> V<'b> {
    let (e, f) = exponent_and_fraction(x);
    with_exceptions(x, log_of(e, f))
}

/// The logarithm to base 2; of a power of two exact.
pub fn log2<'b>(x: V<'b>) -> V<'b> {
    let (e, f) = exponent_and_fraction(x);
    let e = e * (1.0 / exponent_unit(x));
    with_exceptions(x, f.fma(poly(f, &LOG2_32, &LOG2_64), e))
}

/// log(1 + x).
pub fn log1p<'b>(x: V<'b>) -> V<'b> {
    log1p_sum(x, None, None)
}

/// log(1 + x + rest) + 1 where `more` says so times ln 2, `rest` being below an ulp of `x`.
pub(super) fn log1p_sum<'b>(x: V<'b>, rest: Option<V<'b>>, doubled: Option<V<'b>>) -> V<'b> {
    let one = x.c(1.0);
    let u = x + one;
    let lost = x - (u - one);
    let lost = rest.map_or(lost, |rest| lost + rest);
    let s = split(u);
    // 2^-e; of the largest e, where nothing was lost, 0.
    let down = (one.to_bits() - s.shifted).from_bits().max(x.c(0.0));
    // What f loses to rounding may be a unit of the result: its parts are added to the small terms one by one.
    let (most, more) = (s.m - one, lost * down);
    let f = most + more;
    let log = most + (f * f).fma(poly(f, &LOG_32, &LOG_64), more);
    let e = s.shifted.convert(x.ty());
    let e = doubled.map_or(e, |doubled| e + doubled.select(x.c(exponent_unit(x)), x.c(0.0)));
    let y = with_exponent(e, log);
    let y = (x + x).eq(x).select(x, y); // 0 keeps its sign, infinity stays
    let below = x.lt(x.c(-1.0)).select(x.c(f64::NAN), y);
    x.eq(x.c(-1.0)).select(x.c(f64::NEG_INFINITY), below)
}

/// log of a positive normal number; of others some number.
pub(super) fn log_normal<'b>(x: V<'b>) -> V<'b> {
    let s = split(x);
    log_of(s.shifted.convert(x.ty()), s.m - 1.0)
}
