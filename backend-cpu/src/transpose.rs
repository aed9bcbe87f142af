//! Copies of strided elements into row-major order.
//!
//! Where the innermost axis of the output is not the one whose elements lie closest in storage, a copy in order would
//! read a whole cache line for each element. Such a copy is a stack of transposes: of the innermost axis and the
//! closest one, in blocks, which squares in registers turn ([`square`]). A block is read along the lines of storage into
//! a buffer in the first-level cache, and written from there along the lines of the output; so each line is touched
//! once, however far lines are apart (lines that lie a power of two apart share a few places in the cache, and would
//! push each other out).
//!
//! Where the output is larger than caches, its lines are written past them: blocks are narrow, two lines of the output,
//! and follow each other down the output, so that a few streams are read, each along storage. (Measured, 4096x4096 f32,
//! one thread, a plain copy taking 12 to 14 ms: 8 ms; with 4 lines 10 ms, with 8 lines 31 ms, through the caches 40 ms.)

use crate::layout::{Nest, Odometer};
use crate::par;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use square::{LINE, SIDE};

mod square;

pub use square::{fence, stream, turned, turned_eight};

/// Words of a block's buffer.
const BUFFER: usize = 2048;

/// Outputs of so many bytes and more are written past the caches.
pub const LARGE: usize = 4 << 20;

/// Rows of the output up to so many bytes apart are written without a buffer: they do not push each other out.
const NEAR: usize = 1024;

/// Copies the elements of a shape, `offset` being that of the first, into row-major order; on several threads.
pub fn copy<T: Pod + Send + Sync>(
    data: &[T],
    shape: &[usize],
    strides: &[isize],
    offset: usize,
    out: &mut [T],
) {
    if out.is_empty() {
        return;
    }
    let nest = Nest::new(shape, &[strides]);
    let loops = Loops { data, sizes: &nest.sizes, strides: &nest.strides[0], offset: offset as isize };
    let work = 0.15 * size_of::<T>() as f64;
    let Some(partner) = loops.partner() else {
        return par::chunks(out, 1, work, |first, out| loops.runs(first, out));
    };
    // Threads share whole rows of the partner, where there are enough of them.
    let row: usize = loops.sizes[partner + 1..].iter().product();
    let unit = match out.len() / row {
        0..64 => 1,
        64..1024 => row,
        _ => 16 * row,
    };
    let large = size_of_val(out) >= LARGE;
    par::chunks(out, unit, work * unit as f64, |first, out| {
        loops.blocks(partner, first * unit, out, large);
        if large {
            square::fence();
        }
    });
}

/// Copies the elements of nested loops into row-major order, row by row; on this thread.
pub fn in_order<T: Pod>(data: &[T], sizes: &[usize], strides: &[isize], offset: usize, out: &mut [T]) {
    Loops { data, sizes, strides, offset: offset as isize }.runs(0, out);
}

/// Nested loops over strided elements.
struct Loops<'a, T> {
    data: &'a [T],
    sizes: &'a [usize],
    strides: &'a [isize],
    offset: isize,
}

impl<T: Pod> Loops<'_, T> {
    /// The level that lies closest in storage, where it lies closer than the innermost one.
    fn partner(&self) -> Option<usize> {
        let inner = self.sizes.len() - 1;
        let step = self.strides[inner].unsigned_abs();
        let others = (0..inner).filter(|&d| self.strides[d] != 0);
        let closest = others.min_by_key(|&d| self.strides[d].unsigned_abs())?;
        let gains =
            self.strides[closest].unsigned_abs() < step && self.sizes[closest] * self.sizes[inner] >= SIDE;
        gains.then_some(closest)
    }

    /// The elements from the `first` on in row-major order, row by row.
    fn runs(&self, first: usize, mut out: &mut [T]) {
        let outer = self.sizes.len() - 1;
        let (inner, step) = (self.sizes[outer], self.strides[outer]);
        let (sizes, strides) = (&self.sizes[..outer], &self.strides[..outer]);
        let mut rows = Odometer::at(sizes, [strides], [self.offset], first / inner);
        let mut column = first % inner;
        while !out.is_empty() {
            let (row, rest) = out.split_at_mut(out.len().min(inner - column));
            run(self.data, rows.offsets[0] + column as isize * step, step, row);
            (out, column) = (rest, 0);
            rows.advance();
        }
    }

    /// The elements from the `first` on in row-major order; whole rows of `partner` as blocks.
    fn blocks(&self, partner: usize, mut first: usize, mut out: &mut [T], large: bool) {
        let inner = self.sizes.len() - 1;
        let (count, columns) = (self.sizes[partner], self.sizes[inner]);
        let row: usize = self.sizes[partner + 1..].iter().product();
        let strides = [self.strides[partner], self.strides[inner]];
        while !out.is_empty() {
            let (index, inside) = (first / row % count, first % row);
            let whole = out.len() / row;
            let n = if inside > 0 || whole == 0 {
                let n = out.len().min(row - inside);
                self.runs(first, &mut out[..n]);
                n
            } else {
                let rows = whole.min(count - index);
                let before = (&self.sizes[..partner], &self.strides[..partner]);
                let outside = Odometer::at(before.0, [before.1], [self.offset], first / row / count);
                let start = outside.offsets[0] + index as isize * strides[0];
                let between = (&self.sizes[partner + 1..inner], &self.strides[partner + 1..inner]);
                let mut middle = Odometer::at(between.0, [between.1], [start], 0);
                for to in (0..row).step_by(columns) {
                    let (from, out) = (middle.offsets[0], &mut out[to..]);
                    tile(self.data, from, strides, [rows, columns], out, row, large);
                    middle.advance();
                }
                rows * row
            };
            (out, first) = (&mut out[n..], first + n);
        }
    }
}

