//! Convolutions: all attributes, none to three spatial axes, groups of both kinds, kernels larger than the output, empty
//! ones, and sizes round the tiles of matrix products.

use super::FLOATS;
use crate::data::{cycle, small, specials, uniform};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::{Conv, Padding};
use plywood_core::{Array, DType, Op};
use std::sync::Arc;

/// Shapes of the input and the kernel; strides, (low, high, interior) and dilation of each axis; groups of features and of
/// the batch.
struct Case {
    shapes: [&'static [usize]; 2],
    strides: &'static [usize],
    padding: &'static [(isize, isize, usize)],
    dilation: &'static [usize],
    groups: (usize, usize),
}

const fn case(
    shapes: [&'static [usize]; 2],
    strides: &'static [usize],
    padding: &'static [(isize, isize, usize)],
    dilation: &'static [usize],
    groups: (usize, usize),
) -> Case {
    Case { shapes, strides, padding, dilation, groups }
}

const NONE: (isize, isize, usize) = (0, 0, 0);

const CASES: &[Case] = &[
    case([&[2, 3], &[4, 3]], &[], &[], &[], (1, 1)),
    case([&[2, 4], &[6, 2]], &[], &[], &[], (2, 1)),
    case([&[1, 1, 5], &[1, 1, 3]], &[1], &[NONE], &[1], (1, 1)),
    case([&[2, 3, 7], &[4, 3, 3]], &[1], &[(1, 1, 0)], &[1], (1, 1)),
    case([&[2, 3, 7], &[4, 3, 3]], &[2], &[(2, 1, 1)], &[2], (1, 1)),
    case([&[2, 3, 7], &[4, 3, 2]], &[3], &[(-1, -2, 0)], &[1], (1, 1)),
    case([&[2, 3, 4], &[2, 3, 9]], &[1], &[(4, 5, 0)], &[1], (1, 1)),
    case([&[2, 2, 5, 6], &[3, 2, 3, 3]], &[1, 1], &[(1, 1, 0), (1, 1, 0)], &[1, 1], (1, 1)),
    case([&[1, 2, 5, 6], &[3, 2, 2, 3]], &[2, 1], &[(1, 0, 1), (-1, 2, 2)], &[1, 2], (1, 1)),
    case([&[2, 2, 5, 6], &[3, 2, 1, 1]], &[1, 1], &[NONE, NONE], &[1, 1], (1, 1)),
    case([&[2, 2, 5, 6], &[3, 2, 1, 1]], &[2, 3], &[NONE, NONE], &[1, 1], (1, 1)),
    case([&[2, 3, 4, 5], &[4, 3, 4, 5]], &[1, 1], &[NONE, NONE], &[1, 1], (1, 1)),
    case([&[2, 3, 5, 5], &[2, 3, 4, 5]], &[1, 1], &[(0, 1, 0), (1, 1, 0)], &[1, 1], (1, 1)),
    // Groups.
    case([&[2, 4, 5, 4], &[6, 2, 2, 3]], &[1, 1], &[(1, 0, 0), (1, 1, 0)], &[1, 1], (2, 1)),
    case([&[2, 4, 5, 4], &[4, 1, 3, 2]], &[1, 2], &[(1, 1, 0), NONE], &[1, 1], (4, 1)),
    case([&[1, 3, 5, 4], &[6, 1, 3, 2]], &[1, 1], &[(1, 1, 0), NONE], &[2, 1], (3, 1)),
    case([&[4, 2, 4, 4], &[6, 2, 2, 2]], &[1, 1], &[(1, 0, 0), NONE], &[1, 1], (1, 2)),
    case([&[3, 2, 4, 5], &[3, 2, 3, 3]], &[2, 1], &[(1, 1, 1), (0, 1, 0)], &[1, 1], (1, 3)),
    case([&[4, 3, 6], &[2, 3, 5]], &[1], &[(1, 1, 0)], &[1], (1, 2)),
    // Three axes.
    case([&[1, 2, 3, 4, 3], &[2, 2, 2, 2, 2]], &[1, 1, 1], &[NONE, (1, 1, 0), NONE], &[1, 1, 1], (1, 1)),
    case([&[1, 2, 3, 3, 4], &[2, 2, 2, 1, 2]], &[2, 1, 2], &[(1, 0, 1), NONE, (1, 2, 0)], &[1, 2, 1], (1, 1)),
    case([&[1, 4, 2, 3, 3], &[4, 2, 2, 3, 2]], &[1, 1, 1], &[(1, 1, 0), NONE, NONE], &[1, 1, 1], (2, 1)),
    // Nothing in some axis.
    case([&[0, 2, 5], &[3, 2, 3]], &[1], &[NONE], &[1], (1, 1)),
    case([&[2, 0, 5], &[3, 0, 3]], &[1], &[NONE], &[1], (1, 1)),
    case([&[2, 2, 5], &[0, 2, 3]], &[1], &[NONE], &[1], (1, 1)),
    case([&[2, 2, 2], &[3, 2, 3]], &[1], &[NONE], &[1], (1, 1)),
    case([&[2, 2, 0], &[3, 2, 3]], &[1], &[(2, 3, 0)], &[1], (1, 1)),
    case([&[2, 2, 4], &[3, 2, 2]], &[1], &[(-3, -1, 0)], &[1], (1, 1)),
];

/// Sizes below, at and above those that matrix kernels, bands and slices work in; few enough different numbers.
const LARGE: &[Case] = &[
    case([&[2, 8, 14, 14], &[17, 8, 3, 3]], &[1, 1], &[(1, 1, 0), (1, 1, 0)], &[1, 1], (1, 1)),
    case([&[2, 8, 15, 14], &[9, 8, 3, 3]], &[2, 2], &[(1, 1, 0), (0, 1, 0)], &[1, 1], (1, 1)),
    case([&[3, 6, 14, 14], &[9, 6, 12, 12]], &[1, 1], &[NONE, NONE], &[1, 1], (1, 1)),
    case([&[2, 70, 6, 6], &[8, 70, 3, 3]], &[1, 1], &[(1, 1, 0), (1, 1, 0)], &[1, 1], (1, 1)),
    case([&[2, 16, 9, 9], &[16, 1, 3, 3]], &[1, 1], &[(1, 1, 0), (1, 1, 0)], &[1, 1], (16, 1)),
    case([&[8, 5, 10, 10], &[8, 5, 8, 8]], &[1, 1], &[NONE, NONE], &[1, 1], (1, 8)),
    case([&[1, 2, 400], &[3, 2, 31]], &[1], &[(30, 30, 0)], &[1], (1, 1)),
    case([&[1, 1, 400], &[1, 1, 31]], &[1], &[(30, 30, 0)], &[1], (1, 1)),
];

fn op(case: &Case) -> Op {
    let padding = case.padding.iter().map(|&(low, high, interior)| Padding { low, high, interior });
    Op::Conv(Arc::new(Conv {
        strides: case.strides.into(),
        padding: padding.collect(),
        dilation: case.dilation.into(),
        feature_groups: case.groups.0,
        batch_groups: case.groups.1,
    }))
}

fn name(case: &Case, dtype: DType) -> String {
    format!("conv/{dtype} {:?} with {:?} {}", case.shapes[0], case.shapes[1], op(case))
}

fn class(case: &Case, dtype: DType) -> Class {
    let terms = case.shapes[1][1..].iter().product();
    if dtype.is_float() { Class::Sum { terms } } else { Class::Exact }
}

/// Uniform floats, and integers whose products wrap.
fn moderate(dtype: DType, shape: &[usize], name: &str, period: usize) -> Array {
    let all = uniform(DType::F64, [period], name, -2.0, 2.0).into_vec::<f64>().unwrap_or_default();
    let scale = if dtype.is_float() { 1.0 } else { 50.0 };
    cycle(dtype, shape, &all.into_iter().map(|x| Wide::Float(x * scale)).collect::<Vec<_>>())
}

pub(super) fn conv() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
        // What narrow types show of attributes, wide ones have shown.
        let few = matches!(dtype, DType::I64 | DType::I16 | DType::U64 | DType::U32 | DType::U16);
        for case in CASES.iter().step_by(if few {
            5
        } else if dtype.size() == 2 {
            2
        } else {
            1
        }) {
            let inputs =
                [moderate(dtype, case.shapes[0], "input", 61), moderate(dtype, case.shapes[1], "kernel", 31)];
            samples.push(Sample::new(name(case, dtype), op(case), inputs).class(class(case, dtype)));
        }
        let large = dtype.is_float() || dtype == DType::I32 || dtype == DType::U8;
        for case in LARGE.iter().filter(|_| large) {
            let inputs =
                [moderate(dtype, case.shapes[0], "input", 11), moderate(dtype, case.shapes[1], "kernel", 7)];
            samples.push(Sample::new(name(case, dtype), op(case), inputs).class(class(case, dtype)));
        }
        samples.push(special_values(dtype));
    }
    for dtype in FLOATS {
        for case in CASES.iter().step_by(if dtype == DType::F64 { 1 } else { 3 }) {
            let inputs = [small(dtype, case.shapes[0], "input"), small(dtype, case.shapes[1], "kernel")];
            let name = format!("{} smooth", name(case, dtype));
            samples.push(Sample::new(name, op(case), inputs).class(class(case, dtype)).smooth());
        }
    }
    samples
}

/// One infinity or NaN must reach its own places of the output alone; a zero of the kernel does not hide it.
fn special_values(dtype: DType) -> Sample {
    let all = specials(dtype);
    let n = all.len();
    let one = case([&[], &[]], &[1], &[NONE], &[1], (1, 1));
    let x = cycle(dtype, [1, 1, n], &all);
    let kernel = cycle(dtype, [n, 1, 1], &all);
    let class = if dtype.is_float() { Class::Sum { terms: 1 } } else { Class::Exact };
    Sample::new(format!("conv/{dtype} special values"), op(&one), [x, kernel]).class(class)
}
