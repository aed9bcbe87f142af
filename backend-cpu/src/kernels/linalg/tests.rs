//! Factorisations are put together again, of many sizes, shapes and kinds of matrices.

use crate::kernels::testing::{Numbers, elements, execute, tensor};
use plywood_core::op::Linalg;
use plywood_core::{DType, Op, Value};

fn product(a: &[f64], b: &[f64], m: usize, k: usize, n: usize) -> Vec<f64> {
    let mut out = vec![0.0; m * n];
    for i in 0..m {
        for l in 0..k {
            for j in 0..n {
                out[i * n + j] += a[i * k + l] * b[l * n + j];
            }
        }
    }
    out
}

fn transposed(a: &[f64], m: usize, n: usize) -> Vec<f64> {
    (0..m * n).map(|i| a[i % m * n + i / m]).collect()
}

fn identity(n: usize) -> Vec<f64> {
    (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()
}

#[track_caller]
fn close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    let scale = want.iter().fold(1e-300, |m: f64, x| m.max(x.abs()));
    let worst = got
        .iter()
        .zip(want)
        .fold(0.0, |m: f64, (x, y)| if (x - y).is_nan() { f64::NAN } else { m.max((x - y).abs()) });
    assert!(
        got.len() == want.len() && worst <= tolerance * scale,
        "{what}: off by {:.1e} of {tolerance:.1e}",
        worst / scale
    );
}

