//! Linear algebra, with the names of `jax.numpy.linalg` and `jax.scipy.linalg`. Matrices are in the last two axes.
//!
//! Axes before the last two are a batch: every matrix of it is treated by itself. Results are of f32 or f64; integers and
//! bool are cast, f16 and bf16 must be, by whoever knows whether f32 is enough. Everything has derivatives of every order.
//! What has no result (the inverse of a singular matrix, the factor of one that is not positive definite, anything of one
//! that is not finite) is infinite or NaN, and no panic.

use crate::library::linalg as l;
use crate::{Backend, IntoAxes, Tensor};

pub use crate::library::linalg::{Norm, Triangular};

/// L with A = L Lᵀ, lower triangular, of symmetric positive definite matrices `[.., n, n]`; NaN where they are not
/// positive definite. The matrices are made symmetric first, (A + Aᵀ) / 2, and so are the derivatives.
///
/// ```
/// # use plywood::prelude::*;
/// let a = Tensor::<Cpu>::from([[4.0, 2.0], [2.0, 10.0]]);
/// assert_eq!(linalg::cholesky(&a).to_vec::<f64>(), [2.0, 0.0, 1.0, 3.0]);
/// ```
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn cholesky<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::cholesky(&a.erased(), false, true).branded()
}

/// [`cholesky`] with JAX's options. `upper`: U with A = Uᵀ U instead. Without `symmetrize` only the lower triangle of A
/// counts (with `upper`, only the upper one).
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn cholesky_with<B: Backend>(a: &Tensor<B>, upper: bool, symmetrize: bool) -> Tensor<B> {
    l::cholesky(&a.erased(), upper, symmetrize).branded()
}

/// X with A X = B, of matrices `[.., n, n]` and right sides `[.., n, k]` or one vector `[n]`, by LU with partial pivoting:
/// A is factorised once for all right sides. Batches broadcast. Infinite or NaN where A is singular.
///
/// ```
/// # use plywood::prelude::*;
/// let a = Tensor::<Cpu>::from([[2.0, 1.0], [0.0, 4.0]]);
/// let b = Tensor::from([4.0, 8.0]);
/// assert_eq!(linalg::solve(&a, &b).to_vec::<f64>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// Where the matrices are not square, or B has not as many rows.
#[track_caller]
pub fn solve<B: Backend>(a: &Tensor<B>, b: &Tensor<B>) -> Tensor<B> {
    l::solve(&a.erased(), &b.erased()).branded()
}

/// X with A X = B for a triangular A; the other triangle of A is not read. Shapes as for [`solve`].
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::linalg::Triangular;
/// let l = Tensor::<Cpu>::from([[2.0, 9.0], [1.0, 4.0]]);
/// let b = Tensor::from([2.0, 9.0]);
/// assert_eq!(linalg::solve_triangular(&l, &b, Triangular::LOWER).to_vec::<f64>(), [1.0, 2.0]);
/// ```
///
/// # Panics
/// Where the matrices are not square, or B has not as many rows.
#[track_caller]
pub fn solve_triangular<B: Backend>(a: &Tensor<B>, b: &Tensor<B>, how: Triangular) -> Tensor<B> {
    l::solve_triangular(&a.erased(), &b.erased(), how).branded()
}

/// X with A X = B, given A's factor by [`cholesky`] (or its transpose, where `lower` is false). Shapes as for [`solve`].
///
/// # Panics
/// Where the factors are not square, or B has not as many rows.
#[track_caller]
pub fn cho_solve<B: Backend>(factor: &Tensor<B>, lower: bool, b: &Tensor<B>) -> Tensor<B> {
    l::cho_solve(&factor.erased(), lower, &b.erased()).branded()
}

/// (P, L, U) with A = P L U by partial pivoting, of A `[.., m, n]`: P `[.., m, m]` a permutation matrix, L `[.., m, k]`
/// lower triangular with ones on the diagonal, U `[.., k, n]` upper triangular, k = min(m, n).
#[track_caller]
pub fn lu<B: Backend>(a: &Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
    let (p, lower, upper) = l::lu(&a.erased());
    (p.branded(), lower.branded(), upper.branded())
}

/// The factors of [`lu`] as `jax.lax.linalg.lu` gives them, for [`lu_solve`]: L (without its diagonal of ones) and U in one
/// matrix; pivots, i32: row i was exchanged with row `pivots[i]`; the permutation, i32: row i of Pᵀ A is row
/// `permutation[i]` of A.
#[track_caller]
pub fn lu_factor<B: Backend>(a: &Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
    let (lu, pivots, permutation) = l::lu_factor(&a.erased());
    (lu.branded(), pivots.branded(), permutation.branded())
}

