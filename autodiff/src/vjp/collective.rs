//! Collectives, of which the transposes are collectives. Each lane has its own copy of everything, and the sum of all lanes'
//! results is differentiated: so a sum is its own transpose, whether or not lanes' values happen to differ.

use super::{Keep, Pull, T};
use plywood_core::op::{Collective, CollectiveKind};
use plywood_core::{Op, Value};
use std::sync::Arc;

pub(super) fn keep(kind: &CollectiveKind) -> Option<Keep> {
    match kind {
        CollectiveKind::Sum | CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => {
            Some(Keep::NOTHING)
        }
        CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } | CollectiveKind::Vary => {
            Some(Keep::NOTHING)
        }
        CollectiveKind::Max | CollectiveKind::Min => Some(Keep::inputs([0]).and_outputs()),
        CollectiveKind::Index => None,
    }
}

pub(super) fn vjp(c: &Collective, r: &Pull<'_>, ct: T) -> T {
    use CollectiveKind::*;
    match &c.kind {
        Sum => total(c, ct),
        Vary => apply(c, Sum, ct),
        AllGather { axis } => apply(c, SumScatter { axis: *axis }, ct),
        SumScatter { axis } => apply(c, AllGather { axis: *axis }, ct),
        AllToAll { split, concat } => apply(c, AllToAll { split: *concat, concat: *split }, ct),
        Permute { pairs } => {
            apply(c, Permute { pairs: pairs.iter().map(|&(from, to)| (to, from)).collect() }, ct)
        }
        Max | Min => total(c, ct) * winners(c, r.x(0), r.y()),
        Index => unreachable!("it has no inputs"),
    }
}

/// What all lanes have together went to each of them: what comes back is the sum of their cotangents. Where that is tracked it was
/// one value for all, and so is its cotangent, which each lane takes.
fn total(c: &Collective, ct: T) -> T {
    apply(c, if c.tracked { CollectiveKind::Vary } else { CollectiveKind::Sum }, ct)
}

/// What each lane has of an extreme: lanes that tie share it.
pub(crate) fn winners(c: &Collective, x: &T, y: &T) -> T {
    let winner = x.eq(y).cast(x.dtype());
    let winners = apply(c, CollectiveKind::Sum, winner.clone());
    winner / winners
}

/// A collective of the same lanes.
pub(crate) fn apply(c: &Collective, kind: CollectiveKind, x: T) -> T {
    T::of(Value::apply1(Op::Collective(Arc::new(c.with(kind))), x.into_value()))
}
