//! Comparisons, element by element, as bool; and choosing by them.

use super::{Operand, Tensor};
use crate::Backend;
use crate::op::Compare;

impl<B: Backend> Tensor<B> {
    /// Where x == y, element by element.
    #[track_caller]
    pub fn eq(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Eq, y.term()))
    }

    /// Where x != y, element by element.
    #[track_caller]
    pub fn ne(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Ne, y.term()))
    }

    /// Where x < y, element by element.
    #[track_caller]
    pub fn lt(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Lt, y.term()))
    }

    /// Where x <= y, element by element.
    #[track_caller]
    pub fn le(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Le, y.term()))
    }

    /// Where x > y, element by element.
    #[track_caller]
    pub fn gt(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Gt, y.term()))
    }

    /// Where x >= y, element by element.
    #[track_caller]
    pub fn ge(&self, y: impl Operand<B>) -> Self {
        Self::of(self.value.clone().compare(Compare::Ge, y.term()))
    }

    /// Where this is true (not zero) `yes`, elsewhere `no`; all three broadcast. (NumPy's `where`.)
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([-1.0f32, 2.0]);
    /// assert_eq!(x.gt(0.0).select(&x, 0.0).to_vec::<f32>(), [0.0, 2.0]);
    /// ```
    #[track_caller]
    pub fn select(&self, yes: impl Operand<B>, no: impl Operand<B>) -> Self {
        Self::of(self.value.clone().select(yes.term(), no.term()))
    }
}
