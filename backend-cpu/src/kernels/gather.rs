//! Reading windows at computed places.
//!
//! Indices become the places of windows in storage, a few at a time ([`Windows`], which scatter shares), and the
//! windows are copied one after another, as runs where they lie so: the output is kept in the order
//! `[batch.., window..]`. Where a window's neighbours lie further apart in storage than windows do (columns of a
//! matrix), it is `[window.., batch..]`: rows are read one after another, each at all places. Where `offset_axes` ask
//! for another order, the output is a view of that.

use crate::data::{View, value};
use crate::dispatch::{by_size, integers};
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::par;
use crate::pool::{self, Scratch};
use crate::storage::Storage;
use crate::transpose;
use bytemuck::Pod;
use plywood_core::op::{Gather, IndexMode};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Value, Values};

/// The place of a window that reaches outside and is not moved.
pub(super) const OUTSIDE: isize = isize::MIN;

/// Places that are found at once, before their windows are copied.
pub(super) const SOME: usize = 256;

/// What is needed to find the windows that indices name.
pub(super) struct Windows<'a> {
    /// The operand's sizes.
    pub(super) shape: &'a [usize],
    /// And strides.
    pub(super) strides: &'a [isize],
    /// The window's size along each operand axis.
    pub(super) sizes: &'a [usize],
    /// The operand axis of each component of an index.
    pub(super) map: &'a [usize],
    /// Operand axes that run along with axes of the indices.
    pub(super) batching: (&'a [usize], &'a [usize]),
    /// What happens outside.
    pub(super) mode: IndexMode,
}

/// Writes the places of windows, from some window on: where each starts, relative to the operand's first element, or
/// [`OUTSIDE`]; in row-major order of the indices' batch axes.
pub(super) type Find<'a> = &'a (dyn Fn(usize, &mut [isize]) + Sync);

/// An element of an index tensor.
trait Index: Pod {
    /// It, or the greatest where it is greater.
    fn wide(self) -> i64;
}

macro_rules! index {
    ($($T:ty)*) => {$(impl Index for $T {
        #[inline(always)]
        fn wide(self) -> i64 {
            i64::try_from(self).unwrap_or(i64::MAX)
        }
    })*};
}

index!(i8 i16 i32 i64 u8 u16 u32 u64);

impl Windows<'_> {
    /// How far apart windows are in storage along each batch axis, whatever their indices.
    fn along(&self, batch: usize) -> Strides {
        let step = |d| {
            let pairs = self.batching.0.iter().zip(self.batching.1);
            pairs.filter(|&(_, &i)| i == d).map(|(&operand, _)| self.strides[operand]).sum()
        };
        (0..batch).map(step).collect()
    }

    /// Calls `f` with what finds places.
    pub(super) fn find(&self, indices: &Value, f: &mut dyn FnMut(Find<'_>)) {
        let batch = &indices.shape()[..indices.rank() - 1];
        let nest = Nest::new(batch, &[&self.along(batch.len())]);
        integers!(indices.dtype(), T => {
            let all = View::<T>::of(indices).to_contiguous();
            f(&|first, places| self.some(&all, &nest, first, places))
        })
    }

    /// All places.
    pub(super) fn places(&self, indices: &Value) -> Scratch {
        let n = indices.shape()[..indices.rank() - 1].iter().product::<usize>();
        let mut places = pool::scratch(n * size_of::<isize>());
        let work = 1.0 + self.map.len() as f64;
        self.find(indices, &mut |find| par::chunks(places.as_mut_slice(), 1, work, find));
        places
    }

    /// The places of some windows, in runs along which those of batching axes step alike.
    fn some<I: Index>(&self, all: &[I], nest: &Nest, first: usize, mut places: &mut [isize]) {
        if places.is_empty() {
            return;
        }
        let (outer, components) = (nest.sizes.len() - 1, self.map.len());
        let (inner, step) = (nest.inner(), nest.strides[0][outer]);
        let strides = &nest.strides[0][..outer];
        let mut rows = Odometer::at(&nest.sizes[..outer], [strides], [0], first / inner);
        let (mut column, mut indices) = (first % inner, &all[first * components..]);
        while !places.is_empty() {
            let n = places.len().min(inner - column);
            let (row, rest) = places.split_at_mut(n);
            let (own, after) = indices.split_at(n * components);
            let mut start = rows.offsets[0] + column as isize * step;
            if let [d] = *self.map {
                let (last, stride) = (self.last(d), self.strides[d]);
                for (place, &i) in row.iter_mut().zip(own) {
                    *place = self.inside(i, last).map_or(OUTSIDE, |i| start + i as isize * stride);
                    start += step;
                }
            } else {
                for (i, place) in row.iter_mut().enumerate() {
                    let index = &own[i * components..][..components];
                    let inside =
                        self.map.iter().zip(index).map(|(&d, &i)| {
                            self.inside(i, self.last(d)).map(|i| i as isize * self.strides[d])
                        });
                    *place = inside.sum::<Option<isize>>().map_or(OUTSIDE, |inside| start + inside);
                    start += step;
                }
            }
            (places, indices, column) = (rest, after, 0);
            rows.advance();
        }
    }

    /// The last index at which a window lies inside. (The shape rule: it is not larger than the operand.)
    fn last(&self, d: usize) -> i64 {
        (self.shape[d] - self.sizes[d]) as i64
    }

    #[inline(always)]
    fn inside<I: Index>(&self, index: I, last: i64) -> Option<i64> {
        let i = index.wide();
        match self.mode {
            IndexMode::Clip | IndexMode::PromiseInBounds => Some(i.clamp(0, last)),
            IndexMode::Fill => (0..=last).contains(&i).then_some(i),
        }
    }
}

