//! Operations of the kernel language as instructions: what [`Op`] means, on a GPU.
//!
//! The meaning is that of the language, to the bit where the device's arithmetic is IEEE's. Three things are not left to
//! instructions whose edges differ between devices: comparisons with NaN, numbers that do not fit an integer, and sums whose
//! rounding errors are the point. Graphics compilers rewrite `(a + b) - a` to `b`, and a choice by `a < b` to their own minimum;
//! so a sum that another sum takes apart again, and one side of such a choice, are hidden from them ([`Emit::hidden`]).

use super::{BOOL, Emit, F32, F64, I32, U32, Val, of};
use cubecl::ir::{Arithmetic, Bitwise, Comparison, ConstantValue, ElemType, IntKind, Type as Cube, UIntKind};
use plywood_kernel::ir::{Binary, Compare, Fma, Id, Op, Program, Reduce, Rounding, Type, Unary};

/// A signed integer of 64 bits.
const I64: ElemType = ElemType::Int(IntKind::I64);
/// An unsigned integer of 64 bits.
const U64: ElemType = ElemType::UInt(UIntKind::U64);

/// The element type of lanes.
pub fn elem(ty: Type) -> ElemType {
    match ty {
        Type::F32 => F32,
        Type::I32 => I32,
        Type::U32 => U32,
        Type::F64 => F64,
        Type::I64 => I64,
        Type::U64 => U64,
        Type::Mask => BOOL,
    }
}

/// The word as wide as a float.
fn word(ty: Type) -> Type {
    match ty {
        Type::F32 | Type::I32 | Type::U32 => Type::U32,
        Type::F64 | Type::I64 | Type::U64 => Type::U64,
        Type::Mask => Type::Mask,
    }
}

/// A constant by its bits. Floats that a kernel's source cannot name (infinities, NaN), and -0, which CubeCL takes for 0, are bits
/// that are read as floats.
pub fn constant(e: &mut Emit, ty: Type, bits: u64) -> Val {
    let named = |x: f64| x.is_finite() && (x != 0.0 || x.is_sign_positive());
    let value: ConstantValue = match ty {
        Type::F32 if named(f32::from_bits(bits as u32) as f64) => (f32::from_bits(bits as u32) as f64).into(),
        Type::F64 if named(f64::from_bits(bits)) => f64::from_bits(bits).into(),
        Type::F32 | Type::F64 => {
            let word = constant(e, word(ty), bits);
            return e.bits(word, elem(ty));
        }
        Type::I32 => (bits as u32 as i32 as i64).into(),
        Type::I64 => (bits as i64).into(),
        Type::U32 | Type::U64 => bits.into(),
        Type::Mask => (bits & 1 == 1).into(),
    };
    e.constant(of(elem(ty), 1), value)
}

/// What a program's operation gives: `value` has the values before it.
///
/// Loads, stores, columns and reductions are their users' business.
pub fn compute(e: &mut Emit, program: &Program, id: Id, value: &dyn Fn(Id) -> Val) -> Val {
    let ty = program.ty(id);
    match program.ops()[id as usize] {
        Op::Const(ty, bits) => constant(e, ty, bits),
        Op::Unary(op, a) => unary(e, op, program.ty(a), value(a)),
        Op::Binary(op, a, b) => {
            let (x, y) = (value(a), value(b));
            let x = if takes_apart(program, op, a, b) { e.hidden(x) } else { x };
            let y = if takes_apart(program, op, b, a) || is_zero(program, op, b) { e.hidden(y) } else { y };
            binary(e, op, ty, x, y)
        }
        Op::Fma(op, a, b, c) => fma(e, op, value(a), value(b), value(c)),
        Op::Compare(op, a, b) => compare(e, op, value(a), value(b)),
        Op::Select(mask, yes, no) => {
            let (mask, yes, no) = (value(mask), value(yes), value(no));
            match ty {
                Type::Mask => choose_mask(e, mask, yes, no),
                _ => e.select(mask, yes, no),
            }
        }
        Op::Column | Op::Load(_) | Op::Store(..) | Op::While(_) | Op::Reduce(..) => {
            unreachable!("{:?} is not computed from values alone", program.ops()[id as usize])
        }
    }
}

