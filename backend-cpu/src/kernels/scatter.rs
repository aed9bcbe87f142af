//! Writing windows at computed places.
//!
//! The operand's storage is taken over where nobody else holds it, else copied: piece by piece, each while it is in a
//! cache for its windows. Windows are found as in gather, and
//! meet it in the row-major order of the batch axes. Threads share the operand's rows, never an element:
//!
//! - Where each window lies in one row of some leading axes, the windows are sorted by the piece of the operand that
//!   they lie in, and a thread writes those of its pieces, in their order. Pieces of large operands fit a cache, so
//!   that windows at random places cost no more than others.
//! - Where windows reach over rows, a thread writes of each window the part in its rows; and where they reach over all
//!   rows, one row of all windows after another.
//!
//! The walk knows only the elements' size; loops of their type combine runs of them, or single ones at places.
//! What always holds: an update whose window reaches outside is dropped whole (or moved inside, by the mode); what
//! meets an element does so in the order of the batch, so that no result depends on the number of threads.

mod parts;

use super::gather::{OUTSIDE, SOME, Windows};
use crate::data::{View, data, owned, take, value};
use crate::dispatch::{by_size, numbers, stored};
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::math::Num;
use crate::par;
use crate::pool::{self, Scratch};
use crate::storage::Storage;
use crate::transpose;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use parts::{apart, in_parts};
use plywood_core::op::{Scatter, ScatterKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Value, Values};
use std::ops::Range;

/// Inputs: operand, indices, updates.
pub fn scatter(ty: TensorType, mut x: Values, s: &Scatter) -> Value {
    let (updates, indices) = (x.pop().expect("three inputs"), x.pop().expect("three inputs"));
    let mut operand = x.pop().expect("three inputs");
    let writes = updates.ty().elements() > 0 && ty.elements() > 0;
    // What is still to be copied when windows are written.
    let (mut storage, source) = match take(&mut operand) {
        Some(storage) => (storage, None),
        None if writes && data(&operand).layout.is_contiguous(operand.shape()) => {
            (Storage::overwritten(ty.bytes()), Some(operand))
        }
        None => (owned(operand), None),
    };
    let sizes = s.window_sizes(ty.rank(), updates.shape());
    let layout = Layout::row_major(&ty.shape);
    if writes {
        let places = Windows {
            shape: &ty.shape,
            strides: &layout.strides,
            sizes: &sizes,
            map: &s.index_map,
            batching: (&s.operand_batching_axes, &s.indices_batching_axes),
            mode: s.mode,
        }
        .places(&indices);
        let combine = combination(s.kind, ty.dtype);
        by_size!(ty.dtype.size(), T => {
            let out = &mut storage.as_mut_slice::<T>().expect("it is owned")[..ty.elements()];
            let source = source.as_ref().map(|x| View::<T>::of(x).contiguous().expect("it is"));
            let shape = Shapes::new(&ty.shape, &sizes, s, &updates);
            shape.run::<T>(Target { out, source }, places.as_slice(), &updates, combine);
        })
    }
    value(ty, layout, storage)
}

/// How elements and updates combine, the only part that knows their type.
#[derive(Clone, Copy)]
struct Combination {
    /// Elements and as many updates.
    run: fn(&mut [u8], &[u8]),
    /// The elements at places and as many updates, one after another.
    at: fn(&mut [u8], &[usize], &[u8]),
}

macro_rules! combination {
    ($T:ty, $f:expr) => {
        Combination {
            run: |out, new| run::<$T>(out, new, $f),
            at: |out, places, new| at::<$T>(out, places, new, $f),
        }
    };
}

fn combination(kind: ScatterKind, dtype: DType) -> Combination {
    match kind {
        ScatterKind::Set => by_size!(dtype.size(), T => Combination {
            run: |out, new| out.copy_from_slice(new),
            at: |out, places, new| at::<T>(out, places, new, |_, new| new),
        }),
        ScatterKind::Add => numbers!(dtype, T => combination!(T, <T as Num>::add)),
        ScatterKind::Mul => numbers!(dtype, T => combination!(T, <T as Num>::mul)),
        ScatterKind::Min => stored!(dtype, T => combination!(T, <T as Num>::min)),
        ScatterKind::Max => stored!(dtype, T => combination!(T, <T as Num>::max)),
    }
}

#[inline(always)]
fn run<T: Pod>(out: &mut [u8], new: &[u8], f: impl Fn(T, T) -> T) {
    let out = cast_slice_mut::<u8, T>(out);
    out.iter_mut().zip(cast_slice::<u8, T>(new)).for_each(|(out, &new)| *out = f(*out, new));
}

