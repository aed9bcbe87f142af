//! The portable executor: programs run operation by operation over tiles that stay in the cache.
//!
//! It runs on every machine and where executable pages are refused, and it is what emitted code is compared with. A
//! tile holds about a thousand elements of one row, or, where rows are short, of as many rows as fit. Its loops
//! are compiled for each instruction set that matters ([`Isa`]); the results are the same to the bit.
//!
//! `unsafe` is in `memory`, which reads and writes arguments; in `ops`, where functions compiled for an instruction set
//! are called; and here, between them and the caller, who vouches for the call block.
#![allow(unsafe_code)]

mod memory;
mod ops;
mod plan;

pub use plan::Plan;

use super::ir::{Op, StageKind, Width};
use super::semantics::{self, Lane};
use memory::Region;
use ops::{CHUNK, Fold, FoldRows, Map, Src, Tree};
use plan::{Source, StagePlan, Step};
use std::cell::RefCell;

/// An instruction set that the interpreter is compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Isa {
    /// AVX-512 with its parts F, DQ, BW and VL.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// What every processor of the architecture has. Fused operations are slow where it has none.
    Portable,
}

impl Isa {
    /// All of them that this processor has, the best one first.
    pub fn available() -> impl Iterator<Item = Isa> {
        [Isa::Avx512, Isa::Avx2, Isa::Portable].into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor has it.
    #[inline]
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512vl")
                    && Isa::Avx2.is_available()
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx512 | Isa::Avx2 => false,
            Isa::Portable => true,
        }
    }
}

/// Bytes of a tile: of a handful of tiles all fit the first cache.
const TILE_BYTES: usize = 4096;

/// The lanes of a tile.
const fn tile<L: Lane>() -> usize {
    TILE_BYTES / L::WIDTH.bytes()
}

thread_local! {
    /// Room for tiles, kept from call to call.
    static ROOM: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

impl Plan {
    /// Runs the program on a call block: the number of rows (at least 1), of columns, the number of the first column,
    /// and for each argument its address and the bytes from one row to the next (as `isize`). Elements of a row are
    /// consecutive; a splat argument has one a row.
    ///
    /// # Safety
    /// Every argument's elements can be read, or written, as the program does it. Arguments coincide in all elements
    /// or overlap in none.
    pub unsafe fn run(&self, block: &mut [usize]) {
        let isa = Isa::available().next().expect("there is always the portable one");
        // SAFETY: the caller's.
        unsafe { self.run_on(isa, block) }
    }

    /// [`run`](Plan::run) with the instructions of this set, which the processor must have.
    ///
    /// # Safety
    /// As of [`run`](Plan::run).
    pub unsafe fn run_on(&self, isa: Isa, block: &mut [usize]) {
        assert!(isa.is_available(), "this processor has no {isa:?}");
        let mut room = ROOM.take();
        let line = 8;
        let words = (self.tiles * TILE_BYTES + self.reductions * 64 * 4) / 8 + line;
        if room.len() < words {
            room.resize(words, 0);
        }
        let skip = room.as_ptr().align_offset(64).min(line);
        let aligned = &mut room[skip..];
        match self.program.width() {
            // SAFETY: the caller's; the instruction set was looked at.
            Width::W32 => unsafe { run_rows::<u32>(isa, self, block, bytemuck::cast_slice_mut(aligned)) },
            // SAFETY: the same.
            Width::W64 => unsafe { run_rows::<u64>(isa, self, block, aligned) },
        }
        ROOM.set(room);
    }
}

/// What a call is about.
struct Call<'a> {
    rows: usize,
    columns: usize,
    first_column: usize,
    /// Address and stride of each argument.
    args: &'a [usize],
}

impl Call<'_> {
    /// Whether several rows may be at work at once: what is written in one is not read in the next.
    fn rows_are_apart(&self, plan: &Plan) -> bool {
        !plan.program.ends()
            && plan.program.args().iter().enumerate().all(|(i, arg)| {
                let elements = if arg.splat { 1 } else { self.columns };
                let stride = self.args[2 * i + 1] as isize;
                !plan.program.writes(i as u8) || stride.unsigned_abs() >= elements * arg.dtype.size()
            })
    }

    /// An argument's elements of some rows and columns.
    #[inline(always)]
    fn region(&self, arg: u8, size: usize, at: &At) -> Region {
        let (address, stride) = (self.args[2 * arg as usize], self.args[2 * arg as usize + 1] as isize);
        Region {
            at: address
                .wrapping_add_signed(stride.wrapping_mul(at.row as isize))
                .wrapping_add(at.column * size),
            stride,
            rows: at.rows,
            columns: at.columns,
        }
    }
}

