//! From a product to calls of micro-kernels: what is packed, how loops are cut, what threads share.
//!
//! The output is cut into tasks, blocks of rows and columns that threads take; a task goes over the inner axis block
//! by block, over its panels of columns (one of the right operand stays in the first cache), over its panels of rows.
//! An operand is packed, by all threads and before any task, unless kernels can read it where it lies and use it too
//! seldom for a copy to pay. All of a panel's sizes are even: 9 rows are 5 and 4, not 8 and 1.
//!
//! What decides about rounding, blocks of the inner axis, comes from sizes and strides alone.

#![allow(unsafe_code)]

use super::amx;
use super::kernel::{Call, Isa, Kind, Left, Shape, UNROLL};
use super::pack::{One, Packing, Pairs, Panel, Source, Widen, pack};
use super::panels::{Out, Panels, Shared, Side};
use super::{Finish, Matrix, OfTile, Rounded, Then, round_row};
use crate::kernel::target::{Features, Target};
use crate::par;
use crate::pool::{Scratch, scratch};
use bytemuck::Pod;
use std::ops::Range;
use std::ptr::null;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Steps of the inner axis in a block, at most: a panel of the right operand stays in the first cache.
const DEPTH: usize = 256;
/// The same where the right operand is read in place: so many of its rows are walked side by side.
const DEPTH_IN_PLACE: usize = 128;
/// Steps in one block where nothing is packed, at most.
const DEPTH_SMALL: usize = 512;
/// Rows of a task, at most: its block of the left operand stays in the second cache.
const TASK_ROWS: usize = 128;
/// Bytes up to which operands count as small: they are in the second cache, or soon will be.
const SMALL: usize = 160 << 10;
/// Bytes up to which a left operand whose rows are contiguous is read in place.
const FITS: usize = 1 << 20;
/// Bytes from row to row up to which a right operand is read in place.
const NARROW: usize = 512;
/// Bytes of a packed operand, at most; larger products are done in parts.
const PACKED: usize = 64 << 20;
/// Steps of a panel that are packed before those of the next panel.
const SLAB: usize = 32;
/// Nanoseconds to pack an element.
const PACK: f64 = 0.4;
/// Operations of a step of one column and row that a thread does in a nanosecond, about.
const RATE: f64 = 60.0;

/// What operands are made of.
pub trait Input<S>: Widen<S> {
    /// The kernels for it on this target.
    fn kind(target: Target) -> Option<(Isa, Kind)>;
    /// Whether there are kernels of pairs, [`Kind::Bf16`].
    const PAIRS: bool = false;
    /// Whether kernels of this kind read the numbers as they are.
    fn as_is(kind: Kind) -> bool;
}

impl Input<f32> for f32 {
    fn kind(target: Target) -> Option<(Isa, Kind)> {
        Some((Isa::of(target, Kind::F32)?, Kind::F32))
    }

    fn as_is(_: Kind) -> bool {
        true
    }
}

impl Input<f64> for f64 {
    fn kind(target: Target) -> Option<(Isa, Kind)> {
        Some((Isa::of(target, Kind::F64)?, Kind::F64))
    }

    fn as_is(_: Kind) -> bool {
        true
    }
}

impl Input<f32> for half::f16 {
    fn kind(target: Target) -> Option<(Isa, Kind)> {
        Some((Isa::of(target, Kind::F32)?, Kind::F32))
    }

    fn as_is(_: Kind) -> bool {
        false
    }
}

impl Input<f32> for half::bf16 {
    const PAIRS: bool = true;

    fn kind(target: Target) -> Option<(Isa, Kind)> {
        // In bf16 where that is not slower than in f32.
        let pays = Features::detected().fast_pairs || amx::available();
        match Isa::of(target, Kind::Bf16).filter(|_| pays) {
            Some(isa) => Some((isa, Kind::Bf16)),
            None => Some((Isa::of(target, Kind::F32)?, Kind::F32)),
        }
    }

    fn as_is(kind: Kind) -> bool {
        kind == Kind::Bf16
    }
}

