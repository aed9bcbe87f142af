//! Special functions: operands of all sizes and at the ends of their domains, against mpmath; every order of derivative,
//! and smooth points for differences.

use super::FLOATS;
use crate::data::{Numbers, fill};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::{Special, SpecialFunction};
use plywood_core::{DType, Op};

const INF: f64 = f64::INFINITY;

/// Operands of a function, each with the last one.
type Points = Vec<[f64; 3]>;

/// A number of a logarithmic range.
fn between(numbers: &mut Numbers, low: f64, high: f64) -> f64 {
    numbers.between(low.ln(), high.ln()).exp()
}

fn points(function: SpecialFunction) -> Points {
    let mut numbers = Numbers::of(function.name());
    let n = &mut numbers;
    match function {
        SpecialFunction::Digamma => {
            let ends = [0.5, 1.0, 1.4616321, 2.0, 10.0, 12.5, 1e3, -0.5, -1.25, -3.75, -10.5];
            ends.into_iter().chain((0..12).map(|_| between(n, 0.02, 50.0))).map(|x| [x, 0.0, 0.0]).collect()
        }
        SpecialFunction::Igamma | SpecialFunction::Igammac => {
            let mut all: Points =
                (0..14).map(|_| [between(n, 0.05, 20.0), between(n, 0.05, 30.0), 0.0]).collect();
            // Large operands near each other.
            all.extend((0..6).map(|_| {
                let a = between(n, 21.0, 400.0);
                [a, a * n.between(0.75, 1.25), 0.0]
            }));
            all.extend([
                [1.0, 1.0, 0.0],
                [25.0, 25.0, 0.0],
                [0.5, 8.0, 0.0],
                [8.0, 0.5, 0.0],
                [100.0, 60.0, 0.0],
            ]);
            all
        }
        SpecialFunction::Betainc => {
            let mut all: Points = (0..14)
                .map(|_| [between(n, 0.1, 20.0), between(n, 0.1, 20.0), n.between(0.05, 0.95)])
                .collect();
            all.extend((0..4).map(|_| {
                let (a, b) = (between(n, 20.0, 200.0), between(n, 20.0, 200.0));
                [a, b, (a / (a + b)) * n.between(0.9, 1.1)]
            }));
            all.extend([[1.0, 1.0, 0.25], [2.0, 0.5, 0.9], [30.0, 0.75, 0.97]]);
            all
        }
    }
}

/// Where the function alone has a value that no algorithm gives.
fn ends(function: SpecialFunction) -> Points {
    let nan = f64::NAN;
    match function {
        SpecialFunction::Digamma => [0.0, -0.0, -1.0, -2.0, INF, nan].map(|x| [x, 0.0, 0.0]).into(),
        SpecialFunction::Igamma | SpecialFunction::Igammac => {
            let pairs = [
                (1.0, 0.0),
                (1.0, INF),
                (0.0, 1.0),
                (-1.0, 1.0),
                (1.0, -1.0),
                (0.0, 0.0),
                (nan, 1.0),
                (1.0, nan),
            ];
            pairs.map(|(a, x)| [a, x, 0.0]).into()
        }
        SpecialFunction::Betainc => {
            vec![
                [1.5, 2.0, 0.0],
                [1.5, 2.0, 1.0],
                [-1.0, 1.0, 0.5],
                [1.0, 1.0, 2.0],
                [1.0, 1.0, -0.5],
                [nan, 1.0, 0.5],
            ]
        }
    }
}

fn orders(function: SpecialFunction) -> Vec<[u8; 3]> {
    match function {
        SpecialFunction::Digamma => vec![[0, 0, 0], [1, 0, 0], [2, 0, 0], [5, 0, 0]],
        SpecialFunction::Igamma => {
            vec![[0, 0, 0], [0, 1, 0], [0, 2, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0], [3, 0, 0], [4, 0, 0]]
        }
        SpecialFunction::Igammac => vec![[0, 0, 0], [0, 1, 0], [1, 0, 0], [2, 0, 0]],
        SpecialFunction::Betainc => {
            vec![
                [0, 0, 0],
                [0, 0, 1],
                [0, 0, 2],
                [1, 0, 0],
                [0, 1, 0],
                [1, 0, 1],
                [1, 1, 0],
                [2, 0, 0],
                [0, 2, 0],
            ]
        }
    }
}

fn sample(name: String, s: Special, dtype: DType, points: &[[f64; 3]], shape: &[usize]) -> Sample {
    let operand = |k: usize| fill(dtype, shape, |i| Wide::Float(points[i % points.len()][k]));
    let inputs: Vec<_> = (0..s.function.inputs()).map(operand).collect();
    // Computed in f64; in f64 the exponents of small results cost some digits.
    let class = Class::Ulps(if dtype == DType::F64 { 2048 } else { 1 });
    Sample::new(format!("special/{name} {dtype}"), Op::Special(s), inputs).class(class)
}

pub(super) fn special() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &function in SpecialFunction::ALL {
        let (points, ends) = (points(function), ends(function));
        for orders in orders(function) {
            let s = Special { function, orders };
            let name = format!("{} {orders:?}", function.name());
            for dtype in FLOATS {
                if orders != [0; 3] && dtype.size() == 2 {
                    continue;
                }
                samples.push(sample(name.clone(), s, dtype, &points, &[points.len()]));
                if orders == [0; 3] {
                    samples.push(sample(format!("{name} ends"), s, dtype, &ends, &[ends.len()]));
                    for shape in [&[][..], &[0], &[2, 3]] {
                        samples.push(sample(format!("{name} {shape:?}"), s, dtype, &points, shape));
                    }
                    // Enough for threads.
                    samples.push(sample(format!("{name} large"), s, dtype, &points[..7], &[129]));
                }
            }
            // Away from poles and from the ends.
            let smooth: Points = match function {
                SpecialFunction::Digamma => [0.7, 1.2, 2.3, 3.4, 5.5, 8.0].map(|x| [x, 0.0, 0.0]).into(),
                SpecialFunction::Igamma | SpecialFunction::Igammac => {
                    vec![
                        [0.7, 0.9, 0.0],
                        [1.5, 1.0, 0.0],
                        [2.5, 3.5, 0.0],
                        [4.0, 3.0, 0.0],
                        [1.2, 2.2, 0.0],
                        [3.0, 4.5, 0.0],
                    ]
                }
                SpecialFunction::Betainc => {
                    vec![
                        [0.8, 1.5, 0.3],
                        [1.5, 1.2, 0.6],
                        [2.5, 3.0, 0.5],
                        [4.0, 2.0, 0.7],
                        [1.3, 2.2, 0.2],
                        [3.0, 1.7, 0.4],
                    ]
                }
            };
            if orders.iter().sum::<u8>() < 2 {
                for dtype in [DType::F64, DType::F32] {
                    samples.push(sample(format!("{name} smooth"), s, dtype, &smooth, &[2, 3]).smooth());
                }
            }
        }
    }
    samples
}
