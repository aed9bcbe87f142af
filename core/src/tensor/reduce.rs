//! Reductions. `sum()` goes over all axes, `sum_axes` over some, `sum_keep` over some and keeps them with size 1;
//! negative axes count from the end.

use super::Tensor;
use crate::op::{ArgReduction, Reduction};
use crate::value::Over;
use crate::{Backend, IntoAxes};

impl<B: Backend> Tensor<B> {
    /// The sum of all elements. Integers below 32 bits and bool are summed in 32 bits.
    #[track_caller]
    pub fn sum(&self) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Sum, Over::All, false))
    }

    /// The sum along some axes, which go away. Integers below 32 bits and bool are summed in 32 bits.
    #[track_caller]
    pub fn sum_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Sum, Over::Axes(&axes.into_axes()), false))
    }

    /// The sum along some axes, which stay with size 1. Integers below 32 bits and bool are summed in 32 bits.
    #[track_caller]
    pub fn sum_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Sum, Over::Axes(&axes.into_axes()), true))
    }

    /// The product of all elements. Integers below 32 bits and bool are multiplied in 32 bits.
    #[track_caller]
    pub fn prod(&self) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Prod, Over::All, false))
    }

    /// The product along some axes, which go away. Integers below 32 bits and bool are multiplied in 32 bits.
    #[track_caller]
    pub fn prod_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Prod, Over::Axes(&axes.into_axes()), false))
    }

    /// The product along some axes, which stay with size 1. Integers below 32 bits and bool are multiplied in 32 bits.
    #[track_caller]
    pub fn prod_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Prod, Over::Axes(&axes.into_axes()), true))
    }

    /// The arithmetic mean of all elements. Of integers and bool in f32.
    #[track_caller]
    pub fn mean(&self) -> Self {
        Self::of(self.value.clone().mean(Over::All, false))
    }

    /// The arithmetic mean along some axes, which go away. Of integers and bool in f32.
    #[track_caller]
    pub fn mean_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().mean(Over::Axes(&axes.into_axes()), false))
    }

    /// The arithmetic mean along some axes, which stay with size 1. Of integers and bool in f32.
    #[track_caller]
    pub fn mean_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().mean(Over::Axes(&axes.into_axes()), true))
    }

    /// The largest element. NaN if any is; there must be one.
    #[track_caller]
    pub fn max(&self) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Max, Over::All, false))
    }

    /// The largest element along some axes, which go away. NaN if any is; there must be one.
    #[track_caller]
    pub fn max_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Max, Over::Axes(&axes.into_axes()), false))
    }

    /// The largest element along some axes, which stay with size 1. NaN if any is; there must be one.
    #[track_caller]
    pub fn max_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Max, Over::Axes(&axes.into_axes()), true))
    }

    /// The smallest element. NaN if any is; there must be one.
    #[track_caller]
    pub fn min(&self) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Min, Over::All, false))
    }

    /// The smallest element along some axes, which go away. NaN if any is; there must be one.
    #[track_caller]
    pub fn min_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Min, Over::Axes(&axes.into_axes()), false))
    }

    /// The smallest element along some axes, which stay with size 1. NaN if any is; there must be one.
    #[track_caller]
    pub fn min_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(Reduction::Min, Over::Axes(&axes.into_axes()), true))
    }

    /// Whether all elements are true (not zero).
    #[track_caller]
    pub fn all(&self) -> Self {
        Self::of(self.value.clone().all_any(Reduction::And, Over::All))
    }

    /// Whether all elements are true (not zero) along some axes, which go away.
    #[track_caller]
    pub fn all_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().all_any(Reduction::And, Over::Axes(&axes.into_axes())))
    }

    /// Whether any element is true (not zero).
    #[track_caller]
    pub fn any(&self) -> Self {
        Self::of(self.value.clone().all_any(Reduction::Or, Over::All))
    }

    /// Whether any element is true (not zero) along some axes, which go away.
    #[track_caller]
    pub fn any_axes(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().all_any(Reduction::Or, Over::Axes(&axes.into_axes())))
    }

    /// Whether all elements are true (not zero) along some axes, which stay with size 1.
    #[track_caller]
    pub fn all_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().truth().reduce(Reduction::And, Over::Axes(&axes.into_axes()), true))
    }

    /// Whether any element is true (not zero) along some axes, which stay with size 1.
    #[track_caller]
    pub fn any_keep(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().truth().reduce(Reduction::Or, Over::Axes(&axes.into_axes()), true))
    }

    /// The first place of the largest element along an axis, as i32; NaN wins.
    #[track_caller]
    pub fn argmax(&self, axis: impl crate::shape::Axis) -> Self {
        Self::of(self.value.clone().arg_reduce(ArgReduction::Max, axis.signed()))
    }

    /// The first place of the smallest element along an axis, as i32; NaN wins.
    #[track_caller]
    pub fn argmin(&self, axis: impl crate::shape::Axis) -> Self {
        Self::of(self.value.clone().arg_reduce(ArgReduction::Min, axis.signed()))
    }

    /// The first place of the largest of all elements in row-major order, as i32; NaN wins.
    #[track_caller]
    pub fn argmax_all(&self) -> Self {
        Self::of(self.value.clone().reshape(&[-1]).arg_reduce(ArgReduction::Max, 0))
    }

    /// The first place of the smallest of all elements in row-major order, as i32; NaN wins.
    #[track_caller]
    pub fn argmin_all(&self) -> Self {
        Self::of(self.value.clone().reshape(&[-1]).arg_reduce(ArgReduction::Min, 0))
    }
}
