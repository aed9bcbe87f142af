//! Running reductions, as accurate as their results can tell: floats below 64 bits accumulate in f64, sums of f64 in
//! two of them, integers wrap.
//!
//! Where the axis lies along memory, a lane is cut into runs. The runs' totals give what each run starts from, and eight
//! runs are gone through together, because an addition takes longer than its neighbours need to start. Threads share
//! the lanes, or the runs of a long one. Across memory, rows of accumulators go from row to row, and threads share the
//! columns. What is added to what follows from the shape alone: results are the same for any number of threads.

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
use std::sync::Mutex;
use step::Step;

/// Runs that are gone through together.
const TOGETHER: usize = 8;
/// The longest run.
const RUN: usize = 1024;
/// Lanes shorter than this are one run each.
const SHORT: usize = 128;
/// Lanes from this length on may be shared by threads.
const LONG: usize = 1 << 15;
/// Columns whose accumulators stay in the first-level cache.
const COLUMNS: usize = 256;
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
    if n < SHORT || (S::COSTLY && n < LONG) { n } else { n.div_ceil(TOGETHER).next_multiple_of(16).min(RUN) }
}

fn along_lanes<T: Pod + Send + Sync, S: Step<T>, const BACK: bool>(all: &[T], out: &mut [T], n: usize) {
    let (run, lanes) = (run_length::<T, S>(n), all.len() / n);
    if n >= LONG && lanes < 2 * par::threads() && par::threads() > 1 {
        for (lane, out) in all.chunks(n).zip(out.chunks_mut(n)) {
            long_lane::<T, S, BACK>(lane, out, run);
        }
        return;
    }
    // Short lanes go together as runs do.
    let unit = if run == n { TOGETHER * n } else { n };
    par::chunks(out, unit, S::WORK * unit as f64, |first, out| {
        for (out, all) in out.chunks_mut(unit).zip(all[first * unit..].chunks(unit)) {
            if run == n {
                let starts = [S::FIRST; TOGETHER];
                vectorized(Scan::<T, S, BACK> { from: all, out, starts: &starts[..all.len() / n], run });
            } else {
                one_lane::<T, S, BACK>(all, out, run);
            }
        }
    });
}

/// A lane on this thread: a group of runs after the other, while they are in the cache.
fn one_lane<T: Pod, S: Step<T>, const BACK: bool>(lane: &[T], out: &mut [T], run: usize) {
    let groups = lane.len().div_ceil(TOGETHER * run);
    let mut carry = S::FIRST;
    for i in 0..groups {
        let start = if BACK { groups - 1 - i } else { i } * TOGETHER * run;
        let end = lane.len().min(start + TOGETHER * run);
        let from = &lane[start..end];
        let mut sums = [S::FIRST; TOGETHER];
        let sums = &mut sums[..from.len().div_ceil(run)];
        vectorized(Fold::<T, S, BACK> { from, sums, run });
        carry = starts::<T, S, BACK>(sums, carry);
        vectorized(Scan::<T, S, BACK> { from, out: &mut out[start..end], starts: sums, run });
    }
}

/// A lane on all threads: all totals, then all runs.
fn long_lane<T: Pod + Send + Sync, S: Step<T>, const BACK: bool>(lane: &[T], out: &mut [T], run: usize) {
    let (runs, group) = (lane.len().div_ceil(run), TOGETHER * run);
    let mut sums = scratch(runs * size_of::<S::Sum>());
    let sums = &mut sums.as_mut_slice::<S::Sum>()[..runs];
    par::chunks(sums, TOGETHER, S::WORK * group as f64, |first, sums| {
        for (sums, from) in sums.chunks_mut(TOGETHER).zip(lane[first * group..].chunks(group)) {
            vectorized(Fold::<T, S, BACK> { from, sums, run });
        }
    });
    starts::<T, S, BACK>(sums, S::FIRST);
    let starts = &*sums;
    par::chunks(out, group, S::WORK * group as f64, |first, out| {
        let groups = lane[first * group..].chunks(group).zip(starts[first * TOGETHER..].chunks(TOGETHER));
        for (out, (from, starts)) in out.chunks_mut(group).zip(groups) {
            vectorized(Scan::<T, S, BACK> { from, out, starts, run });
        }
    });
}

/// From the totals of runs to what each starts from; gives the total of all.
fn starts<T: Pod, S: Step<T>, const BACK: bool>(sums: &mut [S::Sum], mut carry: S::Sum) -> S::Sum {
    let n = sums.len();
    for i in 0..n {
        let sum = &mut sums[if BACK { n - 1 - i } else { i }];
        (*sum, carry) = (carry, S::join(carry, *sum));
    }
    carry
}

/// The totals of up to eight neighbouring runs.
struct Fold<'a, T: Pod, S: Step<T>, const BACK: bool> {
    from: &'a [T],
    sums: &'a mut [S::Sum],
    run: usize,
}

