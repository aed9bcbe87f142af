//! Convolutions. Where only the input differs between lanes, they are more of its batch; where only the kernel does, more
//! output features; where both do, each lane is a group.
//!
//! What comes in groups stays so: a group's elements are neighbours, so the lanes go inside the group, not in front.

use super::{Args, Batch, batched};
use plywood_core::op::Conv;
use plywood_core::{Op, Shape, Value};
use std::sync::Arc;

pub(super) fn conv(c: &Conv, b: &Batch<'_>, mut x: Args) -> Args {
    let kernel = x.pop().expect("two inputs");
    let input = x.pop().expect("two inputs");
    let n = b.size();
    let run = |c: Conv, input: Value, kernel: Value| Value::apply2(Op::Conv(Arc::new(c)), input, kernel);
    // Output: batch, features, spatial axes.
    let (batch, features) = (b.outputs[0].shape[0], b.outputs[0].shape[1]);
    let groups = c.feature_groups.max(c.batch_groups);
    batched(match (input.batched, kernel.batched) {
        (true, false) => {
            let input = folded(input.value, 1, c.batch_groups, n);
            unfolded(run(c.clone(), input, kernel.value), 0, 1, n, batch)
        }
        (false, _) => {
            let kernel = folded(kernel.value, 1, groups, n);
            unfolded(run(c.clone(), input.value, kernel), 1, groups, n, features)
        }
        (true, true) => {
            // Of a convolution without groups, the lanes become groups of features.
            let by_batch = c.batch_groups > 1;
            let conv = match by_batch {
                true => Conv { batch_groups: c.batch_groups * n, ..c.clone() },
                false => Conv { feature_groups: c.feature_groups * n, ..c.clone() },
            };
            let input = folded(input.value, if by_batch { 1 } else { 2 }, 1, n);
            let kernel = folded(kernel.value, 1, 1, n);
            unfolded(run(conv, input, kernel), 1, 1, n, features)
        }
    })
}

/// `[lanes, ..]` with the lanes inside each of the `groups` of an axis, in front of the group's elements.
fn folded(x: Value, axis: usize, groups: usize, lanes: usize) -> Value {
    let size = x.shape()[axis];
    let inside = size / groups;
    let split: Shape = replaced(x.shape(), axis, &[groups, inside]);
    let mut shape: Shape = x.shape().without(&[0]);
    shape[axis - 1] = lanes * size;
    x.reshape_to(split).move_axis(0, axis as isize).reshape_to(shape)
}

/// What `folded` did, undone: an axis of `groups` of lanes of elements, `size` of them a lane, as `[lanes, ..]`.
fn unfolded(y: Value, axis: usize, groups: usize, lanes: usize, size: usize) -> Value {
    let split = replaced(y.shape(), axis, &[groups, lanes, size / groups]);
    let whole = {
        let mut shape = y.shape().insert(0, lanes);
        shape[axis + 1] = size;
        shape
    };
    y.reshape_to(split).move_axis(axis as isize + 1, 0).reshape_to(whole)
}

/// A shape with one axis cut into several.
fn replaced(shape: &Shape, axis: usize, sizes: &[usize]) -> Shape {
    shape[..axis].iter().chain(sizes).chain(&shape[axis + 1..]).copied().collect()
}
