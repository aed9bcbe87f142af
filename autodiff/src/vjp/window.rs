//! Derivatives of window reductions.
//!
//! A sum's is a sum of windows again: over the cotangent, with zeros round it and between. Of an extreme each window has
//! one winner, whose place is an integer of its own operation: the cotangent is added there, and what is added at places
//! is read at them by the next derivative, so that all orders work.

use super::{Keep, Pull, T};
use plywood_core::op::{IndexMode, Padding, Scatter, ScatterKind, Window, WindowKind};
use plywood_core::shape::Axes;
use plywood_core::{Number, Op, Shape, Value};
use std::sync::Arc;

pub(super) fn keep(kind: WindowKind) -> Option<Keep> {
    match kind {
        WindowKind::Sum => Some(Keep::type_of(0)),
        WindowKind::Max | WindowKind::Min => Some(Keep::inputs([0])),
        // Places are integers.
        WindowKind::ArgMax | WindowKind::ArgMin => None,
    }
}

pub(super) fn vjp(kind: WindowKind, window: &Window, r: &Pull<'_>, ct: T) -> Option<T> {
    let winner = match kind {
        WindowKind::Sum => return Some(sum(window, r.shape(0), ct)),
        WindowKind::Max => WindowKind::ArgMax,
        WindowKind::Min => WindowKind::ArgMin,
        WindowKind::ArgMax | WindowKind::ArgMin => return None,
    };
    let x = r.x(0);
    if x.is_empty() {
        return Some(x.zeros_like());
    }
    let find = Op::Window { kind: winner, window: Arc::new(window.clone()) };
    let places = Value::apply1(find, x.value().clone());
    // One vector of all elements, and a window of size 1 for each place; what no element has won is dropped.
    let windows = places.ty().elements();
    let add = Scatter {
        kind: ScatterKind::Add,
        window_axes: Axes::new(),
        inserted_axes: Axes::from_slice(&[0]),
        operand_batching_axes: Axes::new(),
        indices_batching_axes: Axes::new(),
        index_map: Axes::from_slice(&[0]),
        mode: IndexMode::Fill,
    };
    let zeros = ct.value().full(Number::Int(0), x.ty().with_shape([x.len()]));
    let places = places.reshape_to(Shape::from([windows, 1]));
    let cts = ct.into_value().reshape_to(Shape::from([windows]));
    let added = Value::apply_all(Op::Scatter(Arc::new(add)), [zeros, places, cts].into_iter().collect());
    Some(T::of(added.reshape_to(x.shape().clone())))
}

/// Each element gets the cotangents of all windows that have it: those that end in it, up to those that begin in it.
fn sum(window: &Window, shape: &Shape, ct: T) -> T {
    let dilated = |n: usize, apart: usize| n as isize + (n as isize - 1).max(0) * (apart as isize - 1);
    let padding = (0..shape.rank()).map(|d| {
        let p = window.padding[d];
        let reach = ((window.sizes[d] - 1) * window.dilation[d]) as isize;
        let low = reach - p.low;
        let covered = dilated(ct.shape()[d], window.strides[d]);
        let high = dilated(shape[d], p.interior + 1) + reach - covered - low;
        Padding { low, high, interior: window.strides[d] - 1 }
    });
    let mirror = Window {
        padding: padding.collect(),
        sizes: window.sizes.clone(),
        strides: window.padding.iter().map(|p| p.interior + 1).collect(),
        dilation: window.dilation.clone(),
    };
    T::of(Value::apply1(Op::Window { kind: WindowKind::Sum, window: Arc::new(mirror) }, ct.into_value()))
}
