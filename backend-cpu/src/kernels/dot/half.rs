//! Products of f16 and bf16 matrices: summed as f32, rounded once.
//!
//! Where no kernel of ours runs, they are widened in tiles and multiplied as f32. A tile of the output is a block of
//! rows and columns; for it, tiles of the operands are widened along the inner axis, into buffers that stay in the
//! second cache. Blocks are cut by size alone, so results do not depend on threads.

use super::super::simd::{Loop, vectorized};
use super::loops::gemv;
use super::{GEMM, Problem};
use crate::gemm::portable::Gemm;
use crate::gemm::{Finish, Input, Matrix, Rounded, Widen, multiply};
use crate::kernel::target::Target;
use crate::par;
use crate::pool::scratch;

/// Inner length of a tile.
const DEPTH: usize = 256;
/// Columns of a tile.
const COLUMNS: usize = 512;

/// All batches.
pub(super) fn run<T: Input<f32>, O: Rounded<f32>>(problem: &Problem<'_, T>, out: &mut [O]) {
    let size @ [m, k, n] = [problem.m, problem.k, problem.n];
    let work = 100.0 + (m * n * k) as f64 * GEMM + (m * k + k * n) as f64 * 0.3;
    let target = Target::current();
    problem.batches(out, work, |out, x, y, threads| {
        if m > 1 && n > 1 && multiply(target, size, out, n, x, y, Finish::None, threads) {
            return;
        }
        if m == 1 || n == 1 {
            let (x, y) = if n == 1 { (x, y) } else { (y.transposed(), x.transposed()) };
            // Loops over columns add to what is there.
            let mut sums = scratch(4 * out.len());
            let sums = &mut sums.as_mut_slice::<f32>()[..out.len()];
            sums.fill(0.0);
            gemv(sums, k, x, y, threads);
            round(sums, out);
        } else if m < 32 && n >= 8 * m {
            // Few rows: threads share the columns, which are the rows of the transposed product.
            let mut turned = vec![O::zeroed(); m * n];
            tiles([n, k, m], &mut turned, y.transposed(), x.transposed(), threads);
            for (i, row) in out.chunks_mut(n).enumerate() {
                row.iter_mut().zip(turned[i..].iter().step_by(m)).for_each(|(out, &x)| *out = x);
            }
        } else {
            tiles(size, out, x, y, threads);
        }
    });
}

fn round<O: Rounded<f32>>(sums: &[f32], out: &mut [O]) {
    out.iter_mut().zip(sums).for_each(|(out, &x)| *out = O::rounded(x));
}

/// One product, block of rows by block of rows.
fn tiles<T: Widen<f32>, O: Rounded<f32>>(
    [m, k, n]: [usize; 3],
    out: &mut [O],
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
    threads: bool,
) {
    let block = match m {
        0..=512 => 64,
        513..=2048 => 128,
        _ => 256,
    };
    let block = block.min(m);
    let work = if threads { (block * k * n) as f64 * GEMM } else { 0.0 };
    par::chunks(out, block * n, work, |first, out| {
        let mut buffers = [block * DEPTH, DEPTH * COLUMNS, block * COLUMNS].map(|n| scratch(4 * n));
        let [x_tile, y_tile, sums] = buffers.each_mut().map(|buffer| buffer.as_mut_slice::<f32>());
        for (b, out) in out.chunks_mut(block * n).enumerate() {
            let (x, m) = (x.at_row((first + b) * block), out.len() / n);
            for j in (0..n).step_by(COLUMNS) {
                let columns = COLUMNS.min(n - j);
                let sums = &mut sums[..m * columns];
                for l in (0..k).step_by(DEPTH) {
                    let depth = DEPTH.min(k - l);
                    let x = widened(x.at_column(l), [m, depth], x_tile);
                    let y = widened(y.at_row(l).at_column(j), [depth, columns], y_tile);
                    f32::gemm([m, depth, columns], sums, columns, l > 0, x, y, false);
                }
                for (out, sums) in out.chunks_mut(n).zip(sums.chunks(columns)) {
                    round(sums, &mut out[j..j + columns]);
                }
            }
        }
    });
}

/// A part of a matrix as f32, in the buffer; the axis that is contiguous stays so.
fn widened<'a, T: Widen<f32>>(
    x: Matrix<'_, T>,
    [m, n]: [usize; 2],
    buffer: &'a mut [f32],
) -> Matrix<'a, f32> {
    if x.rows.unsigned_abs() < x.columns.unsigned_abs() {
        return widened(x.transposed(), [n, m], buffer).transposed();
    }
    vectorized(WidenRows { x, n, out: &mut buffer[..m * n] });
    Matrix { data: buffer, offset: 0, rows: n as isize, columns: 1 }
}

struct WidenRows<'a, T> {
    x: Matrix<'a, T>,
    n: usize,
    out: &'a mut [f32],
}

impl<T: Widen<f32>> Loop for WidenRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let WidenRows { x, n, out } = self;
        for (i, out) in out.chunks_mut(n).enumerate() {
            let start = x.offset + i as isize * x.rows;
            if x.columns == 1 {
                let row = &x.data[start as usize..start as usize + n];
                out.iter_mut().zip(row).for_each(|(out, x)| *out = x.widen());
            } else {
                for (j, out) in out.iter_mut().enumerate() {
                    *out = x.data[(start + j as isize * x.columns) as usize].widen();
                }
            }
        }
    }
}