impl<T: Pod, S: Step<T>, const BACK: bool> Loop for Fold<'_, T, S, BACK> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Fold { from, sums, run } = self;
        if from.len() == TOGETHER * run {
            let runs: [&[T]; TOGETHER] = from_fn(|c| &from[c * run..(c + 1) * run]);
            let all = go::<T, S, BACK, TOGETHER>(runs, from_fn(|_| &mut [][..]), [S::FIRST; TOGETHER]);
            sums.copy_from_slice(&all);
        } else {
            for (sum, run) in sums.iter_mut().zip(from.chunks(run)) {
                [*sum] = go::<T, S, BACK, 1>([run], [&mut []], [S::FIRST]);
            }
        }
    }
}

/// The running results of up to eight neighbouring runs.
struct Scan<'a, T: Pod, S: Step<T>, const BACK: bool> {
    from: &'a [T],
    out: &'a mut [T],
    starts: &'a [S::Sum],
    run: usize,
}

impl<T: Pod, S: Step<T>, const BACK: bool> Loop for Scan<'_, T, S, BACK> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Scan { from, out, starts, run } = self;
        if from.len() == TOGETHER * run {
            let runs: [&[T]; TOGETHER] = from_fn(|c| &from[c * run..(c + 1) * run]);
            let mut outs = out.chunks_mut(run);
            let outs: [&mut [T]; TOGETHER] = from_fn(|_| outs.next().expect("as many as runs"));
            go::<T, S, BACK, TOGETHER>(runs, outs, from_fn(|c| starts[c]));
        } else {
            for ((from, out), &start) in from.chunks(run).zip(out.chunks_mut(run)).zip(starts) {
                go::<T, S, BACK, 1>([from], [out], [start]);
            }
        }
    }
}

/// Elements of a run that are gone through without looking at its end.
const BLOCK: usize = 8;

/// Goes through runs of one length, and writes the results where there is an output; the sums at the end.
#[inline(always)]
fn go<T: Pod, S: Step<T>, const BACK: bool, const N: usize>(
    from: [&[T]; N],
    mut out: [&mut [T]; N],
    mut sums: [S::Sum; N],
) -> [S::Sum; N] {
    let n = from[0].len();
    let writes = !out[0].is_empty();
    let (blocks, rest) = (n / BLOCK, n / BLOCK * BLOCK);
    let mut one = |sums: &mut [S::Sum; N], out: &mut [&mut [T]; N], i: usize| {
        for c in 0..N {
            sums[c] = S::add(sums[c], from[c][i]);
            if writes {
                out[c][i] = S::give(sums[c]);
            }
        }
    };
    if BACK {
        (rest..n).rev().for_each(|i| one(&mut sums, &mut out, i));
    }
    for b in 0..blocks {
        let start = if BACK { blocks - 1 - b } else { b } * BLOCK;
        let x: [&[T; BLOCK]; N] = from_fn(|c| from[c][start..start + BLOCK].try_into().expect("a block"));
        if writes {
            let mut outs = out
                .each_mut()
                .map(|out| <&mut [T; BLOCK]>::try_from(&mut out[start..start + BLOCK]).expect("a block"));
            for i in 0..BLOCK {
                let i = if BACK { BLOCK - 1 - i } else { i };
                for c in 0..N {
                    sums[c] = S::add(sums[c], x[c][i]);
                    outs[c][i] = S::give(sums[c]);
                }
            }
        } else {
            for i in 0..BLOCK {
                let i = if BACK { BLOCK - 1 - i } else { i };
                for c in 0..N {
                    sums[c] = S::add(sums[c], x[c][i]);
                }
            }
        }
    }
    if !BACK {
        (rest..n).for_each(|i| one(&mut sums, &mut out, i));
    }
    sums
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
    let width = columns.div_ceil(wanted).next_multiple_of(64).min(columns);
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
        vectorized(Rows::<T, S> { piece, columns, reverse, step: std::marker::PhantomData });
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
    step: std::marker::PhantomData<S>,
}

impl<T: Pod, S: Step<T>> Loop for Rows<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Rows { piece: Piece { all, start, mut rows }, columns, reverse, .. } = self;
        let (n, width) = (rows.len(), rows[0].len());
        for tile in (0..width).step_by(COLUMNS) {
            let size = COLUMNS.min(width - tile);
            let mut sums = [S::FIRST; COLUMNS];
            let sums = &mut sums[..size];
            for i in 0..n {
                let i = if reverse { n - 1 - i } else { i };
                let from = &all[i * columns + start + tile..][..size];
                let out = &mut rows[i][tile..tile + size];
                for ((out, &x), sum) in out.iter_mut().zip(from).zip(&mut *sums) {
                    *sum = S::add(*sum, x);
                    *out = S::give(*sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
