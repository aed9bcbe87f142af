//! Variances, quantiles, covariances, comparisons up to rounding.
//!
//! As with other reductions, `var()` goes over all axes, `var_axes` over some, `var_keep` over some and keeps them with
//! size 1.

mod numeric;

use super::{Operand, Tensor};
use crate::library::statistics as library;
use crate::op::Reduction;
use crate::shape::Axis;
use crate::value::{Over, Term};
use crate::{Backend, DType, Dyn, IntoAxes, TensorType};

/// What a quantile is that lies between two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum QuantileMethod {
    /// On the line between them.
    Linear,
    /// The lower one.
    Lower,
    /// The higher one.
    Higher,
    /// The nearer one; the lower in the middle.
    Nearest,
    /// In the middle of them.
    Midpoint,
}

/// Reductions in three forms; the documentation is the part before "of all elements".
macro_rules! reductions { ($($doc:literal, $note:literal;
    $all:ident $axes:ident $keep:ident |$x:ident, $over:ident, $kept:ident| $body:expr;)*) => {
    impl<B: Backend> Tensor<B> { $(
        #[doc = concat!($doc, " of all elements", $note)]
        #[track_caller]
        pub fn $all(&self) -> Self {
            let ($x, $over, $kept) = (&self.erased(), Over::All, false);
            $body.branded()
        }

        #[doc = concat!($doc, " along some axes, which go away", $note)]
        #[track_caller]
        pub fn $axes(&self, axes: impl IntoAxes) -> Self {
            let axes = axes.into_axes();
            let ($x, $over, $kept) = (&self.erased(), Over::Axes(&axes), false);
            $body.branded()
        }

        #[doc = concat!($doc, " along some axes, which stay with size 1", $note)]
        #[track_caller]
        pub fn $keep(&self, axes: impl IntoAxes) -> Self {
            let axes = axes.into_axes();
            let ($x, $over, $kept) = (&self.erased(), Over::Axes(&axes), true);
            $body.branded()
        }
    )* }
} }

/// A number or a tensor as a tensor like another; a number of the dtype that it and the tensor promote to.
#[track_caller]
fn term(x: &Tensor<Dyn>, term: Term) -> Tensor<Dyn> {
    match term {
        Term::Value(v) => Tensor::of(v),
        Term::Number(n) => Tensor::of(x.value().full(n, TensorType::scalar(n.promote(x.dtype())))),
    }
}

/// A probability: of numbers in the precision that quantiles are computed in.
#[track_caller]
fn probability(x: &Tensor<Dyn>, name: &str, q: Term, percent: bool) -> Tensor<Dyn> {
    let dtype = if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    let highest = if percent { 100.0 } else { 1.0 };
    if let Term::Number(n) = q {
        let n = n.to_f64();
        assert!((0.0..=highest).contains(&n), "{name}: q is from 0 to {highest}, not {n}");
        let n = crate::Number::Float(n / highest);
        return Tensor::of(x.value().full(n, TensorType::scalar(dtype)));
    }
    let q = term(x, q).cast(dtype);
    if percent { q / 100 } else { q }
}

/// The quantile that a median is.
#[track_caller]
fn middle(x: &Tensor<Dyn>) -> Tensor<Dyn> {
    probability(x, "median", Term::Number(crate::Number::Float(0.5)), false)
}