/// Elements `step` apart, from `start` on.
#[inline]
fn run<T: Pod>(data: &[T], start: isize, step: isize, out: &mut [T]) {
    match step {
        1 => out.copy_from_slice(&data[start as usize..][..out.len()]),
        0 => out.fill(data[start as usize]),
        _ => {
            for (i, x) in out.iter_mut().enumerate() {
                *x = data[(start + i as isize * step) as usize];
            }
        }
    }
}

/// Copies a matrix of `[rows, columns]` whose elements lie `strides` apart in `data`, from `start` on, into rows that
/// are side by side in `out`, `apart` elements from row to row; past the caches if it is `large`. On this thread.
fn tile<T: Pod>(
    data: &[T],
    start: isize,
    strides: [isize; 2],
    [rows, columns]: [usize; 2],
    out: &mut [T],
    apart: usize,
    large: bool,
) {
    let [down, across] = strides;
    if rows == 0 || columns == 0 {
        return;
    }
    if across.unsigned_abs() <= down.unsigned_abs().max(1) || down == 0 {
        for (r, out) in out.chunks_mut(apart.max(1)).take(rows).enumerate() {
            run(data, start + r as isize * down, across, &mut out[..columns]);
        }
    } else if apart * size_of::<T>() <= NEAR {
        turn(data, start, strides, [rows, columns], out, apart);
    } else {
        buffered(data, start, strides, [rows, columns], out, apart, large);
    }
}

/// As [`tile`], in blocks that go through a buffer.
fn buffered<T: Pod>(
    data: &[T],
    start: isize,
    [down, across]: [isize; 2],
    [rows, columns]: [usize; 2],
    out: &mut [T],
    apart: usize,
    large: bool,
) {
    let size = size_of::<T>();
    let (high, wide) = match (large, (apart * size).is_multiple_of(LINE)) {
        (true, true) => (64, 2 * LINE / size),
        // Rows that begin within a line: long pieces have few lines that are cut.
        (true, false) => (16, 16 * LINE / size),
        (false, _) => (64, 64.min(4 * LINE / size)),
    };
    let mut words = [0u64; BUFFER];
    let buffer: &mut [T] = &mut cast_slice_mut(&mut words)[..high * wide];
    for c in (0..columns).step_by(wide) {
        for r in (0..rows).step_by(high) {
            let (height, width) = (high.min(rows - r), wide.min(columns - c));
            let from = start + r as isize * down + c as isize * across;
            turn(data, from, [down, across], [height, width], buffer, wide);
            for (i, row) in buffer.chunks_exact(wide).take(height).enumerate() {
                let (row, out) = (&row[..width], &mut out[(r + i) * apart + c..][..width]);
                match large {
                    true => square::stream(cast_slice(row), cast_slice_mut(out)),
                    false => out.copy_from_slice(row),
                }
            }
        }
    }
}

/// As [`tile`], reading along storage: in squares where its elements lie side by side, what is left one by one.
fn turn<T: Pod>(
    data: &[T],
    start: isize,
    strides: [isize; 2],
    size: [usize; 2],
    out: &mut [T],
    apart: usize,
) {
    let [high, wide] = match (strides[0], size_of::<T>()) {
        (1, 1) => squares::<T, 1, 16>(data, start, strides[1], size, out, apart),
        (1, 2) => squares::<T, 2, 8>(data, start, strides[1], size, out, apart),
        (1, 4) => squares::<T, 4, 4>(data, start, strides[1], size, out, apart),
        (1, 8) => squares::<T, 8, 2>(data, start, strides[1], size, out, apart),
        _ => [0, 0],
    };
    for c in 0..size[1] {
        for r in if c < wide { high } else { 0 }..size[0] {
            out[r * apart + c] = data[(start + r as isize * strides[0] + c as isize * strides[1]) as usize];
        }
    }
}

