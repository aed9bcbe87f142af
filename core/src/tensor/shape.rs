//! Rearranging: the same elements in another order or shape, and parts of fixed size. Views, on a CPU.

use super::{Operand, Tensor};
use crate::op::{Padding, Reduction};
use crate::shape::{Axis, normalize_axis};
use crate::{Backend, DType, IntoAxes, IntoShape};

impl<B: Backend> Tensor<B> {
    /// The same elements, in row-major order, under another shape; one size may be -1.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::zeros([4, 3], DType::F32);
    /// assert_eq!(x.reshape([2, -1]).shape(), &[2, 6]);
    /// ```
    #[track_caller]
    pub fn reshape(&self, sizes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reshape(&sizes.into_axes()))
    }

    /// All elements as a vector.
    #[track_caller]
    pub fn flatten(&self) -> Self {
        Self::of(self.value.clone().reshape(&[-1]))
    }

    /// All axes in reverse order; of a matrix, the transpose.
    #[track_caller]
    pub fn t(&self) -> Self {
        Self::of(self.value.clone().t())
    }

    /// Axes in another order: axis `i` of the result is axis `permutation[i]`.
    #[track_caller]
    pub fn transpose(&self, permutation: impl IntoAxes) -> Self {
        Self::of(self.value.clone().transpose(&permutation.into_axes()))
    }

    /// One axis moved to another place, the others in order.
    #[track_caller]
    pub fn moveaxis(&self, from: impl Axis, to: impl Axis) -> Self {
        Self::of(self.value.clone().move_axis(from.signed(), to.signed()))
    }

    /// Two axes exchanged.
    #[track_caller]
    pub fn swapaxes(&self, a: impl Axis, b: impl Axis) -> Self {
        Self::of(self.value.clone().swap_axes(a.signed(), b.signed()))
    }

    /// A new axis of size 1.
    #[track_caller]
    pub fn expand_dims(&self, axis: impl Axis) -> Self {
        Self::of(self.value.clone().expand_dims(axis.signed()))
    }

    /// Without these axes of size 1.
    #[track_caller]
    pub fn squeeze(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().squeeze(&axes.into_axes()))
    }

    /// Repeated, by NumPy's rule, to a shape.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl IntoShape) -> Self {
        Self::of(self.value.clone().broadcast_to("broadcast_to", &shape.into_shape()))
    }

    /// Axes turned round.
    #[track_caller]
    pub fn flip(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().flip(&axes.into_axes()))
    }

    /// Padded with a number or a scalar tensor: for each axis `(before, after)`; negative ones take away.
    #[track_caller]
    pub fn pad<const N: usize>(&self, widths: [(i32, i32); N], value: impl Operand<B>) -> Self {
        self.pad_interior(widths.map(|(low, high)| (low, high, 0)), value)
    }

    /// Padded at the ends and between elements: for each axis `(before, after, between)`.
    #[track_caller]
    pub fn pad_interior<const N: usize>(
        &self,
        widths: [(i32, i32, usize); N],
        value: impl Operand<B>,
    ) -> Self {
        let padding =
            widths.map(|(low, high, interior)| Padding { low: low as isize, high: high as isize, interior });
        Self::of(self.value.clone().pad(value.term(), &padding))
    }

    /// The part of fixed `sizes` that starts at computed places (one integer scalar an axis), moved inside where it
    /// would reach out.
    #[track_caller]
    pub fn dynamic_slice(&self, starts: &[Tensor<B>], sizes: impl IntoShape) -> Self {
        let starts = starts.iter().map(|s| s.value.clone());
        Self::of(self.value.clone().dynamic_slice(starts, sizes.into_shape()))
    }

    /// Overwrites the part that starts at computed places, moved inside where it would reach out.
    #[track_caller]
    pub fn dynamic_update_slice(&self, update: &Tensor<B>, starts: &[Tensor<B>]) -> Self {
        let starts = starts.iter().map(|s| s.value.clone());
        Self::of(self.value.clone().dynamic_update(update.value.clone().cast(self.dtype()), starts))
    }

    /// To another dtype, by value: to a float it rounds once, to nearest even; floats to integers truncate and
    /// saturate; integers wrap; to bool is "not zero".
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> Self {
        Self::of(self.value.clone().cast(dtype))
    }

    /// To another dtype, by bits. A narrower one adds a last axis for the parts, lowest first; a wider one takes it.
    #[track_caller]
    pub fn bitcast(&self, dtype: DType) -> Self {
        Self::of(self.value.clone().bitcast(dtype))
    }

    /// 1 where an index equals the place along a new last axis of size `classes`, else 0; all 0 for an index outside.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([2, 0]);
    /// assert_eq!(x.one_hot(3, DType::F32).to_vec::<f32>(), [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
    /// ```
    #[track_caller]
    pub fn one_hot(&self, classes: usize, dtype: DType) -> Self {
        self.one_hot_axis(classes, -1, dtype)
    }

    /// As [`one_hot`](Tensor::one_hot), with the new axis at a place of its own.
    #[track_caller]
    pub fn one_hot_axis(&self, classes: usize, axis: impl Axis, dtype: DType) -> Self {
        assert!(self.dtype().is_integer(), "one_hot: indices are integers, not {}", self.ty());
        // In a dtype that can count all classes.
        let wide = if self.dtype().size() < 4 { DType::I32 } else { self.dtype() };
        let x = self.cast(wide).expand_dims(axis);
        let axis = normalize_axis("one_hot", axis.signed(), x.shape());
        let mut shape = x.shape().clone();
        shape[axis] = classes;
        let places = self.value.iota(crate::TensorType::new(shape, wide), axis);
        x.eq(Self::of(places)).cast(dtype)
    }

    /// Bitwise (of bool: logical) exclusive or along some axes.
    #[track_caller]
    pub fn reduce_xor(&self, axes: impl IntoAxes) -> Self {
        Self::of(self.value.clone().reduce(
            Reduction::Xor,
            crate::value::Over::Axes(&axes.into_axes()),
            false,
        ))
    }

    /// The size of an axis.
    #[track_caller]
    pub fn size(&self, axis: impl Axis) -> usize {
        self.shape()[normalize_axis("size", axis.signed(), self.shape())]
    }
}
