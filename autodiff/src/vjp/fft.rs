//! Derivatives of Fourier transforms: they are linear, and the transpose of one is another.

use super::{Gradients, T};
use plywood_core::op::FftKind;
use smallvec::SmallVec;

pub(super) fn vjp(_kind: FftKind, _sizes: &[usize], _cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    todo!()
}
