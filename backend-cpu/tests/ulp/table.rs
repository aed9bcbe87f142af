//! Every function, its right results, and its symmetry.

use super::Ready;
use plywood_backend_cpu::kernel::target::Target;
use plywood_backend_cpu::kernel::{V, math};
use plywood_core::DType;

/// A function of one or two operands in the kernel language.
#[derive(Clone, Copy)]
pub enum Function {
    One(for<'b> fn(V<'b>) -> V<'b>),
    Two(for<'b> fn(V<'b>, V<'b>) -> V<'b>),
}

/// A function of one operand.
pub struct Unary {
    pub name: &'static str,
    pub function: for<'b> fn(V<'b>) -> V<'b>,
    /// Exact values but for the rounding to f64, by the standard library or `libm`, where they have the function.
    pub right: Option<fn(f64) -> f64>,
    /// Whether f(-x) is -f(x).
    pub odd: bool,
    /// Arguments that programs have, for timings.
    pub usual: (f64, f64),
    /// The standard library's function for f32, where there is one.
    pub standard: Option<fn(f32) -> f32>,
}

/// A function of two operands.
pub struct Binary {
    pub name: &'static str,
    pub function: for<'b> fn(V<'b>, V<'b>) -> V<'b>,
    pub right: fn(f64, f64) -> f64,
    /// A second operand for which the function of a first one, and of random bits, is not far out of range.
    pub suits: fn(f64, f64) -> f64,
    pub standard: fn(f32, f32) -> f32,
}

/// Exact values of a function, but for rounding to f64.
///
/// All of them come from the kernel language's own function in `F64`, which is checked against mpmath (`ulp_f64.rs`);
/// every `each`-th, from the first on, from the standard library or `libm`, which are slower.
pub struct Exact<'a> {
    function: &'a Unary,
    lanes: Ready,
    each: usize,
}

impl<'a> Exact<'a> {
    pub fn new(function: &'a Unary, each: usize) -> Exact<'a> {
        let lanes = Ready::new(Function::One(function.function), DType::F64, Target::current());
        Exact { function, lanes, each }
    }

    pub fn write(&self, x: &[f64], y: &mut [f64]) {
        if self.each > 1 || self.function.right.is_none() {
            self.lanes.write(&[x], y);
        }
        if let Some(right) = self.function.right {
            x.iter().zip(y).step_by(self.each).for_each(|(&x, y)| *y = right(x));
        }
    }
}

/// The functions by their names.
mod functions {
    pub use super::math::*;

    /// For negative numbers |y| + 4: between its zeros there the result is exact in relation to 1 only.
    pub fn lgamma<'b>(x: super::V<'b>) -> super::V<'b> {
        let y = super::math::lgamma(x);
        x.lt(x.c(0.0)).select(y.abs() + 4.0, y)
    }
}

fn lgamma(x: f64) -> f64 {
    // libm's logarithm of the sine loses the poles.
    if x < 0.0 && x.floor() == x {
        return f64::INFINITY;
    }
    let y = libm::lgamma(x);
    if x < 0.0 { y.abs() + 4.0 } else { y }
}

macro_rules! unary {
    ($($name:ident $right:expr, $odd:expr, $low:expr, $high:expr, $standard:expr;)*) => {
        /// All functions of one operand that have bounds. (`erf_inv_giles` has none: it is as exact as JAX's.)
        pub const UNARY: &[Unary] = &[$(Unary {
            name: stringify!($name), function: functions::$name, right: $right, odd: $odd, usual: ($low, $high),
            standard: $standard,
        }),*];
    };
}

unary! {
    exp Some(f64::exp), false, -10.0, 10.0, Some(f32::exp);
    exp2 Some(f64::exp2), false, -10.0, 10.0, Some(f32::exp2);
    expm1 Some(f64::exp_m1), false, -10.0, 10.0, Some(f32::exp_m1);
    logistic Some(|x| 1.0 / (1.0 + (-x).exp())), false, -10.0, 10.0, Some(|x| 1.0 / (1.0 + (-x).exp()));
    log Some(f64::ln), false, 0.01, 100.0, Some(f32::ln);
    log2 Some(f64::log2), false, 0.01, 100.0, Some(f32::log2);
    log1p Some(f64::ln_1p), false, -0.9, 10.0, Some(f32::ln_1p);
    tanh Some(f64::tanh), true, -5.0, 5.0, Some(f32::tanh);
    sinh Some(f64::sinh), true, -5.0, 5.0, Some(f32::sinh);
    cosh Some(f64::cosh), false, -5.0, 5.0, Some(f32::cosh);
    asinh Some(libm::asinh), true, -10.0, 10.0, Some(f32::asinh);
    acosh Some(|x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }), false, 1.0, 10.0, Some(f32::acosh);
    atanh Some(libm::atanh), true, -0.99, 0.99, Some(f32::atanh);
    erf Some(libm::erf), true, -3.0, 3.0, None;
    erfc Some(libm::erfc), false, -3.0, 3.0, None;
    lgamma Some(lgamma), false, 0.1, 20.0, None;
    bessel_i0e None, false, -10.0, 10.0, None;
    bessel_i1e None, true, -10.0, 10.0, None;
    erf_inv None, true, -0.99, 0.99, None;
    sin Some(f64::sin), true, -10.0, 10.0, Some(f32::sin);
    cos Some(f64::cos), false, -10.0, 10.0, Some(f32::cos);
    tan Some(f64::tan), true, -10.0, 10.0, Some(f32::tan);
    asin Some(f64::asin), true, -0.99, 0.99, Some(f32::asin);
    acos Some(f64::acos), false, -0.99, 0.99, Some(f32::acos);
    atan Some(f64::atan), true, -10.0, 10.0, Some(f32::atan);
    rsqrt Some(|x| 1.0 / x.sqrt()), false, 0.01, 100.0, Some(|x| 1.0 / x.sqrt());
    cbrt Some(f64::cbrt), true, -10.0, 10.0, Some(f32::cbrt);
}

/// All functions of two operands.
pub const BINARY: &[Binary] = &[
    Binary {
        name: "pow",
        function: math::pow,
        right: f64::powf,
        // Powers from 2^-160 to 2^140; of negative numbers whole ones.
        suits: |x, u| {
            let y = (u * 300.0 - 160.0) / x.abs().log2();
            if x < 0.0 { y.round() } else { y }
        },
        standard: f32::powf,
    },
    Binary {
        name: "atan2",
        function: math::atan2,
        right: f64::atan2,
        // Angles of all sizes.
        suits: |y, u| y * (u * 80.0 - 40.0).exp2() * if (u * 1e6) % 2.0 < 1.0 { 1.0 } else { -1.0 },
        standard: f32::atan2,
    },
];
