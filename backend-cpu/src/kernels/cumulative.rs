//! Running reductions, as accurate as their results can tell: floats below 64 bits accumulate in f64, sums of f64 in
//! two of them, integers wrap.
//!
//! Where the axis lies along memory, a lane is cut into runs, each of which starts from the totals of those before it.
//! Within a run four elements are added up by themselves before they meet the total, which so waits a quarter as often.
//! Threads share the lanes, or the runs of a long one, after all totals. Across memory, rows of accumulators go from row to row, and threads share the
//! columns: each has as many as make a stream, and takes a few rows at a time, so that accumulators are seldom moved.
//! What is added to what follows from the shape alone: results are the same for any number of threads.

mod step;

use crate::data::{View, contiguous, data, value};
use crate::dispatch::{floats, numbers};
use crate::kernels::simd::{Loop, vectorized};
use crate::kernels::sort::{last, turned_back};
use crate::layout::Layout;
use crate::par;
use crate::pool::scratch;
use crate::storage::Storage;
use bytemuck::Pod;
use plywood_core::op::Cumulation;
use plywood_core::{TensorType, Value};
use std::array::from_fn;
use std::marker::PhantomData;
use std::sync::Mutex;
use step::Step;

/// The length of a run.
const RUN: usize = 1024;
/// Lanes from this length on may be shared by threads.
const LONG: usize = 1 << 15;
/// Columns whose accumulators stay in the first-level cache. Fewer of a row are read in pieces too short for streams.
const COLUMNS: usize = 512;
/// Columns whose accumulators stay in registers while rows pass.
const BLOCK: usize = 16;
/// Rows that pass together.
const TOGETHER: usize = 4;
/// Fewer columns than this are not worth a row.
const NARROW: usize = 16;

/// Each element with all before it along `axis`, or all behind it.
pub fn cumulative(ty: TensorType, x: Value, kind: Cumulation, axis: usize, reverse: bool) -> Value {
    if ty.elements() == 0 {
        return x;
    }
    let work = Work { axis, reverse };
    match kind {
        Cumulation::Sum => numbers!(ty.dtype, T => work.run::<T, step::Sum>(ty, x)),
        Cumulation::Prod => numbers!(ty.dtype, T => work.run::<T, step::Prod>(ty, x)),
        Cumulation::Max => numbers!(ty.dtype, T => work.run::<T, step::Max>(ty, x)),
        Cumulation::Min => numbers!(ty.dtype, T => work.run::<T, step::Min>(ty, x)),
        Cumulation::LogSumExp => floats!(ty.dtype, T => work.run::<T, step::LogSumExp>(ty, x)),
    }
}

struct Work {
    axis: usize,
    reverse: bool,
}

impl Work {
    fn run<T: Pod + Send + Sync, S: Step<T>>(self, ty: TensorType, x: Value) -> Value {
        let mut storage = Storage::overwritten(ty.bytes());
        let out = &mut storage.as_mut_slice::<T>().expect("it is new")[..ty.elements()];
        let (n, inner) = (ty.shape[self.axis], ty.shape[self.axis + 1..].iter().product::<usize>());
        let lanes = last(x.clone(), self.axis);
        let along = data(&lanes).layout.is_contiguous(lanes.shape());
        if along || inner < NARROW {
            drop(x);
            let lanes = View::<T>::of(&lanes).to_contiguous();
            match self.reverse {
                false => along_lanes::<T, S, false>(&lanes, out, n),
                true => along_lanes::<T, S, true>(&lanes, out, n),
            }
            return turned_back(&ty, storage, self.axis);
        }
        drop(lanes);
        let x = contiguous(x);
        let all = View::<T>::of(&x).contiguous().expect("it was made so");
        across_rows::<T, S>(all, out, [n, inner], self.reverse);
        let layout = Layout::row_major(&ty.shape);
        value(ty, layout, storage)
    }
}

/// The length of a lane's runs.
fn run_length<T: Pod, S: Step<T>>(n: usize) -> usize {
    if S::COSTLY && n < LONG { n } else { RUN }
}

fn along_lanes<T: Pod + Send + Sync, S: Step<T>, const BACK: bool>(all: &[T], out: &mut [T], n: usize) {
    let (run, lanes) = (run_length::<T, S>(n), all.len() / n);
    if n >= LONG && lanes < 2 * par::threads() && par::threads() > 1 {
        for (lane, out) in all.chunks(n).zip(out.chunks_mut(n)) {
            long_lane::<T, S, BACK>(lane, out, run);
        }
        return;
    }
    par::chunks(out, n, S::WORK * n as f64, |first, out| {
        for (out, lane) in out.chunks_mut(n).zip(all[first * n..].chunks(n)) {
            vectorized(One::<T, S, BACK> { lane, out, run, step: PhantomData });
        }
    });
}

/// A lane on this thread: one run after the other.
struct One<'a, T, S, const BACK: bool> {
    lane: &'a [T],
    out: &'a mut [T],
    run: usize,
    step: PhantomData<S>,
}

