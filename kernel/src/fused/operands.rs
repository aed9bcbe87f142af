//! Where an operand of a planner's kernel lies: strides over the kernel's domain.
//!
//! What always holds: a view that the kernel reads through costs nothing; it is in the strides.

use crate::layout::{self, Strides, row_major};
use plywood_core::{Graph, Op};
use plywood_fusion::plan::{Operand, Per};

/// The strides of an operand over a domain of a shape whose last `trailing` axes are reduced, the columns of its rows. The
/// operand is a tensor of the shape `of` that lies in these strides; one for each row lies in order. What is one element
/// has strides of 0, as has an axis that a broadcast repeats.
pub fn over_domain(
    graph: &Graph,
    shape: &[usize],
    trailing: usize,
    (of, strides): (&[usize], &[isize]),
    operand: &Operand,
) -> Strides {
    if of.iter().product::<usize>() == 1 {
        return Strides::from_elem(0, shape.len());
    }
    if operand.per == Per::Row {
        return of_rows(shape, trailing);
    }
    match operand.view.map(|i| &graph.equations()[i].op) {
        None => strides.into(),
        Some(Op::Transpose { permutation }) => layout::transposed(strides, permutation),
        Some(Op::Broadcast { axes, .. }) => layout::broadcast(strides, of, shape, axes),
        Some(op) => unreachable!("{op} is no view that a kernel reads"),
    }
}

/// The strides of a tensor with one element for each row, in order, over a domain of a shape whose last `trailing` axes are the columns.
pub fn of_rows(shape: &[usize], trailing: usize) -> Strides {
    let leading = shape.len() - trailing;
    let mut strides = row_major(&shape[..leading]);
    strides.resize(shape.len(), 0);
    strides
}
