//! Sliding windows.

use crate::Sample;

pub(super) fn window() -> Vec<Sample> {
    todo!()
}
