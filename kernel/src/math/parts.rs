//! What several functions are made of: constants by width, the reduction by ln 2, numbers as unrounded sums.
//!
//! The reduction is Cody and Waite's (Software Manual for the Elementary Functions, 1980), with fused multiplications;
//! unrounded sums and products are Dekker's and Knuth's (see Muller et al., Handbook of Floating-Point Arithmetic).

use super::super::{V, Width};

/// What lanes of 32 bits take, or what those of 64 bits take.
pub(super) fn by_width<T>(x: V<'_>, narrow: T, wide: T) -> T {
    match x.builder().width() {
        Width::W32 => narrow,
        Width::W64 => wide,
    }
}

/// A real number as the unrounded sum of two floats.
#[derive(Clone, Copy)]
pub(super) struct Real {
    pub(super) hi: f64,
    pub(super) lo: f64,
}

/// A number as the lane's float and what that leaves over: `lo` is the real number less `hi`, rounded.
pub(super) fn real(x: V<'_>, narrow: Real, wide: Real) -> (V<'_>, V<'_>) {
    let r = by_width(x, narrow, wide);
    (x.c(r.hi), x.c(r.lo))
}

/// A value brought between two bounds; NaN stays.
pub(super) fn clamp<'b>(x: V<'b>, lo: f64, hi: f64) -> V<'b> {
    x.c(lo).max(x.c(hi).min(x))
}

/// The nearest integral float, of a product whose magnitude is below 2^22 (2^51): the addition of 1.5 * 2^23 (2^52)
/// rounds it away.
pub(super) fn round_product<'b>(x: V<'b>, factor: V<'b>) -> V<'b> {
    let magic = x.c(by_width(x, 12582912.0, 6755399441055744.0));
    x.fma(factor, magic) - magic
}

/// a + b and its rounding error, where |a| >= |b| or a is 0.
pub(super) fn fast_two_sum<'b>(a: V<'b>, b: V<'b>) -> (V<'b>, V<'b>) {
    let sum = a + b;
    (sum, b - (sum - a))
}

/// a * b and its rounding error.
pub(super) fn two_product<'b>(a: V<'b>, b: V<'b>) -> (V<'b>, V<'b>) {
    let product = a * b;
    (product, a.fms(b, product))
}

/// A polynomial by Horner's scheme with fused steps: one of the two tables, by the lanes' width.
pub(super) fn poly<'b>(x: V<'b>, narrow: &[f64], wide: &[f64]) -> V<'b> {
    x.builder().poly(x, by_width(x, narrow, wide))
}

/// The coefficients of factor * P(step * x); exact where both are powers of two.
pub(super) fn substitute<const N: usize>(factor: f64, step: f64, coefficients: [f64; N]) -> [f64; N] {
    let mut power = factor;
    coefficients.map(|c| {
        let scaled = c * power;
        power *= step;
        scaled
    })
}

impl Real {
    /// Half of it.
    pub(super) fn half(self) -> Real {
        self.over(2.0)
    }

    /// Divided by a power of two.
    pub(super) fn over(self, power: f64) -> Real {
        Real { hi: self.hi / power, lo: self.lo / power }
    }
}
