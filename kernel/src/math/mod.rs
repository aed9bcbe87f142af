//! Mathematical functions, each written once as a program in the kernel language, for lanes of `F32` and of `F64`.
//!
//! What always holds: a result is at most 2 ulp from the correctly rounded one in `F32` and 4 ulp in `F64`, but for
//! [`lgamma`] below -1/2, where larger terms cancel (`gamma.rs` says how far it may be off), and [`erf_inv_giles`], which
//! is as exact as JAX's; infinities, NaN, the sign of zero, overflow and subnormal numbers are as C99's Annex F has them;
//! odd functions are odd to the bit. No function branches: exceptions are selects. Polynomials are our own fits
//! (`tools/fit.py` makes `coefficients.rs`). The tests `ulp_f32`, `ulp_f64` and `special_values` of the CPU say so for a part of all
//! inputs, and `cargo run --release -p plywood-benches --bin ulp` for all of them in `F32`.

mod bessel;
#[rustfmt::skip]
mod coefficients;
mod erf;
mod exp;
mod gamma;
mod hyperbolic;
mod inverse;
mod inverse_trig;
mod log;
mod parts;
mod pow;
mod roots;
#[rustfmt::skip]
mod special_tables;
#[rustfmt::skip]
mod tables;
mod trig;

pub use bessel::{bessel_i0e, bessel_i1e};
pub use erf::{erf, erf_inv, erf_inv_giles, erfc};
pub use exp::{exp, exp2, expm1, logistic};
pub use gamma::lgamma;
pub use hyperbolic::{cosh, sinh, tanh};
pub use inverse::{acosh, asinh, atanh};
pub use inverse_trig::{acos, asin, atan, atan2};
pub use log::{log, log1p, log2};
pub use pow::pow;
pub use roots::{cbrt, rsqrt};
pub use trig::{cos, sin, tan};
