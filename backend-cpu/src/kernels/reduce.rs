//! Reductions over any axes of any view, as programs over rows and columns.
//!
//! Axes go away one after another, the innermost first: along memory by a program that reduces its columns
//! ([`Pass::along`]), across it by one that adds eight rows at a time to a row of accumulators ([`Pass::across`]). A
//! long axis is cut into blocks whose results are reduced again, so that sums are as accurate as pairwise ones and the
//! order of additions is a matter of the shape alone, never of threads or registers. 16-bit floats accumulate in f32.
//!
//! What is combined, and how, is in [`formulas::reduce`](crate::kernel::formulas::reduce).

use crate::data::{self, CpuData, View};
use crate::dispatch::{by_size, numbers};
use crate::elementwise::{Code, Family};
use crate::kernel::cache::{Key, eager};
use crate::kernel::formulas::reduce::{combine, decode, encode, step};
use crate::kernel::launch::{Operand, launch};
use crate::kernel::{Builder, Kernel, V, Width, cast};
use crate::layout::{Layout, row_major};
use crate::math::Num;
use crate::storage::Storage;
use plywood_core::op::Reduction;
use plywood_core::{DType, TensorType, Value};
use smallvec::{SmallVec, smallvec};

/// Columns that one row of a program reduces; a longer axis is cut.
pub const COLUMNS: usize = 1 << 11;
/// Rows that are added to one row of accumulators; a longer axis is cut.
const ROWS: usize = 512;
/// Rows that are combined in registers before they meet the accumulators.
const GROUP: usize = 8;
/// Rows narrower than this many columns are taken side by side.
const NARROW: usize = 256;

/// Combines all elements along `axes`.
pub fn reduce(ty: TensorType, x: Value, kind: Reduction, axes: &[usize]) -> Value {
    let mut storage = Storage::overwritten(ty.bytes());
    let layout = Layout::row_major(&ty.shape);
    if x.ty().elements() == 0 {
        fill(kind, ty.dtype, &mut storage, ty.elements());
        return data::value(ty, layout, storage);
    }
    let CpuData { layout: of, storage: from } = data::data(&x);
    let mut axis = 0;
    let mut dims: Dims = SmallVec::new();
    for (d, &size) in x.shape().iter().enumerate() {
        let reduced = axes.contains(&d);
        let to = if reduced { None } else { Some(layout.strides[axis]) };
        axis += !reduced as usize;
        dims.push(Dim { size, from: of.strides[d], to });
    }
    let bytes = &mut storage.as_mut_slice::<u8>().expect("it is new")[..ty.bytes()];
    Problem { kind, from: x.dtype(), to: ty.dtype }.run(from.bytes(), of.offset, dims, bytes);
    data::value(ty, layout, storage)
}

/// What a reduction of nothing gives.
fn fill(kind: Reduction, dtype: DType, out: &mut Storage, n: usize) {
    if dtype == DType::Bool {
        let of_nothing = matches!(kind, Reduction::And | Reduction::Min) as u8;
        return out.as_mut_slice::<u8>().expect("it is new")[..n].fill(of_nothing);
    }
    numbers!(dtype, T => {
        let out = &mut out.as_mut_slice::<T>().expect("it is new")[..n];
        out.fill(match kind {
            Reduction::Sum | Reduction::Or | Reduction::Xor => T::ZERO,
            Reduction::Prod => T::ONE,
            Reduction::Max => T::LOWEST,
            Reduction::Min => T::HIGHEST,
            Reduction::And => T::ZERO.sub(T::ONE),
        });
    })
}

/// An axis: its size, its stride in the input, and its stride in the output if it stays. In elements.
#[derive(Clone, Copy, Debug)]
struct Dim {
    size: usize,
    from: isize,
    to: Option<isize>,
}

type Dims = SmallVec<[Dim; 4]>;

