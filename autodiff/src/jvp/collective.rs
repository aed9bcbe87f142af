//! Extremes over lanes: the tangents of those that have one, weighted where they tie.

use super::{Push, Tangents};
use crate::vjp::collective::{apply, winners};
use plywood_core::op::{Collective, CollectiveKind};
use smallvec::smallvec;

pub(super) fn extreme(c: &Collective, p: &Push<'_>) -> Tangents {
    smallvec![Some(apply(c, CollectiveKind::Sum, p.tangent(0) * winners(c, &p.x[0], &p.y[0])))]
}
