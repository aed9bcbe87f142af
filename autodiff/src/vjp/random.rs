//! Derivatives of samples by the parameters of their distributions.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::Random;

pub(super) fn keep(_random: &Random) -> Option<Keep> {
    todo!()
}

pub(super) fn vjp(_random: &Random, _r: &Pull<'_>, _ct: T) -> Gradients {
    todo!()
}
