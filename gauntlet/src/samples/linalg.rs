//! Factorisations.

use crate::Sample;

pub(super) fn linalg() -> Vec<Sample> {
    todo!()
}
