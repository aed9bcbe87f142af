//! What each operation does to one lane: the meaning of the language, written once.
//!
//! A [`Lane`] is a register's lane as bits, `u32` or `u64`; a mask is all bits or none. The interpreter maps these
//! functions over tiles, the tests' oracle applies them to single lanes, all through the
//! same tables ([`unary`], [`binary`], [`fma`], [`compare`], [`select`]); emitted code has to give the same bits. Of a
//! NaN only that it is one is meant. Elements in memory are the matter of [`element`](super::element).

mod lane;

pub use lane::Lane;

use super::ir::{Binary, Compare, Fma, Reduce, Rounding, Type, Unary};
use std::fmt::Debug;

/// What is to be done with a function of one lane, whichever it is.
pub trait With1<L> {
    /// What comes of it.
    type Out;
    /// Does it. Implementations are `#[inline(always)]`, so that loops are compiled for each function.
    fn with(self, f: impl Fn(L) -> L) -> Self::Out;
}

/// What is to be done with a function of two lanes, whichever it is.
pub trait With2<L> {
    /// What comes of it.
    type Out;
    /// Does it. Implementations are `#[inline(always)]`, so that loops are compiled for each function.
    fn with(self, f: impl Fn(L, L) -> L) -> Self::Out;
}

/// What is to be done with a function of three lanes, whichever it is.
pub trait With3<L> {
    /// What comes of it.
    type Out;
    /// Does it. Implementations are `#[inline(always)]`, so that loops are compiled for each function.
    fn with(self, f: impl Fn(L, L, L) -> L) -> Self::Out;
}

/// The classes of numbers, whatever their width.
#[derive(Clone, Copy)]
enum Class {
    Float,
    Signed,
    Unsigned,
    Mask,
}

#[inline(always)]
fn class(ty: Type) -> Class {
    match ty {
        Type::F32 | Type::F64 => Class::Float,
        Type::I32 | Type::I64 => Class::Signed,
        Type::U32 | Type::U64 => Class::Unsigned,
        Type::Mask => Class::Mask,
    }
}

/// For what no checked program has.
#[cold]
fn refused(op: impl Debug, ty: Type) -> ! {
    panic!("{op:?} of {ty:?} passed the program's checks")
}

/// Hands out the function of an operation of one operand, of this type.
#[inline(always)]
pub fn unary<L: Lane, W: With1<L>>(op: Unary, ty: Type, w: W) -> W::Out {
    match op {
        Unary::Sqrt => w.with(L::sqrt),
        Unary::Round(Rounding::Nearest) => w.with(L::round_nearest),
        Unary::Round(Rounding::Down) => w.with(L::round_down),
        Unary::Round(Rounding::Up) => w.with(L::round_up),
        Unary::Round(Rounding::Zero) => w.with(L::round_to_zero),
        Unary::Not => w.with(L::not),
        Unary::Shl(n) => w.with(|x| x.shl(n)),
        Unary::Shr(n) => match class(ty) {
            Class::Signed => w.with(|x| x.signed_shr(n)),
            Class::Unsigned => w.with(|x| x.unsigned_shr(n)),
            Class::Float | Class::Mask => refused(op, ty),
        },
        Unary::Rotl(n) => w.with(|x| x.rotl(n)),
        Unary::Convert(to) => match (class(ty), class(to)) {
            (Class::Float, Class::Signed) => w.with(L::float_to_signed),
            (Class::Float, Class::Unsigned) => w.with(L::float_to_unsigned),
            (Class::Signed, Class::Float) => w.with(L::signed_to_float),
            (Class::Unsigned, Class::Float) => w.with(L::unsigned_to_float),
            (Class::Float | Class::Signed | Class::Unsigned | Class::Mask, _) => refused(op, ty),
        },
        Unary::Bits(_) => w.with(|x| x),
    }
}

/// Hands out the function of an operation of two operands of this type.
#[inline(always)]
pub fn binary<L: Lane, W: With2<L>>(op: Binary, ty: Type, w: W) -> W::Out {
    match op {
        Binary::Add => match class(ty) {
            Class::Float => w.with(L::float_add),
            Class::Signed | Class::Unsigned => w.with(L::int_add),
            Class::Mask => refused(op, ty),
        },
        Binary::Sub => match class(ty) {
            Class::Float => w.with(L::float_sub),
            Class::Signed | Class::Unsigned => w.with(L::int_sub),
            Class::Mask => refused(op, ty),
        },
        Binary::Mul => match class(ty) {
            Class::Float => w.with(L::float_mul),
            Class::Signed | Class::Unsigned => w.with(L::int_mul),
            Class::Mask => refused(op, ty),
        },
        Binary::MulLow => w.with(L::mul_low),
        Binary::Div => w.with(L::float_div),
        Binary::Min => match class(ty) {
            Class::Float => w.with(L::float_min),
            Class::Signed => w.with(L::signed_min),
            Class::Unsigned => w.with(L::unsigned_min),
            Class::Mask => refused(op, ty),
        },
        Binary::Max => match class(ty) {
            Class::Float => w.with(L::float_max),
            Class::Signed => w.with(L::signed_max),
            Class::Unsigned => w.with(L::unsigned_max),
            Class::Mask => refused(op, ty),
        },
        Binary::And => w.with(L::and),
        Binary::Or => w.with(L::or),
        Binary::Xor => w.with(L::xor),
        Binary::Shl => w.with(L::shl_by),
        Binary::Shr => match class(ty) {
            Class::Signed => w.with(L::signed_shr_by),
            Class::Unsigned => w.with(L::unsigned_shr_by),
            Class::Float | Class::Mask => refused(op, ty),
        },
        Binary::Scale => w.with(L::float_scale),
    }
}

