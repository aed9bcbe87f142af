//! Products of bf16 by tiles (AMX): 16 rows of a left operand and 16 columns of a right one, 32 steps deep, in one
//! instruction.
//!
//! Both operands are packed into tiles first, by all threads. A kernel keeps up to 2 x 2 tiles of sums in registers and
//! goes over a block of the inner axis; a task, a block of rows and columns, goes over the blocks, its sums in scratch,
//! and at last writes them to the output. The instruction takes subnormal numbers for zero, as `vdpbf16ps` does.
//!
//! What always holds: tiles are configured when a task begins and released when it ends, so that neither anything else
//! that runs on the thread nor a switch of threads meets tile registers in use. The system must permit them, once for
//! the process; where it does not, this module is not [available].

#![allow(unsafe_code)]

mod tiles;

use super::pack::{Packing, Pairs, Panel, Source};
use super::panels::{Out, Panels, Shared};
use super::{Finish, Matrix, Rounded, round_row};
use crate::kernel::arena::{Arena, Code};
use crate::kernel::x64::encode::{Asm, Cc, Gp, Hint, Rm, Tile, mem, mem_at};
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::pool::{Scratch, scratch};
use bytemuck::{Pod, cast_slice};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use tiles::Operand;

/// Rows of a tile; also words of a row, each a pair of bf16 or a sum.
const SIDE: usize = 16;
/// Words of a tile.
const TILE: usize = SIDE * SIDE;
/// Elements of the inner axis in a tile.
const CHUNK: usize = 2 * SIDE;
/// Chunks in a block, at most: the panels of a task stay in the second cache. (Blocks whose panels stay in the first
/// one have sums to load and store more often, which costs more.)
const DEPTH: usize = 32;
/// Lines of what is needed soon that a kernel asks for in a chunk.
const SHARE: usize = 2;
/// Panels of rows and of columns of a task, at most: those of rows stay in the second cache while columns go by.
const TASK: (usize, usize) = (16, 8);
/// Products of fewer multiplications than this are not worth the tiles.
const LEAST: usize = 1 << 18;
/// Multiplications and additions that a thread does in a nanosecond, about.
const RATE: f64 = 500.0;
/// Chunks of a panel that are packed before those of the next panel.
const SLAB: usize = 2;
/// Nanoseconds to look at a number.
const SCAN: f64 = 0.1;
/// Nanoseconds to pack a word.
const PACK: f64 = 0.2;

/// Whether this processor has tiles of bf16, and the system lets the process use them.
pub fn available() -> bool {
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| {
        const TILES_AND_BF16: u32 = 1 << 24 | 1 << 22;
        const ARCH_REQ_XCOMP_PERM: libc::c_long = 0x1023;
        const XFEATURE_XTILEDATA: libc::c_long = 18;
        use std::arch::x86_64::{__cpuid, __cpuid_count};
        if !tiles::available() {
            return false;
        }
        // SAFETY: all processors of 64 bits have the instruction.
        #[allow(unused_unsafe)]
        let found =
            unsafe { __cpuid(0).eax >= 7 && __cpuid_count(7, 0).edx & TILES_AND_BF16 == TILES_AND_BF16 };
        // SAFETY: the call reads and writes no memory of ours. A system that does not know it refuses.
        found && unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) } == 0
    })
}

/// Whether a product of this size is done here.
pub fn pays([m, k, n]: [usize; 3]) -> bool {
    m >= SIDE && n >= SIDE && k >= CHUNK && m * k * n >= LEAST && available()
}

/// The arguments of a kernel, as it reads them.
#[repr(C)]
struct Call {
    /// Chunks of the inner axis.
    chunks: usize,
    left: *const u32,
    /// Bytes from row to row of the left operand.
    left_stride: usize,
    right: *const u32,
    sums: *mut f32,
    /// Bytes from row to row of the sums.
    stride: usize,
    /// What is needed soon: from here on [`SHARE`] lines are asked for in each chunk. It may lead anywhere.
    ahead: *const u32,
    /// Where the sums go at last: in each chunk a row is asked for.
    out: *const u8,
    /// Bytes from row to row of it.
    out_stride: usize,
}

