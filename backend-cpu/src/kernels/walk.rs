//! The order in which a reduction visits a strided view.
//!
//! Kept and reduced axes are two nests of loops. Where the reduced axes step closest in memory (row mode) an output is
//! folded from runs of its own elements; where the kept ones do (column mode), runs of rows are folded into as many
//! accumulators. In both, blocks of bounded length are merged as a binary tree grows, so that sums err as pairwise
//! ones do. Where outputs are few, the reduced range is cut into segments, which are merged as a tree as well.
//! What always holds: how a result is computed depends on shape and strides alone, not on the number of threads.

use crate::data::View;
use crate::elementwise::gather;
use crate::layout::{Nest, Odometer, Strides};
use crate::par;
use bytemuck::Pod;
use smallvec::SmallVec;

/// One kind of reduction of `T`, accumulated in `A`: its loops.
pub struct Folds<T, A> {
    /// What combines with anything to that.
    pub identity: A,
    /// All elements of a run into one (which starts from the identity).
    pub run: fn(A, &[T]) -> A,
    /// Elements into as many accumulators.
    pub across: fn(&mut [A], &[T]),
    /// Later partial results into earlier ones.
    pub merge: fn(&mut [A], &[A]),
    /// The result.
    pub lower: fn(A) -> T,
}

/// Elements of a run that are folded at once; also of the tile that they are gathered into.
const RUN: usize = 1024;
/// Outputs that are accumulated side by side.
const WIDTH: usize = 256;
/// Rows that are folded one after another before they are merged as a tree.
const ROWS: usize = 16;
/// Elements of a segment, and up to how many outputs there are segments.
const SEGMENT: usize = 1 << 16;
const FEW: usize = 1 << 12;

/// The loops of a reduction over one view.
struct Walk<'a, T, A> {
    x: View<'a, T>,
    folds: &'a Folds<T, A>,
    kept: Nest,
    reduced: Nest,
    column: bool,
}

/// Folds the axes of `x`; `out` has the others, in row-major order.
pub fn fold<T: Pod + Send + Sync, A: Pod + Send + Sync>(
    x: View<'_, T>,
    axes: &[usize],
    folds: &Folds<T, A>,
    out: &mut [T],
) {
    let walk = Walk::new(x, axes, folds);
    let (outputs, rows) = (out.len(), walk.reduced.sizes.iter().product::<usize>());
    if outputs == 0 {
        return;
    }
    let segment = (SEGMENT / outputs).max(RUN);
    let segments = if outputs <= FEW { rows.div_ceil(segment).max(1) } else { 1 };
    if segments == 1 {
        par::chunks(out, 1, 0.3 * rows as f64 + 2.0, |first, out| {
            for (i, out) in out.chunks_mut(WIDTH).enumerate() {
                let mut acc = [folds.identity; WIDTH];
                walk.fold(first + i * WIDTH, 0, rows, &mut acc[..out.len()]);
                out.iter_mut().zip(acc).for_each(|(out, acc)| *out = (folds.lower)(acc));
            }
        });
        return;
    }
    let mut partial = vec![folds.identity; segments * outputs];
    par::chunks(&mut partial, outputs, 0.3 * (segment * outputs) as f64, |first, partial| {
        for (i, acc) in partial.chunks_exact_mut(outputs).enumerate() {
            let start = (first + i) * segment;
            for (j, acc) in acc.chunks_mut(WIDTH).enumerate() {
                walk.fold(j * WIDTH, start, segment.min(rows - start), acc);
            }
        }
    });
    let mut step = 1;
    while step < segments {
        for pair in partial.chunks_mut(2 * step * outputs) {
            if let Some((earlier, later)) = pair.split_at_mut_checked(step * outputs)
                && !later.is_empty()
            {
                (folds.merge)(&mut earlier[..outputs], &later[..outputs]);
            }
        }
        step *= 2;
    }
    out.iter_mut().zip(partial).for_each(|(out, acc)| *out = (folds.lower)(acc));
}

/// The nests of the axes that are kept, in their order, and of the others, the closest steps innermost.
pub fn nests(shape: &[usize], strides: &[isize], axes: &[usize]) -> (Nest, Nest) {
    let of = |dims: &[usize]| {
        let sizes: SmallVec<[usize; 4]> = dims.iter().map(|&d| shape[d]).collect();
        let strides: Strides = dims.iter().map(|&d| strides[d]).collect();
        Nest::new(&sizes, &[&strides])
    };
    let kept: SmallVec<[usize; 4]> = (0..shape.len()).filter(|d| !axes.contains(d)).collect();
    let mut reduced: SmallVec<[usize; 4]> = axes.into();
    reduced.sort_by_key(|&d| std::cmp::Reverse(strides[d].unsigned_abs()));
    (of(&kept), of(&reduced))
}

/// Whether neighbouring outputs lie closer together than neighbouring elements of one output, and are many.
pub fn is_column(kept: &Nest, reduced: &Nest) -> bool {
    let step = |nest: &Nest| nest.strides[0][nest.sizes.len() - 1].unsigned_abs();
    kept.inner() >= 8 && step(kept) < step(reduced) && reduced.inner() > 1
}

