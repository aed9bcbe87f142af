//! A V = V diag(w) of symmetric matrices: to a tridiagonal one by reflections, in blocks; that one by implicit QL.

use super::householder::{BLOCK, accumulate, reflect, subtract_combination};
use super::loops::{axpy, dot, largest, scale, vector_by_matrix};
use super::real::{Real, rows, subtract_product};
use super::sweeps::{Rotated, rotation};
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
    let mut space = scratch(2 * n * n * size_of::<T>());
    let (full, vectors) = space.as_mut_slice::<T>()[..2 * n * n].split_at_mut(n * n);
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
    for i in 0..n {
        for j in 0..=i {
            let x = if extreme { a[i * n + j] / unit } else { a[i * n + j] };
            (full[i * n + j], full[j * n + i]) = (x, x);
        }
    }
    let mut off = vec![T::ZERO; n];
    let mut tau = vec![T::ZERO; n.saturating_sub(1)];
    tridiagonal(full, n, vectors, w, &mut off, &mut tau, threads);
    accumulate(vectors, n, &tau, 1, v, n, n, threads);
    let mut z = Rotated::transposed(v, n, n);
    let found = diagonalise(w, &mut off, &mut z, threads);
    z.apply(threads);
    if !found {
        w.fill(T::NAN);
        v.fill(T::NAN);
        return;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| w[i].partial_cmp(&w[j]).expect("they are numbers"));
    let sorted: Vec<T> = order.iter().map(|&i| w[i] * unit).collect();
    w.copy_from_slice(&sorted);
    for (c, row) in v.chunks_mut(n).enumerate() {
        let element = z.column(c);
        row.iter_mut().zip(&order).for_each(|(x, &i)| *x = element(i));
    }
}

/// Reduces a full symmetric matrix: its diagonal, what is below that, and the vectors of reflections.
fn tridiagonal<T: Real>(
    a: &mut [T],
    n: usize,
    vectors: &mut [T],
    diagonal: &mut [T],
    off: &mut [T],
    tau: &mut [T],
    threads: bool,
) {
    // Rows of V and, below them, of W: the matrix is A - V Wᵀ - W Vᵀ within a block.
    let mut space = scratch((2 * BLOCK * n + n) * size_of::<T>());
    let (pair, row) = space.as_mut_slice::<T>()[..2 * BLOCK * n + n].split_at_mut(2 * BLOCK * n);
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        pair.fill(T::ZERO);
        let (v, w) = pair.split_at_mut(BLOCK * n);
        for j in first..end {
            let known = j - first;
            let row = &mut row[j..n];
            row.copy_from_slice(&a[j * n + j..(j + 1) * n]);
            subtract_combination(row, known, |l| v[l * n + j], &w[j..], n);
            subtract_combination(row, known, |l| w[l * n + j], &v[j..], n);
            diagonal[j] = row[0];
            if j + 1 == n {
                break;
            }
            let (beta, t) = reflect(&mut row[1..]);
            (off[j], tau[j]) = (beta, t);
            let x = &row[1..];
            v[known * n + j + 1..(known + 1) * n].copy_from_slice(x);
            vectors[j * n..(j + 1) * n].copy_from_slice(&v[known * n..(known + 1) * n]);
            let (before, this) = w.split_at_mut(known * n);
            let y = &mut this[j + 1..n];
            // It is symmetric: its rows are its columns.
            vector_by_matrix(y, x, &a[(j + 1) * n + j + 1..], n);
            let (mut by_v, mut by_w) = ([T::ZERO; BLOCK], [T::ZERO; BLOCK]);
            for l in 0..known {
                by_v[l] = dot(&v[l * n + j + 1..(l + 1) * n], x);
                by_w[l] = dot(&before[l * n + j + 1..(l + 1) * n], x);
            }
            if known > 0 {
                subtract_combination(y, known, |l| by_w[l], &v[j + 1..], n);
                subtract_combination(y, known, |l| by_v[l], &before[j + 1..], n);
            }
            scale(y, t);
            let half = t * dot(y, x) / T::TWO;
            axpy(y, half, x);
        }
        if end < n {
            let rest = n - end;
            // [V W] by [W V]ᵀ in one product: rows of the second factor are those of the first in another order.
            let (v, w) = pair.split_at(BLOCK * n);
            let target = &mut a[end * n + end..];
            let at = |x| Matrix { offset: end as isize, ..rows::<T>(x, n) };
            subtract_product([rest, BLOCK, rest], target, n, at(v).transposed(), at(w), threads);
            subtract_product([rest, BLOCK, rest], target, n, at(w).transposed(), at(v), threads);
        }
    }
}

/// Eigenvalues of a tridiagonal matrix in place of its diagonal; the rotations go to `z`. False where it does not
/// converge.
fn diagonalise<T: Real>(d: &mut [T], e: &mut [T], z: &mut Rotated<T>, threads: bool) -> bool {
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