/// A reduction of elements of one type to another.
#[derive(Clone, Copy)]
struct Problem {
    kind: Reduction,
    from: DType,
    to: DType,
}

impl Problem {
    /// Reduces elements, the first of which is number `offset` of `x`, into all of `out`.
    fn run(self, x: &[u8], offset: usize, dims: Dims, out: &mut [u8]) {
        let dims = ordered(dims);
        let inner = dims.iter().rposition(|d| d.from != 0).unwrap_or(dims.len() - 1);
        if inner + 1 == dims.len() && dims[inner].from == 1 {
            return self.pass(x, offset, &dims, out);
        }
        // Not along memory: a copy in order, without what only repeats an element that is kept.
        let shape: SmallVec<[usize; 4]> = dims.iter().map(|d| d.size).collect();
        let strides: SmallVec<[isize; 4]> = dims.iter().map(|d| d.from).collect();
        let mut copy = Storage::overwritten(shape.iter().product::<usize>() * self.from.size());
        by_size!(self.from.size(), T => {
            let view = View::<T> { data: bytemuck::cast_slice(x), shape: &shape, strides: &strides, offset };
            let n = shape.iter().product();
            view.copy_into(&mut copy.as_mut_slice::<T>().expect("it is new")[..n]);
        });
        let order = row_major(&shape);
        let dims = dims.iter().zip(&order).map(|(d, &from)| Dim { from, ..*d }).collect();
        self.run(copy.bytes(), 0, dims, out);
    }

    /// Takes one axis away, and goes on with the result until none is left. The last axis lies along memory.
    fn pass(self, x: &[u8], offset: usize, dims: &[Dim], out: &mut [u8]) {
        let (last, outer) = dims.split_last().expect("there is one axis at least");
        if last.to.is_none() {
            return self.along(x, offset, outer, last.size, out);
        }
        let Some(axis) = outer.iter().rposition(|d| d.to.is_none()) else {
            // Nothing is reduced: axes of size 1 were.
            return self.copy(x, offset, dims, out);
        };
        self.across(x, offset, dims, axis, out);
    }

    /// The type that partial results are kept in.
    fn partial(self) -> DType {
        match self.from {
            DType::F16 | DType::BF16 => DType::F32,
            other => other,
        }
    }

    /// Goes on with partial results, which lie in row-major order of these axes.
    fn next(self, partial: &Storage, dims: Dims, out: &mut [u8]) {
        Problem { from: self.partial(), ..self }.run(partial.bytes(), 0, dims, out);
    }

    /// Reduces the innermost axis, of `n` elements.
    fn along(self, x: &[u8], offset: usize, outer: &[Dim], n: usize, out: &mut [u8]) {
        let blocks = n.div_ceil(COLUMNS);
        let done = blocks == 1 && outer.iter().all(|d| d.to.is_some());
        // The partial results: outer axes, then blocks.
        let shape: SmallVec<[usize; 4]> = outer.iter().map(|d| d.size).chain([blocks]).collect();
        let order = row_major(&shape);
        let to = if done { self.to } else { self.partial() };
        let mut partial = match done {
            true => Storage::zeroed(0),
            false => Storage::overwritten(shape.iter().product::<usize>() * to.size()),
        };
        let target: &mut [u8] = if done { out } else { partial.as_mut_slice().expect("it is new") };
        let kernel = self.kernel(Pass::Along, to);
        let mut launch_blocks = |first: usize, count: usize, width: usize| {
            let sizes: SmallVec<[usize; 4]> = outer.iter().map(|d| d.size).chain([count, width]).collect();
            let from = strides(outer.iter().map(|d| d.from).chain([COLUMNS as isize, 1]), self.from);
            let into = match done {
                true => strides(outer.iter().map(|d| d.to.expect("done")).chain([1, 0]), to),
                false => strides(order.iter().copied().chain([0]), to),
            };
            let (size, start) = (self.from.size(), offset + first * COLUMNS);
            let read = Operand::read(x, start * size, &sizes, &from, size);
            let write = Operand::write(target, first * to.size(), &sizes, &into, to.size());
            launch(kernel, &sizes, &[read, write], 0, 1);
        };
        let whole = n / COLUMNS;
        if whole > 0 {
            launch_blocks(0, whole, COLUMNS);
        }
        if n > whole * COLUMNS {
            launch_blocks(whole, 1, n - whole * COLUMNS);
        }
        if !done {
            let mut dims: Dims = (outer.iter().zip(&order)).map(|(d, &from)| Dim { from, ..*d }).collect();
            dims.push(Dim { size: blocks, from: 1, to: None });
            self.next(&partial, dims, out);
        }
    }

