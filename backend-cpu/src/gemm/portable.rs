//! One matrix product in f32 or f64: the seam over the crates `gemm-f32` and `gemm-f64`.
//!
//! Those crates take raw pointers and strides; this module takes slices, checks that every element that strides lead
//! to lies inside, and turns the problem as the `gemm` umbrella crate does (which we leave out because it brings
//! complex and f16 kernels that nobody calls): the kernels want an output whose columns are contiguous and strides
//! that are not negative. What always holds: the sum of an output element goes over the inner axis in one order,
//! whatever the number of threads.

#![allow(unsafe_code)]

use super::Matrix;
use crate::par;
use gemm_common::Parallelism;

/// A float with a matrix product.
pub trait Gemm: Copy + Default + Send + Sync + 'static {
    /// `out[i, j] = sum over l of x[i, l] * y[l, j]`, or added to what is there where `add`.
    ///
    /// `out` is row-major with `stride` elements from row to row. `threads`: whether others may share the work:
    /// rayon's, which is all that the crate knows, but no more of them than the seam allows.
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
                let parallelism = match if threads { par::threads() } else { 1 } {
                    1 => Parallelism::None,
                    n => Parallelism::Rayon(n),
                };
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