impl<T: Pod, S: Step<T>, const BACK: bool> Loop for One<'_, T, S, BACK> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let One { lane, out, run, .. } = self;
        let mut carry = S::FIRST;
        let runs = lane.len().div_ceil(run);
        for i in 0..runs {
            let start = if BACK { runs - 1 - i } else { i } * run;
            let end = lane.len().min(start + run);
            let total = scan::<T, S, BACK>(&lane[start..end], &mut out[start..end], carry);
            carry = S::join(carry, total);
        }
    }
}

/// A lane on all threads: all totals, then all runs.
fn long_lane<T: Pod + Send + Sync, S: Step<T>, const BACK: bool>(lane: &[T], out: &mut [T], run: usize) {
    let runs = lane.len().div_ceil(run);
    let mut sums = scratch(runs * size_of::<S::Sum>());
    let sums = &mut sums.as_mut_slice::<S::Sum>()[..runs];
    par::chunks(sums, 1, 0.7 * S::WORK * run as f64, |first, sums| {
        vectorized(Totals::<T, S, BACK> { lane: &lane[first * run..], sums, run });
    });
    let mut carry = S::FIRST;
    for i in 0..runs {
        let sum = &mut sums[if BACK { runs - 1 - i } else { i }];
        (*sum, carry) = (carry, S::join(carry, *sum));
    }
    let starts = &*sums;
    par::chunks(out, run, S::WORK * run as f64, |first, out| {
        vectorized(Runs::<T, S, BACK> { lane: &lane[first * run..], out, starts: &starts[first..], run });
    });
}

/// The totals of neighbouring runs.
struct Totals<'a, T: Pod, S: Step<T>, const BACK: bool> {
    lane: &'a [T],
    sums: &'a mut [S::Sum],
    run: usize,
}

impl<T: Pod, S: Step<T>, const BACK: bool> Loop for Totals<'_, T, S, BACK> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, run) in self.sums.iter_mut().zip(self.lane.chunks(self.run)) {
            *sum = total::<T, S, BACK>(run);
        }
    }
}

/// Neighbouring runs, each from its start.
struct Runs<'a, T: Pod, S: Step<T>, const BACK: bool> {
    lane: &'a [T],
    out: &'a mut [T],
    starts: &'a [S::Sum],
    run: usize,
}

impl<T: Pod, S: Step<T>, const BACK: bool> Loop for Runs<'_, T, S, BACK> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let runs = self.lane.chunks(self.run).zip(self.starts);
        for (out, (run, &start)) in self.out.chunks_mut(self.run).zip(runs) {
            scan::<T, S, BACK>(run, out, start);
        }
    }
}

/// The totals after each of four elements, of which no step waits for all before it.
#[inline(always)]
fn four<T: Pod, S: Step<T>, const BACK: bool>(x: &[T; 4]) -> [S::Sum; 4] {
    let [a, b, c, d] = if BACK { [x[3], x[2], x[1], x[0]] } else { *x };
    let one = |x| S::add(S::FIRST, x);
    let (first, third) = (one(a), one(c));
    let second = S::add(first, b);
    [first, second, S::join(second, third), S::join(second, S::add(third, d))]
}

/// Goes through a run; gives its total, to which the start does not belong.
#[inline(always)]
fn scan<T: Pod, S: Step<T>, const BACK: bool>(from: &[T], out: &mut [T], start: S::Sum) -> S::Sum {
    let mut total = S::FIRST;
    let whole = if S::COSTLY { 0 } else { from.len() / 4 * 4 };
    let one = |total: &mut S::Sum, i: usize, out: &mut [T]| {
        *total = S::add(*total, from[i]);
        out[i] = S::give(S::join(start, *total));
    };
    if BACK {
        for i in (whole..from.len()).rev() {
            one(&mut total, i, out);
        }
    }
    let (blocks, outs) = (from[..whole].as_chunks::<4>().0, out[..whole].as_chunks_mut::<4>().0);
    for i in 0..blocks.len().min(outs.len()) {
        let i = if BACK { blocks.len() - 1 - i } else { i };
        let (sums, before) = (four::<T, S, BACK>(&blocks[i]), S::join(start, total));
        let [a, b, c, d] = sums.map(|sum| S::give(S::join(before, sum)));
        outs[i] = if BACK { [d, c, b, a] } else { [a, b, c, d] };
        total = S::join(total, sums[3]);
    }
    if !BACK {
        for i in whole..from.len() {
            one(&mut total, i, out);
        }
    }
    total
}

