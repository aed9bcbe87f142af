//! Pseudo-inverses and least squares.
//!
//! Values come from the singular value decomposition. Derivatives do not: its own are infinite where singular values are
//! equal, though those of the pseudo-inverse are not. Near A, matrices of the same rank are C K⁻¹ R, where C = A V S⁻¹,
//! R = S⁻¹ Uᵀ A, K = S⁻¹ Uᵀ A V S⁻¹, and U, S, V are constants: the factors of A itself. So A⁺ = R⁺ K C⁺, with
//! C⁺ = (Cᵀ C)⁻¹ Cᵀ and R⁺ = Rᵀ (R Rᵀ)⁻¹, whose derivatives of every order are those of A⁺ (of the first order they are
//! Golub and Pereyra's). Cᵀ C and R Rᵀ are identities, but for rounding, so nothing is lost.

use super::*;

/// The factors of A, as constants, and which singular values count.
struct Factors {
    u: T,
    vt: T,
    /// 1 / s where it counts, else 0.
    inverse: T,
    counts: T,
}

impl Factors {
    #[track_caller]
    fn new(a: &T, counts: impl Fn(&T) -> T) -> Self {
        let (u, s, vt) = svd(&a.stop_gradient(), false);
        let counts = counts(&s);
        let inverse = counts.select(1.0 / counts.select(&s, 1), 0);
        Factors { u, vt, inverse, counts }
    }

    /// A⁺ b, by the factors alone.
    #[track_caller]
    fn value(&self, b: &T) -> T {
        let scaled = column(&self.inverse) * matrix_transpose(&self.u).matmul(b);
        matrix_transpose(&self.vt).matmul(&scaled)
    }

    /// A⁺ b, as a function of A and b.
    #[track_caller]
    fn function(&self, a: &T, b: &T) -> T {
        let v = matrix_transpose(&self.vt) * row(&self.inverse);
        let ut = column(&self.inverse) * matrix_transpose(&self.u);
        let (c, r) = (a.matmul(&v), ut.matmul(a));
        let k = r.matmul(&v);
        // Ones where a value does not count, so that the matrices are regular.
        let size = self.counts.size(-1);
        let ones = on_diagonal(a, size, size).logical_and(&column(&self.counts.logical_not()));
        let fill = ones.cast(a.dtype());
        let inside = |gram: T, right: T| {
            let (gram, right) = same_batch("pinv", &(gram + &fill), &right);
            one(Linalg::Solve { transpose: false }, &[&gram, &right])
        };
        let (ct, rt) = (matrix_transpose(&c), matrix_transpose(&r));
        let y = inside(ct.matmul(&c), ct.matmul(b));
        rt.matmul(&inside(r.matmul(&rt), k.matmul(&y)))
    }

    /// The value by the factors, the derivatives by the function.
    #[track_caller]
    fn apply(&self, a: &T, b: &T) -> T {
        let function = self.function(a, b);
        let value = self.value(&b.stop_gradient()).stop_gradient();
        value + (&function - function.stop_gradient())
    }
}

#[track_caller]
pub fn pinv(a: &T, rcond: Option<f64>) -> T {
    let a = matrices("pinv", a);
    let (m, n) = (a.size(-2), a.size(-1));
    if a.is_empty() {
        return matrix_transpose(&a);
    }
    let rcond = rcond.unwrap_or(10.0 * m.max(n) as f64 * epsilon(a.dtype()));
    Factors::new(&a, |s| s.gt(s.max_keep(-1) * rcond)).apply(&a, &identity(&a, m))
}

#[track_caller]
pub fn lstsq(a: &T, b: &T, rcond: Option<f64>) -> (T, T, T, T) {
    let a = matrices("lstsq", a);
    let fits = a.rank() == 2 && matches!(b.rank(), 1 | 2) && b.shape()[0] == a.size(0);
    assert!(fits, "lstsq: a matrix of shape {} and right sides of shape {}", a.shape(), b.shape());
    let dtype = a.dtype().promote(b.dtype());
    let (a, vector) = (a.cast(dtype), b.rank() == 1);
    let b = if vector { column(b) } else { b.clone() }.cast(dtype);
    let (m, n) = (a.size(0), a.size(1));
    let rcond = rcond.unwrap_or(m.max(n) as f64 * epsilon(dtype));
    let s = svdvals(&a);
    let (x, rank) = if a.is_empty() {
        let x = T::of(a.value().full(Number::Int(0), TensorType::new([n, b.size(1)], dtype)));
        (x, T::of(a.value().full(Number::Int(0), TensorType::scalar(DType::I32))))
    } else {
        let factors = Factors::new(&a, |s| s.gt(0).logical_and(&s.ge(s.max_keep(-1) * rcond)));
        (factors.apply(&a, &b), factors.counts.cast(DType::I32).sum())
    };
    let residuals = (&b - a.matmul(&x)).square().sum_axes(0);
    (unvector(x, vector), residuals, rank, s)
}
