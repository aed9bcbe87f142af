//! Rearrangements of every dtype: empty ones, size 1, ranks to 5, more than a tile; and stop_gradient.

use super::{FLOATS, elementwise};
use crate::data::{cycle, mixed, small};
use crate::{Class, Sample};
use plywood_core::{DType, Op, Shape};

/// A sample for every dtype of every case, and a smooth one for each case of small floats.
fn over_dtypes(name: &str, cases: &[(&[usize], Op)]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (shape, op) in cases {
        for dtype in DType::ALL {
            let name = format!("{name}/{shape:?} {op} {dtype}");
            let x = cycle(dtype, *shape, &mixed(dtype, "shape"));
            samples.push(Sample::new(&name, op.clone(), [x]));
            if dtype.is_float() && shape.iter().product::<usize>() <= 24 {
                let x = small(dtype, *shape, "smooth");
                samples.push(Sample::new(format!("{name} smooth"), op.clone(), [x]).smooth());
            }
        }
    }
    samples
}

pub(super) fn reshape() -> Vec<Sample> {
    let cases: &[(&[usize], &[usize])] = &[
        (&[], &[1]),
        (&[1], &[]),
        (&[1, 1], &[]),
        (&[0], &[3, 0, 2]),
        (&[2, 0], &[0]),
        (&[6], &[2, 3]),
        (&[2, 3], &[3, 2]),
        (&[2, 3], &[6]),
        (&[2, 1, 3], &[2, 3]),
        (&[2, 3, 4], &[4, 6]),
        (&[2, 3, 4], &[2, 12]),
        (&[2, 3, 4], &[6, 1, 4]),
        (&[2, 3, 4, 5], &[5, 4, 3, 2]),
        (&[40, 33], &[33, 40]),
        (&[1031], &[1031, 1]),
        (&[24, 50], &[2, 3, 4, 5, 10]),
    ];
    let cases: Vec<_> = cases.iter().map(|&(x, y)| (x, Op::Reshape { shape: Shape::from(y) })).collect();
    over_dtypes("reshape", &cases)
}

pub(super) fn transpose() -> Vec<Sample> {
    let cases: &[(&[usize], &[usize])] = &[
        (&[], &[]),
        (&[7], &[0]),
        (&[0, 3], &[1, 0]),
        (&[2, 3], &[1, 0]),
        (&[2, 3], &[0, 1]),
        (&[1, 9], &[1, 0]),
        (&[2, 3, 4], &[2, 0, 1]),
        (&[2, 3, 4], &[0, 2, 1]),
        (&[2, 3, 4], &[1, 0, 2]),
        (&[2, 3, 4, 5], &[3, 2, 1, 0]),
        (&[2, 3, 4, 5], &[0, 2, 1, 3]),
        (&[40, 33], &[1, 0]),
        (&[3, 2, 2, 3, 5], &[4, 1, 3, 0, 2]),
    ];
    let op = |p: &[usize]| Op::Transpose { permutation: p.iter().copied().collect() };
    let cases: Vec<_> = cases.iter().map(|&(x, p)| (x, op(p))).collect();
    over_dtypes("transpose", &cases)
}

pub(super) fn broadcast() -> Vec<Sample> {
    let cases: &[(&[usize], &[usize], &[usize])] = &[
        (&[], &[], &[]),
        (&[], &[3], &[]),
        (&[], &[2, 0], &[]),
        (&[], &[2, 3, 4], &[]),
        (&[1], &[5], &[0]),
        (&[1], &[0], &[0]),
        (&[3], &[3], &[0]),
        (&[3], &[2, 3], &[1]),
        (&[3], &[3, 2], &[0]),
        (&[2, 3], &[2, 4, 3], &[0, 2]),
        (&[2, 1], &[2, 3], &[0, 1]),
        (&[1, 3], &[2, 3], &[0, 1]),
        (&[1, 1], &[4, 5], &[0, 1]),
        (&[2, 1, 3], &[5, 2, 4, 3], &[1, 2, 3]),
        (&[0, 1], &[0, 7], &[0, 1]),
        (&[33], &[40, 33], &[1]),
        (&[40, 1], &[40, 33], &[0, 1]),
    ];
    let op =
        |s: &[usize], a: &[usize]| Op::Broadcast { shape: Shape::from(s), axes: a.iter().copied().collect() };
    let cases: Vec<_> = cases.iter().map(|&(x, s, a)| (x, op(s, a))).collect();
    over_dtypes("broadcast", &cases)
}

pub(super) fn reverse() -> Vec<Sample> {
    let cases: &[(&[usize], &[usize])] = &[
        (&[], &[]),
        (&[0], &[0]),
        (&[1], &[0]),
        (&[7], &[0]),
        (&[7], &[]),
        (&[2, 3], &[0]),
        (&[2, 3], &[1]),
        (&[2, 3], &[1, 0]),
        (&[2, 3, 4], &[0, 2]),
        (&[2, 3, 4, 5], &[1, 3]),
        (&[40, 33], &[0, 1]),
        (&[1031], &[0]),
    ];
    let op = |a: &[usize]| Op::Reverse { axes: a.iter().copied().collect() };
    let cases: Vec<_> = cases.iter().map(|&(x, a)| (x, op(a))).collect();
    over_dtypes("reverse", &cases)
}

pub(super) fn stop_gradient() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        let values = mixed(dtype, "stop_gradient");
        let name = format!("stop_gradient/{dtype}");
        samples.extend(elementwise(&name, &Op::StopGradient, &[(dtype, &values)], Class::Exact));
    }
    for dtype in FLOATS {
        let name = format!("stop_gradient/{dtype} smooth");
        samples.push(Sample::new(name, Op::StopGradient, [small(dtype, [2, 3], "smooth")]).smooth());
    }
    samples
}