    /// Reduces the axis `axis`, where the innermost one stays.
    fn across(self, x: &[u8], offset: usize, dims: &[Dim], axis: usize, out: &mut [u8]) {
        let rows = dims[axis].size;
        let last = dims[dims.len() - 1];
        let narrow = axis + 2 == dims.len() && dims[axis].from == last.size as isize;
        if narrow && last.size < NARROW && rows >= 2 * NARROW.div_ceil(last.size) {
            return self.side_by_side(x, offset, dims, out);
        }
        let blocks = rows.div_ceil(ROWS);
        let others: Dims = dims.iter().enumerate().filter(|(d, _)| *d != axis).map(|(_, d)| *d).collect();
        let outer = &others[..others.len() - 1];
        let to = self.partial();
        let done =
            blocks == 1 && to == self.to && others.iter().all(|d| d.to.is_some()) && last.to == Some(1);
        // The partial results: outer axes, blocks, columns.
        let shape: SmallVec<[usize; 4]> = outer.iter().map(|d| d.size).chain([blocks, last.size]).collect();
        let order = row_major(&shape);
        let mut partial = match done {
            true => Storage::zeroed(0),
            false => Storage::overwritten(shape.iter().product::<usize>() * to.size()),
        };
        let target: &mut [u8] = if done { out } else { partial.as_mut_slice().expect("it is new") };
        let step = dims[axis].from;
        // `count` blocks from block `first` on, of which `groups` groups of `each` rows from row `row` on.
        let mut add = |first: usize, count: usize, row: usize, groups: usize, each: usize, fresh: bool| {
            if count * groups * each == 0 {
                return;
            }
            let sizes: SmallVec<[usize; 5]> =
                outer.iter().map(|d| d.size).chain([count, groups, last.size]).collect();
            let block = ROWS as isize * step;
            let from =
                strides(outer.iter().map(|d| d.from).chain([block, each as isize * step, 1]), self.from);
            let into = match done {
                true => strides(outer.iter().map(|d| d.to.expect("done")).chain([0, 0, 1]), to),
                false => {
                    let blocks = order[outer.len()];
                    strides(order[..outer.len()].iter().copied().chain([blocks, 0, 1]), to)
                }
            };
            let size = self.from.size();
            let first_row = offset as isize + (first * ROWS + row) as isize * step;
            let mut operands: SmallVec<[Operand<'_>; GROUP + 1]> = (0..each)
                .map(|i| {
                    let start = (first_row + i as isize * step) as usize * size;
                    Operand::read(x, start, &sizes, &from, size)
                })
                .collect();
            let place = first * if done { 0 } else { last.size };
            operands.push(Operand::write(target, place * to.size(), &sizes, &into, to.size()));
            let kernel = self.kernel(Pass::Across { rows: each, fresh }, to);
            launch(kernel, &sizes, &operands, 0, groups);
        };
        let whole = rows / ROWS;
        add(0, whole, 0, 1, GROUP, true);
        add(0, whole, GROUP, ROWS / GROUP - 1, GROUP, false);
        let rest = rows - whole * ROWS;
        let groups = rest / GROUP;
        add(whole, 1, 0, usize::from(groups > 0), GROUP, true);
        add(whole, 1, GROUP, groups.saturating_sub(1), GROUP, false);
        add(whole, 1, groups * GROUP, 1, rest % GROUP, groups == 0);
        if !done {
            let mut dims: Dims = (outer.iter().zip(&order)).map(|(d, &from)| Dim { from, ..*d }).collect();
            dims.push(Dim { size: blocks, from: last.size as isize, to: None });
            dims.push(Dim { from: 1, ..last });
            self.next(&partial, dims, out);
        }
    }

    /// Reduces many short rows, one behind the other, as fewer longer ones; what is left over follows.
    fn side_by_side(self, x: &[u8], offset: usize, dims: &[Dim], out: &mut [u8]) {
        let (outer, &[rows, columns]) = dims.split_last_chunk().expect("two axes at least");
        let fold = NARROW.div_ceil(columns.size);
        let (long, rest) = (rows.size / fold, rows.size % fold);
        // Partial results: outer axes, `fold` rows and the left-over ones as they are, columns.
        let n = columns.size;
        let kept = fold + rest;
        let shape: SmallVec<[usize; 4]> = outer.iter().map(|d| d.size).chain([kept, n]).collect();
        let order = row_major(&shape);
        let to = self.partial();
        let mut partial = Storage::overwritten(shape.iter().product::<usize>() * to.size());
        let target: &mut [u8] = partial.as_mut_slice().expect("it is new");
        let part = Problem { to, ..self };
        let into = |i: usize| Some(order[i]);
        let mut wide: Dims = outer.iter().enumerate().map(|(i, d)| Dim { to: into(i), ..*d }).collect();
        let mut left = wide.clone();
        wide.push(Dim { size: long, from: (fold * n) as isize, to: None });
        wide.push(Dim { size: fold * n, from: 1, to: Some(1) });
        part.run(x, offset, wide, target);
        if rest > 0 {
            left.push(Dim { size: rest * n, from: 1, to: Some(1) });
            let (start, place) = (offset + long * fold * n, fold * n * to.size());
            part.copy(x, start, &left, &mut target[place..]);
        }
        let mut dims: Dims = outer.iter().zip(&order).map(|(d, &from)| Dim { from, ..*d }).collect();
        dims.push(Dim { size: kept, from: n as isize, to: None });
        dims.push(Dim { from: 1, ..columns });
        self.next(&partial, dims, out);
    }

    /// Converts elements; nothing is reduced.
    fn copy(self, x: &[u8], offset: usize, dims: &[Dim], out: &mut [u8]) {
        if dims[dims.len() - 1].to != Some(1) {
            return self.reorder(x, offset, dims, out);
        }
        let sizes: SmallVec<[usize; 4]> = dims.iter().map(|d| d.size).collect();
        let from = strides(dims.iter().map(|d| d.from), self.from);
        let into = strides(dims.iter().map(|d| d.to.unwrap_or(0)), self.to);
        let (read, write) = (self.from.size(), self.to.size());
        let kernel = self.kernel(Pass::Copy, self.to);
        let operands = [
            Operand::read(x, offset * read, &sizes, &from, read),
            Operand::write(out, 0, &sizes, &into, write),
        ];
        launch(kernel, &sizes, &operands, 0, 1);
    }

    /// Converts elements that lie in another order than the output's.
    fn reorder(self, x: &[u8], offset: usize, dims: &[Dim], out: &mut [u8]) {
        let shape: SmallVec<[usize; 4]> = dims.iter().map(|d| d.size).collect();
        let order = row_major(&shape);
        let size = self.to.size();
        let mut copy = Storage::overwritten(shape.iter().product::<usize>() * size);
        let straight: Dims = dims.iter().zip(&order).map(|(d, &to)| Dim { to: Some(to), ..*d }).collect();
        self.copy(x, offset, &straight, copy.as_mut_slice().expect("it is new"));
        let mut axes: SmallVec<[(isize, usize, isize); 4]> =
            dims.iter().zip(&order).map(|(d, &from)| (-d.to.unwrap_or(0), d.size, from)).collect();
        axes.sort();
        let (shape, strides): (SmallVec<[usize; 4]>, SmallVec<[isize; 4]>) =
            axes.into_iter().map(|(_, size, from)| (size, from)).unzip();
        by_size!(size, T => {
            let view = View::<T> { data: copy.as_slice(), shape: &shape, strides: &strides, offset: 0 };
            let n = shape.iter().product::<usize>();
            view.copy_into(&mut bytemuck::cast_slice_mut(out)[..n]);
        });
    }

    fn kernel(self, pass: Pass, to: DType) -> &'static Kernel {
        let number = match pass {
            Pass::Along => 0,
            Pass::Copy => 1,
            Pass::Across { rows, fresh } => 2 * rows as u8 + fresh as u8,
        };
        let Code(family, kind) = Code(Family::Reduce, self.kind as u8);
        let types = (self.from as u64) << 4 | to as u64;
        let key = Key(number as u64 | types << 8 | (kind as u64) << 32 | (family as u64) << 40);
        eager(key, || self.program(pass, to))
    }