/// Hands out the function of a fused multiplication and addition.
#[inline(always)]
pub fn fma<L: Lane, W: With3<L>>(op: Fma, w: W) -> W::Out {
    match op {
        Fma::Add => w.with(L::fma_add),
        Fma::Sub => w.with(L::fma_sub),
        Fma::Neg => w.with(L::fma_neg),
    }
}

/// Hands out the function of a comparison of operands of this type; it gives a mask.
#[inline(always)]
pub fn compare<L: Lane, W: With2<L>>(op: Compare, ty: Type, w: W) -> W::Out {
    match (op, class(ty)) {
        (Compare::Lt, Class::Float) => w.with(L::float_lt),
        (Compare::Lt, Class::Signed) => w.with(L::signed_lt),
        (Compare::Lt, Class::Unsigned) => w.with(L::unsigned_lt),
        (Compare::Le, Class::Float) => w.with(L::float_le),
        (Compare::Le, Class::Signed) => w.with(L::signed_le),
        (Compare::Le, Class::Unsigned) => w.with(L::unsigned_le),
        (Compare::Gt, Class::Float) => w.with(|a, b| b.float_lt(a)),
        (Compare::Gt, Class::Signed) => w.with(|a, b| b.signed_lt(a)),
        (Compare::Gt, Class::Unsigned) => w.with(|a, b| b.unsigned_lt(a)),
        (Compare::Ge, Class::Float) => w.with(|a, b| b.float_le(a)),
        (Compare::Ge, Class::Signed) => w.with(|a, b| b.signed_le(a)),
        (Compare::Ge, Class::Unsigned) => w.with(|a, b| b.unsigned_le(a)),
        (Compare::Eq, Class::Float) => w.with(L::float_eq),
        (Compare::Eq, Class::Signed | Class::Unsigned) => w.with(L::int_eq),
        (Compare::Ne, Class::Float) => w.with(L::float_ne),
        (Compare::Ne, Class::Signed | Class::Unsigned) => w.with(L::int_ne),
        (_, Class::Mask) => refused(op, ty),
    }
}

/// Hands out the function that chooses by a mask.
#[inline(always)]
pub fn select<L: Lane, W: With3<L>>(w: W) -> W::Out {
    w.with(L::pick)
}

/// The lane that a constant is.
#[inline(always)]
pub fn constant<L: Lane>(ty: Type, bits: u64) -> L {
    match class(ty) {
        Class::Mask => L::mask(bits != 0),
        Class::Float | Class::Signed | Class::Unsigned => L::from_u64(bits),
    }
}

/// Hands out the function by which a reduction combines a new value (its first operand) with what was before.
#[inline(always)]
pub fn reduction<L: Lane, W: With2<L>>(op: Reduce, ty: Type, w: W) -> W::Out {
    match (op, class(ty)) {
        (Reduce::Sum, Class::Float) => w.with(L::float_add),
        (Reduce::Sum, Class::Signed | Class::Unsigned) => w.with(L::int_add),
        (Reduce::Product, Class::Float) => w.with(L::float_mul),
        (Reduce::Product, Class::Signed | Class::Unsigned) => w.with(L::int_mul),
        (Reduce::Max, Class::Float) => w.with(L::float_max),
        (Reduce::Max, Class::Signed) => w.with(L::signed_max),
        (Reduce::Max, Class::Unsigned) => w.with(L::unsigned_max),
        (Reduce::Min, Class::Float) => w.with(L::float_min),
        (Reduce::Min, Class::Signed) => w.with(L::signed_min),
        (Reduce::Min, Class::Unsigned) => w.with(L::unsigned_min),
        (Reduce::And, Class::Signed | Class::Unsigned) => w.with(L::and),
        (Reduce::Or, Class::Signed | Class::Unsigned) => w.with(L::or),
        (Reduce::Xor, Class::Signed | Class::Unsigned) => w.with(L::xor),
        (Reduce::And | Reduce::Or | Reduce::Xor, Class::Float) | (_, Class::Mask) => refused(op, ty),
    }
}

#[cfg(test)]
mod tests;
