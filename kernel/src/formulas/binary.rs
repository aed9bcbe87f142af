//! Arithmetic of two operands of one type, in lanes.
//!
//! What always holds: integers wrap; those of up to 32 bits divide as f64, in lanes of 64 bits, exactly. What no formula
//! computes (quotients of 64-bit integers, `fmod`, `next_after`) is not asked for here.

use crate::ir::Rounding;
use crate::{Type, V, math};
use plywood_core::op::Binary;

/// The function of two values in lanes.
pub fn formula<'b>(op: Binary, x: V<'b>, y: V<'b>) -> V<'b> {
    match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div if x.ty().is_float() => x / y,
        Binary::Div => {
            let quotient = (x.convert(Type::F64) / y.convert(Type::F64)).convert(x.ty());
            y.eq(y.c(0.0)).select(x.builder().bits(x.ty(), u64::MAX), quotient)
        }
        Binary::Rem => {
            let (a, b) = (x.convert(Type::F64), y.convert(Type::F64));
            let whole = (a / b).round(Rounding::Zero);
            y.eq(y.c(0.0)).select(x, whole.fnma(b, a).convert(x.ty()))
        }
        Binary::Pow => math::pow(x, y),
        Binary::Atan2 => math::atan2(x, y),
        Binary::Max => max(x, y),
        Binary::Min => min(x, y),
        Binary::NextAfter => unreachable!("it has a loop"),
    }
}

/// The larger; NaN if either is; of equal zeros the positive one. Of masks: or.
pub fn max<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    match x.ty() {
        Type::Mask => x | y,
        ty if ty.is_float() => {
            let larger = x.eq(y).select(x & y, x.max(y));
            x.is_nan().select(x, larger)
        }
        _ => x.max(y),
    }
}

/// The smaller; NaN if either is; of equal zeros the negative one. Of masks: and.
pub fn min<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    match x.ty() {
        Type::Mask => x & y,
        ty if ty.is_float() => {
            let smaller = x.eq(y).select(x | y, x.min(y));
            x.is_nan().select(x, smaller)
        }
        _ => x.min(y),
    }
}
