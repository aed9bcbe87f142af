//! Writing windows at computed places.
//!
//! The operand's storage is taken over where nobody else holds it, else copied. Windows are found as in gather and
//! meet it in the updates' row-major order; where they lie in one row of the operand each, threads share the rows.
//! The walk knows only the elements' size; a loop of their type combines one run of them.
//! What always holds: an update whose window reaches outside is dropped whole (or moved inside, by the mode), and no
//! result depends on the number of threads.

use super::gather::{OUTSIDE, Windows};
use crate::data::{View, owned, value};
use crate::dispatch::{by_size, numbers, stored};
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::math::Num;
use crate::par;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::op::{Scatter, ScatterKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Value, Values};

/// Inputs: operand, indices, updates.
pub fn scatter(ty: TensorType, mut x: Values, s: &Scatter) -> Value {
    let (updates, indices) = (x.pop().expect("three inputs"), x.pop().expect("three inputs"));
    let mut storage = owned(x.pop().expect("three inputs"));
    let sizes = s.window_sizes(ty.rank(), updates.shape());
    let layout = Layout::row_major(&ty.shape);
    if updates.ty().elements() > 0 && ty.elements() > 0 {
        let places = Windows {
            shape: &ty.shape,
            strides: &layout.strides,
            sizes: &sizes,
            map: &s.index_map,
            batching: (&s.operand_batching_axes, &s.indices_batching_axes),
            mode: s.mode,
        }
        .places(&indices);
        let work = Work { s, shape: &ty.shape, sizes: &sizes, places: &places, updates: &updates };
        by_size!(ty.dtype.size(), T => {
            let out = &mut storage.as_mut_slice::<T>().expect("it is owned")[..ty.elements()];
            match combination(s.kind, ty.dtype) {
                None => work.run(out, |out, new| out.copy_from_slice(new)),
                Some(kernel) => work.run(out, |out, new| kernel(cast_slice_mut(out), cast_slice(new))),
            }
        })
    }
    value(ty, layout, storage)
}

/// A loop over elements and as many updates, that puts what comes of both in the elements' places.
type Combination = fn(&mut [u8], &[u8]);

/// How elements and updates combine, the only part that knows their type; `None` where updates replace elements.
fn combination(kind: ScatterKind, dtype: DType) -> Option<Combination> {
    match kind {
        ScatterKind::Set => None,
        ScatterKind::Add => Some(numbers!(dtype, T => |out, new| each(out, new, <T as Num>::add))),
        ScatterKind::Mul => Some(numbers!(dtype, T => |out, new| each(out, new, <T as Num>::mul))),
        ScatterKind::Min => Some(stored!(dtype, T => |out, new| each(out, new, <T as Num>::min))),
        ScatterKind::Max => Some(stored!(dtype, T => |out, new| each(out, new, <T as Num>::max))),
    }
}

#[inline(always)]
fn each<T: Pod>(out: &mut [u8], new: &[u8], f: impl Fn(T, T) -> T) {
    let out = cast_slice_mut::<u8, T>(out);
    out.iter_mut().zip(cast_slice::<u8, T>(new)).for_each(|(out, &new)| *out = f(*out, new));
}

/// Windows shorter than this are not worth that every thread looks through all places.
const SHARED: usize = 16;

struct Work<'a> {
    s: &'a Scatter,
    shape: &'a [usize],
    sizes: &'a [usize],
    places: &'a [isize],
    updates: &'a Value,
}

