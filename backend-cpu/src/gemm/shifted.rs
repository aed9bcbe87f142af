//! Products whose right operand is seen through several shifts: what a convolution is.
//!
//! `out[i, j] = sum over s, l of left[s][i, l] * right[l, j + shifts[s]]`. The left operand is packed once for many
//! products ([`Packed`]), the right one is read where it is, in rows that lie a stride apart. So an image need not be
//! copied for each row of a convolution's kernel: its lines are found one line further.
//!
//! What always holds: a sum goes over the shifts in order, and over the inner axis in order; sizes alone decide about
//! blocks.

#![allow(unsafe_code)]

use super::panels::{Panels, Shared};
use super::portable::Gemm;
use super::{Input, Matrix, Rounded};
use crate::kernel::target::Target;
use crate::math::Num;
use crate::par;
use crate::pool::{Scratch, scratch};

/// Steps of the inner axis in a block, at most: a panel of the right operand stays in the first cache.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const DEPTH: usize = 256;
/// Bytes of a left operand that stays in the second cache while columns go by.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
const NEAR: usize = 512 << 10;
/// Rows of a panel where no machine code runs.
const ROWS: usize = 8;

/// A float with such products.
pub trait Shifted: Num + Gemm + Input<Self> + Rounded<Self> {}

impl Shifted for f32 {}
impl Shifted for f64 {}

/// The left operands of all shifts, in panels of rows.
#[derive(Debug)]
pub struct Packed {
    buffer: Scratch,
    target: Target,
    rows: Panels,
    steps: usize,
    shifts: usize,
}

impl Packed {
    /// Packs the elements `at(shift, row, step)` of `shifts` matrices of m x steps.
    pub fn new<S: Shifted>(
        target: Target,
        [shifts, m, steps]: [usize; 3],
        at: impl Fn(usize, usize, usize) -> S + Sync,
    ) -> Packed {
        let rows = Panels::new(m, 1, height::<S>(target));
        let mut buffer = scratch(shifts * m * steps * size_of::<S>());
        let of_shift = m * steps;
        par::chunks(&mut buffer.as_mut_slice::<S>()[..shifts * of_shift], 1, 2.0, |first, out| {
            // Pieces begin anywhere: the panel, step and row of the first element.
            let (mut shift, mut place) = (first / of_shift, first % of_shift);
            let mut panel = (0..rows.count).rfind(|&i| rows.start(i) * steps <= place).unwrap_or(0);
            let mut out = out.iter_mut();
            while out.len() > 0 {
                let (begin, end) = (rows.start(panel), rows.start(panel + 1));
                let inside = place - begin * steps;
                let n = ((end - begin) * steps - inside).min(out.len());
                let (mut i, mut l) = (begin + inside % (end - begin), inside / (end - begin));
                for out in out.by_ref().take(n) {
                    *out = at(shift, i, l);
                    i += 1;
                    if i == end {
                        (i, l) = (begin, l + 1);
                    }
                }
                (place, panel) = (end * steps, panel + 1);
                if panel == rows.count {
                    (shift, place, panel) = (shift + 1, 0, 0);
                }
            }
        });
        Packed { buffer, target, rows, steps, shifts }
    }
}

fn height<S: Shifted>(target: Target) -> usize {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if let Some((isa, _)) = <S as Input<S>>::kind(target) {
        return isa.tile().0;
    }
    let _ = target;
    ROWS
}

/// A right operand: `steps` rows, `stride` elements apart, from `offset` on.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, S> {
    /// Where the elements lie, among others.
    pub data: &'a [S],
    /// Where the first one is.
    pub offset: usize,
    /// From one row to the next.
    pub stride: usize,
}

/// An output that several threads write, each its own rows and columns: a slice of which parts are lent.
#[derive(Clone, Copy)]
pub struct Board<S> {
    at: Shared<S>,
    len: usize,
}

impl<S> Board<S> {
    /// All of a slice, which must not be used otherwise as long as the board is.
    pub fn new(all: &mut [S]) -> Board<S> {
        Board { at: Shared(all.as_mut_ptr()), len: all.len() }
    }

    /// A part of it.
    ///
    /// # Panics
    /// Where it reaches outside.
    ///
    /// # Safety
    /// The slice that the board was made of is still there, and nobody else reads or writes these elements as long as the part is lent.
    pub unsafe fn part<'a>(self, first: usize, n: usize) -> &'a mut [S] {
        assert!(first + n <= self.len, "a part reaches outside the output");
        // SAFETY: elements of the slice, which the caller has for itself.
        unsafe { std::slice::from_raw_parts_mut(self.at.at(first), n) }
    }
}

