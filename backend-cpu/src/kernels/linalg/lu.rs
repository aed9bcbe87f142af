//! P A = L U by partial pivoting, panel by panel of columns; and what is made of it: solutions and determinants.

use super::groups::{GROUP, solve_group};
use super::loops::{largest, lu_panel, solve_rows, transpose};
use super::real::{Real, rows, subtract_product};
use super::triangular;
use crate::gemm::Matrix;
use crate::pool::scratch;

/// Columns of a panel.
const PANEL: usize = 32;

/// The factors of the m x n matrix in `a`, in its place. Row i was exchanged with row `pivots[i]`. A matrix that is not
/// finite becomes NaN, with no exchanges.
pub fn factorise<T: Real>(a: &mut [T], m: usize, n: usize, pivots: &mut [usize], threads: bool) {
    let k = m.min(n);
    if largest(a).is_none() {
        a.fill(T::NAN);
        pivots.iter_mut().enumerate().for_each(|(i, p)| *p = i);
        return;
    }
    if k == 0 {
        return;
    }
    // Columns of a panel do not compete for places in the cache.
    let stride = m + 16;
    let mut space = scratch(PANEL.min(k) * stride * size_of::<T>());
    for first in (0..k).step_by(PANEL) {
        let (size, end) = (PANEL.min(k - first), (first + PANEL).min(k));
        let (height, rest) = (m - first, n - end);
        let panel = &mut space.as_mut_slice::<T>()[..size * stride];
        transpose(panel, stride, &a[first * n + first..], n, height, size);
        let pivots = &mut pivots[first..end];
        lu_panel(panel, stride, height, size, pivots);
        for (i, pivot) in pivots.iter_mut().enumerate() {
            let (one, other) = (first + i, first + *pivot);
            *pivot = other;
            if one != other {
                let (upper, lower) = a.split_at_mut(other * n);
                let (one, other) = (&mut upper[one * n..(one + 1) * n], &mut lower[..n]);
                one[..first].swap_with_slice(&mut other[..first]);
                one[end..].swap_with_slice(&mut other[end..]);
            }
        }
        transpose(&mut a[first * n + first..], n, panel, stride, size, height);
        if rest == 0 {
            continue;
        }
        let factor = Matrix { data: panel, offset: 0, rows: 1, columns: stride as isize };
        let (upper, lower) = a.split_at_mut(end * n);
        let beside = &mut upper[first * n + end..];
        solve_rows(factor, size, true, true, beside, n, rest);
        if height > size {
            let y = rows(beside, n);
            subtract_product(
                [height - size, size, rest],
                &mut lower[end..],
                n,
                factor.at_row(size),
                y,
                threads,
            );
        }
    }
}

/// The order of rows that exchanges lead to.
pub fn permutation(pivots: &[usize], out: &mut [i32]) {
    out.iter_mut().zip(0..).for_each(|(p, i)| *p = i);
    pivots.iter().enumerate().for_each(|(i, &p)| out.swap(i, p));
}

/// Solves A X = B, or Aᵀ X = B, in the place of b, n rows of `columns`.
pub fn solve<T: Real>(a: &[T], n: usize, transpose: bool, b: &mut [T], columns: usize, threads: bool) {
    if n == 0 || columns == 0 {
        return;
    }
    let mut space = scratch(n * n * size_of::<T>());
    let mut all = scratch(n * size_of::<usize>());
    let (lu, pivots) = (&mut space.as_mut_slice::<T>()[..n * n], &mut all.as_mut_slice::<usize>()[..n]);
    lu.copy_from_slice(a);
    factorise(lu, n, n, pivots, threads);
    let m = rows(&*lu, n);
    if transpose {
        triangular::solve(m.transposed(), n, true, false, b, columns, columns, threads);
        triangular::solve(m.transposed(), n, false, true, b, columns, columns, threads);
        (0..n).rev().for_each(|i| exchange(b, columns, i, pivots[i]));
    } else {
        (0..n).for_each(|i| exchange(b, columns, i, pivots[i]));
        triangular::solve(m, n, true, true, b, columns, columns, threads);
        triangular::solve(m, n, false, false, b, columns, columns, threads);
    }
}

/// Up to this order, and for so many right sides, systems are solved many at a time.
pub const SMALL: usize = 8;

/// Solves A X = B, or Aᵀ X = B, for dense matrices of order n and right sides of k columns, each at most [`SMALL`].
pub fn small<T: Real>(a: &[T], b: &[T], out: &mut [T], n: usize, k: usize, transpose: bool) {
    let (mut lanes, mut sides) = ([[T::ZERO; GROUP]; SMALL * SMALL], [[T::ZERO; GROUP]; SMALL * SMALL]);
    let (lanes, sides) = (&mut lanes[..n * n], &mut sides[..n * k]);
    let groups = a.chunks(GROUP * n * n).zip(b.chunks(GROUP * n * k));
    for ((a, b), out) in groups.zip(out.chunks_mut(GROUP * n * k)) {
        for (l, (a, b)) in a.chunks(n * n).zip(b.chunks(n * k)).enumerate() {
            for (i, row) in lanes.chunks_mut(n).enumerate() {
                row.iter_mut()
                    .enumerate()
                    .for_each(|(j, lane)| lane[l] = a[if transpose { j * n + i } else { i * n + j }]);
            }
            sides.iter_mut().zip(b).for_each(|(side, &x)| side[l] = x);
        }
        solve_group(lanes, sides, n, k);
        for (l, out) in out.chunks_mut(n * k).enumerate() {
            out.iter_mut().zip(&*sides).for_each(|(out, side)| *out = side[l]);
        }
    }
}

/// Exchanges a row with one that is not above it.
fn exchange<T>(b: &mut [T], columns: usize, one: usize, other: usize) {
    if one != other {
        let (upper, lower) = b.split_at_mut(other * columns);
        upper[one * columns..(one + 1) * columns].swap_with_slice(&mut lower[..columns]);
    }
}

/// The determinant.
pub fn determinant<T: Real>(a: &[T], n: usize, threads: bool) -> T {
    let mut space = scratch(n * n * size_of::<T>());
    let mut all = scratch(n * size_of::<usize>());
    let (lu, pivots) = (&mut space.as_mut_slice::<T>()[..n * n], &mut all.as_mut_slice::<usize>()[..n]);
    lu.copy_from_slice(a);
    factorise(lu, n, n, pivots, threads);
    let exchanges = pivots.iter().enumerate().filter(|(i, p)| i != *p).count();
    let sign = if exchanges % 2 == 0 { T::ONE } else { -T::ONE };
    (0..n).fold(sign, |product, i| product * lu[i * n + i])
}
