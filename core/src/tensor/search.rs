//! What depends on values: nonzero, unique, masks, counting, histograms. Eager: they read the data.
//!
//! Functions whose result has a shape that depends on data read it, and panic in a function that is being recorded;
//! they say so. The others do not read. Places are i32.

use super::Tensor;
use crate::library::search::{self, Bins as B_, Sets};
use crate::op::ScatterKind;
use crate::{Backend, DType, Dyn, IntoAxes, IntoShape};

/// What [`Tensor::unique_all`] gives.
#[derive(Clone, Debug)]
pub struct Unique<B: Backend> {
    /// The distinct elements, in increasing order.
    pub values: Tensor<B>,
    /// Where each first stands among all elements in row-major order.
    pub indices: Tensor<B>,
    /// For each element, which of the distinct ones it is; of the tensor's shape.
    pub inverse: Tensor<B>,
    /// How often each occurs.
    pub counts: Tensor<B>,
}

/// The bins of a histogram: a number of them, `(number, (low, high))`, or a reference to a vector of edges.
pub trait Bins<B: Backend> {
    /// The bins without their brand.
    fn bins(self) -> HistogramBins;
}

/// What [`Bins`] gives: opaque.
#[derive(Debug)]
pub struct HistogramBins(B_);

impl<B: Backend> Bins<B> for usize {
    fn bins(self) -> HistogramBins {
        HistogramBins(B_::Number(self, None))
    }
}
impl<B: Backend> Bins<B> for (usize, (f64, f64)) {
    fn bins(self) -> HistogramBins {
        HistogramBins(B_::Number(self.0, Some(self.1)))
    }
}
impl<B: Backend> Bins<B> for &Tensor<B> {
    fn bins(self) -> HistogramBins {
        HistogramBins(B_::Edges(self.erased()))
    }
}

fn both<B: Backend>((x, y): (Tensor<Dyn>, Tensor<Dyn>)) -> (Tensor<B>, Tensor<B>) {
    (x.branded(), y.branded())
}

impl<B: Backend> Tensor<B> {
    /// The places of elements that are true (not zero), in row-major order: an i32 vector for each axis, which together
    /// are an index. Reads the data.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([[0, 7], [8, 0]]);
    /// let places = x.nonzero();
    /// assert_eq!(places[1].to_vec::<i32>(), [1, 0]);
    /// assert_eq!(x.get((&places[0], &places[1])).to_vec::<i32>(), [7, 8]);
    /// ```
    #[track_caller]
    pub fn nonzero(&self) -> Vec<Self> {
        search::nonzero("nonzero", &self.erased()).into_iter().map(Tensor::branded).collect()
    }

    /// The places of elements that are true (not zero), a row of coordinates for each. Reads the data.
    #[track_caller]
    pub fn argwhere(&self) -> Self {
        crate::stack(&search::nonzero("argwhere", &self.erased()), 1).branded()
    }

    /// The places of elements that are true (not zero), counted in row-major order. Reads the data.
    #[track_caller]
    pub fn flatnonzero(&self) -> Self {
        search::nonzero("flatnonzero", &self.flatten().erased()).remove(0).branded()
    }

    /// How many elements are true (not zero), as i32. It does not read the data.
    #[track_caller]
    pub fn count_nonzero(&self) -> Self {
        self.cast(DType::Bool).sum()
    }

    /// How many elements along some axes, which go away, are true (not zero), as i32.
    #[track_caller]
    pub fn count_nonzero_axes(&self, axes: impl IntoAxes) -> Self {
        self.cast(DType::Bool).sum_axes(axes)
    }

    /// The distinct elements, in increasing order; all NaN are one, and last. Reads the data. The derivative goes to the
    /// first of equal elements.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([3, 1, 3]);
    /// assert_eq!(x.unique().to_vec::<i32>(), [1, 3]);
    /// assert_eq!(x.unique_all().counts.to_vec::<i32>(), [1, 2]);
    /// ```
    #[track_caller]
    pub fn unique(&self) -> Self {
        search::unique(&self.erased()).branded()
    }

    /// The distinct elements with where they first stand, which one stands where, and how often each occurs. Reads the
    /// data.
    #[track_caller]
    pub fn unique_all(&self) -> Unique<B> {
        let [values, indices, inverse, counts] = search::unique_all(&self.erased()).map(Tensor::branded);
        Unique { values, indices, inverse, counts }
    }

    /// The distinct elements that are in both, in increasing order. Reads the data.
    #[track_caller]
    pub fn intersect1d(&self, y: &Self) -> Self {
        search::set_operation("intersect1d", &self.erased(), &y.erased(), Sets::Both).branded()
    }

    /// The distinct elements of both together, in increasing order. Reads the data.
    #[track_caller]
    pub fn union1d(&self, y: &Self) -> Self {
        search::unique(&crate::concatenate([&self.flatten(), &y.flatten()], 0).erased()).branded()
    }

    /// The distinct elements that are not in `y`, in increasing order. Reads the data.
    #[track_caller]
    pub fn setdiff1d(&self, y: &Self) -> Self {
        search::set_operation("setdiff1d", &self.erased(), &y.erased(), Sets::FirstOnly).branded()
    }

    /// The distinct elements that are in exactly one of both, in increasing order. Reads the data.
    #[track_caller]
    pub fn setxor1d(&self, y: &Self) -> Self {
        search::set_operation("setxor1d", &self.erased(), &y.erased(), Sets::One).branded()
    }

