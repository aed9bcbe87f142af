//! Discrete Fourier transforms over the last axes, of f32 and f64. There are no complex dtypes: a complex tensor is
//! two of them, its real and its imaginary part.

use crate::op::{Types, names, same_types};
use crate::{DType, TensorType};
use smallvec::smallvec;

names! {
    /// From what to what. `X[k] = sum over j of x[j] e^(-2πi jk / n)`; the inverse has the other sign and the factor 1/n.
    pub enum FftKind {
        /// Complex to complex: two inputs, two outputs, of one shape.
        Forward "fft",
        /// Its inverse.
        Inverse "ifft",
        /// Real to complex: one input, two outputs, of which the last axis has n / 2 + 1 elements: the others are
        /// their conjugates.
        Real "rfft",
        /// Its inverse, complex to real: two inputs of n / 2 + 1 elements along the last axis, one output of n. The
        /// imaginary parts of what its own conjugate must be (element 0, and n / 2 of an even n) count for nothing.
        InverseReal "irfft",
    }
}

impl FftKind {
    pub(super) fn inputs(self) -> usize {
        match self {
            FftKind::Forward | FftKind::Inverse | FftKind::InverseReal => 2,
            FftKind::Real => 1,
        }
    }

    #[track_caller]
    pub(super) fn infer(self, x: &[&TensorType], sizes: &[usize]) -> Types {
        let name = self.name();
        same_types(name, x);
        let (ty, rank) = (x[0], x[0].rank());
        assert!(matches!(ty.dtype, DType::F32 | DType::F64), "{name}: takes f32 and f64, not {ty}");
        assert!(
            !sizes.is_empty() && sizes.len() <= rank && sizes.iter().all(|&n| n >= 1),
            "{name}: sizes {sizes:?} of the last axes of shape {}",
            ty.shape
        );
        let half = sizes[sizes.len() - 1] / 2 + 1;
        let with_last = |n: usize| {
            let mut shape = ty.shape.clone();
            shape[rank - 1] = n;
            ty.with_shape(shape)
        };
        let mut expected: Vec<usize> = ty.shape[..rank - sizes.len()].iter().chain(sizes).copied().collect();
        if self == FftKind::InverseReal {
            expected[rank - 1] = half;
        }
        assert!(ty.shape == expected, "{name}: sizes {sizes:?} take shape {expected:?}, not {}", ty.shape);
        match self {
            FftKind::Forward | FftKind::Inverse => smallvec![ty.clone(), ty.clone()],
            FftKind::Real => smallvec![with_last(half), with_last(half)],
            FftKind::InverseReal => smallvec![with_last(sizes[sizes.len() - 1])],
        }
    }
}
