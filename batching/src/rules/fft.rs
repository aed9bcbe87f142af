//! Fourier transforms of the last axes: all axes in front are a batch.

use super::{Args, Batch};
use plywood_core::Op;

pub(super) fn fft(op: &Op, b: &Batch<'_>, x: Args) -> Args {
    b.all(op, x)
}
