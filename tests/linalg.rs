//! Linear algebra against what defines it: factors are put together again, of sizes 0, 1, 2, 17 and 128, square and not,
//! in f32 and f64, batches and single matrices, regular, singular and nearly so.

use plywood::linalg::{self, Triangular};
use plywood::prelude::*;

type C = Tensor<Cpu>;

const SHAPES: [(usize, usize); 12] = [
    (0, 0),
    (1, 1),
    (2, 2),
    (17, 17),
    (128, 128),
    (0, 3),
    (3, 0),
    (1, 4),
    (17, 2),
    (2, 17),
    (128, 17),
    (17, 128),
];

/// Kinds of matrices: their name, and whether they are regular.
const KINDS: [(&str, bool); 7] = [
    ("random", true),
    ("of rank 2", false),
    ("nearly singular", false),
    ("the identity", true),
    ("ones", false),
    ("zeros", false),
    ("graded", false),
];

fn random(shape: &[usize], seed: u64, dtype: DType) -> C {
    random::normal(&random::key(seed), shape, dtype)
}

fn eye(m: usize, n: usize, dtype: DType) -> C {
    C::iota([m, n], 0, DType::I32).eq(C::iota([m, n], 1, DType::I32)).cast(dtype)
}

fn matrix(kind: &str, batch: &[usize], m: usize, n: usize, dtype: DType) -> C {
    let of = |m: usize, n: usize, seed| random(&[batch, &[m, n]].concat(), seed, dtype);
    match kind {
        "random" => of(m, n, 1) + eye(m, n, dtype) * 2.0 * (m.max(n) as f64).sqrt(),
        "of rank 2" => of(m, 2, 2).matmul(&of(2, n, 3)),
        "nearly singular" => of(m, 1, 4).matmul(&of(1, n, 5)) + of(m, n, 6) * 1e-5,
        "the identity" => eye(m, n, dtype).broadcast_to([batch, &[m, n]].concat()),
        "ones" => C::ones([batch, &[m, n]].concat(), dtype),
        "zeros" => C::zeros([batch, &[m, n]].concat(), dtype),
        "graded" => {
            let power = |n: usize| (C::arange(n).cast(dtype) * (-10.0 / n.max(1) as f64)).exp2();
            of(m, n, 7) * power(m).expand_dims(-1) * power(n)
        }
        other => panic!("{other}"),
    }
}

fn t(x: &C) -> C {
    linalg::matrix_transpose(x)
}

/// Runs a check over kinds, shapes, batches and dtypes. It gets the tolerance for sums of as many terms.
fn each(squares: bool, mut check: impl FnMut(&str, bool, &C, f64)) {
    for dtype in [DType::F64, DType::F32] {
        let epsilon = if dtype == DType::F64 { f64::EPSILON } else { f32::EPSILON as f64 };
        for (m, n) in SHAPES.into_iter().filter(|(m, n)| m == n || !squares) {
            for (kind, regular) in KINDS {
                for batch in [&[][..], &[3], &[0], &[2, 1]] {
                    let a = matrix(kind, batch, m, n, dtype);
                    let name = format!("{kind}, {}", a.ty());
                    check(&name, regular, &a, epsilon * (8.0 + 8.0 * m.max(n) as f64));
                }
            }
        }
    }
}

/// Whether two tensors agree up to `tolerance` of the largest element.
#[track_caller]
fn close(what: &str, got: &C, want: &C, tolerance: f64) {
    assert_eq!(got.ty(), want.ty(), "{what}");
    if got.is_empty() {
        return;
    }
    // Numbers that overflow must be the same.
    let finite = want.is_finite().select(want.abs(), 0);
    let scale = finite.max().cast(DType::F64).item::<f64>().max(f64::MIN_POSITIVE);
    let off = got.eq(want).select(0, got - want).abs().max().cast(DType::F64).item::<f64>() / scale;
    assert!(off <= tolerance, "{what}: off by {off:.1e}, allowed {tolerance:.1e}");
}

/// Whether columns are orthonormal.
#[track_caller]
fn orthonormal(what: &str, q: &C, tolerance: f64) {
    let product = t(q).matmul(q);
    let n = product.size(-1);
    close(what, &product, &eye(n, n, q.dtype()).broadcast_to(product.shape()), tolerance);
}