/// A kernel for so many tiles of rows and of columns (1 or 2 each); whether the left operand is in tiles, or where it
/// was; whether the kernel adds to the sums or overwrites them.
fn kernel(rows: usize, columns: usize, in_tiles: bool, add: bool) -> Code {
    static KERNELS: [OnceLock<Code>; 16] = [const { OnceLock::new() }; 16];
    let index = (rows - 1) * 8 + (columns - 1) * 4 + in_tiles as usize * 2 + add as usize;
    *KERNELS[index].get_or_init(|| {
        const BLOCK: Gp = Gp::RDI;
        const CHUNKS: Gp = Gp::RAX;
        // The second takes the place of the call block, once that was read.
        const LEFT: [Gp; 2] = [Gp::RSI, BLOCK];
        const LEFT_STRIDE: Gp = Gp::R9;
        const RIGHT: Gp = Gp::RDX;
        const SUMS: [Gp; 2] = [Gp::RCX, Gp::R10];
        const STRIDE: Gp = Gp::R11;
        const ROW: Gp = Gp::R8;
        const AHEAD: Gp = Gp::RBX;
        const OUT: Gp = Gp::R12;
        const OUT_STRIDE: Gp = Gp::R13;
        let (row, tile) = (4 * SIDE as i32, 4 * TILE as i32);
        let sum = |i: usize, j: usize| Tile((2 * i + j) as u8);
        let (left, right) = (|i: usize| Tile(4 + i as u8), |j: usize| Tile(6 + j as u8));
        let mut asm = Asm::new();
        macro_rules! field {
            ($name:ident) => {
                mem(BLOCK, std::mem::offset_of!(Call, $name) as i32)
            };
        }
        [AHEAD, OUT, OUT_STRIDE].into_iter().for_each(|saved| asm.push(saved));
        asm.mov(AHEAD, field!(ahead));
        asm.mov(OUT, field!(out));
        asm.mov(OUT_STRIDE, field!(out_stride));
        asm.mov(CHUNKS, field!(chunks));
        asm.mov(LEFT[0], field!(left));
        asm.mov(LEFT_STRIDE, field!(left_stride));
        asm.mov(RIGHT, field!(right));
        asm.mov(SUMS[0], field!(sums));
        asm.mov(STRIDE, field!(stride));
        asm.mov_i(ROW, row.into());
        asm.lea(SUMS[1], mem_at(SUMS[0], STRIDE, 8, 0));
        asm.lea(SUMS[1], mem_at(SUMS[1], STRIDE, 8, 0));
        asm.lea(LEFT[1], mem_at(LEFT[0], LEFT_STRIDE, 8, 0));
        asm.lea(LEFT[1], mem_at(LEFT[1], LEFT_STRIDE, 8, 0));
        let sums = || (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
        for (i, j) in sums() {
            match add {
                true => asm.tile_load(sum(i, j), SUMS[i], STRIDE, row * j as i32),
                false => asm.tile_zero(sum(i, j)),
            }
        }
        asm.align(32);
        let turn = asm.here();
        for j in 0..columns {
            asm.tile_load(right(j), RIGHT, ROW, tile * j as i32);
        }
        for (i, &start) in LEFT[..rows].iter().enumerate() {
            asm.tile_load(left(i), start, LEFT_STRIDE, 0);
            (0..columns).for_each(|j| asm.tile_multiply_bf16(sum(i, j), left(i), right(j)));
        }
        (0..SHARE as i32).for_each(|line| asm.prefetch(Hint::T1, mem(AHEAD, 64 * line)));
        asm.add_i(AHEAD, 64 * SHARE as i32);
        asm.prefetch(Hint::T0, mem(OUT, 0));
        asm.add(OUT, OUT_STRIDE);
        let step = if in_tiles { tile * rows as i32 } else { row };
        LEFT[..rows].iter().for_each(|&left| asm.add_i(left, step));
        asm.add_i(RIGHT, tile * columns as i32);
        asm.dec(CHUNKS);
        asm.jcc(Cc::Ne, turn);
        for (i, j) in sums() {
            asm.tile_store(SUMS[i], STRIDE, row * j as i32, sum(i, j));
        }
        [OUT_STRIDE, OUT, AHEAD].into_iter().for_each(|saved| asm.pop(saved));
        asm.ret();
        place(asm)
    })
}

fn place(asm: Asm) -> Code {
    Arena::place(&asm.finish().bytes).expect("the target is available, so code can be placed")
}

/// The tiles of this thread, configured for as long as this lives: all are 16 rows of 64 bytes.
struct Configured(());

impl Configured {
    fn new() -> Self {
        static CODE: OnceLock<Code> = OnceLock::new();
        let code = CODE.get_or_init(|| {
            let mut shapes = [0u8; 64];
            shapes[0] = 1;
            for t in 0..8 {
                (shapes[16 + 2 * t], shapes[48 + t]) = (4 * SIDE as u8, SIDE as u8);
            }
            let mut asm = Asm::new();
            let at = asm.pool(&shapes);
            asm.tile_configure(Rm::Pool { at, bcast: false });
            asm.ret();
            place(asm)
        });
        // SAFETY: tiles are available, or no product comes here; the code reads nothing but its own constant.
        unsafe { code.call(std::ptr::null_mut()) };
        Configured(())
    }
}

impl Drop for Configured {
    fn drop(&mut self) {
        static CODE: OnceLock<Code> = OnceLock::new();
        let code = CODE.get_or_init(|| {
            let mut asm = Asm::new();
            asm.tile_release();
            asm.ret();
            place(asm)
        });
        // SAFETY: as above; the code touches no memory.
        unsafe { code.call(std::ptr::null_mut()) };
    }
}

/// Writes `finish(x y)`; all sizes are above 0, and the caller checked that everything lies where it should. False
/// where an operand has subnormal numbers; then nothing was written.
pub fn run<I: Pod + Send + Sync, S: Pod + Send + Sync, O: Rounded<S>>(
    [m, k, n]: [usize; 3],
    x: Matrix<'_, I>,
    y: Matrix<'_, I>,
    out: Out<O>,
    finish: Finish<'_, S>,
    threads: bool,
) -> bool {
    assert!(size_of::<I>() == 2 && size_of::<S>() == 4, "pairs of bf16, summed in f32");
    let (rows, columns) = (Panels::new(m, SIDE, 2), Panels::new(n, SIDE, 2));
    let blocks = Panels::new(k.div_ceil(CHUNK), 1, DEPTH);
    let lost = AtomicBool::new(false);
    // Rows of whole tiles are read where they are.
    let whole = x.columns == 1 && m.is_multiple_of(SIDE) && k.is_multiple_of(CHUNK);
    let mut buffer = None;
    let left = if whole {
        scan(x, [m, k], threads, &lost);
        // Backwards, too: the sum of addresses wraps around.
        Left::There { at: x.data.as_ptr().wrapping_offset(x.offset).cast(), stride: (2 * x.rows) as usize }
    } else {
        let left = Source { data: x.data, offset: x.offset, across: x.rows, along: x.columns, depth: k };
        let buffer = buffer.insert(packed(left, rows, blocks, threads, &lost, Operand::Left));
        Left::Tiles { at: buffer.as_slice::<u32>().as_ptr() }
    };
    let right = Source { data: y.data, offset: y.offset, across: y.columns, along: y.rows, depth: k };
    let right = packed(right, columns, blocks, threads, &lost, Operand::Right);
    if lost.into_inner() {
        return false;
    }
    let product = Product { m, n, rows, columns, blocks, left, right: right.as_slice(), finish };
    let work = (m * n) as f64 * k as f64 / RATE;
    let wanted = if threads && par::pieces_of(work) > 1 { 4 * par::threads() } else { 1 };
    let (mut tall, mut wide) = TASK;
    let across = |wide: usize| columns.count.div_ceil(wide);
    let tasks = |tall: usize, wide| rows.count.div_ceil(tall) * across(wide);
    while tasks(tall, wide) < wanted && tall * wide > 1 {
        if tall.min(rows.count) > wide.min(columns.count) || wide == 1 { tall /= 2 } else { wide /= 2 }
    }
    let (count, per) = (tasks(tall, wide), across(wide));
    par::each(count, if threads { work / count as f64 } else { 0.0 }, |task| {
        let (i, j) = (task / per * tall, task % per * wide);
        product.task(&out, i..rows.count.min(i + tall), j..columns.count.min(j + wide));
    });
    true
}

/// An operand in panels of tiles, block by block.
fn packed<I: Pod + Send + Sync>(
    source: Source<'_, I>,
    panels: Panels,
    blocks: Panels,
    threads: bool,
    lost: &AtomicBool,
    of: Operand,
) -> Scratch {
    let width = panels.padded();
    let words = width * blocks.size * SIDE;
    let mut buffer = scratch(4 * words);
    let start = Shared(buffer.as_mut_slice::<u32>().as_mut_ptr());
    // Where rows lie across, a few of them are gone along, so that lines are read in the order in which they lie.
    let slab = if source.across == 1 { SLAB } else { DEPTH };
    let slabs = blocks.start(1).div_ceil(slab);
    let count = blocks.count * slabs * panels.count;
    par::each(count, if threads { PACK * words as f64 / count as f64 } else { 0.0 }, |i| {
        let (block, slab_of_block, i) =
            (i / panels.count / slabs, i / panels.count % slabs, i % panels.count);
        let (start_of_block, end_of_block) = (blocks.start(block), blocks.start(block + 1));
        let from = (start_of_block + slab_of_block * slab).min(end_of_block);
        let to = (from + slab).min(end_of_block);
        let (first, end) = (panels.start(i), panels.start(i + 1));
        let padded = end - first;
        let panel = Panel {
            data: source.data,
            offset: source.offset + first as isize * source.across + (from * CHUNK) as isize * source.along,
            across: source.across,
            along: source.along,
            width: end.min(panels.size) - first,
            padded,
            depth: (to * CHUNK).min(source.depth) - (from * CHUNK).min(source.depth),
        };
        let panel_start = start_of_block * width + (end_of_block - start_of_block) * first;
        let place = SIDE * (panel_start + (from - start_of_block) * padded);
        let words = SIDE * (to - from) * padded;
        // SAFETY: blocks, panels and slabs cut the buffer into disjoint parts, and no other call has the same index.
        let out = unsafe { std::slice::from_raw_parts_mut(start.at(place), words) };
        if tiles::write(of, panel, out) {
            lost.store(true, Relaxed);
        }
    });
    buffer
}

/// Looks for subnormal numbers in rows that are not packed.
fn scan<I: Pod + Send + Sync>(x: Matrix<'_, I>, [m, k]: [usize; 2], threads: bool, lost: &AtomicBool) {
    let pieces = m.div_ceil(SIDE);
    par::each(pieces, if threads { SCAN * (m * k) as f64 / pieces as f64 } else { 0.0 }, |i| {
        let rows = SIDE.min(m - i * SIDE);
        if Pairs::<I>::any_lost_in(x.at_row(i * SIDE), [rows, k]) {
            lost.store(true, Relaxed);
        }
    });
}

/// The left operand.
#[derive(Clone, Copy)]
enum Left {
    /// In tiles, panel by panel.
    Tiles { at: *const u32 },
    /// In place: bytes from row to row.
    There { at: *const u32, stride: usize },
}

// SAFETY: it is only read, from data that outlive the threads that share it.
unsafe impl Send for Left {}
// SAFETY: as above.
unsafe impl Sync for Left {}

/// A product whose operands are where kernels find them.
struct Product<'a, S> {
    m: usize,
    n: usize,
    rows: Panels,
    columns: Panels,
    blocks: Panels,
    left: Left,
    right: &'a [u32],
    finish: Finish<'a, S>,
}

