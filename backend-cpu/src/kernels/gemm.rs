//! One matrix product in f32 or f64: the seam over the crates `gemm-f32` and `gemm-f64`.
//!
//! Those crates take raw pointers and strides; this module takes slices, checks that every element that strides lead
//! to lies inside, and turns the problem as the `gemm` umbrella crate does (which we leave out because it brings
//! complex and f16 kernels that nobody calls): the kernels want an output whose columns are contiguous and strides
//! that are not negative. What always holds: the sum of an output element goes over the inner axis in one order,
//! whatever the number of threads.

#![allow(unsafe_code)]

use gemm_common::Parallelism;

/// A matrix that is read: elements `[offset + i * rows + j * columns]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a, T> {
    pub(super) data: &'a [T],
    pub(super) offset: isize,
    /// From one row to the next.
    pub(super) rows: isize,
    /// From one column to the next.
    pub(super) columns: isize,
}

impl<T> Matrix<'_, T> {
    /// The same elements with rows and columns exchanged.
    pub(super) fn transposed(self) -> Self {
        Matrix { rows: self.columns, columns: self.rows, ..self }
    }

    /// The matrix whose first row is row `i`.
    pub(super) fn at_row(self, i: usize) -> Self {
        Matrix { offset: self.offset + i as isize * self.rows, ..self }
    }

    /// The matrix whose first column is column `j`.
    pub(super) fn at_column(self, j: usize) -> Self {
        Matrix { offset: self.offset + j as isize * self.columns, ..self }
    }

    /// Whether all elements of a matrix of this size lie in the data.
    fn holds(&self, m: usize, n: usize) -> bool {
        let along_rows = (m as isize - 1) * self.rows;
        let along_columns = (n as isize - 1) * self.columns;
        let first = self.offset + along_rows.min(0) + along_columns.min(0);
        let last = self.offset + along_rows.max(0) + along_columns.max(0);
        first >= 0 && (last as usize) < self.data.len()
    }
}

/// A float with a matrix product.
pub(super) trait Gemm: Copy + Default + Send + Sync + 'static {
    /// `out[i, j] = sum over l of x[i, l] * y[l, j]`, or added to what is there where `add`.
    ///
    /// `out` is row-major with `stride` elements from row to row. `threads`: whether rayon's threads may share the
    /// work.
    fn gemm(
        size: [usize; 3],
        out: &mut [Self],
        stride: usize,
        add: bool,
        x: Matrix<'_, Self>,
        y: Matrix<'_, Self>,
        threads: bool,
    );
}

macro_rules! gemm {
    ($T:ident, $function:path) => {
        impl Gemm for $T {
            fn gemm(
                [m, k, n]: [usize; 3],
                out: &mut [Self],
                stride: usize,
                add: bool,
                x: Matrix<'_, Self>,
                y: Matrix<'_, Self>,
                threads: bool,
            ) {
                if m == 0 || n == 0 {
                    return;
                }
                let fits = stride >= n && (m - 1) * stride + n <= out.len();
                assert!(fits, "a product of {m} rows of {n} in {} elements", out.len());
                if k == 0 {
                    if !add {
                        out.chunks_mut(stride).take(m).for_each(|row| row[..n].fill(0.0));
                    }
                    return;
                }
                assert!(x.holds(m, k) && y.holds(k, n), "an operand reaches outside its data");
                // The output is row-major, and the kernels want column-major: so out' = y' x', and in the crate's
                // names the left operand is y'.
                let (mut left, mut right) = (y.transposed(), x.transposed());
                // The crate's inner axis runs along left columns; let it not step backwards.
                if left.columns < 0 {
                    left.offset += (k as isize - 1) * left.columns;
                    right.offset += (k as isize - 1) * right.rows;
                    (left.columns, right.rows) = (-left.columns, -right.rows);
                }
                let parallelism = if threads { Parallelism::Rayon(0) } else { Parallelism::None };
                let multiply = $function();
                // SAFETY: the kernels write exactly the n x m elements at 1 and `stride` apart, which lie in `out` and
                // are borrowed mutably; they read those of the operands, which lie in their slices by the asserts
                // above (turning the inner axis round names the same elements).
                unsafe {
                    multiply(
                        n,
                        m,
                        k,
                        out.as_mut_ptr(),
                        stride as isize,
                        1,
                        add,
                        left.data.as_ptr().wrapping_offset(left.offset),
                        left.columns,
                        left.rows,
                        right.data.as_ptr().wrapping_offset(right.offset),
                        right.columns,
                        right.rows,
                        1.0,
                        1.0,
                        false,
                        false,
                        false,
                        parallelism,
                    );
                }
            }
        }
    };
}
gemm!(f32, gemm_f32::gemm::f32::get_gemm_fn);
gemm!(f64, gemm_f64::gemm::f64::get_gemm_fn);