/// The bits of what is read outside: NaN, the lowest signed, the highest unsigned integer, true.
fn outside(dtype: DType) -> u64 {
    match dtype {
        DType::F64 => f64::NAN.to_bits(),
        DType::F32 => f32::NAN.to_bits() as u64,
        DType::F16 => half::f16::NAN.to_bits() as u64,
        DType::BF16 => half::bf16::NAN.to_bits() as u64,
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => 1 << (dtype.bits() - 1),
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => u64::MAX,
        DType::Bool => 1,
    }
}

/// Inputs: operand, indices.
pub fn gather(ty: TensorType, x: Values, g: &Gather) -> Value {
    let window_axes = g.window_axes();
    let window: Axes = window_axes.iter().map(|&d| g.sizes[d]).collect();
    let batch = &x[1].shape()[..x[1].rank() - 1];
    let n = ty.elements();
    let mut storage = Storage::overwritten(n * ty.dtype.size());
    let mut rows_first = false;
    if n > 0 {
        let layout = &crate::data::data(&x[0]).layout;
        let windows = Windows {
            shape: x[0].shape(),
            strides: &layout.strides,
            sizes: &g.sizes,
            map: &g.start_index_map,
            batching: (&g.operand_batching_axes, &g.indices_batching_axes),
            mode: g.mode,
        };
        let steps: Strides = window_axes.iter().map(|&d| layout.strides[d]).collect();
        let nest = Nest::new(&window, &[&steps]);
        rows_first = is_column(&nest, &windows, batch);
        by_size!(ty.dtype.size(), T => {
            let out = &mut storage.as_mut_slice::<T>().expect("it is new")[..n];
            let gather = Copies { view: View::<T>::of(&x[0]), nest: &nest, fill: outside(ty.dtype) as T };
            match rows_first {
                true => gather.by_rows(&windows.places(&x[1]), out),
                false => windows.find(&x[1], &mut |find| gather.by_windows(find, out)),
            }
        });
    }
    // From the order that was kept to the one asked for.
    let kept: Axes = match rows_first {
        true => window.iter().chain(batch).copied().collect(),
        false => batch.iter().chain(&window).copied().collect(),
    };
    let kept = row_major(&kept);
    let (first, second) = kept.split_at(if rows_first { window.len() } else { batch.len() });
    let (of_window, of_batch) = if rows_first { (first, second) } else { (second, first) };
    let (mut of_batch, mut of_window) = (of_batch.iter(), of_window.iter());
    let strides = (0..ty.rank())
        .map(|d| if g.offset_axes.contains(&d) { of_window.next() } else { of_batch.next() })
        .map(|stride| *stride.expect("as many axes as the shape rule counted"))
        .collect();
    value(ty, Layout { strides, offset: 0 }, storage)
}

/// Whether neighbours in a window lie further apart in storage than neighbouring places, of which there are some.
fn is_column(nest: &Nest, windows: &Windows<'_>, batch: &[usize]) -> bool {
    let step = nest.strides[0][nest.sizes.len() - 1].unsigned_abs();
    let along = windows.along(batch.len());
    let places = windows.map.iter().map(|&d| windows.strides[d]).chain(along);
    let closest = places.map(isize::unsigned_abs).filter(|&s| s > 0).min();
    nest.inner() > 1 && batch.iter().product::<usize>() >= 8 && closest.is_some_and(|s| s < step)
}

/// Copies of windows.
struct Copies<'a, T> {
    view: View<'a, T>,
    nest: &'a Nest,
    /// What is read outside.
    fill: T,
}

