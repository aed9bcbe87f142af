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

use super::pack::{Packing, Pairs, Panel, SQUARE, Source, pack, turn};
use super::panels::{Out, Panels, Shared};
use super::{Finish, Matrix, Rounded, round_row};
use crate::kernel::arena::{Arena, Code};
use crate::kernel::x64::encode::{Asm, Cc, Gp, Rm, Tile, mem, mem_at};
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::pool::{Scratch, scratch};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

/// Rows of a tile; also words of a row, each a pair of bf16 or a sum.
const SIDE: usize = 16;
/// Words of a tile.
const TILE: usize = SIDE * SIDE;
/// Elements of the inner axis in a tile.
const CHUNK: usize = 2 * SIDE;
/// Chunks in a block, at most: a panel of the right operand stays in the first cache.
const DEPTH: usize = 16;
/// Panels of rows and of columns of a task, at most.
const TASK: usize = 8;
/// Products of fewer multiplications than this are not worth the tiles.
const LEAST: usize = 1 << 18;
/// Multiplications and additions that a thread does in a nanosecond, about.
const RATE: f64 = 500.0;
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
    right: *const u32,
    sums: *mut f32,
    /// Bytes from row to row of the sums.
    stride: usize,
}

/// A kernel for so many tiles of rows and of columns (1 or 2 each); whether it adds to the sums or overwrites them.
fn kernel(rows: usize, columns: usize, add: bool) -> Code {
    static KERNELS: [OnceLock<Code>; 8] = [const { OnceLock::new() }; 8];
    *KERNELS[(rows - 1) * 4 + (columns - 1) * 2 + add as usize].get_or_init(|| {
        const BLOCK: Gp = Gp::RDI;
        const CHUNKS: Gp = Gp::RAX;
        const LEFT: Gp = Gp::RSI;
        const RIGHT: Gp = Gp::RDX;
        const SUMS: [Gp; 2] = [Gp::RCX, Gp::R10];
        const STRIDE: Gp = Gp::R11;
        const LEFT_STRIDE: Gp = Gp::R8;
        const RIGHT_STRIDE: Gp = Gp::R9;
        let (row, tile) = (4 * SIDE as i32, 4 * TILE as i32);
        let sum = |i: usize, j: usize| Tile((2 * i + j) as u8);
        let (left, right) = (|i: usize| Tile(4 + i as u8), |j: usize| Tile(6 + j as u8));
        let mut asm = Asm::new();
        macro_rules! field {
            ($name:ident) => {
                mem(BLOCK, std::mem::offset_of!(Call, $name) as i32)
            };
        }
        asm.mov(CHUNKS, field!(chunks));
        asm.mov(LEFT, field!(left));
        asm.mov(RIGHT, field!(right));
        asm.mov(SUMS[0], field!(sums));
        asm.mov(STRIDE, field!(stride));
        asm.mov_i(LEFT_STRIDE, row.into());
        asm.mov_i(RIGHT_STRIDE, i64::from(row) * columns as i64);
        asm.lea(SUMS[1], mem_at(SUMS[0], STRIDE, 8, 0));
        asm.lea(SUMS[1], mem_at(SUMS[1], STRIDE, 8, 0));
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
            asm.tile_load(right(j), RIGHT, RIGHT_STRIDE, row * j as i32);
        }
        for i in 0..rows {
            asm.tile_load(left(i), LEFT, LEFT_STRIDE, tile * i as i32);
            (0..columns).for_each(|j| asm.tile_multiply_bf16(sum(i, j), left(i), right(j)));
        }
        asm.add_i(LEFT, tile * rows as i32);
        asm.add_i(RIGHT, tile * columns as i32);
        asm.dec(CHUNKS);
        asm.jcc(Cc::Ne, turn);
        for (i, j) in sums() {
            asm.tile_store(SUMS[i], STRIDE, row * j as i32, sum(i, j));
        }
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
    let left = Source { data: x.data, offset: x.offset, across: x.rows, along: x.columns, depth: k };
    let left = packed(left, rows, blocks, threads, &lost, pack_left);
    let right = Source { data: y.data, offset: y.offset, across: y.columns, along: y.rows, depth: k };
    let right = packed(right, columns, blocks, threads, &lost, pack_right);
    if lost.into_inner() {
        return false;
    }
    let product =
        Product { m, n, rows, columns, blocks, left: left.as_slice(), right: right.as_slice(), finish };
    let work = (m * n) as f64 * k as f64 / RATE;
    let wanted = if threads && par::pieces_of(work) > 1 { 4 * par::threads() } else { 1 };
    let (mut tall, mut wide) = (TASK, TASK);
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
    pack: impl Fn(Panel<'_, I>, &mut [u32]) + Sync,
) -> Scratch {
    let width = panels.padded();
    let words = width * blocks.size * SIDE;
    let mut buffer = scratch(4 * words);
    let start = Shared(buffer.as_mut_slice::<u32>().as_mut_ptr());
    let count = blocks.count * panels.count;
    par::each(count, if threads { PACK * words as f64 / count as f64 } else { 0.0 }, |i| {
        let (block, i) = (i / panels.count, i % panels.count);
        let (from, to) = (blocks.start(block), blocks.start(block + 1));
        let (first, end) = (panels.start(i), panels.start(i + 1));
        let panel = Panel {
            data: source.data,
            offset: source.offset + first as isize * source.across + (from * CHUNK) as isize * source.along,
            across: source.across,
            along: source.along,
            width: end.min(panels.size) - first,
            padded: end - first,
            depth: (to * CHUNK).min(source.depth) - from * CHUNK,
        };
        let place = SIDE * (from * width + (to - from) * first);
        let words = SIDE * (to - from) * panel.padded;
        // SAFETY: blocks and panels cut the buffer into disjoint parts, and no other call has the same index.
        let out = unsafe { std::slice::from_raw_parts_mut(start.at(place), words) };
        pack(panel, out);
        if Pairs::<I>::any_lost(out) {
            lost.store(true, Relaxed);
        }
    });
    buffer
}

/// Steps side by side, as tiles have them: all columns of a step, then the next step.
fn pack_right<I: Pod + Send + Sync>(panel: Panel<'_, I>, out: &mut [u32]) {
    let (steps, rest) = out.split_at_mut(panel.depth.div_ceil(2) * panel.padded);
    pack::<Pairs<I>>(panel, steps);
    rest.fill(0);
}

/// For each chunk the tiles one behind the other; a row of a tile has the steps of a row.
fn pack_left<I: Pod + Send + Sync>(panel: Panel<'_, I>, out: &mut [u32]) {
    let tiles = panel.padded / SIDE;
    for (i, out) in out.chunks_exact_mut(TILE).enumerate() {
        let (from, first) = (i / tiles * CHUNK, i % tiles * SIDE);
        let part = Panel {
            offset: panel.offset + first as isize * panel.across + from as isize * panel.along,
            // Rows behind the last one are the last one again: nobody reads their sums.
            width: (panel.width - first).min(SIDE),
            padded: SIDE,
            depth: (panel.depth - from).min(CHUNK),
            ..panel
        };
        if panel.along == 1 {
            for (r, out) in out.chunks_exact_mut(SIDE).enumerate() {
                let start = (part.offset + r.min(part.width - 1) as isize * part.across) as usize;
                let (row, rest) = cast_slice_mut::<u32, I>(out).split_at_mut(part.depth);
                row.copy_from_slice(&part.data[start..start + part.depth]);
                rest.fill(I::zeroed());
            }
            continue;
        }
        let mut turned = [0u32; TILE];
        pack::<Pairs<I>>(part, &mut turned[..part.depth.div_ceil(2) * SIDE]);
        for (a, b) in [(0, 0), (0, SQUARE), (SQUARE, 0), (SQUARE, SQUARE)] {
            let mut square: [[u32; SQUARE]; SQUARE] = std::array::from_fn(|q| {
                let at = (a + q) * SIDE + b;
                turned[at..at + SQUARE].try_into().expect("so many")
            });
            turn(&mut square);
            for (q, row) in square.iter().enumerate() {
                out[(b + q) * SIDE + a..][..SQUARE].copy_from_slice(row);
            }
        }
    }
}

/// A product whose operands are packed.
struct Product<'a, S> {
    m: usize,
    n: usize,
    rows: Panels,
    columns: Panels,
    blocks: Panels,
    left: &'a [u32],
    right: &'a [u32],
    finish: Finish<'a, S>,
}

impl<S: Pod + Send + Sync> Product<'_, S> {
    /// One task: these panels of rows and columns.
    fn task<O: Rounded<S>>(&self, out: &Out<O>, rows: Range<usize>, columns: Range<usize>) {
        let (i0, j0) = (self.rows.start(rows.start), self.columns.start(columns.start));
        let (i1, j1) = (self.rows.start(rows.end), self.columns.start(columns.end));
        let stride = j1 - j0;
        let mut buffer = scratch(4 * stride * (i1 - i0));
        let sums = &mut buffer.as_mut_slice::<f32>()[..stride * (i1 - i0)];
        self.sums(sums, stride, rows, columns);
        let (m, n) = (i1.min(self.m) - i0, j1.min(self.n) - j0);
        for (i, sums) in sums.chunks_exact_mut(stride).take(m).enumerate() {
            let sums = &mut sums[..n];
            match self.finish {
                Finish::None => {}
                Finish::Bias(bias) => vectorized(Add { sums, bias: cast_slice(&bias[j0..]), relu: false }),
                Finish::BiasRelu(bias) => vectorized(Add { sums, bias: cast_slice(&bias[j0..]), relu: true }),
            }
            let place = out.at.at((i0 + i) * out.stride + j0);
            // SAFETY: these columns of the row lie in the output, and belong to this task alone.
            let out = unsafe { std::slice::from_raw_parts_mut(place, n) };
            round_row(cast_slice(sums), out);
        }
    }

    fn sums(&self, sums: &mut [f32], stride: usize, rows: Range<usize>, columns: Range<usize>) {
        let (i0, j0) = (self.rows.start(rows.start), self.columns.start(columns.start));
        let _configured = Configured::new();
        for block in 0..self.blocks.count {
            let (from, to) = (self.blocks.start(block), self.blocks.start(block + 1));
            let panel = |of: &Panels, first: usize| SIDE * (from * of.padded() + (to - from) * first);
            for (j, end) in columns.clone().map(|j| (self.columns.start(j), self.columns.start(j + 1))) {
                let wide = (end - j) / SIDE;
                for (i, end) in rows.clone().map(|i| (self.rows.start(i), self.rows.start(i + 1))) {
                    let code = kernel((end - i) / SIDE, wide, block > 0);
                    let mut call = Call {
                        chunks: to - from,
                        left: self.left[panel(&self.rows, i)..].as_ptr(),
                        right: self.right[panel(&self.columns, j)..].as_ptr(),
                        sums: sums[(i - i0) * stride + (j - j0)..].as_mut_ptr(),
                        stride: 4 * stride,
                    };
                    // SAFETY: the code is a kernel, which reads a `Call`; tiles are configured. It reads the panels of
                    // both operands for this block, which are whole tiles, and writes its tiles of the sums.
                    unsafe { code.call((&raw mut call).cast()) };
                }
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
