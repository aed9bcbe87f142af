//! Small products, of which a batch has many: what `drive` prepares for a product takes longer than they do.
//!
//! Here it is prepared once for all: products whose columns fit one tile and whose operands kernels can read where they
//! lie are calls of one or two kernels, one for each few rows. Sums have the same order as anywhere: along the inner axis.

#![allow(unsafe_code)]

use super::drive::Input;
use super::kernel::{Call, Left, Shape};
use super::panels::Panels;
use super::{Epilogue, Matrix};
use crate::kernel::arena::Code;
use crate::kernel::target::Target;
use bytemuck::Pod;
use std::marker::PhantomData;
use std::ptr::{null, null_mut};

/// The most rows.
const ROWS: usize = 32;
/// The most steps of the inner axis: `drive` cuts longer ones into blocks.
const DEPTH: usize = 128;

/// Products of one size, whose operands have the same strides.
#[derive(Debug)]
pub struct Small<S> {
    k: usize,
    n: usize,
    /// Rows and columns of the left operand, rows of the right one: their strides.
    strides: [isize; 3],
    rows: Panels,
    left: Left,
    /// Columns of the last vector.
    last: usize,
    /// For the first panels, and for those that have a row less.
    codes: [Code; 2],
    of: PhantomData<S>,
}

impl<S: Input<S>> Small<S> {
    /// For products like that of `x` and `y`, where they are small enough and the target runs code.
    pub fn new(target: Target, [m, k, n]: [usize; 3], x: Matrix<'_, S>, y: Matrix<'_, S>) -> Option<Self> {
        let (isa, kind) = S::kind(target)?;
        let (most_rows, most_vectors) = isa.tile();
        let lanes = isa.lanes(kind);
        let left = match x.columns {
            1 => Left::Rows,
            _ if x.rows == 1 || m == 1 => Left::Columns,
            _ => return None,
        };
        let fits = (1..=ROWS).contains(&m) && (1..=DEPTH).contains(&k);
        if !fits || !(1..=most_vectors * lanes).contains(&n) || y.columns != 1 && n > 1 {
            return None;
        }
        let rows = Panels::new(m, 1, most_rows);
        let vectors = n.div_ceil(lanes);
        let last = n - (vectors - 1) * lanes;
        let code = |rows: usize| {
            let (masked, accumulate, epilogue) = (last < lanes, false, Epilogue::None);
            Shape { kind, isa, left, rows, vectors, masked, accumulate, epilogue }.code()
        };
        let codes = [code(m.div_ceil(rows.count)), code(m / rows.count)];
        let strides = [x.rows, x.columns, y.rows];
        Some(Small { k, n, strides, rows, left, last, codes, of: PhantomData })
    }
}

impl<S: Pod> Small<S> {
    /// Writes one product to `out`, row after row.
    pub fn multiply(&self, out: &mut [S], x: Matrix<'_, S>, y: Matrix<'_, S>) {
        let (m, k, n) = (self.rows.size, self.k, self.n);
        assert!(
            self.strides == [x.rows, x.columns, y.rows],
            "other strides than these kernels were taken for"
        );
        assert!(n == 1 || y.columns == 1, "a right operand whose rows do not lie side by side");
        assert!(x.holds(m, k) && y.holds(k, n), "an operand reaches outside its data");
        assert!(out.len() == m * n, "a product of {m} rows of {n} in {} elements", out.len());
        let bytes = |elements: isize| (elements * size_of::<S>() as isize) as usize;
        let right = y.data.as_ptr().wrapping_offset(y.offset);
        let mut call = Call {
            steps: k,
            left: null(),
            left_stride: bytes(if self.left == Left::Rows { x.rows } else { x.columns }),
            right: right.cast(),
            right_stride: bytes(y.rows),
            out: null_mut(),
            out_stride: n * size_of::<S>(),
            last: self.last,
            bias: null(),
            // The next product's operand often lies behind this one's.
            ahead: right.wrapping_offset(k as isize * y.rows).cast(),
        };
        let high = m.div_ceil(self.rows.count);
        for panel in 0..self.rows.count {
            let (i, end) = (self.rows.start(panel), self.rows.start(panel + 1));
            let left = x.data.as_ptr().wrapping_offset(x.offset + i as isize * x.rows);
            (call.left, call.out) = (left.cast(), out[i * n..].as_mut_ptr().cast());
            let code = self.codes[usize::from(end - i < high)];
            let mut call = call;
            // SAFETY: the code is a kernel, which reads a `Call`. It reads `k` steps of the panel's rows on the left and
            // of `n` columns on the right (what is behind the last one is masked), at the strides that were compared:
            // elements that lie in the operands' data by the assertion. It writes `n` elements of each of these rows of
            // `out`, which is borrowed mutably.
            unsafe { code.call((&raw mut call).cast()) };
        }
    }
}
