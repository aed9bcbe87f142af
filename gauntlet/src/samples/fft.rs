//! Fourier transforms of every kind: lengths that are powers, products and primes, one to three axes, batches.

use crate::data::{small, uniform};
use crate::{Class, Sample};
use plywood_core::op::FftKind;
use plywood_core::shape::Axes;
use plywood_core::{DType, Op};

/// Shapes, and how many of the last axes are transformed.
const CASES: &[(&[usize], usize)] = &[
    (&[1], 1),
    (&[2], 1),
    (&[3], 1),
    (&[7], 1),
    (&[8], 1),
    (&[30], 1),
    (&[61], 1),
    (&[3, 16], 1),
    (&[0, 4], 1),
    (&[1, 1], 2),
    (&[3, 4], 2),
    (&[4, 3], 2),
    (&[2, 3, 5], 2),
    (&[2, 3, 4], 3),
    (&[2, 3, 2, 5], 3),
    (&[9, 14], 2),
    (&[360], 1),
];

pub(super) fn fft() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &kind in FftKind::ALL {
        for dtype in [DType::F64, DType::F32] {
            for &(shape, axes) in CASES {
                let sizes: Axes = shape[shape.len() - axes..].iter().copied().collect();
                let mut given = shape.to_vec();
                let complex = match kind {
                    FftKind::Forward | FftKind::Inverse => true,
                    FftKind::Real => false,
                    FftKind::InverseReal => {
                        *given.last_mut().expect("an axis") /= 2;
                        *given.last_mut().expect("an axis") += 1;
                        true
                    }
                };
                let n: usize = shape.iter().product();
                let name = format!("fft/{} {dtype} {shape:?} over {axes}", kind.name());
                let op = Op::Fft { kind, sizes };
                let part = |name: &str| uniform(dtype, &given[..], name, -1.0, 2.0);
                let mut inputs = vec![part("re")];
                inputs.extend(complex.then(|| part("im")));
                samples.push(Sample::new(&name, op.clone(), inputs).class(Class::Norm(8)));
                if (2..31).contains(&n) {
                    let part = |name: &str| small(dtype, &given[..], name);
                    let mut inputs = vec![part("re")];
                    inputs.extend(complex.then(|| part("im")));
                    let name = format!("{name} smooth");
                    samples.push(Sample::new(name, op, inputs).class(Class::Norm(8)).smooth());
                }
            }
        }
    }
    samples
}
