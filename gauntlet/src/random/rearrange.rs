//! Elements in another order, some of them, or several times: views, mostly.

use super::build::{Builder, Digits, Entry};
use super::program::Instruction;
use plywood_core::op::{Padding, Slice};
use plywood_core::shape::Axes;
use plywood_core::{Op, Shape, TensorType};
use std::sync::Arc;

type Results = Option<Vec<Entry>>;

fn any(b: &Builder, i: &Instruction, rank: usize) -> Option<Entry> {
    b.pick(i.operands[0], |ty| ty.rank() >= rank)
}

pub(super) fn transpose(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 2)?;
    let mut permutation: Axes = (0..x.rank()).rev().collect();
    if d.below(3) == 2 {
        for k in (1..x.rank()).rev() {
            permutation.swap(k, d.below(k + 1));
        }
    }
    b.op(Op::Transpose { permutation }, &[&x])
}

pub(super) fn reshape(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 0)?;
    let n = x.ty().elements();
    let shape: Shape = match d.below(4) {
        0 => [n].into(),
        1 => x.shape().insert(d.below(x.rank() + 1), 1),
        2 => x.shape().iter().copied().filter(|&n| n != 1).collect(),
        _ => {
            let factor = (2..=n).find(|k| n.is_multiple_of(*k)).unwrap_or(1);
            [factor, n / factor].into()
        }
    };
    b.op(Op::Reshape { shape }, &[&x])
}

/// Rows, columns and scalars repeated: to the shape of another value, or along new axes.
pub(super) fn broadcast(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 0)?;
    if d.below(3) == 2 {
        let (axis, size) = (d.below(x.rank() + 1), d.of(&[5, 2, 17, 1, 0]));
        let axes = (0..x.rank() + 1).filter(|&k| k != axis).collect();
        return b.op(Op::Broadcast { shape: x.shape().insert(axis, size), axes }, &[&x]);
    }
    let goes = |ty: &TensorType| {
        ty.shape != *x.shape() && x.shape().broadcast(&ty.shape).as_ref() == Some(&ty.shape)
    };
    let like = b.pick(i.operands[1], goes)?;
    Some(vec![b.fit(&x, &like.ty().with_dtype(x.dtype()))?])
}

pub(super) fn reverse(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 1)?;
    let only = d.below(x.rank() + 1);
    let axes = if only == 0 { (0..x.rank()).collect() } else { Axes::from_slice(&[only - 1]) };
    b.op(Op::Reverse { axes }, &[&x])
}

pub(super) fn slice(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 1)?;
    let (mut starts, mut limits, mut strides) = (Axes::new(), Axes::new(), Axes::new());
    for &n in x.shape().iter() {
        let (start, limit, stride) = match d.below(4) {
            0 => (0, n, 1),
            1 => (1.min(n), n, 1),
            2 => (0, n, 2),
            _ => (d.below(n + 1), n, 1 + d.below(3)),
        };
        starts.push(start);
        limits.push(limit);
        strides.push(stride);
    }
    b.op(Op::Slice(Arc::new(Slice { starts, limits, strides })), &[&x])
}

pub(super) fn pad(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 1)?;
    let scalar = TensorType::new(Shape::scalar(), x.dtype());
    let with = match d.below(2) {
        0 => b.full(0.0, &scalar)?,
        _ => b.partner(i.operands[1], &scalar)?,
    };
    let one = |n: usize, d: &mut Digits| {
        let (low, high, interior) = d.of(&[(0, 0, 0), (1, 1, 0), (0, 2, 1), (-1, 0, 0), (3, -1, 0)]);
        let padding = Padding { low, high, interior };
        if padding.size(n) < 0 { Padding::default() } else { padding }
    };
    let padding = x.shape().iter().map(|&n| one(n, d)).collect();
    b.op(Op::Pad { padding }, &[&x, &with])
}

pub(super) fn concatenate(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = any(b, i, 1)?;
    let axis = d.below(x.rank());
    let mut parts = vec![x.clone()];
    for k in 0..1 + d.below(2) {
        let mut shape = x.shape().clone();
        if d.below(2) == 1 {
            shape[axis] = d.of(&[1, 5, 0]);
        }
        parts.push(b.partner(i.operands[1 + k], &x.ty().with_shape(shape))?);
    }
    b.op(Op::Concatenate { axis }, &parts.iter().collect::<Vec<_>>())
}