impl<T: Pod + Send + Sync> Copies<'_, T> {
    /// One window after another.
    fn by_windows(&self, find: Find<'_>, out: &mut [T]) {
        let (sizes, strides) = (&self.nest.sizes[..], &self.nest.strides[0][..]);
        let run: usize = sizes.iter().product();
        let work = 2.0 + 0.1 * (run * size_of::<T>()) as f64;
        par::chunks(out, run, work, |first, out| {
            let mut places = [0; SOME];
            for (i, out) in out.chunks_mut(SOME * run).enumerate() {
                let places = &mut places[..out.len() / run];
                find(first + i * SOME, places);
                if run == 1 {
                    self.at(places, self.view.offset as isize, out);
                    continue;
                }
                for (out, &place) in out.chunks_exact_mut(run).zip(&*places) {
                    if place == OUTSIDE {
                        out.fill(self.fill);
                        continue;
                    }
                    let start = (self.view.offset as isize + place) as usize;
                    match strides {
                        [1] => out.copy_from_slice(&self.view.data[start..start + run]),
                        _ => transpose::in_order(self.view.data, sizes, strides, start, out),
                    }
                }
            }
        });
    }

    /// For each element of the window those of all windows.
    fn by_rows(&self, places: &Scratch, out: &mut [T]) {
        let places = places.as_slice::<isize>();
        let n = places.len();
        let unit = if out.len() / n >= 64 { n } else { 1 };
        par::chunks(out, unit, unit as f64, |first, mut out| {
            let first = first * unit;
            let offset = self.view.offset as isize;
            let mut row = Odometer::at(&self.nest.sizes, [&self.nest.strides[0]], [offset], first / n);
            let mut column = first % n;
            while !out.is_empty() {
                let (now, rest) = out.split_at_mut(out.len().min(n - column));
                self.at(&places[column..column + now.len()], row.offsets[0], now);
                (out, column) = (rest, 0);
                row.advance();
            }
        });
    }

    /// One element from each place.
    #[inline]
    fn at(&self, places: &[isize], offset: isize, out: &mut [T]) {
        for (out, &place) in out.iter_mut().zip(places) {
            *out = if place == OUTSIDE { self.fill } else { self.view.data[(offset + place) as usize] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::data;
    use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
    use plywood_core::Op;
    use std::sync::Arc;

    /// A random gather from an operand of random shape, with the shape of its indices.
    fn sample(numbers: &mut Numbers, mode: IndexMode) -> (Vec<usize>, Vec<usize>, Gather) {
        let rank = 1 + numbers.below(3);
        let mut shape = numbers.shape(rank, 5);
        let rank_of_batch = numbers.below(3);
        let batch = numbers.shape(rank_of_batch, 4);
        let (mut collapsed, mut batching, mut along) = (Axes::new(), Axes::new(), Axes::new());
        let mut sizes = Axes::new();
        for (d, n) in shape.iter_mut().enumerate() {
            match numbers.below(4) {
                0 if *n > 0 => {
                    collapsed.push(d);
                    sizes.push(1);
                }
                1 if along.len() < batch.len() && batch[along.len()] > 0 => {
                    *n = batch[along.len()];
                    along.push(along.len());
                    batching.push(d);
                    sizes.push(1);
                }
                _ => sizes.push(numbers.below(*n + 1)),
            }
        }
        let mut map: Axes = (0..rank).filter(|d| !batching.contains(d)).collect();
        while !map.is_empty() && numbers.below(3) == 0 {
            map.remove(numbers.below(map.len()));
        }
        if numbers.below(2) == 0 {
            map.reverse();
        }
        let windows = rank - collapsed.len() - batching.len();
        let total = batch.len() + windows;
        let mut offsets: Axes = (0..total).collect();
        while offsets.len() > windows {
            offsets.remove(numbers.below(offsets.len()));
        }
        let indices = [batch, vec![map.len()]].concat();
        let g = Gather {
            offset_axes: offsets,
            collapsed_axes: collapsed,
            operand_batching_axes: batching,
            indices_batching_axes: along,
            start_index_map: map,
            sizes,
            mode,
        };
        (shape, indices, g)
    }

    #[test]
    fn gathers_read_windows() {
        let mut numbers = Numbers(6);
        let modes = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];
        let dtypes = [DType::F32, DType::I8, DType::U16, DType::F64, DType::Bool, DType::BF16];
        let kinds = [DType::I32, DType::U8, DType::I64, DType::I8];
        for round in 0..3000 {
            let (mode, dtype) = (modes[round % 3], dtypes[round % 6]);
            let (shape, index_shape, g) = sample(&mut numbers, mode);
            let (x, look) = numbers.tensor(&shape, dtype);
            let (indices, at) = numbers.tensor(&index_shape, kinds[round % 4]);
            let got = execute1(&Op::Gather(Arc::new(g.clone())), vec![x, indices]);
            let windows = g.window_axes();
            let want = (0..got.ty().elements()).map(|o| {
                let o = index(got.shape(), o);
                let batch: Vec<usize> =
                    (0..o.len()).filter(|d| !g.offset_axes.contains(d)).map(|d| o[d]).collect();
                let mut from = vec![0; shape.len()];
                for (c, &d) in g.start_index_map.iter().enumerate() {
                    let start = at[flat(&index_shape, &[&batch[..], &[c]].concat())];
                    let last = (shape[d] - g.sizes[d]) as f64;
                    if mode == IndexMode::Fill && !(0.0..=last).contains(&start) {
                        return match dtype {
                            DType::I8 => -128.0,
                            DType::U16 => 65535.0,
                            DType::Bool => 1.0,
                            _ => f64::NAN,
                        };
                    }
                    from[d] = start.clamp(0.0, last) as usize;
                }
                g.operand_batching_axes
                    .iter()
                    .zip(&g.indices_batching_axes)
                    .for_each(|(&d, &i)| from[d] = batch[i]);
                windows.iter().zip(&g.offset_axes).for_each(|(&d, &i)| from[d] += o[i]);
                look[flat(&shape, &from)]
            });
            let same = |(a, b): (&f64, f64)| *a == b || (a.is_nan() && b.is_nan());
            let got = elements(&got);
            assert!(got.iter().zip(want).all(same), "{g:?} of {shape:?} at {at:?}: {got:?}");
        }
    }

    #[test]
    fn rows_of_a_table_are_read_by_threads() {
        let table: Vec<f64> = (0..64_000).map(|i| i as f64).collect();
        let rows: Vec<f64> = (0..5000).map(|i| (i * 7 % 1003) as f64).collect();
        let g = Gather {
            offset_axes: Axes::from_slice(&[1]),
            collapsed_axes: Axes::from_slice(&[0]),
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            start_index_map: Axes::from_slice(&[0]),
            sizes: Axes::from_slice(&[1, 64]),
            mode: IndexMode::Clip,
        };
        let inputs = vec![tensor(&table, &[1000, 64], DType::F32), tensor(&rows, &[5000, 1], DType::I32)];
        let got = execute1(&Op::Gather(Arc::new(g)), inputs);
        assert!(data(&got).layout.is_contiguous(got.shape()));
        for (row, got) in rows.iter().zip(elements(&got).chunks(64)) {
            let from = row.min(999.0) as usize * 64;
            assert_eq!(got, &table[from..from + 64]);
        }
    }

    #[test]
    fn columns_of_a_table_are_read_row_by_row() {
        for rows in [7, 300] {
            let table: Vec<f64> = (0..rows * 200).map(|i| i as f64).collect();
            let places: Vec<f64> = (0..500).map(|i| (i * 7 % 203) as f64).collect();
            let g = Gather {
                offset_axes: Axes::from_slice(&[0]),
                collapsed_axes: Axes::from_slice(&[1]),
                operand_batching_axes: Axes::new(),
                indices_batching_axes: Axes::new(),
                start_index_map: Axes::from_slice(&[1]),
                sizes: Axes::from_slice(&[rows, 1]),
                mode: IndexMode::Fill,
            };
            let x = tensor(&table, &[rows, 200], DType::F32);
            let got = execute1(&Op::Gather(Arc::new(g)), vec![x, tensor(&places, &[500, 1], DType::I32)]);
            assert!(data(&got).layout.is_contiguous(got.shape()));
            for (r, got) in elements(&got).chunks(500).enumerate() {
                for (&c, &got) in places.iter().zip(got) {
                    let want = table.get(r * 200 + c as usize).filter(|_| c < 200.0);
                    assert!(want.map_or(got.is_nan(), |&want| got == want), "{r} {c}: {got}");
                }
            }
        }
    }

    #[test]
    fn indices_of_64_bits_do_not_wrap() {
        let g = |mode| Gather {
            offset_axes: Axes::new(),
            collapsed_axes: Axes::from_slice(&[0]),
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            start_index_map: Axes::from_slice(&[0]),
            sizes: Axes::from_slice(&[1]),
            mode,
        };
        let x = tensor(&[1.0, 2.0, 3.0], &[3], DType::I32);
        for (mode, want) in [(IndexMode::Clip, 3.0), (IndexMode::Fill, i32::MIN as f64)] {
            let far = tensor(&[u64::MAX as f64], &[1, 1], DType::U64);
            let got = execute1(&Op::Gather(Arc::new(g(mode))), vec![x.clone(), far]);
            assert_eq!(elements(&got), [want]);
        }
    }
}
