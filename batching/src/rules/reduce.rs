//! Reductions, running ones too: along the same axes, one further.

use super::{Args, Batch, up};
use plywood_core::op::{ArgReduction, Cumulation, Reduction};
use plywood_core::{DType, Op};

pub(super) fn reduce(kind: Reduction, axes: &[usize], b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Reduce { kind, axes: up(axes) }, x)
}

pub(super) fn arg_reduce(kind: ArgReduction, axis: usize, dtype: DType, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::ArgReduce { kind, axis: axis + 1, dtype }, x)
}

pub(super) fn cumulative(kind: Cumulation, axis: usize, reverse: bool, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Cumulative { kind, axis: axis + 1, reverse }, x)
}
