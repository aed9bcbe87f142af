//! Reductions, and places of extremes: rows of a program, over any axes. A few long rows are reduced in blocks, and their results
//! again.

use super::{Queue, along, operand, placed, shape, written};
use crate::data::{self, Buffer};
use crate::launch::Operand;
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::op::{ArgReduction, Reduction};
use plywood_core::{DType, Shape, TensorType, Value};
use plywood_kernel::layout::{Layout, Strides};

/// Rows of which there are fewer than this keep few of a device's cubes busy ...
const FEW: usize = 64;
/// ... so those that are longer than this are cut into blocks ...
const LONG: usize = 1 << 16;
/// ... of which there are so many for each, at most.
const BLOCKS: usize = 512;

/// Whether a reduction of so many elements to so many cuts its rows into blocks.
pub fn is_cut(from: usize, to: usize) -> bool {
    (1..FEW).contains(&to) && from / to > LONG
}

/// Combines all elements along some axes.
pub fn reduce<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kind: Reduction,
    axes: &[usize],
) -> Value {
    if is_cut(x.ty().elements(), ty.elements()) {
        return in_blocks(queue, ty, &x, kind, axes);
    }
    let buffer = queue.empty(&ty);
    let (shape, from, to) = rows_of(&x, axes, &ty, &buffer);
    queue.run(Single::Reduce(kind, x.dtype(), ty.dtype), &shape, axes.len().max(1), vec![from, to]);
    queue.filled(ty, buffer)
}

/// The place of the first extreme along an axis.
pub fn arg_reduce<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kind: ArgReduction,
    axis: usize,
) -> Value {
    let buffer = queue.empty(&ty);
    let (shape, from, to) = rows_of(&x, &[axis], &ty, &buffer);
    let largest = match kind {
        ArgReduction::Max => true,
        ArgReduction::Min => false,
    };
    queue.run(Single::ArgReduce(largest, x.dtype(), ty.dtype), &shape, 1, vec![from, to]);
    queue.filled(ty, buffer)
}

/// The domain with the reduced axes last; what is read there, and what is written for each row. Without axes there is one column.
fn rows_of(x: &Value, axes: &[usize], ty: &TensorType, buffer: &Buffer) -> (Vec<usize>, Operand, Operand) {
    let kept = (0..x.rank()).filter(|d| !axes.contains(d));
    let order: Vec<Option<usize>> = kept.chain(axes.iter().copied()).map(Some).collect();
    let none = axes.is_empty().then_some(None);
    let shape = order.iter().chain(&none).map(|d| d.map_or(1, |d| x.shape()[d])).collect();
    let mut to = written(buffer, ty);
    to.strides.resize(order.len() + none.is_some() as usize, 0);
    (shape, along(x, order.into_iter().chain(none)), to)
}

/// A few long rows, which are laid out in order if they are not: blocks of one length and what is left of each row, then their results.
fn in_blocks<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: &Value,
    kind: Reduction,
    axes: &[usize],
) -> Value {
    let kept = (0..x.rank()).filter(|d| !axes.contains(d));
    let order: Vec<usize> = kept.chain(axes.iter().copied()).collect();
    let turned = x.ty().with_shape(order.iter().map(|&d| x.shape()[d]).collect::<Shape>());
    let x = queue.contiguous(queue.view(turned, x, data::data(x).layout.transposed(&order)));
    // Partial results are as exact as sums are.
    let partial = match x.dtype() {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    };
    let rows = ty.elements();
    let n = x.ty().elements() / rows;
    let long = n.div_ceil(BLOCKS).next_multiple_of(64);
    let (blocks, rest) = (n / long, n % long);
    let count = blocks + (rest > 0) as usize;
    let results = TensorType::new(Shape::from([rows, count]), partial);
    let buffer = queue.empty(&results);
    // So many blocks of each row, from that one on.
    let part = |first: usize, blocks: usize, columns: usize| {
        let from = Operand {
            offset: data::data(&x).layout.offset + first * long,
            strides: Strides::from_slice(&[n as isize, columns as isize, 1]),
            ..operand(&x)
        };
        let strides = Strides::from_slice(&[count as isize, 1, 0]);
        let to = placed(&buffer, Layout { strides, offset: first });
        queue.run(Single::Reduce(kind, x.dtype(), partial), &[rows, blocks, columns], 1, vec![from, to]);
    };
    part(0, blocks, long);
    if rest > 0 {
        part(blocks, 1, rest);
    }
    let flat = ty.with_shape([rows]);
    let result = reduce(queue, flat, queue.filled(results, buffer), kind, &[1]);
    shape::reshape(queue, ty, result)
}
