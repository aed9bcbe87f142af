//! A = L Lᵀ. Inside it is A = Uᵀ U, on rows: a block of rows, then what is below, by a product.

use super::groups::{GROUP, cholesky_group};
use super::loops::{self, scale, solve_rows, transpose};
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
        cholesky_group(lanes, n);
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
    for first in (0..n).step_by(BLOCK) {
        let (rows, end) = (BLOCK.min(n - first), (first + BLOCK).min(n));
        transpose(&mut upper[first..], stride, &a[first * n..], n, rows, end);
    }
    let done = factorise(upper, stride, n, threads);
    if !done {
        return write(&[], out, n, false);
    }
    for first in (0..n).step_by(BLOCK) {
        let (rows, end) = (BLOCK.min(n - first), (first + BLOCK).min(n));
        let out = &mut out[first * n..end * n];
        transpose(out, n, &upper[first..], stride, end, rows);
        for (i, row) in (first..).zip(out.chunks_mut(n)) {
            row[i + 1..].fill(T::ZERO);
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
        // D times a unit factor: rows are scaled, where divisions would take as long as all else.
        let mut inverses = [T::ZERO; BLOCK];
        for (i, row) in diagonal.chunks_mut(BLOCK).enumerate().take(size) {
            inverses[i] = T::ONE / row[i];
            row[i + 1..size].iter_mut().for_each(|x| *x = *x * inverses[i]);
        }
        let factor = rows(&diagonal, BLOCK).transposed();
        solve_rows(factor, size, true, true, &mut above[end..], stride, n - end);
        for (row, &inverse) in above.chunks_mut(stride).zip(&inverses).take(size) {
            scale(&mut row[end..n], inverse);
        }
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
