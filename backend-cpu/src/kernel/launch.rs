//! From shapes to calls: a nest of loops over strided operands, cut into rows by columns, over threads.
//!
//! A kernel knows two dimensions. What is outside of them counts here, by an odometer; the innermost dimension of every
//! operand is dense (a stride of one element) or splat (a stride of none), as the program has it. Work is divided by
//! rows, and by columns where there are too few of them and nothing is reduced; programs are such that the result does
//! not depend on it.
//!
//! What always holds: every address that a call reaches lies inside the bytes the operand was made from. That is
//! checked once a launch, from sizes and strides.
//!
//! Large outputs that are no inputs are stored past the caches, by the kernel's second code.

#![allow(unsafe_code)]

use super::MAX_ARGS;
use super::exec::Kernel;
use crate::layout::{Odometer, Strides};
use crate::par;
use smallvec::SmallVec;
use std::marker::PhantomData;

mod rows;
mod single;
#[cfg(test)]
mod tests;

pub use rows::{Place, in_rows};
pub use single::{Side, alone, flat, small};

/// The words of a call block for so many arguments.
const fn words(args: usize) -> usize {
    3 + 2 * args
}

/// Columns of a piece are a multiple of this, so that no two threads write one cache line, and no piece has a tail.
const GRAIN: usize = 256;

/// Outputs are stored past the caches from this many bytes on. (Where they are read right after, 8 MiB lose by it, 16 gain.)
const LARGE: usize = 16 << 20;

/// A row is, from this many bytes on: its ends are stored as ever, the lines between them past the caches. (Rows of 1000
/// bytes lose by it, of 4000 they gain as much as a single one.)
const LONG: usize = 2 << 10;

/// Bytes of a line of the caches.
const LINE: usize = 64;

/// One operand of a launch: bytes, and a stride in bytes for each dimension.
#[derive(Clone, Debug)]
pub struct Operand<'a> {
    start: *mut u8,
    /// A stride for each of the nest's dimensions, in bytes.
    strides: Strides,
    bytes: PhantomData<&'a [u8]>,
}

// SAFETY: an operand is a borrowed slice, shared or exclusive, that a launch's pieces divide among them.
unsafe impl Sync for Operand<'_> {}
// SAFETY: as above.
unsafe impl Send for Operand<'_> {}

/// The lowest and the highest byte that elements of `size` bytes at these strides (in bytes) touch.
fn reach(sizes: &[usize], strides: &[isize], size: usize) -> (isize, isize) {
    let (mut low, mut high) = (0, size as isize);
    for (&n, &stride) in sizes.iter().zip(strides) {
        let far = (n as isize - 1) * stride;
        low += far.min(0);
        high += far.max(0);
    }
    (low, high)
}

fn inside(len: usize, offset: usize, sizes: &[usize], strides: &[isize], size: usize) {
    if sizes.contains(&0) {
        return;
    }
    let (low, high) = reach(sizes, strides, size);
    let fits = offset as isize + low >= 0 && offset as isize + high <= len as isize;
    assert!(fits, "kernel: sizes {sizes:?} and strides {strides:?} lead out of {len} bytes");
}

impl<'a> Operand<'a> {
    /// One that is read: its first element `offset` bytes into `bytes`.
    ///
    /// Panics where sizes and strides (in bytes) lead out of the bytes.
    pub fn read(bytes: &'a [u8], offset: usize, sizes: &[usize], strides: &[isize], size: usize) -> Self {
        inside(bytes.len(), offset, sizes, strides, size);
        let start = bytes.as_ptr().wrapping_add(offset).cast_mut();
        Operand { start, strides: strides.into(), bytes: PhantomData }
    }

    /// One that is written, and maybe read before.
    ///
    /// Panics where sizes and strides (in bytes) lead out of the bytes.
    pub fn write(
        bytes: &'a mut [u8],
        offset: usize,
        sizes: &[usize],
        strides: &[isize],
        size: usize,
    ) -> Self {
        inside(bytes.len(), offset, sizes, strides, size);
        let start = bytes.as_mut_ptr().wrapping_add(offset);
        Operand { start, strides: strides.into(), bytes: PhantomData }
    }

    /// The same place again, for a program that reads what it overwrites through another argument.
    pub fn alias(&self) -> Self {
        self.clone()
    }
}

