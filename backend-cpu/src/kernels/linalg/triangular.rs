//! Triangular systems, block by block: what is solved is subtracted from the next block by a product.

use super::loops::{axpy, dot, solve_rows};
use super::real::{Real, subtract_product};
use crate::gemm::Matrix;
use crate::par;
use crate::pool::scratch;

/// Rows that are solved without products.
const BLOCK: usize = 32;
/// Right sides up to which each is solved by itself.
const FEW: usize = 4;

/// Right sides that are solved together, by one thread.
const STRIP: usize = 128;

/// Solves `m x = b` in the place of b, n rows of `columns` with `stride` elements from one to the next. Reads one
/// triangle of m: the lower where `lower`; not the diagonal where `unit`.
#[allow(clippy::too_many_arguments)]
pub fn solve<T: Real>(
    m: Matrix<'_, T>,
    n: usize,
    lower: bool,
    unit: bool,
    b: &mut [T],
    stride: usize,
    columns: usize,
    threads: bool,
) {
    if n == 0 || columns == 0 {
        return;
    }
    if n <= BLOCK {
        return solve_rows(m, n, lower, unit, b, stride, columns);
    }
    if columns <= FEW {
        let mut space = scratch(n * size_of::<T>());
        let x = &mut space.as_mut_slice::<T>()[..n];
        for j in 0..columns {
            x.iter_mut().enumerate().for_each(|(i, x)| *x = b[i * stride + j]);
            solve_one(m, lower, unit, x);
            x.iter().enumerate().for_each(|(i, &x)| b[i * stride + j] = x);
        }
        return;
    }
    if columns < 2 * STRIP {
        return solve_strip(m, n, lower, unit, b, stride, columns, threads);
    }
    // Strips of columns by themselves: nothing waits for another.
    let strips = columns.div_ceil(STRIP);
    let bounds = |i: usize| (i * columns / strips, (i + 1) * columns / strips);
    let work = |n: usize| if threads { n as f64 } else { 0.0 };
    let source = &*b;
    let solved = par::map(strips, work(n * n * STRIP) * 0.02, |i| {
        let (first, end) = bounds(i);
        let width = end - first;
        let mut space = scratch(n * width * size_of::<T>());
        let x = &mut space.as_mut_slice::<T>()[..n * width];
        for (x, b) in x.chunks_mut(width).zip(source.chunks(stride)) {
            x.copy_from_slice(&b[first..end]);
        }
        solve_strip(m, n, lower, unit, x, width, width, false);
        space
    });
    let used = b.len().min(n * stride);
    par::chunks(&mut b[..used], stride, work(columns) * 0.1, |top, b| {
        for (row, b) in (top..).zip(b.chunks_mut(stride)) {
            for (i, x) in solved.iter().enumerate() {
                let (first, end) = bounds(i);
                let width = end - first;
                b[first..end].copy_from_slice(&x.as_slice::<T>()[row * width..][..width]);
            }
        }
    });
}

/// The same block by block.
#[allow(clippy::too_many_arguments)]
fn solve_strip<T: Real>(
    m: Matrix<'_, T>,
    n: usize,
    lower: bool,
    unit: bool,
    b: &mut [T],
    stride: usize,
    columns: usize,
    threads: bool,
) {
    let blocks = n.div_ceil(BLOCK);
    for step in 0..blocks {
        let first = BLOCK * if lower { step } else { blocks - 1 - step };
        let size = BLOCK.min(n - first);
        let diagonal = m.at_row(first).at_column(first);
        if lower {
            let (done, rest) = b.split_at_mut(first * stride);
            let x = Matrix { data: done, offset: 0, rows: stride as isize, columns: 1 };
            subtract_product([size, first, columns], rest, stride, m.at_row(first), x, threads);
            solve_rows(diagonal, size, true, unit, rest, stride, columns);
        } else {
            let end = first + size;
            let (rest, done) = b.split_at_mut((end * stride).min(b.len()));
            let rest = &mut rest[first * stride..];
            let x = Matrix { data: done, offset: 0, rows: stride as isize, columns: 1 };
            let beside = m.at_row(first).at_column(end);
            subtract_product([size, n - end, columns], rest, stride, beside, x, threads);
            solve_rows(diagonal, size, false, unit, rest, stride, columns);
        }
    }
}

/// One right side: by rows or columns of m, whichever are contiguous.
fn solve_one<T: Real>(m: Matrix<'_, T>, lower: bool, unit: bool, x: &mut [T]) {
    let n = x.len();
    let at = |i: usize, j: usize| (m.offset + i as isize * m.rows + j as isize * m.columns) as usize;
    let by_rows = m.columns == 1;
    // A matrix of any other strides is copied, so that its rows are contiguous.
    if !by_rows && m.rows != 1 {
        let copy: Vec<T> = (0..n * n).map(|k| m.data[at(k / n, k % n)]).collect();
        return solve_one(super::real::rows(&copy, n), lower, unit, x);
    }
    for step in 0..n {
        let i = if lower { step } else { n - 1 - step };
        let known = if lower { 0..i } else { i + 1..n };
        if by_rows && !known.is_empty() {
            let start = at(i, known.start);
            x[i] = x[i] - dot(&m.data[start..start + known.len()], &x[known]);
        }
        if !unit {
            x[i] = x[i] / m.data[at(i, i)];
        }
        let open = if lower { i + 1..n } else { 0..i };
        if !by_rows && !open.is_empty() {
            let start = at(open.start, i);
            let (column, c) = (&m.data[start..start + open.len()], x[i]);
            axpy(&mut x[open], c, column);
        }
    }
}
