//! Arithmetic beside the operators, and what may stand as an operand: tensors, references to them, plain numbers.
//!
//! Shapes broadcast as in NumPy; dtypes promote, plain numbers are weak (see [`DType::promote`](crate::DType::promote)).

use super::Tensor;
use crate::op::{Binary, Bits, Compare, Unary};
use crate::value::Term;
use crate::{Backend, Number, Scalar};

/// What may stand beside a tensor: a tensor of the same backend, by value or by reference, or a plain number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an operand beside a `Tensor<{B}>`",
    note = "an operand is a tensor of the same backend, a reference to one, or a plain number",
    note = "a tensor from outside a transformed function is brought in with `.lift()`"
)]
pub trait Operand<B: Backend> {
    /// The operand without its brand.
    fn term(self) -> Term;
}
impl<B: Backend> Operand<B> for Tensor<B> {
    fn term(self) -> Term {
        Term::Value(self.value)
    }
}
impl<B: Backend> Operand<B> for &Tensor<B> {
    fn term(self) -> Term {
        Term::Value(self.value.clone())
    }
}
impl<B: Backend, S: Scalar> Operand<B> for S {
    fn term(self) -> Term {
        Term::Number(self.number())
    }
}

impl<B: Backend> Tensor<B> {
    /// The remainder of x / y with the sign of x (Rust's `%`).
    #[track_caller]
    pub fn rem(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Rem, y.term()))
    }

    /// The angle of the point whose ordinate is x and abscissa y, in (-π, π].
    #[track_caller]
    pub fn atan2(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Atan2, y.term()))
    }

    /// The larger of x and y; NaN if either is.
    #[track_caller]
    pub fn maximum(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Max, y.term()))
    }

    /// The smaller of x and y; NaN if either is.
    #[track_caller]
    pub fn minimum(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Min, y.term()))
    }

    /// The next float after x towards y.
    #[track_caller]
    pub fn next_after(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::NextAfter, y.term()))
    }

    /// x^y. An integer number is an integer power, exact at 0; otherwise both are floats.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1.0f32, 2.0, 3.0]);
    /// assert_eq!(x.pow(2).to_vec::<f32>(), [1.0, 4.0, 9.0]);
    /// assert_eq!(x.pow(0.5), x.sqrt());
    /// ```
    #[track_caller]
    pub fn pow(&self, y: impl Operand<B>) -> Self {
        let x = self.value.clone();
        Self::of(match y.term() {
            Term::Number(Number::Int(n)) if i32::try_from(n).is_ok() => x.integer_pow(n as i32),
            Term::Number(Number::UInt(n)) if i32::try_from(n).is_ok() => x.integer_pow(n as i32),
            y => x.binary(Binary::Pow, y),
        })
    }

    /// NumPy's remainder: the sign of y, so that `x == floor_divide(x, y) * y + remainder(x, y)`.
    #[track_caller]
    pub fn remainder(&self, y: impl Operand<B>) -> Self {
        let y = y.term();
        let r = Self::of(self.value.clone().binary(Binary::Rem, y.clone()));
        let opposite = Self::of(r.sign().value.binary(Binary::Mul, y.clone())).lt(0);
        opposite.select(Self::of(r.value.clone().binary(Binary::Add, y)), r)
    }

    /// The largest integer not above x / y, of the operands' type.
    #[track_caller]
    pub fn floor_divide(&self, y: impl Operand<B>) -> Self {
        let y = y.term();
        let dtype = match &y {
            Term::Value(v) => self.dtype().promote(v.dtype()),
            Term::Number(n) => n.promote(self.dtype()),
        };
        if !dtype.is_float() {
            // The truncated quotient, less one where the signs differ and there is a remainder.
            let q = Self::of(self.value.clone().div_trunc(y.clone()));
            let r = Self::of(self.value.clone().binary(Binary::Rem, y.clone()));
            let below = Self::of(r.sign().value.binary(Binary::Mul, y)).lt(0);
            return &q - below.cast(q.dtype());
        }
        Self::of(self.value.clone().binary(Binary::Div, y).unary(Unary::Floor))
    }

    /// `min(max(x, low), high)`, as NumPy's `clip`: at a bound, half of the gradient goes to each.
    #[track_caller]
    pub fn clip(&self, low: impl Operand<B>, high: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Max, low.term()).binary(Binary::Min, high.term()))
    }

    /// `min(max(x, low), high)` as one operation (`lax.clamp`): at a bound nothing gets a gradient.
    #[track_caller]
    pub fn clamp(&self, low: impl Operand<B>, high: impl Operand<B>) -> Self {
        Self::of(self.value.clone().clamp(low.term(), high.term()))
    }

    /// sqrt(x² + y²), without overflow in between.
    #[track_caller]
    pub fn hypot(&self, y: impl Operand<B>) -> Self {
        let (x, y) =
            (self.abs(), Self::of(self.value.full_like(Number::Int(0)).binary(Binary::Add, y.term())).abs());
        let (high, low) = (x.maximum(&y), x.minimum(&y));
        let safe = high.eq(0).select(1, &high);
        let ratio = low / &safe;
        high * (1.0 + ratio.square()).sqrt()
    }

    /// log(e^x + e^y), without overflow.
    #[track_caller]
    pub fn logaddexp(&self, y: impl Operand<B>) -> Self {
        let y = Self::of(self.value.full_like(Number::Int(0)).binary(Binary::Add, y.term()));
        // Selected, not max and min: in either order the formula is smooth, and so are its derivatives where x = y.
        let below = self.lt(&y);
        let (high, low) = (below.select(&y, self), below.select(self, &y));
        let difference = low - &high;
        let equal_infinities = difference.is_nan();
        let log = high + equal_infinities.select(0, difference).exp().log1p();
        equal_infinities.select(0.5 * (self + &y), log)
    }

    /// log2(2^x + 2^y), without overflow.
    #[track_caller]
    pub fn logaddexp2(&self, y: impl Operand<B>) -> Self {
        let y = Self::of(self.value.full_like(Number::Int(0)).binary(Binary::Add, y.term()));
        let ln2 = std::f64::consts::LN_2;
        (self * ln2).logaddexp(y * ln2) / ln2
    }

    /// 0 below 0, 1 above 0, and `y` at 0; NaN of NaN.
    #[track_caller]
    pub fn heaviside(&self, y: impl Operand<B>) -> Self {
        let x = self.cast(self.dtype().to_float());
        let at_zero = Self::of(x.value.full_like(Number::Int(0)).binary(Binary::Add, y.term()));
        let at_zero = x.is_nan().select(&x, at_zero);
        x.lt(0).select(0, x.gt(0).select(1, at_zero))
    }

    /// |x| with the sign of y, also of a -0.
    #[track_caller]
    pub fn copysign(&self, y: impl Operand<B>) -> Self {
        let x = self.cast(self.dtype().to_float()).abs();
        let y = match y.term() {
            Term::Value(v) => Self::of(v),
            Term::Number(n) => Self::of(x.value.full(n, crate::TensorType::scalar(n.promote(x.dtype())))),
        };
        let x = x.cast(x.dtype().promote(y.dtype()));
        y.signbit().select(-&x, x)
    }

    /// x^y in floats, also of integers and integer numbers.
    #[track_caller]
    pub fn float_power(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().binary(Binary::Pow, y.term()))
    }

    /// The remainder of x / y with the sign of x: [`rem`](Tensor::rem) by its other name.
    #[track_caller]
    pub fn fmod(&self, y: impl Operand<B>) -> Self {
        self.rem(y)
    }

    /// The quotient rounded down and the remainder with the sign of y: [`floor_divide`](Tensor::floor_divide) and
    /// [`remainder`](Tensor::remainder).
    #[track_caller]
    pub fn divmod(&self, y: impl Operand<B>) -> (Self, Self) {
        match y.term() {
            Term::Value(v) => {
                let y = Self::of(v);
                (self.floor_divide(&y), self.remainder(y))
            }
            Term::Number(n) => {
                let y = self.value.full(n, crate::TensorType::scalar(n.promote(self.dtype())));
                (self.floor_divide(Self::of(y.clone())), self.remainder(Self::of(y)))
            }
        }
    }

    /// The larger of x and y; where one is NaN, the other.
    #[track_caller]
    pub fn fmax(&self, y: &Self) -> Self {
        self.gt(y).logical_or(&y.is_nan()).select(self, y)
    }

    /// The smaller of x and y; where one is NaN, the other.
    #[track_caller]
    pub fn fmin(&self, y: &Self) -> Self {
        self.lt(y).logical_or(&y.is_nan()).select(self, y)
    }

    /// x >> y filled with zeros, of integers.
    #[track_caller]
    pub fn shift_right_logical(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().bits(Bits::ShiftRightLogical, y.term()))
    }

    /// Both true (not zero).
    #[track_caller]
    pub fn logical_and(&self, y: &Self) -> Self {
        Self::of(self.value.clone().truth().bits(Bits::And, Term::Value(y.value.clone().truth())))
    }

    /// At least one true (not zero).
    #[track_caller]
    pub fn logical_or(&self, y: &Self) -> Self {
        Self::of(self.value.clone().truth().bits(Bits::Or, Term::Value(y.value.clone().truth())))
    }

    /// Exactly one true (not zero).
    #[track_caller]
    pub fn logical_xor(&self, y: &Self) -> Self {
        Self::of(self.value.clone().truth().bits(Bits::Xor, Term::Value(y.value.clone().truth())))
    }

    /// Zero.
    #[track_caller]
    pub fn logical_not(&self) -> Self {
        Self::of(self.value.clone().compare(Compare::Eq, Term::Number(Number::Int(0))))
    }
}