/// Writes `finish(x y)` to `out`, row-major with `stride` elements from row to row; `out` may hold anything at first.
/// `threads`: whether they may share the work. False where the target runs no machine code: nothing is written.
#[allow(clippy::too_many_arguments)]
pub fn multiply<I: Input<S>, S: Pod + Send + Sync, O: Rounded<S>>(
    target: Target,
    [m, k, n]: [usize; 3],
    out: &mut [O],
    stride: usize,
    x: Matrix<'_, I>,
    y: Matrix<'_, I>,
    finish: Finish<'_, S>,
    threads: bool,
) -> bool {
    let Some((isa, kind)) = I::kind(target) else { return false };
    if m == 0 || n == 0 {
        return true;
    }
    let fits = (m == 1 || stride >= n) && (m - 1) * stride + n <= out.len();
    assert!(fits, "a product of {m} rows of {n} in {} elements", out.len());
    assert!(k == 0 || x.holds(m, k) && y.holds(k, n), "an operand reaches outside its data");
    assert!(finish.bias().is_none_or(|bias| bias.len() >= n), "a bias for each of {n} columns");
    let plan = Plan { isa, kind, m, k, n, threads };
    let out = Out { at: Shared(out.as_mut_ptr()), stride };
    match kind {
        Kind::F32 | Kind::F64 => plan.parts::<I, S, O>(Way::Widened, x, y, out, finish),
        Kind::Bf16 if amx::pays([m, k, n]) => plan.parts::<I, S, O>(Way::Tiles, x, y, out, finish),
        Kind::Bf16 => plan.parts::<I, S, O>(Way::Pairs, x, y, out, finish),
    }
    true
}

/// Gives the sums of `x y`, tile by tile, to a function that threads may call at a time. False where the target runs no
/// machine code: nothing is done.
pub fn multiply_then<S: Input<S> + Rounded<S>>(
    target: Target,
    [m, k, n]: [usize; 3],
    x: Matrix<'_, S>,
    y: Matrix<'_, S>,
    take: OfTile<'_, S>,
    threads: bool,
) -> bool {
    let Some((isa, kind)) = S::kind(target) else { return false };
    assert!(k == 0 || x.holds(m, k) && y.holds(k, n), "an operand reaches outside its data");
    let plan = Plan { isa, kind, m, k, n, threads };
    // No element is written there.
    let out = Out { at: Shared(std::ptr::dangling_mut::<S>()), stride: n };
    plan.parts::<S, S, S>(Way::Widened, x, y, out, Finish::Then(Then::new(take)));
    true
}

/// By which kernels.
#[derive(Clone, Copy)]
enum Way {
    /// Numbers as they are, or widened.
    Widened,
    /// Pairs of bf16.
    Pairs,
    /// Tiles of bf16.
    Tiles,
}

struct Plan {
    isa: Isa,
    kind: Kind,
    m: usize,
    k: usize,
    n: usize,
    threads: bool,
}

impl Plan {
    fn rows(&self) -> Panels {
        Panels::new(self.m, 1, self.isa.tile().0)
    }

    fn columns(&self) -> Panels {
        Panels::new(self.n, self.isa.lanes(self.kind), self.isa.tile().1)
    }

    /// Nanoseconds of one thread for a part of the output.
    fn work(&self, rows: usize, columns: usize) -> f64 {
        (rows * columns) as f64 * self.k as f64 * self.kind.bytes() as f64 / 4.0 / RATE
    }