#[inline(always)]
fn at<T: Pod>(out: &mut [u8], places: &[usize], new: &[u8], f: impl Fn(T, T) -> T) {
    let out = cast_slice_mut::<u8, T>(out);
    places.iter().zip(cast_slice::<u8, T>(new)).for_each(|(&place, &new)| out[place] = f(out[place], new));
}

/// The shapes of a scatter, and the strides of the updates in the order `[batch.., window..]`.
struct Shapes<'a> {
    shape: &'a [usize],
    sizes: &'a [usize],
    batch: Axes,
    window: Axes,
    /// Of the window's axes in the operand.
    in_operand: Strides,
    of_batch: Strides,
    of_window: Strides,
}

impl<'a> Shapes<'a> {
    fn new(shape: &'a [usize], sizes: &'a [usize], s: &Scatter, updates: &Value) -> Self {
        let (strides, window_axes) = (row_major(shape), s.operand_window_axes(shape.len()));
        let of_updates = &data(updates).layout.strides;
        let batch: Axes = (0..updates.rank()).filter(|d| !s.window_axes.contains(d)).collect();
        Shapes {
            shape,
            sizes,
            of_batch: batch.iter().map(|&d| of_updates[d]).collect(),
            of_window: s.window_axes.iter().map(|&d| of_updates[d]).collect(),
            batch: batch.iter().map(|&d| updates.shape()[d]).collect(),
            window: window_axes.iter().map(|&d| sizes[d]).collect(),
            in_operand: window_axes.iter().map(|&d| strides[d]).collect(),
        }
    }

    /// Writes all updates into the operand's elements.
    fn run<T: Pod + Send + Sync>(
        &self,
        out: Target<'_, T>,
        places: &[isize],
        updates: &Value,
        combine: Combination,
    ) {
        let view = View::<T>::of(updates);
        // How many leading axes each window has one index of.
        let lead = self.sizes.iter().take_while(|&&n| n == 1).count();
        let rows: usize = self.shape[..lead].iter().product();
        let batch = Nest::new(&self.batch, &[&self.of_batch]);
        let within = Nest::new(&self.window, &[&self.in_operand, &self.of_window]);
        let by_row = rows > 1 || lead == self.shape.len();
        let plain = within.sizes.len() == 1 && matches!(within.strides[1][0].abs(), 0 | 1);
        if batch.sizes.len() == 1 && (plain || !by_row) {
            let one_after_another = Updates {
                data: view.data,
                offset: view.offset as isize,
                step: batch.strides[0][0],
                of_window: &self.of_window,
            };
            return self.shared(out, places, one_after_another, combine);
        }
        // So many windows, side by side.
        let n = places.len() * self.window.iter().product::<usize>();
        let mut copy = pool::scratch(n * size_of::<T>());
        let sizes: Axes = self.batch.iter().chain(&self.window).copied().collect();
        let strides: Strides = self.of_batch.iter().chain(&self.of_window).copied().collect();
        transpose::copy(view.data, &sizes, &strides, view.offset, &mut copy.as_mut_slice::<T>()[..n]);
        let one_after_another = Updates {
            data: &copy.as_slice::<T>()[..n],
            offset: 0,
            step: (n / places.len()) as isize,
            of_window: &row_major(&self.window),
        };
        self.shared(out, places, one_after_another, combine);
    }

    /// Threads share the rows.
    fn shared<T: Pod + Send + Sync>(
        &self,
        out: Target<'_, T>,
        places: &[isize],
        updates: Updates<'_, T>,
        combine: Combination,
    ) {
        let lead = self.sizes.iter().take_while(|&&n| n == 1).count();
        let rows: usize = self.shape[..lead].iter().product();
        if rows > 1 || lead == self.shape.len() {
            let nest = Nest::new(&self.window, &[&self.in_operand, updates.of_window]);
            let writer = Writer { updates, nest, combine };
            let row = out.out.len() / rows;
            return by_row(out, row, places, &writer);
        }
        // The first axis that windows have several indices of is the first of the window's; those before have size 1.
        let row: usize = self.shape[lead + 1..].iter().product();
        let first = self.window.iter().position(|&n| n > 1).expect("the window is longer than 1 there");
        let without = |strides: &[isize]| -> Strides {
            strides.iter().enumerate().filter(|&(i, _)| i != first).map(|(_, &s)| s).collect()
        };
        let mut window = self.window.clone();
        window.remove(first);
        let nest = Nest::new(&window, &[&without(&self.in_operand), &without(updates.of_window)]);
        let down = updates.of_window[first];
        let writer = Writer { updates, nest, combine };
        over_rows(out.copied(), [row, self.sizes[lead], self.shape[lead]], places, down, &writer);
    }
}

