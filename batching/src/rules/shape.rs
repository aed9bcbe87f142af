//! Rearranging: the lanes' axis stays in front.

use super::{Args, Batch, led, up};
use plywood_core::{Op, Shape};

pub(super) fn reshape(shape: &Shape, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Reshape { shape: shape.insert(0, b.size()) }, x)
}

pub(super) fn transpose(permutation: &[usize], b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Transpose { permutation: led(0, &up(permutation)) }, x)
}

pub(super) fn broadcast(shape: &Shape, axes: &[usize], b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Broadcast { shape: shape.insert(0, b.size()), axes: led(0, &up(axes)) }, x)
}

pub(super) fn reverse(axes: &[usize], b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Reverse { axes: up(axes) }, x)
}
