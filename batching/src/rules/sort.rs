//! Sorting along the same axis, one further.

use super::{Args, Batch};
use plywood_core::Op;

pub(super) fn sort(axis: usize, keys: usize, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Sort { axis: axis + 1, keys }, x)
}

pub(super) fn top_k(k: usize, axis: usize, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::TopK { k, axis: axis + 1 }, x)
}
