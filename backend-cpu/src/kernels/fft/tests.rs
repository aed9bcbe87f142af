use super::column::Column;
use super::plan::root;
use super::row::Row;
use super::vector::{Lanes, Math};
use crate::kernels::testing::{Numbers, elements, execute, tensor};
use crate::par;
use gemm_common::pulp::{Arch, Simd, WithSimd};
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
    // Rows that are vectors, and their neighbours; more than a thread takes at a time.
    shapes.extend([32, 64, 128, 192, 256, 512, 768, 1024, 2048, 4096].map(|n| (vec![1, n], 1)));
    shapes.extend([[67, 64], [35, 128], [19, 256], [10, 512], [5, 1024]].map(|shape| (shape.to_vec(), 1)));
    shapes.extend([(vec![3, 5, 256], 2), (vec![2, 2, 3, 512], 2), (vec![3, 128, 2], 2)]);
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
    let powers = [(1, 1 << 14), (3, 1 << 15), (1, 1 << 16), (1, 1 << 17), (1, 1 << 20)];
    for (lanes, n) in powers.into_iter().chain([(2, 100_000), (1, 65_537), (3, 40_000)]) {
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

/// What is in one row stays there.
#[test]
fn rows_do_not_mix() {
    for n in [64, 512, 1024, 30] {
        let mut x = vec![1.0; 4 * n];
        x[n + 3] = f64::NAN;
        x[2 * n + 5] = 1e30;
        let x = tensor(&x, &[4, n], DType::F32);
        let sizes: Axes = [n].into_iter().collect();
        let half = run(FftKind::Real, &sizes, vec![x.clone()]);
        let both = run(FftKind::Forward, &sizes, vec![x.clone(), x]);
        for (parts, n, h) in [(half, n, n / 2 + 1), (both, n, n)] {
            for row in [0, 3] {
                let at = |part: &[f64], k: usize| part[row * h + k];
                assert!((at(&parts[0], 0) - n as f64).abs() < 1e-3, "{n}");
                assert!(
                    (1..h).all(|k| at(&parts[0], k).abs() < 1e-3 && at(&parts[1], k).abs() < 1e-3),
                    "{n}"
                );
            }
            assert!((h..2 * h).all(|i| parts[0][i].is_nan() || parts[1][i].is_nan()), "{n}");
        }
    }
}

/// A row, or columns as many as lanes, of n numbers in each.
struct Vectors<'a, T> {
    n: usize,
    rows: bool,
    from: [&'a [T]; 2],
    to: [&'a mut [T]; 2],
}

impl<T: Lanes> WithSimd for Vectors<'_, T> {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) -> usize {
        let Vectors { n, rows, from: [re, im], to: [a, b] } = self;
        let (math, lanes) = (Math::<S, T>::new(s), Math::<S, T>::LANES);
        let mut memory = crate::pool::scratch(12 * (n + 128) * lanes.max(8) * size_of::<T>());
        let memory = memory.as_mut_slice();
        if rows && Row::<T>::fits(n, lanes) {
            Row::new(n, lanes).run(math, [&re[..n], &im[..n]], [&mut a[..n], &mut b[..n]], None, memory);
            return 1;
        }
        if rows || !Column::<T>::fits(n) {
            return 0;
        }
        Column::new(n).run(
            math,
            memory,
            #[inline(always)]
            |r| [math.read(&re[r * lanes..]), math.read(&im[r * lanes..])],
            #[inline(always)]
            |k, x| {
                math.write(&mut a[k * lanes..], x[0]);
                math.write(&mut b[k * lanes..], x[1]);
            },
        );
        lanes
    }
}

/// Rows and columns of every length that vectors have, of all instruction sets that the processor has.
#[test]
fn vectors_of_every_width() {
    fn check<T: Lanes>(of: impl Fn(T) -> f64, within: f64, set: impl Fn(Vectors<'_, T>) -> usize) -> usize {
        let (mut numbers, mut done) = (Numbers(16), 0);
        for n in (2..13).map(|k| 1 << k) {
            let mut random =
                || (0..16 * n).map(|_| T::of(numbers.below(1000) as f64 / 1000.0 - 0.5)).collect::<Vec<T>>();
            let (re, im) = (random(), random());
            let roots: Vec<_> = (0..n).map(|k| root(k, n)).collect();
            for rows in [true, false] {
                let (mut a, mut b) = (vec![T::zero(); 16 * n], vec![T::zero(); 16 * n]);
                let lanes = set(Vectors { n, rows, from: [&re, &im], to: [&mut a, &mut b] });
                done += lanes;
                for lane in 0..lanes {
                    let at = |x: &[T], i: usize| of(x[i * lanes + lane]);
                    for k in (0..n).step_by(n / 64 + 1).chain([n - 1]) {
                        let term = |j: usize| Complex::new(at(&re, j), at(&im, j)) * roots[j * k % n];
                        let want: Complex<f64> = (0..n).map(term).sum();
                        let off = (Complex::new(at(&a, k), at(&b, k)) - want).norm();
                        assert!(off < within * (n as f64).sqrt(), "{n} rows: {rows}, {k} of {lane}: {off}");
                    }
                }
            }
        }
        done
    }
    let (wide, exact) = (|x: f32| x as f64, |x: f64| x);
    assert!(check(wide, 1e-6, |x| Arch::new().dispatch(x)) > 0);
    assert!(check(exact, 1e-14, |x| Arch::new().dispatch(x)) > 0);
    #[cfg(target_arch = "x86_64")]
    if let Some(set) = gemm_common::pulp::x86::V3::try_new() {
        assert!(check(wide, 1e-6, |x| Simd::vectorize(set, x)) > 60);
        assert!(check(exact, 1e-14, |x| Simd::vectorize(set, x)) > 30);
    }
    // One lane: columns are for it, too.
    assert!(check(wide, 1e-6, |x| Simd::vectorize(gemm_common::pulp::Scalar::new(), x)) > 0);
}
