//! Comparisons, in lanes: a mask.
//!
//! What always holds: of floats, all but "not equal" are false where one is NaN.

use crate::{Type, V, ir};
use plywood_core::op::Compare;

/// The comparison of two values in lanes; false comes before true.
pub fn formula<'b>(op: Compare, x: V<'b>, y: V<'b>) -> V<'b> {
    if x.ty() == Type::Mask {
        return match op {
            Compare::Eq => !(x ^ y),
            Compare::Ne => x ^ y,
            Compare::Lt => !x & y,
            Compare::Le => !x | y,
            Compare::Gt => x & !y,
            Compare::Ge => x | !y,
        };
    }
    let op = match op {
        Compare::Eq => ir::Compare::Eq,
        Compare::Ne => ir::Compare::Ne,
        Compare::Lt => ir::Compare::Lt,
        Compare::Le => ir::Compare::Le,
        Compare::Gt => ir::Compare::Gt,
        Compare::Ge => ir::Compare::Ge,
    };
    x.compare(op, y)
}