/// What a program without reductions stores, in order, of what it is given as loaded: both in lanes.
pub fn apply(e: &mut Emit, program: &Program, loaded: &[Val]) -> Vec<Val> {
    let mut values: Vec<Option<Val>> = Vec::with_capacity(program.ops().len());
    let mut stored = Vec::new();
    for (id, op) in program.ops().iter().enumerate() {
        let value = match *op {
            Op::Load(arg) => Some(loaded[arg as usize]),
            Op::Store(_, x) => {
                stored.push(values[x as usize].expect("it was made before"));
                None
            }
            Op::Column | Op::While(_) | Op::Reduce(..) => unreachable!("{op:?} is of columns"),
            Op::Const(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => {
                Some(compute(e, program, id as Id, &|x| values[x as usize].expect("it was made before")))
            }
        };
        values.push(value);
    }
    stored
}

/// Whether a sum of floats has an operand that is a sum itself, with the other operand in it.
fn takes_apart(program: &Program, op: Binary, sum: Id, other: Id) -> bool {
    if !matches!(op, Binary::Add | Binary::Sub) || !program.ty(sum).is_float() {
        return false;
    }
    match program.ops()[sum as usize] {
        Op::Binary(Binary::Add | Binary::Sub, a, b) => a == other || b == other || sum == other,
        Op::Fma(_, _, _, c) => c == other || sum == other,
        _ => sum == other && op == Binary::Sub,
    }
}

/// Whether something is multiplied by zero: for its NaN, which compilers forget.
fn is_zero(program: &Program, op: Binary, factor: Id) -> bool {
    match program.ops()[factor as usize] {
        Op::Const(Type::F32, bits) => op == Binary::Mul && f32::from_bits(bits as u32) == 0.0,
        Op::Const(Type::F64, bits) => op == Binary::Mul && f64::from_bits(bits) == 0.0,
        _ => false,
    }
}

fn unary(e: &mut Emit, op: Unary, ty: Type, a: Val) -> Val {
    match op {
        Unary::Sqrt => e.float(Arithmetic::Sqrt, a),
        Unary::Round(Rounding::Nearest) => e.float(Arithmetic::Round, a),
        Unary::Round(Rounding::Down) => e.float(Arithmetic::Floor, a),
        Unary::Round(Rounding::Up) => e.float(Arithmetic::Ceil, a),
        Unary::Round(Rounding::Zero) => e.float(Arithmetic::Trunc, a),
        Unary::Not if ty == Type::Mask => e.not(a),
        Unary::Not => e.complement(a),
        Unary::Shl(n) => shifted(e, Bitwise::ShiftLeft, ty, a, n),
        Unary::Shr(n) => shifted(e, Bitwise::ShiftRight, ty, a, n),
        Unary::Rotl(0) => a,
        Unary::Rotl(n) => {
            let width = 8 * ty.width().expect("masks are not turned").bytes() as u8;
            let (up, down) =
                (shifted(e, Bitwise::ShiftLeft, ty, a, n), shifted(e, Bitwise::ShiftRight, ty, a, width - n));
            e.bitwise(Bitwise::BitwiseOr, up, down)
        }
        Unary::Convert(to) if ty.is_float() => to_integer(e, ty, to, a),
        Unary::Convert(to) => e.cast(a, elem(to)),
        Unary::Bits(to) => e.bits(a, elem(to)),
    }
}

fn shifted(e: &mut Emit, op: fn(cubecl::ir::BinaryOperator) -> Bitwise, ty: Type, a: Val, n: u8) -> Val {
    if n == 0 {
        return a;
    }
    let n = constant(e, ty, n as u64);
    e.bitwise(op, a, n)
}

/// Floats cut off; what does not fit, and NaN, give the lowest number of a signed type and all bits of an unsigned one.
fn to_integer(e: &mut Emit, from: Type, to: Type, a: Val) -> Val {
    let (least, most, otherwise) = match to {
        Type::I32 => (-(2f64.powi(31)), 2f64.powi(31), i32::MIN as u32 as u64),
        Type::I64 => (-(2f64.powi(63)), 2f64.powi(63), i64::MIN as u64),
        Type::U32 => (-1.0, 2f64.powi(32), u32::MAX as u64),
        Type::U64 => (-1.0, 2f64.powi(64), u64::MAX),
        Type::F32 | Type::F64 | Type::Mask => unreachable!("{to:?} is no integer"),
    };
    let (least, most) = (float(e, from, least), float(e, from, most));
    let from_least: fn(cubecl::ir::BinaryOperator) -> Comparison = match to.is_signed() {
        true => Comparison::GreaterEqual,
        false => Comparison::Greater,
    };
    let (above, below) = (e.compare(from_least, a, least), e.compare(Comparison::Lower, a, most));
    let fits = e.and(above, below);
    let zero = float(e, from, 0.0);
    let inside = e.select(fits, a, zero);
    let (cut, otherwise) = (e.cast(inside, elem(to)), constant(e, to, otherwise));
    e.select(fits, cut, otherwise)
}

/// A finite number of a float type.
fn float(e: &Emit, ty: Type, x: f64) -> Val {
    e.constant(of(elem(ty), 1), x)
}

fn binary(e: &mut Emit, op: Binary, ty: Type, a: Val, b: Val) -> Val {
    match op {
        Binary::Add => e.add(a, b),
        Binary::Sub => e.sub(a, b),
        Binary::Mul => e.mul(a, b),
        Binary::MulLow => {
            let low = constant(e, Type::U64, u32::MAX as u64);
            let (a, b) = (e.bitwise(Bitwise::BitwiseAnd, a, low), e.bitwise(Bitwise::BitwiseAnd, b, low));
            e.mul(a, b)
        }
        Binary::Div => e.div(a, b),
        Binary::Min | Binary::Max => {
            let op: fn(cubecl::ir::BinaryOperator) -> Comparison =
                if op == Binary::Min { Comparison::Lower } else { Comparison::Greater };
            // The choice is not to be taken for a minimum of the device's, which may lose another NaN.
            let seen = if ty.is_float() { e.hidden(a) } else { a };
            let mask = e.compare(op, seen, b);
            e.select(mask, a, b)
        }
        Binary::And | Binary::Or | Binary::Xor => bitwise(e, op, ty, a, b),
        Binary::Shl | Binary::Shr => shift(e, op, ty, a, b),
        Binary::Scale => scale(e, ty, a, b),
    }
}

fn bitwise(e: &mut Emit, op: Binary, ty: Type, a: Val, b: Val) -> Val {
    if ty == Type::Mask {
        return match op {
            Binary::And => e.and(a, b),
            Binary::Or => e.or(a, b),
            _ => e.compare(Comparison::NotEqual, a, b),
        };
    }
    let op: fn(cubecl::ir::BinaryOperator) -> Bitwise = match op {
        Binary::And => Bitwise::BitwiseAnd,
        Binary::Or => Bitwise::BitwiseOr,
        _ => Bitwise::BitwiseXor,
    };
    let as_word = elem(if ty.is_float() { word(ty) } else { ty });
    let (a, b) = (e.bits(a, as_word), e.bits(b, as_word));
    let c = e.bitwise(op, a, b);
    e.bits(c, elem(ty))
}

/// By a computed count, which may be too large.
fn shift(e: &mut Emit, op: Binary, ty: Type, a: Val, n: Val) -> Val {
    let width = 8 * ty.width().expect("masks are not shifted").bytes() as u64;
    let unsigned = word(ty);
    let n = e.bits(n, elem(unsigned));
    let most = constant(e, unsigned, width - 1);
    let fits = e.compare(Comparison::LowerEqual, n, most);
    let count = e.select(fits, n, most);
    let count = e.bits(count, elem(ty));
    match op {
        Binary::Shl => {
            let (all, none) = (e.bitwise(Bitwise::ShiftLeft, a, count), constant(e, ty, 0));
            e.select(fits, all, none)
        }
        _ if ty.is_signed() => e.bitwise(Bitwise::ShiftRight, a, count),
        _ => {
            let (all, none) = (e.bitwise(Bitwise::ShiftRight, a, count), constant(e, ty, 0));
            e.select(fits, all, none)
        }
    }
}

/// a * 2^n: the part of n beyond a float's exponents first, so that what is not 0 is rounded once.
fn scale(e: &mut Emit, ty: Type, a: Val, n: Val) -> Val {
    let (least, most, bias, mantissa, int) = match ty {
        Type::F32 => (-126, 127, 127, 23, Type::I32),
        _ => (-1022, 1023, 1023, 52, Type::I64),
    };
    let n = e.cast(n, elem(int));
    let bound = |e: &Emit, x: i64| e.constant(of(elem(int), 1), x);
    let (least, most, bias) = (bound(e, least), bound(e, most), bound(e, bias));
    let below = e.compare(Comparison::Lower, n, least);
    let m = e.select(below, least, n);
    let above = e.compare(Comparison::Greater, m, most);
    let m = e.select(above, most, m);
    let rest = e.sub(n, m);
    let power = |e: &mut Emit, n: Val| {
        let biased = e.add(n, bias);
        let bits = shifted(e, Bitwise::ShiftLeft, int, biased, mantissa);
        e.bits(bits, elem(ty))
    };
    let (first, last) = (power(e, rest), power(e, m));
    let once = e.mul(a, first);
    e.mul(once, last)
}

fn fma(e: &mut Emit, op: Fma, a: Val, b: Val, c: Val) -> Val {
    match op {
        Fma::Add => e.fma(a, b, c),
        Fma::Sub => {
            let c = e.neg(c);
            e.fma(a, b, c)
        }
        Fma::Neg => {
            let a = e.neg(a);
            e.fma(a, b, c)
        }
    }
}

/// A comparison, of which only `Ne` holds where a float is NaN.
pub fn compare(e: &mut Emit, op: Compare, a: Val, b: Val) -> Val {
    match op {
        Compare::Lt => e.compare(Comparison::Lower, a, b),
        Compare::Le => e.compare(Comparison::LowerEqual, a, b),
        Compare::Eq => e.compare(Comparison::Equal, a, b),
        Compare::Gt => e.compare(Comparison::Greater, a, b),
        Compare::Ge => e.compare(Comparison::GreaterEqual, a, b),
        Compare::Ne => {
            let equal = e.compare(Comparison::Equal, a, b);
            e.not(equal)
        }
    }
}

fn choose_mask(e: &mut Emit, mask: Val, yes: Val, no: Val) -> Val {
    let other = e.not(mask);
    let (a, b) = (e.and(mask, yes), e.and(other, no));
    e.or(a, b)
}

/// One step of a reduction: a new value and what was before.
pub fn step(e: &mut Emit, op: Reduce, ty: Type, new: Val, before: Val) -> Val {
    binary(e, op.step(), ty, new, before)
}

/// The type of lanes, so many at a time.
pub fn lanes(ty: Type, lanes: usize) -> Cube {
    of(elem(ty), lanes)
}
