//! Fourier transforms.

use plywood_core::Values;
use plywood_core::op::{FftKind, Types};

/// Transforms the last axes, which have these sizes (before the halving of a real transform).
pub fn fft(_types: Types, _x: Values, _kind: FftKind, _sizes: &[usize]) -> Values {
    todo!()
}
