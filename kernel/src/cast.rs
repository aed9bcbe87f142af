//! Casts between element types, as formulas over lanes.
//!
//! The rules are those of `Op::Cast`: to a float the nearest one in one rounding, from floats to integers truncating
//! and saturating (NaN gives 0), wrapping between integers, `!= 0` to bool. What a store rounds twice (64-bit lanes to
//! 16-bit floats, 64-bit integers to f32) is rounded to odd first: a number that the middle format lacks becomes that
//! neighbour of it whose last bit is set, which no tie of the narrow format has, so that the last rounding is the only
//! one that counts (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using
//! rounding to odd", 2008).

use super::ir::{Type, Width};
use super::{Builder, V};
use plywood_core::DType;

/// The lanes a cast needs: those of the wider type; 64 bits where f32 would round an integer on its way to 16 bits.
pub fn width(from: DType, to: DType) -> Width {
    let twice = from.is_integer() && from.size() == 4 && matches!(to, DType::F16 | DType::BF16);
    if twice { Width::W64 } else { Width::of(from).max(Width::of(to)) }
}

/// The loaded elements of one type as lanes that a store to another type takes.
pub fn cast<'b>(x: V<'b>, to: DType) -> V<'b> {
    let b = x.builder();
    let width = b.width();
    match (x.ty(), to) {
        (Type::Mask, DType::Bool) => x,
        (Type::Mask, to) => {
            let ty = Type::of(to, width).expect("the width was chosen for it");
            x.select(b.number(ty, 1.0), b.number(ty, 0.0))
        }
        (ty, DType::Bool) => x.ne(b.number(ty, 0.0)),
        (Type::F32, DType::F64 | DType::I64 | DType::U64) => unreachable!("they do not fit these lanes"),
        (Type::F32, DType::F32 | DType::F16 | DType::BF16) => x,
        (Type::F64, DType::F64 | DType::F32) => x,
        (Type::F64, DType::F16 | DType::BF16) => to_half(x, to),
        (Type::F32 | Type::F64, to) => saturate(x, to),
        // To 16 bits these come with at most 16 bits, which are exact on the way.
        (Type::I32 | Type::U32, to) if to.is_float() => x.convert(Type::F32),
        (Type::I64 | Type::U64, to) if to.is_float() => match to {
            DType::F64 => x.convert(Type::F64),
            DType::F32 => odd_integer(x).convert(Type::F64),
            _ => to_half(odd_integer(x).convert(Type::F64), to),
        },
        (Type::I32 | Type::U32 | Type::I64 | Type::U64, _) => x,
    }
}

/// An integer of 64 bits as one of 53 and a sticky last bit, which converts to f64 exactly.
fn odd_integer<'b>(x: V<'b>) -> V<'b> {
    let b = x.builder();
    let low = b.bits(x.ty(), 0x7ff);
    let sticky = ((x & low) + low) | x;
    let odd = sticky & b.bits(x.ty(), !0x7ff);
    // Below 2^53 it is exact as it is.
    let small = match x.ty().is_signed() {
        true => {
            let (top, bottom) = (b.int(1 << 53), b.int(-(1 << 53)));
            x.lt(top) & x.gt(bottom)
        }
        false => x.lt(b.uint(1 << 53)),
    };
    small.select(x, odd)
}

/// An f64 as one that the store's two roundings, to f32 and to 16 bits, round like one.
fn to_half<'b>(x: V<'b>, to: DType) -> V<'b> {
    let b = x.builder();
    let bits = x.bits(Type::U64);
    let low = b.uint((1 << 29) - 1);
    let odd = ((((bits & low) + low) | bits) & b.uint(!((1 << 29) - 1))).bits(Type::F64);
    if to == DType::F16 {
        return odd;
    }
    // Below f32's normal numbers bf16 has steps of 2^-133; adding and taking away 1.5 * 2^(52 - 133) rounds to them.
    let magic = b.c(1.5 * 2f64.powi(52 - 133));
    let tiny = ((x.abs() + magic) - magic).copysign(x);
    x.abs().lt(b.c(2f64.powi(-126))).select(tiny, odd)
}

/// A float cut off towards zero, the nearest number there is where it does not fit, 0 of NaN.
fn saturate<'b>(x: V<'b>, to: DType) -> V<'b> {
    let b = x.builder();
    let width = b.width();
    let bits = 8 * to.size() as i32;
    let signed = !to.is_unsigned();
    let ty = if signed { width.signed() } else { width.unsigned() };
    let (low, high) = match signed {
        true => (-(2f64.powi(bits - 1)), 2f64.powi(bits - 1)),
        false => (0.0, 2f64.powi(bits)),
    };
    let whole = x.convert(ty);
    // What converts is above low - 1 and below high; NaN is neither.
    let greatest = b.bits(ty, greatest(to, width));
    let least = b.bits(ty, least(to, width));
    let result = x.ge(b.c(high)).select(greatest, whole);
    let result = x.le(b.c(low)).select(least, result);
    x.is_nan().select(b.number(ty, 0.0), result)
}

fn greatest(to: DType, width: Width) -> u64 {
    let bits = 8 * to.size() as u32;
    let all = if to.is_unsigned() { u64::MAX >> (64 - bits) } else { u64::MAX >> (65 - bits) };
    all & mask(width)
}

fn least(to: DType, width: Width) -> u64 {
    let bits = 8 * to.size() as u32;
    if to.is_unsigned() { 0 } else { (-1i64 << (bits - 1)) as u64 & mask(width) }
}

fn mask(width: Width) -> u64 {
    match width {
        Width::W32 => u32::MAX as u64,
        Width::W64 => u64::MAX,
    }
}

/// Declares an output and stores a value computed in the lanes as an element of that type, rounded once.
pub fn output<'b>(b: &'b Builder, dtype: DType, v: V<'b>) {
    b.output(dtype, stored(v, dtype));
}

/// A value computed in the lanes as one that a store to that type rounds once.
pub fn stored<'b>(v: V<'b>, dtype: DType) -> V<'b> {
    match (v.ty(), dtype) {
        (Type::F64, DType::F16 | DType::BF16) => to_half(v, dtype),
        _ => v,
    }
}

/// An f32 rounded to the nearest bf16, halves to even; NaN stays NaN.
pub fn rounded_bf16<'b>(v: V<'b>) -> V<'b> {
    v.is_nan().select(v, cut(v, 16))
}

/// An f32 rounded to the nearest f16, halves to even; NaN stays NaN.
pub fn rounded_f16<'b>(v: V<'b>) -> V<'b> {
    let (b, size) = (v.builder(), v.abs());
    let normal = cut(v, 13);
    let normal = normal.abs().ge(b.c(65536.0)).select(b.c(f64::INFINITY).copysign(v), normal);
    // Below the normal numbers steps are 2^-24, those of f32 between 1/2 and 1.
    let tiny = ((size + b.c(0.75)) - b.c(0.75)).copysign(v);
    let rounded = size.lt(b.c(2f64.powi(-14))).select(tiny, normal);
    v.is_nan().select(v, rounded)
}

/// An f32 without its last bits, rounded to the nearest, halves to even.
fn cut<'b>(v: V<'b>, bits: u8) -> V<'b> {
    let b = v.builder();
    let all = v.bits(Type::U32);
    let last = all.shr(bits) & b.uint(1);
    let rounded = all + b.uint((1 << (bits - 1)) - 1) + last;
    (rounded & b.uint(u32::MAX as u64 ^ ((1 << bits) - 1))).bits(Type::F32)
}
