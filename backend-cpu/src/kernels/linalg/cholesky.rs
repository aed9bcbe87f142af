//! A = L Lᵀ. Inside it is A = Uᵀ U, on rows: a block of rows, then what is below, by a product.

use super::loops::{self, GROUP, solve_rows};
use super::real::{Real, rows, subtract_product};
use crate::pool::scratch;

/// Rows of a block.
const BLOCK: usize = 32;
/// Rows of the rest that are updated together: only their upper triangle's blocks are.
const STRIP: usize = 128;

/// Up to this order matrices are factorised many at a time.
pub const SMALL: usize = 8;

/// The lower factors of dense matrices of order n, at most [`SMALL`].
pub fn small<T: Real>(a: &[T], out: &mut [T], n: usize) {
    let mut lanes = [[T::ONE; GROUP]; SMALL * SMALL];
    let lanes = &mut lanes[..n * n];
    for (a, out) in a.chunks(GROUP * n * n).zip(out.chunks_mut(GROUP * n * n)) {
        for (l, a) in a.chunks(n * n).enumerate() {
            lanes.iter_mut().zip(a).for_each(|(lane, &x)| lane[l] = x);
        }
        loops::cholesky_group(lanes, n);
        for (l, out) in out.chunks_mut(n * n).enumerate() {
            for (i, row) in out.chunks_mut(n).enumerate() {
                row.iter_mut()
                    .enumerate()
                    .for_each(|(j, x)| *x = if j > i { T::ZERO } else { lanes[i * n + j][l] });
            }
        }
    }
}

/// The lower factor of the matrix whose lower triangle is in `a`; NaN where it is not positive definite.
pub fn cholesky<T: Real>(a: &[T], out: &mut [T], n: usize, threads: bool) {
    if n == 0 {
        return;
    }
    // The lower triangle as the upper one.
    if n <= BLOCK {
        let mut space = scratch(n * n * size_of::<T>());
        let upper = &mut space.as_mut_slice::<T>()[..n * n];
        for (i, row) in a.chunks(n).enumerate() {
            row[..=i].iter().enumerate().for_each(|(j, &x)| upper[j * n + i] = x);
        }
        let done = loops::cholesky(upper, n, n);
        return write(upper, out, n, done);
    }
    // A stride that is no power of two: a column's elements do not compete for places in the cache.
    let stride = n + 16;
    let mut space = scratch(n * stride * size_of::<T>());
    let upper = &mut space.as_mut_slice::<T>()[..n * stride];
    transpose_lower(a, n, upper, stride);
    let done = factorise(upper, stride, n, threads);
    if !done {
        return write(&[], out, n, false);
    }
    for first in (0..n).step_by(TILE) {
        let rows = TILE.min(n - first);
        let out = &mut out[first * n..(first + rows) * n];
        for (i, row) in out.chunks_mut(n).enumerate() {
            row[first + i + 1..].fill(T::ZERO);
        }
        for from in (0..first + rows).step_by(TILE) {
            for (i, row) in (first..).zip(out.chunks_mut(n)) {
                let end = (from + TILE).min(i + 1).max(from);
                row[from..end].iter_mut().zip(from..).for_each(|(x, j)| *x = upper[j * stride + i]);
            }
        }
    }
}

/// Rows and columns of a tile of a transpose.
const TILE: usize = 16;

/// The lower triangle of `a`, transposed.
fn transpose_lower<T: Real>(a: &[T], n: usize, upper: &mut [T], stride: usize) {
    for first in (0..n).step_by(TILE) {
        for (j, row) in upper.chunks_mut(stride).take(n).enumerate() {
            let end = (first + TILE).min(n);
            let start = first.max(j).min(end);
            row[start..end].iter_mut().zip(start..).for_each(|(x, i)| *x = a[i * n + j]);
        }
    }
}

/// Writes the transpose of a dense upper factor, or NaN.
fn write<T: Real>(upper: &[T], out: &mut [T], n: usize, done: bool) {
    for (i, row) in out.chunks_mut(n).enumerate() {
        let (lower, above) = row.split_at_mut(i + 1);
        lower.iter_mut().enumerate().for_each(|(j, x)| *x = if done { upper[j * n + i] } else { T::NAN });
        above.fill(T::ZERO);
    }
}

/// The upper factor in place; false where there is none.
fn factorise<T: Real>(upper: &mut [T], stride: usize, n: usize, threads: bool) -> bool {
    let mut diagonal = [T::ZERO; BLOCK * BLOCK];
    for first in (0..n).step_by(BLOCK) {
        let size = BLOCK.min(n - first);
        let (above, below) = upper.split_at_mut(((first + size) * stride).min(n * stride));
        let above = &mut above[first * stride..];
        if !loops::cholesky(&mut above[first..], stride, size) {
            return false;
        }
        let end = first + size;
        if end == n {
            return true;
        }
        for (to, row) in diagonal.chunks_mut(BLOCK).zip(above.chunks(stride)).take(size) {
            to[..size].copy_from_slice(&row[first..end]);
        }
        let factor = rows(&diagonal, BLOCK).transposed();
        solve_rows(factor, size, true, false, &mut above[end..], stride, n - end);
        let panel = rows(above, stride);
        for strip in (end..n).step_by(STRIP) {
            let height = STRIP.min(n - strip);
            let target = &mut below[(strip - end) * stride + strip..];
            let (x, y) = (panel.at_column(strip).transposed(), panel.at_column(strip));
            subtract_product([height, size, n - strip], target, stride, x, y, threads);
        }
    }
    true
}
