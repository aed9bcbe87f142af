//! Parts at computed places, read and written; places outside, too.

use super::build::{Builder, Digits, Entry};
use super::program::Instruction;
use plywood_core::op::{Gather, IndexMode, Scatter, ScatterKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Shape, TensorType};
use std::sync::Arc;

type Results = Option<Vec<Entry>>;

const MODES: [IndexMode; 3] = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];

/// A place for each axis: numbers, or what was computed.
fn starts(b: &Builder, i: &Instruction, rank: usize, d: &mut Digits) -> Results {
    let ty = TensorType::new(Shape::scalar(), d.of(&[DType::I32, DType::I64, DType::U8]));
    let one = |k: usize, d: &mut Digits| match (k, d.below(2)) {
        (0, 1) => b.partner(i.operands[2], &ty),
        _ => b.full(d.of(&[0.0, 1.0, 3.0, -1.0, 40.0]), &ty),
    };
    (0..rank).map(|k| one(k, d)).collect()
}

fn sizes(shape: &Shape, d: &mut Digits) -> Shape {
    shape.iter().map(|&n| if d.below(2) == 0 { n } else { n.div_ceil(2) }).collect()
}

pub(super) fn dynamic_slice(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let sizes = sizes(x.shape(), d);
    let starts = starts(b, i, x.rank(), d)?;
    let inputs: Vec<&Entry> = std::iter::once(&x).chain(&starts).collect();
    b.op(Op::DynamicSlice { sizes }, &inputs)
}

pub(super) fn dynamic_update(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let sizes = sizes(x.shape(), d);
    let update = b.partner(i.operands[1], &x.ty().with_shape(sizes))?;
    let starts = starts(b, i, x.rank(), d)?;
    let inputs: Vec<&Entry> = [&x, &update].into_iter().chain(&starts).collect();
    b.op(Op::DynamicUpdate, &inputs)
}

/// Some places along the first axis.
fn places(b: &Builder, i: &Instruction, count: usize, d: &mut Digits) -> Option<Entry> {
    let dtype = d.of(&[DType::I32, DType::I64, DType::U8]);
    let ty = TensorType::new([count, 1], dtype);
    match d.below(3) {
        0 => b.one(Op::Iota { ty, axis: 0 }, &[]),
        _ => b.partner(i.operands[2], &ty),
    }
}

/// Rows.
pub(super) fn gather(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1 && ty.shape[0] >= 1)?;
    let mode = d.of(&MODES);
    let count = d.of(&[4, 1, 0, 17]);
    let indices = places(b, i, count, d)?;
    let mut window: Axes = x.shape().iter().copied().collect();
    window[0] = 1;
    let op = Gather {
        offset_axes: (1..x.rank()).collect(),
        collapsed_axes: Axes::from_slice(&[0]),
        operand_batching_axes: Axes::new(),
        indices_batching_axes: Axes::new(),
        start_index_map: Axes::from_slice(&[0]),
        sizes: window,
        mode,
    };
    b.op(Op::Gather(Arc::new(op)), &[&x, &indices])
}

/// Rows, whole or in part.
pub(super) fn scatter(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = d.of(ScatterKind::ALL);
    let adds = matches!(kind, ScatterKind::Add | ScatterKind::Mul);
    let accept = |ty: &TensorType| ty.rank() >= 1 && ty.shape[0] >= 1 && !(adds && ty.dtype == DType::Bool);
    let x = b.pick(i.operands[0], accept)?;
    let mode = d.of(&MODES);
    let count = d.of(&[4, 1, 0, 17]);
    let indices = places(b, i, count, d)?;
    let shape = sizes(&x.shape().without(&[0]), d).insert(0, count);
    let updates = b.partner(i.operands[1], &x.ty().with_shape(shape))?;
    let op = Scatter {
        kind,
        window_axes: (1..x.rank()).collect(),
        inserted_axes: Axes::from_slice(&[0]),
        operand_batching_axes: Axes::new(),
        indices_batching_axes: Axes::new(),
        index_map: Axes::from_slice(&[0]),
        mode,
    };
    b.op(Op::Scatter(Arc::new(op)), &[&x, &indices, &updates])
}
