//! Derivatives of factorisations, for each matrix of a batch.
//!
//! The formulas are those of M. Giles (Collected matrix derivative results, 2008), S. F. Walter (2012, for QR) and
//! M. Seeger et al. (Auto-differentiating linear algebra, 2017). A rule uses the factors it finds among the outputs. Only
//! what an operation reads gets a cotangent: of a symmetric matrix its lower triangle.

use super::{Gradients, Keep, Pull, T};
use plywood_core::op::{Gather, IndexMode, Linalg};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, TensorType, Value, Values};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

pub(super) fn keep(l: Linalg) -> Keep {
    match l {
        Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => Keep::inputs([0]).and_outputs(),
        Linalg::Det => Keep::inputs([0]),
        Linalg::Cholesky | Linalg::Lu | Linalg::Qr { .. } | Linalg::Eigh | Linalg::Svd { .. } => {
            Keep::outputs()
        }
    }
}

pub(super) fn vjp(l: Linalg, r: &Pull<'_>, mut cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    cts.resize(3, None);
    let mut cts = cts.into_iter();
    let cts: [Option<T>; 3] = std::array::from_fn(|_| cts.next().flatten());
    let [first, second, third] = cts;
    let y = |i: usize| &r.kept.y[i];
    let only = |ct: Option<T>| ct.expect("the only output that has one");
    match l {
        Linalg::Cholesky => smallvec![Some(cholesky(y(0), only(first)))],
        Linalg::TriangularSolve { lower, transpose, unit_diagonal } => {
            let kind = Triangle { lower, transpose, unit_diagonal };
            triangular_solve(kind, r, only(first))
        }
        Linalg::Solve { transpose } => {
            let b = operation(Linalg::Solve { transpose: !transpose }, [r.x(0), &only(first)]);
            let (x, wants_b) = (y(0), r.wants(1));
            let a = r.wants(0).then(|| match transpose {
                false => -b.matmul(&transposed(x)),
                true => -x.matmul(&transposed(&b)),
            });
            smallvec![a, wants_b.then_some(b)]
        }
        Linalg::Det => smallvec![Some(scalars(&only(first)) * cofactors(r.x(0)))],
        Linalg::Lu => smallvec![Some(lu(y(0), y(2), only(first)))],
        Linalg::Qr { full } => smallvec![qr(full, y(0), y(1), first, second)],
        Linalg::Eigh => smallvec![eigh(y(0), y(1), first, second)],
        Linalg::Svd { full } => smallvec![svd(full, [y(0), y(1), y(2)], [first, second, third])],
    }
}

fn operation<const N: usize>(l: Linalg, inputs: [&T; N]) -> T {
    let inputs: Values = inputs.into_iter().map(|x| x.value().clone()).collect();
    T::of(Value::apply_all(Op::Linalg(l), inputs))
}

fn transposed(x: &T) -> T {
    x.swapaxes(-1, -2)
}

/// `[..]` as `[.., 1, 1]`.
fn scalars(x: &T) -> T {
    x.expand_dims(-1).expand_dims(-1)
}

/// `[.., k]` as a column, or a row, of each matrix.
fn column(x: &T) -> T {
    x.expand_dims(-1)
}

fn row(x: &T) -> T {
    x.expand_dims(-2)
}

/// The number of the row and that of the column, at each place of matrices like these.
fn places(like: &T) -> [T; 2] {
    let ty = TensorType::new([like.size(-2), like.size(-1)], DType::I32);
    [0, 1].map(|axis| T::of(like.value().iota(ty.clone(), axis)))
}

/// The lower triangle, zeros above; without the diagonal if `strict`.
fn lower(x: &T, strict: bool) -> T {
    let [i, j] = places(x);
    if strict { i.gt(j) } else { i.ge(j) }.select(x, 0)
}

/// The upper triangle, zeros below; without the diagonal if `strict`.
fn upper(x: &T, strict: bool) -> T {
    let [i, j] = places(x);
    if strict { i.lt(j) } else { i.le(j) }.select(x, 0)
}

fn identity(like: &T) -> T {
    let [i, j] = places(like);
    i.eq(j).cast(like.dtype())
}

/// The first `n` rows, or columns, and those behind.
fn rows(x: &T, n: usize) -> [T; 2] {
    cut(x, x.rank() - 2, n)
}

