//! Products of tensors: einsum, tensordot, outer, kron.

use super::Tensor;
use crate::library::contract;
use crate::shape::Signed;
use crate::{Backend, IntoAxes};

/// Einstein summation, as NumPy writes it: a letter for each axis of each operand; axes with the same letter run along,
/// and those that the result does not name are summed. `...` stands for any number of axes, which broadcast; without
/// `->` the result has the letters that stand once, in the alphabet's order. A letter twice in one operand takes its
/// diagonal.
///
/// Several operands are contracted pair by pair in the cheapest order. Dtypes promote. Panics where the expression does
/// not fit the shapes, naming the label.
///
/// ```
/// # use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([[1.0f32, 2.0], [3.0, 4.0]]);
/// assert_eq!(einsum("ij,jk->ik", [&x, &x]), x.matmul(&x));
/// assert_eq!(einsum("ii", [&x]).item::<f32>(), 5.0);
/// assert_eq!(einsum("...i,i", [&x, &x.get(0)]).to_vec::<f32>(), [5.0, 11.0]);
/// ```
#[track_caller]
pub fn einsum<'a, B: Backend>(
    expression: &str,
    operands: impl IntoIterator<Item = &'a Tensor<B>>,
) -> Tensor<B> {
    contract::einsum(expression, operands.into_iter().map(Tensor::erased).collect()).branded()
}

/// Axes of both sides of a [`tensordot`](Tensor::tensordot): a number n, the last n axes of the first and the first n
/// of the second, or a pair of lists.
pub trait Contracted {
    /// How many axes, or which of each.
    fn axes(self) -> Result<usize, (Signed, Signed)>;
}
impl Contracted for usize {
    fn axes(self) -> Result<usize, (Signed, Signed)> {
        Ok(self)
    }
}
impl Contracted for i32 {
    #[track_caller]
    fn axes(self) -> Result<usize, (Signed, Signed)> {
        assert!(self >= 0, "tensordot: {self} axes");
        Ok(self as usize)
    }
}
impl<X: IntoAxes, Y: IntoAxes> Contracted for (X, Y) {
    fn axes(self) -> Result<usize, (Signed, Signed)> {
        Err((self.0.into_axes(), self.1.into_axes()))
    }
}

impl<B: Backend> Tensor<B> {
    /// NumPy's `dot`: of vectors their dot product, of matrices their product; in general the sum over the last axis of
    /// the first and the last but one of the second (its only one, if it is a vector). Scalars multiply.
    #[track_caller]
    pub fn dot(&self, y: &Self) -> Self {
        contract::dot(&self.erased(), &y.erased()).branded()
    }

    /// The dot product of all elements, both flattened in row-major order.
    #[track_caller]
    pub fn vdot(&self, y: &Self) -> Self {
        contract::vdot(&self.erased(), &y.erased()).branded()
    }

    /// The sum over the last axes of both: `[a.., n]` and `[b.., n]` give `[a.., b..]`. Scalars multiply.
    #[track_caller]
    pub fn inner(&self, y: &Self) -> Self {
        contract::inner(&self.erased(), &y.erased()).branded()
    }

    /// Every element with every one of `y`, both flattened: a matrix.
    #[track_caller]
    pub fn outer(&self, y: &Self) -> Self {
        contract::outer(&self.erased(), &y.erased()).branded()
    }

    /// The sum over pairs of axes, then the other axes of the first, then those of the second.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let (x, y) = (Tensor::<Cpu>::ones([2, 3, 4], DType::F32), Tensor::ones([4, 3, 5], DType::F32));
    /// assert_eq!(x.tensordot(&y, ([1, 2], [1, 0])).shape(), &[2, 5]);
    /// assert_eq!(x.tensordot(&y, 1).shape(), &[2, 3, 3, 5]);
    /// ```
    #[track_caller]
    pub fn tensordot(&self, y: &Self, axes: impl Contracted) -> Self {
        match axes.axes() {
            Ok(n) => contract::tensordot_last(&self.erased(), &y.erased(), n).branded(),
            Err((left, right)) => contract::tensordot(&self.erased(), &y.erased(), &left, &right).branded(),
        }
    }

    /// The Kronecker product: each element becomes a block, itself times `y`. Shapes `[a, b]` and `[c, d]` give
    /// `[a c, b d]`; the tensor of fewer axes gets axes of size 1 in front.
    #[track_caller]
    pub fn kron(&self, y: &Self) -> Self {
        contract::kron(&self.erased(), &y.erased()).branded()
    }
}
