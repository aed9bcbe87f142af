//! Factorisations of the matrices in the last two axes, of f32 and f64; axes before them are a batch.
//!
//! What has no result (a matrix that is not positive definite, or not finite) gives NaN, matrix by matrix, as in JAX:
//! it does not panic, since values decide it.

use crate::op::{Types, same_dtypes};
use crate::{DType, Shape, TensorType};
use smallvec::smallvec;

/// What is made of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Linalg {
    /// L with A = L Lᵀ, zero above the diagonal. Reads the lower triangle of A only. NaN where A is not positive
    /// definite.
    Cholesky,
    /// X with A X = B, or Aᵀ X = B, A triangular: reads one triangle of A only. Inputs: A `[.., n, n]`, B `[.., n, k]`.
    TriangularSolve {
        /// Whether the lower triangle of A is read, otherwise the upper.
        lower: bool,
        /// Whether it is the system of Aᵀ.
        transpose: bool,
        /// Whether the diagonal counts as ones, and is not read.
        unit_diagonal: bool,
    },
    /// X with A X = B, or Aᵀ X = B, by LU: infinite or NaN where A is singular. Inputs: A `[.., n, n]`, B `[.., n, k]`.
    Solve {
        /// Whether it is the system of Aᵀ.
        transpose: bool,
    },
    /// The determinant, by LU. One output, of the batch's shape. (An operation of its own, since its derivative, the
    /// matrix of cofactors, exists where A is singular, and LU's does not.)
    Det,
    /// P A = L U by partial pivoting, of A `[.., m, n]`. Outputs: L (below the diagonal; its diagonal is 1) and U in one
    /// matrix `[.., m, n]`; the pivots `[.., min(m, n)]`, i32: row i was exchanged with row `pivots[i]`; the
    /// permutation `[.., m]`, i32: row i of P A is row `permutation[i]` of A.
    Lu,
    /// A = Q R, of A `[.., m, n]`, the columns of Q orthonormal, R upper triangular with a diagonal that is not
    /// negative. Outputs: Q `[.., m, k]`, R `[.., k, n]`.
    Qr {
        /// Whether k is m, otherwise min(m, n).
        full: bool,
    },
    /// A V = V diag(w), A symmetric; reads its lower triangle only. Outputs: the eigenvalues w `[.., n]`, ascending; V
    /// `[.., n, n]`, eigenvectors in its columns.
    Eigh,
    /// A = U diag(s) Vᵀ, of A `[.., m, n]`, s descending. Outputs: U `[.., m, j]`, s `[.., min(m, n)]`, Vᵀ `[.., k, n]`.
    Svd {
        /// Whether j is m and k is n, otherwise min(m, n).
        full: bool,
    },
}

impl Linalg {
    /// The name of the operation.
    pub fn name(self) -> &'static str {
        match self {
            Linalg::Cholesky => "cholesky",
            Linalg::TriangularSolve { .. } => "triangular_solve",
            Linalg::Solve { .. } => "solve",
            Linalg::Det => "det",
            Linalg::Lu => "lu",
            Linalg::Qr { .. } => "qr",
            Linalg::Eigh => "eigh",
            Linalg::Svd { .. } => "svd",
        }
    }

    pub(super) fn inputs(self) -> usize {
        match self {
            Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => 2,
            Linalg::Cholesky
            | Linalg::Det
            | Linalg::Lu
            | Linalg::Qr { .. }
            | Linalg::Eigh
            | Linalg::Svd { .. } => 1,
        }
    }

    #[track_caller]
    pub(super) fn infer(self, x: &[&TensorType]) -> Types {
        let (name, a) = (self.name(), x[0]);
        same_dtypes(name, x);
        assert!(matches!(a.dtype, DType::F32 | DType::F64), "{name}: takes f32 and f64, not {a}");
        assert!(a.rank() >= 2, "{name}: takes matrices, not shape {}", a.shape);
        let (batch, m, n) = (&a.shape[..a.rank() - 2], a.shape[a.rank() - 2], a.shape[a.rank() - 1]);
        let k = m.min(n);
        let of = |tail: &[usize]| a.with_shape(batch.iter().chain(tail).copied().collect::<Shape>());
        let square = || assert!(m == n, "{name}: takes square matrices, not shape {}", a.shape);
        match self {
            Linalg::Cholesky => {
                square();
                smallvec![a.clone()]
            }
            Linalg::Det => {
                square();
                smallvec![of(&[])]
            }
            Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => {
                square();
                let b = x[1];
                let fits = b.rank() == a.rank() && b.shape[..b.rank() - 1] == a.shape[..a.rank() - 1];
                assert!(fits, "{name}: matrices of shape {} and right sides of shape {}", a.shape, b.shape);
                smallvec![b.clone()]
            }
            Linalg::Lu => {
                smallvec![a.clone(), of(&[k]).with_dtype(DType::I32), of(&[m]).with_dtype(DType::I32)]
            }
            Linalg::Qr { full } => {
                let k = if full { m } else { k };
                smallvec![of(&[m, k]), of(&[k, n])]
            }
            Linalg::Eigh => {
                square();
                smallvec![of(&[n]), a.clone()]
            }
            Linalg::Svd { full: true } => smallvec![of(&[m, m]), of(&[k]), of(&[n, n])],
            Linalg::Svd { full: false } => smallvec![of(&[m, k]), of(&[k]), of(&[k, n])],
        }
    }
}