    /// The whole product, in parts of columns and rows whose panels are not too large.
    fn parts<I, S, O>(&self, way: Way, x: Matrix<'_, I>, y: Matrix<'_, I>, out: Out<O>, finish: Finish<'_, S>)
    where
        I: Input<S>,
        S: Pod + Send + Sync,
        O: Rounded<S>,
    {
        let most = (PACKED / (self.k.max(1) * size_of::<I>().max(2))).max(256);
        let step = |n: usize| n.div_ceil(n.div_ceil(most)).next_multiple_of(64);
        for j in (0..self.n).step_by(step(self.n)) {
            for i in (0..self.m).step_by(step(self.m)) {
                let (m, n) = (step(self.m).min(self.m - i), step(self.n).min(self.n - j));
                let part = Plan { m, n, ..*self };
                let (x, y, finish) = (x.at_row(i), y.at_column(j), finish.at(i, j));
                let out = || Out { at: Shared(out.at.at(i * out.stride + j)), stride: out.stride };
                let exact = match way {
                    Way::Pairs if I::PAIRS => part.run::<Pairs<I>, S, O>(x, y, out(), finish),
                    Way::Tiles if I::PAIRS => {
                        amx::run::<I, S, O>([m, self.k, n], x, y, out(), finish, self.threads)
                    }
                    Way::Widened | Way::Pairs | Way::Tiles => false,
                };
                if !exact {
                    let kind = if self.kind == Kind::Bf16 { Kind::F32 } else { self.kind };
                    let exact = Plan { kind, ..part }.run::<One<I, S>, S, O>(x, y, out(), finish);
                    debug_assert!(exact, "nothing is lost where numbers are widened");
                }
            }
        }
    }

    /// One part. False where an operand has numbers that the kernels take for zero; then the output may hold anything.
    fn run<P, S, O>(
        &self,
        x: Matrix<'_, P::From>,
        y: Matrix<'_, P::From>,
        out: Out<O>,
        finish: Finish<'_, S>,
    ) -> bool
    where
        P: Packing,
        P::From: Input<S>,
        S: Pod + Send + Sync,
        O: Rounded<S>,
    {
        let steps = self.k.div_ceil(P::PER);
        let (rows, columns) = (self.rows(), self.columns());
        let element = size_of::<P::From>();
        let as_is = <P::From as Input<S>>::as_is(self.kind);
        let small = (self.m + self.n) * self.k * element <= SMALL;
        // The left operand: any one axis may be contiguous, if pairs are whole.
        let left_rows = x.columns == 1 && (P::PER == 1 || self.k.is_multiple_of(2));
        // A left operand that the second cache holds, and a right one whose rows are short, so that steps are close.
        let fits = self.m * self.k * element <= FITS;
        let narrow = y.rows.unsigned_abs() * element <= NARROW;
        let left_there = as_is
            && (left_rows || P::PER == 1 && x.rows == 1)
            && (small || left_rows && (fits || columns.count <= 2));
        let right_there = as_is && P::PER == 1 && y.columns == 1 && (small || narrow || rows.count <= 2);
        let depth = match (left_there, right_there) {
            _ if small && left_there && right_there && steps <= DEPTH_SMALL => DEPTH_SMALL,
            (_, true) => DEPTH_IN_PLACE,
            (_, false) => DEPTH,
        };
        let blocks = Panels::new(steps, 1, depth);
        let mut buffers = (None, None);
        let lost = AtomicBool::new(
            left_there && P::any_lost_in(x, [self.m, self.k])
                || right_there && P::any_lost_in(y, [self.k, self.n]),
        );
        let left = if left_there {
            // (Backwards, where the operand lies so.)
            let along = if left_rows { (P::PER * element) as isize } else { element as isize * x.columns };
            let at = x.data.as_ptr().wrapping_offset(x.offset).cast();
            Side::There { at, across: x.rows * element as isize, along }
        } else {
            let x =
                Source { data: x.data, offset: x.offset, across: x.rows, along: x.columns, depth: self.k };
            self.pack::<P>(x, rows, blocks, &mut buffers.0, &lost)
        };
        let right = if right_there {
            let at = y.data.as_ptr().wrapping_offset(y.offset).cast();
            Side::There { at, across: element as isize, along: y.rows * element as isize }
        } else {
            let y =
                Source { data: y.data, offset: y.offset, across: y.columns, along: y.rows, depth: self.k };
            self.pack::<P>(y, columns, blocks, &mut buffers.1, &lost)
        };
        if lost.into_inner() {
            return false;
        }
        let left_kind = if left_there && left_rows { Left::Rows } else { Left::Columns };
        let tiles = Tiles { plan: self, rows, columns, blocks, left, right, left_kind, finish };
        tiles.run(out);
        true
    }

    /// Packs an operand, threads sharing its panels.
    fn pack<P: Packing>(
        &self,
        source: Source<'_, P::From>,
        panels: Panels,
        blocks: Panels,
        buffer: &mut Option<Scratch>,
        lost: &AtomicBool,
    ) -> Side {
        let width = panels.padded();
        let elements = width * blocks.size;
        let to = buffer.insert(scratch(elements * size_of::<P::To>())).as_mut_slice::<P::To>();
        let start = Shared(to.as_mut_ptr());
        // Where rows lie across, a few of them are gone along, so that lines are read in the order in which they lie.
        let slab = if source.across == 1 { SLAB } else { usize::MAX };
        let slabs = if blocks.count == 0 { 1 } else { blocks.start(1).div_ceil(slab) };
        let count = blocks.count.max(1) * slabs * panels.count;
        let one = |i: usize| {
            let (block, part, i) = (i / panels.count / slabs, i / panels.count % slabs, i % panels.count);
            let (begin, end) = (blocks.start(block), blocks.start(block + 1));
            let from = end.min(begin + part * slab.min(end - begin));
            let steps = slab.min(end - from);
            let (first, last) = (panels.start(i), panels.start(i + 1));
            if steps == 0 {
                return;
            }
            let panel = Panel {
                data: source.data,
                offset: source.offset
                    + first as isize * source.across
                    + (from * P::PER) as isize * source.along,
                across: source.across,
                along: source.along,
                width: last.min(panels.size) - first,
                padded: last - first,
                depth: (steps * P::PER).min(source.depth - from * P::PER),
            };
            let place = begin * width + first * (end - begin) + (from - begin) * panel.padded;
            // SAFETY: blocks, panels and slabs cut the buffer into disjoint parts: this one has `steps` elements for each of
            // its `padded` columns, and no other call has the same index.
            let out = unsafe { std::slice::from_raw_parts_mut(start.at(place), steps * panel.padded) };
            pack::<P>(panel, out);
            if P::any_lost(out) {
                lost.store(true, Relaxed);
            }
        };
        if blocks.size > 0 {
            let work = if self.threads { PACK * elements as f64 / count as f64 } else { 0.0 };
            par::each(count, work, one);
        }
        Side::Packed { at: start.at(0).cast(), width }
    }
}

/// A product whose operands are where kernels find them.
struct Tiles<'a, S> {
    plan: &'a Plan,
    rows: Panels,
    columns: Panels,
    blocks: Panels,
    left: Side,
    right: Side,
    left_kind: Left,
    finish: Finish<'a, S>,
}