/// Runs a kernel over a nest of loops, outermost first: `sizes` has at least one dimension, the columns. `together`
/// rows, one after another, stay on one thread in their order, as they must where they write the same elements; it
/// divides the size of the dimension before the columns.
///
/// `first_column` is what the program's `Column` counts from. Operands are in the order of the program's arguments;
/// one that is written is either the only one with its bytes or, element by element, the same place as another.
pub fn launch(
    kernel: &Kernel,
    sizes: &[usize],
    operands: &[Operand<'_>],
    first_column: usize,
    together: usize,
) {
    let (&cols, outer) = sizes.split_last().expect("a nest has an innermost loop");
    assert!(outer.last().copied().unwrap_or(1).is_multiple_of(together), "kernel: rows that belong together");
    let rows: usize = outer.iter().product();
    check(kernel, sizes.len(), operands);
    if rows == 0 || (cols == 0 && !kernel.reduces()) {
        return;
    }
    let merged = (sizes.len() > 2).then(|| merged(sizes, operands));
    let (sizes, operands) = merged.as_ref().map_or((sizes, operands), |(sizes, operands)| (sizes, operands));
    let streams = streams(kernel, sizes, operands);
    let pieces = par::pieces_of(kernel.work(rows, cols));
    if pieces <= 1 {
        return part((kernel, streams), sizes, operands, first_column, 0..rows, 0..cols);
    }
    let cut = Cut::new(kernel, [rows, cols], pieces, together);
    par::divided(cut.pieces(), &|i| {
        let (rows, cols) = cut.piece(i);
        part((kernel, streams), sizes, operands, first_column, rows, cols);
    });
}

/// One of several launches.
#[derive(Debug)]
pub struct Launch<'a> {
    /// What runs.
    pub kernel: &'static Kernel,
    /// Over which loops.
    pub sizes: &'a [usize],
    /// On what.
    pub operands: &'a [Operand<'a>],
}

/// Runs several launches as one: threads share all of their pieces. What one writes no other one reads.
pub fn launch_all(launches: &[Launch<'_>]) {
    let mut parts: Vec<(Cut, usize, bool)> = Vec::with_capacity(launches.len());
    let work = |x: &Launch<'_>| {
        let (&cols, outer) = x.sizes.split_last().expect("a nest has an innermost loop");
        (x.kernel.work(outer.iter().product(), cols), [outer.iter().product(), cols])
    };
    let total: f64 = launches.iter().map(|x| work(x).0).sum();
    let pieces = par::pieces_of(total);
    let mut count = 0;
    for x in launches {
        check(x.kernel, x.sizes.len(), x.operands);
        let (own, sizes) = work(x);
        let share = if pieces <= 1 { 1 } else { (own / total * pieces as f64).round().max(1.0) as usize };
        let cut = Cut::new(x.kernel, sizes, share, 1);
        let first = count;
        count += cut.pieces();
        parts.push((cut, first, streams(x.kernel, x.sizes, x.operands)));
    }
    let one = |i: usize| {
        let at = parts.partition_point(|(_, first, _)| *first <= i) - 1;
        let ((cut, first, streams), x) = (&parts[at], &launches[at]);
        let (rows, cols) = cut.piece(i - first);
        if !rows.is_empty() && (!cols.is_empty() || x.kernel.reduces()) {
            part((x.kernel, *streams), x.sizes, x.operands, 0, rows, cols);
        }
    };
    match pieces <= 1 {
        true => (0..count).for_each(one),
        false => par::divided(count, &one),
    }
}

/// How rows and columns are cut into pieces: by rows first, then by columns.
#[derive(Debug)]
struct Cut {
    rows: usize,
    cols: usize,
    height: usize,
    width: usize,
    across: usize,
}

impl Cut {
    fn new(kernel: &Kernel, [rows, cols]: [usize; 2], pieces: usize, together: usize) -> Cut {
        let rows_at_a_time = (rows / together).max(1);
        let across = if kernel.reduces() { 1 } else { pieces.div_ceil(rows_at_a_time) };
        let width = cols.div_ceil(across).next_multiple_of(GRAIN).min(cols.max(1));
        let across = cols.div_ceil(width).max(1);
        let height = rows.div_ceil((pieces / across).max(1)).next_multiple_of(together).max(1);
        Cut { rows, cols, height, width, across }
    }

    fn pieces(&self) -> usize {
        self.rows.div_ceil(self.height) * self.across
    }

    fn piece(&self, i: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let (r, c) = (i / self.across * self.height, i % self.across * self.width);
        (r..self.rows.min(r + self.height), c..self.cols.min(c + self.width))
    }
}