#[track_caller]
fn all(what: &str, x: C) {
    assert!(x.all().item::<bool>(), "{what}");
}

/// Whether there are zeros below (or above) the diagonal.
#[track_caller]
fn triangular(what: &str, x: &C, upper: bool) {
    let (i, j) =
        (C::iota([x.size(-2), x.size(-1)], 0, DType::I32), C::iota([x.size(-2), x.size(-1)], 1, DType::I32));
    let outside = if upper { i.gt(j) } else { i.lt(j) };
    all(what, outside.select(x, 0).eq(0));
}

fn diagonal(x: &C) -> C {
    let axis = if x.size(-2) > x.size(-1) { -2 } else { -1 };
    eye(x.size(-2), x.size(-1), DType::Bool).select(x, 0).sum_axes(axis)
}

#[test]
fn q_times_r() {
    each(false, |name, _, a, tolerance| {
        for complete in [false, true] {
            let (q, r) = linalg::qr(a, complete);
            close(&format!("{name}: Q R"), &q.matmul(&r), a, tolerance);
            orthonormal(&format!("{name}: Q"), &q, tolerance);
            triangular(&format!("{name}: R"), &r, true);
            all(&format!("{name}: the diagonal of R"), diagonal(&r).ge(0));
        }
    });
}

#[test]
fn l_times_its_transpose() {
    each(true, |name, _, a, tolerance| {
        let positive = a.matmul(&t(a)) + eye(a.size(-1), a.size(-1), a.dtype()) * 0.25;
        let l = linalg::cholesky(&positive);
        close(&format!("{name}: L Lt"), &l.matmul(&t(&l)), &positive, tolerance);
        triangular(&format!("{name}: L"), &l, false);
        let u = linalg::cholesky_with(&positive, true, true);
        close(&format!("{name}: Ut U"), &t(&u).matmul(&u), &positive, tolerance);
        if a.is_empty() {
            return;
        }
        let nothing = linalg::cholesky(&-&positive);
        all(&format!("{name}: not definite"), diagonal(&nothing.ne(&nothing).cast(DType::I32)).eq(1));
        triangular(&format!("{name}: not definite"), &nothing, false);
    });
}

#[test]
fn p_times_l_times_u() {
    each(false, |name, _, a, tolerance| {
        let (p, l, u) = linalg::lu(a);
        close(&format!("{name}: P L U"), &p.matmul(&l).matmul(&u), a, tolerance);
        triangular(&format!("{name}: L"), &l, false);
        triangular(&format!("{name}: U"), &u, true);
        all(&format!("{name}: L"), l.abs().le(1.0).logical_and(&diagonal(&l).eq(1).expand_dims(-2)));
        orthonormal(&format!("{name}: P"), &p, 0.0);
    });
}

#[test]
fn eigenvectors_times_eigenvalues() {
    each(true, |name, _, a, tolerance| {
        let a = (a + t(a)) * 0.5;
        let (w, v) = linalg::eigh(&a);
        close(&format!("{name}: A V"), &a.matmul(&v), &(&v * w.expand_dims(-2)), tolerance);
        close(&format!("{name}: V W Vt"), &(&v * w.expand_dims(-2)).matmul(&t(&v)), &a, tolerance);
        orthonormal(&format!("{name}: V"), &v, tolerance);
        let n = w.size(-1);
        if n > 1 {
            all(&format!("{name}: ascending"), w.get((Ellipsis, 1..)).ge(w.get((Ellipsis, ..-1))));
        }
        close(&format!("{name}: values"), &linalg::eigvalsh(&a), &w, 0.0);
    });
}

#[test]
fn u_times_s_times_v() {
    each(false, |name, _, a, tolerance| {
        let (u, s, vt) = linalg::svd(a, false);
        close(&format!("{name}: U S Vt"), &(&u * s.expand_dims(-2)).matmul(&vt), a, tolerance);
        for full in [false, true] {
            let (u, _, vt) = linalg::svd(a, full);
            orthonormal(&format!("{name}: U"), &u, tolerance);
            orthonormal(&format!("{name}: V"), &t(&vt), tolerance);
        }
        all(&format!("{name}: not negative"), s.ge(0));
        if s.size(-1) > 1 {
            all(&format!("{name}: descending"), s.get((Ellipsis, 1..)).le(s.get((Ellipsis, ..-1))));
        }
        close(&format!("{name}: values"), &linalg::svdvals(a), &s, 0.0);
    });
}

