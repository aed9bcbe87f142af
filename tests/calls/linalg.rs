//! Linear algebra. Results that LAPACK leaves open (signs of vectors) go through functions that do not depend on them.

use super::{Call, V};
use plywood::linalg::{self, Norm, Triangular};

pub(super) fn calls() -> Vec<Call> {
    const INF: f64 = f64::INFINITY;
    vec![
        Call("jnp.linalg.cholesky(x)", |x| vec![linalg::cholesky(&x[0])]),
        Call("jnp.linalg.cholesky(x, upper=True)", |x| vec![linalg::cholesky_with(&x[0], true, true)]),
        Call("jnp.linalg.cholesky(x, symmetrize_input=False)", |x| {
            vec![linalg::cholesky_with(&x[0], false, false)]
        }),
        Call("jnp.linalg.cholesky(-x)", |x| vec![linalg::cholesky(&-&x[0])]),
        Call("jnp.linalg.cholesky(x + x.T)", |x| vec![linalg::cholesky(&(&x[0] + x[0].t()))]),
        Call("jnp.linalg.solve(a, b)", |x| vec![linalg::solve(&x[0], &x[1])]),
        Call("jnp.linalg.solve(a, b)  # matrices", |x| vec![linalg::solve(&x[0], &x[1])]),
        Call("jnp.linalg.solve(a, b).astype(f32)  # integers", |x| vec![linalg::solve(&x[0], &x[1])]),
        Call("jsp.linalg.solve_triangular(a, b, lower=True)", |x| {
            vec![linalg::solve_triangular(&x[0], &x[1], Triangular::LOWER)]
        }),
        Call("jsp.linalg.solve_triangular(a, b)", |x| {
            vec![linalg::solve_triangular(&x[0], &x[1], Triangular::UPPER)]
        }),
        Call("jsp.linalg.solve_triangular(a, b, trans=1)", |x| {
            vec![linalg::solve_triangular(&x[0], &x[1], Triangular::UPPER.transposed())]
        }),
        Call("jsp.linalg.solve_triangular(a, b, trans=1, lower=True, unit_diagonal=True)", |x| {
            vec![linalg::solve_triangular(&x[0], &x[1], Triangular::LOWER.transposed().unit_diagonal())]
        }),
        Call("jsp.linalg.cho_solve((c, True), b)", |x| vec![linalg::cho_solve(&x[0], true, &x[1])]),
        Call("jsp.linalg.cho_solve((c, False), b)", |x| vec![linalg::cho_solve(&x[0], false, &x[1])]),
        Call("jsp.linalg.lu(x)", |x| lu(&x[0])),
        Call("jsp.linalg.lu(x)  # tall", |x| lu(&x[0])),
        Call("jsp.linalg.lu(x)  # wide", |x| lu(&x[0])),
        Call("lax.linalg.lu(x)", |x| {
            let (lu, pivots, permutation) = linalg::lu_factor(&x[0]);
            vec![lu, pivots, permutation]
        }),
        Call("jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), b)", |x| {
            let (lu, _, permutation) = linalg::lu_factor(&x[0]);
            vec![linalg::lu_solve(&lu, &permutation, &x[1], false)]
        }),
        Call("jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), b, trans=1)", |x| {
            let (lu, _, permutation) = linalg::lu_factor(&x[0]);
            vec![linalg::lu_solve(&lu, &permutation, &x[1], true)]
        }),
        Call("[jnp.abs(y) for y in jnp.linalg.qr(x)]", |x| {
            let (q, r) = linalg::qr(&x[0], false);
            vec![q.abs(), r.abs()]
        }),
        Call("[jnp.abs(y) for y in jnp.linalg.qr(x)]  # wide", |x| {
            let (q, r) = linalg::qr(&x[0], false);
            vec![q.abs(), r.abs()]
        }),
        Call("[jnp.abs(y) for y in jnp.linalg.qr(x, mode='complete')]", |x| {
            let (q, r) = linalg::qr(&x[0], true);
            vec![q.stop_gradient().abs(), r.abs()]
        }),
        Call("jnp.abs(jnp.linalg.qr(x, mode='r'))", |x| vec![linalg::qr(&x[0], false).1.abs()]),
        Call("jnp.linalg.eigh(x)[0]", |x| vec![linalg::eigh(&x[0]).0]),
        Call("jnp.linalg.eigh(x)[1] ** 4", |x| vec![linalg::eigh(&x[0]).1.pow(4)]),
        Call("(lambda w, v: (v * jnp.exp(w)) @ v.T)(*jnp.linalg.eigh(x))", |x| {
            let (w, v) = linalg::eigh(&x[0]);
            vec![(&v * w.exp()).matmul(&v.t())]
        }),
        Call("jnp.linalg.eigvalsh(x)", |x| vec![linalg::eigvalsh(&x[0])]),
        Call("jnp.linalg.svd(x, full_matrices=False)[1]", |x| vec![linalg::svd(&x[0], false).1]),
        Call("(lambda u, s, vt: u @ vt)(*jnp.linalg.svd(x, full_matrices=False))", |x| {
            let (u, _, vt) = linalg::svd(&x[0], false);
            vec![u.matmul(&vt)]
        }),
        Call("(lambda u, s, vt: (u * jnp.tanh(s)) @ vt)(*jnp.linalg.svd(x, full_matrices=False))", |x| {
            let (u, s, vt) = linalg::svd(&x[0], false);
            vec![(u * s.tanh()).matmul(&vt)]
        }),
        Call("[jnp.abs(y) for y in jnp.linalg.svd(x)]", |x| {
            let (u, s, vt) = linalg::svd(&x[0], true);
            vec![u.abs(), s.abs(), vt.abs()]
        }),
        Call("[y ** 2 for y in jnp.linalg.svd(x)]  # a tall one", |x| {
            let (u, s, vt) = linalg::svd(&x[0], true);
            vec![u.stop_gradient().square(), s.square(), vt.stop_gradient().square()]
        }),
        Call("jnp.linalg.svdvals(x)", |x| vec![linalg::svdvals(&x[0])]),
        Call("jnp.linalg.inv(x)", |x| vec![linalg::inv(&x[0])]),
        Call("jnp.linalg.det(x)", |x| vec![linalg::det(&x[0])]),
        Call("jnp.linalg.det(x)  # order 5", |x| vec![linalg::det(&x[0])]),
        Call("jnp.linalg.det(x)  # a singular one", |x| vec![linalg::det(&x[0])]),
        Call("jnp.linalg.det(x)  # a singular one of order 4", |x| vec![linalg::det(&x[0])]),
        Call("jnp.linalg.slogdet(x)", |x| slogdet(&x[0])),
        Call("jnp.linalg.slogdet(x)  # a singular one", |x| slogdet(&x[0])),
        Call("jnp.linalg.pinv(x)", |x| vec![linalg::pinv(&x[0], None)]),
        Call("jnp.linalg.pinv(x)  # wide", |x| vec![linalg::pinv(&x[0], None)]),
        Call("jnp.linalg.pinv(x)  # low rank", |x| vec![linalg::pinv(&x[0], None)]),
        Call("jnp.linalg.pinv(x)  # equal singular values", |x| vec![linalg::pinv(&x[0], None)]),
        Call("jnp.linalg.pinv(x, rtol=0.5)", |x| vec![linalg::pinv(&x[0], Some(0.5))]),
        Call("jnp.linalg.lstsq(a, b)[:2]", |x| {
            let (x, residuals, ..) = linalg::lstsq(&x[0], &x[1], None);
            vec![x, residuals]
        }),
        Call("jnp.linalg.lstsq(a, b)[0]  # wide", |x| vec![linalg::lstsq(&x[0], &x[1], None).0]),
        Call("jnp.linalg.lstsq(a, b)[2:]", |x| {
            let (_, _, rank, s) = linalg::lstsq(&x[0], &x[1], None);
            vec![rank, s]
        }),
        Call("jnp.linalg.lstsq(a, b, rcond=0.5)[0]", |x| vec![linalg::lstsq(&x[0], &x[1], Some(0.5)).0]),
        Call("jnp.linalg.matrix_power(x, 5)", |x| vec![linalg::matrix_power(&x[0], 5)]),
        Call("jnp.linalg.matrix_power(x, 0)", |x| vec![linalg::matrix_power(&x[0], 0)]),
        Call("jnp.linalg.matrix_power(x, -2)", |x| vec![linalg::matrix_power(&x[0], -2)]),
        Call("jnp.linalg.matrix_rank(x)", |x| vec![linalg::matrix_rank(&x[0], None)]),
        Call("jnp.linalg.matrix_rank(x, tol=2.0)", |x| vec![linalg::matrix_rank(&x[0], Some(2.0))]),
        Call("jnp.linalg.norm(x)", |x| vec![linalg::norm(&x[0])]),
        Call("jnp.linalg.norm(x, axis=1)", |x| vec![linalg::norm_axes(&x[0], Norm::Frobenius, 1, false)]),
        Call("jnp.linalg.norm(x, 'fro', axis=(0, 2), keepdims=True)", |x| {
            vec![linalg::norm_axes(&x[0], Norm::Frobenius, [0, 2], true)]
        }),
        Call("jnp.linalg.norm(x, 'nuc')", |x| vec![linalg::norm_axes(&x[0], Norm::Nuclear, [0, 1], false)]),
        Call("jnp.linalg.norm(x, 'nuc', axis=(0, 1), keepdims=True)", |x| {
            vec![linalg::norm_axes(&x[0], Norm::Nuclear, [0, 1], true)]
        }),
        Call("[jnp.linalg.norm(x, p, axis=-1) for p in (0, 1, 2, 3, -1.5, np.inf, -np.inf)]", |x| {
            norms(&x[0], &[0.0, 1.0, 2.0, 3.0, -1.5, INF, -INF], &[-1], false)
        }),
        Call("[jnp.linalg.norm(x, p, axis=0, keepdims=True) for p in (0, 1, 2, 3, np.inf, -np.inf)]", |x| {
            norms(&x[0], &[0.0, 1.0, 2.0, 3.0, INF, -INF], &[0], true)
        }),
        Call("[jnp.linalg.norm(x, p) for p in (1, -1, 2, -2, np.inf, -np.inf)]", |x| {
            norms(&x[0], &[1.0, -1.0, 2.0, -2.0, INF, -INF], &[0, 1], false)
        }),
        Call(
            "[jnp.linalg.norm(x, p, axis=(2, 0), keepdims=True) for p in (1, -1, 2, -2, np.inf, -np.inf)]",
            |x| norms(&x[0], &[1.0, -1.0, 2.0, -2.0, INF, -INF], &[2, 0], true),
        ),
        Call("jnp.linalg.norm(x).astype(f32)  # integers", |x| vec![linalg::norm(&x[0])]),
        Call("jnp.linalg.multi_dot([x, y, z])", |x| vec![linalg::multi_dot(x)]),
        Call("jnp.linalg.multi_dot([x, y, z])  # vectors", |x| vec![linalg::multi_dot(x)]),
        Call("jsp.linalg.expm(x)", |x| vec![linalg::expm(&x[0])]),
        Call("jsp.linalg.expm(x)  # a batch", |x| vec![linalg::expm(&x[0])]),
        Call("jsp.linalg.expm(x)  # large", |x| vec![linalg::expm(&x[0])]),
        Call("jnp.linalg.cond(x)", |x| vec![linalg::cond(&x[0], None)]),
        Call("[jnp.linalg.cond(x, p) for p in (2, -2, 1, -1, np.inf, -np.inf, 'fro')]", |x| {
            let orders = [2.0, -2.0, 1.0, -1.0, INF, -INF].map(Norm::P);
            let norms = orders.into_iter().chain([Norm::Frobenius]);
            norms.map(|norm| linalg::cond(&x[0], Some(norm))).collect()
        }),
        Call("jnp.linalg.cond(x, 1)  # a singular one", |x| vec![linalg::cond(&x[0], Some(Norm::P(1.0)))]),
        Call("jnp.linalg.matrix_transpose(x)", |x| vec![linalg::matrix_transpose(&x[0])]),
    ]
}

fn lu(x: &V) -> Vec<V> {
    let (p, l, u) = linalg::lu(x);
    vec![p, l, u]
}

fn slogdet(x: &V) -> Vec<V> {
    let (sign, log) = linalg::slogdet(x);
    vec![sign, log]
}

fn norms(x: &V, orders: &[f64], axes: &[i32], keep: bool) -> Vec<V> {
    orders.iter().map(|&p| linalg::norm_axes(x, p, axes, keep)).collect()
}
