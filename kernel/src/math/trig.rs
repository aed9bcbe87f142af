//! sin, cos and tan, of arguments of any size.
//!
//! The reduction is Payne and Hanek's ("Radian reduction for trigonometric functions", 1983), for all arguments alike:
//! x is m 2^s, so x in turns is m times the bits of 1 / (2 pi) from the s-th one on, of which whole turns are dropped.
//! The bits stand in constants; selects move them up by whole words and shifts by single bits. Three words are enough
//! for the argument of the format that lies nearest to a multiple of pi / 4 (Muller, Elementary Functions, chapter 11):
//! the first is multiplied by m as an integer, which wraps as turns do, the others as floats with fused steps.
//!
//! There is one polynomial: that of sin on half a turn, since an integer number of turns is easily moved by a quarter.

use super::super::V;
use super::super::ir::Rounding;
use super::parts::*;
use super::tables::*;

/// A number of turns less a whole one.
struct Turns<'b> {
    /// In units of 2^-32 (2^-64) of a turn, signed.
    whole: V<'b>,
    /// What is left, a float below two such units.
    rest: V<'b>,
}

/// Of a number from 1 up, in radians. Infinity and NaN leave NaN as the rest.
fn turns<'b>(a: V<'b>) -> Turns<'b> {
    let b = a.builder();
    let (float, signed, unsigned) = (b.width().float(), b.width().signed(), b.width().unsigned());
    let (n, digits, bias, half) =
        by_width(a, (32, 24, 127, 0x3f00_0000), (64, 53, 1023, 0x3fe0_0000_0000_0000));
    let hidden = 1 << (digits - 1);

    let bits = a.bits(unsigned);
    let fraction = bits & b.uint(hidden - 1);
    let m = fraction | b.uint(hidden);
    let scaled = (fraction | b.uint(half)).bits(float); // m as a fraction
    let exponent = bits.shr(digits as u8 - 1) - b.uint(bias);

    let table: &[u64] = by_width(a, &TURNS_32, &TURNS_64);
    let mut words: Vec<V<'b>> = table.iter().map(|&word| b.uint(word)).collect();
    for level in (0..(table.len() - 3).ilog2()).rev() {
        let (step, up) = (1 << level, (exponent & b.uint(n << level)).ne(b.uint(0)));
        words = (0..step + 3).map(|i| up.select(words[i + step], words[i])).collect();
    }
    let shift = exponent & b.uint(n - 1);
    let back = b.uint(n) - shift;
    let word = |i: usize| words[i].shl_by(shift) | words[i + 1].shr_by(back);
    let (first, second, third) = (word(0), word(1), word(2));

    // The second word's leading bits, as many as a float has digits, and those that follow.
    let spare = (n - digits) as u8;
    let number = |bits: V<'b>| bits.bits(signed).convert(float);
    let (product, error) = two_product(scaled, number(second.shr(spare)));
    let carry = product.round(Rounding::Nearest);
    let following = number((second.shl(digits as u8) | third.shr(spare)).shr(1));
    let low = (scaled * 0.5f64.powi(n as i32 - 1)).fma(following, error);
    Turns { whole: (m * first).bits(signed) + carry.convert(signed), rest: (product - carry) + low + a * 0.0 }
}

/// An angle in radians, rounded once, of so many units and a rest; and what the rounding lost.
fn radians<'b>(whole: V<'b>, rest: V<'b>) -> (V<'b>, impl FnOnce() -> V<'b>) {
    let (float, signed) = (rest.ty(), whole.ty());
    let unit = by_width(rest, 2f64.powi(-32), 2f64.powi(-64));
    let (hi, lo) = real(rest, TAU_32.over(1.0 / unit), TAU_64.over(1.0 / unit));
    let most = whole.convert(float);
    let left = (whole - most.convert(signed)).convert(float) + rest;
    let small = left.fma(hi, most * lo);
    let angle = most.fma(hi, small);
    (angle, move || most.fms(hi, angle) + small)
}

/// sin of at most half pi in magnitude; keeps the sign of zero.
fn sine(r: V<'_>) -> V<'_> {
    let t = r * r;
    (r * t).fma(poly(t, &SIN_32, &SIN_64), r)
}

/// sin of a number of turns with its angle within half pi: the angle, and a sign bit for its sine.
fn half_turn<'b>(t: Turns<'b>) -> (V<'b>, V<'b>) {
    let doubled = t.whole.shl(1);
    let (r, _) = radians(doubled.shr(1), t.rest);
    (r, (t.whole ^ doubled).from_bits().sign_bit())
}

/// The sine.
pub fn sin<'b>(x: V<'b>) -> V<'b> {
    let a = x.abs();
    let small = a.lt(x.c(1.0));
    let (r, sign) = half_turn(turns(a));
    let y = sine(small.select(a, r));
    y ^ x.sign_bit() ^ small.select(x.c(0.0), sign)
}

/// The cosine.
pub fn cos<'b>(x: V<'b>) -> V<'b> {
    let (a, b) = (x.abs(), x.builder());
    let small = a.lt(x.c(1.0));
    let t = turns(a);
    let quarter = b.int(by_width(x, 1 << 30, 1 << 62));
    let (r, sign) = half_turn(Turns { whole: t.whole + quarter, rest: t.rest });
    let y = sine(small.select(half_pi_less(a), r));
    y ^ small.select(x.c(0.0), sign)
}

/// pi / 2 - a.
fn half_pi_less<'b>(a: V<'b>) -> V<'b> {
    let (hi, lo) = real(a, HALF_PI_32, HALF_PI_64);
    (hi - a) + lo
}

/// The tangent.
pub fn tan<'b>(x: V<'b>) -> V<'b> {
    let (a, b) = (x.abs(), x.builder());
    let t = turns(a);
    let (r, lost) = radians(t.whole.shl(2).shr(2), t.rest);
    let quarter = b.int(by_width(x, 1 << 30, 1 << 62));
    let odd = ((t.whole ^ t.whole.shl(1)) & quarter).ne(b.int(0));
    // Below 1 the quarter is known.
    let (small, second) = (a.lt(x.c(1.0)), a.gt(x.c(std::f64::consts::FRAC_PI_4)));
    let (hi, lo) = real(x, HALF_PI_32, HALF_PI_64);
    let (near, less) = (second.select(a - hi, a), second.select(-lo, x.c(0.0)));
    let (r, lost) = (small.select(near, r), small.select(less, lost()));
    let odd = second & (odd | small);
    let t = r * r;
    // Where the reciprocal is taken, an error weighs up to twice as much.
    let y = r + (r * t).fma(poly(t, &TAN_32, &TAN_64), t.fma(lost, lost));
    let y = odd.select(x.c(-1.0), y) / odd.select(y, x.c(1.0));
    y ^ x.sign_bit()
}
