//! Indexing: `x.get((0, .., 1..3))`, `x.get((.., &indices))`, `x.at((0, ..)).set(1.0)`.
//!
//! An index is one part or a tuple of parts, one an axis; axes that are not named are taken whole. A part is a number
//! (negative ones count from the end), a range, [`step`] of a range, an integer tensor, a boolean mask, [`NewAxis`], or
//! [`Ellipsis`] for as many whole axes as are left. `..` is one whole axis (NumPy's `:`).

use super::{Operand, Tensor};
use crate::op::{Binary, Unary};
use crate::shape::Axis;
use crate::value::{IndexItem, Term, Update};
use crate::{Backend, TensorType};
use smallvec::SmallVec;
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

/// A new axis of size 1, in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewAxis;

/// As many whole axes as the other parts of an index leave (NumPy's `...`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ellipsis;

/// A range with a step: what [`step`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stepped {
    start: Option<isize>,
    end: Option<isize>,
    step: isize,
}

/// Every `by`th place of a range; a negative step goes backwards from the range's first place to its (exclusive) end:
/// `step(.., -1)` turns an axis round.
pub fn step(range: impl Bounds, by: i32) -> Stepped {
    let (start, end) = range.bounds();
    Stepped { start, end, step: by as isize }
}

/// A range of an axis; either end may be missing or count from the end.
pub trait Bounds {
    /// First place, and the place after the last.
    fn bounds(self) -> (Option<isize>, Option<isize>);
}
impl Bounds for RangeFull {
    fn bounds(self) -> (Option<isize>, Option<isize>) {
        (None, None)
    }
}
/// The exclusive end after an inclusive one; after -1 there is no more.
fn after(end: isize) -> Option<isize> {
    (end != -1).then_some(end + 1)
}
macro_rules! bounds { ($($T:ident)*) => { $(
    impl Bounds for Range<$T> {
        fn bounds(self) -> (Option<isize>, Option<isize>) { (Some(self.start.signed()), Some(self.end.signed())) }
    }
    impl Bounds for RangeFrom<$T> {
        fn bounds(self) -> (Option<isize>, Option<isize>) { (Some(self.start.signed()), None) }
    }
    impl Bounds for RangeTo<$T> {
        fn bounds(self) -> (Option<isize>, Option<isize>) { (None, Some(self.end.signed())) }
    }
    impl Bounds for RangeInclusive<$T> {
        fn bounds(self) -> (Option<isize>, Option<isize>) { (Some(self.start().signed()), after(self.end().signed())) }
    }
    impl Bounds for RangeToInclusive<$T> {
        fn bounds(self) -> (Option<isize>, Option<isize>) { (None, after(self.end.signed())) }
    }
)* } }
bounds!(i32 isize usize);

/// One part of an index.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of an index",
    note = "a part is a number, a range, step(range, n), NewAxis, Ellipsis, or a reference to an integer tensor: &indices"
)]
pub trait IndexPart<B: Backend> {
    /// The part, without a brand.
    fn item(self) -> IndexItem;
}
macro_rules! parts { ($($T:ty)*) => { $(
    impl<B: Backend> IndexPart<B> for $T {
        fn item(self) -> IndexItem {
            let (start, end) = self.bounds();
            IndexItem::Range { start, end, step: 1 }
        }
    }
)* } }
parts!(RangeFull Range<i32> Range<isize> Range<usize> RangeFrom<i32> RangeFrom<isize> RangeFrom<usize>
    RangeTo<i32> RangeTo<isize> RangeTo<usize> RangeInclusive<i32> RangeInclusive<isize> RangeInclusive<usize>
    RangeToInclusive<i32> RangeToInclusive<isize> RangeToInclusive<usize>);
macro_rules! places { ($($T:ty)*) => { $(
    impl<B: Backend> IndexPart<B> for $T {
        fn item(self) -> IndexItem { IndexItem::At(self.signed()) }
    }
)* } }
places!(i32 isize usize);
impl<B: Backend> IndexPart<B> for Stepped {
    fn item(self) -> IndexItem {
        IndexItem::Range { start: self.start, end: self.end, step: self.step }
    }
}
impl<B: Backend> IndexPart<B> for NewAxis {
    fn item(self) -> IndexItem {
        IndexItem::NewAxis
    }
}
impl<B: Backend> IndexPart<B> for Ellipsis {
    fn item(self) -> IndexItem {
        IndexItem::Ellipsis
    }
}
impl<B: Backend> IndexPart<B> for &Tensor<B> {
    fn item(self) -> IndexItem {
        IndexItem::Tensor(self.value.clone())
    }
}

/// A whole index: one part, or a tuple of up to six.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an index",
    note = "an index is a part or a tuple of parts: numbers, ranges, step(range, n), NewAxis, Ellipsis, &indices"
)]
pub trait Index<B: Backend> {
    /// The parts, without a brand.
    fn items(self) -> SmallVec<[IndexItem; 4]>;
}
macro_rules! single { ($($T:ty)*) => { $(
    impl<B: Backend> Index<B> for $T {
        fn items(self) -> SmallVec<[IndexItem; 4]> { std::iter::once(IndexPart::<B>::item(self)).collect() }
    }
)* } }
single!(i32 isize usize RangeFull Range<i32> Range<isize> Range<usize> RangeFrom<i32> RangeFrom<isize>
    RangeFrom<usize> RangeTo<i32> RangeTo<isize> RangeTo<usize> RangeInclusive<i32> RangeInclusive<isize>
    RangeInclusive<usize> RangeToInclusive<i32> RangeToInclusive<isize> RangeToInclusive<usize>
    Stepped NewAxis Ellipsis &Tensor<B>);
