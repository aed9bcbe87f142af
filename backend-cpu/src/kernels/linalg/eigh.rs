//! A V = V diag(w) of symmetric matrices: to a tridiagonal one by reflections, in blocks; that one by
//! division ([`super::tridiagonal`]), down to small ones by implicit QL.

use super::conquer::ordered;
use super::householder::{BLOCK, apply, padded, reflect_from, subtract_combination};
use super::loops::{LANES, axpy, divide, dot, largest, matrix_by_vector, scale, transpose, vector_by_matrix};
use super::real::{Real, rows, subtract_product};
use super::sweeps::{Rotated, rotation};
use super::tridiagonal;
use crate::gemm::Matrix;
use crate::pool::scratch;

/// Sweeps for an eigenvalue, at most, on average.
const SWEEPS: usize = 60;

/// Eigenvalues, ascending, and eigenvectors in columns, of the matrix whose lower triangle is in `a`. NaN where it is not
/// finite.
pub fn eigh<T: Real>(a: &[T], n: usize, w: &mut [T], v: &mut [T], threads: bool) {
    if n == 0 {
        return;
    }
    let mut space = scratch(n * n * size_of::<T>());
    let vectors = &mut space.as_mut_slice::<T>()[..n * n];
    let (mut matrix, stride) = padded::<T>(n);
    let full = matrix.as_mut_slice::<T>();
    let mut finite = true;
    let mut most = T::ZERO;
    for i in 0..n {
        match largest(&a[i * n..=i * n + i]) {
            None => finite = false,
            Some(x) if x > most => most = x,
            Some(_) => {}
        }
    }
    if !finite {
        w.fill(T::NAN);
        v.fill(T::NAN);
        return;
    }
    // Of extreme numbers it is the matrix times a power of two, exactly.
    let extreme = most > T::ZERO && !(most > T::SMALL && most < T::ONE / T::SMALL);
    let unit = if extreme { most.power_of_two() } else { T::ONE };
    // The triangle's transpose, and the triangle over what came with that.
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        transpose(&mut full[first..], stride, &a[first * n..], n, end - first, end);
    }
    for (i, (to, from)) in full.chunks_mut(stride).zip(a.chunks(n)).enumerate() {
        to[..=i].copy_from_slice(&from[..=i]);
        if extreme {
            divide(&mut to[..n], unit);
        }
    }
    let mut off = vec![T::ZERO; n];
    let mut tau = vec![T::ZERO; n.saturating_sub(1)];
    reduce(full, stride, n, vectors, w, &mut off, &mut tau, threads);
    // Eigenvectors take the place of the matrix, in rows.
    let q = &mut full[..n * n];
    let found = tridiagonal::eigen(w, &mut off, q, threads);
    if !found {
        w.fill(T::NAN);
        v.fill(T::NAN);
        return;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| w[i].partial_cmp(&w[j]).expect("they are numbers"));
    let sorted: Vec<T> = order.iter().map(|&i| w[i] * unit).collect();
    w.copy_from_slice(&sorted);
    ordered(q, n, &order, v);
    apply(vectors, n, &tau, 1, v, n, n, threads);
}

