//! Tangents of running products, extremes and logarithms of sums.

use super::{Push, Tangents, transposed::transposed};
use plywood_core::op::Cumulation;

pub(super) fn cumulative(_kind: Cumulation, _axis: usize, _reverse: bool, p: &Push<'_>) -> Tangents {
    transposed(p)
}
