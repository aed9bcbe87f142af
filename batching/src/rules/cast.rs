//! By bits, the last axis comes or goes, and is never the lanes' own.

use super::{Args, Batch};
use plywood_core::Op;

pub(super) fn bitcast(op: &Op, b: &Batch<'_>, x: Args) -> Args {
    b.all(op, x)
}
