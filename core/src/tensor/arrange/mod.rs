//! Rearranging: split, tile, repeat, roll, triangles, diagonals, grids, and taking along an axis.

mod join;
mod take;

pub use join::{
    Indexing, broadcast_arrays, column_stack, dstack, hstack, ix_, meshgrid, select, vstack, where_,
};
pub use take::TakeMode;

use super::Tensor;
use crate::library::arrange;
use crate::shape::Axis;
use crate::{Backend, Dyn, IntoAxes};
use smallvec::SmallVec;

/// How a tensor is cut: a number of equal parts (`3`), or the places of the cuts (`[2, 5]`).
pub trait Sections {
    /// The number of parts, or the places.
    fn sections(self) -> Result<usize, SmallVec<[isize; 4]>>;
}
macro_rules! numbers { ($($T:ty)*) => { $( impl Sections for $T {
    fn sections(self) -> Result<usize, SmallVec<[isize; 4]>> { Ok(usize::try_from(self).unwrap_or(0)) }
} )* } }
numbers!(i32 usize);
macro_rules! places { ($([$($Generics:tt)*] $T:ty;)*) => { $( impl<$($Generics)*> Sections for $T {
    fn sections(self) -> Result<usize, SmallVec<[isize; 4]>> { Err(self.into_axes()) }
} )* } }
places! { [A: Axis, const N: usize] [A; N]; [A: Axis] &[A]; [A: Axis] Vec<A>; }

/// How often elements are repeated: a number, or an integer tensor with a number for each.
pub trait Repeats<B: Backend> {
    /// The number, or the tensor without its brand.
    fn repeats(self) -> Result<usize, Tensor<Dyn>>;
}
impl<B: Backend> Repeats<B> for usize {
    fn repeats(self) -> Result<usize, Tensor<Dyn>> {
        Ok(self)
    }
}
impl<B: Backend> Repeats<B> for &Tensor<B> {
    fn repeats(self) -> Result<usize, Tensor<Dyn>> {
        Err(self.erased())
    }
}

/// What a tensor is padded with, when it is padded with its own elements. Of `1 2 3`, by two on each side:
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PadMode {
    /// The element at the end: `1 1 | 1 2 3 | 3 3`.
    Edge,
    /// Mirrored at the last element, which is not repeated: `3 2 | 1 2 3 | 2 1`.
    Reflect,
    /// Mirrored behind the last element: `2 1 | 1 2 3 | 3 2`.
    Symmetric,
    /// From the other end: `2 3 | 1 2 3 | 1 2`.
    Wrap,
}

/// Tensors of one backend, as the library takes them.
fn erased<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Vec<Tensor<Dyn>> {
    tensors.into_iter().map(Tensor::erased).collect()
}

/// What the library gives, of the backend of its inputs.
fn branded<B: Backend>(tensors: Vec<Tensor<Dyn>>) -> Vec<Tensor<B>> {
    tensors.into_iter().map(Tensor::branded).collect()
}

impl<B: Backend> Tensor<B> {
    /// Cut along an axis: into a number of equal parts, or at places (as in slices: negative ones count from the end,
    /// those outside give empty parts).
    ///
    /// Panics where the number does not divide the axis; [`array_split`](Tensor::array_split) does not mind.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::arange(6);
    /// let halves = x.split(2, 0);
    /// assert_eq!(halves[1].to_vec::<i32>(), [3, 4, 5]);
    /// let parts = x.split([1, 5], 0);
    /// assert_eq!(parts[1].to_vec::<i32>(), [1, 2, 3, 4]);
    /// ```
    #[track_caller]
    pub fn split(&self, sections: impl Sections, axis: impl Axis) -> Vec<Self> {
        branded(match sections.sections() {
            Ok(n) => arrange::split_equally("split", &self.erased(), n, axis.signed(), false),
            Err(places) => arrange::split(&self.erased(), &places, axis.signed()),
        })
    }

    /// As [`split`](Tensor::split); where the number of parts does not divide the axis, the first parts are longer by
    /// one.
    #[track_caller]
    pub fn array_split(&self, sections: impl Sections, axis: impl Axis) -> Vec<Self> {
        branded(match sections.sections() {
            Ok(n) => arrange::split_equally("array_split", &self.erased(), n, axis.signed(), true),
            Err(places) => arrange::split(&self.erased(), &places, axis.signed()),
        })
    }

