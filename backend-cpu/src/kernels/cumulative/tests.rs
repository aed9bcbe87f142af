use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
use crate::par;
use plywood_core::op::Cumulation;
use plywood_core::{DType, Op};

/// Element by element, in f64.
fn naive(shape: &[usize], look: &[f64], kind: Cumulation, axis: usize, reverse: bool) -> Vec<f64> {
    let mut out = look.to_vec();
    for (i, out) in out.iter_mut().enumerate() {
        let at = index(shape, i);
        let range = if reverse { at[axis]..shape[axis] } else { 0..at[axis] + 1 };
        let mut before = at.clone();
        let terms = range.map(|j| {
            before[axis] = j;
            look[flat(shape, &before)]
        });
        *out = match kind {
            Cumulation::Sum => terms.sum(),
            Cumulation::Prod => terms.product(),
            Cumulation::Max => terms.fold(f64::NEG_INFINITY, f64::max),
            Cumulation::Min => terms.fold(f64::INFINITY, f64::min),
            Cumulation::LogSumExp => terms.map(f64::exp).sum::<f64>().ln(),
        };
    }
    out
}

#[test]
fn every_kind_along_any_axis() {
    let mut numbers = Numbers(12);
    for round in 0..2000 {
        let rank = 1 + numbers.below(3);
        let shape = numbers.shape(rank, if round % 3 == 0 { 24 } else { 6 });
        let (axis, reverse) = (numbers.below(rank), numbers.below(2) == 0);
        let kind = Cumulation::ALL[round % 5];
        let floats = [DType::F64, DType::F32, DType::F16, DType::BF16];
        let dtype = match kind {
            // Products of integers wrap, as f64 do not.
            Cumulation::LogSumExp | Cumulation::Prod => floats[numbers.below(2)],
            Cumulation::Sum | Cumulation::Max | Cumulation::Min => DType::ALL[numbers.below(12)],
        };
        if dtype == DType::Bool {
            continue;
        }
        let (x, look) = numbers.tensor(&shape, dtype);
        let got = elements(&execute1(&Op::Cumulative { kind, axis, reverse }, vec![x]));
        let want = naive(&shape, &look, kind, axis, reverse);
        let near = |(got, want): (&f64, &f64)| match dtype {
            DType::U64 | DType::U32 | DType::U16 | DType::U8 => *got == *want || *want >= 256.0,
            DType::I8 => *got == *want || want.abs() >= 127.0,
            DType::BF16 => (got - want).abs() <= want.abs() / 128.0,
            DType::F16 => (got - want).abs() <= want.abs() / 1024.0,
            _ => (got - want).abs() <= want.abs() * 1e-6,
        };
        assert!(got.iter().zip(&want).all(near), "{kind:?} {dtype} {shape:?} along {axis}: {got:?} {want:?}");
    }
}

/// Lanes of one and of many runs, rows of one and of many pieces: the same bits on any number of threads, and hardly an error.
#[test]
fn long_sums_are_exact_and_the_same_on_any_number_of_threads() {
    let mut numbers = Numbers(13);
    let cases: [(&[usize], usize); 11] = [
        (&[300_007], 0),
        (&[2, 70_000], 1),
        (&[8192], 0),
        (&[40, 1000], 1),
        (&[1000, 100], 1),
        (&[700, 300], 0),
        (&[603, 1100], 0),
        (&[2, 45, 530], 1),
        (&[3, 500, 100], 1),
        (&[50_000, 3], 0),
        (&[5, 1009], 1),
    ];
    for (shape, axis) in cases {
        let n: usize = shape.iter().product();
        let all: Vec<f64> = (0..n).map(|_| numbers.below(1 << 20) as f64 / (1 << 20) as f64 - 0.3).collect();
        for dtype in [DType::F64, DType::F32, DType::I32] {
            for reverse in [false, true] {
                for &kind in Cumulation::ALL {
                    if dtype == DType::I32 && kind == Cumulation::LogSumExp {
                        continue;
                    }
                    let x = tensor(&all, shape, dtype);
                    let run = |threads| {
                        let op = Op::Cumulative { kind, axis, reverse };
                        par::with_threads(threads, || elements(&execute1(&op, vec![x.clone()])))
                    };
                    let got = run(1);
                    let same = run(4).iter().zip(&got).all(|(a, b)| a.to_bits() == b.to_bits());
                    assert!(same, "{kind:?} {dtype} {shape:?} along {axis}");
                    if kind == Cumulation::Sum && dtype != DType::I32 {
                        let scale = if dtype == DType::F64 { 1.2e-16 } else { 6e-8 };
                        check_sum(shape, &elements(&x), &got, axis, reverse, scale);
                    }
                }
            }
        }
    }
}

/// Against sums of integers, which are exact: the numbers are multiples of 2^-60.
fn check_sum(shape: &[usize], look: &[f64], got: &[f64], axis: usize, reverse: bool, epsilon: f64) {
    let inner: usize = shape[axis + 1..].iter().product();
    let n = shape[axis];
    let unit = 2f64.powi(60);
    for lane in 0..look.len() / n {
        let start = lane / inner * n * inner + lane % inner;
        let mut sum = 0i128;
        for i in 0..n {
            let at = start + if reverse { n - 1 - i } else { i } * inner;
            sum += (look[at] * unit) as i128;
            let want = sum as f64 / unit;
            assert!((got[at] - want).abs() <= epsilon * want.abs(), "{shape:?} {i}: {} {want}", got[at]);
        }
    }
}

#[test]
fn special_values() {
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    // kind, elements, results
    let cases: [(Cumulation, &[f64], &[f64]); 9] = [
        (Cumulation::Sum, &[-0.0, -0.0, 1.0, inf, 2.0, -inf, 1.0], &[-0.0, -0.0, 1.0, inf, inf, nan, nan]),
        (Cumulation::Prod, &[2.0, 0.0, 3.0, inf], &[2.0, 0.0, 0.0, nan]),
        (Cumulation::Max, &[-inf, -1.0, nan, 3.0], &[-inf, -1.0, nan, nan]),
        (Cumulation::Min, &[inf, 1.0, 2.0, -inf, nan], &[inf, 1.0, 1.0, -inf, nan]),
        (Cumulation::LogSumExp, &[-inf, -inf, 0.0, -inf, 0.0], &[-inf, -inf, 0.0, 0.0, 2f64.ln()]),
        (Cumulation::LogSumExp, &[1.0, inf, 1.0, inf, -inf], &[1.0, inf, inf, inf, inf]),
        (Cumulation::LogSumExp, &[inf, -inf, nan, 1.0], &[inf, inf, nan, nan]),
        (Cumulation::LogSumExp, &[700.0, 700.0, -700.0], &[700.0, 700.0 + 2f64.ln(), 700.0 + 2f64.ln()]),
        (Cumulation::Sum, &[1e308, 1e308, -1e308], &[1e308, inf, inf]),
    ];
    for (kind, all, want) in cases {
        let x = tensor(all, &[all.len()], DType::F64);
        let got = elements(&execute1(&Op::Cumulative { kind, axis: 0, reverse: false }, vec![x]));
        let same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        assert!(got.iter().zip(want).all(same), "{kind:?} {all:?}: {got:?}");
    }
}
