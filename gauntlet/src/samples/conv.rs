//! Convolutions.

use crate::Sample;

pub(super) fn conv() -> Vec<Sample> {
    todo!()
}
