//! Bits of integers and the logic of bool, in lanes.
//!
//! What always holds: an element may have fewer bits than its lane, which its sign or zeros fill; a formula counts and
//! moves the element's bits alone.

use crate::{Type, V};
use plywood_core::DType;
use plywood_core::op::Bits;

/// The function of values in lanes that came from elements of `dtype`, which may have fewer bits than the lanes.
pub fn formula<'b>(op: Bits, dtype: DType, x: &[V<'b>]) -> V<'b> {
    match op {
        Bits::Not => !x[0],
        Bits::PopulationCount => ones(alone(x[0], dtype)),
        Bits::CountLeadingZeros => {
            let x = alone(x[0], dtype);
            x.c(dtype.size() as f64 * 8.0) - ones(smear(x))
        }
        Bits::And => x[0] & x[1],
        Bits::Or => x[0] | x[1],
        Bits::Xor => x[0] ^ x[1],
        // Amounts are taken as unsigned: a negative one, whose sign fills the lane, is too many.
        Bits::ShiftLeft => x[0].shl_by(x[1]),
        Bits::ShiftRightArithmetic => {
            let signed = x[0].builder().width().signed();
            let unused = (x[0].builder().width().bytes() - dtype.size()) as u8 * 8;
            let value = x[0].bits(signed);
            let value = if unused == 0 { value } else { value.shl(unused).shr(unused) };
            value.shr_by(x[1].bits(signed)).bits(x[0].ty())
        }
        Bits::ShiftRightLogical => {
            let value = alone(x[0], dtype);
            value.shr_by(x[1].bits(value.ty()))
        }
    }
}

/// As the lane's unsigned integer, without what an element's sign filled.
fn alone<'b>(x: V<'b>, dtype: DType) -> V<'b> {
    let b = x.builder();
    let bits = x.bits(b.width().unsigned());
    match dtype.size() == b.width().bytes() {
        true => bits,
        false => bits & b.uint((1 << (8 * dtype.size())) - 1),
    }
}

/// All bits below the highest set one set.
fn smear<'b>(x: V<'b>) -> V<'b> {
    let steps = if x.ty() == Type::U64 { 6 } else { 5 };
    (0..steps).fold(x, |x, i| x | x.shr(1 << i))
}

/// The number of set bits, summed side by side in fields of 2, 4 and 8 bits, then by a multiplication (Warren,
/// "Hacker's Delight", 2012, 5-1).
fn ones<'b>(x: V<'b>) -> V<'b> {
    let b = x.builder();
    let wide = x.ty() == Type::U64;
    let c = |bits: u64| b.uint(if wide { bits } else { bits & u32::MAX as u64 });
    let (m1, m2, m4) = (c(0x5555_5555_5555_5555), c(0x3333_3333_3333_3333), c(0x0f0f_0f0f_0f0f_0f0f));
    let x = x - (x.shr(1) & m1);
    let x = (x & m2) + (x.shr(2) & m2);
    let x = (x + x.shr(4)) & m4;
    (x * c(0x0101_0101_0101_0101)).shr(if wide { 56 } else { 24 })
}