reductions! {
    "The variance", ": the mean of the squared distances from the mean. Of integers and bool in f32.";
    var var_axes var_keep |x, over, keep| library::var("var", x, over, 0, keep);

    "The standard deviation", ", the root of [`var`](Tensor::var). Its derivative where all are equal is NaN.";
    std std_axes std_keep |x, over, keep| library::var("std", x, over, 0, keep).sqrt();

    "The median", ": the middle one, or the mean of the two in the middle. NaN if any is.";
    median median_axes median_keep |x, over, keep| library::quantile(
        "median", x, &middle(x), over, keep, QuantileMethod::Midpoint, false);

    "The median", ", NaN left out; of nothing but NaN it is NaN.";
    nanmedian nanmedian_axes nanmedian_keep |x, over, keep| library::quantile(
        "nanmedian", x, &middle(x), over, keep, QuantileMethod::Midpoint, true);

    "The sum", ", NaN left out.";
    nansum nansum_axes nansum_keep |x, over, keep|
        Tensor::<Dyn>::of(library::nan_filled(x, 0.0).into_value().reduce(Reduction::Sum, over, keep));

    "The product", ", NaN left out.";
    nanprod nanprod_axes nanprod_keep |x, over, keep|
        Tensor::<Dyn>::of(library::nan_filled(x, 1.0).into_value().reduce(Reduction::Prod, over, keep));

    "The largest element", ", NaN left out; of nothing but NaN it is NaN.";
    nanmax nanmax_axes nanmax_keep |x, over, keep| library::nan_extreme(x, over, keep, true);

    "The smallest element", ", NaN left out; of nothing but NaN it is NaN.";
    nanmin nanmin_axes nanmin_keep |x, over, keep| library::nan_extreme(x, over, keep, false);

    "The mean", ", NaN left out; of nothing but NaN it is NaN.";
    nanmean nanmean_axes nanmean_keep |x, over, keep| library::nan_mean(x, over, keep);

    "The variance", ", NaN left out; of nothing but NaN it is NaN.";
    nanvar nanvar_axes nanvar_keep |x, over, keep| library::nan_var(x, over, 0, keep);

    "The standard deviation", ", NaN left out; of nothing but NaN it is NaN.";
    nanstd nanstd_axes nanstd_keep |x, over, keep| library::nan_var(x, over, 0, keep).sqrt();
}

impl<B: Backend> Tensor<B> {
    /// The variance along some axes, which go away, with `ddof` less than the number of elements in the divisor (1:
    /// the unbiased one); NaN where nothing is left of it.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1.0, 2.0, 3.0]);
    /// assert_eq!(x.var_ddof(0, 1).item::<f64>(), 1.0);
    /// ```
    #[track_caller]
    pub fn var_ddof(&self, axes: impl IntoAxes, ddof: i32) -> Self {
        library::var("var", &self.erased(), Over::Axes(&axes.into_axes()), ddof, false).branded()
    }

    /// The standard deviation along some axes, which go away, with `ddof` less than the number of elements in the
    /// divisor; NaN where nothing is left of it.
    #[track_caller]
    pub fn std_ddof(&self, axes: impl IntoAxes, ddof: i32) -> Self {
        library::var("std", &self.erased(), Over::Axes(&axes.into_axes()), ddof, false).sqrt().branded()
    }

    /// The variance along some axes, NaN left out, with `ddof` less than the number of others in the divisor.
    #[track_caller]
    pub fn nanvar_ddof(&self, axes: impl IntoAxes, ddof: i32) -> Self {
        library::nan_var(&self.erased(), Over::Axes(&axes.into_axes()), ddof, false).branded()
    }

    /// The standard deviation along some axes, NaN left out, with `ddof` less than the number of others in the divisor.
    #[track_caller]
    pub fn nanstd_ddof(&self, axes: impl IntoAxes, ddof: i32) -> Self {
        library::nan_var(&self.erased(), Over::Axes(&axes.into_axes()), ddof, false).sqrt().branded()
    }

    #[track_caller]
    fn quantile_of(
        &self,
        name: &str,
        q: Term,
        over: Over<'_>,
        keep: bool,
        method: QuantileMethod,
        ignore: bool,
    ) -> Self {
        let x = self.erased();
        let q = probability(&x, name, q, name.ends_with("percentile"));
        library::quantile(name, &x, &q, over, keep, method, ignore).branded()
    }

    /// The quantile `q` of all elements: the place below which a part `q` (from 0 to 1) of them lies, on the line
    /// between the two nearest elements. A vector of them gives a vector. NaN if any element is.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([4.0, 1.0, 2.0, 3.0]);
    /// assert_eq!(x.quantile(0.5).item::<f64>(), 2.5);
    /// assert_eq!(x.quantile(&Tensor::from([0.0, 1.0])).to_vec::<f64>(), [1.0, 4.0]);
    /// ```
    #[track_caller]
    pub fn quantile(&self, q: impl Operand<B>) -> Self {
        self.quantile_of("quantile", q.term(), Over::All, false, QuantileMethod::Linear, false)
    }