impl Work<'_> {
    /// Writes all updates into the operand's elements.
    fn run<T: Pod + Send + Sync>(&self, out: &mut [T], combine: impl Fn(&mut [T], &[T]) + Copy + Sync) {
        let updates = View::<T>::of(self.updates);
        let rank = updates.shape.len();
        let batch: Axes = (0..rank).filter(|d| !self.s.window_axes.contains(d)).collect();
        let strides = row_major(self.shape);
        let window_axes = self.s.operand_window_axes(self.shape.len());
        let in_operand: Strides = window_axes.iter().map(|&d| strides[d]).collect();
        if !self.s.window_axes.iter().copied().eq(batch.len()..rank) {
            return self.one_by_one(out, updates, &batch, &in_operand, combine);
        }
        let window: Axes = window_axes.iter().map(|&d| self.sizes[d]).collect();
        let (of_batch, of_window) = updates.strides.split_at(batch.len());
        let nest = Nest::new(&window, &[&in_operand, of_window]);
        let run: usize = window.iter().product();
        // Threads share the rows; each looks for the windows that lie in its own.
        let (rows, row) = match self.shape {
            [rows, rest @ ..] if self.sizes[0] == 1 && run >= SHARED => (*rows, rest.iter().product()),
            _ => (1, out.len()),
        };
        let work = if rows == 1 { 0.0 } else { (self.places.len() * run) as f64 / rows as f64 };
        par::chunks(out, row, work, |first, out| {
            let start = (first * row) as isize;
            let own = start..start + out.len() as isize;
            let sizes = &updates.shape[..batch.len()];
            let mut from = Odometer::at(sizes, [of_batch], [updates.offset as isize], 0);
            for &place in self.places {
                if place != OUTSIDE && own.contains(&place) {
                    window_into(out, place - start, updates.data, from.offsets[0], &nest, combine);
                }
                from.advance();
            }
        });
    }

    /// In the updates' row-major order where window axes are not the last ones: element by element.
    fn one_by_one<T: Pod>(
        &self,
        out: &mut [T],
        updates: View<'_, T>,
        batch: &[usize],
        in_operand: &[isize],
        combine: impl Fn(&mut [T], &[T]),
    ) {
        let rank = updates.shape.len();
        let (mut which, mut inside) = (Strides::from_elem(0, rank), Strides::from_elem(0, rank));
        let sizes: Axes = batch.iter().map(|&d| updates.shape[d]).collect();
        batch.iter().zip(row_major(&sizes)).for_each(|(&d, stride)| which[d] = stride);
        self.s.window_axes.iter().zip(in_operand).for_each(|(&d, &stride)| inside[d] = stride);
        let strides = [updates.strides, &which, &inside];
        let mut at = Odometer::at(updates.shape, strides, [updates.offset as isize, 0, 0], 0);
        for _ in 0..updates.shape.iter().product() {
            let [from, which, inside] = at.offsets;
            let place = self.places[which as usize];
            if place != OUTSIDE {
                let (to, from) = ((place + inside) as usize, from as usize);
                combine(&mut out[to..=to], &updates.data[from..=from]);
            }
            at.advance();
        }
    }
}

