//! Elements in memory: which type a device stores each dtype as, and how loads and stores convert to lanes and back.
//!
//! A bool is a byte, 0 or 1. A bf16 is its bits where a device has no such type; everything else is itself.

use super::{Emit, F32, F64, U32, Val, ops};
use cubecl::ir::{Bitwise, Comparison, ElemType, FloatKind, IntKind, UIntKind};
use plywood_core::DType;
use plywood_kernel::Type;

const U8: ElemType = ElemType::UInt(UIntKind::U8);
const U16: ElemType = ElemType::UInt(UIntKind::U16);

/// What a device stores a dtype as: the type itself, or its bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stored {
    /// The device's own type.
    Native,
    /// The bits of a bf16, on a device that has no such type.
    Bits,
}

/// The element type of a dtype in memory.
pub fn elem(dtype: DType, stored: Stored) -> ElemType {
    match dtype {
        DType::F64 => F64,
        DType::F32 => F32,
        DType::F16 => ElemType::Float(FloatKind::F16),
        DType::BF16 => match stored {
            Stored::Native => ElemType::Float(FloatKind::BF16),
            Stored::Bits => U16,
        },
        DType::I64 => ElemType::Int(IntKind::I64),
        DType::I32 => ElemType::Int(IntKind::I32),
        DType::I16 => ElemType::Int(IntKind::I16),
        DType::I8 => ElemType::Int(IntKind::I8),
        DType::U64 => ElemType::UInt(UIntKind::U64),
        DType::U32 => U32,
        DType::U16 => U16,
        DType::U8 | DType::Bool => U8,
    }
}

/// What lies in memory, in lanes of this type.
pub fn widen(e: &mut Emit, dtype: DType, x: Val, to: Type) -> Val {
    if dtype == DType::Bool {
        let zero = e.constant(super::of(U8, 1), 0u64);
        return e.compare(Comparison::NotEqual, x, zero);
    }
    let x = match (dtype, x.elem_type()) {
        (DType::BF16, U16) => {
            let bits = e.cast(x, U32);
            let sixteen = e.constant(super::of(U32, 1), 16u64);
            let bits = e.bitwise(Bitwise::ShiftLeft, bits, sixteen);
            e.bits(bits, F32)
        }
        // By way of the float that every device converts to.
        (DType::F16 | DType::BF16, _) => e.cast(x, F32),
        _ => x,
    };
    if x.elem_type() == ops::elem(to) { x } else { e.cast(x, ops::elem(to)) }
}

/// What is stored of a value in lanes of this type: integers cut off, floats rounded to the nearest, halves to even.
pub fn narrow(e: &mut Emit, dtype: DType, stored: Stored, x: Val, from: Type) -> Val {
    let to = elem(dtype, stored);
    match dtype {
        DType::Bool if from == Type::Mask => {
            let (one, zero) = (e.constant(super::of(U8, 1), 1u64), e.constant(super::of(U8, 1), 0u64));
            e.select(x, one, zero)
        }
        DType::F16 | DType::BF16 => {
            let x = if x.elem_type() == F32 { x } else { e.cast(x, F32) };
            if to == U16 { bf16_bits(e, x) } else { e.cast(x, to) }
        }
        _ if x.elem_type() == to => x,
        _ => e.cast(x, to),
    }
}

/// The bits of the nearest bf16, halves to even; a NaN stays one.
fn bf16_bits(e: &mut Emit, x: Val) -> Val {
    let number = |e: &Emit, n: u64| e.constant(super::of(U32, 1), n);
    let (sixteen, one, half, quiet) = (number(e, 16), number(e, 1), number(e, 0x7fff), number(e, 0x40));
    let bits = e.bits(x, U32);
    let high = e.bitwise(Bitwise::ShiftRight, bits, sixteen);
    let odd = e.bitwise(Bitwise::BitwiseAnd, high, one);
    let up = e.add(odd, half);
    let sum = e.add(bits, up);
    let rounded = e.bitwise(Bitwise::ShiftRight, sum, sixteen);
    let quieted = e.bitwise(Bitwise::BitwiseOr, high, quiet);
    let (magnitude, infinite) = (number(e, 0x7fff_ffff), number(e, 0x7f80_0000));
    let magnitude = e.bitwise(Bitwise::BitwiseAnd, bits, magnitude);
    let nan = e.compare(Comparison::Greater, magnitude, infinite);
    let bits = e.select(nan, quieted, rounded);
    e.cast(bits, U16)
}
