//! Free functions of several tensors: joining, broadcasting, grids, choosing.

use super::super::{Operand, Tensor};
use super::{branded, erased};
use crate::library::arrange;
use crate::value::Term;
use crate::{Backend, Dyn};

/// Tensors below one another: along the first axis; vectors are rows. Dtypes promote.
#[track_caller]
pub fn vstack<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Tensor<B> {
    arrange::side_by_side("vstack", &erased(tensors), 2, Some(0), false).branded()
}

/// Tensors beside one another: along the second axis, vectors along their only one. Dtypes promote.
#[track_caller]
pub fn hstack<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Tensor<B> {
    arrange::side_by_side("hstack", &erased(tensors), 1, None, false).branded()
}

/// Tensors behind one another: along the third axis, which is added where it is missing. Dtypes promote.
#[track_caller]
pub fn dstack<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Tensor<B> {
    arrange::side_by_side("dstack", &erased(tensors), 3, Some(2), false).branded()
}

/// Vectors as the columns of a matrix, beside the columns of matrices. Dtypes promote.
#[track_caller]
pub fn column_stack<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Tensor<B> {
    arrange::side_by_side("column_stack", &erased(tensors), 2, Some(1), true).branded()
}

/// All tensors with the shape that they broadcast to.
#[track_caller]
pub fn broadcast_arrays<'a, B: Backend>(tensors: impl IntoIterator<Item = &'a Tensor<B>>) -> Vec<Tensor<B>> {
    branded(arrange::broadcast_all("broadcast_arrays", &erased(tensors)))
}

/// Which axes of a [`meshgrid`] the first two vectors run along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Indexing {
    /// Cartesian, NumPy's default: the first along the second axis, the second along the first.
    Xy,
    /// Of matrices: each along its own axis.
    Ij,
}

/// Coordinates on a grid: for each vector a tensor over the whole grid in which it varies along its axis.
///
/// ```
/// # use plywood::prelude::*;
/// let (x, y) = (Tensor::<Cpu>::arange(3), Tensor::arange(2));
/// let grid = meshgrid([&x, &y], Indexing::Xy);
/// assert_eq!(grid[0].shape(), &[2, 3]);
/// assert_eq!(grid[1].to_vec::<i32>(), [0, 0, 0, 1, 1, 1]);
/// ```
#[track_caller]
pub fn meshgrid<'a, B: Backend>(
    vectors: impl IntoIterator<Item = &'a Tensor<B>>,
    indexing: Indexing,
) -> Vec<Tensor<B>> {
    branded(arrange::grid("meshgrid", &erased(vectors), indexing == Indexing::Xy, true))
}

/// Each vector along an axis of its own, so that together they index the grid: `x.get((&v[0], &v[1]))`.
#[track_caller]
pub fn ix_<'a, B: Backend>(vectors: impl IntoIterator<Item = &'a Tensor<B>>) -> Vec<Tensor<B>> {
    branded(arrange::grid("ix_", &erased(vectors), false, false))
}

/// Where the condition is true (not zero) `x`, elsewhere `y`; all three broadcast. NumPy's `where`, and
/// [`Tensor::select`] as a function.
///
/// The derivative goes to what was selected; but of what was not selected, a derivative of inf or NaN still makes NaN:
/// instead of `where_(x > 0, sqrt(x), 0)` write `where_(x > 0, sqrt(where_(x > 0, x, 1)), 0)`.
///
/// ```
/// # use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([-1.0, 2.0]);
/// assert_eq!(where_(&x.gt(0), &x, 0.1 * &x), Tensor::from([-0.1, 2.0]));
/// ```
#[track_caller]
pub fn where_<B: Backend>(condition: &Tensor<B>, x: impl Operand<B>, y: impl Operand<B>) -> Tensor<B> {
    condition.select(x, y)
}

/// For each element the choice of the first condition that is true there, or the default. All broadcast.
#[track_caller]
pub fn select<'a, B: Backend>(
    conditions: impl IntoIterator<Item = &'a Tensor<B>>,
    choices: impl IntoIterator<Item = &'a Tensor<B>>,
    default: impl Operand<B>,
) -> Tensor<B> {
    let (conditions, choices) = (erased(conditions), erased(choices));
    let n = conditions.len();
    assert!(n == choices.len() && n > 0, "select: {n} conditions for {} choices", choices.len());
    let last = n - 1;
    let choice = Term::Value(choices[last].value().clone());
    let mut chosen: Tensor<Dyn> = Tensor::of(conditions[last].value().clone().select(choice, default.term()));
    for i in (0..last).rev() {
        chosen = conditions[i].select(&choices[i], chosen);
    }
    chosen.branded()
}
