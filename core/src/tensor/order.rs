//! Sorting, running reductions and searching in sorted tensors.

use super::Tensor;
use crate::backend::Values;
use crate::op::Cumulation;
use crate::shape::Axis;
use crate::{Backend, library::order};

/// Which of the places between equal elements [`Tensor::searchsorted`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Side {
    /// In front of them.
    #[default]
    Left,
    /// Behind them.
    Right,
}

/// Several tensors of one shape, sorted alike along an axis by the first `keys` of them: the first key decides, among
/// equal ones the second, and so on. Stable; ascending, NaN last. `jax.lax.sort` with `num_keys`.
///
/// Panics where shapes differ, or there are fewer tensors than keys.
///
/// ```
/// # use plywood::prelude::*;
/// let (name, score) = (Tensor::<Cpu>::from([2, 0, 1]), Tensor::from([0.5, 0.1, 0.5]));
/// let sorted = plywood::sort_together([&score, &name], 0, 2);
/// assert_eq!(sorted[0].to_vec::<f64>(), [0.1, 0.5, 0.5]);
/// assert_eq!(sorted[1].to_vec::<i32>(), [0, 1, 2]);
/// ```
#[track_caller]
pub fn sort_together<'a, B: Backend>(
    tensors: impl IntoIterator<Item = &'a Tensor<B>>,
    axis: impl Axis,
    keys: usize,
) -> Vec<Tensor<B>> {
    let values: Values = tensors.into_iter().map(|t| t.value.clone()).collect();
    order::sort_together(values, axis.signed(), keys).into_iter().map(Tensor::of).collect()
}

/// The places, as i32, in the order of several keys along an axis, of which the *last* decides first. `numpy.lexsort`.
///
/// ```
/// # use plywood::prelude::*;
/// let (first, last) = (Tensor::<Cpu>::from([2, 1, 0]), Tensor::from([7, 7, 5]));
/// assert_eq!(plywood::lexsort([&first, &last], 0).to_vec::<i32>(), [2, 1, 0]);
/// ```
#[track_caller]
pub fn lexsort<'a, B: Backend>(keys: impl IntoIterator<Item = &'a Tensor<B>>, axis: impl Axis) -> Tensor<B> {
    let keys: Values = keys.into_iter().map(|t| t.value.clone()).collect();
    Tensor::of(order::lexsort(keys, axis.signed()))
}

