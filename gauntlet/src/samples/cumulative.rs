//! Running reductions of every kind: any axis, both directions, lanes of one run and of many, rows of accumulators.

use super::FLOATS;
use crate::data::{self, Numbers, cycle, distinct, fill, mixed, small, specials, uniform};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Cumulation;
use plywood_core::{Array, DType, Op};

const CASES: &[(&[usize], usize)] = &[
    (&[7], 0),
    (&[1], 0),
    (&[0], 0),
    (&[0, 3], 1),
    (&[3, 5], 0),
    (&[3, 5], 1),
    (&[2, 3, 4], 1),
    (&[9, 20], 0),
    (&[20, 9], 1),
    (&[1031], 0),
];

fn takes(kind: Cumulation, dtype: DType) -> bool {
    match kind {
        Cumulation::Sum | Cumulation::Prod | Cumulation::Max | Cumulation::Min => dtype != DType::Bool,
        Cumulation::LogSumExp => dtype.is_float(),
    }
}

fn class(kind: Cumulation, dtype: DType, terms: usize) -> Class {
    match kind {
        _ if !dtype.is_float() => Class::Exact,
        Cumulation::Sum => Class::Sum { terms },
        Cumulation::Prod => Class::Ulps(1 + terms as u32 / 2),
        Cumulation::Max | Cumulation::Min => Class::Equal,
        // Near 0 the logarithm of a sum near 1 has no relative accuracy.
        Cumulation::LogSumExp => Class::Norm(4),
    }
}

/// Data that stay in range: factors come with their near-reciprocals.
fn moderate(kind: Cumulation, dtype: DType, shape: &[usize]) -> Array {
    let mut numbers = Numbers::of(kind.name());
    match kind {
        _ if !dtype.is_float() => cycle(dtype, shape, &mixed(dtype, kind.name())),
        Cumulation::Prod => {
            let factors: Vec<f64> = (0..31).map(|_| numbers.between(0.7, 1.4)).collect();
            fill(dtype, shape, |i| {
                let factor = factors[i / 2 % 31];
                Wide::Float(if i.is_multiple_of(2) { factor } else { -1.0 / factor })
            })
        }
        Cumulation::Sum | Cumulation::Max | Cumulation::Min | Cumulation::LogSumExp => {
            let values: Vec<Wide> = (0..97).map(|_| Wide::Float(numbers.between(-4.0, 5.0))).collect();
            cycle(dtype, shape, &values)
        }
    }
}

pub(super) fn cumulative() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &kind in Cumulation::ALL {
        let op = |axis, reverse| Op::Cumulative { kind, axis, reverse };
        for dtype in DType::ALL.into_iter().filter(|&d| takes(kind, d)) {
            let name = format!("cumulative/{} {dtype}", kind.name());
            for (i, &(shape, axis)) in CASES.iter().enumerate() {
                let long = shape.iter().product::<usize>() > 1000;
                if long && ![DType::F64, DType::F32, DType::I32].contains(&dtype) {
                    continue;
                }
                // By turns forward and backward; the first both ways.
                let turn = (i + kind as usize).is_multiple_of(2);
                let ways: &[bool] = if i == 0 { &[false, true] } else { &[turn] };
                for &reverse in ways {
                    let way = if reverse { " backward" } else { "" };
                    let x = moderate(kind, dtype, shape);
                    let class = class(kind, dtype, shape[axis]);
                    let name = format!("{name} {shape:?} along {axis}{way}");
                    samples.push(Sample::new(name, op(axis, reverse), [x]).class(class));
                }
            }
            if [DType::F32, DType::BF16, DType::I32, DType::U8].contains(&dtype) {
                samples.push(special_pairs(&name, kind, dtype));
            }
        }
        for dtype in FLOATS {
            let cases = [(&[7][..], 0, false), (&[8], 0, true), (&[3, 4], 0, true), (&[2, 5, 2], 1, false)];
            for (shape, axis, reverse) in cases {
                let x = match kind {
                    Cumulation::Sum => small(dtype, shape, "x"),
                    Cumulation::Prod => uniform(dtype, shape, "x", 0.5, 1.5),
                    Cumulation::Max | Cumulation::Min => distinct(dtype, shape, "x"),
                    Cumulation::LogSumExp => uniform(dtype, shape, "x", -1.0, 1.0),
                };
                let name = format!("cumulative/{} {dtype} {shape:?} along {axis} smooth", kind.name());
                let class = class(kind, dtype, shape[axis]);
                samples.push(Sample::new(name, op(axis, reverse), [x]).class(class).smooth());
            }
            if kind == Cumulation::Prod {
                // No zero, one, two in a row: derivatives must not divide.
                let x = [1.5, 2.0, -0.5, 1.25, 0.5, 0.0, 2.0, 3.0, 0.0, 0.0, 1.25, 2.0];
                let (x, op) = (data::floats(dtype, [3, 4], &x), op(1, false));
                let name = format!("cumulative/cumprod {dtype} with zeros smooth");
                samples.push(Sample::new(name, op, [x]).class(Class::Ulps(2)).smooth());
            }
            if kind == Cumulation::LogSumExp {
                // -inf are terms of no weight, inf is all there is; large ones do not overflow.
                let inf = f64::INFINITY;
                let x = [-inf, -inf, 1.0, -inf, 2.0, 1.0, inf, 3.0, inf, -inf, 6e4, 6e4, -6e4, 0.0, 6e4];
                let (x, op) = (data::floats(dtype, [3, 5], &x), op(1, false));
                let name = format!("cumulative/cumlogsumexp {dtype} infinite and large");
                samples.push(Sample::new(name, op, [x]).class(Class::Norm(4)));
            }
        }
    }
    samples
}

/// All pairs of special values.
fn special_pairs(name: &str, kind: Cumulation, dtype: DType) -> Sample {
    let all = specials(dtype);
    let n = all.len();
    let x = fill(dtype, [n * n, 2], |i| if i % 2 == 0 { all[i / 2 / n] } else { all[i / 2 % n] });
    let op = Op::Cumulative { kind, axis: 1, reverse: false };
    Sample::new(format!("{name} special pairs"), op, [x]).class(class(kind, dtype, 2))
}
