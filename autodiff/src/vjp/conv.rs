//! Derivatives of a convolution: it is bilinear, and each of its cotangents is a convolution again.
//!
//! The input's is one of the cotangent with the kernel turned round; its features and output features change places. The
//! kernel's is one of the input with the cotangent, in which the batch is summed over: batch and features change places,
//! so that feature groups become batch groups, and batch groups feature groups.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{Conv, Padding};
use plywood_core::{Number, Op, Shape, Value};
use std::sync::Arc;

pub(super) fn keep(wants_x: bool, wants_kernel: bool) -> Keep {
    match (wants_x, wants_kernel) {
        (true, true) => Keep::inputs([0, 1]).and_type_of(0).and_type_of(1),
        (true, false) => Keep::inputs([1]).and_type_of(0).and_type_of(1),
        (false, _) => Keep::inputs([0]).and_type_of(0).and_type_of(1),
    }
}

pub(super) fn vjp(conv: &Conv, r: &Pull<'_>, ct: T) -> Gradients {
    let nothing = [0, 1].iter().any(|&i| r.shape(i).elements() == 0) || ct.is_empty();
    if nothing {
        let zeros = |i: usize| move |ct: T| T::of(ct.value().full(Number::Int(0), r.ty(i).clone()));
        return r.each(ct, [&zeros(0), &zeros(1)]);
    }
    let by_x = |ct: T| by_input(conv, r.shape(0), r.x(1), ct);
    let by_kernel = |ct: T| by_kernel(conv, r.x(0), r.shape(1), ct);
    r.each(ct, [&by_x, &by_kernel])
}

fn by_input(conv: &Conv, shape: &Shape, kernel: &T, ct: T) -> T {
    let groups = conv.feature_groups.max(conv.batch_groups);
    let turned: Vec<isize> = (2..shape.rank() as isize).collect();
    // `[out, in of a group, ..]` to `[in, out of a group, ..]`.
    let kernel = swapped(regrouped(kernel.clone(), 0, 1, groups).into_value()).flip(&turned);
    let padding = (0..shape.rank() - 2).map(|d| {
        let p = conv.padding[d];
        let reach = dilated(kernel.shape()[d + 2], conv.dilation[d]) - 1;
        let low = reach - p.low;
        // At the end, what the strides left over.
        let covered = dilated(ct.shape()[d + 2], conv.strides[d]);
        let high = dilated(shape[d + 2], p.interior + 1) + reach - covered - low;
        Padding { low, high, interior: conv.strides[d] - 1 }
    });
    let transposed = Conv {
        padding: padding.collect(),
        strides: conv.padding.iter().map(|p| p.interior + 1).collect(),
        dilation: conv.dilation.clone(),
        feature_groups: groups,
        batch_groups: 1,
    };
    // Each batch group has got features of its own, which are a part of the batch.
    regrouped(apply(transposed, ct.into_value(), kernel), 1, 0, conv.batch_groups)
}

fn by_kernel(conv: &Conv, x: &T, shape: &Shape, ct: T) -> T {
    let padding = (0..shape.rank() - 2).map(|d| {
        let p = conv.padding[d];
        // What the strides left over at the end goes.
        let covered = dilated(ct.shape()[d + 2], conv.strides[d]);
        let reach = dilated(shape[d + 2], conv.dilation[d]) - 1;
        let high = covered + reach - dilated(x.shape()[d + 2], p.interior + 1) - p.low;
        Padding { high, ..p }
    });
    let transposed = Conv {
        padding: padding.collect(),
        strides: conv.dilation.clone(),
        dilation: conv.strides.clone(),
        feature_groups: conv.batch_groups,
        batch_groups: conv.feature_groups,
    };
    let sums = apply(transposed, swapped(x.value().clone()), swapped(ct.into_value()));
    T::of(swapped(sums.into_value()))
}

fn apply(conv: Conv, x: Value, kernel: Value) -> T {
    T::of(Value::apply2(Op::Conv(Arc::new(conv)), x, kernel))
}

/// The size of an axis of `n` elements, at least one, `apart` from each other.
fn dilated(n: usize, apart: usize) -> isize {
    ((n - 1) * apart + 1) as isize
}

/// Axis `from`, cut into groups, whose number comes before the elements of axis `to`.
fn regrouped(x: T, from: usize, to: usize, groups: usize) -> T {
    if groups == 1 {
        return x;
    }
    let mut shape = x.shape().clone();
    shape[from] /= groups;
    let cut = x.into_value().reshape_to(shape.insert(from, groups));
    shape[to] *= groups;
    T::of(cut.move_axis(from as isize, to as isize).reshape_to(shape))
}

fn swapped(x: Value) -> Value {
    x.swap_axes(0, 1)
}