/// Turns as many whole squares as there are; gives their rows and columns.
#[inline(always)]
fn squares<T: Pod, const SIZE: usize, const N: usize>(
    data: &[T],
    start: isize,
    across: isize,
    [rows, columns]: [usize; 2],
    out: &mut [T],
    apart: usize,
) -> [usize; 2] {
    let (high, wide) = (rows / N * N, columns / N * N);
    for c in (0..wide).step_by(N) {
        // The lines' elements, `high` of each.
        let lines: [&[u8]; N] = std::array::from_fn(|i| {
            cast_slice(&data[(start + (c + i) as isize * across) as usize..][..high])
        });
        for r in (0..high).step_by(N) {
            let mut square = [[0; SIDE]; N];
            for i in 0..N {
                square[i] = *side_at(lines[i], r * SIZE);
            }
            let square = square::turned::<SIZE, N>(square);
            for i in 0..N {
                *side_of(cast_slice_mut(&mut out[(r + i) * apart + c..][..N])) = square[i];
            }
        }
    }
    [high, wide]
}

/// One side of a square among bytes.
#[inline(always)]
fn side_at(bytes: &[u8], at: usize) -> &[u8; SIDE] {
    bytes[at..][..SIDE].first_chunk().expect("as many bytes")
}

#[inline(always)]
fn side_of(bytes: &mut [u8]) -> &mut [u8; SIDE] {
    bytes.first_chunk_mut().expect("as many bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::Numbers;

    /// Element by element.
    fn naive<T: Pod>(data: &[T], shape: &[usize], strides: &[isize], offset: usize) -> Vec<T> {
        let n = shape.iter().product();
        let mut at = Odometer::at(shape, [strides], [offset as isize], 0);
        let mut out = vec![];
        for _ in 0..n {
            out.push(data[at.offsets[0] as usize]);
            at.advance();
        }
        out
    }

    /// A permutation of axes with gaps, reversals and repeats, over storage just large enough.
    fn strided(numbers: &mut Numbers, shape: &[usize]) -> (Vec<isize>, usize, usize) {
        let mut left: Vec<usize> = (0..shape.len()).collect();
        let (mut strides, mut offset, mut size) = (vec![0; shape.len()], 0, 1);
        while !left.is_empty() {
            let d = left.remove(numbers.below(left.len()));
            let stride = size + numbers.below(8) / 7;
            match numbers.below(10) {
                0 => continue,
                1 => {
                    strides[d] = -(stride as isize);
                    offset += stride * (shape[d] - 1);
                }
                _ => strides[d] = stride as isize,
            }
            size += stride * (shape[d] - 1);
        }
        (strides, offset, size)
    }

    fn check<T: Pod + Send + Sync + PartialEq>(
        numbers: &mut Numbers,
        shape: &[usize],
        make: impl Fn(usize) -> T,
    ) {
        let (strides, offset, size) = strided(numbers, shape);
        let data: Vec<T> = (0..size).map(make).collect();
        let mut out = vec![T::zeroed(); shape.iter().product()];
        copy(&data, shape, &strides, offset, &mut out);
        let same = out == naive(&data, shape, &strides, offset);
        assert!(same, "{shape:?} {strides:?}, {} bytes", size_of::<T>());
    }

    #[test]
    fn copies_are_in_order() {
        let mut numbers = Numbers(11);
        let large: [&[usize]; 11] = [
            &[1100, 1024],
            &[1030, 1033],
            &[130, 257],
            &[300, 301],
            &[3, 70, 90],
            &[40, 3, 65],
            &[100, 64, 3],
            &[2, 30_001],
            &[30_001, 2],
            &[5, 9, 7, 31],
            &[16, 17, 8, 8],
        ];
        for round in 0..400 {
            let small: Vec<usize> = (0..1 + numbers.below(4)).map(|_| 1 + numbers.below(12)).collect();
            let shape = if round % 4 == 0 { large[numbers.below(large.len())] } else { &small };
            match round % 5 {
                0 => check(&mut numbers, shape, |i| (i * 7 + i / 256) as u8),
                1 => check(&mut numbers, shape, |i| i as u16),
                2 => check(&mut numbers, shape, |i| i as u64),
                _ => check(&mut numbers, shape, |i| i as u32),
            }
        }
    }

    #[test]
    fn tiles_leave_what_is_between_rows() {
        let data: Vec<u32> = (0..40_000).collect();
        for (rows, columns, apart, strides) in [
            (5, 7, 9, [1, 200]),
            (33, 40, 40, [1, 199]),
            (70, 130, 300, [1, 201]),
            (70, 130, 301, [2, 290]),
            (70, 130, 300, [200, 1]),
            (9, 4, 4, [0, 3]),
            (9, 4, 5, [3, 0]),
        ] {
            for large in [false, true] {
                let mut out = vec![u32::MAX; (rows - 1) * apart + columns];
                tile(&data, 100, strides, [rows, columns], &mut out, apart, large);
                for (i, &x) in out.iter().enumerate() {
                    let (r, c) = (i / apart, i % apart);
                    let place = 100 + r as isize * strides[0] + c as isize * strides[1];
                    let want = if c < columns { place as u32 } else { u32::MAX };
                    assert_eq!(x, want, "{rows} {columns} {apart} {strides:?} at {r} {c}");
                }
            }
        }
    }
}
