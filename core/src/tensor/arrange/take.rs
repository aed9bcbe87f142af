//! Elements at places of one axis: `take`, `take_along_axis` and their mirrors.

use super::super::{Operand, Tensor};
use crate::Backend;
use crate::library::{arrange, search};
use crate::shape::Axis;
use crate::value::Term;

/// What [`Tensor::take_mode`] gives for places outside the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TakeMode {
    /// NaN of floats, the lowest value of signed integers, the highest of unsigned ones, true of bool. Negative places
    /// count from the end. (JAX's default.)
    Fill,
    /// The element at that end; negative places are outside.
    Clip,
    /// Counted round and round.
    Wrap,
}

impl<B: Backend> Tensor<B> {
    /// The elements at places of an axis; the axes of `indices` stand where it was. Negative places count from the end.
    ///
    /// Panics where a place is outside; in a recorded function, where places are not known, they are moved inside.
    /// (NumPy's `take` without an axis is `x.flatten().take(&indices, 0)`.)
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::arange(6).reshape([2, 3]);
    /// assert_eq!(x.take(&Tensor::from([2i32, 0]), 1).to_vec::<i32>(), [2, 0, 5, 3]);
    /// ```
    #[track_caller]
    pub fn take(&self, indices: &Self, axis: impl Axis) -> Self {
        arrange::take(&self.erased(), &indices.erased(), axis.signed(), None).branded()
    }

    /// As [`take`](Tensor::take), and what is outside is as the mode says, never an error.
    #[track_caller]
    pub fn take_mode(&self, indices: &Self, axis: impl Axis, mode: TakeMode) -> Self {
        arrange::take(&self.erased(), &indices.erased(), axis.signed(), Some(mode)).branded()
    }

    /// Along an axis, for each of its vectors, the elements at the places that the same vector of `indices` names; the
    /// other axes broadcast. What `argsort` gives, taken so, is the sorted tensor.
    ///
    /// Panics where a place is outside; in a recorded function, where places are not known, they are moved inside.
    #[track_caller]
    pub fn take_along_axis(&self, indices: &Self, axis: impl Axis) -> Self {
        arrange::take_along_axis(&self.erased(), &indices.erased(), axis.signed()).branded()
    }

    /// The tensor with `values` (which broadcast to the shape of `indices`) at the places that
    /// [`take_along_axis`](Tensor::take_along_axis) would read; a place named twice keeps the last.
    #[track_caller]
    pub fn put_along_axis(&self, indices: &Self, values: impl Operand<B>, axis: impl Axis) -> Self {
        let values = match values.term() {
            Term::Value(v) => v,
            Term::Number(n) => self.value.full(n, crate::TensorType::scalar(self.dtype())),
        };
        arrange::put_along_axis(&self.erased(), &indices.erased(), &Tensor::of(values), axis.signed())
            .branded()
    }

    /// The places of an axis where a mask, a vector no longer than the axis, is true. The mask is read.
    #[track_caller]
    pub fn compress(&self, mask: &Self, axis: impl Axis) -> Self {
        search::compress(&self.erased(), &mask.erased(), axis.signed()).branded()
    }

    /// All elements at which a mask of the same shape is true (not zero), as a vector. The mask is read.
    #[track_caller]
    pub fn extract(&self, mask: &Self) -> Self {
        search::extract(&self.erased(), &mask.erased()).branded()
    }
}
