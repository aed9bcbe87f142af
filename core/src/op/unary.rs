//! Element-wise functions of one operand: same shape and dtype out as in (`is_finite` gives bool).

use crate::op::names;
use crate::{DType, TensorType};

names! {
    /// An element-wise function of one operand.
    pub enum Unary {
        /// `|x|`; of any number.
        Abs "abs",
        /// `-x`; integers wrap.
        Neg "neg",
        /// -1, 0 or 1; NaN stays NaN.
        Sign "sign",
        /// `x * x`.
        Square "square",
        /// Largest integer not above x.
        Floor "floor",
        /// Smallest integer not below x.
        Ceil "ceil",
        /// To the nearest integer, halves away from zero.
        Round "round",
        /// To the nearest integer, halves to even (NumPy's `round`).
        RoundEven "round_even",
        /// Neither infinite nor NaN; gives bool.
        IsFinite "is_finite",
        /// e^x.
        Exp "exp",
        /// 2^x.
        Exp2 "exp2",
        /// e^x - 1, exact near 0.
        Expm1 "expm1",
        /// Natural logarithm.
        Log "log",
        /// log(1 + x), exact near 0.
        Log1p "log1p",
        /// Square root.
        Sqrt "sqrt",
        /// 1 / sqrt(x).
        Rsqrt "rsqrt",
        /// Cube root.
        Cbrt "cbrt",
        /// Sine, of radians.
        Sin "sin",
        /// Cosine.
        Cos "cos",
        /// Tangent.
        Tan "tan",
        /// Inverse sine.
        Asin "asin",
        /// Inverse cosine.
        Acos "acos",
        /// Inverse tangent.
        Atan "atan",
        /// Hyperbolic sine.
        Sinh "sinh",
        /// Hyperbolic cosine.
        Cosh "cosh",
        /// Hyperbolic tangent.
        Tanh "tanh",
        /// Inverse hyperbolic sine.
        Asinh "asinh",
        /// Inverse hyperbolic cosine.
        Acosh "acosh",
        /// Inverse hyperbolic tangent.
        Atanh "atanh",
        /// 1 / (1 + e^-x).
        Logistic "logistic",
        /// The error function, 2/sqrt(pi) times the integral of e^(-t²) from 0 to x.
        Erf "erf",
        /// The inverse of `erf`.
        ErfInv "erf_inv",
        /// 1 - erf(x), exact where it is small.
        Erfc "erfc",
        /// log |Γ(x)|.
        Lgamma "lgamma",
        /// e^-|x| I₀(x), the modified Bessel function of order 0, scaled.
        BesselI0e "bessel_i0e",
        /// e^-|x| I₁(x), that of order 1.
        BesselI1e "bessel_i1e",
    }
}

impl Unary {
    /// Whether it takes integers too; all take floats, none takes bool.
    pub fn takes_integers(self) -> bool {
        matches!(self, Unary::Abs | Unary::Neg | Unary::Sign | Unary::Square)
    }

    #[track_caller]
    pub(super) fn infer(self, x: &TensorType) -> TensorType {
        let fits = x.dtype.is_float() || (self.takes_integers() && x.dtype.is_integer());
        assert!(
            fits,
            "{}: takes {}, not {x}; cast it first",
            self.name(),
            if self.takes_integers() { "numbers" } else { "floats" }
        );
        match self {
            Unary::IsFinite => x.with_dtype(DType::Bool),
            _ => x.clone(),
        }
    }
}

/// `x^exponent`, of any number: an operation of its own, so that it is right at 0. Integers take no negative exponent.
#[track_caller]
pub(super) fn infer_integer_pow(x: &TensorType, exponent: i32) -> TensorType {
    assert!(x.dtype != DType::Bool, "integer_pow: takes numbers, not {x}; cast it first");
    assert!(
        exponent >= 0 || x.dtype.is_float(),
        "integer_pow: exponent {exponent} of {x}: integers take no negative exponent"
    );
    x.clone()
}

/// Rounds floats to a format with the given bits and back: the same dtype.
#[track_caller]
pub(super) fn infer_reduce_precision(x: &TensorType, exponent_bits: u32, mantissa_bits: u32) -> TensorType {
    assert!(x.dtype.is_float(), "reduce_precision: takes floats, not {x}");
    assert!(
        (1..=11).contains(&exponent_bits) && mantissa_bits <= 52,
        "reduce_precision: {exponent_bits} exponent bits and {mantissa_bits} mantissa bits; at least 1 and at most 11, and at most 52"
    );
    x.clone()
}