/// The elements to be written to, and where they are to be copied from before, if they are not there yet.
struct Target<'a, T> {
    out: &'a mut [T],
    source: Option<&'a [T]>,
}

impl<'a, T: Pod + Send + Sync> Target<'a, T> {
    /// All elements, copied.
    fn copied(self) -> &'a mut [T] {
        if let Some(source) = self.source {
            par::chunks(self.out, 1, 0.1 * size_of::<T>() as f64 / 4.0, |first, out| {
                out.copy_from_slice(&source[first..first + out.len()]);
            });
        }
        self.out
    }
}

/// Bytes of a piece of a large operand: half of a core's second cache.
const PIECE: usize = 1 << 19;

/// Updates whose windows follow one another at equal steps.
#[derive(Clone, Copy)]
struct Updates<'a, T> {
    data: &'a [T],
    /// The first element of the first window, and from one window to the next.
    offset: isize,
    step: isize,
    /// Strides of the window's axes.
    of_window: &'a [isize],
}

/// What writes windows.
struct Writer<'a, T> {
    updates: Updates<'a, T>,
    /// The window's loops: strides in the operand, strides in the updates.
    nest: Nest,
    combine: Combination,
}

/// Single elements that wait to be combined with the operand's.
struct Waiting<T> {
    places: [usize; SOME],
    new: [T; SOME],
    n: usize,
}

impl<T: Pod> Waiting<T> {
    fn new() -> Self {
        Waiting { places: [0; SOME], new: [T::zeroed(); SOME], n: 0 }
    }

    #[inline(always)]
    fn push(&mut self, out: &mut [T], combine: Combination, place: isize, new: T) {
        (self.places[self.n], self.new[self.n]) = (place as usize, new);
        self.n += 1;
        if self.n == SOME {
            self.flush(out, combine);
        }
    }

    fn flush(&mut self, out: &mut [T], combine: Combination) {
        (combine.at)(cast_slice_mut(out), &self.places[..self.n], cast_slice(&self.new[..self.n]));
        self.n = 0;
    }
}

impl<T: Pod> Writer<'_, T> {
    /// Elements of a window.
    fn len(&self) -> usize {
        self.nest.sizes.iter().product()
    }

    /// Writes windows, each given by its place in `out` and its number, with `from` added to where its updates are.
    #[inline(always)]
    fn write(&self, out: &mut [T], from: isize, windows: impl Iterator<Item = (isize, usize)>) {
        let Updates { data, offset, step, .. } = self.updates;
        let outer = self.nest.sizes.len() - 1;
        let (n, steps) = (self.nest.sizes[outer], [0, 1].map(|i| self.nest.strides[i][outer]));
        let start = |number: usize| offset + from + number as isize * step;
        if outer == 0 && n > 1 && steps == [1, 1] {
            for (place, number) in windows {
                let (to, new) = (place as usize, start(number) as usize);
                (self.combine.run)(cast_slice_mut(&mut out[to..to + n]), cast_slice(&data[new..new + n]));
            }
            return;
        }
        let mut waiting = Waiting::new();
        for (place, number) in windows {
            if outer == 0 && n == 1 {
                waiting.push(out, self.combine, place, data[start(number) as usize]);
                continue;
            }
            let strides = [&self.nest.strides[0][..outer], &self.nest.strides[1][..outer]];
            let sizes = &self.nest.sizes[..outer];
            let mut at = Odometer::at(sizes, strides, [place, start(number)], 0);
            for _ in 0..sizes.iter().product() {
                let [to, new] = at.offsets;
                for i in 0..n as isize {
                    let new = data[(new + i * steps[1]) as usize];
                    waiting.push(out, self.combine, to + i * steps[0], new);
                }
                at.advance();
            }
        }
        waiting.flush(out, self.combine);
    }
}

