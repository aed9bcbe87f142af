//! Reflections I - tau v vᵀ, one by one and in blocks; A = Q R by them.
//!
//! Vectors lie as rows of a matrix, so that each is contiguous. A block of them is I - V T Vᵀ with an upper triangular T.

use super::loops::{LANES, axpy, combine, divide, dot, largest, scale};
use super::real::{Real, product, rows, subtract_product};
use crate::pool::{Scratch, scratch};

/// Vectors of a block.
pub const BLOCK: usize = 32;

/// The norm, without overflow or loss in between.
pub fn norm<T: Real>(x: &[T]) -> T {
    let sum = dot(x, x);
    if sum > T::SMALL && sum < T::ONE / T::SMALL {
        return sum.sqrt();
    }
    match largest(x) {
        None => T::NAN,
        Some(most) if most == T::ZERO => T::ZERO,
        Some(most) => {
            let sum = x.iter().fold(T::ZERO, |sum, &x| sum + (x / most) * (x / most));
            most * sum.sqrt()
        }
    }
}

/// Makes the vector of the reflection that takes x to (beta, 0, ..), in the place of x; gives beta and tau.
pub fn reflect<T: Real>(x: &mut [T]) -> (T, T) {
    if x.is_empty() { (T::ZERO, T::ZERO) } else { reflect_from(x, 0) }
}

/// The same of the elements from `first` on; those before are 0.
pub fn reflect_from<T: Real>(x: &mut [T], first: usize) -> (T, T) {
    let alpha = std::mem::replace(&mut x[first], T::ZERO);
    let rest = norm(x);
    if rest == T::ZERO {
        x[first] = T::ONE;
        return (alpha, T::ZERO);
    }
    let whole = norm(&[alpha, rest]);
    if whole < T::SMALL {
        // Nearly subnormal numbers have too few bits: they are those of a larger vector, exactly.
        let unit = whole.power_of_two();
        x[first] = alpha;
        divide(x, unit);
        let (beta, tau) = reflect_from(x, first);
        return (beta * unit, tau);
    }
    let beta = -whole.with_sign(alpha);
    divide(x, alpha - beta);
    x[first] = T::ONE;
    (beta, (beta - alpha) / beta)
}

/// The T of a block of `size` vectors of `n` elements.
fn triangle<T: Real>(v: &[T], stride: usize, n: usize, tau: &[T]) -> [T; BLOCK * BLOCK] {
    let size = tau.len();
    let mut products = [T::ZERO; BLOCK * BLOCK];
    product([size, n, size], &mut products, BLOCK, rows(v, stride), rows(v, stride).transposed(), false);
    let mut t = [T::ZERO; BLOCK * BLOCK];
    for i in 0..size {
        for j in 0..i {
            let sum = (j..i).fold(T::ZERO, |sum, l| sum + t[j * BLOCK + l] * products[l * BLOCK + i]);
            t[j * BLOCK + i] = -(tau[i] * sum);
        }
        t[i * BLOCK + i] = tau[i];
    }
    t
}

/// `c -= V T Vᵀ c`, or by Tᵀ where `transpose`, of c with n rows.
struct Block<'a, T> {
    v: &'a [T],
    stride: usize,
    n: usize,
    tau: &'a [T],
}