/// The elements at work.
struct At {
    row: usize,
    rows: usize,
    column: usize,
    columns: usize,
}

/// How what is there once a row is read.
#[derive(Clone, Copy)]
enum PerRow {
    /// There is one row: its lane stands for all.
    Lane,
    /// The tile that has it once an element.
    Spread,
    /// The slot: elements are rows.
    Slot,
}

/// # Safety
/// As of [`Plan::run`], and the processor has the instruction set.
unsafe fn run_rows<L: Lane>(isa: Isa, plan: &Plan, block: &[usize], room: &mut [L]) {
    let call = Call { rows: block[0], columns: block[1], first_column: block[2], args: &block[3..] };
    let (tiles, partials) = room.split_at_mut(plan.tiles * tile::<L>());
    let mut machine = Machine { isa, plan, call: &call, tiles, partials, ended: false };
    let short = call.rows > 1 && call.columns > 0 && call.columns * 2 <= tile::<L>();
    let together = if short && call.rows_are_apart(plan) { tile::<L>() / call.columns } else { 1 };
    for row in (0..call.rows).step_by(together) {
        let rows = together.min(call.rows - row);
        for stage in &plan.stages {
            // SAFETY: the caller's.
            unsafe {
                match stage.kind {
                    StageKind::Row => {
                        let at = At { row, rows, column: 0, columns: 1 };
                        machine.steps(&stage.steps, &at, PerRow::Slot);
                    }
                    StageKind::Loop if together > 1 => machine.short_rows(stage, row, rows),
                    StageKind::Loop => machine.long_row(stage, row),
                }
            }
            if machine.ended {
                return;
            }
        }
    }
}

struct Machine<'a, L> {
    isa: Isa,
    plan: &'a Plan,
    call: &'a Call<'a>,
    tiles: &'a mut [L],
    /// The partial results of the stage's reductions.
    partials: &'a mut [L],
    /// Whether the program is through before its last row.
    ended: bool,
}