/// X with A X = B, or with Aᵀ X = B where `transpose`, given the factors and the permutation of [`lu_factor`]. Shapes as
/// for [`solve`].
///
/// # Panics
/// Where the factors are not square, or B has not as many rows.
#[track_caller]
pub fn lu_solve<B: Backend>(
    lu: &Tensor<B>,
    permutation: &Tensor<B>,
    b: &Tensor<B>,
    transpose: bool,
) -> Tensor<B> {
    l::lu_solve(&lu.erased(), &permutation.erased(), &b.erased(), transpose).branded()
}

/// (Q, R) with A = Q R, of A `[.., m, n]`: Q `[.., m, k]` with orthonormal columns, R `[.., k, n]` upper triangular with a
/// diagonal that is not negative (LAPACK, and so JAX, leaves the signs open). k is m if `complete`, else min(m, n).
///
/// Derivatives exist where A's first min(m, n) columns are independent; not of the complete Q of a tall A, whose last
/// columns are arbitrary: asking for them panics.
#[track_caller]
pub fn qr<B: Backend>(a: &Tensor<B>, complete: bool) -> (Tensor<B>, Tensor<B>) {
    let (q, r) = l::qr(&a.erased(), complete);
    (q.branded(), r.branded())
}

/// The eigenvalues of symmetric matrices `[.., n, n]`, ascending, and orthonormal eigenvectors in columns. The matrices are
/// made symmetric first, (A + Aᵀ) / 2, and so are the derivatives. Signs of eigenvectors are arbitrary, and their
/// derivatives infinite or NaN where eigenvalues are equal; those of the eigenvalues are not.
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn eigh<B: Backend>(a: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let (w, v) = l::eigh(&a.erased());
    (w.branded(), v.branded())
}

/// The eigenvalues of [`eigh`].
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn eigvalsh<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::eigh(&a.erased()).0.branded()
}

/// (U, s, Vᵀ) with A = U diag(s) Vᵀ, of A `[.., m, n]`, s `[.., k]` descending and not negative, k = min(m, n). U is
/// `[.., m, k]` and Vᵀ `[.., k, n]`, or `[.., m, m]` and `[.., n, n]` if `full_matrices`.
///
/// Signs of singular vectors are arbitrary, and their derivatives infinite or NaN where singular values are equal; those
/// of the values are not. The full matrices have derivatives where m = n only: asking for others panics.
#[track_caller]
pub fn svd<B: Backend>(a: &Tensor<B>, full_matrices: bool) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
    let (u, s, vt) = l::svd(&a.erased(), full_matrices);
    (u.branded(), s.branded(), vt.branded())
}

/// The singular values, descending.
#[track_caller]
pub fn svdvals<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::svdvals(&a.erased()).branded()
}

/// The inverses of matrices `[.., n, n]`; infinite or NaN where they are singular. ([`solve`] is quicker and more accurate
/// than a product with an inverse.)
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn inv<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::inv(&a.erased()).branded()
}

/// The determinants of matrices `[.., n, n]`, by LU. The gradient, the matrix of cofactors, is right for singular matrices
/// too.
///
/// ```
/// # use plywood::prelude::*;
/// let a = Tensor::<Cpu>::from([[1.0, 2.0], [2.0, 4.0]]);
/// assert_eq!(linalg::det(&a).item::<f64>(), 0.0);
/// let gradient = grad(|a: Tensor<_>| linalg::det(&a))(a);
/// assert_eq!(gradient.to_vec::<f64>(), [4.0, -2.0, -2.0, 1.0]);
/// ```
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn det<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::det(&a.erased()).branded()
}

/// The sign of the determinant and the logarithm of its magnitude, which do not overflow; (0, -inf) of singular matrices.
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn slogdet<B: Backend>(a: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let (sign, log) = l::slogdet(&a.erased());
    (sign.branded(), log.branded())
}

/// The Moore-Penrose inverse `[.., n, m]` of matrices `[.., m, n]`. Singular values up to `rcond` times the largest one
/// count as zero; without it, up to `10 max(m, n) ε`. Derivatives are those along matrices of the same rank; equal singular
/// values do no harm.
#[track_caller]
pub fn pinv<B: Backend>(a: &Tensor<B>, rcond: Option<f64>) -> Tensor<B> {
    l::pinv(&a.erased(), rcond).branded()
}