/// A part of a launch, done at once: a rectangle of its rows and columns, of which one input is there by itself.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a> {
    /// Which of the program's arguments it is.
    pub input: usize,
    /// The first row and column.
    pub place: [usize; 2],
    /// How many rows and columns.
    pub shape: [usize; 2],
    /// That input's elements in the rectangle, row by row.
    pub sums: &'a [u8],
}

/// Runs a kernel that reduces nothing over a rectangle of a launch of `sizes` rows and columns, on this thread. `operands`
/// are those of the whole launch, without the one that the tile brings. Tiles that are done at a time do not overlap.
pub fn tile(kernel: &Kernel, sizes: &[usize; 2], operands: &[Operand<'_>], tile: Tile<'_>) {
    let args = kernel.program().args();
    let Tile { input, place, shape, sums } = tile;
    assert!(
        args.len() == operands.len() + 1 && !kernel.reduces(),
        "kernel: an operand for each argument but one"
    );
    assert!((0..2).all(|d| place[d] + shape[d] <= sizes[d]), "kernel: a tile outside of {sizes:?}");
    let size = args[input].dtype.size();
    assert!(
        !args[input].splat && sums.len() >= shape[0] * shape[1] * size,
        "kernel: a tile of too few elements"
    );
    let mut block = [0usize; words(MAX_ARGS)];
    (block[0], block[1], block[2]) = (shape[0], shape[1], place[1]);
    let mut others = operands.iter();
    for (i, arg) in args.iter().enumerate() {
        let (at, row) = if i == input {
            (sums.as_ptr().cast_mut(), (shape[1] * size) as isize)
        } else {
            let operand = others.next().expect("they were counted");
            let inner = if arg.splat { 0 } else { arg.dtype.size() as isize };
            assert!(operand.strides.len() == 2 && operand.strides[1] == inner, "kernel: {arg:?} in a tile");
            let offset = place[0] as isize * operand.strides[0] + place[1] as isize * inner;
            (operand.start.wrapping_offset(offset), operand.strides[0])
        };
        block[3 + 2 * i] = at.expose_provenance();
        block[4 + 2 * i] = row as usize;
    }
    if shape[0] > 0 && shape[1] > 0 {
        // SAFETY: every operand's addresses were checked when it was made for all rows and columns, of which the tile has
        // some; the tile's own elements are in `sums`; no other call writes these rows and columns meanwhile.
        unsafe { kernel.call(&mut block[..words(args.len())]) }
    }
}

fn check(kernel: &Kernel, rank: usize, operands: &[Operand<'_>]) {
    let args = kernel.program().args();
    assert_eq!(args.len(), operands.len(), "kernel: a program has an operand for each argument");
    assert!(!kernel.ends(), "kernel: rows that may end come one after another, by `in_rows`");
    for (arg, operand) in args.iter().zip(operands) {
        let inner = if arg.splat { 0 } else { arg.dtype.size() as isize };
        let fits = operand.strides.len() == rank && operand.strides[rank - 1] == inner;
        assert!(fits, "kernel: {arg:?} has strides {:?} in {rank} dimensions", operand.strides);
    }
}

/// As few dimensions as there can be: without those of size 1, those through which all operands go in even steps as one.
/// The order of the rows stays the same.
fn merged<'a>(
    sizes: &[usize],
    operands: &[Operand<'a>],
) -> (SmallVec<[usize; 6]>, SmallVec<[Operand<'a>; 10]>) {
    let last = sizes.len() - 1;
    // From the inside out, then turned round.
    let mut kept: SmallVec<[usize; 6]> = SmallVec::from_slice(&[sizes[last]]);
    let mut of: SmallVec<[Operand<'a>; 10]> = operands.iter().cloned().collect();
    of.iter_mut().zip(operands).for_each(|(new, o)| new.strides = Strides::from_slice(&o.strides[last..]));
    for d in (0..last).rev().filter(|&d| sizes[d] != 1) {
        let top = kept.len() - 1;
        let even =
            |(new, o): (&Operand<'a>, &Operand<'a>)| o.strides[d] == new.strides[top] * kept[top] as isize;
        if top > 0 && of.iter().zip(operands).all(even) {
            kept[top] *= sizes[d];
        } else {
            kept.push(sizes[d]);
            of.iter_mut().zip(operands).for_each(|(new, o)| new.strides.push(o.strides[d]));
        }
    }
    kept.reverse();
    of.iter_mut().for_each(|o| o.strides.reverse());
    (kept, of)
}

/// Whether the kernel's second code is to run, which stores past the caches: where that is much, where each row is long
/// enough, and where it is nowhere that another operand is.
fn streams(kernel: &Kernel, sizes: &[usize], operands: &[Operand<'_>]) -> bool {
    let elements: usize = sizes.iter().product();
    let cols = sizes[sizes.len() - 1];
    if elements < LARGE / 8 {
        return false;
    }
    let size = |n: usize| kernel.program().args()[n].dtype.size();
    let several = kernel.streamed().nth(1).is_some();
    let fits = |n: usize| {
        let (own, align) = (&operands[n], if several { LINE } else { size(n) });
        let steps = || sizes[..sizes.len() - 1].iter().zip(&own.strides).filter(|step| *step.0 > 1);
        let apart = |o: &Operand<'_>| std::ptr::eq(o, own) || o.start != own.start;
        own.start.addr().is_multiple_of(align)
            && cols * size(n) >= LONG
            && steps().all(|(_, stride)| *stride != 0 && stride.unsigned_abs().is_multiple_of(align))
            && operands.iter().all(apart)
    };
    let bytes: usize = kernel.streamed().map(|n| elements * size(n)).sum();
    bytes >= LARGE && kernel.streamed().all(fits)
}

/// A part of the rows and columns, on this thread; whether large outputs are stored past the caches is said with the
/// kernel.
fn part(
    kernel: (&Kernel, bool),
    sizes: &[usize],
    operands: &[Operand<'_>],
    first_column: usize,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
) {
    match operands.len() {
        0..=5 => part_with::<{ words(5) }>(kernel, sizes, operands, first_column, rows, cols),
        _ => part_with::<{ words(MAX_ARGS) }>(kernel, sizes, operands, first_column, rows, cols),
    }
}

fn part_with<const WORDS: usize>(
    (kernel, streams): (&Kernel, bool),
    sizes: &[usize],
    operands: &[Operand<'_>],
    first_column: usize,
    rows: std::ops::Range<usize>,
    cols: std::ops::Range<usize>,
) {
    let rank = sizes.len();
    let n = operands.len();
    let mut block = [0usize; WORDS];
    let mut call = |height: usize, at: &dyn Fn(usize) -> isize, row: &dyn Fn(usize) -> isize| {
        block[0] = height;
        block[1] = cols.len();
        block[2] = first_column.wrapping_add(cols.start);
        for (i, operand) in operands.iter().enumerate() {
            let offset = at(i) + cols.start as isize * operand.strides[rank - 1];
            block[3 + 2 * i] = operand.start.wrapping_offset(offset).expose_provenance();
            block[4 + 2 * i] = row(i) as usize;
        }
        let block = &mut block[..words(n)];
        // SAFETY: every operand's addresses were checked when it was made, its inner stride is what the program has,
        // and rows and columns are within the sizes; pieces write disjoint elements. What is streamed was checked.
        unsafe {
            match streams {
                false => kernel.call(block),
                true => kernel.call_streaming(block),
            }
        };
    };
    match rank {
        1 => call(1, &|_| 0, &|_| 0),
        2 => {
            let start = rows.start as isize;
            call(rows.len(), &|i| start * operands[i].strides[0], &|i| operands[i].strides[0])
        }
        3 => {
            let inner = sizes[1];
            let (mut outside, mut inside, mut left) = (rows.start / inner, rows.start % inner, rows.len());
            while left > 0 {
                let height = left.min(inner - inside);
                let (o, i) = (outside as isize, inside as isize);
                call(height, &|x| o * operands[x].strides[0] + i * operands[x].strides[1], &|x| {
                    operands[x].strides[1]
                });
                (outside, inside, left) = (outside + 1, 0, left - height);
            }
        }
        _ => {
            let inner = sizes[rank - 2];
            let mut row = rows.start;
            while row < rows.end {
                let height = (inner - row % inner).min(rows.end - row);
                let start = offsets(&sizes[..rank - 1], operands, row);
                call(height, &|i| start[i], &|i| operands[i].strides[rank - 2]);
                row += height;
            }
        }
    }
}

/// Where each operand's row of this number begins, in bytes from its first element.
fn offsets(outer: &[usize], operands: &[Operand<'_>], row: usize) -> SmallVec<[isize; 6]> {
    let at = |o: &Operand<'_>| Odometer::at(outer, [&o.strides[..outer.len()]], [0], row).offsets[0];
    operands.iter().map(at).collect()
}
