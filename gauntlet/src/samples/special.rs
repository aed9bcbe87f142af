//! Special functions.

use crate::Sample;

pub(super) fn special() -> Vec<Sample> {
    todo!()
}
