//! Special functions, element by element: shapes broadcast, dtypes promote, integers and bool are computed in f32.
//!
//! The functions of several operands are methods of the first, in the order in which SciPy and JAX take them. They, and
//! digamma and polygamma, are computed in f64 whatever the dtype.

use super::{Operand, Tensor};
use crate::Backend;
use crate::library::special;
use crate::op::Unary;

impl<B: Backend> Tensor<B> {
    /// 1 - erf(x), exact where it is small.
    #[track_caller]
    pub fn erfc(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Erfc))
    }

    /// log |Γ(x)|; +inf at 0 and the negative whole numbers. Its derivative is
    /// [`digamma`](Tensor::digamma).
    #[track_caller]
    pub fn lgamma(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::Lgamma))
    }

    /// e^-|x| I₀(x), the modified Bessel function of the first kind of order 0, scaled.
    #[track_caller]
    pub fn i0e(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::BesselI0e))
    }

    /// e^-|x| I₁(x), the modified Bessel function of the first kind of order 1, scaled.
    #[track_caller]
    pub fn i1e(&self) -> Self {
        Self::of(self.value.clone().unary(Unary::BesselI1e))
    }

    /// [`lgamma`](Tensor::lgamma) by its other name.
    #[track_caller]
    pub fn gammaln(&self) -> Self {
        self.lgamma()
    }

    /// ψ(x), the logarithmic derivative of Γ; NaN at 0 and the negative whole numbers.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1.0, 2.0]);
    /// assert_eq!(x.digamma().to_vec::<f64>(), [-0.5772156649015329, 0.42278433509846713]);
    /// ```
    #[track_caller]
    pub fn digamma(&self) -> Self {
        special::polygamma(0, self.erased()).branded()
    }

    /// The n-th derivative of ψ, the function [`digamma`](Tensor::digamma). `n` is at most 255.
    #[track_caller]
    pub fn polygamma(&self, n: usize) -> Self {
        special::polygamma(n, self.erased()).branded()
    }

    /// The gamma function Γ(x); NaN at the negative whole numbers, ±inf at ±0.
    #[track_caller]
    pub fn gamma(&self) -> Self {
        special::gamma(self.erased()).branded()
    }

    /// x!, that is Γ(x + 1); 0 of negative numbers.
    #[track_caller]
    pub fn factorial(&self) -> Self {
        special::factorial(self.erased()).branded()
    }

    /// The modified Bessel function of the first kind of order 0.
    #[track_caller]
    pub fn i0(&self) -> Self {
        special::i0(self.erased()).branded()
    }

    /// The modified Bessel function of the first kind of order 1.
    #[track_caller]
    pub fn i1(&self) -> Self {
        special::i1(self.erased()).branded()
    }

    /// -x log x: an element of the entropy. 0 at 0, where its derivative is +inf; -inf below.
    #[track_caller]
    pub fn entr(&self) -> Self {
        special::entr(self.erased()).branded()
    }

    /// log(x / (1 - x)), the inverse of the logistic function; ∓inf at 0 and 1, NaN outside.
    #[track_caller]
    pub fn logit(&self) -> Self {
        special::logit(self.erased()).branded()
    }

    /// The normal distribution function: the probability that a standard normal number is below x. Exact in
    /// the lower tail.
    #[track_caller]
    pub fn ndtr(&self) -> Self {
        special::ndtr(self.erased()).branded()
    }

    /// The logarithm of [`ndtr`](Tensor::ndtr), exact in both tails; its derivative, too.
    #[track_caller]
    pub fn log_ndtr(&self) -> Self {
        special::log_ndtr(self.erased()).branded()
    }

    /// The inverse of [`ndtr`](Tensor::ndtr): the quantile of a probability; ∓inf at 0 and 1, NaN outside.
    #[track_caller]
    pub fn ndtri(&self) -> Self {
        special::ndtri(self.erased()).branded()
    }

    /// The logistic function, by its name in SciPy.
    #[track_caller]
    pub fn expit(&self) -> Self {
        self.logistic()
    }

    /// The logarithm of the multivariate gamma function of dimension d: d (d - 1) / 4 log π + Σ lgamma(x - i / 2) over i
    /// below d.
    #[track_caller]
    pub fn multigammaln(&self, d: usize) -> Self {
        special::multigammaln(self.erased(), d).branded()
    }

    /// Of a = `self` and `x`: P(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) e^-t dt, the regularised lower incomplete gamma
    /// function, of a and x from 0 on; NaN elsewhere. Derivatives by a are computed up to order 4 (beyond,
    /// differentiation is refused).
    #[track_caller]
    pub fn igamma(&self, x: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::igamma(crate::Term::Value(first), x.term()).branded()
    }

    /// [`igamma`](Tensor::igamma) by its name in SciPy.
    #[track_caller]
    pub fn gammainc(&self, x: impl Operand<B>) -> Self {
        self.igamma(x)
    }

    /// Of a = `self` and `x`: Q(a, x) = 1 - P(a, x), the regularised upper incomplete gamma function, exact
    /// where it is small; see [`igamma`](Tensor::igamma).
    #[track_caller]
    pub fn igammac(&self, x: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::igammac(crate::Term::Value(first), x.term()).branded()
    }

    /// [`igammac`](Tensor::igammac) by its name in SciPy.
    #[track_caller]
    pub fn gammaincc(&self, x: impl Operand<B>) -> Self {
        self.igammac(x)
    }

    /// Of a = `self` and `b`: log |B(a, b)|, the logarithm of the beta function.
    #[track_caller]
    pub fn betaln(&self, b: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::betaln(crate::Term::Value(first), b.term()).branded()
    }

    /// Of a = `self` and `b`: B(a, b) = Γ(a) Γ(b) / Γ(a + b), the beta function.
    #[track_caller]
    pub fn beta(&self, b: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::beta(crate::Term::Value(first), b.term()).branded()
    }

    /// Of x = `self` and `y`: x log y; 0 where x is 0, whatever number y is. There its derivative by x is
    /// log y, -inf where y is 0.
    #[track_caller]
    pub fn xlogy(&self, y: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::xlogy(crate::Term::Value(first), y.term()).branded()
    }

    /// Of x = `self` and `y`: x log(1 + y); 0 where x is 0, whatever number y is.
    #[track_caller]
    pub fn xlog1py(&self, y: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::xlog1py(crate::Term::Value(first), y.term()).branded()
    }

    /// Of p = `self` and `q`: p log(p / q) of numbers above 0, an element of the relative entropy; 0 where
    /// p is 0 and q is not below; else +inf.
    #[track_caller]
    pub fn rel_entr(&self, q: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::rel_entr(crate::Term::Value(first), q.term()).branded()
    }

    /// Of p = `self` and `q`: [`rel_entr`](Tensor::rel_entr) - p + q: an element of the Kullback-Leibler
    /// divergence that is nowhere negative.
    #[track_caller]
    pub fn kl_div(&self, q: impl Operand<B>) -> Self {
        let first = self.erased().into_value();
        special::kl_div(crate::Term::Value(first), q.term()).branded()
    }

    /// Of a = `self`, `b` and `x`: I_x(a, b) = 1/B(a, b) ∫₀ˣ t^(a-1) (1-t)^(b-1) dt, the regularised
    /// incomplete beta function, of a and b from 0 on and x from 0 to 1; NaN elsewhere. Derivatives by a
    /// and by b are computed up to order 3 each (beyond, differentiation is refused); where a or b is so
    /// large that the continued fraction takes 5e7 terms, they are NaN.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let a = Tensor::<Cpu>::from([1.0, 2.0]);
    /// assert!((a.betainc(1.0, 0.5) - Tensor::from([0.5, 0.25])).abs().lt(1e-15).all().item::<bool>());
    /// ```
    #[track_caller]
    pub fn betainc(&self, b: impl Operand<B>, x: impl Operand<B>) -> Self {
        let a = crate::Term::Value(self.erased().into_value());
        special::betainc(a, b.term(), x.term()).branded()
    }
}