fn columns(x: &T, n: usize) -> [T; 2] {
    cut(x, x.rank() - 1, n)
}

fn cut(x: &T, axis: usize, n: usize) -> [T; 2] {
    let part = |start: usize, end: usize| T::of(x.value().clone().slice_axis(axis, start, end));
    [part(0, n), part(n, x.shape()[axis])]
}

/// One under the other, or one beside the other.
fn joined(parts: [&T; 2], axis: isize) -> T {
    plywood_core::concatenate(parts, axis)
}

/// The cotangent of a symmetric matrix of which the lower triangle is read.
fn of_lower_triangle(s: T) -> T {
    let [i, j] = places(&s);
    let both = &s + transposed(&s);
    i.gt(&j).select(both, i.eq(&j).select(&s, 0))
}

#[derive(Clone, Copy)]
struct Triangle {
    lower: bool,
    transpose: bool,
    unit_diagonal: bool,
}

const LOWER: Triangle = Triangle { lower: true, transpose: false, unit_diagonal: false };
const UPPER: Triangle = Triangle { lower: false, ..LOWER };

impl Triangle {
    fn transposed(self) -> Self {
        Triangle { transpose: !self.transpose, ..self }
    }

    fn unit(self) -> Self {
        Triangle { unit_diagonal: true, ..self }
    }

    /// X with A X = B.
    fn solve(self, a: &T, b: &T) -> T {
        let Triangle { lower, transpose, unit_diagonal } = self;
        operation(Linalg::TriangularSolve { lower, transpose, unit_diagonal }, [a, b])
    }

    /// X with X A = B.
    fn solve_right(self, a: &T, b: &T) -> T {
        transposed(&self.transposed().solve(a, &transposed(b)))
    }
}

fn triangular_solve(kind: Triangle, r: &Pull<'_>, ct: T) -> Gradients {
    let (a, x) = (r.x(0), r.y());
    let b = kind.transposed().solve(a, &ct);
    let of_a = || {
        let whole = if kind.transpose { x.matmul(&transposed(&b)) } else { b.matmul(&transposed(x)) };
        let read = if kind.lower { lower } else { upper };
        -read(&whole, kind.unit_diagonal)
    };
    smallvec![r.wants(0).then(of_a), r.wants(1).then(|| b.clone())]
}

/// Sym(L⁻ᵀ Φ(Lᵀ L̄) L⁻¹), where Φ takes the lower triangle and half of the diagonal.
fn cholesky(l: &T, ct: T) -> T {
    let product = transposed(l).matmul(&ct);
    let p = lower(&product, false) - identity(&product) * &product * 0.5;
    let s = LOWER.solve_right(l, &LOWER.transposed().solve(l, &p));
    of_lower_triangle(s)
}

/// det(A) A⁻ᵀ, which is finite where A is singular too: of U's last pivot, which is zero there, only the quotient with the
/// determinant counts. Of rank n - 2 and below it is zero.
fn cofactors(a: &T) -> T {
    let n = a.size(-1);
    if n <= 1 {
        return a.ones_like();
    }
    let mut outputs = Value::apply(&Op::Linalg(Linalg::Lu), a.value().clone().into()).into_iter().map(T::of);
    let [lu, pivots, permutation] = [(); 3].map(|_| outputs.next().expect("three outputs"));
    let [i, j] = places(&lu);
    let last = i.eq(n as i32 - 1).logical_and(&j.eq(n as i32 - 1));
    let diagonal = i.eq(&j).select(&lu, 0).sum_axes(-1);
    let stayed = pivots.eq(T::of(pivots.value().iota(pivots.ty().clone(), pivots.rank() - 1)));
    let sign = stayed.select(diagonal.ones_like(), -1).prod_axes(-1);
    let [most, pivot] = columns(&diagonal.expand_dims(-2), n - 1);
    // The determinant but for the last pivot, and that pivot.
    let partial = sign * most.squeeze(-2).prod_axes(-1);
    let whole = &partial * pivot.squeeze([-2, -1]);
    // With 1 / partial for the last pivot, the last row of det U⁻¹ is that of partial: no zero is divided by.
    let singular = partial.eq(0);
    let safe = singular.select(1, &partial);
    let regular = last.select(scalars(&(1.0 / safe)), scalars(&singular).select(identity(&lu), &lu));
    let x = LOWER.unit().solve(&regular, &rows_at(&identity(&lu).broadcast_to(lu.shape()), &permutation));
    let [above, below] = rows(&x, n - 1);
    let inverse = UPPER.solve(&regular, &joined([&(above * scalars(&whole)), &below], -2));
    transposed(&scalars(&singular).select(0, inverse))
}