impl<T: Real> Block<'_, T> {
    fn apply(&self, transpose: bool, c: &mut [T], stride: usize, columns: usize, threads: bool) {
        let size = self.tau.len();
        if columns == 0 || self.n == 0 {
            return;
        }
        let t = triangle(self.v, self.stride, self.n, self.tau);
        let mut space = scratch(2 * size * columns * size_of::<T>());
        let (w, u) = space.as_mut_slice::<T>()[..2 * size * columns].split_at_mut(size * columns);
        let v = rows(self.v, self.stride);
        product([size, self.n, columns], w, columns, v, rows(&*c, stride), threads);
        let t = rows(&t, BLOCK);
        let t = if transpose { t.transposed() } else { t };
        product([size, size, columns], u, columns, t, rows(&*w, columns), threads);
        subtract_product([self.n, size, columns], c, stride, v.transposed(), rows(&*u, columns), threads);
    }

    /// `c = c (I - V T Vᵀ)ᵀ`, of c with `height` rows.
    fn apply_right(&self, c: &mut [T], stride: usize, height: usize, threads: bool) {
        let size = self.tau.len();
        if height == 0 || self.n == 0 {
            return;
        }
        let t = triangle(self.v, self.stride, self.n, self.tau);
        let mut space = scratch(2 * size * height * size_of::<T>());
        let (w, u) = space.as_mut_slice::<T>()[..2 * size * height].split_at_mut(size * height);
        let v = rows(self.v, self.stride);
        product([height, self.n, size], w, size, rows(&*c, stride), v.transposed(), threads);
        product([height, size, size], u, size, rows(&*w, size), rows(&t, BLOCK).transposed(), threads);
        subtract_product([height, size, self.n], c, stride, rows(&*u, size), v, threads);
    }
}

/// The product H₀ H₁ .. of reflections, as the first `columns` columns of an n x n matrix. Vector j is in row j of `v`;
/// it begins, with a 1, at place j + `offset`, and has zeros before.
#[allow(clippy::too_many_arguments)]
pub fn accumulate<T: Real>(
    v: &[T],
    stride: usize,
    tau: &[T],
    offset: usize,
    q: &mut [T],
    n: usize,
    columns: usize,
    threads: bool,
) {
    q[..n * columns].fill(T::ZERO);
    for i in 0..n.min(columns) {
        q[i * columns + i] = T::ONE;
    }
    for block in (0..tau.len().div_ceil(BLOCK)).rev() {
        let (first, end) = (block * BLOCK, tau.len().min((block + 1) * BLOCK));
        let start = first + offset;
        if start >= n || start >= columns {
            continue;
        }
        let block = Block { v: &v[first * stride + start..], stride, n: n - start, tau: &tau[first..end] };
        block.apply(false, &mut q[start * columns + start..], columns, columns - start, threads);
    }
}

/// `c = H₀ H₁ .. c` of the reflections that [`accumulate`] takes, of c with n rows of `columns`.
#[allow(clippy::too_many_arguments)]
pub fn apply<T: Real>(
    v: &[T],
    stride: usize,
    tau: &[T],
    offset: usize,
    c: &mut [T],
    n: usize,
    columns: usize,
    threads: bool,
) {
    for block in (0..tau.len().div_ceil(BLOCK)).rev() {
        let (first, end) = (block * BLOCK, tau.len().min((block + 1) * BLOCK));
        let start = first + offset;
        if start >= n {
            continue;
        }
        let block = Block { v: &v[first * stride + start..], stride, n: n - start, tau: &tau[first..end] };
        block.apply(false, &mut c[start * columns..], columns, columns, threads);
    }
}

/// `c = c (H₀ H₁ ..)ᵀ` of such reflections, of a c with n columns.
pub fn apply_right<T: Real>(
    v: &[T],
    stride: usize,
    tau: &[T],
    offset: usize,
    c: &mut [T],
    n: usize,
    threads: bool,
) {
    for first in (0..tau.len()).step_by(BLOCK).rev() {
        let (start, end) = (first + offset, tau.len().min(first + BLOCK));
        if start < n {
            let block =
                Block { v: &v[first * stride + start..], stride, n: n - start, tau: &tau[first..end] };
            let height = c.len() / n;
            block.apply_right(&mut c[start..], n, height, threads);
        }
    }
}