/// The total of a run, by the steps of [`scan`].
#[inline(always)]
fn total<T: Pod, S: Step<T>, const BACK: bool>(from: &[T]) -> S::Sum {
    let mut total = S::FIRST;
    let whole = if S::COSTLY { 0 } else { from.len() / 4 * 4 };
    if BACK {
        for &x in from[whole..].iter().rev() {
            total = S::add(total, x);
        }
    }
    let blocks = from[..whole].as_chunks::<4>().0;
    for i in 0..blocks.len() {
        let i = if BACK { blocks.len() - 1 - i } else { i };
        total = S::join(total, four::<T, S, BACK>(&blocks[i])[3]);
    }
    if !BACK {
        for &x in &from[whole..] {
            total = S::add(total, x);
        }
    }
    total
}

/// Along the rows' number of matrices `[rows, columns]`, one behind the other.
fn across_rows<T: Pod + Send + Sync, S: Step<T>>(
    all: &[T],
    out: &mut [T],
    [rows, columns]: [usize; 2],
    reverse: bool,
) {
    let matrices = all.len() / (rows * columns);
    // Columns are shared too where there are few matrices; a piece begins at a cache line.
    let wanted = par::pieces_of(S::WORK * all.len() as f64).div_ceil(matrices);
    let even = columns.div_ceil(wanted.min(par::threads().div_ceil(matrices)));
    let width = columns.div_ceil(wanted).max(even.min(COLUMNS)).next_multiple_of(64).min(columns);
    let mut pieces: Vec<Piece<'_, T>> = Vec::new();
    for (all, out) in all.chunks(rows * columns).zip(out.chunks_mut(rows * columns)) {
        let first = pieces.len();
        pieces.extend((0..columns).step_by(width).map(|start| Piece {
            all,
            start,
            rows: Vec::with_capacity(rows),
        }));
        for row in out.chunks_mut(columns) {
            for (piece, part) in pieces[first..].iter_mut().zip(row.chunks_mut(width)) {
                piece.rows.push(part);
            }
        }
    }
    let work = S::WORK * (rows * width) as f64;
    let pieces: Vec<_> = pieces.into_iter().map(|p| Mutex::new(Some(p))).collect();
    par::each(pieces.len(), work, |i| {
        let piece = pieces[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        let piece = piece.expect("every piece comes once");
        vectorized(Rows::<T, S> { piece, columns, reverse, step: PhantomData });
    });
}

/// Some columns of a matrix.
struct Piece<'a, T> {
    all: &'a [T],
    start: usize,
    /// Where the results of each row go.
    rows: Vec<&'a mut [T]>,
}

struct Rows<'a, T, S> {
    piece: Piece<'a, T>,
    columns: usize,
    reverse: bool,
    step: PhantomData<S>,
}

impl<T: Pod, S: Step<T>> Loop for Rows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Rows { piece: Piece { all, start, mut rows }, columns, reverse, .. } = self;
        let (n, width) = (rows.len(), rows[0].len());
        if reverse {
            rows.reverse();
        }
        for tile in (0..width).step_by(COLUMNS) {
            let size = COLUMNS.min(width - tile);
            let mut sums = Lines([S::FIRST; COLUMNS]);
            let sums = &mut sums.0[..size];
            let from = |i: usize| {
                let i = if reverse { n - 1 - i } else { i };
                &all[i * columns + start + tile..][..size]
            };
            let (whole, rest) = rows.as_chunks_mut::<TOGETHER>();
            let after = whole.len() * TOGETHER;
            for (i, rows) in whole.iter_mut().enumerate() {
                let outs = rows.each_mut().map(|row| &mut row[tile..][..size]);
                pass::<T, S, TOGETHER>(from_fn(|r| from(i * TOGETHER + r)), outs, sums);
            }
            for (i, row) in rest.iter_mut().enumerate() {
                pass::<T, S, 1>([from(after + i)], [&mut row[tile..][..size]], sums);
            }
        }
    }
}

/// Accumulators that begin at a cache line.
#[repr(align(64))]
struct Lines<S>([S; COLUMNS]);

/// Rows pass the accumulators of their columns.
#[inline(always)]
fn pass<T: Pod, S: Step<T>, const R: usize>(from: [&[T]; R], mut outs: [&mut [T]; R], sums: &mut [S::Sum]) {
    let (blocks, rest) = sums.as_chunks_mut::<BLOCK>();
    let whole = blocks.len() * BLOCK;
    for (j, block) in blocks.iter_mut().enumerate() {
        let mut sums = *block;
        for (from, out) in from.iter().zip(&mut outs) {
            let from = from.as_chunks::<BLOCK>().0[j];
            let mut results = from;
            for c in 0..BLOCK {
                sums[c] = S::add(sums[c], from[c]);
                results[c] = S::give(sums[c]);
            }
            out.as_chunks_mut::<BLOCK>().0[j] = results;
        }
        *block = sums;
    }
    for (from, out) in from.iter().zip(&mut outs) {
        for ((out, &x), sum) in out[whole..].iter_mut().zip(&from[whole..]).zip(&mut *rest) {
            *sum = S::add(*sum, x);
            *out = S::give(*sum);
        }
    }
}

#[cfg(test)]
mod tests;
