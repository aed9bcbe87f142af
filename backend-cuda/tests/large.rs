//! Operations whose kernels follow from the size, at sizes that the gauntlet's samples do not have, against the CPU. Without a
//! device, or a feature, it says what it left out.

mod common;

use common::engines;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{FftKind, Linalg, Reduction};
use plywood_core::shape::Axes;
use plywood_core::{Array, Backend, Op};
use plywood_gauntlet::properties::{Nearness, Part, device};
use plywood_gauntlet::{Class, Sample};

/// Numbers in [-1, 1), the same for each run.
fn numbers(n: usize, seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    (0..n).map(move |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f64 / (1 << 23) as f64 - 1.0
    })
}

fn check(name: &str, op: Op, inputs: Vec<Array>, class: Class) {
    for engine in engines() {
        let sample = Sample::new(name, op.clone(), inputs.clone()).class(class);
        if let Err(e) = device(engine, Cpu::ENGINE, &sample, Part::Fused, Nearness::GRAPHICS) {
            panic!("{name} on {}: {e}", engine.name());
        }
    }
}

fn transforms(shape: &[usize], axes: usize, wide: bool) {
    let sizes: Axes = shape[shape.len() - axes..].iter().copied().collect();
    for &kind in FftKind::ALL {
        let mut given = shape.to_vec();
        if kind == FftKind::InverseReal {
            let last = given.last_mut().expect("an axis");
            *last = *last / 2 + 1;
        }
        let n: usize = given.iter().product();
        let count = if kind == FftKind::Real { 1 } else { 2 };
        let part = |seed| match wide {
            true => Array::new(numbers(n, seed).collect::<Vec<f64>>(), &given[..]),
            false => Array::new(numbers(n, seed).map(|x| x as f32).collect::<Vec<f32>>(), &given[..]),
        };
        let inputs = (1..=count).map(part).collect();
        check(
            &format!("{kind:?} {shape:?}"),
            Op::Fft { kind, sizes: sizes.clone() },
            inputs,
            Class::Norm(32),
        );
    }
}

#[test]
fn lanes_in_shared_memory() {
    transforms(&[5, 1024], 1, false);
    transforms(&[3, 125, 6], 2, false);
}

#[test]
fn axes_in_two_passes() {
    transforms(&[2, 8192], 1, false);
    transforms(&[6000], 1, true);
    transforms(&[8192, 3], 2, false);
}

#[test]
fn axes_by_chirps() {
    transforms(&[2, 1031], 1, false);
    transforms(&[2062], 1, true);
    transforms(&[1031, 3], 2, false);
}

/// A regular matrix whose factors are well conditioned; symmetric and positive definite.
fn matrices(batch: usize, n: usize) -> Array {
    let all: Vec<f32> = (0..batch as u64)
        .flat_map(|seed| {
            let x: Vec<f64> = numbers(n * n, seed + 7).collect();
            (0..n * n).map(move |at| {
                let (i, j) = (at / n, at % n);
                let diagonal = if i == j { 2.0 * n as f64 } else { 0.0 };
                (diagonal + x[i.min(j) * n + i.max(j)]) as f32
            })
        })
        .collect();
    Array::new(all, [batch, n, n])
}

#[test]
fn matrices_in_memory() {
    for (batch, n) in [(2, 150), (1, 201), (2, 96)] {
        let sides =
            Array::new(numbers(batch * n * 40, 3).map(|x| x as f32).collect::<Vec<f32>>(), [batch, n, 40]);
        let any =
            Array::new(numbers(batch * n * n, 5).map(|x| x as f32).collect::<Vec<f32>>(), [batch, n, n]);
        let class = Class::Norm(512);
        let check =
            |l: Linalg, inputs: Vec<Array>| check(&format!("{l:?} {n}"), Op::Linalg(l), inputs, class);
        check(Linalg::Cholesky, vec![matrices(batch, n)]);
        check(Linalg::Lu, vec![any]);
        for transpose in [false, true] {
            check(Linalg::Solve { transpose }, vec![matrices(batch, n), sides.clone()]);
            let lower = Linalg::TriangularSolve { lower: true, transpose, unit_diagonal: false };
            check(lower, vec![matrices(batch, n), sides.clone()]);
        }
    }
}

#[test]
fn panels_of_other_shapes() {
    for (m, n) in [(150, 80), (80, 150), (20, 900), (900, 20)] {
        let any = Array::new(numbers(m * n, 5).collect::<Vec<f64>>(), [1, m, n]);
        check(&format!("LU {m} x {n}"), Op::Linalg(Linalg::Lu), vec![any], Class::Norm(512));
    }
}

/// A matrix with another number at a place of its diagonal.
fn spoilt(at: usize, number: f32) -> Array {
    let all = matrices(1, 150);
    let mut all = all.as_slice::<f32>().expect("f32").to_vec();
    all[at * 150 + at] = number;
    Array::new(all, [1, 150, 150])
}

#[test]
fn what_has_no_result_is_nan() {
    for (at, number) in [(149, -1.0), (70, -1.0), (0, f32::NAN), (149, f32::INFINITY)] {
        let name = format!("{number} at {at}");
        check(&name, Op::Linalg(Linalg::Cholesky), vec![spoilt(at, number)], Class::Norm(512));
        if !number.is_finite() {
            check(&name, Op::Linalg(Linalg::Lu), vec![spoilt(at, number)], Class::Norm(512));
            check(&name, Op::Linalg(Linalg::Det), vec![spoilt(at, number)], Class::Norm(512));
        }
    }
}

/// A few rows that are cut into blocks, in every order of axes, of small integers, whose sums are exact in any order.
#[test]
fn a_few_long_rows() {
    for (shape, axes) in
        [([3, 200_003], &[1][..]), ([200_003, 3], &[0]), ([2, 100_000], &[0, 1]), ([1, 70_000], &[1])]
    {
        for kind in [Reduction::Sum, Reduction::Max] {
            let x: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i * 31 % 101) as f32 - 37.0).collect();
            let op = Op::Reduce { kind, axes: Axes::from_slice(axes) };
            check(&format!("{kind:?} {shape:?}"), op, vec![Array::new(x, shape)], Class::Exact);
        }
    }
}

/// More cases than a kernel takes arguments.
#[test]
fn a_choice_among_many() {
    let which = Array::new((0..100).map(|i| i - 30).collect::<Vec<i32>>(), [100]);
    let cases = (0..40).map(|k| Array::new((0..100).map(|i| 1000 * k + i).collect::<Vec<i32>>(), [100]));
    check("40 cases", Op::Select, std::iter::once(which).chain(cases).collect(), Class::Exact);
}