impl<'a, T: Pod, A: Pod> Walk<'a, T, A> {
    fn new(x: View<'a, T>, axes: &[usize], folds: &'a Folds<T, A>) -> Self {
        let (kept, reduced) = nests(x.shape, x.strides, axes);
        let column = is_column(&kept, &reduced);
        Walk { x, folds, kept, reduced, column }
    }

    /// Folds `rows` reduced indices from `start` on into the outputs from `first` on.
    fn fold(&self, first: usize, start: usize, rows: usize, acc: &mut [A]) {
        if rows == 0 {
            return;
        }
        if !self.column {
            let strides = &self.kept.strides[0];
            let mut at = Odometer::at(&self.kept.sizes, [strides], [self.x.offset as isize], first);
            for acc in acc {
                *acc = self.row(at.offsets[0] as usize, start, rows);
                at.advance();
            }
            return;
        }
        // Each piece of the outputs lies within one innermost run of the kept axes.
        let (inner, mut done) = (self.kept.inner(), 0);
        while done < acc.len() {
            let position = first + done;
            let n = (acc.len() - done).min(inner - position % inner);
            let strides = &self.kept.strides[0];
            let at = Odometer::at(&self.kept.sizes, [strides], [self.x.offset as isize], position);
            self.columns(at.offsets[0], start, rows, &mut acc[done..done + n]);
            done += n;
        }
    }

    /// One output: its elements in runs, merged as a tree.
    fn row(&self, offset: usize, start: usize, rows: usize) -> A {
        let Folds { identity, run, .. } = *self.folds;
        let (sizes, strides) = (&self.reduced.sizes[..], &self.reduced.strides[0][..]);
        let contiguous =
            (sizes.len() == 1 && strides[0] == 1).then(|| &self.x.data[offset + start..][..rows]);
        match contiguous {
            Some(all) if rows <= RUN => run(identity, all),
            Some(all) => {
                let mut tree = Tree::new(1, self.folds);
                all.chunks(RUN).for_each(|xs| tree.push(&mut [run(identity, xs)]));
                tree.finish()[0]
            }
            None if rows <= RUN / 16 => {
                let mut tile = [T::zeroed(); RUN / 16];
                gather(self.x.data, sizes, strides, offset, start, &mut tile[..rows]);
                run(identity, &tile[..rows])
            }
            None => {
                let mut tree = Tree::new(1, self.folds);
                let mut tile = [T::zeroed(); RUN];
                for from in (0..rows).step_by(RUN) {
                    let tile = &mut tile[..RUN.min(rows - from)];
                    gather(self.x.data, sizes, strides, offset, start + from, tile);
                    tree.push(&mut [run(identity, tile)]);
                }
                tree.finish()[0]
            }
        }
    }

    /// Neighbouring outputs: rows of their elements, some one after another, then merged as a tree.
    fn columns(&self, offset: isize, start: usize, rows: usize, acc: &mut [A]) {
        let step = *self.kept.strides[0].last().expect("a nest has an innermost level");
        let (sizes, strides) = (&self.reduced.sizes[..], &self.reduced.strides[0][..]);
        let mut at = Odometer::at(sizes, [strides], [offset], start);
        let mut tile = [T::zeroed(); WIDTH];
        let tile = &mut tile[..acc.len()];
        let mut tree = Tree::new(acc.len(), self.folds);
        let mut left = rows;
        while left > 0 {
            acc.fill(self.folds.identity);
            for _ in 0..left.min(ROWS) {
                let from = at.offsets[0];
                if step == 1 {
                    (self.folds.across)(acc, &self.x.data[from as usize..from as usize + acc.len()]);
                } else {
                    for (i, x) in tile.iter_mut().enumerate() {
                        *x = self.x.data[(from + i as isize * step) as usize];
                    }
                    (self.folds.across)(acc, tile);
                }
                at.advance();
            }
            left -= left.min(ROWS);
            if left == 0 && rows <= ROWS {
                return;
            }
            tree.push(acc);
        }
        acc.copy_from_slice(tree.finish());
    }
}

/// Partial results of equal weight are merged in pairs as they come, like the carries of a binary counter.
struct Tree<'a, T, A> {
    width: usize,
    pushed: usize,
    /// The waiting partial results: for each bit of `pushed` that is set, the highest first.
    levels: SmallVec<[A; 24]>,
    folds: &'a Folds<T, A>,
}

impl<'a, T, A: Pod> Tree<'a, T, A> {
    fn new(width: usize, folds: &'a Folds<T, A>) -> Self {
        Tree { width, pushed: 0, levels: SmallVec::new(), folds }
    }

    /// One more partial result. It may be overwritten.
    fn push(&mut self, acc: &mut [A]) {
        self.levels.extend_from_slice(acc);
        self.pushed += 1;
        for _ in 0..self.pushed.trailing_zeros() {
            self.merge_last();
        }
    }

    fn merge_last(&mut self) {
        let last = self.levels.len() - self.width;
        let (earlier, later) = self.levels.split_at_mut(last);
        (self.folds.merge)(&mut earlier[last - self.width..], later);
        self.levels.truncate(last);
    }

    /// All of them; there was at least one.
    fn finish(&mut self) -> &[A] {
        while self.levels.len() > self.width {
            self.merge_last();
        }
        &self.levels
    }
}
