//! Special functions by value; each is the method of the same name.

use crate::op::Unary;
use crate::{Backend, Operand, Tensor};

/// 1 - erf(x), exact where it is small.
#[track_caller]
pub fn erfc<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Erfc))
}

/// log |Γ(x)|; +inf at 0 and the negative whole numbers. Its derivative is [`digamma`](Tensor::digamma).
#[track_caller]
pub fn lgamma<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::Lgamma))
}

/// e^-|x| I₀(x), the modified Bessel function of the first kind of order 0, scaled.
#[track_caller]
pub fn i0e<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::BesselI0e))
}

/// e^-|x| I₁(x), the modified Bessel function of the first kind of order 1, scaled.
#[track_caller]
pub fn i1e<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    Tensor::of(x.into_value().unary(Unary::BesselI1e))
}

/// [`lgamma`] by its other name.
#[track_caller]
pub fn gammaln<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    lgamma(x)
}

/// ψ(x), the logarithmic derivative of Γ.
#[track_caller]
pub fn digamma<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.digamma()
}

/// The n-th derivative of ψ, the function [`digamma`]; `n` is at most 255.
#[track_caller]
pub fn polygamma<B: Backend>(n: usize, x: Tensor<B>) -> Tensor<B> {
    x.polygamma(n)
}

/// The gamma function Γ(x); NaN at the negative whole numbers, ±inf at ±0.
#[track_caller]
pub fn gamma<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.gamma()
}

/// x!, that is Γ(x + 1); 0 of negative numbers.
#[track_caller]
pub fn factorial<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.factorial()
}

/// The modified Bessel function of the first kind of order 0.
#[track_caller]
pub fn i0<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.i0()
}

/// The modified Bessel function of the first kind of order 1.
#[track_caller]
pub fn i1<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.i1()
}

/// -x log x: an element of the entropy. 0 at 0, where its derivative is +inf; -inf below.
#[track_caller]
pub fn entr<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.entr()
}

/// log(x / (1 - x)), the inverse of the logistic function; ∓inf at 0 and 1, NaN outside.
#[track_caller]
pub fn logit<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.logit()
}

/// The normal distribution function: the probability that a standard normal number is below x. Exact in the
/// lower tail.
#[track_caller]
pub fn ndtr<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.ndtr()
}

/// The logarithm of [`ndtr`], exact in both tails; its derivative, too.
#[track_caller]
pub fn log_ndtr<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.log_ndtr()
}

/// The inverse of [`ndtr`]: the quantile of a probability; ∓inf at 0 and 1, NaN outside.
#[track_caller]
pub fn ndtri<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.ndtri()
}

/// The logistic function, by its name in SciPy.
#[track_caller]
pub fn expit<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    super::logistic(x)
}

/// The logarithm of the multivariate gamma function of dimension d.
#[track_caller]
pub fn multigammaln<B: Backend>(a: Tensor<B>, d: usize) -> Tensor<B> {
    a.multigammaln(d)
}

/// P(a, x) = 1/Γ(a) ∫₀ˣ t^(a-1) e^-t dt, the regularised lower incomplete gamma function, of a and x from 0
/// on; NaN elsewhere. Derivatives by a are computed up to order 4 (beyond, differentiation is refused).
#[track_caller]
pub fn igamma<B: Backend>(a: Tensor<B>, x: impl Operand<B>) -> Tensor<B> {
    a.igamma(x)
}

/// [`igamma`] by its name in SciPy.
#[track_caller]
pub fn gammainc<B: Backend>(a: Tensor<B>, x: impl Operand<B>) -> Tensor<B> {
    a.igamma(x)
}

/// Q(a, x) = 1 - P(a, x), the regularised upper incomplete gamma function, exact where it is small; see
/// [`igamma`].
#[track_caller]
pub fn igammac<B: Backend>(a: Tensor<B>, x: impl Operand<B>) -> Tensor<B> {
    a.igammac(x)
}

/// [`igammac`] by its name in SciPy.
#[track_caller]
pub fn gammaincc<B: Backend>(a: Tensor<B>, x: impl Operand<B>) -> Tensor<B> {
    a.igammac(x)
}

/// log |B(a, b)|, the logarithm of the beta function.
#[track_caller]
pub fn betaln<B: Backend>(a: Tensor<B>, b: impl Operand<B>) -> Tensor<B> {
    a.betaln(b)
}

/// B(a, b) = Γ(a) Γ(b) / Γ(a + b), the beta function.
#[track_caller]
pub fn beta<B: Backend>(a: Tensor<B>, b: impl Operand<B>) -> Tensor<B> {
    a.beta(b)
}

/// x log y; 0 where x is 0, whatever number y is. There its derivative by x is log y, -inf where y is 0.
#[track_caller]
pub fn xlogy<B: Backend>(x: Tensor<B>, y: impl Operand<B>) -> Tensor<B> {
    x.xlogy(y)
}

/// x log(1 + y); 0 where x is 0, whatever number y is.
#[track_caller]
pub fn xlog1py<B: Backend>(x: Tensor<B>, y: impl Operand<B>) -> Tensor<B> {
    x.xlog1py(y)
}

/// p log(p / q) of numbers above 0, an element of the relative entropy; 0 where p is 0 and q is not below;
/// else +inf.
#[track_caller]
pub fn rel_entr<B: Backend>(p: Tensor<B>, q: impl Operand<B>) -> Tensor<B> {
    p.rel_entr(q)
}

/// [`rel_entr`] - p + q: an element of the Kullback-Leibler divergence that is nowhere negative.
#[track_caller]
pub fn kl_div<B: Backend>(p: Tensor<B>, q: impl Operand<B>) -> Tensor<B> {
    p.kl_div(q)
}

/// I_x(a, b) = 1/B(a, b) ∫₀ˣ t^(a-1) (1-t)^(b-1) dt, the regularised incomplete beta function, of a and b
/// from 0 on and x from 0 to 1; NaN elsewhere. Derivatives by a and by b are computed up to order 3 each
/// (beyond, differentiation is refused); where a or b is so large that the continued fraction takes 5e7
/// terms, they are NaN.
#[track_caller]
pub fn betainc<B: Backend>(a: Tensor<B>, b: impl Operand<B>, x: impl Operand<B>) -> Tensor<B> {
    a.betainc(b, x)
}
