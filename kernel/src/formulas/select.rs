//! Choosing between operands and clamping, in lanes.
//!
//! What always holds: what is chosen is one of the operands, bit by bit, so nothing is rounded.

use super::binary::{max, min};
use crate::{Type, V};

/// `yes` where the mask is set.
pub fn choose<'b>(which: V<'b>, no: V<'b>, yes: V<'b>) -> V<'b> {
    match yes.ty() {
        Type::Mask => (which & yes) | (!which & no),
        _ => which.select(yes, no),
    }
}

/// `x`, but not below `low`, and then not above `high`; NaN if any is.
pub fn clamp<'b>(low: V<'b>, x: V<'b>, high: V<'b>) -> V<'b> {
    min(max(x, low), high)
}
