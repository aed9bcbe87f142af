//! Reductions, and places of extremes: rows of a program, over any axes. One long row is reduced in blocks, and their results again.

use super::{Queue, along, operand, placed, written};
use crate::data::{self, Buffer, Storage};
use crate::launch::Operand;
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::op::{ArgReduction, Reduction};
use plywood_core::{DType, Shape, TensorType, Value};
use plywood_kernel::layout::{Layout, Strides};

/// A tensor that is reduced as a whole is cut into blocks where it is larger than this.
const LONG: usize = 1 << 16;
/// Into so many, at most.
const BLOCKS: usize = 512;

/// Combines all elements along some axes.
pub fn reduce<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kind: Reduction,
    axes: &[usize],
) -> Value {
    if ty.elements() == 1 && x.ty().elements() > LONG {
        return in_blocks(queue, ty, queue.contiguous(x), kind);
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

/// All of a tensor in order: blocks of one length and what is left, then their results.
fn in_blocks<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Value, kind: Reduction) -> Value {
    // Partial results are as exact as sums are.
    let partial = match x.dtype() {
        DType::F16 | DType::BF16 => DType::F32,
        other => other,
    };
    let n = x.ty().elements();
    let long = n.div_ceil(BLOCKS).next_multiple_of(64);
    let (blocks, rest) = (n / long, n % long);
    let results = TensorType { dtype: partial, shape: Shape::from([blocks + (rest > 0) as usize]) };
    let buffer = queue.empty(&results);
    let part = |at: usize, first: usize, blocks: usize, long: usize| {
        let from = Operand {
            offset: data::data(&x).layout.offset + first,
            strides: Strides::from_slice(&[long as isize, 1]),
            ..operand(&x)
        };
        let to = placed(&buffer, Layout { strides: Strides::from_slice(&[1, 0]), offset: at });
        queue.run(Single::Reduce(kind, x.dtype(), partial), &[blocks, long], 1, vec![from, to]);
    };
    part(0, 0, blocks, long);
    if rest > 0 {
        part(blocks, blocks * long, 1, rest);
    }
    let layout = Layout::row_major(&results.shape);
    let results = queue.value(results, layout, Storage::Device(buffer));
    reduce(queue, ty, results, kind, &[0])
}
