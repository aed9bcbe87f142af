//! Reductions over every set of axes, of every dtype and view, against a naive loop; their accuracy.

mod common;

use common::*;
use plywood_backend_cpu::Cpu;
use plywood_core::convert::{Wide, to_f64};
use plywood_core::op::{ArgReduction, Reduction};
use plywood_core::shape::Axes;
use plywood_core::{Backend, DType, Element, Number, Op, Shape, TensorType, Value, with_dtype};

fn takes(kind: Reduction, dtype: DType) -> bool {
    match kind {
        Reduction::Sum | Reduction::Prod => dtype != DType::Bool,
        Reduction::Max | Reduction::Min => true,
        Reduction::And | Reduction::Or | Reduction::Xor => !dtype.is_float(),
    }
}

/// The wide identity, and what combines two wide elements.
fn naive(kind: Reduction, dtype: DType) -> (Wide, fn(Wide, Wide) -> Wide) {
    fn both(a: Wide, b: Wide, float: fn(f64, f64) -> f64, int: fn(i128, i128) -> i128) -> Wide {
        match (a, b) {
            (Wide::Float(a), Wide::Float(b)) => Wide::Float(float(a, b)),
            (Wide::Int(a), Wide::Int(b)) => Wide::Int(int(a, b)),
            _ => unreachable!("of one type"),
        }
    }
    let number = |x: i128| if dtype.is_float() { Wide::Float(x as f64) } else { Wide::Int(x) };
    let (low, high) = match dtype {
        DType::Bool => (Wide::Int(0), Wide::Int(1)),
        d if d.is_float() => (Wide::Float(f64::NEG_INFINITY), Wide::Float(f64::INFINITY)),
        d if d.is_unsigned() => (Wide::Int(0), Wide::Int((1 << d.bits()) - 1)),
        d => (Wide::Int(-(1 << (d.bits() - 1))), Wide::Int((1 << (d.bits() - 1)) - 1)),
    };
    match kind {
        Reduction::Sum => (number(0), |a, b| both(a, b, |a, b| a + b, |a, b| a + b)),
        Reduction::Prod => (number(1), |a, b| both(a, b, |a, b| a * b, |a, b| a.wrapping_mul(b))),
        Reduction::Max => (low, |a, b| both(a, b, f64::max, |a, b| a.max(b))),
        Reduction::Min => (high, |a, b| both(a, b, f64::min, |a, b| a.min(b))),
        Reduction::And => {
            (Wide::Int(if dtype == DType::Bool { 1 } else { -1 }), |a, b| both(a, b, f64::min, |a, b| a & b))
        }
        Reduction::Or => (Wide::Int(0), |a, b| both(a, b, f64::max, |a, b| a | b)),
        Reduction::Xor => (Wide::Int(0), |a, b| both(a, b, f64::max, |a, b| a ^ b)),
    }
}

fn check<T: Element>(kind: Reduction, name: &str, x: &Value, axes: &[usize]) {
    let got = apply(Op::Reduce { kind, axes: axes.into() }, &[x]);
    let shape = x.shape();
    let data = x.to_vec::<T>();
    let kept: Vec<usize> = (0..shape.rank()).filter(|d| !axes.contains(d)).collect();
    let out: Shape = kept.iter().map(|&d| shape[d]).collect();
    assert_eq!(*got.shape(), out);
    let (identity, combine) = naive(kind, T::DTYPE);
    let mut want = vec![identity; out.elements()];
    // How far each axis moves in the output, and how often an index of it repeats.
    let mut steps: Vec<(usize, usize, usize)> = Vec::new();
    let (mut inner, mut moved) = (1, 1);
    for d in (0..shape.rank()).rev() {
        steps.push((inner, shape[d], if axes.contains(&d) { 0 } else { moved }));
        inner *= shape[d];
        moved *= if axes.contains(&d) { 1 } else { shape[d] };
    }
    for (flat, x) in data.into_iter().enumerate() {
        let place: usize = steps.iter().map(|&(inner, n, step)| flat / inner % n * step).sum();
        want[place] = combine(want[place], x.widen());
    }
    let tolerance = match (kind, T::DTYPE) {
        (Reduction::Sum | Reduction::Prod, DType::F64) => 1e-13,
        (Reduction::Sum | Reduction::Prod, DType::F32) => 1e-5,
        (Reduction::Sum | Reduction::Prod, DType::F16) => 1e-3,
        (Reduction::Sum | Reduction::Prod, DType::BF16) => 8e-3,
        _ => 0.0,
    };
    for (got, want) in got.to_vec::<T>().into_iter().zip(want) {
        let (g, w) = (to_f64(got), to_f64(T::narrow(want)));
        // Sums that cancel are near zero.
        let near = tolerance > 0.0 && (g - w).abs() <= 100.0 * tolerance;
        assert!(close(g, w, tolerance) || near, "{} {axes:?} of {name} {}: {g} not {w}", kind.name(), x.ty());
    }
}

