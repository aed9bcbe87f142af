//! What the language does not promise, and programs here therefore avoid: the bits of a NaN, and scaling by wild
//! powers.
//!
//! The language means of a NaN only that it is one. Executors may give it another sign or payload (the processor takes
//! those of one operand, and which one depends on the order that the emitter chose; a compiler may fold it). So no
//! operation may look at a float's bits unless they are known: NaN was replaced before, or the bits come from an
//! integer. Outputs are compared with every NaN equal to every other.

use crate::kernel::Program;
use crate::kernel::ir::{Binary, Compare, Id, Op, Type, Unary};

/// Whether all that a program gives is promised.
pub fn is_kept(p: &Program) -> bool {
    p.ops().iter().all(|op| match *op {
        Op::Unary(Unary::Bits(to), x) => !p.ty(x).is_float() || to == p.ty(x) || bits_are_known(p, x),
        Op::Binary(Binary::And | Binary::Or | Binary::Xor, x, y) if p.ty(x).is_float() => {
            bits_are_known(p, x) && bits_are_known(p, y) || changes_the_sign(p, op)
        }
        Op::Binary(Binary::Scale, _, n) => is_tame(p, n),
        Op::Const(..) | Op::Column | Op::Load(_) | Op::Store(..) | Op::While(_) => true,
        Op::Unary(..) | Op::Binary(..) => true,
        Op::Fma(..) | Op::Compare(..) | Op::Select(..) | Op::Reduce(..) => true,
    })
}

/// Absolute values and negations of floats keep NaN what it is.
fn changes_the_sign(p: &Program, op: &Op) -> bool {
    let Op::Binary(op, _, y) = *op else { return false };
    let Op::Const(ty, bits) = p.ops()[y as usize] else { return false };
    let sign = if ty == Type::F32 { 1 << 31 } else { 1 << 63 };
    matches!((op, bits), (Binary::Xor, b) if b == sign)
        || matches!((op, bits), (Binary::And, b) if b == sign - 1)
}

/// Whether a float's bits are the same on all executors.
fn bits_are_known(p: &Program, x: Id) -> bool {
    let same = |a: Id, b: Id| a == b;
    match p.ops()[x as usize] {
        Op::Const(..) => true,
        Op::Unary(Unary::Bits(_) | Unary::Convert(_), a) => !p.ty(a).is_float() || bits_are_known(p, a),
        Op::Binary(Binary::And | Binary::Or | Binary::Xor, a, b) => {
            bits_are_known(p, a) && bits_are_known(p, b)
        }
        Op::Select(m, a, b) => match p.ops()[m as usize] {
            Op::Compare(Compare::Eq, c, d) if same(c, d) && same(c, a) => bits_are_known(p, b),
            Op::Compare(Compare::Ne, c, d) if same(c, d) && same(c, b) => bits_are_known(p, a),
            _ => bits_are_known(p, a) && bits_are_known(p, b),
        },
        Op::Column | Op::Load(_) | Op::Store(..) | Op::While(_) | Op::Unary(..) | Op::Binary(..) => false,
        Op::Fma(..) | Op::Compare(..) | Op::Reduce(..) => false,
    }
}

/// The largest power that a float is scaled by.
pub fn most(ty: Type) -> f64 {
    if ty == Type::F32 { 250.0 } else { 1100.0 }
}

/// Whether it is `round(max(min(most, x), -most))`.
fn is_tame(p: &Program, n: Id) -> bool {
    let at = |x: Id| p.ops()[x as usize];
    let is = |x: Id, value: f64| match at(x) {
        Op::Const(Type::F32, bits) => f32::from_bits(bits as u32) as f64 == value,
        Op::Const(Type::F64, bits) => f64::from_bits(bits) == value,
        _ => false,
    };
    let most = most(p.ty(n));
    let Op::Unary(Unary::Round(_), a) = at(n) else { return false };
    let Op::Binary(Binary::Max, a, low) = at(a) else { return false };
    let Op::Binary(Binary::Min, high, _) = at(a) else { return false };
    is(low, -most) && is(high, most)
}
