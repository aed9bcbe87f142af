use super::plan::root;
use crate::kernels::testing::{Numbers, elements, execute, tensor};
use crate::par;
use num_complex::Complex;
use plywood_core::op::FftKind;
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Value};

type Pair = (Vec<f64>, Vec<f64>);

/// By the formula, along one axis.
fn naive(shape: &[usize], (re, im): &Pair, axis: usize, inverse: bool) -> Pair {
    let (n, inner) = (shape[axis], shape[axis + 1..].iter().product::<usize>());
    let (mut out_re, mut out_im) = (re.clone(), im.clone());
    for i in 0..re.len() {
        let (k, start) = (i / inner % n, i / (n * inner) * n * inner + i % inner);
        let mut sum = Complex::new(0.0, 0.0);
        for j in 0..n {
            let at = start + j * inner;
            let w = root(j * k, n);
            sum += Complex::new(re[at], im[at]) * if inverse { w.conj() / n as f64 } else { w };
        }
        (out_re[i], out_im[i]) = (sum.re, sum.im);
    }
    (out_re, out_im)
}

fn sizes(shape: &[usize], count: usize) -> Axes {
    shape[shape.len() - count..].iter().copied().collect()
}

fn run(kind: FftKind, sizes: &Axes, x: Vec<Value>) -> Vec<Vec<f64>> {
    execute(&Op::Fft { kind, sizes: sizes.clone() }, x).iter().map(elements).collect()
}

fn near<const N: usize>(got: [&[f64]; N], want: [&[f64]; N], dtype: DType) -> bool {
    // Of both parts: one may be no more than rounding.
    let (got, want) = (got.concat(), want.concat());
    let largest = want.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    let within = if dtype == DType::F64 { 1e-14 } else { 2e-6 };
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() <= within * largest)
}

#[test]
fn roots_are_as_exact_as_they_can_be() {
    for n in [1, 2, 3, 4, 5, 7, 8, 12, 16, 1000, 1 << 20] {
        for k in (0..n).step_by(n / 50 + 1) {
            let (got, angle) = (root(k, n), -2.0 * std::f64::consts::PI * k as f64 / n as f64);
            assert!((got - Complex::new(angle.cos(), angle.sin())).norm() < 3e-15, "{k} of {n}: {got}");
        }
        assert_eq!(root(0, n), Complex::new(1.0, 0.0));
    }
    assert_eq!([root(1, 4).re.abs(), root(1, 4).im, root(2, 4).re, root(3, 4).im], [0.0, -1.0, -1.0, 1.0]);
}

/// All kinds over one to three axes, every small length, batches, views.
#[test]
fn transforms_are_the_formula() {
    let mut numbers = Numbers(14);
    let mut shapes: Vec<(Vec<usize>, usize)> = (1..34).map(|n| (vec![n], 1)).collect();
    shapes.extend((1..12).map(|n| (vec![3, n], 1)));
    shapes.extend([(vec![5, 97], 1), (vec![2, 360], 1), (vec![70, 4], 1), (vec![1, 1], 2)]);
    for _ in 0..60 {
        let shape: Vec<usize> = (0..3).map(|_| 1 + numbers.below(9)).collect();
        shapes.push((shape, 2 + numbers.below(2)));
    }
    shapes.extend([(vec![2, 20, 33], 2), (vec![3, 4, 5, 6], 3), (vec![40, 3, 40], 3), (vec![2, 3, 4, 2], 4)]);
    for (shape, count) in shapes {
        for dtype in [DType::F64, DType::F32] {
            let what = format!("{dtype} {shape:?} over {count}");
            let ((re, look_re), (im, look_im)) =
                (numbers.tensor(&shape, dtype), numbers.tensor(&shape, dtype));
            let axes = shape.len() - count..shape.len();
            let both = |inverse: bool, pair: Pair| {
                axes.clone().fold(pair, |pair, axis| naive(&shape, &pair, axis, inverse))
            };
            let sizes = sizes(&shape, count);
            for (kind, inverse) in [(FftKind::Forward, false), (FftKind::Inverse, true)] {
                let got = run(kind, &sizes, vec![re.clone(), im.clone()]);
                let want = both(inverse, (look_re.clone(), look_im.clone()));
                assert!(near([&got[0], &got[1]], [&want.0, &want.1], dtype), "{kind:?} {what}");
            }
            // Real ones: the first half, and back.
            let got = execute(&Op::Fft { kind: FftKind::Real, sizes: sizes.clone() }, vec![re]);
            let want = both(false, (look_re.clone(), vec![0.0; look_re.len()]));
            let (n, h) = (shape[shape.len() - 1], shape[shape.len() - 1] / 2 + 1);
            let half = |x: &[f64]| x.chunks(n).flat_map(|row| row[..h].to_vec()).collect::<Vec<_>>();
            let [got_re, got_im] = [elements(&got[0]), elements(&got[1])];
            assert!(near([&got_re, &got_im], [&half(&want.0), &half(&want.1)], dtype), "rfft {what}");
            let back = run(FftKind::InverseReal, &sizes, got.into_iter().collect());
            assert!(near([&back[0]], [&look_re], dtype), "irfft {what}");
        }
    }
}

