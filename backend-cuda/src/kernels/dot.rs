//! Contractions: matrix products by kernels made for them, where there are such; else a row for each element of the output, whose
//! columns are what is contracted.

use super::{Queue, along, written};
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::op::Dot;
use plywood_core::{TensorType, Value, Values};

/// Inputs: left and right. Output axes: batch axes, then free ones of the left, then of the right.
pub fn dot<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, dot: &Dot) -> Value {
    #[cfg(feature = "matmul")]
    if let Some(y) = super::matmul::dot(queue, &ty, &x[0], &x[1], dot) {
        return y;
    }
    rows(queue, ty, &x[0], &x[1], dot)
}

/// By rows of a program: any dtype, any axes.
fn rows<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: &Value, y: &Value, dot: &Dot) -> Value {
    let (free_x, free_y) = (dot.lhs_free(x.rank()), dot.rhs_free(y.rank()));
    // Without contracted axes there is one column.
    let one = dot.lhs_contracting.is_empty().then_some(None);
    let none = |axes: &[usize]| vec![None; axes.len()];
    let some = |axes: &[usize]| axes.iter().map(|&d| Some(d)).collect::<Vec<_>>();
    let left = [some(&dot.lhs_batch), some(&free_x), none(&free_y), some(&dot.lhs_contracting)].concat();
    let right = [some(&dot.rhs_batch), none(&free_x), some(&free_y), some(&dot.rhs_contracting)].concat();
    let columns = dot.lhs_contracting.iter().map(|&d| x.shape()[d]).chain(one.map(|_| 1));
    let shape: Vec<usize> = ty.shape.iter().copied().chain(columns).collect();
    let buffer = queue.empty(&ty);
    let mut to = written(&buffer, &ty);
    to.strides.resize(shape.len(), 0);
    let operands = vec![along(x, left.into_iter().chain(one)), along(y, right.into_iter().chain(one)), to];
    queue.run(Single::Dot(x.dtype(), ty.dtype), &shape, dot.lhs_contracting.len().max(1), operands);
    queue.filled(ty, buffer)
}