impl<S: Pod + Send + Sync> Tiles<'_, S> {
    /// Into how many parts rows and columns are cut.
    fn tasks(&self) -> (usize, usize) {
        let plan = self.plan;
        let mut rows = plan.m.div_ceil(TASK_ROWS);
        let mut columns = 1;
        let work = plan.work(plan.m, plan.n);
        if plan.threads && work > 15e3 {
            let threads = par::threads();
            let wanted = if threads == 1 { 1 } else { threads * if work > 1e6 { 4 } else { 2 } };
            while rows * columns < wanted {
                let (tall, wide) = (self.rows.count / rows, self.columns.count / columns);
                match (tall >= 8, wide >= 2) {
                    (true, _) if tall >= 2 * wide || wide < 4 => rows *= 2,
                    (_, true) => columns *= 2,
                    (_, false) if tall >= 2 => rows *= 2,
                    (_, false) => break,
                }
            }
        }
        (rows.min(self.rows.count), columns.min(self.columns.count))
    }

    fn run<O: Rounded<S>>(&self, out: Out<O>) {
        let plan = self.plan;
        let (rows, columns) = self.tasks();
        let part = |panels: Panels, i: usize, of: usize| i * panels.count / of..(i + 1) * panels.count / of;
        let task = |i: usize| {
            let (rows, columns) =
                (part(self.rows, i / columns, rows), part(self.columns, i % columns, columns));
            self.task(&out, rows, columns);
        };
        let work = if plan.threads { plan.work(plan.m, plan.n) / (rows * columns) as f64 } else { 0.0 };
        par::each(rows * columns, work, task);
    }

    /// One task: these panels of rows and columns of the output.
    fn task<O: Rounded<S>>(&self, out: &Out<O>, rows: Range<usize>, columns: Range<usize>) {
        let (i, j) = (self.rows.start(rows.start), self.columns.start(columns.start));
        let m = self.rows.start(rows.end) - i;
        let n = self.columns.start(columns.end).min(self.plan.n) - j;
        let mut sums = None;
        let mut scratched = || sums.insert(scratch(m * n * size_of::<S>())).as_mut_slice::<S>().as_mut_ptr();
        if let Finish::Then(then) = self.finish {
            let sums = scratched();
            // SAFETY: the buffer has room for m rows of n, which the kernels write.
            let sums = unsafe {
                self.kernels(sums, n, rows, columns);
                std::slice::from_raw_parts(sums, m * n)
            };
            return then.take([i, j], [m, n], sums);
        }
        let place = out.at.at(i * out.stride + j);
        if std::any::TypeId::of::<O>() == std::any::TypeId::of::<S>() {
            // SAFETY: `multiply` checked that the rows lie in `out`; no other task has these rows and columns.
            unsafe { self.kernels(place.cast(), out.stride, rows, columns) };
            return;
        }
        let sums = scratched();
        // SAFETY: the buffer has room for m rows of n, which the kernels write.
        let sums = unsafe {
            self.kernels(sums, n, rows, columns);
            std::slice::from_raw_parts(sums, m * n)
        };
        for (i, sums) in sums.chunks(n).enumerate() {
            // SAFETY: as above: row `i` of this task's part of `out`.
            let out = unsafe { std::slice::from_raw_parts_mut(place.wrapping_add(i * out.stride), n) };
            round_row(sums, out);
        }
    }

    /// Calls the kernels of a task.
    ///
    /// # Safety
    /// `out` is where the first element of the task's part goes, all of whose rows, `stride` elements apart, may be
    /// written, by this thread alone.
    unsafe fn kernels(&self, out: *mut S, stride: usize, rows: Range<usize>, columns: Range<usize>) {
        let Plan { isa, kind, n, .. } = *self.plan;
        let bytes = kind.bytes();
        let lanes = isa.lanes(kind);
        let (i0, j0) = (self.rows.start(rows.start), self.columns.start(columns.start));
        let bias = self.finish.bias().map_or(null(), <[S]>::as_ptr);
        let blocks = self.blocks.count.max(1);
        for block in 0..blocks {
            let (step, steps) = match self.blocks.count {
                0 => (0, 0),
                _ => (self.blocks.start(block), self.blocks.start(block + 1) - self.blocks.start(block)),
            };
            let turns = steps / UNROLL;
            let epilogue = if block + 1 == blocks { self.finish.epilogue() } else { super::Epilogue::None };
            for panel in columns.clone() {
                let (j, end) = (self.columns.start(panel), self.columns.start(panel + 1));
                let vectors = (end - j) / lanes;
                let last = lanes - (end - end.min(n));
                let (right, right_stride) = match self.right {
                    Side::There { at, across, along } => {
                        (at.wrapping_offset(j as isize * across + step as isize * along), along as usize)
                    }
                    Side::Packed { at, width } => {
                        (at.wrapping_add((step * width + j * steps) * bytes), (end - j) * bytes)
                    }
                };
                let shape = Shape {
                    kind,
                    isa,
                    left: self.left_kind,
                    rows: 1,
                    vectors,
                    masked: last < lanes,
                    accumulate: block > 0,
                    epilogue,
                };
                // What the next panel of columns reads; where the operand is in place, what lies behind it, since the
                // next product of a batch often does. Calls share the lines, as many as fit between start and end.
                let (ahead, most) = match self.right {
                    Side::There { at, along, .. } => (
                        at.wrapping_offset(self.blocks.size as isize * along)
                            .wrapping_add((panel - columns.start) * rows.len() * turns * 64),
                        usize::MAX,
                    ),
                    Side::Packed { .. } => {
                        let panel = (end - j) * steps * bytes;
                        (right.wrapping_add(panel), panel.saturating_sub(64 * turns))
                    }
                };
                let mut call = Call {
                    steps,
                    left: null(),
                    left_stride: 0,
                    right,
                    right_stride,
                    out: std::ptr::null_mut(),
                    out_stride: stride * bytes,
                    last,
                    bias: bias.wrapping_add(j).cast(),
                    ahead,
                };
                let (mut height, mut code) = (0, None);
                for (call_number, panel) in rows.clone().enumerate() {
                    call.ahead = ahead.wrapping_add(most.min(call_number * turns * 64));
                    let (i, end) = (self.rows.start(panel), self.rows.start(panel + 1));
                    if end - i != height || code.is_none() {
                        height = end - i;
                        code = Some(Shape { rows: height, ..shape }.code());
                    }
                    (call.left, call.left_stride) = match (self.left, self.left_kind) {
                        (Side::Packed { at, width }, _) => {
                            (at.wrapping_add((step * width + i * steps) * bytes), height * bytes)
                        }
                        (Side::There { at, across, along }, kind) => (
                            at.wrapping_offset(i as isize * across + step as isize * along),
                            if kind == Left::Rows { across } else { along } as usize,
                        ),
                    };
                    call.out = out.wrapping_add((i - i0) * stride + (j - j0)).cast();
                    let code = code.expect("it was just set");
                    // SAFETY: the code is a kernel, which reads a `Call`. It reads `steps` steps of `height` rows on
                    // the left and of this panel's columns on the right: of operands in place, elements that lie in
                    // their data (`multiply` checked; what is behind the last column is masked), of packed ones their
                    // panels. It writes this tile, in rows that the caller allows.
                    unsafe { code.call((&raw mut call).cast()) };
                }
            }
        }
    }
}