#[test]
fn reductions_of_every_dtype_view_and_set_of_axes() {
    let shapes: [&[usize]; 8] = [&[], &[0], &[7], &[3, 0, 2], &[2, 3, 4], &[1, 40], &[33, 12], &[5, 18, 9]];
    for dtype in DType::ALL {
        for shape in shapes {
            let all = views(dtype, shape);
            for &kind in Reduction::ALL.iter().filter(|k| takes(**k, dtype)) {
                for (name, x) in &all {
                    for set in 0..1 << shape.len() {
                        let axes: Vec<usize> = (0..shape.len()).filter(|d| set >> d & 1 == 1).collect();
                        with_dtype!(dtype, T => check::<T>(kind, name, x, &axes));
                    }
                }
            }
        }
    }
}

#[test]
fn long_reductions_in_both_directions() {
    let shapes: [&[usize]; 5] = [&[130_003], &[40_000, 3], &[2, 70_000], &[5000, 20], &[20, 300, 11]];
    for shape in shapes {
        for (name, x) in views(DType::F64, shape) {
            for kind in [Reduction::Sum, Reduction::Max] {
                for axes in [&[0][..], &[shape.len() - 1]] {
                    check::<f64>(kind, name, &x, axes);
                }
                check::<f64>(kind, name, &x, &(0..shape.len()).collect::<Vec<_>>());
            }
        }
    }
}

fn sum(x: &Value, axes: &[usize]) -> Value {
    apply(Op::Reduce { kind: Reduction::Sum, axes: axes.into() }, &[x])
}

#[test]
fn sums_are_as_accurate_as_pairwise_ones() {
    // Added one after another, ten million tenths in f32 give 1087937.
    let ty = TensorType::new([10_000_000], DType::F32);
    let tenths = Value::create(Cpu::ENGINE, Op::Full { number: Number::Float(0.1), ty });
    let total = sum(&tenths, &[0]).item::<f32>();
    assert!((total - 1_000_000.0).abs() < 0.5, "{total}");
    for (shape, axis) in [([100_000, 12], 0), ([12, 100_000], 1)] {
        let x: Vec<f32> = (0..1_200_000u64).map(|i| ((i * 7919) % 1000) as f32 / 1000.0).collect();
        let y = sum(&value(&x, &shape), &[axis]).to_vec::<f32>();
        for (j, &got) in y.iter().enumerate() {
            let of = |i: usize| if axis == 0 { x[i * 12 + j] } else { x[j * 100_000 + i] };
            let want: f64 = (0..100_000).map(|i| of(i) as f64).sum();
            assert!((got as f64 - want).abs() <= 3e-7 * want, "{got} {want}");
        }
    }
    let halves = of(DType::BF16, &vec![1.0; 4096], &[4096]);
    assert_eq!(numbers(&sum(&halves, &[0])), [4096.0]);
    assert_eq!(numbers(&sum(&of(DType::F16, &vec![1.0; 8000], &[4000, 2]), &[0])), [4000.0, 4000.0]);
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let x: Vec<f32> = (0..600_000u64).map(|i| ((i * 7919) % 1013) as f32 * 1e-3 - 0.3).collect();
    for (shape, axes) in
        [(&[600_000][..], &[0][..]), (&[50_000, 12], &[0]), (&[12, 50_000], &[1]), (&[60, 100, 100], &[0, 2])]
    {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| sum(&value(&x, shape), axes).to_vec::<f32>())
        };
        let one = run(1);
        assert!([2, 3, 5].iter().all(|&n| run(n) == one), "{shape:?} {axes:?}");
    }
}