/// Least squares: the X of least norm among those for which |A X - B| is least, of A `[m, n]` and B `[m]` or `[m, k]`.
/// Gives (X, the sums of squares of A X - B for each right side, A's rank as i32, A's singular values). Singular values
/// below `rcond` times the largest one count as zero; without it, below `max(m, n) ε`.
///
/// # Panics
/// Where the shapes are others.
#[track_caller]
pub fn lstsq<B: Backend>(
    a: &Tensor<B>,
    b: &Tensor<B>,
    rcond: Option<f64>,
) -> (Tensor<B>, Tensor<B>, Tensor<B>, Tensor<B>) {
    let (x, residuals, rank, s) = l::lstsq(&a.erased(), &b.erased(), rcond);
    (x.branded(), residuals.branded(), rank.branded(), s.branded())
}

/// Powers of matrices `[.., n, n]` by repeated squaring; negative ones are those of the inverse.
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn matrix_power<B: Backend>(a: &Tensor<B>, n: i32) -> Tensor<B> {
    l::matrix_power(&a.erased(), n).branded()
}

/// How many singular values are above `tolerance`, as i32; without it, above `max(m, n) ε` times the largest one. Of a
/// vector or a scalar: whether any element is not zero.
#[track_caller]
pub fn matrix_rank<B: Backend>(a: &Tensor<B>, tolerance: Option<f64>) -> Tensor<B> {
    l::matrix_rank(&a.erased(), tolerance).branded()
}

/// The root of the sum of all squares: the norm of a vector, Frobenius' norm of a matrix.
///
/// ```
/// # use plywood::prelude::*;
/// assert_eq!(linalg::norm(&Tensor::<Cpu>::from([3.0, 4.0])).item::<f64>(), 5.0);
/// ```
#[track_caller]
pub fn norm<B: Backend>(x: &Tensor<B>) -> Tensor<B> {
    l::norm_of_all(&x.erased()).branded()
}

/// A norm along one axis (of vectors) or two (of matrices: rows, columns), which go away, or stay with size 1 if `keep`.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::linalg::Norm;
/// let x = Tensor::<Cpu>::from([[1.0, -2.0], [3.0, 4.0]]);
/// assert_eq!(linalg::norm_axes(&x, 1, -1, false).to_vec::<f64>(), [3.0, 7.0]);
/// assert_eq!(linalg::norm_axes(&x, 1, [0, 1], false).item::<f64>(), 6.0);
/// assert_eq!(linalg::norm_axes(&x, f64::INFINITY, [0, 1], false).item::<f64>(), 7.0);
/// assert_eq!(linalg::norm_axes(&x, Norm::Frobenius, [0, 1], true).shape(), &[1, 1]);
/// ```
///
/// # Panics
/// Where there is no such norm of so many axes.
#[track_caller]
pub fn norm_axes<B: Backend>(
    x: &Tensor<B>,
    norm: impl Into<Norm>,
    axes: impl IntoAxes,
    keep: bool,
) -> Tensor<B> {
    l::norm(&x.erased(), norm.into(), &axes.into_axes(), keep).branded()
}

/// The product of several matrices `[m, n]`, in the order of fewest multiplications; the first and the last may be vectors.
///
/// # Panics
/// Where there is none, or shapes do not meet.
#[track_caller]
pub fn multi_dot<'a, B: Backend>(matrices: impl IntoIterator<Item = &'a Tensor<B>>) -> Tensor<B> {
    let matrices: Vec<Tensor<crate::Dyn>> = matrices.into_iter().map(Tensor::erased).collect();
    l::multi_dot(&matrices).branded()
}

/// e^A = Σ Aᵏ / k! of matrices `[.., n, n]`, by Padé approximation, scaling and squaring. NaN where it would take more than
/// 16 squarings, as in JAX: where the 1-norm is above 3.5e5.
///
/// # Panics
/// Where the matrices are not square.
#[track_caller]
pub fn expm<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::expm(&a.erased()).branded()
}

/// The condition number of matrices: the product of the norms of A and its inverse; without a norm it is the 2-norm, and
/// the matrices need not be square: the largest singular value over the least.
///
/// # Panics
/// Where there are no elements, or the norm is not 2 or -2 and the matrices are not square.
#[track_caller]
pub fn cond<B: Backend>(a: &Tensor<B>, norm: Option<Norm>) -> Tensor<B> {
    l::cond(&a.erased(), norm).branded()
}

/// The matrices transposed: the last two axes exchanged.
///
/// # Panics
/// Where there are fewer than two axes.
#[track_caller]
pub fn matrix_transpose<B: Backend>(a: &Tensor<B>) -> Tensor<B> {
    l::matrix_transpose(&a.erased()).branded()
}
