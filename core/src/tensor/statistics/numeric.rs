//! Differences, integrals, interpolation, polynomials, comparisons up to rounding.

use super::super::{Operand, Tensor};
use super::{library, term};
use crate::Backend;
use crate::library::statistics::Outside;
use crate::shape::Axis;

impl<B: Backend> Tensor<B> {
    /// The integral along an axis by trapezoids, of values at distance `dx`.
    #[track_caller]
    pub fn trapezoid(&self, dx: impl Operand<B>, axis: impl Axis) -> Self {
        let y = self.erased();
        library::trapezoid(&y, &term(&y, dx.term()), None, axis.signed()).branded()
    }

    /// The integral along an axis by trapezoids, of values at places: a vector, or a tensor of the same shape.
    #[track_caller]
    pub fn trapezoid_at(&self, places: &Self, axis: impl Axis) -> Self {
        let y = self.erased();
        library::trapezoid(&y, &y, Some(&places.erased()), axis.signed()).branded()
    }

    /// The slope along an axis by central differences (one-sided at the ends), of values at a distance or, of a vector,
    /// at its places. (NumPy's `gradient`; derivatives of functions are [`grad`](crate).)
    #[track_caller]
    pub fn gradient(&self, spacing: impl Operand<B>, axis: impl Axis) -> Self {
        let x = self.erased();
        library::gradient(&x, &term(&x, spacing.term()), axis.signed()).branded()
    }

    /// At each element, the piecewise linear function through points whose places, a vector, increase; beyond them the
    /// values at the ends.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let (places, values) = (Tensor::<Cpu>::from([0.0, 1.0, 3.0]), Tensor::from([0.0, 10.0, 20.0]));
    /// let x = Tensor::from([0.5, 2.0, 9.0]);
    /// assert_eq!(x.interp(&places, &values).to_vec::<f64>(), [5.0, 15.0, 20.0]);
    /// ```
    #[track_caller]
    pub fn interp(&self, places: &Self, values: &Self) -> Self {
        let outside = Outside::Values(None, None);
        library::interp(&self.erased(), &places.erased(), &values.erased(), outside).branded()
    }

    /// As [`interp`](Tensor::interp), with `below` before the first place and `above` behind the last.
    #[track_caller]
    pub fn interp_or(
        &self,
        places: &Self,
        values: &Self,
        below: impl Operand<B>,
        above: impl Operand<B>,
    ) -> Self {
        let v = values.erased();
        let outside = Outside::Values(Some(term(&v, below.term())), Some(term(&v, above.term())));
        library::interp(&self.erased(), &places.erased(), &v, outside).branded()
    }

    /// As [`interp`](Tensor::interp), of a function with a period; places need no order.
    #[track_caller]
    pub fn interp_periodic(&self, places: &Self, values: &Self, period: f64) -> Self {
        let outside = Outside::Period(period);
        library::interp(&self.erased(), &places.erased(), &values.erased(), outside).branded()
    }

    /// The polynomial with these coefficients, the one of the highest power first, at `x`.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let p = Tensor::<Cpu>::from([1.0, 0.0, -2.0]);
    /// assert_eq!(p.polyval(&Tensor::from([3.0])).to_vec::<f64>(), [7.0]);
    /// ```
    #[track_caller]
    pub fn polyval(&self, x: &Self) -> Self {
        library::polyval(&self.erased(), &x.erased()).branded()
    }

    /// The powers of a vector as the columns of a matrix: `x^0, x^1, ..` where `increasing`, else the highest first.
    #[track_caller]
    pub fn vander(&self, columns: usize, increasing: bool) -> Self {
        assert!(self.rank() == 1, "vander: takes a vector, not a tensor of shape {}", self.shape());
        assert!(columns > 0, "vander: a matrix without columns");
        let mut powers = Vec::new();
        for i in 0..columns {
            powers.push(self.powi(if increasing { i } else { columns - 1 - i } as i32));
        }
        crate::stack(&powers, 1)
    }

    /// Where elements are equal up to rounding: `|x - y| <= 1e-8 + 1e-5 |y|`. NaN is close to nothing.
    #[track_caller]
    pub fn isclose(&self, y: &Self) -> Self {
        self.isclose_within(y, 1e-5, 1e-8)
    }

    /// Where `|x - y| <= atol + rtol |y|`. NaN is close to nothing.
    #[track_caller]
    pub fn isclose_within(&self, y: &Self, rtol: f64, atol: f64) -> Self {
        library::isclose(&self.erased(), &y.erased(), rtol, atol).branded()
    }

    /// Whether all elements are equal up to rounding, as a bool scalar: `|x - y| <= 1e-8 + 1e-5 |y|`.
    #[track_caller]
    pub fn allclose(&self, y: &Self) -> Self {
        self.isclose(y).all()
    }

    /// Whether all elements are equal up to `|x - y| <= atol + rtol |y|`, as a bool scalar.
    #[track_caller]
    pub fn allclose_within(&self, y: &Self, rtol: f64, atol: f64) -> Self {
        self.isclose_within(y, rtol, atol).all()
    }

    /// Whether shapes and all elements are equal, as a bool scalar; dtypes promote. It does not read the data, as `==`
    /// does.
    #[track_caller]
    pub fn array_equal(&self, y: &Self) -> Self {
        if self.shape() == y.shape() {
            return self.eq(y).all();
        }
        let never = crate::TensorType::scalar(crate::DType::Bool);
        Self::of(self.value.full(crate::Number::Bool(false), never))
    }

    /// log(sum(e^x)) along some axes, which stay with size 1.
    #[track_caller]
    pub fn logsumexp_keep(&self, axes: impl crate::IntoAxes) -> Self {
        let axes = axes.into_axes();
        let mut shape = self.shape().clone();
        for d in crate::shape::normalize_axes("logsumexp", &axes, self.shape()) {
            shape[d] = 1;
        }
        self.logsumexp_axes(&axes[..]).reshape(shape)
    }

    /// log(sum(b e^x)) along some axes, which go away; `b` broadcasts with x. NaN where the sum is negative.
    #[track_caller]
    pub fn logsumexp_weighted(&self, b: &Self, axes: impl crate::IntoAxes) -> Self {
        library::logsumexp_weighted(&self.erased(), &b.erased(), &axes.into_axes(), false).branded()
    }
}