/// The cotangent of L and U in one matrix; `permutation` is that of A's rows.
fn lu(lu: &T, permutation: &T, ct: T) -> T {
    let (m, n) = (lu.size(-2), lu.size(-1));
    let k = m.min(n);
    // The square parts: of a tall A the first rows, of a wide one the first columns.
    let [square, _] = rows(&columns(lu, k)[0], k);
    let [ct_square, _] = rows(&columns(&ct, k)[0], k);
    let (l1, u1) = (lower(&square, true) + identity(&square), upper(&square, false));
    let mut by_l = transposed(&l1).matmul(&lower(&ct_square, true));
    let mut by_u = upper(&ct_square, false).matmul(&transposed(&u1));
    let mut behind = None;
    if n > k {
        // U₂ = L⁻¹ A₂.
        let (u2, ct2) = (&columns(lu, k)[1], &columns(&ct, k)[1]);
        by_l -= ct2.matmul(&transposed(u2));
        behind = Some(LOWER.unit().transposed().solve(&square, ct2));
    }
    if m > k {
        // L₂ = A₂ U⁻¹.
        let (l2, ct2) = (&rows(lu, k)[1], &rows(&ct, k)[1]);
        by_u -= transposed(l2).matmul(ct2);
        behind = Some(UPPER.transposed().solve_right(&square, ct2));
    }
    let middle = lower(&by_l, true) + upper(&by_u, false);
    let first = LOWER.unit().transposed().solve(&square, &UPPER.transposed().solve_right(&square, &middle));
    let permuted = match behind {
        Some(behind) => joined([&first, &behind], if n > k { -1 } else { -2 }),
        None => first,
    };
    rows_at(&permuted, &inverse_permutation(permutation))
}

/// Row i of the result is row `places[i]`.
fn rows_at(x: &T, places: &T) -> T {
    if x.is_empty() {
        return x.clone();
    }
    let batch = x.rank() - 2;
    let axes = || (0..batch).collect::<Axes>();
    let mut sizes: Axes = x.shape().iter().copied().collect();
    sizes[..batch + 1].fill(1);
    let gather = Gather {
        offset_axes: [batch + 1].into_iter().collect(),
        collapsed_axes: [batch].into_iter().collect(),
        operand_batching_axes: axes(),
        indices_batching_axes: axes(),
        start_index_map: [batch].into_iter().collect(),
        sizes,
        mode: IndexMode::Clip,
    };
    T::of(Value::apply2(Op::Gather(Arc::new(gather)), x.value().clone(), column(places).into_value()))
}

fn inverse_permutation(places: &T) -> T {
    let axis = places.rank() - 1;
    let numbers = places.value().iota(places.ty().clone(), axis);
    let values = [places.value().clone(), numbers].into_iter().collect();
    T::of(Value::sort_together(values, axis as isize, 1).remove(1))
}

/// The cotangent of A = Q R.
fn qr(full: bool, q: &T, r: &T, ct_q: Option<T>, ct_r: Option<T>) -> Option<T> {
    let (m, n) = (q.size(-2), r.size(-1));
    if m >= n {
        if !full || m == n {
            return tall(q, r, ct_q, ct_r);
        }
        assert!(
            ct_q.is_none(),
            "qr: the complete Q, {m}x{m}, of a matrix of {m}x{n} has no derivative: its last columns are arbitrary; take \
             the reduced one"
        );
        return tall(&columns(q, n)[0], &rows(r, n)[0], None, ct_r.map(|ct| rows(&ct, n)[0].clone()));
    }
    // A = [X Y] = Q [U V]: X = Q U, and V = Qᵀ Y.
    let [u, v] = columns(r, m);
    let (ct_u, ct_v) = match ct_r {
        Some(ct) => {
            let [u, v] = columns(&ct, m);
            (Some(u), Some(v))
        }
        None => (None, None),
    };
    let by_v = ct_v.as_ref().map(|ct_v| q.matmul(&v).matmul(&transposed(ct_v)));
    let ct_q = match (ct_q, by_v) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
    let x = tall(q, &u, ct_q, ct_u)?;
    let y = match &ct_v {
        Some(ct_v) => q.matmul(ct_v),
        None => v.zeros_like(),
    };
    Some(joined([&x, &y], -1))
}

