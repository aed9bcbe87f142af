//! Reductions, and what is made of them: values beside their rows' sums, softmax, norms.

use super::build::{Builder, Digits, Entry};
use super::elementwise::{bin, un, with};
use super::program::Instruction;
use plywood_core::op::{Binary, Reduction, Unary};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op};

type Results = Option<Vec<Entry>>;

fn takes(kind: Reduction, dtype: DType) -> bool {
    match kind {
        Reduction::Sum | Reduction::Prod => dtype != DType::Bool,
        Reduction::Max | Reduction::Min => true,
        Reduction::And | Reduction::Or | Reduction::Xor => !dtype.is_float(),
    }
}

/// Mostly the last axis, the first, or all.
fn axes(rank: usize, d: &mut Digits) -> Axes {
    match d.below(4) {
        _ if rank == 0 => Axes::new(),
        0 => Axes::from_slice(&[rank - 1]),
        1 => Axes::from_slice(&[0]),
        2 => (0..rank).collect(),
        _ => (0..rank).filter(|_| d.below(2) == 1).collect(),
    }
}

fn kind(d: &mut Digits) -> Reduction {
    match d.below(2) {
        0 => d.of(&[Reduction::Sum, Reduction::Max]),
        _ => d.of(Reduction::ALL),
    }
}

/// With size 1 in place of the reduced axes.
fn kept(b: &Builder, kind: Reduction, axes: &Axes, x: &Entry) -> Option<Entry> {
    let y = b.one(Op::Reduce { kind, axes: axes.clone() }, &[x])?;
    b.reshape(&y, x.shape().ones_at(axes))
}

/// Repeated along the reduced axes, by a broadcast of the reduced value itself.
fn back(b: &Builder, y: &Entry, axes: &Axes, like: &Entry) -> Option<Entry> {
    let left: Axes = (0..like.rank()).filter(|d| !axes.contains(d)).collect();
    b.one(Op::Broadcast { shape: like.shape().clone(), axes: left }, &[y])
}

pub(super) fn reduce(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = kind(d);
    let x = b.numeric(i.operands[0], &|dtype| takes(kind, dtype))?;
    let axes = axes(x.rank(), d);
    b.op(Op::Reduce { kind, axes }, &[&x])
}

/// Reduced, kept or repeated, and beside the operand again: `x - max(x)`, `x / sum(x)`.
pub(super) fn keep(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = kind(d);
    let x = b.numeric(i.operands[0], &|dtype| takes(kind, dtype))?;
    let axes = axes(x.rank(), d);
    let y = match d.below(2) {
        0 => b.fit(&kept(b, kind, &axes, &x)?, x.ty())?,
        _ => {
            let y = b.one(Op::Reduce { kind, axes: axes.clone() }, &[&x])?;
            back(b, &y, &axes, &x)?
        }
    };
    let binary = match x.dtype() {
        DType::Bool => Binary::Max,
        _ => d.of(&[Binary::Sub, Binary::Mul, Binary::Div, Binary::Add]),
    };
    Some(vec![y.clone(), bin(b, binary, &x, &y)?])
}

/// Along one axis; its maximum's derivative stopped or not.
pub(super) fn softmax(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0])?;
    let axes = axes(x.rank(), d);
    let stop = d.below(2) == 0;
    let (shifted, sum) = shifted(b, &x, &axes, stop)?;
    match d.below(2) {
        0 => {
            let e = un(b, Unary::Exp, &shifted)?;
            Some(vec![bin(b, Binary::Div, &e, &b.fit(&sum, x.ty())?)?])
        }
        // Its logarithm.
        _ => {
            let log = un(b, Unary::Log, &sum)?;
            Some(vec![bin(b, Binary::Sub, &shifted, &b.fit(&log, x.ty())?)?])
        }
    }
}

/// What exponents are taken of, and their sums.
fn shifted(b: &Builder, x: &Entry, axes: &Axes, stop: bool) -> Option<(Entry, Entry)> {
    let mut most = kept(b, Reduction::Max, axes, x)?;
    if stop {
        most = b.one(Op::StopGradient, &[&most])?;
    }
    let shifted = bin(b, Binary::Sub, x, &b.fit(&most, x.ty())?)?;
    let sum = kept(b, Reduction::Sum, axes, &un(b, Unary::Exp, &shifted)?)?;
    Some((shifted, sum))
}

pub(super) fn log_sum_exp(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0])?;
    let axes = axes(x.rank(), d);
    let most = b.one(Op::Reduce { kind: Reduction::Max, axes: axes.clone() }, &[&x])?;
    let e = un(b, Unary::Exp, &bin(b, Binary::Sub, &x, &back(b, &most, &axes, &x)?)?)?;
    let sum = b.one(Op::Reduce { kind: Reduction::Sum, axes }, &[&e])?;
    let log = un(b, Unary::Log, &sum)?;
    Some(vec![bin(b, Binary::Add, &log, &most)?])
}

/// Mean and variance of rows, and a scale and a shift of columns.
pub(super) fn layer_norm(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0]).filter(|x| x.rank() >= 1)?;
    let axes = Axes::from_slice(&[x.rank() - 1]);
    let n = x.shape()[x.rank() - 1].max(1) as f64;
    let mean = |b: &Builder, x: &Entry| with(b, Binary::Mul, &kept(b, Reduction::Sum, &axes, x)?, 1.0 / n);
    let centred = bin(b, Binary::Sub, &x, &b.fit(&mean(b, &x)?, x.ty())?)?;
    let variance = mean(b, &un(b, Unary::Square, &centred)?)?;
    let inverse = un(b, Unary::Rsqrt, &with(b, Binary::Add, &variance, 1e-3)?)?;
    let normed = bin(b, Binary::Mul, &centred, &b.fit(&inverse, x.ty())?)?;
    let row = x.ty().with_shape([x.shape()[x.rank() - 1]]);
    let scale = b.fit(&b.partner(i.operands[1], &row)?, x.ty())?;
    let shift = b.fit(&b.partner(i.operands[2], &row)?, x.ty())?;
    let scaled = bin(b, Binary::Mul, &normed, &scale)?;
    let result = bin(b, Binary::Add, &scaled, &shift)?;
    Some(if d.below(2) == 0 { vec![result] } else { vec![variance, result] })
}
