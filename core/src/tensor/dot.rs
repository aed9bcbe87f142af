//! Products of matrices and vectors.

use super::Tensor;
use crate::shape::normalize_axis;
use crate::{Backend, IntoAxes};

impl<B: Backend> Tensor<B> {
    /// NumPy's `matmul`: matrices in the last two axes, the axes before them broadcast. A vector on the left is a
    /// row, on the right a column; its axis goes away. f16 and bf16 accumulate in f32.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let w = Tensor::<Cpu>::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// let x = Tensor::<Cpu>::from([1.0f32, 10.0]);
    /// assert_eq!(x.matmul(&w).to_vec::<f32>(), [31.0, 42.0]);
    /// ```
    #[track_caller]
    pub fn matmul(&self, y: &Self) -> Self {
        Self::of(self.value.clone().matmul(y.value.clone()))
    }

    /// The general contraction: `contracting` axes of both are multiplied and summed, `batch` axes run along. The
    /// result has the batch axes, then the other axes of the first, then those of the second.
    #[track_caller]
    pub fn dot_general(
        &self,
        y: &Self,
        contracting: (impl IntoAxes, impl IntoAxes),
        batch: (impl IntoAxes, impl IntoAxes),
    ) -> Self {
        let front = |x: &Self, axes: &[isize]| {
            axes.iter().map(|&a| normalize_axis("dot_general", a, x.shape())).collect()
        };
        let contracting = (front(self, &contracting.0.into_axes()), front(y, &contracting.1.into_axes()));
        let batch = (front(self, &batch.0.into_axes()), front(y, &batch.1.into_axes()));
        Self::of(self.value.clone().dot_general(y.value.clone(), contracting, batch))
    }
}