/// One window of the updates, which starts at `from`, into the operand at `place`.
#[inline]
fn window_into<T: Pod>(
    out: &mut [T],
    place: isize,
    updates: &[T],
    from: isize,
    nest: &Nest,
    combine: impl Fn(&mut [T], &[T]),
) {
    let outer = nest.sizes.len() - 1;
    let (n, to_step, from_step) = (nest.sizes[outer], nest.strides[0][outer], nest.strides[1][outer]);
    let strides = [&nest.strides[0][..outer], &nest.strides[1][..outer]];
    let mut at = Odometer::at(&nest.sizes[..outer], strides, [place, from], 0);
    for _ in 0..nest.sizes[..outer].iter().product() {
        let [to, from] = at.offsets;
        if (to_step, from_step) == (1, 1) {
            let (to, from) = (to as usize, from as usize);
            combine(&mut out[to..to + n], &updates[from..from + n]);
        } else {
            for i in 0..n as isize {
                let (to, from) = ((to + i * to_step) as usize, (from + i * from_step) as usize);
                combine(&mut out[to..=to], &updates[from..=from]);
            }
        }
        at.advance();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::data;
    use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
    use plywood_core::Op;
    use plywood_core::op::IndexMode;
    use std::sync::Arc;

    fn op(s: &Scatter) -> Op {
        Op::Scatter(Arc::new(s.clone()))
    }

    /// A random scatter: operand shape, shape of the indices, shape of the updates.
    fn sample(
        numbers: &mut Numbers,
        kind: ScatterKind,
        mode: IndexMode,
    ) -> (Vec<usize>, Vec<usize>, Vec<usize>, Scatter) {
        let rank = 1 + numbers.below(3);
        let mut shape: Vec<usize> = numbers.shape(rank, 5).iter().map(|n| n + 1).collect();
        let rank_of_batch = numbers.below(3);
        let batch = numbers.shape(rank_of_batch, 4);
        let (mut inserted, mut batching, mut along) = (Axes::new(), Axes::new(), Axes::new());
        let mut sizes = vec![];
        for (d, n) in shape.iter_mut().enumerate() {
            match numbers.below(4) {
                0 => inserted.push(d),
                1 if along.len() < batch.len() && batch[along.len()] > 0 => {
                    *n = batch[along.len()];
                    along.push(along.len());
                    batching.push(d);
                }
                _ => sizes.push(numbers.below(*n + 1)),
            }
        }
        let mut map: Axes = (0..rank).filter(|d| !batching.contains(d)).collect();
        while !map.is_empty() && numbers.below(3) == 0 {
            map.remove(numbers.below(map.len()));
        }
        let total = batch.len() + sizes.len();
        let mut window_axes: Axes = (0..total).collect();
        while window_axes.len() > sizes.len() {
            let first = numbers.below(2) == 0;
            window_axes.remove(if first { 0 } else { numbers.below(window_axes.len()) });
        }
        let (mut of_batch, mut of_window) = (batch.iter(), sizes.iter());
        let updates = (0..total)
            .map(|d| if window_axes.contains(&d) { of_window.next() } else { of_batch.next() })
            .map(|n| *n.expect("as many as counted"))
            .collect();
        let indices = [batch, vec![map.len()]].concat();
        let s = Scatter {
            kind,
            window_axes,
            inserted_axes: inserted,
            operand_batching_axes: batching,
            indices_batching_axes: along,
            index_map: map,
            mode,
        };
        (shape, indices, updates, s)
    }

    fn naive(
        shape: &[usize],
        x: &[f64],
        (index_shape, at): (&[usize], &[f64]),
        (update_shape, updates): (&[usize], &[f64]),
        s: &Scatter,
        dtype: DType,
    ) -> Vec<f64> {
        let mut out = x.to_vec();
        let sizes = s.window_sizes(shape.len(), update_shape);
        let windows = s.operand_window_axes(shape.len());
        'updates: for (u, &new) in updates.iter().enumerate() {
            let u = index(update_shape, u);
            let batch: Vec<usize> =
                (0..u.len()).filter(|d| !s.window_axes.contains(d)).map(|d| u[d]).collect();
            let mut to = vec![0; shape.len()];
            for (c, &d) in s.index_map.iter().enumerate() {
                let start = at[flat(index_shape, &[&batch[..], &[c]].concat())];
                let last = (shape[d] - sizes[d]) as f64;
                if s.mode == IndexMode::Fill && !(0.0..=last).contains(&start) {
                    continue 'updates;
                }
                to[d] = start.clamp(0.0, last) as usize;
            }
            let pairs = s.operand_batching_axes.iter().zip(&s.indices_batching_axes);
            pairs.for_each(|(&d, &i)| to[d] = batch[i]);
            windows.iter().zip(&s.window_axes).for_each(|(&d, &i)| to[d] += u[i]);
            let old = &mut out[flat(shape, &to)];
            let new = match s.kind {
                ScatterKind::Set => new,
                ScatterKind::Add => *old + new,
                ScatterKind::Mul => *old * new,
                ScatterKind::Min => old.min(new),
                ScatterKind::Max => old.max(new),
            };
            // In the dtype's arithmetic, step by step.
            *old = elements(&tensor(&[new], &[], dtype))[0];
            if dtype == DType::I8 {
                *old = new as i64 as i8 as f64;
            }
        }
        out
    }

    #[test]
    fn scatters_write_windows() {
        let mut numbers = Numbers(7);
        let modes = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];
        let dtypes = [DType::F32, DType::I8, DType::F64, DType::BF16, DType::Bool];
        let kinds = [DType::I32, DType::U8, DType::I64];
        for round in 0..4000 {
            let dtype = dtypes[round % 5];
            let mut kind = ScatterKind::ALL[numbers.below(5)];
            if dtype == DType::Bool && matches!(kind, ScatterKind::Add | ScatterKind::Mul) {
                kind = ScatterKind::Set;
            }
            let (shape, index_shape, update_shape, s) = sample(&mut numbers, kind, modes[round % 3]);
            let (x, look) = numbers.tensor(&shape, dtype);
            let (indices, at) = numbers.tensor(&index_shape, kinds[round % 3]);
            let (updates, new) = numbers.tensor(&update_shape, dtype);
            let want = naive(&shape, &look, (&index_shape, &at), (&update_shape, &new), &s, dtype);
            // Shared, then unshared.
            for operand in [x.clone(), tensor(&look, &shape, dtype)] {
                let got = execute1(&op(&s), vec![operand, indices.clone(), updates.clone()]);
                let got = elements(&got);
                let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
                let equal = got.iter().zip(&want).all(same);
                assert!(equal, "{s:?} {dtype} {shape:?} at {at:?} of {new:?}: {got:?}, not {want:?}");
            }
            assert_eq!(elements(&x), look, "a shared operand stays as it is");
        }
    }

    fn rows(kind: ScatterKind) -> Scatter {
        Scatter {
            kind,
            window_axes: Axes::from_slice(&[1]),
            inserted_axes: Axes::from_slice(&[0]),
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            index_map: Axes::from_slice(&[0]),
            mode: IndexMode::Fill,
        }
    }

    #[test]
    fn rows_are_added_to_a_table_by_threads_in_order() {
        let at: Vec<f64> = (0..5000).map(|i| (i * 7 % 1003) as f64).collect();
        let new: Vec<f64> = (0..5000 * 64).map(|i| (i % 9) as f64).collect();
        for kind in [ScatterKind::Add, ScatterKind::Set] {
            let mut want = vec![1.0; 64_000];
            for (row, new) in at.iter().zip(new.chunks(64)).filter(|(row, _)| **row < 1000.0) {
                for (old, new) in want[*row as usize * 64..][..64].iter_mut().zip(new) {
                    *old = if kind == ScatterKind::Add { *old + new } else { *new };
                }
            }
            let x = tensor(&[1.0; 64_000], &[1000, 64], DType::F32);
            let address = data(&x).storage.bytes().as_ptr();
            let (at, new) = (tensor(&at, &[5000, 1], DType::I32), tensor(&new, &[5000, 64], DType::F32));
            let got = execute1(&op(&rows(kind)), vec![x, at, new]);
            assert_eq!(elements(&got), want);
            assert_eq!(data(&got).storage.bytes().as_ptr(), address, "unshared: in place");
        }
    }

    #[test]
    fn nan_stays() {
        for kind in [ScatterKind::Min, ScatterKind::Max] {
            let x = tensor(&[1.0, f64::NAN, 1.0, 1.0], &[2, 2], DType::F32);
            let new = tensor(&[f64::NAN, 2.0], &[1, 2], DType::F32);
            let got =
                elements(&execute1(&op(&rows(kind)), vec![x, tensor(&[0.0], &[1, 1], DType::I32), new]));
            assert!(got[0].is_nan() && got[1].is_nan() && got[2..] == [1.0, 1.0], "{got:?}");
        }
    }
}