/// Reduces a full symmetric matrix ([`padded`]): its diagonal, what is below that, and the vectors of reflections.
#[allow(clippy::too_many_arguments)]
pub fn reduce<T: Real>(
    a: &mut [T],
    stride: usize,
    n: usize,
    vectors: &mut [T],
    diagonal: &mut [T],
    off: &mut [T],
    tau: &mut [T],
    threads: bool,
) {
    // Rows go on to a multiple of so many elements, and begin at one, where vectors have zeros: loops have no rests.
    let width = n.next_multiple_of(LANES);
    // Within a block the matrix is A - V Wᵀ - W Vᵀ. Rows of V and of W lie by turns.
    let mut space = scratch((4 * BLOCK + 1) * width * size_of::<T>());
    let (pairs, rest) = space.as_mut_slice::<T>()[..(4 * BLOCK + 1) * width].split_at_mut(2 * BLOCK * width);
    let (turned, row) = rest.split_at_mut(2 * BLOCK * width);
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        pairs[..2 * (end - first) * width].fill(T::ZERO);
        for j in first..end {
            let count = 2 * (j - first);
            let start = j - j % LANES;
            let row = &mut row[start..];
            row.copy_from_slice(&a[j * stride + start..][..width - start]);
            subtract_combination(row, count, |l| pairs[(l ^ 1) * width + j], &pairs[start..], width);
            diagonal[j] = row[j - start];
            if j + 1 == n {
                break;
            }
            row[..=j - start].fill(T::ZERO);
            let (beta, t) = reflect_from(row, j + 1 - start);
            (off[j], tau[j]) = (beta, t);
            let (known, this) = pairs.split_at_mut(count * width);
            let (v, w) = this[..2 * width].split_at_mut(width);
            v[start..].copy_from_slice(row);
            vectors[j * n..(j + 1) * n].copy_from_slice(&v[..n]);
            let start = (j + 1) - (j + 1) % LANES;
            let (x, y) = (&v[start..], &mut w[start..]);
            // It is symmetric: its rows are its columns. As many rows as are taken together.
            let top = (j + 1) - (j + 1) % 8;
            let rows = n.next_multiple_of(8) - top;
            vector_by_matrix(y, &x[top - start..][..rows], &a[top * stride + start..], stride);
            let mut by = [T::ZERO; 2 * BLOCK];
            matrix_by_vector(&mut by[..count], &known[start.min(known.len())..], width, x);
            subtract_combination(y, count, |l| by[l ^ 1], &known[start.min(known.len())..], width);
            scale(y, t);
            let half = t * dot(y, x) / T::TWO;
            axpy(y, half, x);
        }
        if end < n {
            let rest = n - end;
            for (to, from) in turned.chunks_mut(2 * width).zip(pairs.chunks(2 * width)) {
                to[..width].copy_from_slice(&from[width..]);
                to[width..].copy_from_slice(&from[..width]);
            }
            let target = &mut a[end * stride + end..];
            let at = |x| Matrix { offset: end as isize, ..rows::<T>(x, width) };
            subtract_product(
                [rest, 2 * BLOCK, rest],
                target,
                stride,
                at(pairs).transposed(),
                at(turned),
                threads,
            );
        }
    }
}

/// Eigenvalues of a tridiagonal matrix in place of its diagonal; the rotations go to `z`. False where it does not
/// converge.
pub fn diagonalise<T: Real>(d: &mut [T], e: &mut [T], z: &mut Rotated<T>, threads: bool) -> bool {
    let n = d.len();
    let mut sweeps = SWEEPS * n;
    for l in 0..n {
        loop {
            // A block from l to m: what is beside m is negligible.
            let small = |m: &usize| {
                let m = *m;
                m + 1 == n
                    || e[m].abs() <= T::EPSILON * (d[m].abs() + d[m + 1].abs())
                    || e[m].abs() < T::SMALL * T::SMALL
            };
            let m = (l..n).find(small).expect("the last one is");
            if m == l {
                break;
            }
            if sweeps == 0 {
                return false;
            }
            sweeps -= 1;
            let mut g = (d[l + 1] - d[l]) / (T::TWO * e[l]);
            let (_, _, r) = rotation(g, T::ONE);
            g = d[m] - d[l] + e[l] / (g + r.with_sign(g));
            let (mut s, mut c, mut p) = (T::ONE, T::ONE, T::ZERO);
            z.begin(m, false, threads);
            for i in (l..m).rev() {
                let (f, b) = (s * e[i], c * e[i]);
                let r;
                (c, s, r) = rotation(g, f);
                e[i + 1] = r;
                g = d[i + 1] - p;
                let t = (d[i] - g) * s + T::TWO * c * b;
                p = s * t;
                d[i + 1] = g + p;
                g = c * t - b;
                z.rotate(c, s);
            }
            d[l] = d[l] - p;
            e[l] = g;
            e[m] = T::ZERO;
        }
    }
    true
}