#[test]
fn solutions_solve() {
    each(true, |name, regular, a, tolerance| {
        if !regular {
            return;
        }
        let n = a.size(-1);
        let identity = eye(n, n, a.dtype()).broadcast_to(a.shape());
        // Their condition numbers are below 100.
        let tolerance = 100.0 * tolerance;
        close(&format!("{name}: A by its inverse"), &a.matmul(&linalg::inv(a)), &identity, tolerance);
        let (lu, _, permutation) = linalg::lu_factor(a);
        for k in [1, 5, 64] {
            let b = random(&[&a.shape()[..a.rank() - 1], &[k]].concat(), 9, a.dtype());
            let x = linalg::solve(a, &b);
            close(&format!("{name}: A X for {k}"), &a.matmul(&x), &b, tolerance);
            close(&format!("{name}: by LU"), &linalg::lu_solve(&lu, &permutation, &b, false), &x, tolerance);
            let x = linalg::lu_solve(&lu, &permutation, &b, true);
            close(&format!("{name}: At X"), &t(a).matmul(&x), &b, tolerance);
            let spd = a.matmul(&t(a));
            let x = linalg::cho_solve(&linalg::cholesky(&spd), true, &b);
            close(&format!("{name}: by Cholesky"), &spd.matmul(&x), &b, 100.0 * tolerance);
        }
        let b = random(&[n], 10, a.dtype());
        let x = linalg::solve(a, &b);
        close(
            &format!("{name}: a vector"),
            &a.matmul(&x.expand_dims(-1)).squeeze(-1),
            &b.broadcast_to(x.shape()),
            tolerance,
        );
    });
}

