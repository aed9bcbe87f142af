//! Values from nothing, from the host, and from keys.

use super::build::{Builder, Digits, Entry};
use super::program::Instruction;
use crate::data::{cycle, mixed};
use plywood_core::op::Random;
use plywood_core::{DType, Op, Shape, TensorType};

type Results = Option<Vec<Entry>>;

/// The shape of a value there is.
fn shape(b: &Builder, i: &Instruction) -> Option<Shape> {
    Some(b.pick(i.operands[0], |_| true)?.shape().clone())
}

pub(super) fn full(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let ty = b.pick(i.operands[0], |_| true)?.ty().clone();
    Some(vec![b.full(d.of(&[1.0, 0.0, 2.0, -0.0, 0.5]), &ty)?])
}

pub(super) fn iota(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let like = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let dtype = if like.dtype() == DType::Bool { DType::I32 } else { like.dtype() };
    b.op(Op::Iota { ty: like.ty().with_dtype(dtype), axis: d.below(like.rank()) }, &[])
}

pub(super) fn constant(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let ty = b.pick(i.operands[0], |_| true)?.ty().clone();
    let few: Shape = if ty.elements() > 100 { Shape::scalar() } else { ty.shape };
    let name = format!("constant {}", d.below(8));
    b.op(Op::Constant(cycle(ty.dtype, few, &mixed(ty.dtype, &name))), &[])
}

/// A key is what any value gives as two u32.
pub(super) fn random(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let key = b.partner(i.operands[1], &TensorType::new([2], DType::U32))?;
    let shape = shape(b, i)?;
    let float = d.of(&[DType::F32, DType::F64, DType::BF16, DType::F16]);
    let ty = |shape: &Shape, dtype| TensorType::new(shape.clone(), dtype);
    match d.below(7) {
        0 => b.op(Op::Random(Random::Uniform { shape, dtype: float }), &[&key]),
        1 => b.op(Op::Random(Random::Normal { shape, dtype: float }), &[&key]),
        2 => {
            let dtype = d.of(&[DType::U32, DType::U8, DType::U16, DType::U64]);
            b.op(Op::Random(Random::Bits { shape, dtype }), &[&key])
        }
        3 => b.op(Op::Random(Random::Split { shape: [2].into() }), &[&key]),
        4 => {
            let data = b.partner(i.operands[2], &ty(&Shape::scalar(), DType::U32))?;
            b.op(Op::Random(Random::FoldIn), &[&key, &data])
        }
        5 => {
            let parameter = b.partner(i.operands[2], &ty(&shape, float))?;
            b.op(Op::Random(Random::Gamma { shape, dtype: float, log: d.below(2) == 1 }), &[&key, &parameter])
        }
        _ => {
            // A rate of everyday size: time grows with it.
            let rate = b.full(d.of(&[1.0, 0.5, 20.0]), &ty(&shape, DType::F32))?;
            b.op(Op::Random(Random::Poisson { shape, dtype: DType::I32 }), &[&key, &rate])
        }
    }
}
