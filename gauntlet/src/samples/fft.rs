//! Fourier transforms.

use crate::Sample;

pub(super) fn fft() -> Vec<Sample> {
    todo!()
}