/// Windows that lie in one row of `row` elements each.
fn by_row<T: Pod + Send + Sync>(target: Target<'_, T>, row: usize, places: &[isize], writer: &Writer<'_, T>) {
    let n = target.out.len();
    let (rows, work) = (n / row, places.len() as f64 * (4.0 + 0.3 * writer.len() as f64));
    let cached = std::mem::size_of_val(target.out) / PIECE;
    let many = cached >= 8 && places.len() >= 64 * cached;
    let pieces = par::pieces(rows, work / rows as f64).max(if many { cached.min(rows) } else { 1 });
    let numbers = u32::try_from(places.len()).is_ok();
    if pieces == 1 || !numbers {
        let inside = places.iter().enumerate().filter(|&(_, &place)| place != OUTSIDE);
        return writer.write(target.copied(), 0, inside.map(|(number, &place)| (place, number)));
    }
    let parts = par::pieces(places.len(), 4.0);
    if let Some(parts) = apart(places, parts, [row, n]) {
        return in_parts(target.copied(), &parts, places, writer);
    }
    let piece = rows.div_ceil(pieces) * row;
    let sorted = Sorted::all(places, piece, n.div_ceil(piece));
    let Target { out, source } = target;
    par::chunks(out, piece, f64::INFINITY, |first, out| {
        for (i, out) in out.chunks_mut(piece).enumerate() {
            let start = ((first + i) * piece) as isize;
            if let Some(source) = source {
                out.copy_from_slice(&source[start as usize..start as usize + out.len()]);
            }
            for sorted in &sorted {
                let own = sorted.of(first + i).iter().map(|&n| (places[n as usize] - start, n as usize));
                writer.write(out, 0, own);
            }
        }
    });
}

/// The numbers of some windows, sorted by the piece of the operand that they lie in, otherwise in order.
struct Sorted {
    numbers: Scratch,
    /// Where the numbers of each piece begin, and where the last ones end.
    starts: Vec<u32>,
}

impl Sorted {
    /// Of all windows, some consecutive ones each.
    fn all(places: &[isize], piece: usize, pieces: usize) -> Vec<Sorted> {
        let parts = par::pieces(places.len(), 4.0);
        let part = places.len().div_ceil(parts);
        par::map(places.len().div_ceil(part), 4.0 * part as f64, |i| {
            let numbers = i * part..places.len().min((i + 1) * part);
            Sorted::new(places, numbers, piece, pieces)
        })
    }

    fn new(places: &[isize], some: Range<usize>, piece: usize, pieces: usize) -> Sorted {
        // A division of 32 bits is the quicker one.
        let short = places.len().max(piece.saturating_mul(pieces)) <= u32::MAX as usize;
        let find = |place: isize| match place {
            OUTSIDE => pieces,
            _ if short => (place as u32 / piece as u32) as usize,
            _ => place as usize / piece,
        };
        let mut starts = vec![0u32; pieces + 2];
        let mut of = pool::scratch(some.len() * size_of::<u32>());
        let of = &mut of.as_mut_slice::<u32>()[..some.len()];
        for (of, &place) in of.iter_mut().zip(&places[some.clone()]) {
            let piece = find(place);
            starts[piece + 1] += 1;
            *of = piece as u32;
        }
        for i in 1..starts.len() {
            starts[i] += starts[i - 1];
        }
        let mut next = starts.clone();
        let mut sorted = pool::scratch(some.len() * size_of::<u32>());
        let numbers = sorted.as_mut_slice::<u32>();
        for (number, &piece) in some.zip(&*of) {
            let next = &mut next[piece as usize];
            numbers[*next as usize] = number as u32;
            *next += 1;
        }
        Sorted { numbers: sorted, starts }
    }

    /// Those of a piece.
    fn of(&self, piece: usize) -> &[u32] {
        let [start, end] = [self.starts[piece], self.starts[piece + 1]];
        &self.numbers.as_slice()[start as usize..end as usize]
    }
}

/// Windows that reach over `height` of the `rows` rows of `row` elements each; the writer knows one row of them, and
/// `down` is from row to row in the updates.
fn over_rows<T: Pod + Send + Sync>(
    out: &mut [T],
    [row, height, rows]: [usize; 3],
    places: &[isize],
    down: isize,
    writer: &Writer<'_, T>,
) {
    let work = places.len() as f64 * (2.0 + 0.5 * writer.len() as f64) * height as f64 / rows as f64;
    par::chunks(out, row, work, |first, out| {
        let inside = || places.iter().enumerate().filter(|&(_, &place)| place != OUTSIDE);
        if height == rows {
            for (r, out) in out.chunks_mut(row).enumerate() {
                let from = (first + r) as isize * down;
                writer.write(out, from, inside().map(|(number, &place)| (place, number)));
            }
            return;
        }
        let end = first + out.len() / row;
        for (number, &place) in inside() {
            let (start, column) = (place as usize / row, place as usize % row);
            for r in start.max(first)..end.min(start + height) {
                let to = ((r - first) * row + column) as isize;
                writer.write(out, (r - start) as isize * down, [(to, number)].into_iter());
            }
        }
    });
}

#[cfg(test)]
mod tests;