    fn program(self, pass: Pass, to: DType) -> crate::kernel::Program {
        let b = Builder::new(Width::of(self.from).max(Width::of(to)));
        match pass {
            Pass::Copy => {
                let x = b.input(self.from);
                cast::output(&b, to, x);
            }
            Pass::Along => {
                let all = encode(self.kind, b.input(self.from)).reduce(step(self.kind));
                b.row();
                let all = decode(self.kind, self.from, all);
                cast::output(&b, to, all);
            }
            Pass::Across { rows, fresh } => {
                let inputs: SmallVec<[_; GROUP]> = (0..rows).map(|_| b.arg(self.from)).collect();
                let acc = b.arg(to);
                let mut values: SmallVec<[V<'_>; GROUP]> =
                    inputs.iter().map(|&arg| encode(self.kind, b.load(arg))).collect();
                // Neighbours meet first, then their results.
                while values.len() > 1 {
                    values = values
                        .chunks(2)
                        .map(|pair| if let [a, b] = *pair { combine(self.kind, b, a) } else { pair[0] })
                        .collect();
                }
                let mut all = values[0];
                if !fresh {
                    all = combine(self.kind, all, encode(self.kind, b.load(acc)));
                }
                b.store(acc, decode(self.kind, self.from, all));
            }
        }
        b.finish()
    }
}

/// What a program does with rows and columns.
#[derive(Clone, Copy, Debug)]
enum Pass {
    /// Reduces columns.
    Along,
    /// Adds so many rows to accumulators, which hold nothing yet if it is `fresh`.
    Across { rows: usize, fresh: bool },
    /// Only converts.
    Copy,
}

/// Axes in the order of memory, outermost first, as few as there can be; axes that repeat an element are outermost.
fn ordered(dims: Dims) -> Dims {
    let mut dims: Dims = dims.into_iter().filter(|d| d.size != 1).collect();
    dims.sort_by_key(|d| if d.from == 0 { isize::MIN } else { -d.from.abs() });
    let mut merged: Dims = SmallVec::new();
    for d in dims {
        let n = d.size as isize;
        match merged.last_mut() {
            Some(before) if before.from == d.from * n && before.to == d.to.map(|to| to * n) => {
                *before = Dim { size: before.size * d.size, ..d };
            }
            _ => merged.push(d),
        }
    }
    if merged.is_empty() {
        merged = smallvec![Dim { size: 1, from: 1, to: Some(1) }];
    }
    merged
}

fn strides(elements: impl Iterator<Item = isize>, dtype: DType) -> SmallVec<[isize; 4]> {
    elements.map(|s| s * dtype.size() as isize).collect()
}
