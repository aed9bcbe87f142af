//! Tangents of products and extremes at computed places: each update counts for one element.

use super::{Push, Tangents};
use crate::vjp::T;
use plywood_core::op::{Scatter, ScatterKind};
use plywood_core::{Op, Value};
use smallvec::smallvec;
use std::sync::Arc;

pub(super) fn grouped(s: &Scatter, p: &Push<'_>) -> Tangents {
    let ones = p.y[0].ones_like();
    let weighted = |i: usize| Some(p.pulled(i, ones.clone()).expect("it has a derivative") * p.t[i].clone()?);
    let operand = weighted(0).unwrap_or_else(|| p.x[0].zeros_like());
    let Some(updates) = weighted(2) else { return smallvec![Some(operand)] };
    let add = Op::Scatter(Arc::new(Scatter { kind: ScatterKind::Add, ..s.clone() }));
    let inputs = [operand.into_value(), p.x[1].value().clone(), updates.into_value()];
    smallvec![Some(T::of(Value::apply_all(add, inputs.into_iter().collect())))]
}
