//! asin, acos, atan and atan2.
//!
//! asin(t) and atan(t) are t + t^3 P(t^2) on a small interval. Outside of it stand the identities
//! asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)), acos(x) = pi / 2 - asin(x) = 2 asin(sqrt((1 - x) / 2)) and
//! atan(x) = pi / 2 - atan(1 / x) (see Muller, Elementary Functions, chapter 11). Constants are added in two parts.

use super::super::V;
use super::parts::*;
use super::tables::*;

/// What asin and acos share.
struct Sine<'b> {
    /// Whether the number is beyond a half.
    far: V<'b>,
    /// The magnitude where it is not, else sqrt((1 - magnitude) / 2).
    t: V<'b>,
    /// (asin(t) - t) / P.
    cube: V<'b>,
    /// P, the polynomial.
    p: V<'b>,
}

impl<'b> Sine<'b> {
    fn of(a: V<'b>) -> Sine<'b> {
        let (far, half) = (a.gt(a.c(0.5)), a.c(0.5));
        let z = a.fnma(half, half);
        let t = far.select(z.sqrt(), a);
        let square = far.select(z, a * a);
        Sine { far, t, cube: t * square, p: poly(square, &ASIN_32, &ASIN_64) }
    }
}

/// The inverse sine.
pub fn asin<'b>(x: V<'b>) -> V<'b> {
    let s = Sine::of(x.abs());
    let (hi, lo) = real(x, HALF_PI_32, HALF_PI_64);
    // Beyond a half asin(t) less a half of what pi / 2 has beyond its digits, so that one rounding is left.
    let near = s.t + s.cube.fma(s.p, s.far.select(lo * -0.5, x.c(0.0)));
    s.far.select(near.fnma(x.c(2.0), hi), near) | x.sign_bit()
}

/// The inverse cosine.
pub fn acos<'b>(x: V<'b>) -> V<'b> {
    let s = Sine::of(x.abs());
    let (hi, lo) = real(x, HALF_PI_32, HALF_PI_64);
    // pi / 2 - asin(x), or 2 asin(t) below 0 with the other sign and added to pi.
    let factor = s.far.select(x.c(2.0), x.c(-1.0)) ^ x.sign_bit();
    let times = by_sign(x);
    let (hi, lo) = (s.far.select(times * hi, hi), s.far.select(times * lo, lo));
    s.t.fma(factor, hi) + (s.cube * s.p).fma(factor, lo)
}

/// 2 of a negative number (or -0), else 0.
fn by_sign(x: V<'_>) -> V<'_> {
    x.to_bits().shr(by_width(x, 31, 63)).from_bits() & x.c(2.0)
}

/// The inverse tangent.
pub fn atan<'b>(x: V<'b>) -> V<'b> {
    let (a, one) = (x.abs(), x.c(1.0));
    let t = one.min(a) / one.max(a);
    let far = a.gt(one);
    let (hi, lo) = real(x, HALF_PI_32, HALF_PI_64);
    let zero = x.c(0.0);
    let t = t ^ far.select(x.c(-0.0), zero);
    let y = far.select(hi, zero) + tangent(t, far.select(lo, zero));
    y.copysign(x)
}

/// The angle of the point (x, y).
pub fn atan2<'b>(y: V<'b>, x: V<'b>) -> V<'b> {
    let (down, along) = (y.abs(), x.abs());
    // Of a NaN either the one or the other is left.
    let (short, long) = (along.min(down), down.max(along));
    let least = by_width(x, f32::from_bits(1) as f64, f64::from_bits(1));
    let long = x.c(least).max(long);
    // Two infinities are alike, and so is all else that is; of zeros the quotient is 0.
    let t = short.eq(long).select(x.c(1.0), short / long);
    let steep = down.gt(along);
    let (hi, lo) = real(x, HALF_PI_32, HALF_PI_64);
    let times = steep.select(x.c(1.0), by_sign(x));
    let t = t ^ x.sign_bit() ^ steep.select(x.c(-0.0), x.c(0.0));
    let angle = times.fma(hi, tangent(t, times * lo));
    angle.copysign(y)
}

/// atan(t) + more for t within 1.
fn tangent<'b>(t: V<'b>, more: V<'b>) -> V<'b> {
    let square = t * t;
    t + (t * square).fma(poly(square, &ATAN_32, &ATAN_64), more)
}