/// What must be real is taken as real.
#[test]
fn imaginary_parts_without_a_meaning_count_for_nothing() {
    for n in [1, 2, 6, 7, 1 << 17] {
        let h = n / 2 + 1;
        let re: Vec<f64> = (0..h).map(|k| (k % 7) as f64 - 3.0).collect();
        let mut im: Vec<f64> = (0..h).map(|k| (k % 5) as f64 - 1.0).collect();
        let pair = |im: &[f64]| vec![tensor(&re, &[h], DType::F64), tensor(im, &[h], DType::F64)];
        let sizes: Axes = [n].into_iter().collect();
        let with = run(FftKind::InverseReal, &sizes, pair(&im));
        im[0] = 0.0;
        if n % 2 == 0 {
            im[h - 1] = 0.0;
        }
        assert_eq!(with, run(FftKind::InverseReal, &sizes, pair(&im)), "{n}");
    }
}

/// Long lanes: those that are cut, and primes, against a few results of the formula; the same on any number of threads.
#[test]
fn long_lanes() {
    let mut numbers = Numbers(15);
    for (lanes, n) in [(1, 1 << 17), (2, 100_000), (1, 65_537), (1, 1 << 16), (3, 40_000)] {
        let count = lanes * n;
        let mut random =
            || (0..count).map(|_| numbers.below(1 << 16) as f64 / 65536.0 - 0.5).collect::<Vec<f64>>();
        let (re, im) = (random(), random());
        for dtype in [DType::F64, DType::F32] {
            let what = format!("{dtype} {lanes} of {n}");
            let (x, y) = (tensor(&re, &[lanes, n], dtype), tensor(&im, &[lanes, n], dtype));
            let sizes: Axes = [n].into_iter().collect();
            let of = |kind, threads, x: Vec<Value>| par::with_threads(threads, || run(kind, &sizes, x));
            let got = of(FftKind::Forward, 4, vec![x.clone(), y.clone()]);
            assert!(got == of(FftKind::Forward, 1, vec![x.clone(), y.clone()]), "{what}");
            let half = of(FftKind::Real, 4, vec![x.clone()]);
            let (scale, h) = ((n as f64).sqrt(), n / 2 + 1);
            let within = scale * if dtype == DType::F64 { 1e-13 } else { 2e-6 };
            for lane in 0..lanes {
                for k in [0, 1, 2, n / 4, n / 2, n / 2 - 1, n / 2 + 1, n - 1, 12_345] {
                    let mut sums = [Complex::new(0.0, 0.0); 2];
                    for j in 0..n {
                        let (w, at) = (root(j * k, n), lane * n + j);
                        sums[0] += Complex::new(re[at], im[at]) * w;
                        sums[1] += w * re[at];
                    }
                    let at = |of: &[Vec<f64>], i: usize| Complex::new(of[0][i], of[1][i]);
                    assert!((at(&got, lane * n + k) - sums[0]).norm() < within, "fft {what} {k}");
                    if k < h {
                        assert!((at(&half, lane * h + k) - sums[1]).norm() < within, "rfft {what} {k}");
                    }
                }
            }
            let pair = |parts: &[Vec<f64>], n: usize| -> Vec<Value> {
                parts.iter().map(|p| tensor(p, &[lanes, n], dtype)).collect()
            };
            let back = of(FftKind::Inverse, 4, pair(&got, n));
            assert!(near([&back[0], &back[1]], [&re, &im], dtype), "ifft {what}");
            let back = of(FftKind::InverseReal, 4, pair(&half, h));
            assert!(near([&back[0]], [&re], dtype), "irfft {what}");
        }
    }
}
