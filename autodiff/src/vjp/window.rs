//! Derivatives of window reductions.

use super::{Keep, Pull, T};
use plywood_core::op::{Window, WindowKind};

pub(super) fn keep(_kind: WindowKind) -> Option<Keep> {
    todo!()
}

pub(super) fn vjp(_kind: WindowKind, _window: &Window, _r: &Pull<'_>, _ct: T) -> Option<T> {
    todo!()
}
