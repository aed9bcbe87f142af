//! The formulas of the operations, one file a family: what an element is, of those that it is made of, in lanes.
//!
//! What always holds: an operation has one formula, whether it runs alone or in a kernel of the planner, and whatever
//! the backend. In a kernel a value is what its element in memory would be ([`held`]): narrow integers wrap, 16-bit floats
//! are rounded after each operation, so a kernel gives the bits that operations alone give.

pub mod binary;
pub mod bits;
pub mod compare;
pub mod random;
pub mod reduce;
pub mod select;
pub mod unary;

use crate::{Builder, Type, V, cast};
use half::{bf16, f16};
use plywood_core::convert::{Convert, Wide, from_number};
use plywood_core::op::{Binary, Bits};
use plywood_core::{DType, Equation, Graph, Number, Op};

/// The formula of an equation that a kernel may hold.
pub fn formula<'b>(graph: &Graph, e: &Equation, x: &[V<'b>]) -> V<'b> {
    let (from, to) = (graph.ty(e.inputs[0]).dtype, graph.ty(e.outputs[0]).dtype);
    let v = match &e.op {
        Op::Unary(u) => unary::formula(*u, x[0]),
        Op::IntegerPow { exponent } => unary::power(x[0], *exponent),
        Op::Binary(b) => binary::formula(*b, x[0], x[1]),
        Op::Bits(b) => bits::formula(*b, from, x),
        Op::Compare(c) => compare::formula(*c, x[0], x[1]),
        Op::Select => select::choose(x[0], x[1], x[2]),
        Op::Clamp => select::clamp(x[0], x[1], x[2]),
        Op::Cast { dtype } if *dtype == from => x[0],
        Op::Cast { dtype } => cast::cast(x[0], *dtype),
        Op::StopGradient | Op::Name { .. } | Op::Reshape { .. } | Op::Broadcast { .. } => return x[0],
        op => unreachable!("{op}: no kernel holds it"),
    };
    if is_exact(&e.op) { v } else { held(v, to) }
}

/// What an element of a dtype holds of a value in lanes.
pub fn held<'b>(v: V<'b>, dtype: DType) -> V<'b> {
    let lane = 8 * v.builder().width().bytes();
    let unused = lane - 8 * dtype.size();
    let ty = Type::of(dtype, v.builder().width()).expect("the width was chosen for it");
    let v = if v.ty() != ty && v.ty().is_integer() && ty.is_integer() { v.bits(ty) } else { v };
    match (v.ty(), dtype) {
        (Type::Mask, _) => v,
        (Type::F32, DType::BF16) => cast::rounded_bf16(v),
        (Type::F32, DType::F16) => cast::rounded_f16(v),
        (Type::F32 | Type::F64, _) => v,
        _ if unused == 0 => v,
        // The sign, or zeros, fill the lane.
        _ => v.shl(unused as u8).shr(unused as u8),
    }
}

/// Whether an operation that a kernel holds gives, of elements of a dtype, what such an element holds without more ado.
pub fn is_exact(op: &Op) -> bool {
    matches!(
        op,
        Op::Select
            | Op::Clamp
            | Op::StopGradient
            | Op::Name { .. }
            | Op::Compare(_)
            | Op::Binary(Binary::Max | Binary::Min)
            | Op::Bits(Bits::And | Bits::Or | Bits::Xor)
    )
}

/// A number in lanes, as a tensor of that dtype has it.
pub fn number<'b>(b: &'b Builder, number: Number, dtype: DType) -> V<'b> {
    let wide = match dtype {
        DType::F64 => from_number::<f64>(number).widen(),
        DType::F32 => from_number::<f32>(number).widen(),
        DType::F16 => from_number::<f16>(number).widen(),
        DType::BF16 => from_number::<bf16>(number).widen(),
        DType::I64 => from_number::<i64>(number).widen(),
        DType::I32 => from_number::<i32>(number).widen(),
        DType::I16 => from_number::<i16>(number).widen(),
        DType::I8 => from_number::<i8>(number).widen(),
        DType::U64 => from_number::<u64>(number).widen(),
        DType::U32 => from_number::<u32>(number).widen(),
        DType::U16 => from_number::<u16>(number).widen(),
        DType::U8 => from_number::<u8>(number).widen(),
        DType::Bool => Wide::Int(from_number::<bool>(number) as i128),
    };
    let ty = Type::of(dtype, b.width()).expect("the width was chosen for it");
    match wide {
        Wide::Float(x) => b.number(ty, x),
        Wide::Int(x) => b.bits(ty, x as u64 & (u64::MAX >> (64 - 8 * b.width().bytes()))),
    }
}
