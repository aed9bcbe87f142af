//! Derivatives of factorisations.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::Linalg;
use smallvec::SmallVec;

pub(super) fn keep(_l: Linalg) -> Keep {
    todo!()
}

pub(super) fn vjp(_l: Linalg, _r: &Pull<'_>, _cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    todo!()
}