impl<L: Lane> Machine<'_, L> {
    /// A loop over one row, tile by tile.
    unsafe fn long_row(&mut self, stage: &StagePlan, row: usize) {
        let p = L::PARTIALS;
        // SAFETY: the caller's.
        unsafe { self.steps(&stage.before, &At { row, rows: 1, column: 0, columns: 1 }, PerRow::Slot) };
        for (step, partials) in stage.reductions.iter().zip(self.partials.chunks_exact_mut(p)) {
            partials.fill(identity(step));
        }
        for column in (0..self.call.columns).step_by(tile::<L>()) {
            let columns = tile::<L>().min(self.call.columns - column);
            // SAFETY: the caller's.
            unsafe { self.steps(&stage.steps, &At { row, rows: 1, column, columns }, PerRow::Lane) };
        }
        for (step, partials) in stage.reductions.iter().zip(self.partials.chunks_exact_mut(p)) {
            let Op::Reduce(op, _) = step.op else { unreachable!("a reduction") };
            self.tiles[step.out as usize * tile::<L>()] = semantics::reduction(op, step.ty, Tree(partials));
        }
    }

    /// A loop over several rows, which all fit a tile.
    unsafe fn short_rows(&mut self, stage: &StagePlan, row: usize, rows: usize) {
        // SAFETY: the caller's.
        unsafe { self.steps(&stage.before, &At { row, rows, column: 0, columns: 1 }, PerRow::Slot) };
        let columns = self.call.columns;
        for &(slot, spread) in &stage.spreads {
            for i in 0..rows {
                let lane = self.tiles[slot as usize * tile::<L>() + i];
                self.tiles[spread as usize * tile::<L>() + i * columns..][..columns].fill(lane);
            }
        }
        // SAFETY: the caller's.
        unsafe { self.steps(&stage.steps, &At { row, rows, column: 0, columns }, PerRow::Spread) };
    }

    unsafe fn steps(&mut self, steps: &[Step], at: &At, per_row: PerRow) {
        for step in steps {
            // SAFETY: the caller's.
            unsafe { self.step(step, at, per_row) };
            if self.ended {
                return;
            }
        }
    }

    /// # Safety
    /// As of [`Plan::run`].
    unsafe fn step(&mut self, step: &Step, at: &At, per_row: PerRow) {
        let count = at.rows * at.columns;
        let lanes = count.next_multiple_of(CHUNK);
        let (isa, call) = (self.isa, self.call);
        let args = self.plan.program.args();
        // Stores and reductions write no tile: any place will do to cut at.
        let out = (step.out as usize).min(self.plan.tiles.saturating_sub(1)) * tile::<L>();
        if let Op::Store(arg, _) = step.op {
            let dtype = args[arg as usize].dtype;
            let region = call.region(arg, dtype.size(), at);
            let source =
                source(step.sources[0], per_row, self.plan, count, |i| &self.tiles[i * tile::<L>()..]);
            // SAFETY: the caller's.
            return unsafe { memory::store(isa, dtype, source, region) };
        }
        if let Op::While(_) = step.op {
            debug_assert_eq!(at.rows, 1, "rows come one after another");
            let mask = source(step.sources[0], per_row, self.plan, 1, |i| &self.tiles[i * tile::<L>()..]);
            self.ended = mask.first().to_u64() == 0;
            return;
        }
        let (below, rest) = self.tiles.split_at_mut(out);
        let (to, above) = rest.split_at_mut(tile::<L>());
        let src = |i: usize| {
            source(step.sources[i], per_row, self.plan, lanes, |i| match i * tile::<L>() < out {
                true => &below[i * tile::<L>()..],
                false => &above[i * tile::<L>() - out - tile::<L>()..],
            })
        };
        match step.op {
            Op::Const(..) | Op::Store(..) | Op::While(_) => unreachable!("not a step"),
            Op::Column => {
                for (i, row) in to[..count].chunks_exact_mut(at.columns).enumerate() {
                    debug_assert!(i < at.rows);
                    let first = call.first_column.wrapping_add(at.column);
                    for (column, to) in row.iter_mut().enumerate() {
                        *to = L::from_u64(first.wrapping_add(column) as u64);
                    }
                }
            }
            Op::Load(arg) => {
                let dtype = args[arg as usize].dtype;
                let region = call.region(arg, dtype.size(), at);
                // SAFETY: the caller's.
                unsafe { memory::load(isa, dtype, region, to) };
            }
            Op::Unary(op, _) => {
                semantics::unary(op, step.ty, Map { isa, to: &mut to[..lanes], of: [src(0)] })
            }
            Op::Binary(op, ..) => {
                semantics::binary(op, step.ty, Map { isa, to: &mut to[..lanes], of: [src(0), src(1)] });
            }
            Op::Fma(op, ..) => {
                semantics::fma(op, Map { isa, to: &mut to[..lanes], of: [src(0), src(1), src(2)] });
            }
            Op::Compare(op, ..) => {
                semantics::compare(op, step.ty, Map { isa, to: &mut to[..lanes], of: [src(0), src(1)] });
            }
            Op::Select(..) => {
                semantics::select(Map { isa, to: &mut to[..lanes], of: [src(0), src(1), src(2)] })
            }
            Op::Reduce(op, _) => {
                let p = L::PARTIALS;
                match per_row {
                    PerRow::Lane => {
                        let partials = &mut self.partials[step.reduction as usize * p..][..p];
                        semantics::reduction(op, step.ty, Fold { isa, values: src(0), count, partials });
                    }
                    PerRow::Spread => {
                        let (values, to) = (src(0), &mut to[..at.rows]);
                        let (columns, identity) = (at.columns, identity(step));
                        let fold = FoldRows { isa, values, columns, identity, to };
                        semantics::reduction(op, step.ty, fold);
                    }
                    PerRow::Slot => unreachable!("rows reduce nothing"),
                }
            }
        }
    }
}

/// The lane that a reduction starts from.
#[inline(always)]
fn identity<L: Lane>(step: &Step) -> L {
    let Op::Reduce(op, _) = step.op else { unreachable!("a reduction") };
    L::from_u64(op.identity(step.ty))
}

/// An operand's lanes, given where tiles begin.
#[inline(always)]
fn source<'a, L: Lane>(
    source: Source,
    per_row: PerRow,
    plan: &Plan,
    lanes: usize,
    tile: impl Fn(usize) -> &'a [L],
) -> Src<'a, L> {
    match (source, per_row) {
        (Source::Const(i), _) => Src::One(L::from_u64(plan.constants[i as usize])),
        (Source::Tile(i), _) => Src::Tile(&tile(i as usize)[..lanes]),
        (Source::Row { slot, .. }, PerRow::Lane) => Src::One(tile(slot as usize)[0]),
        (Source::Row { slot, .. }, PerRow::Slot) => Src::Tile(&tile(slot as usize)[..lanes]),
        (Source::Row { spread, .. }, PerRow::Spread) => Src::Tile(&tile(spread as usize)[..lanes]),
    }
}

#[cfg(test)]
mod tests;
