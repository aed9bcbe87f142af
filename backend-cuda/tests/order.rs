//! Sorting and running reductions of lengths that take every way there is through their kernels, against the CPU.

mod common;

use common::engines;
use plywood_backend_cpu::Cpu;
use plywood_core::op::Cumulation;
use plywood_core::{Array, Backend, Engine, Op, Shape, Value, Values};

fn run(engine: &'static dyn Engine, op: &Op, x: &[Array]) -> Vec<Array> {
    let inputs: Values = x.iter().map(|x| Value::create(engine, Op::Constant(x.clone()))).collect();
    let outputs = Value::apply(op, inputs);
    outputs.iter().map(|y| y.array("test")).collect()
}

/// Numbers that look random.
fn numbers(n: usize, below: u64) -> Vec<u64> {
    let mut state = n as u64 + below;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % below
    };
    (0..n).map(|_| next()).collect()
}

const SHAPES: [(&[usize], usize); 13] = [
    (&[2], 0),
    (&[33], 0),
    (&[4, 200], 1),
    (&[700, 5], 1),
    (&[5, 700], 0),
    (&[3, 513], 1),
    (&[2048], 0),
    (&[2, 2049], 1),
    (&[5000, 3], 0),
    (&[2, 40, 70], 1),
    (&[50, 4200], 0),
    (&[70_000], 0),
    (&[2, 40_000], 1),
];

#[test]
fn sorts_of_every_length() {
    for engine in engines() {
        for (shape, axis) in SHAPES {
            let n: usize = shape.iter().product();
            let of = |data: Vec<u64>| data.into_iter().map(|x| x as f32 - 300.0).collect::<Vec<f32>>();
            let x = Array::new(of(numbers(n, 600)), Shape::from(shape));
            let y = Array::new(numbers(n, 5), Shape::from(shape));
            let places = Array::new((0..n as i32).collect(), Shape::from(shape));
            for (keys, x) in [
                (1, vec![x.clone()]),
                (1, vec![x.clone(), places.clone()]),
                (2, vec![y.clone(), x.clone(), places.clone()]),
            ] {
                let op = Op::Sort { axis, keys };
                assert!(
                    run(engine, &op, &x) == run(Cpu::ENGINE, &op, &x),
                    "sort {shape:?} along {axis}, {keys} keys"
                );
            }
            for k in [1, shape[axis] / 2, shape[axis], shape[axis].min(500)] {
                let op = Op::TopK { k, axis };
                let x = [x.clone()];
                assert!(
                    run(engine, &op, &x) == run(Cpu::ENGINE, &op, &x),
                    "the {k} largest of {shape:?} along {axis}"
                );
            }
        }
    }
}

#[test]
fn running_reductions_of_every_length() {
    for engine in engines() {
        for (shape, axis) in SHAPES {
            let n: usize = shape.iter().product();
            let whole =
                Array::new(numbers(n, 1 << 20).into_iter().map(|x| x as i32).collect(), Shape::from(shape));
            let floats = numbers(n, 1 << 20).into_iter().map(|x| x as f32 / (1 << 20) as f32 - 0.3).collect();
            let floats = Array::new(floats, Shape::from(shape));
            for reverse in [false, true] {
                for &kind in Cumulation::ALL {
                    let op = Op::Cumulative { kind, axis, reverse };
                    let at = format!("{kind:?} {shape:?} along {axis}, {reverse}");
                    if kind != Cumulation::LogSumExp {
                        let x = [whole.clone()];
                        assert!(run(engine, &op, &x) == run(Cpu::ENGINE, &op, &x), "{at}");
                    }
                    if matches!(kind, Cumulation::Sum | Cumulation::LogSumExp) {
                        let x = [floats.clone()];
                        let (got, want) = (run(engine, &op, &x), run(Cpu::ENGINE, &op, &x));
                        let (got, want) =
                            (got[0].as_slice::<f32>().unwrap(), want[0].as_slice::<f32>().unwrap());
                        let far = got
                            .iter()
                            .zip(want)
                            .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
                            .fold(0.0, f32::max);
                        assert!(far < 1e-5, "{at}: {far}");
                    }
                }
            }
        }
    }
}

#[test]
fn special_values_of_running_reductions() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    // kind, elements, results
    let cases: [(Cumulation, &[f32], &[f32]); 9] = [
        (Cumulation::Sum, &[1.0, inf, 2.0, -inf, 1.0], &[1.0, inf, inf, nan, nan]),
        (Cumulation::Sum, &[-0.0, -0.0, 0.0], &[-0.0, -0.0, 0.0]),
        (Cumulation::Prod, &[2.0, 0.0, 3.0, inf], &[2.0, 0.0, 0.0, nan]),
        (Cumulation::Max, &[-inf, -1.0, -0.0, 0.0, -0.0, nan, 3.0], &[-inf, -1.0, -0.0, 0.0, 0.0, nan, nan]),
        (Cumulation::Min, &[inf, 1.0, 0.0, -0.0, 0.0, -inf, nan], &[inf, 1.0, 0.0, -0.0, -0.0, -inf, nan]),
        (Cumulation::LogSumExp, &[-inf, -inf, 0.0, -inf], &[-inf, -inf, 0.0, 0.0]),
        (Cumulation::LogSumExp, &[1.0, inf, 1.0, inf, -inf], &[1.0, inf, inf, inf, inf]),
        (Cumulation::LogSumExp, &[inf, -inf, nan, 1.0], &[inf, inf, nan, nan]),
        (Cumulation::LogSumExp, &[80.0, 80.0, -80.0], &[80.0, 80.693146, 80.693146]),
    ];
    for engine in engines() {
        for (kind, elements, want) in cases {
            // By a unit and by a cube: what follows the last one changes nothing that is looked at.
            for more in [0, 200] {
                let all = elements.iter().copied().chain(vec![1.0; more]).collect();
                let op = Op::Cumulative { kind, axis: 0, reverse: false };
                let got = run(engine, &op, &[Array::new(all, Shape::from([elements.len() + more]))]);
                let got = &got[0].as_slice::<f32>().unwrap()[..want.len()];
                let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                assert!(got.iter().zip(want).all(same), "{kind:?} {elements:?}: {got:?}");
            }
        }
    }
}
