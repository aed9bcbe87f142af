//! Running reductions.

use crate::Sample;

pub(super) fn cumulative() -> Vec<Sample> {
    todo!()
}
