//! Reading windows at computed places.
//!
//! First the indices become the place of each window in storage ([`Windows`], which scatter shares); then windows are
//! copied, one after another, as runs where they lie so. The output is kept in the order `[batch.., window..]`: where
//! `offset_axes` ask for another, it is a view of that.

use crate::data::{View, value};
use crate::dispatch::{by_size, integers};
use crate::elementwise::gather as gather_run;
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::par;
use crate::storage::Storage;
use plywood_core::convert::to_i128;
use plywood_core::op::{Gather, IndexMode};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Value, Values};

/// The place of a window that reaches outside and is not moved.
pub(super) const OUTSIDE: isize = isize::MIN;

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

impl Windows<'_> {
    /// Where each window starts, relative to the operand's first element, or [`OUTSIDE`]; in row-major order of the
    /// indices' batch axes.
    pub(super) fn places(&self, indices: &Value) -> Vec<isize> {
        let batch = &indices.shape()[..indices.rank() - 1];
        let along: Strides = (0..batch.len())
            .map(|d| {
                let pairs = self.batching.0.iter().zip(self.batching.1);
                pairs.filter(|&(_, &i)| i == d).map(|(&operand, _)| self.strides[operand]).sum()
            })
            .collect();
        let mut places = vec![0isize; batch.iter().product()];
        let components = self.map.len();
        integers!(indices.dtype(), T => {
            let all = View::<T>::of(indices).to_contiguous();
            par::chunks(&mut places, 1, 3.0 * (1 + components) as f64, |first, places| {
                let mut start = Odometer::at(batch, [&along], [0], first);
                for (i, place) in places.iter_mut().enumerate() {
                    let index = &all[(first + i) * components..][..components];
                    *place = self.place(start.offsets[0], index.iter().map(|&i| to_i128(i)));
                    start.advance();
                }
            });
        });
        places
    }

    #[inline]
    fn place(&self, mut place: isize, index: impl Iterator<Item = i128>) -> isize {
        for (&d, start) in self.map.iter().zip(index) {
            // The shape rule: the window is not larger than the operand.
            let last = (self.shape[d] - self.sizes[d]) as i128;
            let inside = match self.mode {
                IndexMode::Clip | IndexMode::PromiseInBounds => start.clamp(0, last),
                IndexMode::Fill if (0..=last).contains(&start) => start,
                IndexMode::Fill => return OUTSIDE,
            };
            place += inside as isize * self.strides[d];
        }
        place
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
    let run: usize = window.iter().product();
    let n = ty.elements();
    let storage = by_size!(ty.dtype.size(), T => {
        let mut storage = Storage::zeroed(n * size_of::<T>());
        let out = &mut storage.as_mut_slice::<T>().expect("it is new")[..n];
        if n > 0 {
            let view = View::<T>::of(&x[0]);
            let places = Windows {
                shape: view.shape,
                strides: view.strides,
                sizes: &g.sizes,
                map: &g.start_index_map,
                batching: (&g.operand_batching_axes, &g.indices_batching_axes),
                mode: g.mode,
            }
            .places(&x[1]);
            let steps: Strides = window_axes.iter().map(|&d| view.strides[d]).collect();
            let nest = Nest::new(&window, &[&steps]);
            let fill = outside(ty.dtype) as T;
            par::chunks(out, run, 2.0 + 0.3 * run as f64, |first, out| {
                let places = &places[first..];
                if run == 1 {
                    for (out, &place) in out.iter_mut().zip(places) {
                        let at = || view.data[(view.offset as isize + place) as usize];
                        *out = if place == OUTSIDE { fill } else { at() };
                    }
                    return;
                }
                for (out, &place) in out.chunks_exact_mut(run).zip(places) {
                    if place == OUTSIDE {
                        out.fill(fill);
                        continue;
                    }
                    let start = (view.offset as isize + place) as usize;
                    gather_run(view.data, &nest.sizes, &nest.strides[0], start, 0, out);
                }
            });
        }
        storage
    });
    // From `[batch.., window..]` to the order asked for.
    let batch = &x[1].shape()[..x[1].rank() - 1];
    let kept: Axes = batch.iter().chain(&window).copied().collect();
    let kept = row_major(&kept);
    let (mut of_batch, mut of_window) = (kept[..batch.len()].iter(), kept[batch.len()..].iter());
    let strides = (0..ty.rank())
        .map(|d| if g.offset_axes.contains(&d) { of_window.next() } else { of_batch.next() })
        .map(|stride| *stride.expect("as many axes as the shape rule counted"))
        .collect();
    value(ty, Layout { strides, offset: 0 }, storage)
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
