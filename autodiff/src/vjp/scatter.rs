//! Derivatives of writing at computed places. Where several updates meet in one place: a sum gives each the
//! cotangent, a product each the others, extremes share among the contenders, and of `Set` only the winner gets it.

use super::gather::read_back;
use super::products::products_of_others;
use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{Scatter, ScatterKind};
use plywood_core::{DType, Number, Op, Value};
use std::sync::Arc;

pub(super) fn keep(kind: ScatterKind) -> Keep {
    match kind {
        ScatterKind::Add | ScatterKind::Set => Keep::inputs([1]).and_type_of(2),
        ScatterKind::Mul => Keep::inputs([0, 1, 2]).and_type_of(2),
        ScatterKind::Min | ScatterKind::Max => Keep::inputs([0, 1, 2]).and_outputs().and_type_of(2),
    }
}

pub(super) fn vjp(s: &Scatter, r: &Pull<'_>, ct: T) -> Gradients {
    let indices = r.x(1);
    let read = |from: &T| read_back(s, r.ty(2), indices, from);
    let write = |kind: ScatterKind, into: &T, updates: &T| {
        let op = Op::Scatter(Arc::new(Scatter { kind, ..s.clone() }));
        T::of(Value::apply_all(op, [into, indices, updates].map(|t| t.value().clone()).into_iter().collect()))
    };
    let (operand, updates): (Option<T>, Option<T>) = match s.kind {
        ScatterKind::Add => (r.wants(0).then(|| ct.clone()), r.wants(2).then(|| read(&ct))),
        ScatterKind::Set => {
            let zeros = T::of(ct.value().full(Number::Int(0), r.ty(2).clone()));
            let winners = || {
                // Each update writes its number; who finds its own number has won.
                let numbers = numbered(&zeros) + 1;
                let board = T::of(ct.value().full(Number::Int(0), ct.ty().with_dtype(DType::I32)));
                let won = read(&write(ScatterKind::Set, &board, &numbers)).eq(&numbers);
                won.select(read(&ct), 0)
            };
            (r.wants(0).then(|| write(ScatterKind::Set, &ct, &zeros)), r.wants(2).then(winners))
        }
        ScatterKind::Mul => {
            let (x, u) = (r.x(0), r.x(2));
            let all = || write(ScatterKind::Mul, &x.ones_like(), u);
            let others = || {
                // Updates that are dropped get a place of their own, and the cotangent zero.
                let cells = T::of(x.value().iota(x.ty().with_dtype(DType::I32).with_shape([x.len()]), 0));
                let cells = cells.reshape(x.shape()) + 1;
                let places = read(&cells);
                read(&(&ct * x)) * products_of_others(u, &places)
            };
            (r.wants(0).then(|| &ct * all()), r.wants(2).then(others))
        }
        ScatterKind::Min | ScatterKind::Max => {
            let (x, u, y) = (r.x(0), r.x(2), r.y());
            let (stayed, won) = (x.eq(y).cast(ct.dtype()), u.eq(read(y)).cast(ct.dtype()));
            let contenders = write(ScatterKind::Add, &stayed, &won);
            let share = &ct / contenders;
            (
                r.wants(0).then(|| x.eq(y).select(&share, 0)),
                r.wants(2).then(|| won.cast(DType::Bool).select(read(&share), 0)),
            )
        }
    };
    [operand, None, updates].into_iter().collect()
}

/// 0, 1, 2, .. in row-major order, as i32.
fn numbered(like: &T) -> T {
    let flat = like.ty().with_dtype(DType::I32).with_shape([like.len()]);
    T::of(like.value().iota(flat, 0)).reshape(like.shape())
}