/// Matrices of a shape: of random numbers, of low rank, graded, with equal values, zero, with extreme numbers.
fn kinds(m: usize, n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let mut numbers = Numbers(m as u64 * 1000 + n as u64);
    let mut random =
        |n: usize| -> Vec<f64> { (0..n).map(|_| numbers.below(2001) as f64 / 1000.0 - 1.0).collect() };
    let plain = random(m * n);
    let low = product(&random(m * 2), &random(2 * n), m, 2, n);
    let grade = |down: bool| -> Vec<f64> {
        let power =
            |i: usize| 2f64.powf(-20.0 * (if down { i } else { m.max(n) - 1 - i }) as f64 / m.max(n) as f64);
        (0..m * n).map(|i| plain[i] * power(i / n) * power(i % n)).collect()
    };
    vec![
        ("random", plain.clone()),
        ("low rank", low),
        ("graded", grade(true)),
        ("graded upwards", grade(false)),
        ("identity", (0..m * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect()),
        ("ones", vec![1.0; m * n]),
        ("zero", vec![0.0; m * n]),
        ("large", plain.iter().map(|x| x * 2f64.powi(110)).collect()),
        ("small", plain.iter().map(|x| x * 2f64.powi(-110)).collect()),
    ]
}

const SHAPES: [(usize, usize); 16] = [
    (0, 0),
    (0, 3),
    (3, 0),
    (1, 1),
    (2, 2),
    (3, 3),
    (5, 5),
    (17, 17),
    (33, 33),
    (70, 70),
    (1, 5),
    (5, 1),
    (40, 7),
    (7, 40),
    (70, 50),
    (35, 68),
];

fn run(l: Linalg, x: &[(&[f64], [usize; 2])], dtype: DType) -> Vec<Vec<f64>> {
    let x: Vec<Value> = x.iter().map(|(x, shape)| tensor(x, shape, dtype)).collect();
    execute(&Op::Linalg(l), x).iter().map(elements).collect()
}

/// The matrix rounded to the dtype.
fn rounded(a: &[f64], dtype: DType) -> Vec<f64> {
    if dtype == DType::F32 { a.iter().map(|&x| x as f32 as f64).collect() } else { a.to_vec() }
}

fn each(mut f: impl FnMut(&str, &[f64], usize, usize, DType, f64)) {
    for dtype in [DType::F64, DType::F32] {
        let epsilon = if dtype == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        for (m, n) in SHAPES {
            for (kind, a) in kinds(m, n) {
                let tolerance = 10.0 * epsilon * (m.max(n).max(1) as f64);
                f(&format!("{kind} {m} x {n} {dtype}"), &rounded(&a, dtype), m, n, dtype, tolerance);
            }
        }
    }
}

#[test]
fn qr_reconstructs() {
    each(|what, a, m, n, dtype, tolerance| {
        for full in [false, true] {
            let k = if full { m } else { m.min(n) };
            let out = run(Linalg::Qr { full }, &[(a, [m, n])], dtype);
            let (q, r) = (&out[0], &out[1]);
            close(&product(q, r, m, k, n), a, tolerance, &format!("{what}: Q R"));
            close(
                &product(&transposed(q, m, k), q, k, m, k),
                &identity(k),
                tolerance,
                &format!("{what}: Qt Q"),
            );
            for i in 0..k {
                assert!(
                    (0..i.min(n)).all(|j| r[i * n + j] == 0.0) && (i >= n || r[i * n + i] >= 0.0),
                    "{what}: R"
                );
            }
        }
    });
}

#[test]
fn svd_reconstructs() {
    each(|what, a, m, n, dtype, tolerance| {
        for full in [false, true] {
            let k = m.min(n);
            let (j, l) = if full { (m, n) } else { (k, k) };
            let out = run(Linalg::Svd { full }, &[(a, [m, n])], dtype);
            let (u, s, vt) = (&out[0], &out[1], &out[2]);
            let us: Vec<f64> = (0..m * k).map(|i| u[i / k * j + i % k] * s[i % k]).collect();
            close(&product(&us, &vt[..k * n], m, k, n), a, tolerance, &format!("{what}: U S Vt"));
            close(
                &product(&transposed(u, m, j), u, j, m, j),
                &identity(j),
                tolerance,
                &format!("{what}: Ut U"),
            );
            close(
                &product(vt, &transposed(vt, l, n), l, n, l),
                &identity(l),
                tolerance,
                &format!("{what}: Vt V"),
            );
            assert!(s.windows(2).all(|w| w[0] >= w[1]) && s.iter().all(|&x| x >= 0.0), "{what}: {s:?}");
        }
    });
}

#[test]
fn eigh_reconstructs() {
    each(|what, a, m, n, dtype, tolerance| {
        if m != n {
            return;
        }
        // Only the lower triangle is read.
        let symmetric: Vec<f64> = (0..n * n).map(|i| a[i / n.max(1) * n + i % n].min(9e99)).collect();
        let symmetric: Vec<f64> = (0..n * n)
            .map(|i| if i % n <= i / n { symmetric[i] } else { symmetric[i % n * n + i / n] })
            .collect();
        let out = run(Linalg::Eigh, &[(a, [n, n])], dtype);
        let (w, v) = (&out[0], &out[1]);
        let vw: Vec<f64> = (0..n * n).map(|i| v[i] * w[i % n]).collect();
        close(
            &product(&vw, &transposed(v, n, n), n, n, n),
            &symmetric,
            tolerance,
            &format!("{what}: V W Vt"),
        );
        close(&product(&transposed(v, n, n), v, n, n, n), &identity(n), tolerance, &format!("{what}: Vt V"));
        assert!(w.windows(2).all(|w| w[0] <= w[1]), "{what}: {w:?}");
    });
}

/// Symmetric matrices whose eigenvalues are hard to part: tridiagonal ones, and some of chosen eigenvalues.
fn tough(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let tridiagonal = |d: &dyn Fn(usize) -> f64, e: &dyn Fn(usize) -> f64| -> Vec<f64> {
        let at = |i: usize, j: usize| match i.abs_diff(j) {
            0 => d(i),
            1 => e(i.min(j)),
            _ => 0.0,
        };
        (0..n * n).map(|k| at(k / n, k % n)).collect()
    };
    let mut numbers = Numbers(n as u64);
    let random: Vec<f64> = (0..n * n).map(|_| numbers.below(2001) as f64 / 1000.0 - 1.0).collect();
    let q = &run(Linalg::Qr { full: false }, &[(&random, [n, n])], DType::F64)[0];
    let with = |w: &dyn Fn(usize) -> f64| {
        let qw: Vec<f64> = (0..n * n).map(|i| q[i] * w(i % n)).collect();
        product(&qw, &transposed(q, n, n), n, n, n)
    };
    // Wilkinson's W21+, and several of them with little between.
    let wilkinson = |i: usize| (i % 21).abs_diff(10) as f64;
    let glue = |x: f64| move |i: usize| if i % 21 == 20 { x } else { 1.0 };
    vec![
        ("all equal", with(&|_| 3.0)),
        ("two clusters", with(&|i| if i % 3 == 0 { 1.0 } else { 2.0 + 1e-15 * i as f64 })),
        ("one apart", with(&|i| if i == 0 { 1.0 } else { 1e-7 })),
        ("graded spectrum", with(&|i| 10f64.powf(-30.0 * i as f64 / n as f64))),
        ("rank 3", with(&|i| if i < 3 { i as f64 - 1.5 } else { 0.0 })),
        ("glued by 1", tridiagonal(&wilkinson, &glue(1.0))),
        ("glued by 1e-4", tridiagonal(&wilkinson, &glue(-1e-4))),
        ("glued by 1e-8", tridiagonal(&wilkinson, &glue(1e-8))),
        ("glued by 1e-14", tridiagonal(&wilkinson, &glue(1e-14))),
        ("second difference", tridiagonal(&|_| 2.0, &|_| -1.0)),
        ("zeros on the diagonal", tridiagonal(&|_| 0.0, &|_| 1.0)),
        ("graded tridiagonal", tridiagonal(&|i| 10f64.powf(-30.0 * i as f64 / n as f64), &|_| 1e-15)),
        ("beside the diagonal alone", tridiagonal(&|_| 0.0, &|i| 10f64.powf(-8.0 * i as f64 / n as f64))),
    ]
}

#[test]
fn eigh_and_svd_part_close_values() {
    for n in [2, 21, 31, 42, 65, 128, 210] {
        for (kind, a) in tough(n) {
            for dtype in [DType::F64, DType::F32] {
                let a = rounded(&a, dtype);
                // Rounding may have left it unsymmetric; the lower triangle counts.
                let a: Vec<f64> =
                    (0..n * n).map(|i| if i % n <= i / n { a[i] } else { a[i % n * n + i / n] }).collect();
                let epsilon = if dtype == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
                let tolerance = 4.0 * epsilon * n as f64;
                let what = |part: &str| format!("{kind} {n} {dtype}: {part}");
                let vectors = |v: &[f64], part: &str| {
                    close(&product(v, &transposed(v, n, n), n, n, n), &identity(n), tolerance, &what(part));
                };
                let out = run(Linalg::Eigh, &[(&a, [n, n])], dtype);
                let (w, v) = (&out[0], &out[1]);
                let vw: Vec<f64> = (0..n * n).map(|i| v[i] * w[i % n]).collect();
                close(&product(&vw, &transposed(v, n, n), n, n, n), &a, tolerance, &what("V W Vt"));
                vectors(v, "V");
                assert!(w.windows(2).all(|w| w[0] <= w[1]), "{}", what("order"));
                let out = run(Linalg::Svd { full: false }, &[(&a, [n, n])], dtype);
                let (u, s, vt) = (&out[0], &out[1], &out[2]);
                let us: Vec<f64> = (0..n * n).map(|i| u[i] * s[i % n]).collect();
                close(&product(&us, vt, n, n, n), &a, tolerance, &what("U S Vt"));
                vectors(u, "U");
                vectors(vt, "Vt");
                assert!(s.windows(2).all(|w| w[0] >= w[1]), "{}", what("order"));
            }
        }
    }
}

#[test]
fn eigh_and_svd_of_nan_and_infinity_end() {
    for n in [1, 2, 17, 70] {
        for bad in [f64::NAN, f64::INFINITY] {
            let mut a = identity(n);
            a[n * n - 1] = bad;
            for dtype in [DType::F64, DType::F32] {
                for l in [Linalg::Eigh, Linalg::Svd { full: false }] {
                    let out = run(l, &[(&a, [n, n])], dtype);
                    assert!(out.iter().flatten().all(|x| x.is_nan()), "{n} {dtype} {bad}");
                }
            }
        }
    }
}

#[test]
fn lu_and_solutions_reconstruct() {
    each(|what, a, m, n, dtype, tolerance| {
        let k = m.min(n);
        let out = run(Linalg::Lu, &[(a, [m, n])], dtype);
        let (lu, pivots, permutation) = (&out[0], &out[1], &out[2]);
        let l: Vec<f64> = (0..m * k)
            .map(|i| match (i / k).cmp(&(i % k)) {
                std::cmp::Ordering::Greater => lu[i / k * n + i % k],
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Less => 0.0,
            })
            .collect();
        assert!(l.iter().all(|x| x.abs() <= 1.0), "{what}: L");
        let u: Vec<f64> = (0..k * n).map(|i| if i / n <= i % n { lu[i] } else { 0.0 }).collect();
        let pa: Vec<f64> =
            permutation.iter().flat_map(|&i| a[i as usize * n..(i as usize + 1) * n].to_vec()).collect();
        close(&product(&l, &u, m, k, n), &pa, tolerance, &format!("{what}: L U"));
        let mut order: Vec<f64> = (0..m).map(|i| i as f64).collect();
        pivots.iter().enumerate().for_each(|(i, &p)| order.swap(i, p as usize));
        assert_eq!(&order, permutation, "{what}");
        if m != n || !what.starts_with("random") {
            return;
        }
        let mut better = a.to_vec();
        (0..n).for_each(|i| better[i * n + i] += 3.0);
        let better = rounded(&better, dtype);
        for columns in [1, 3, 40, 300] {
            let b: Vec<f64> = (0..n * columns).map(|i| (i * 7 % 11) as f64 - 5.0).collect();
            for transpose in [false, true] {
                let x = &run(Linalg::Solve { transpose }, &[(&better, [n, n]), (&b, [n, columns])], dtype)[0];
                let a = if transpose { transposed(&better, n, n) } else { better.clone() };
                close(&product(&a, x, n, n, columns), &b, 40.0 * tolerance, &format!("{what}: A X"));
                for (lower, unit_diagonal) in [(false, false), (true, false), (false, true), (true, true)] {
                    // Halved off the diagonal, so that it is well conditioned.
                    let small: Vec<f64> = (0..n * n)
                        .map(|i| if i / n == i % n { better[i] } else { better[i] / n as f64 })
                        .collect();
                    let small = rounded(&small, dtype);
                    let op = Linalg::TriangularSolve { lower, transpose, unit_diagonal };
                    let x = &run(op, &[(&small, [n, n]), (&b, [n, columns])], dtype)[0];
                    let triangle: Vec<f64> = (0..n * n)
                        .map(|i| match (i / n).cmp(&(i % n)) {
                            std::cmp::Ordering::Equal => {
                                if unit_diagonal {
                                    1.0
                                } else {
                                    small[i]
                                }
                            }
                            std::cmp::Ordering::Greater => {
                                if lower {
                                    small[i]
                                } else {
                                    0.0
                                }
                            }
                            std::cmp::Ordering::Less => {
                                if lower {
                                    0.0
                                } else {
                                    small[i]
                                }
                            }
                        })
                        .collect();
                    let triangle = if transpose { transposed(&triangle, n, n) } else { triangle };
                    close(
                        &product(&triangle, x, n, n, columns),
                        &b,
                        tolerance,
                        &format!("{what}: triangle by X"),
                    );
                }
            }
        }
        let det = run(Linalg::Det, &[(a, [n, n])], dtype)[0][0];
        let signs = pivots.iter().enumerate().filter(|(i, p)| *i as f64 != **p).count();
        let want = (0..n).fold(if signs % 2 == 0 { 1.0 } else { -1.0 }, |p, i| p * lu[i * n + i]);
        assert!((det - want).abs() <= 100.0 * tolerance * want.abs(), "{what}: {det} {want}");
    });
}

#[test]
fn many_small_systems_are_solved_each_by_itself() {
    let mut numbers = Numbers(5);
    for dtype in [DType::F64, DType::F32] {
        let tolerance = 1e4 * if dtype == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        for (n, k) in (1..=9).flat_map(|n| [1, 3, 8, 9].map(|k| (n, k))) {
            for transpose in [false, true] {
                let count = 1 + numbers.below(40);
                let mut random = |n: usize| -> Vec<f64> {
                    rounded(
                        &(0..n).map(|_| numbers.below(2001) as f64 / 1000.0 - 1.0).collect::<Vec<_>>(),
                        dtype,
                    )
                };
                // Large elements in a row and column of their own, often off the diagonal: rows must be exchanged.
                let (mut a, b) = (random(count * n * n), random(count * n * k));
                for (c, a) in a.chunks_mut(n * n).enumerate() {
                    (0..n).for_each(|i| a[i * n + (i + c) % n] += 9.0);
                }
                // One matrix is not finite, one is singular.
                let (bad, singular) = (count / 3, count / 2);
                a[bad * n * n + n * n - 1] = f64::INFINITY;
                if singular != bad {
                    a[singular * n * n..][..n].fill(0.0);
                }
                let op = Op::Linalg(Linalg::Solve { transpose });
                let x =
                    execute(&op, vec![tensor(&a, &[count, n, n], dtype), tensor(&b, &[count, n, k], dtype)]);
                let x = elements(&x[0]);
                for c in 0..count {
                    let (a, b) = (&a[c * n * n..][..n * n], &b[c * n * k..][..n * k]);
                    let x = &x[c * n * k..][..n * k];
                    let what = format!("{dtype}, {c} of {count}, {n} for {k}, {transpose}");
                    if c == bad {
                        assert!(x.iter().all(|x| x.is_nan()), "{what}: not finite");
                    } else if c == singular {
                        assert!(x.iter().any(|x| !x.is_finite()), "{what}: singular");
                    } else {
                        let a = if transpose { transposed(a, n, n) } else { a.to_vec() };
                        close(&product(&a, x, n, n, k), b, tolerance, &what);
                    }
                }
            }
        }
    }
}

#[test]
fn cholesky_reconstructs_or_is_nan() {
    each(|what, a, m, n, dtype, tolerance| {
        if m != n || what.starts_with("large") || what.starts_with("small") {
            return;
        }
        let mut positive = product(a, &transposed(a, n, n), n, n, n);
        (0..n).for_each(|i| positive[i * n + i] += 0.5);
        let positive = rounded(&positive, dtype);
        let mut lower_only = positive.clone();
        (0..n * n).filter(|i| i % n > i / n).for_each(|i| lower_only[i] = f64::NAN);
        let l = &run(Linalg::Cholesky, &[(&lower_only, [n, n])], dtype)[0];
        close(&product(l, &transposed(l, n, n), n, n, n), &positive, tolerance, &format!("{what}: L Lt"));
        if n == 0 {
            return;
        }
        let mut negative = positive.clone();
        negative[n * n - 1] = -1.0;
        let l = &run(Linalg::Cholesky, &[(&negative, [n, n])], dtype)[0];
        let as_said = |i: usize| if i % n > i / n { l[i] == 0.0 } else { l[i].is_nan() };
        assert!((0..n * n).all(as_said), "{what}: not positive definite");
    });
}