/// A = Q R of the m x n matrix in `a`, which is overwritten: Q is m x k, R is k x n, and k is m or min(m, n). The diagonal
/// of R is not negative. A matrix that is not finite gives NaN.
#[allow(clippy::too_many_arguments)]
pub fn qr<T: Real>(a: &mut [T], m: usize, n: usize, k: usize, q: &mut [T], r: &mut [T], threads: bool) {
    if largest(a).is_none() {
        q.fill(T::NAN);
        r.fill(T::NAN);
        return;
    }
    let least = m.min(n);
    let stride = m + 16;
    let mut space = scratch((least * stride + least) * size_of::<T>());
    let (v, tau) = space.as_mut_slice::<T>()[..least * stride + least].split_at_mut(least * stride);
    for first in (0..least).step_by(BLOCK) {
        let end = (first + BLOCK).min(least);
        let panel = &mut v[first * stride..end * stride];
        for (i, row) in a.chunks(n).enumerate().skip(first) {
            row[first..end].iter().enumerate().for_each(|(j, &x)| panel[j * stride + i] = x);
        }
        for j in 0..end - first {
            let (start, place) = (first + j, j * stride + first + j);
            let tail = &mut panel[place..];
            let (column, others) = tail.split_at_mut(stride - start);
            let column = &mut column[..m - start];
            let (beta, t) = reflect(column);
            tau[start] = t;
            for other in others.chunks_mut(stride) {
                let other = &mut other[start..m];
                let c = t * dot(column, other);
                axpy(other, c, column);
            }
            // The column of R: what is above the vector, which is cleared, and beta.
            let column = &mut panel[j * stride..j * stride + m];
            for i in first..start {
                a[i * n + start] = column[i];
            }
            a[start * n + start] = beta;
            column[..start].fill(T::ZERO);
        }
        let block = Block { v: &panel[first..], stride, n: m - first, tau: &tau[first..end] };
        if end < n {
            block.apply(true, &mut a[first * n + end..], n, n - end, threads);
        }
    }
    accumulate(v, stride, tau, 0, q, m, k, threads);
    for (i, row) in r.chunks_mut(n.max(1)).enumerate() {
        let zeros = i.min(n);
        row[..zeros].fill(T::ZERO);
        row[zeros..].copy_from_slice(&a[i * n + zeros..(i + 1) * n]);
    }
    // A negative element of the diagonal: the row of R and the column of Q change signs.
    let signs: Vec<T> =
        (0..k).map(|i| if i < n && r[i * n + i] < T::ZERO { -T::ONE } else { T::ONE }).collect();
    for (row, &sign) in r.chunks_mut(n.max(1)).zip(&signs) {
        if sign < T::ZERO {
            scale(row, sign);
        }
    }
    for row in q.chunks_mut(k.max(1)) {
        row.iter_mut().zip(&signs).for_each(|(x, &sign)| *x = *x * sign);
    }
}

/// `out -= sum over l of c(l) rows[l]`, of the first `count` rows with `stride` elements from one to the next; at most two
/// blocks and one.
pub fn subtract_combination<T: Real>(
    out: &mut [T],
    count: usize,
    coefficient: impl Fn(usize) -> T,
    rows: &[T],
    stride: usize,
) {
    if count == 0 {
        return;
    }
    let mut c = [T::ZERO; 2 * BLOCK + 1];
    (0..count).for_each(|l| c[l] = coefficient(l));
    combine(out, &c[..count], rows, stride);
}

/// A square matrix whose rows are of a multiple of [`LANES`], and as many as a multiple of 8; what is added is 0. And the
/// elements from row to row.
pub fn padded<T: Real>(n: usize) -> (Scratch, usize) {
    // Of large ones not a power of two: elements of a column do not compete for places in the cache.
    let width = n.next_multiple_of(LANES);
    let (stride, height) = (if n > LANES { width + LANES } else { width }, n.next_multiple_of(8));
    let mut space = scratch(height * stride * size_of::<T>());
    space.as_mut_slice::<T>()[..height * stride].fill(T::ZERO);
    (space, stride)
}