#[test]
fn extremes_propagate_nan() {
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        for n in [1, 3, 70, 5000] {
            for at in [0, n / 2, n - 1] {
                let mut data = ramp(n);
                data[at] = f64::NAN;
                let x = of(dtype, &data, &[n]);
                for kind in [Reduction::Max, Reduction::Min] {
                    let got = numbers(&apply(Op::Reduce { kind, axes: Axes::from_slice(&[0]) }, &[&x]));
                    assert!(got[0].is_nan(), "{} {dtype} {n} {at}", kind.name());
                }
            }
        }
    }
}

fn arg_naive(kind: ArgReduction, along: &[f64]) -> usize {
    let mut best = 0;
    for (i, &x) in along.iter().enumerate() {
        let better = match kind {
            ArgReduction::Max => x > along[best],
            ArgReduction::Min => x < along[best],
        };
        if !along[best].is_nan() && (better || x.is_nan()) {
            best = i;
        }
    }
    best
}

#[test]
fn arg_reductions_find_the_first_place() {
    let shapes: [&[usize]; 6] = [&[1], &[140_000], &[2, 3, 4], &[33, 12], &[50, 270], &[4, 0, 3]];
    for dtype in DType::ALL {
        for shape in shapes {
            if shape[0] > 1000 && dtype != DType::F32 {
                continue;
            }
            for (name, x) in views(dtype, shape) {
                let data = numbers(&x);
                for kind in [ArgReduction::Max, ArgReduction::Min] {
                    for axis in (0..shape.len()).filter(|&d| shape[d] > 0) {
                        let got = apply(Op::ArgReduce { kind, axis, dtype: DType::U32 }, &[&x]);
                        let out = x.shape().without(&[axis]);
                        assert_eq!(*got.shape(), out);
                        let want: Vec<u32> = (indices(&out).into_iter())
                            .map(|mut i| {
                                i.insert(axis, 0);
                                let mut along = Vec::new();
                                for j in 0..shape[axis] {
                                    i[axis] = j;
                                    along.push(at(&data, shape, &i));
                                }
                                arg_naive(kind, &along) as u32
                            })
                            .collect();
                        assert_eq!(got.to_vec::<u32>(), want, "{} {axis} {name} {}", kind.name(), x.ty());
                    }
                }
            }
        }
    }
}

#[test]
fn nan_wins_an_arg_reduction() {
    let nan = f32::NAN;
    let rows = [[1.0, nan, 5.0, nan], [nan, 9.0, 0.0, 1.0], [2.0, 2.0, 1.0, 1.0]];
    let x = value(&rows.concat(), &[3, 4]);
    for (kind, want) in [(ArgReduction::Max, [1, 0, 0]), (ArgReduction::Min, [1, 0, 2])] {
        let op = |axis| Op::ArgReduce { kind, axis, dtype: DType::I64 };
        assert_eq!(apply(op(1), &[&x]).to_vec::<i64>(), want);
        assert_eq!(apply(op(0), &[&x.clone().t()]).to_vec::<i64>(), want);
        let wide = op(0);
        let many = apply(
            Op::Broadcast { shape: [4, 9, 3].into(), axes: Axes::from_slice(&[0, 2]) },
            &[&x.clone().t()],
        );
        assert_eq!(apply(wide, &[&many]).to_vec::<i64>(), want.repeat(9));
    }
}