#[test]
fn triangular_systems_are_solved() {
    for dtype in [DType::F64, DType::F32] {
        for (n, k) in [(0, 2), (1, 1), (2, 0), (17, 1), (33, 3), (128, 1), (128, 40)] {
            let (i, j) = (C::iota([n, n], 0, DType::I32), C::iota([n, n], 1, DType::I32));
            let a = random(&[2, n, n], 3, dtype) / (n.max(1) as f64) + eye(n, n, dtype) * 2.0;
            let b = random(&[2, n, k], 4, dtype);
            for lower in [true, false] {
                for transpose in [true, false] {
                    for unit_diagonal in [true, false] {
                        let how = Triangular { lower, transpose, unit_diagonal };
                        // What is not read is NaN.
                        let unread = if lower { i.lt(&j) } else { i.gt(&j) };
                        let unread = if unit_diagonal { unread.logical_or(&i.eq(&j)) } else { unread };
                        let x = linalg::solve_triangular(&unread.select(f64::NAN, &a), &b, how);
                        let read = unread.select(eye(n, n, dtype), &a);
                        let read = if lower { i.lt(&j) } else { i.gt(&j) }.select(0, read);
                        let read = if transpose { t(&read) } else { read };
                        close(
                            &format!("{how:?} {n} {k}"),
                            &read.matmul(&x),
                            &b,
                            if dtype == DType::F64 { 1e-13 } else { 1e-4 },
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn determinants_are_products_of_pivots() {
    each(true, |name, _, a, tolerance| {
        let (p, _, u) = linalg::lu(a);
        // The sign of a permutation by counting inversions, for one matrix at a time.
        let n = a.size(-1);
        let places = p.cast(DType::I32) * C::arange(n);
        let order: Vec<i32> = places.sum_axes(-1).to_vec();
        let signs = order.chunks(n.max(1)).map(|order| {
            let inversions = (0..order.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            let odd = inversions.filter(|&(i, j)| order[i] < order[j]).count() % 2 == 1;
            if odd { -1.0 } else { 1.0 }
        });
        let count: usize = a.shape()[..a.rank() - 2].iter().product();
        let signs: Vec<f64> = if n == 0 { vec![1.0; count] } else { signs.collect() };
        let signs = C::from_vec(signs, &a.shape()[..a.rank() - 2]).cast(a.dtype());
        let pivots = diagonal(&u);
        close(&format!("{name}: det"), &linalg::det(a), &(&signs * pivots.prod_axes(-1)), tolerance);
        let (sign, log) = linalg::slogdet(a);
        close(&format!("{name}: sign"), &sign, &(signs * pivots.sign().prod_axes(-1)), 0.0);
        let want = pivots.abs().log().sum_axes(-1);
        let finite = want.is_finite();
        all(&format!("{name}: log of nothing"), finite.logical_or(&log.eq(f64::NEG_INFINITY)));
        close(&format!("{name}: log"), &finite.select(log, 0), &finite.select(want, 0), tolerance);
    });
}

#[test]
fn pseudo_inverses_are_moore_and_penroses() {
    each(false, |name, _, a, tolerance| {
        // What is nearly singular has an inverse of large numbers.
        let p = linalg::pinv(a, Some(1e-3));
        let a = match name.contains("nearly") || name.contains("graded") {
            // The matrix without its small singular values is what is inverted.
            true => {
                let (u, s, vt) = linalg::svd(a, false);
                let large = if s.is_empty() { s.clone() } else { s.gt(s.max_keep(-1) * 1e-3).select(&s, 0) };
                (u * large.expand_dims(-2)).matmul(&vt)
            }
            false => a.clone(),
        };
        let tolerance = 3000.0 * tolerance;
        close(&format!("{name}: A P A"), &a.matmul(&p).matmul(&a), &a, tolerance);
        close(&format!("{name}: P A P"), &p.matmul(&a).matmul(&p), &p, tolerance);
        for (what, x) in [("A P", a.matmul(&p)), ("P A", p.matmul(&a))] {
            close(&format!("{name}: {what} is symmetric"), &x, &t(&x), tolerance);
        }
    });
}

#[test]
fn least_squares_satisfy_the_normal_equations() {
    each(false, |name, _, a, tolerance| {
        if a.rank() != 2 {
            return;
        }
        for k in [None, Some(3)] {
            let b = match k {
                None => random(&[a.size(0)], 5, a.dtype()),
                Some(k) => random(&[a.size(0), k], 5, a.dtype()),
            };
            let (x, residuals, rank, s) = linalg::lstsq(a, &b, Some(1e-3));
            let r = a.matmul(&x) - &b;
            let columns = if k.is_none() { r.expand_dims(-1) } else { r.clone() };
            let scale =
                a.abs().sum().cast(DType::F64).item::<f64>() * b.abs().sum().cast(DType::F64).item::<f64>();
            let off = t(a).matmul(&columns).abs().sum().cast(DType::F64).item::<f64>();
            let small =
                if name.contains("nearly") || name.contains("graded") { 1e-2 } else { 100.0 * tolerance };
            assert!(off <= small * scale, "{name}: At (A X - B) is {off:.1e}");
            close(&format!("{name}: residuals"), &residuals.flatten(), &columns.square().sum_axes(0), 1e-3);
            let count =
                if s.is_empty() { 0 } else { s.gt(s.max() * 1e-3).cast(DType::I32).sum().item::<i32>() };
            assert_eq!(rank.item::<i32>(), count, "{name}");
        }
    });
}

#[test]
fn ranks_and_powers() {
    each(true, |name, regular, a, tolerance| {
        if a.is_empty() {
            return;
        }
        let rank = linalg::matrix_rank(a, None);
        let n = a.size(-1) as i32;
        let want = match () {
            () if name.starts_with("zeros") => 0,
            () if name.starts_with("ones") => 1,
            () if name.starts_with("of rank 2") => 2.min(n),
            () if regular || name.starts_with("nearly") || name.starts_with("graded") => n,
            () => panic!("{name}"),
        };
        // Of what is nearly singular f32 does not see the small part.
        if !name.starts_with("nearly") && !name.starts_with("graded") {
            all(&format!("{name}: {rank}"), rank.eq(want));
        }
        let cube = a.matmul(a).matmul(a);
        close(&format!("{name}: A^3"), &linalg::matrix_power(a, 3), &cube, tolerance);
        if regular {
            let e = linalg::expm(&(a / 4.0));
            let back = linalg::expm(&(-a / 4.0));
            let identity = eye(n as usize, n as usize, a.dtype()).broadcast_to(a.shape());
            let size = e.abs().max().cast(DType::F64).item::<f64>()
                * back.abs().max().cast(DType::F64).item::<f64>();
            close(
                &format!("{name}: e^A e^-A"),
                &e.matmul(&back),
                &identity,
                20.0 * tolerance * size.max(1.0) * n as f64,
            );
        }
    });
}

#[test]
fn what_is_not_finite_is_nan_and_no_panic() {
    for dtype in [DType::F64, DType::F32] {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for n in [1, 2, 17, 40] {
                let a = (random(&[2, n, n], 3, dtype)).at((0, n as i32 - 1, 0)).set(number);
                let is_nan = |what: &str, x: C| {
                    let nan = x.ne(&x);
                    all(&format!("{what} of {number}, {n}"), nan.get(0));
                    all(&format!("{what} of {number}, {n}: the other matrix"), nan.get(1).logical_not());
                };
                let (q, r) = linalg::qr(&a, false);
                let (u, s, vt) = linalg::svd(&a, true);
                let (w, v) = linalg::eigh(&a);
                for (what, x) in [("q", q), ("r", r), ("u", u), ("s", s), ("vt", vt), ("w", w), ("v", v)] {
                    is_nan(what, x);
                }
                is_nan("det", linalg::det(&a));
                is_nan("inv", linalg::inv(&a));
                let l = linalg::cholesky(&a.matmul(&t(&a)));
                is_nan("cholesky", diagonal(&l));
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for dtype in [DType::F64, DType::F32] {
        let a = random(&[300, 300], 3, dtype);
        let all = || -> Vec<C> {
            let spd = a.matmul(&t(&a)) + eye(300, 300, dtype);
            let (q, r) = linalg::qr(&a, false);
            let (u, s, vt) = linalg::svd(&a, false);
            let (w, v) = linalg::eigh(&a);
            vec![linalg::cholesky(&spd), linalg::solve(&a, &spd), linalg::det(&a), q, r, u, s, vt, w, v]
        };
        let (one, four) = (Cpu::with_threads(1, all), Cpu::with_threads(4, all));
        for (i, (one, four)) in one.iter().zip(&four).enumerate() {
            assert!(one.eq(four).all().item::<bool>(), "result {i} in {dtype}");
        }
    }
}

#[test]
fn messages_name_shapes() {
    let x = C::zeros([2, 3], DType::F64);
    let message = |f: &(dyn Fn() -> C + std::panic::RefUnwindSafe)| {
        let panic = std::panic::catch_unwind(f).expect_err("it panics");
        panic.downcast_ref::<String>().cloned().unwrap_or_default()
    };
    let table: [(&str, Box<dyn Fn() -> C + std::panic::RefUnwindSafe>); 6] = [
        (
            "cholesky: takes square matrices, not shape (2,3)",
            Box::new(|| linalg::cholesky(&C::zeros([2, 3], DType::F64))),
        ),
        ("det: takes matrices, not shape (3)", Box::new(|| linalg::det(&C::zeros([3], DType::F64)))),
        (
            "solve: matrices of shape (2,2) and right sides of shape (3)",
            Box::new(|| linalg::solve(&C::eye(2, DType::F32), &C::zeros([3], DType::F32))),
        ),
        (
            "svd: takes f32 and f64, not bf16(2,3)",
            Box::new(|| linalg::svdvals(&C::zeros([2, 3], DType::BF16))),
        ),
        (
            "qr: the complete Q, 3x3, of a matrix of 3x2",
            Box::new(|| grad(|x: Tensor<_>| linalg::qr(&x, true).0.sum())(C::ones([3, 2], DType::F64))),
        ),
        (
            "svd: the full matrices of a matrix of 3x2",
            Box::new(|| grad(|x: Tensor<_>| linalg::svd(&x, true).0.sum())(C::ones([3, 2], DType::F64))),
        ),
    ];
    for (want, f) in &table {
        let got = message(&**f);
        let words = |s: &str| s.replace(['[', ']', '(', ')', ' '], "");
        assert!(words(&got).contains(&words(want)), "{got} is not {want}");
    }
    drop(x);
}
