//! The modified Bessel functions of the first kind of order 0 and 1, times e^-|x|.
//!
//! Up to 8 polynomials of x², whose coefficients are all positive, times e^-|x|; beyond, polynomials of 1/|x| over √|x|
//! (the expansion DLMF 10.40.1, fitted).

use super::super::V;
use super::exp::exp;
use super::parts::*;
use super::special_tables::*;

/// A polynomial of 1/a over √a, given as one of 16 / a - 1.
fn far<'b>(a: V<'b>, narrow: &[f64], wide: &[f64]) -> V<'b> {
    let u = a.c(16.0) / a - 1.0;
    poly(u, narrow, wide) / a.sqrt()
}

/// e^-|x| I₀(x).
pub fn bessel_i0e<'b>(x: V<'b>) -> V<'b> {
    let a = x.abs();
    let near = exp(-a) * poly(a * a, &I0_NEAR_32, &I0_NEAR_64);
    a.le(x.c(8.0)).select(near, far(a, &I0_FAR_32, &I0_FAR_64))
}

/// e^-|x| I₁(x).
pub fn bessel_i1e<'b>(x: V<'b>) -> V<'b> {
    let a = x.abs();
    let near = a * (exp(-a) * poly(a * a, &I1_NEAR_32, &I1_NEAR_64));
    a.le(x.c(8.0)).select(near, far(a, &I1_FAR_32, &I1_FAR_64)) | x.sign_bit()
}