    /// Where an element is among those of `y`, as bool. It compares each with each, and reads nothing.
    #[track_caller]
    pub fn isin(&self, y: &Self) -> Self {
        search::isin(&self.erased(), &y.erased()).branded()
    }

    /// How often each of 0, 1, .. occurs in a vector of integers, as i32; negative ones count as 0. Reads the data for
    /// the largest.
    #[track_caller]
    pub fn bincount(&self) -> Self {
        search::bincount(&self.erased(), None, None).branded()
    }

    /// How often each of 0, .., length - 1 occurs in a vector of integers, as i32; negative ones count as 0, larger ones
    /// are dropped. It reads nothing.
    #[track_caller]
    pub fn bincount_to(&self, length: usize) -> Self {
        search::bincount(&self.erased(), None, Some(length)).branded()
    }

    /// The sums of the weights of each of 0, .., length - 1 in a vector of integers; negative ones count as 0, larger
    /// ones are dropped. It reads nothing.
    #[track_caller]
    pub fn bincount_weighted(&self, weights: &Self, length: usize) -> Self {
        search::bincount(&self.erased(), Some(&weights.erased()), Some(length)).branded()
    }

    /// How many elements lie in each bin (as floats), and the edges of the bins. Bins are closed on the left and open
    /// on the right, the last one closed; what lies outside is not counted. It reads nothing.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([0.0, 1.0, 1.5, 2.0]);
    /// let (counts, edges) = x.histogram(2);
    /// assert_eq!(counts.to_vec::<f64>(), [1.0, 3.0]);
    /// assert_eq!(edges.to_vec::<f64>(), [0.0, 1.0, 2.0]);
    /// assert_eq!(x.histogram((2, (1.0, 2.0))).0.to_vec::<f64>(), [1.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn histogram(&self, bins: impl Bins<B>) -> (Self, Self) {
        both(search::histogram(&self.erased(), bins.bins().0, None, false))
    }

    /// As [`histogram`](Tensor::histogram), the sums of the elements' weights.
    #[track_caller]
    pub fn histogram_weighted(&self, bins: impl Bins<B>, weights: &Self) -> (Self, Self) {
        both(search::histogram(&self.erased(), bins.bins().0, Some(&weights.erased()), false))
    }

    /// As [`histogram`](Tensor::histogram), divided so that the integral over the bins is 1.
    #[track_caller]
    pub fn histogram_density(&self, bins: impl Bins<B>) -> (Self, Self) {
        both(search::histogram(&self.erased(), bins.bins().0, None, true))
    }

    /// The edges of a histogram's bins.
    #[track_caller]
    pub fn histogram_bin_edges(&self, bins: impl Bins<B>) -> Self {
        search::histogram_edges(&self.erased(), bins.bins().0).branded()
    }

    /// The sums of rows by the number of their segment: `out[k]` is the sum of all `x[i]` with `segment_ids[i] == k`, for
    /// k below `segments`. Of no rows it is 0; rows with a number outside are left out.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1.0, 2.0, 4.0]);
    /// let ids = Tensor::from([0i32, 2, 0]);
    /// assert_eq!(x.segment_sum(&ids, 3).to_vec::<f64>(), [5.0, 0.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn segment_sum(&self, segment_ids: &Self, segments: usize) -> Self {
        search::segments("segment_sum", &self.erased(), &segment_ids.erased(), segments, ScatterKind::Add)
            .branded()
    }

    /// The products of rows by the number of their segment; of no rows 1.
    #[track_caller]
    pub fn segment_prod(&self, segment_ids: &Self, segments: usize) -> Self {
        search::segments("segment_prod", &self.erased(), &segment_ids.erased(), segments, ScatterKind::Mul)
            .branded()
    }

    /// The largest elements of rows by the number of their segment; of no rows -inf (of integers the lowest).
    #[track_caller]
    pub fn segment_max(&self, segment_ids: &Self, segments: usize) -> Self {
        search::segments("segment_max", &self.erased(), &segment_ids.erased(), segments, ScatterKind::Max)
            .branded()
    }

    /// The smallest elements of rows by the number of their segment; of no rows inf (of integers the highest).
    #[track_caller]
    pub fn segment_min(&self, segment_ids: &Self, segments: usize) -> Self {
        search::segments("segment_min", &self.erased(), &segment_ids.erased(), segments, ScatterKind::Min)
            .branded()
    }

    /// The coordinates, in a shape, of places counted in row-major order: a tensor for each axis. Places outside are
    /// moved inside.
    #[track_caller]
    pub fn unravel_index(&self, shape: impl IntoShape) -> Vec<Self> {
        let found = search::unravel(&self.erased(), &shape.into_shape());
        found.into_iter().map(Tensor::branded).collect()
    }
}

/// The places, counted in row-major order in a shape, of coordinates. Panics where one that can be read is outside.
#[track_caller]
pub fn ravel_multi_index<'a, B: Backend>(
    coordinates: impl IntoIterator<Item = &'a Tensor<B>>,
    shape: impl IntoShape,
) -> Tensor<B> {
    let coordinates: Vec<Tensor<Dyn>> = coordinates.into_iter().map(Tensor::erased).collect();
    search::ravel(&coordinates, &shape.into_shape()).branded()
}