    /// The quantile `q` along some axes, which go away; of several quantiles, their axis comes first.
    #[track_caller]
    pub fn quantile_axes(&self, q: impl Operand<B>, axes: impl IntoAxes, method: QuantileMethod) -> Self {
        self.quantile_of("quantile", q.term(), Over::Axes(&axes.into_axes()), false, method, false)
    }

    /// The quantile `q` along some axes, which stay with size 1; of several quantiles, their axis comes first.
    #[track_caller]
    pub fn quantile_keep(&self, q: impl Operand<B>, axes: impl IntoAxes, method: QuantileMethod) -> Self {
        self.quantile_of("quantile", q.term(), Over::Axes(&axes.into_axes()), true, method, false)
    }

    /// The quantile `q` of all elements, NaN left out.
    #[track_caller]
    pub fn nanquantile(&self, q: impl Operand<B>) -> Self {
        self.quantile_of("nanquantile", q.term(), Over::All, false, QuantileMethod::Linear, true)
    }

    /// The quantile `q` along some axes, which go away, NaN left out.
    #[track_caller]
    pub fn nanquantile_axes(&self, q: impl Operand<B>, axes: impl IntoAxes, method: QuantileMethod) -> Self {
        self.quantile_of("nanquantile", q.term(), Over::Axes(&axes.into_axes()), false, method, true)
    }

    /// The percentile `q`, from 0 to 100, of all elements: the [`quantile`](Tensor::quantile) `q / 100`.
    #[track_caller]
    pub fn percentile(&self, q: impl Operand<B>) -> Self {
        self.quantile_of("percentile", q.term(), Over::All, false, QuantileMethod::Linear, false)
    }

    /// The percentile `q`, from 0 to 100, along some axes, which go away.
    #[track_caller]
    pub fn percentile_axes(&self, q: impl Operand<B>, axes: impl IntoAxes, method: QuantileMethod) -> Self {
        self.quantile_of("percentile", q.term(), Over::Axes(&axes.into_axes()), false, method, false)
    }

    /// The percentile `q`, from 0 to 100, of all elements, NaN left out.
    #[track_caller]
    pub fn nanpercentile(&self, q: impl Operand<B>) -> Self {
        self.quantile_of("nanpercentile", q.term(), Over::All, false, QuantileMethod::Linear, true)
    }

    /// The mean of all elements with weights of the same shape: `sum(w x) / sum(w)`.
    #[track_caller]
    pub fn average(&self, weights: &Self) -> Self {
        library::average(&self.erased(), &weights.erased(), Over::All).branded()
    }

    /// The mean along an axis with weights, of the same shape or a vector along the axis.
    #[track_caller]
    pub fn average_axis(&self, weights: &Self, axis: impl Axis) -> Self {
        library::average(&self.erased(), &weights.erased(), Over::Axes(&[axis.signed()])).branded()
    }

    /// The largest less the smallest of all elements.
    #[track_caller]
    pub fn ptp(&self) -> Self {
        library::ptp(&self.erased(), Over::All).branded()
    }

    /// The largest less the smallest element along some axes, which go away.
    #[track_caller]
    pub fn ptp_axes(&self, axes: impl IntoAxes) -> Self {
        library::ptp(&self.erased(), Over::Axes(&axes.into_axes())).branded()
    }

    /// The covariances of variables, whose observations are rows; unbiased, so divided by their number less 1. Of a
    /// vector, one variable, the variance. (Observations in rows: `x.t().cov()`.)
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]);
    /// assert_eq!(x.cov(), Tensor::from([[1.0, -1.0], [-1.0, 1.0]]));
    /// ```
    #[track_caller]
    pub fn cov(&self) -> Self {
        library::cov("cov", &self.erased(), 1).branded()
    }

    /// The covariances of variables, divided by the number of observations less `ddof`.
    #[track_caller]
    pub fn cov_ddof(&self, ddof: i32) -> Self {
        library::cov("cov", &self.erased(), ddof).branded()
    }

    /// The correlations of variables, whose observations are rows: covariances divided by standard deviations.
    #[track_caller]
    pub fn corrcoef(&self) -> Self {
        library::corrcoef(&self.erased()).branded()
    }
}