/// Writes the product to `m` rows of `n` columns of the board, `stride` elements apart, from `place` on.
///
/// # Panics
/// Where an operand or the output reaches outside its data.
///
/// # Safety
/// The slice that the board was made of is still there, and nobody else reads or writes these elements meanwhile.
pub unsafe fn multiply<S: Shifted>(
    left: &Packed,
    right: Rows<'_, S>,
    shifts: &[usize],
    n: usize,
    out: Board<S>,
    place: usize,
    stride: usize,
) {
    let (m, steps) = (left.rows.size, left.steps);
    if m == 0 || n == 0 {
        return;
    }
    assert_eq!(shifts.len(), left.shifts, "a left operand for each shift");
    let most = shifts.iter().copied().max().unwrap_or(0);
    let inside = steps == 0 || right.offset + (steps - 1) * right.stride + most + n <= right.data.len();
    assert!(inside, "the right operand reaches outside its data");
    let fits = (m == 1 || stride >= n) && place + (m - 1) * stride + n <= out.len;
    assert!(fits, "the output reaches outside its data");
    assert!(steps > 0 && !shifts.is_empty(), "a product has terms");
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    if let Some((isa, kind)) = <S as Input<S>>::kind(left.target) {
        let out = out.at.at(place).cast::<u8>();
        // SAFETY: all was checked above, or is the caller's promise.
        return unsafe { machine::run::<S>(left, isa, kind, right, shifts, n, out, stride) };
    }
    let mut sums = scratch(m * n * size_of::<S>());
    let sums = &mut sums.as_mut_slice::<S>()[..m * n];
    let all = left.buffer.as_slice::<S>();
    for (s, &shift) in shifts.iter().enumerate() {
        for panel in 0..left.rows.count {
            let (first, last) = (left.rows.start(panel), left.rows.start(panel + 1));
            let height = last - first;
            let x = Matrix {
                data: all,
                offset: (s * m * steps + first * steps) as isize,
                rows: 1,
                columns: height as isize,
            };
            let y = Matrix {
                data: right.data,
                offset: (right.offset + shift) as isize,
                rows: right.stride as isize,
                columns: 1,
            };
            S::gemm([height, steps, n], &mut sums[first * n..last * n], n, s > 0, x, y, false);
        }
    }
    for (i, row) in sums.chunks(n).enumerate() {
        // SAFETY: the row lies inside the slice, as was checked above; that it is ours is the caller's promise.
        let out = unsafe { std::slice::from_raw_parts_mut(out.at.at(place + i * stride), n) };
        out.copy_from_slice(row);
    }
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod machine {
    use super::{DEPTH, NEAR, Packed, Rows, Shifted};
    use crate::gemm::Epilogue;
    use crate::gemm::kernel::{Call, Isa, Kind, Left, Shape};
    use crate::gemm::panels::Panels;
    use std::ptr::null;

    /// The product, panel of columns by panel of columns.
    ///
    /// # Safety
    /// The right operand lies inside its data with every shift; `out` is the first of `m` rows of `n` elements, `stride`
    /// elements apart, which may be written, by this thread alone.
    #[allow(clippy::too_many_arguments)]
    pub(super) unsafe fn run<S: Shifted>(
        left: &Packed,
        isa: Isa,
        kind: Kind,
        right: Rows<'_, S>,
        shifts: &[usize],
        n: usize,
        out: *mut u8,
        stride: usize,
    ) {
        let bytes = kind.bytes();
        let lanes = isa.lanes(kind);
        let columns = Panels::new(n, lanes, isa.tile().1);
        let blocks = Panels::new(left.steps, 1, DEPTH);
        let (m, steps) = (left.rows.size, left.steps);
        let packed = left.buffer.as_ptr();
        // One tile after another, of all rows: for a panel of columns, a shift and a block of steps.
        let tiles = |column: usize, s: usize, block: usize| {
            let (j, end) = (columns.start(column), columns.start(column + 1));
            let last = lanes - (end - end.min(n));
            let (begin, until) = (blocks.start(block), blocks.start(block + 1));
            let shape = Shape {
                kind,
                isa,
                left: Left::Columns,
                rows: 1,
                vectors: (end - j) / lanes,
                masked: last < lanes,
                accumulate: s + block > 0,
                epilogue: Epilogue::None,
            };
            let first = right.offset + begin * right.stride + shifts[s] + j;
            let mut call = Call {
                steps: until - begin,
                left: null(),
                left_stride: 0,
                right: right.data.as_ptr().wrapping_add(first).cast(),
                right_stride: right.stride * bytes,
                out,
                out_stride: stride * bytes,
                last,
                bias: null(),
                ahead: null(),
            };
            for panel in 0..left.rows.count {
                let (i, end) = (left.rows.start(panel), left.rows.start(panel + 1));
                let height = end - i;
                let from = s * m * steps + i * steps + begin * height;
                call.left = packed.wrapping_add(from * bytes);
                call.left_stride = height * bytes;
                // The next panel's.
                call.ahead = call.left.wrapping_add(height * steps * bytes);
                call.out = out.wrapping_add((i * stride + j) * bytes);
                let code = Shape { rows: height, ..shape }.code();
                // SAFETY: the code is a kernel, which reads a `Call`. It reads the packed panel, whose buffer has
                // `steps` steps of all rows for each shift; the rows of the right operand, which lie inside their data
                // (what is behind the last column is masked); and writes a tile that is ours.
                unsafe { code.call((&raw mut call).cast()) };
            }
        };
        let terms = (0..shifts.len()).flat_map(|s| (0..blocks.count).map(move |block| (s, block)));
        if m * steps * shifts.len() * bytes <= NEAR {
            // The left operand is near: shifts see what the first one has brought.
            for column in 0..columns.count {
                terms.clone().for_each(|(s, block)| tiles(column, s, block));
            }
        } else {
            // A block of the left operand serves all columns.
            for (s, block) in terms {
                (0..columns.count).for_each(|column| tiles(column, s, block));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of small integers, exact in every order, for shapes round the tiles, on every target.
    #[test]
    fn products_through_shifts_are_sums_of_products() {
        for &target in Target::available() {
            for [shifts, m, steps, n] in [
                [1, 1, 1, 1],
                [3, 9, 5, 50],
                [2, 8, 300, 47],
                [1, 17, 2, 96],
                [4, 3, 7, 16],
                [3, 32, 48, 131],
            ] {
                check::<f32>(target, [shifts, m, steps, n]);
                check::<f64>(target, [shifts, m, steps, n]);
            }
        }
    }

    fn check<S: Shifted + From<i8> + std::fmt::Debug>(target: Target, [shifts, m, steps, n]: [usize; 4]) {
        let left = |s: usize, i: usize, l: usize| ((s * 7 + i * 3 + l * 5) % 5) as i8 - 2;
        let packed = Packed::new::<S>(target, [shifts, m, steps], |s, i, l| S::from(left(s, i, l)));
        let (offset, stride, shift) = (3, n + 20, |s: usize| (s * 5) % 13);
        let numbers: Vec<i8> = (0..offset + steps * stride).map(|i| (i * 11 % 7) as i8 - 3).collect();
        let data: Vec<S> = numbers.iter().map(|&x| S::from(x)).collect();
        let all: Vec<usize> = (0..shifts).map(shift).collect();
        let (place, out_stride) = (2, n + 3);
        let mut out = vec![S::from(77); place + m * out_stride];
        let right = Rows { data: &data, offset, stride };
        let board = Board::new(&mut out);
        // SAFETY: `out` is there, and nobody else uses it.
        unsafe { multiply(&packed, right, &all, n, board, place, out_stride) };
        for (at, &got) in out.iter().enumerate() {
            let (i, j) = (at.saturating_sub(place) / out_stride, at.saturating_sub(place) % out_stride);
            let inside = at >= place && j < n;
            let term = |s: usize, l: usize| {
                left(s, i, l) as i64 * numbers[offset + l * stride + j + shift(s)] as i64
            };
            let sum: i64 =
                (0..shifts).flat_map(|s| (0..steps).map(move |l| (s, l))).map(|(s, l)| term(s, l)).sum();
            let want = if inside { sum } else { 77 };
            // Sums may not fit the small type that every float is made of: build them up.
            let mut expected = S::from(0);
            (0..want.abs()).for_each(|_| expected = expected.add(S::from(want.signum() as i8)));
            assert_eq!(got, expected, "{target} {shifts} {m} {steps} {n}: {i}, {j}");
        }
    }
}
