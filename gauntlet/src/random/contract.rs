//! Contractions, with a bias and an activation behind them; convolutions, transforms, factorisations.

use super::build::{Builder, Digits, Entry};
use super::elementwise::{bin, un, with};
use super::program::Instruction;
use plywood_core::op::{Binary, Conv, Dot, FftKind, Linalg, Padding, Unary};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Shape};
use std::sync::Arc;

type Results = Option<Vec<Entry>>;

fn axes(a: &[usize]) -> Axes {
    Axes::from_slice(a)
}

fn contracted(b: &Builder, x: &Entry, y: &Entry, over: [usize; 2], batch: usize) -> Option<Entry> {
    let batch: Axes = (0..batch).collect();
    let dot = Dot {
        lhs_contracting: axes(&over[..1]),
        rhs_contracting: axes(&over[1..]),
        lhs_batch: batch.clone(),
        rhs_batch: batch,
        dtype: x.dtype(),
    };
    b.one(Op::Dot(Arc::new(dot)), &[x, y])
}

/// Over one pair of axes of one size; sometimes the first axes of both run along.
pub(super) fn dot(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.numeric(i.operands[0], &|dtype| dtype != DType::Bool).filter(|x| x.rank() >= 1)?;
    let last = x.rank() - 1;
    let over = last - d.below(x.rank());
    let n = x.shape()[over];
    let meets = |ty: &plywood_core::TensorType| ty.rank() >= 1 && ty.shape.contains(&n);
    let y = b.pick(i.operands[1], meets)?;
    let y = b.cast(&y, x.dtype())?;
    let first = y.shape().iter().position(|&m| m == n)?;
    let wanted = d.below(2) == 1 && over > 0 && first > 0 && x.shape()[0] == y.shape()[0];
    Some(vec![contracted(b, &x, &y, [over, first], usize::from(wanted))?])
}

/// `activation(x w + bias)`, and what is before it.
pub(super) fn dense(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0]).filter(|x| x.rank() >= 1)?;
    let n = x.shape()[x.rank() - 1];
    let out = d.of(&[17, 5, 33, 1]);
    let w = b.partner(i.operands[1], &x.ty().with_shape([n, out]))?;
    let y = contracted(b, &x, &w, [x.rank() - 1, 0], 0)?;
    let bias = b.partner(i.operands[2], &x.ty().with_shape([out]))?;
    let sum = bin(b, Binary::Add, &y, &b.fit(&bias, y.ty())?)?;
    let result = match d.below(4) {
        0 => with(b, Binary::Max, &sum, 0.0)?,
        1 => un(b, Unary::Tanh, &sum)?,
        2 => bin(b, Binary::Mul, &sum, &un(b, Unary::Logistic, &sum)?)?,
        // A residual.
        _ if sum.ty() == x.ty() => bin(b, Binary::Add, &sum, &x)?,
        _ => sum.clone(),
    };
    Some(if d.below(2) == 0 { vec![result] } else { vec![y, sum, result] })
}

pub(super) fn conv(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.numeric(i.operands[0], &|dtype| dtype != DType::Bool).filter(|x| x.rank() >= 2)?;
    let spatial = x.rank() - 2;
    let kernel: Shape = [d.of(&[4, 1]), x.shape()[1]].into_iter().chain((0..spatial).map(|_| 3)).collect();
    let w = b.partner(i.operands[1], &x.ty().with_shape(kernel))?;
    let (stride, around) = (1 + d.below(2), d.below(2) as isize);
    let padding = Padding { low: around, high: around, interior: 0 };
    let conv = Conv {
        strides: Axes::from_elem(stride, spatial),
        padding: std::iter::repeat_n(padding, spatial).collect(),
        dilation: Axes::from_elem(1, spatial),
        feature_groups: 1,
        batch_groups: 1,
    };
    b.op(Op::Conv(Arc::new(conv)), &[&x, &w])
}

fn wide(b: &Builder, choice: u8) -> Option<Entry> {
    let x = b.float(choice)?;
    if x.dtype().size() < 4 { b.cast(&x, DType::F32) } else { Some(x) }
}

pub(super) fn fft(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let kind = d.of(FftKind::ALL);
    let x = wide(b, i.operands[0]).filter(|x| x.rank() >= 1)?;
    let n = x.shape()[x.rank() - 1];
    if n == 0 {
        return None;
    }
    let n = match kind {
        FftKind::Forward | FftKind::Inverse | FftKind::Real => n,
        FftKind::InverseReal if n == 1 => 1,
        FftKind::InverseReal => 2 * (n - 1) + d.below(2),
    };
    let op = Op::Fft { kind, sizes: axes(&[n]) };
    match kind {
        FftKind::Real => b.op(op, &[&x]),
        FftKind::Forward | FftKind::Inverse | FftKind::InverseReal => {
            b.op(op, &[&x, &b.partner(i.operands[1], x.ty())?])
        }
    }
}

pub(super) fn linalg(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let full = d.below(2) == 1 && b.allowed.irreversible;
    let op = d.of(&[
        Linalg::Cholesky,
        Linalg::Det,
        Linalg::TriangularSolve { lower: full, transpose: false, unit_diagonal: false },
        Linalg::TriangularSolve { lower: true, transpose: full, unit_diagonal: true },
        Linalg::Solve { transpose: full },
        Linalg::Lu,
        Linalg::Qr { full },
        Linalg::Eigh,
        Linalg::Svd { full },
    ]);
    let x = wide(b, i.operands[0]).filter(|x| x.rank() >= 2)?;
    let square = match op {
        Linalg::Lu | Linalg::Qr { .. } | Linalg::Svd { .. } => false,
        Linalg::Cholesky | Linalg::Det | Linalg::Eigh => true,
        Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => true,
    };
    let mut shape = x.shape().clone();
    let rank = shape.rank();
    if square {
        let n = shape[rank - 1].min(shape[rank - 2]);
        shape[rank - 2..].fill(n);
    }
    let a = b.fit(&x, &x.ty().with_shape(shape.clone()))?;
    match op {
        Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => {
            shape[rank - 1] = d.of(&[1, 3]);
            let right = b.partner(i.operands[1], &a.ty().with_shape(shape))?;
            b.op(Op::Linalg(op), &[&a, &right])
        }
        Linalg::Cholesky
        | Linalg::Det
        | Linalg::Lu
        | Linalg::Qr { .. }
        | Linalg::Eigh
        | Linalg::Svd { .. } => b.op(Op::Linalg(op), &[&a]),
    }
}
