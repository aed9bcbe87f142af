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

/// Exact values, but for rounding to f64.
#[derive(Clone, Copy)]
pub enum Right {
    /// By the standard library, or `libm`.
    Of(fn(f64) -> f64),
    /// By the kernel language's own function in `F64`, which is checked against mpmath (`ulp_f64.rs`).
    Lanes,
}

/// A function of one operand.
pub struct Unary {
    pub name: &'static str,
    pub function: for<'b> fn(V<'b>) -> V<'b>,
    pub right: Right,
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

impl Unary {
    /// The exact values of these inputs.
    pub fn exact(&self) -> impl Fn(&[f64], &mut [f64]) + Sync + '_ {
        let lanes = match self.right {
            Right::Of(_) => None,
            Right::Lanes => Some(Ready::new(Function::One(self.function), DType::F64, Target::current())),
        };
        move |x, y| match (self.right, &lanes) {
            (Right::Of(f), _) => x.iter().zip(y).for_each(|(&x, y)| *y = f(x)),
            (Right::Lanes, lanes) => lanes.as_ref().expect("they are made").write(&[x], y),
        }
    }
}

macro_rules! unary {
    ($($name:ident $right:expr, $odd:expr, $low:expr, $high:expr, $standard:expr;)*) => {
        /// All functions of one operand that have bounds. (`erf_inv_giles` has none: it is as exact as JAX's.)
        pub const UNARY: &[Unary] = &[$(Unary {
            name: stringify!($name), function: math::$name, right: $right, odd: $odd, usual: ($low, $high),
            standard: $standard,
        }),*];
    };
}

unary! {
    exp Right::Of(f64::exp), false, -10.0, 10.0, Some(f32::exp);
    exp2 Right::Of(f64::exp2), false, -10.0, 10.0, Some(f32::exp2);
    expm1 Right::Of(f64::exp_m1), false, -10.0, 10.0, Some(f32::exp_m1);
    logistic Right::Of(|x| 1.0 / (1.0 + (-x).exp())), false, -10.0, 10.0, Some(|x| 1.0 / (1.0 + (-x).exp()));
    log Right::Of(f64::ln), false, 0.01, 100.0, Some(f32::ln);
    log2 Right::Of(f64::log2), false, 0.01, 100.0, Some(f32::log2);
    log1p Right::Of(f64::ln_1p), false, -0.9, 10.0, Some(f32::ln_1p);
    tanh Right::Of(f64::tanh), true, -5.0, 5.0, Some(f32::tanh);
    sinh Right::Of(f64::sinh), true, -5.0, 5.0, Some(f32::sinh);
    cosh Right::Of(f64::cosh), false, -5.0, 5.0, Some(f32::cosh);
    asinh Right::Of(libm::asinh), true, -10.0, 10.0, Some(f32::asinh);
    acosh Right::Of(|x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }), false, 1.0, 10.0, Some(f32::acosh);
    atanh Right::Of(libm::atanh), true, -0.99, 0.99, Some(f32::atanh);
    erf Right::Of(libm::erf), true, -3.0, 3.0, None;
    erf_inv Right::Lanes, true, -0.99, 0.99, None;
    sin Right::Of(f64::sin), true, -10.0, 10.0, Some(f32::sin);
    cos Right::Of(f64::cos), false, -10.0, 10.0, Some(f32::cos);
    tan Right::Of(f64::tan), true, -10.0, 10.0, Some(f32::tan);
    asin Right::Of(f64::asin), true, -0.99, 0.99, Some(f32::asin);
    acos Right::Of(f64::acos), false, -0.99, 0.99, Some(f32::acos);
    atan Right::Of(f64::atan), true, -10.0, 10.0, Some(f32::atan);
    rsqrt Right::Of(|x| 1.0 / x.sqrt()), false, 0.01, 100.0, Some(|x| 1.0 / x.sqrt());
    cbrt Right::Of(f64::cbrt), true, -10.0, 10.0, Some(f32::cbrt);
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
