//! Derivatives of a convolution: it is bilinear, and each of its cotangents is a convolution again.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::Conv;

pub(super) fn keep(_x: bool, _kernel: bool) -> Keep {
    todo!()
}

pub(super) fn vjp(_conv: &Conv, _r: &Pull<'_>, _ct: T) -> Gradients {
    todo!()
}