macro_rules! tuples { ($($($T:ident)*;)*) => { $(
    #[allow(non_snake_case)]
    impl<Bk: Backend, $($T: IndexPart<Bk>),*> Index<Bk> for ($($T,)*) {
        fn items(self) -> SmallVec<[IndexItem; 4]> {
            let ($($T,)*) = self;
            [$($T.item()),*].into_iter().collect()
        }
    }
)* } }
tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; }

impl<B: Backend> Tensor<B> {
    /// The part that an index names. A number drops its axis; index tensors broadcast together and their axes stand
    /// where the first of them was (in front, if they are not neighbours), as in NumPy.
    ///
    /// A bool tensor is a mask: it takes as many axes as it has, and the true places stand in a row in the result. It
    /// is read, so it must have values (in a recorded function choose with [`select`](Tensor::select)).
    ///
    /// Panics where an index is out of bounds; in a recorded function, where values of index tensors are not known,
    /// they are clamped.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::arange(12).reshape([3, 4]);
    /// assert_eq!(x.get((1, ..)).to_vec::<i32>(), [4, 5, 6, 7]);
    /// assert_eq!(x.get((.., -1)).to_vec::<i32>(), [3, 7, 11]);
    /// assert_eq!(x.get((step(.., -1), 1..3)).shape(), &[3, 2]);
    /// let rows = Tensor::<Cpu>::from([2i32, 0]);
    /// assert_eq!(x.get((&rows, 0)).to_vec::<i32>(), [8, 0]);
    /// assert_eq!(x.get(&x.gt(8)).to_vec::<i32>(), [9, 10, 11]);
    /// ```
    #[track_caller]
    pub fn get(&self, index: impl Index<B>) -> Self {
        Self::of(self.value.clone().get(&index.items()))
    }

    /// The part that an index names, to be updated: `x.at(i).set(y)`, `.add(y)`, `.sub(y)`, `.mul(y)`, `.divide(y)`,
    /// `.power(y)`, `.min(y)`, `.max(y)`; the result is a new tensor.
    ///
    /// A mask that is the whole index (or stands beside `..` and [`Ellipsis`]) is not read: `x.at(&mask).set(y)` selects
    /// `y` where the mask is true, and works in a recorded function. Values then have the axes of `x`, or those behind
    /// the mask's.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([[1.0, -2.0], [-3.0, 4.0]]);
    /// assert_eq!(x.at(&x.lt(0)).set(0), Tensor::from([[1.0, 0.0], [0.0, 4.0]]));
    /// assert_eq!(x.at((.., 0)).sub(1), Tensor::from([[0.0, -2.0], [-4.0, 4.0]]));
    /// ```
    #[track_caller]
    pub fn at(&self, index: impl Index<B>) -> At<B> {
        At { tensor: self.clone(), items: index.items() }
    }
}

/// A part of a tensor that is to be updated.
#[derive(Debug)]
#[must_use = "say what happens there: .set(..), .add(..), .sub(..), .mul(..), .min(..), .max(..)"]
pub struct At<B: Backend> {
    tensor: Tensor<B>,
    items: SmallVec<[IndexItem; 4]>,
}

impl<B: Backend> At<B> {
    /// The tensor with the part replaced. Where index tensors name a place twice, the last one wins.
    #[track_caller]
    pub fn set(self, y: impl Operand<B>) -> Tensor<B> {
        self.update(Update::Set, y)
    }

    /// The tensor with `y` added to the part; places named twice get both.
    #[track_caller]
    pub fn add(self, y: impl Operand<B>) -> Tensor<B> {
        self.update(Update::Add, y)
    }

    /// The tensor with the part multiplied by `y`; places named twice by both.
    #[track_caller]
    pub fn mul(self, y: impl Operand<B>) -> Tensor<B> {
        self.update(Update::Mul, y)
    }

    /// The tensor with `y` subtracted from the part; places named twice lose both.
    #[track_caller]
    pub fn sub(self, y: impl Operand<B>) -> Tensor<B> {
        let x = &self.tensor.value;
        let y = match y.term() {
            Term::Value(y) => y.cast(x.dtype()),
            Term::Number(n) => x.full(n, TensorType::scalar(x.dtype())),
        };
        let negative = Term::Value(y.unary(Unary::Neg));
        Tensor::of(self.tensor.value.update(&self.items, Update::Add, negative))
    }

    /// The tensor with the part divided by `y`; places named twice by both. Integers are divided in f32.
    #[track_caller]
    pub fn divide(self, y: impl Operand<B>) -> Tensor<B> {
        let divisor = self.tensor.ones_like().value.update(&self.items, Update::Mul, y.term());
        Tensor::of(self.tensor.value.binary(Binary::Div, Term::Value(divisor)))
    }

    /// The tensor with the part raised to the power `y`; places named twice to the product. Integers in f32.
    #[track_caller]
    pub fn power(self, y: impl Operand<B>) -> Tensor<B> {
        let exponent = self.tensor.ones_like().value.update(&self.items, Update::Mul, y.term());
        Tensor::of(self.tensor.value.binary(Binary::Pow, Term::Value(exponent)))
    }

    /// The tensor with the smaller of the part and `y`.
    #[track_caller]
    pub fn min(self, y: impl Operand<B>) -> Tensor<B> {
        self.update(Update::Min, y)
    }

    /// The tensor with the larger of the part and `y`.
    #[track_caller]
    pub fn max(self, y: impl Operand<B>) -> Tensor<B> {
        self.update(Update::Max, y)
    }

    /// The part itself.
    #[track_caller]
    pub fn get(self) -> Tensor<B> {
        Tensor::of(self.tensor.value.get(&self.items))
    }

    #[track_caller]
    fn update(self, how: Update, y: impl Operand<B>) -> Tensor<B> {
        Tensor::of(self.tensor.value.update(&self.items, how, y.term()))
    }
}