impl<S: Pod + Send + Sync> Product<'_, S> {
    /// One task: these panels of rows and columns.
    fn task<O: Rounded<S>>(&self, out: &Out<O>, rows: Range<usize>, columns: Range<usize>) {
        let (i0, j0) = (self.rows.start(rows.start), self.columns.start(columns.start));
        let (i1, j1) = (self.rows.start(rows.end), self.columns.start(columns.end));
        // Where there is one block, sums wait for nothing: room for those of one call is enough.
        let one = self.blocks.count == 1;
        let (tall, stride) = if one { (2 * SIDE, 2 * SIDE) } else { (i1 - i0, j1 - j0) };
        let mut buffer = scratch(4 * stride * tall);
        let sums = &mut buffer.as_mut_slice::<f32>()[..stride * tall];
        let _configured = Configured::new();
        for block in 0..self.blocks.count {
            let (from, to) = (self.blocks.start(block), self.blocks.start(block + 1));
            let panel = |of: &Panels, first: usize| SIDE * (from * of.padded() + (to - from) * first);
            for (j, end) in columns.clone().map(|j| (self.columns.start(j), self.columns.start(j + 1))) {
                let wide = (end - j) / SIDE;
                let right = self.right[panel(&self.columns, j)..].as_ptr();
                // The next panel of columns comes while this one is used; calls share its lines.
                let next = right.wrapping_add(SIDE * (to - from) * (end - j));
                let ends = rows.clone().map(|i| (self.rows.start(i), self.rows.start(i + 1)));
                for (number, (i, end)) in ends.enumerate() {
                    let high = (end - i) / SIDE;
                    let first = if one { 0 } else { (i - i0) * stride + (j - j0) };
                    let sums = &mut sums[first..][..(high * SIDE - 1) * stride + wide * SIDE];
                    let (left, left_stride, in_tiles) = match self.left {
                        Left::Tiles { at } => (at.wrapping_add(panel(&self.rows, i)), 4 * SIDE, true),
                        Left::There { at, stride } => {
                            let bytes = stride.wrapping_mul(i).wrapping_add(from * 4 * SIDE);
                            (at.wrapping_byte_add(bytes), stride, false)
                        }
                    };
                    let place = out.at.at(i * out.stride + j);
                    let mut call = Call {
                        chunks: to - from,
                        left,
                        left_stride,
                        right,
                        sums: sums.as_mut_ptr(),
                        stride: 4 * stride,
                        ahead: next.wrapping_add(number * (to - from) * SHARE * SIDE),
                        out: place.cast_const().cast(),
                        out_stride: size_of::<O>() * out.stride,
                    };
                    let code = kernel(high, wide, in_tiles, block > 0);
                    // SAFETY: the code is a kernel, which reads a `Call`; tiles are configured. It reads the panels of
                    // both operands for this block, which are whole tiles, and writes its tiles of the sums.
                    unsafe { code.call((&raw mut call).cast()) };
                    if block + 1 == self.blocks.count {
                        let size = [(high * SIDE).min(self.m - i), (wide * SIDE).min(self.n - j)];
                        self.write(sums, stride, size, j, place, out.stride);
                    }
                }
            }
        }
    }

    /// Writes so many rows and columns of sums, from column `j` of the output on.
    fn write<O: Rounded<S>>(
        &self,
        sums: &mut [f32],
        stride: usize,
        [m, n]: [usize; 2],
        j: usize,
        place: *mut O,
        out_stride: usize,
    ) {
        if let (Finish::None, [32, 32]) = (self.finish, [m, n]) {
            return vectorized(RoundTiles { sums: cast_slice(sums), stride, out: place, out_stride });
        }
        for (i, sums) in sums.chunks_mut(stride).take(m).enumerate() {
            let sums = &mut sums[..n];
            match self.finish {
                Finish::None => {}
                Finish::Then(_) => unreachable!("products that go on with something are of f32 or f64"),
                Finish::Bias(bias) => vectorized(Add { sums, bias: cast_slice(&bias[j..]), relu: false }),
                Finish::BiasRelu(bias) => vectorized(Add { sums, bias: cast_slice(&bias[j..]), relu: true }),
            }
            // SAFETY: these columns of the row lie in the output, and belong to this task alone.
            let out = unsafe { std::slice::from_raw_parts_mut(place.wrapping_add(i * out_stride), n) };
            round_row(cast_slice(sums), out);
        }
    }
}

/// Rounds whole tiles, two by two.
struct RoundTiles<'a, S, O> {
    sums: &'a [S],
    stride: usize,
    out: *mut O,
    out_stride: usize,
}

impl<S: Copy, O: Rounded<S>> Loop for RoundTiles<'_, S, O> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (i, sums) in self.sums.chunks(self.stride).enumerate() {
            let sums: &[S; 32] = sums[..32].try_into().expect("a row");
            // SAFETY: whoever made this has these columns of the row, which lie in the output.
            let out = unsafe { &mut *self.out.wrapping_add(i * self.out_stride).cast::<[O; 32]>() };
            for (out, &sum) in out.iter_mut().zip(sums) {
                *out = O::rounded(sum);
            }
        }
    }
}

/// The epilogue of a row.
struct Add<'a> {
    sums: &'a mut [f32],
    bias: &'a [f32],
    relu: bool,
}

impl Loop for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, bias) in self.sums.iter_mut().zip(self.bias) {
            let x = *sum + bias;
            // NaN stays.
            *sum = if self.relu && x <= 0.0 { 0.0 } else { x };
        }
    }
}
