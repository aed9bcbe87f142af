//! Running reductions, windows, sorts, and places of extremes.

use super::build::{Builder, Digits, Entry};
use super::program::Instruction;
use plywood_core::op::{ArgReduction, Cumulation, Padding, Window, WindowKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op};
use std::sync::Arc;

type Results = Option<Vec<Entry>>;

fn numbers(b: &Builder, i: &Instruction) -> Option<Entry> {
    b.numeric(i.operands[0], &|dtype| dtype != DType::Bool).filter(|x| x.rank() >= 1)
}

/// Mostly the last.
fn axis(x: &Entry, d: &mut Digits) -> usize {
    x.rank() - 1 - d.below(x.rank())
}

pub(super) fn cumulative(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = d.of(Cumulation::ALL);
    let x = match kind {
        Cumulation::LogSumExp => b.float(i.operands[0]).filter(|x| x.rank() >= 1)?,
        Cumulation::Sum | Cumulation::Prod | Cumulation::Max | Cumulation::Min => numbers(b, i)?,
    };
    let axis = axis(&x, d);
    b.op(Op::Cumulative { kind, axis, reverse: d.below(2) == 1 }, &[&x])
}

pub(super) fn arg_reduce(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = d.of(ArgReduction::ALL);
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let axis = axis(&x, d);
    if x.shape()[axis] == 0 {
        return None;
    }
    b.op(Op::ArgReduce { kind, axis, dtype: d.of(&[DType::I32, DType::I64, DType::U8]) }, &[&x])
}

pub(super) fn sort(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let axis = axis(&x, d);
    match d.below(2) {
        0 => b.op(Op::Sort { axis, keys: 1 }, &[&x]),
        _ => {
            let y = b.pick(i.operands[1], |ty| ty.shape == *x.shape())?;
            b.op(Op::Sort { axis, keys: 1 + d.below(2) }, &[&x, &y])
        }
    }
}

pub(super) fn top_k(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let axis = axis(&x, d);
    let k = d.of(&[1, 3, 0, 17]).min(x.shape()[axis]);
    b.op(Op::TopK { k, axis }, &[&x])
}

pub(super) fn window(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = d.of(WindowKind::ALL);
    let x = numbers(b, i)?;
    let (mut sizes, mut strides, mut dilation) = (Axes::new(), Axes::new(), Axes::new());
    let mut padding = smallvec::SmallVec::new();
    for _ in 0..x.rank() {
        let (size, stride, distance, around) =
            d.of(&[(1, 1, 1, 0), (2, 1, 1, 0), (3, 2, 1, 1), (2, 1, 2, 1)]);
        sizes.push(size);
        strides.push(stride);
        dilation.push(distance);
        padding.push(Padding { low: around, high: around, interior: 0 });
    }
    b.op(Op::Window { kind, window: Arc::new(Window { sizes, strides, dilation, padding }) }, &[&x])
}