impl<B: Backend> Tensor<B> {
    /// Sorted along an axis, ascending, NaN last; -0 and 0 are equal. The derivative goes back to where each element
    /// came from.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([3.0, f64::NAN, 1.0]);
    /// assert_eq!(x.sort(0).to_vec::<f64>()[..2], [1.0, 3.0]);
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: impl Axis) -> Self {
        order::sort(self.erased(), axis.signed(), false).branded()
    }

    /// Sorted along an axis, descending, NaN first.
    #[track_caller]
    pub fn sort_descending(&self, axis: impl Axis) -> Self {
        order::sort(self.erased(), axis.signed(), true).branded()
    }

    /// The places, as i32, of the elements in ascending order along an axis; of equal ones the first comes first.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// assert_eq!(Tensor::<Cpu>::from([3.0, 1.0, 2.0]).argsort(0).to_vec::<i32>(), [1, 2, 0]);
    /// ```
    #[track_caller]
    pub fn argsort(&self, axis: impl Axis) -> Self {
        order::argsort(self.erased(), axis.signed(), false).branded()
    }

    /// The places, as i32, of the elements in descending order along an axis; of equal ones the first comes first.
    #[track_caller]
    pub fn argsort_descending(&self, axis: impl Axis) -> Self {
        order::argsort(self.erased(), axis.signed(), true).branded()
    }

    /// The k largest elements along an axis, the largest first, and their places as i32. NaN is larger than all; of
    /// equal elements the first comes first. The derivative goes back to the places.
    ///
    /// Panics where the axis has fewer than k elements.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let (values, places) = Tensor::<Cpu>::from([1.0, 4.0, 2.0, 4.0]).top_k(3, 0);
    /// assert_eq!(values.to_vec::<f64>(), [4.0, 4.0, 2.0]);
    /// assert_eq!(places.to_vec::<i32>(), [1, 3, 2]);
    /// ```
    #[track_caller]
    pub fn top_k(&self, k: usize, axis: impl Axis) -> (Self, Self) {
        let (values, places) = order::top_k(self.erased(), k, axis.signed());
        (values.branded(), places.branded())
    }

    /// For values of any shape, the places (i32) in this sorted vector where they keep it sorted: how many elements come
    /// before each. Dtypes promote; NaN comes last.
    ///
    /// Panics where this is not a vector. Whether it is sorted is not looked at.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let sorted = Tensor::<Cpu>::from([1.0, 2.0, 2.0, 5.0]);
    /// let values = Tensor::from([2.0, 9.0]);
    /// assert_eq!(sorted.searchsorted(&values, Side::Left).to_vec::<i32>(), [1, 4]);
    /// assert_eq!(sorted.searchsorted(&values, Side::Right).to_vec::<i32>(), [3, 4]);
    /// # use plywood::Side;
    /// ```
    #[track_caller]
    pub fn searchsorted(&self, values: &Self, side: Side) -> Self {
        order::searchsorted(self.erased(), values.erased(), side == Side::Right).branded()
    }

    /// The number (i32) of the bin that each element falls into, for bins between bounds that rise or fall: bin 0 lies
    /// before the first bound. A bound belongs to the bin behind it; if `right`, to the one before.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let bounds = Tensor::<Cpu>::from([0.0, 1.0, 2.0]);
    /// let x = Tensor::from([-1.0, 1.0, 1.5, 7.0]);
    /// assert_eq!(x.digitize(&bounds, false).to_vec::<i32>(), [0, 2, 2, 3]);
    /// ```
    #[track_caller]
    pub fn digitize(&self, bins: &Self, right: bool) -> Self {
        order::digitize(self.erased(), bins.erased(), right).branded()
    }

    /// The running sum along an axis: `y[i] = x[0] + .. + x[i]`. Integers below 32 bits and bool are summed in 32 bits;
    /// floats below 64 bits accumulate in more.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// assert_eq!(Tensor::<Cpu>::from([1, 2, 3]).cumsum(0).to_vec::<i32>(), [1, 3, 6]);
    /// ```
    #[track_caller]
    pub fn cumsum(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Sum, axis.signed(), false).branded()
    }

    /// The running sum from the end: `y[i] = x[i] + .. + x[n - 1]`.
    #[track_caller]
    pub fn cumsum_reverse(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Sum, axis.signed(), true).branded()
    }

    /// The running product along an axis. Integers below 32 bits and bool are multiplied in 32 bits. Its derivative
    /// does not divide: it is right for any number of zeros.
    #[track_caller]
    pub fn cumprod(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Prod, axis.signed(), false).branded()
    }

    /// The running product from the end.
    #[track_caller]
    pub fn cumprod_reverse(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Prod, axis.signed(), true).branded()
    }

    /// The largest element so far along an axis; NaN from the first NaN on. Ties share the derivative as JAX's do.
    #[track_caller]
    pub fn cummax(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Max, axis.signed(), false).branded()
    }

    /// The largest element from each on.
    #[track_caller]
    pub fn cummax_reverse(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Max, axis.signed(), true).branded()
    }

    /// The smallest element so far along an axis; NaN from the first NaN on.
    #[track_caller]
    pub fn cummin(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Min, axis.signed(), false).branded()
    }

    /// The smallest element from each on.
    #[track_caller]
    pub fn cummin_reverse(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::Min, axis.signed(), true).branded()
    }

    /// `log(e^x[0] + .. + e^x[i])` along an axis, without overflow. Of integers and bool in f32.
    #[track_caller]
    pub fn cumlogsumexp(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::LogSumExp, axis.signed(), false).branded()
    }

    /// The running logsumexp from the end.
    #[track_caller]
    pub fn cumlogsumexp_reverse(&self, axis: impl Axis) -> Self {
        order::cumulative(self.erased(), Cumulation::LogSumExp, axis.signed(), true).branded()
    }

    /// Differences of neighbours along an axis, `x[i + 1] - x[i]`, taken `n` times: each time there is one less. Of bool,
    /// whether they differ.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1, 4, 9, 16]);
    /// assert_eq!(x.diff(1, 0).to_vec::<i32>(), [3, 5, 7]);
    /// assert_eq!(x.diff(2, 0).to_vec::<i32>(), [2, 2]);
    /// ```
    #[track_caller]
    pub fn diff(&self, n: usize, axis: impl Axis) -> Self {
        order::diff(self.erased(), n, axis.signed()).branded()
    }
}