/// Of a reduced one with as many rows as columns, or more: (Q̄ + Q copyltu(R R̄ᵀ - Q̄ᵀ Q)) R⁻ᵀ.
fn tall(q: &T, r: &T, ct_q: Option<T>, ct_r: Option<T>) -> Option<T> {
    let by_r = ct_r.map(|ct| r.matmul(&transposed(&ct)));
    let by_q = ct_q.as_ref().map(|ct| -transposed(ct).matmul(q));
    let whole = match (by_r, by_q) {
        (Some(a), Some(b)) => a + b,
        (a, b) => a.or(b)?,
    };
    let symmetric = lower(&whole, false) + transposed(&lower(&whole, true));
    let inner = q.matmul(&symmetric);
    let inner = match ct_q {
        Some(ct) => ct + inner,
        None => inner,
    };
    Some(UPPER.transposed().solve_right(r, &inner))
}

/// 1 / (x_j - x_i) off the diagonal, 0 on it; infinite where values are equal.
fn reciprocal_differences(difference: T) -> T {
    let eye = identity(&difference);
    1.0 / (difference + &eye) - eye
}

/// V (diag(w̄) + F ∘ (Vᵀ V̄)) Vᵀ, with F = 1 / (w_j - w_i).
fn eigh(w: &T, v: &T, ct_w: Option<T>, ct_v: Option<T>) -> Option<T> {
    let vt = transposed(v);
    let by_w = ct_w.map(|ct| (v * row(&ct)).matmul(&vt));
    let by_v = ct_v.map(|ct| {
        let f = reciprocal_differences(row(w) - column(w));
        v.matmul(&(f * vt.matmul(&ct))).matmul(&vt)
    });
    let s = match (by_w, by_v) {
        (Some(a), Some(b)) => a + b,
        (a, b) => a.or(b)?,
    };
    Some(of_lower_triangle(s))
}

/// U ((F ∘ skew(Uᵀ Ū)) S + S (F ∘ skew(Vᵀ V̄)) + diag(s̄)) Vᵀ, with F = 1 / (s_j² - s_i²) and skew(X) = X - Xᵀ; and what
/// of Ū and V̄ lies outside the columns of U and V.
fn svd(full: bool, [u, s, vt]: [&T; 3], [ct_u, ct_s, ct_vt]: [Option<T>; 3]) -> Option<T> {
    let (m, n) = (u.size(-2), vt.size(-1));
    let mut parts: Vec<T> = Vec::new();
    let (ut, v) = (transposed(u), transposed(vt));
    if full && m != n {
        assert!(
            ct_u.is_none() && ct_vt.is_none(),
            "svd: the full matrices of a matrix of {m}x{n} have no derivative: their last columns are arbitrary; take \
             full_matrices = false"
        );
        let k = m.min(n);
        let (u, vt) = (&columns(u, k)[0], &rows(vt, k)[0]);
        return ct_s.map(|ct| (u * row(&ct)).matmul(vt));
    }
    let f = || reciprocal_differences((row(s) - column(s)) * (row(s) + column(s)));
    let skew = |x: T| &x - transposed(&x);
    if let Some(ct) = &ct_s {
        parts.push((u * row(ct)).matmul(vt));
    }
    if let Some(ct) = &ct_u {
        let inner = ut.matmul(ct);
        parts.push(u.matmul(&(f() * skew(inner.clone()) * row(s))).matmul(vt));
        if m > n {
            parts.push(((ct - u.matmul(&inner)) / row(s)).matmul(vt));
        }
    }
    if let Some(ct) = &ct_vt {
        let inner = vt.matmul(&transposed(ct));
        parts.push(u.matmul(&(column(s) * f() * skew(inner.clone()))).matmul(vt));
        if n > m {
            parts.push((u / row(s)).matmul(&(ct - transposed(&v.matmul(&inner)))));
        }
    }
    parts.into_iter().reduce(|a, b| a + b)
}