    /// Cut along the first axis.
    #[track_caller]
    pub fn vsplit(&self, sections: impl Sections) -> Vec<Self> {
        self.split(sections, 0)
    }

    /// Cut along the second axis; a vector along its only one.
    #[track_caller]
    pub fn hsplit(&self, sections: impl Sections) -> Vec<Self> {
        self.split(sections, if self.rank() == 1 { 0 } else { 1 })
    }

    /// Cut along the third axis.
    #[track_caller]
    pub fn dsplit(&self, sections: impl Sections) -> Vec<Self> {
        self.split(sections, 2)
    }

    /// The whole tensor so many times along each axis; where `times` is longer than the shape, it gets leading axes.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1i32, 2]);
    /// assert_eq!(x.tile([2]).to_vec::<i32>(), [1, 2, 1, 2]);
    /// assert_eq!(x.tile([3, 1]).shape(), &[3, 2]);
    /// ```
    #[track_caller]
    pub fn tile(&self, times: impl crate::IntoShape) -> Self {
        arrange::tile(&self.erased(), &times.into_shape()).branded()
    }

    /// Each element along an axis repeated `times`, a number or an integer tensor with a number for each (which is
    /// read: in a recorded function it cannot be).
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1i32, 2]);
    /// assert_eq!(x.repeat(2, 0).to_vec::<i32>(), [1, 1, 2, 2]);
    /// assert_eq!(x.repeat(&Tensor::from([0i32, 3]), 0).to_vec::<i32>(), [2, 2, 2]);
    /// ```
    #[track_caller]
    pub fn repeat(&self, times: impl Repeats<B>, axis: impl Axis) -> Self {
        match times.repeats() {
            Ok(n) => arrange::repeat(&self.erased(), n, axis.signed()),
            Err(counts) => arrange::repeat_each(&self.erased(), &counts, axis.signed()),
        }
        .branded()
    }

    /// Moved along axes by so many places; what leaves at one end enters at the other. One shift serves several axes.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::arange(4);
    /// assert_eq!(x.roll(1, 0).to_vec::<i32>(), [3, 0, 1, 2]);
    /// ```
    #[track_caller]
    pub fn roll(&self, shifts: impl IntoAxes, axes: impl IntoAxes) -> Self {
        arrange::roll(&self.erased(), &shifts.into_axes(), &axes.into_axes()).branded()
    }

    /// A quarter turn, `k` times, in the plane of two axes, from the first towards the second.
    #[track_caller]
    pub fn rot90(&self, k: i32, axes: (impl Axis, impl Axis)) -> Self {
        arrange::rot90(&self.erased(), k, axes.0.signed(), axes.1.signed()).branded()
    }

    /// The second axis turned round.
    #[track_caller]
    pub fn fliplr(&self) -> Self {
        self.flip(1)
    }

    /// The first axis turned round.
    #[track_caller]
    pub fn flipud(&self) -> Self {
        self.flip(0)
    }

    /// Without all axes of size 1.
    #[track_caller]
    pub fn squeeze_all(&self) -> Self {
        self.reshape(self.shape().iter().copied().filter(|&n| n != 1).collect::<crate::Shape>())
    }

    /// All elements as a vector; [`flatten`](Tensor::flatten) by its other name.
    #[track_caller]
    pub fn ravel(&self) -> Self {
        self.flatten()
    }

    /// With an axis at least: a scalar becomes a vector of one element.
    #[track_caller]
    pub fn atleast_1d(&self) -> Self {
        arrange::at_least(&self.erased(), 1).branded()
    }

    /// With two axes at least; a vector becomes a row.
    #[track_caller]
    pub fn atleast_2d(&self) -> Self {
        arrange::at_least(&self.erased(), 2).branded()
    }

    /// With three axes at least; a vector of n becomes `[1, n, 1]`, a matrix gets a last axis.
    #[track_caller]
    pub fn atleast_3d(&self) -> Self {
        arrange::at_least(&self.erased(), 3).branded()
    }

    /// The matrices in the last two axes, with zeros above diagonal `k` (0: the main one, above it positive).
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::ones([2, 2], DType::I32);
    /// assert_eq!(x.tril(0).to_vec::<i32>(), [1, 0, 1, 1]);
    /// ```
    #[track_caller]
    pub fn tril(&self, k: i32) -> Self {
        arrange::triangle("tril", &self.erased(), k, false).branded()
    }

    /// The matrices in the last two axes, with zeros below diagonal `k`.
    #[track_caller]
    pub fn triu(&self, k: i32) -> Self {
        arrange::triangle("triu", &self.erased(), k, true).branded()
    }

    /// Of a vector, the matrix with it on diagonal `k` and zeros elsewhere; of a matrix, its diagonal `k`.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let v = Tensor::<Cpu>::from([1.0, 2.0]);
    /// assert_eq!(v.diag(0), Tensor::from([[1.0, 0.0], [0.0, 2.0]]));
    /// assert_eq!(v.diag(1).diag(1), v);
    /// ```
    #[track_caller]
    pub fn diag(&self, k: i32) -> Self {
        let x = self.erased();
        match self.rank() {
            2 => arrange::diagonal("diag", &x, k, 0, 1),
            _ => arrange::diag(&x, k),
        }
        .branded()
    }

    /// The matrix with all elements on diagonal `k`.
    #[track_caller]
    pub fn diagflat(&self, k: i32) -> Self {
        arrange::diag(&self.flatten().erased(), k).branded()
    }

    /// Diagonal `k` of the matrices in axes 0 and 1, as the last axis.
    #[track_caller]
    pub fn diagonal(&self, k: i32) -> Self {
        arrange::diagonal("diagonal", &self.erased(), k, 0, 1).branded()
    }

    /// Diagonal `k` of the matrices in two axes, as the last axis.
    #[track_caller]
    pub fn diagonal_axes(&self, k: i32, axes: (impl Axis, impl Axis)) -> Self {
        arrange::diagonal("diagonal", &self.erased(), k, axes.0.signed(), axes.1.signed()).branded()
    }

    /// The sum of diagonal `k` of the matrices in axes 0 and 1.
    #[track_caller]
    pub fn trace(&self, k: i32) -> Self {
        self.trace_axes(k, (0, 1))
    }

    /// The sum of diagonal `k` of the matrices in two axes.
    #[track_caller]
    pub fn trace_axes(&self, k: i32, axes: (impl Axis, impl Axis)) -> Self {
        let diagonal = arrange::diagonal("trace", &self.erased(), k, axes.0.signed(), axes.1.signed());
        diagonal.sum_axes(-1).branded()
    }

    /// Padded with the tensor's own elements: for each axis `(before, after)`. (With a number: [`pad`](Tensor::pad).)
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([1i32, 2, 3]);
    /// assert_eq!(x.pad_mode([(2, 1)], PadMode::Reflect).to_vec::<i32>(), [3, 2, 1, 2, 3, 2]);
    /// ```
    #[track_caller]
    pub fn pad_mode<const N: usize>(&self, widths: [(usize, usize); N], mode: PadMode) -> Self {
        arrange::pad(&self.erased(), &widths, mode).branded()
    }

    /// The values behind this tensor along an axis; dtypes promote.
    #[track_caller]
    pub fn append(&self, values: &Self, axis: impl Axis) -> Self {
        arrange::append(&self.erased(), &values.erased(), axis.signed()).branded()
    }

    /// The values put in before place `at` of an axis; they broadcast along the others. (NumPy's `insert` with one
    /// place: values with fewer axes get leading ones, and their first axis is then the one of the places.)
    #[track_caller]
    pub fn insert(&self, at: impl Axis, values: &Self, axis: impl Axis) -> Self {
        arrange::insert(&self.erased(), at.signed(), &values.erased(), axis.signed()).branded()
    }

    /// Without some places of an axis; negative ones count from the end.
    #[track_caller]
    pub fn delete(&self, places: impl IntoAxes, axis: impl Axis) -> Self {
        arrange::delete(&self.erased(), &places.into_axes(), axis.signed()).branded()
    }
}
