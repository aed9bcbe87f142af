//! Micro-kernels as machine code: a tile of the output in registers, over a stretch of the inner axis.
//!
//! A kernel adds up `rows` x `vectors` registers of products, element by element of the inner axis, in order: so a sum
//! does not depend on how the output was cut into tiles. Kernels are written when first needed, one for each [`Shape`],
//! and kept in a table. Strides and counts are arguments, in a [`Call`]:
//! * the right operand is read in vectors, at a stride from step to step: packed panels and rows in place alike;
//! * the left operand is read one element at a time, broadcast: either the rows of a step lie side by side (packed
//!   panels, and transposed matrices in place), or each row runs along the inner axis ([`Left`]);
//! * the last vector may have fewer columns: then its loads and stores are masked.
//!
//! A step is one element of the inner axis, or two of bf16, which one instruction multiplies and adds.

use super::Epilogue;
use crate::kernel::arena::{Arena, Code};
use crate::kernel::target::{Features, Target};
use crate::kernel::x64::encode::{
    Asm, Cc, Gp, Hint, K, KWidth, Len, Masked, Prefix, Rm, Vop, mem, mem_at, vop,
};
use std::sync::OnceLock;

/// What a kernel multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// f32, summed in f32.
    F32,
    /// f64, summed in f64.
    F64,
    /// Pairs of bf16, summed in f32 (subnormal numbers count as zero, as the instruction has it).
    Bf16,
}

impl Kind {
    /// Bytes of the left operand in a step, and of an element of the output.
    pub const fn bytes(self) -> usize {
        match self {
            Kind::F32 | Kind::Bf16 => 4,
            Kind::F64 => 8,
        }
    }

    const fn f64(self) -> u8 {
        matches!(self, Kind::F64) as u8
    }
}

/// The instructions a kernel is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// 16 registers of 256 bits.
    Avx2,
    /// 32 registers of 512 bits, and masks.
    Avx512,
}

impl Isa {
    /// The instructions of a target, if it runs machine code; for this kind, if this processor has them.
    pub fn of(target: Target, kind: Kind) -> Option<Isa> {
        match target {
            Target::Avx512 if kind == Kind::Bf16 && !Features::detected().avx512_bf16 => None,
            Target::Avx512 => Some(Isa::Avx512),
            Target::Avx2 if kind == Kind::Bf16 => None,
            Target::Avx2 => Some(Isa::Avx2),
            Target::Portable => None,
        }
    }

    /// The largest tile: rows and vectors.
    pub const fn tile(self) -> (usize, usize) {
        match self {
            Isa::Avx2 => (6, 2),
            Isa::Avx512 => (8, 3),
        }
    }

    /// Columns of a vector.
    pub const fn lanes(self, kind: Kind) -> usize {
        match self {
            Isa::Avx2 => 32 / kind.bytes(),
            Isa::Avx512 => 64 / kind.bytes(),
        }
    }
}

/// How the left operand lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Left {
    /// The rows of a step side by side; a stride from step to step.
    Columns,
    /// The steps of a row side by side; a stride from row to row.
    Rows,
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// What is multiplied.
    pub kind: Kind,
    /// With which instructions.
    pub isa: Isa,
    /// How the left operand lies.
    pub left: Left,
    /// Rows of the tile.
    pub rows: usize,
    /// Vectors of columns of the tile.
    pub vectors: usize,
    /// Whether the last vector has fewer columns.
    pub masked: bool,
    /// Whether the sums are added to what the output holds.
    pub accumulate: bool,
    /// What is done before the output is written.
    pub epilogue: Epilogue,
}

/// The arguments of a kernel, as it reads them. Strides are in bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Call {
    /// Steps of the inner axis.
    pub steps: usize,
    /// The left operand.
    pub left: *const u8,
    /// From step to step, or from row to row.
    pub left_stride: usize,
    /// The right operand.
    pub right: *const u8,
    /// From step to step.
    pub right_stride: usize,
    /// The output.
    pub out: *mut u8,
    /// From row to row.
    pub out_stride: usize,
    /// Columns of the last vector, where it is masked.
    pub last: usize,
    /// One element for each column, where the epilogue wants it.
    pub bias: *const u8,
    /// What is needed soon: from here on a line is asked for in each turn of four steps. It may lead anywhere.
    pub ahead: *const u8,
}

const TABLE: usize = 3 * 2 * 2 * 8 * 3 * 2 * 2 * Epilogue::COUNT;
static KERNELS: [OnceLock<Code>; TABLE] = [const { OnceLock::new() }; TABLE];

impl Shape {
    fn index(&self) -> usize {
        let digits = [
            (self.kind as usize, 3),
            (self.isa as usize, 2),
            (self.left as usize, 2),
            (self.rows - 1, 8),
            (self.vectors - 1, 3),
            (self.masked as usize, 2),
            (self.accumulate as usize, 2),
            (self.epilogue as usize, Epilogue::COUNT),
        ];
        digits.iter().fold(0, |index, &(digit, base)| {
            debug_assert!(digit < base);
            index * base + digit
        })
    }

    /// The kernel, written if it is the first time.
    #[inline]
    pub fn code(&self) -> Code {
        *KERNELS[self.index()].get_or_init(|| {
            let machine = Writer::new(*self).write();
            Arena::place(&machine).expect("the target is available, so code can be placed")
        })
    }
}

// Where things are. The call block is read first, so its register is free afterwards.
const BLOCK: Gp = Gp::RDI;
const STEPS: Gp = Gp::RAX;
const LEFT: [Gp; 3] = [Gp::RSI, Gp::R10, Gp::R12];
const LEFT_STRIDE: Gp = Gp::R9;
const LEFT_STRIDE_3: Gp = Gp::R12;
const RIGHT: Gp = Gp::RDX;
const RIGHT_STRIDE: Gp = Gp::R8;
const RIGHT_STRIDE_3: Gp = Gp::RBX;
const OUT: Gp = Gp::RCX;
const OUT_STRIDE: Gp = Gp::R11;
const BIAS: Gp = Gp::RDI;
const AHEAD: Gp = Gp::R13;
const MASK: K = K(1);
/// Steps that the main loop does in one turn.
pub const UNROLL: usize = 4;

/// Where a field of [`Call`] is.
macro_rules! field {
    ($name:ident) => {
        mem(BLOCK, std::mem::offset_of!(Call, $name) as i32)
    };
}

struct Writer {
    shape: Shape,
    asm: Asm,
    /// Registers of the right operand's vectors, of broadcast elements, and of the mask on AVX2.
    right: u8,
    left: u8,
    lefts: u8,
    mask: u8,
}

impl Writer {
    fn new(shape: Shape) -> Writer {
        let sums = (shape.rows * shape.vectors) as u8;
        let registers = match shape.isa {
            Isa::Avx2 if shape.masked => 15,
            Isa::Avx2 => 16,
            Isa::Avx512 => 32,
        };
        let right = registers - shape.vectors as u8;
        assert!(sums < right, "a tile of {} x {} does not fit the registers", shape.rows, shape.vectors);
        Writer { shape, asm: Asm::new(), right, left: sums, lefts: (right - sums).min(4), mask: 15 }
    }

    /// An instruction on whole vectors.
    fn ins(&mut self, op: Vop, dst: u8, src: u8, rm: Rm) {
        match self.shape.isa {
            Isa::Avx2 => self.asm.vex(op, Len::L256, dst, src, rm, None),
            Isa::Avx512 => self.asm.evex(op, Len::L512, dst, src, rm, Masked::NO, None),
        }
    }

    /// An instruction of the family `ps` or `pd` in the first map.
    fn float(&self, op: u8) -> Vop {
        let w = self.shape.kind.f64();
        let prefix = if w == 1 { Prefix::P66 } else { Prefix::None };
        // VEX ignores W here, and is shorter without.
        vop(prefix, 1, if self.shape.isa == Isa::Avx512 { w } else { 0 }, op)
    }

    /// Whether vector `j` of a row is masked.
    fn partial(&self, j: usize) -> bool {
        self.shape.masked && j + 1 == self.shape.vectors
    }

    /// Loads a vector of the right operand, of the output, or of the bias.
    fn load(&mut self, dst: u8, from: Rm, partial: bool) {
        let plain = self.float(0x10);
        match self.shape.isa {
            Isa::Avx512 if partial => self.asm.evex(plain, Len::L512, dst, 0, from, Masked::zero(MASK), None),
            Isa::Avx2 if partial => {
                let op = vop(Prefix::P66, 2, 0, 0x2c + self.shape.kind.f64());
                self.asm.vex(op, Len::L256, dst, self.mask, from, None);
            }
            Isa::Avx512 | Isa::Avx2 => self.ins(plain, dst, 0, from),
        }
    }

    fn store(&mut self, to: Rm, src: u8, partial: bool) {
        let plain = self.float(0x11);
        match self.shape.isa {
            Isa::Avx512 if partial => self.asm.evex(plain, Len::L512, src, 0, to, Masked::merge(MASK), None),
            Isa::Avx2 if partial => {
                let op = vop(Prefix::P66, 2, 0, 0x2e + self.shape.kind.f64());
                self.asm.vex(op, Len::L256, src, self.mask, to, None);
            }
            Isa::Avx512 | Isa::Avx2 => self.ins(plain, src, 0, to),
        }
    }

    fn zero(&mut self, r: u8) {
        let xor = self.float(0x57);
        match self.shape.isa {
            Isa::Avx2 => self.asm.vex(xor, Len::L256, r, r, Rm::Reg(r), None),
            Isa::Avx512 => self.asm.evex(xor, Len::L512, r, r, Rm::Reg(r), Masked::NO, None),
        }
    }

    /// Where step `q` of a turn reads the right operand.
    fn right_at(&self, q: usize, j: usize) -> Rm {
        let disp = (j * vector_bytes(self.shape.isa)) as i32;
        step_at(RIGHT, RIGHT_STRIDE, RIGHT_STRIDE_3, q, disp)
    }

    fn left_at(&self, q: usize, i: usize) -> Rm {
        let bytes = self.shape.kind.bytes();
        match self.shape.left {
            Left::Columns => step_at(LEFT[0], LEFT_STRIDE, LEFT_STRIDE_3, q, (i * bytes) as i32),
            Left::Rows => {
                let disp = (q * bytes) as i32;
                match i % 3 {
                    0 => mem(LEFT[i / 3], disp),
                    times => mem_at(LEFT[i / 3], LEFT_STRIDE, times as u8, disp),
                }
            }
        }
    }

    /// One step: all products of a column of the left operand and a row of the right one.
    fn step(&mut self, q: usize) {
        let Shape { kind, rows, vectors, .. } = self.shape;
        for j in 0..vectors {
            let at = self.right_at(q, j);
            self.load(self.right + j as u8, at, self.partial(j));
        }
        let w = kind.f64();
        let broadcast = match self.shape.isa {
            Isa::Avx2 => vop(Prefix::P66, 2, 0, 0x18 + w),
            Isa::Avx512 => vop(Prefix::P66, 2, w, 0x18 + w),
        };
        let multiply = match kind {
            Kind::F32 | Kind::F64 => vop(Prefix::P66, 2, w, 0xb8),
            Kind::Bf16 => vop(Prefix::F3, 2, 0, 0x52),
        };
        for i in 0..rows {
            let left = self.left + i as u8 % self.lefts;
            let at = self.left_at(q, i);
            self.ins(broadcast, left, 0, at);
            for j in 0..vectors {
                self.ins(multiply, (i * vectors + j) as u8, left, Rm::Reg(self.right + j as u8));
            }
        }
    }

    /// On to the next `steps` steps.
    fn advance(&mut self, steps: usize) {
        let scale = steps as u8;
        self.asm.lea(RIGHT, mem_at(RIGHT, RIGHT_STRIDE, scale, 0));
        match self.shape.left {
            Left::Columns => self.asm.lea(LEFT[0], mem_at(LEFT[0], LEFT_STRIDE, scale, 0)),
            Left::Rows => {
                for &row in &LEFT[..self.shape.rows.div_ceil(3)] {
                    self.asm.add_i(row, (steps * self.shape.kind.bytes()) as i32);
                }
            }
        }
    }

    fn write(mut self) -> Vec<u8> {
        self.asm.push(Gp::RBX);
        self.asm.push(Gp::R12);
        self.asm.push(AHEAD);
        self.enter();
        for r in 0..(self.shape.rows * self.shape.vectors) as u8 {
            self.zero(r);
        }
        let (rest, done) = (self.asm.label(), self.asm.label());
        self.asm.sub_i(STEPS, UNROLL as i32);
        self.asm.jcc(Cc::L, rest);
        self.asm.align(64);
        let turn = self.asm.here();
        self.asm.prefetch(Hint::T1, mem(AHEAD, 0));
        self.asm.add_i(AHEAD, 64);
        (0..UNROLL).for_each(|q| self.step(q));
        self.advance(UNROLL);
        self.asm.sub_i(STEPS, UNROLL as i32);
        self.asm.jcc(Cc::Ge, turn);
        self.asm.bind(rest);
        self.asm.add_i(STEPS, UNROLL as i32);
        self.asm.jcc(Cc::E, done);
        let one = self.asm.here();
        self.step(0);
        self.advance(1);
        self.asm.dec(STEPS);
        self.asm.jcc(Cc::Ne, one);
        self.asm.bind(done);
        self.leave();
        self.asm.pop(AHEAD);
        self.asm.pop(Gp::R12);
        self.asm.pop(Gp::RBX);
        self.asm.vzeroupper();
        self.asm.ret();
        self.asm.finish().bytes
    }

    /// Reads the call block into registers.
    fn enter(&mut self) {
        self.asm.mov(STEPS, field!(steps));
        self.asm.mov(LEFT[0], field!(left));
        self.asm.mov(LEFT_STRIDE, field!(left_stride));
        self.asm.mov(RIGHT, field!(right));
        self.asm.mov(RIGHT_STRIDE, field!(right_stride));
        self.asm.mov(OUT, field!(out));
        self.asm.mov(OUT_STRIDE, field!(out_stride));
        if self.shape.masked {
            self.asm.mov(Gp::RBX, field!(last));
            match self.shape.isa {
                Isa::Avx512 => {
                    self.asm.mov_i(Gp::R12, -1);
                    self.asm.bzhi(Gp::R12, Gp::R12, Gp::RBX);
                    self.asm.k_from(KWidth::W, MASK, Gp::R12);
                }
                Isa::Avx2 => {
                    // A window that slides over ones and zeros.
                    let mut ones = vec![0xff; 32];
                    ones.resize(64, 0);
                    let at = self.asm.pool(&ones);
                    self.asm.lea(Gp::R12, Rm::Pool { at, bcast: false }.offset(32));
                    self.asm.imul_i(Gp::RBX, Gp::RBX, -(self.shape.kind.bytes() as i32));
                    let load = self.float(0x10);
                    self.asm.vex(load, Len::L256, self.mask, 0, mem_at(Gp::R12, Gp::RBX, 1, 0), None);
                }
            }
        }
        // The tile of the output, so that it is there at the end.
        self.asm.mov(AHEAD, Rm::Reg(OUT.0));
        for i in 0..self.shape.rows {
            for line in 0..(self.shape.vectors * vector_bytes(self.shape.isa)).div_ceil(64) {
                self.asm.prefetch(Hint::T0, mem(AHEAD, 64 * line as i32));
            }
            if i + 1 < self.shape.rows {
                self.asm.add(AHEAD, OUT_STRIDE);
            }
        }
        self.asm.mov(AHEAD, field!(ahead));
        if self.shape.epilogue.has_bias() {
            self.asm.mov(BIAS, field!(bias));
        }
        self.asm.lea(RIGHT_STRIDE_3, mem_at(RIGHT_STRIDE, RIGHT_STRIDE, 2, 0));
        match self.shape.left {
            Left::Columns => self.asm.lea(LEFT_STRIDE_3, mem_at(LEFT_STRIDE, LEFT_STRIDE, 2, 0)),
            Left::Rows => {
                for i in 1..self.shape.rows.div_ceil(3) {
                    self.asm.lea(LEFT[i], mem_at(LEFT[i - 1], LEFT_STRIDE, 2, 0));
                    self.asm.add(LEFT[i], LEFT_STRIDE);
                }
            }
        }
    }

    /// What was there, the epilogue, and the stores.
    fn leave(&mut self) {
        let Shape { rows, vectors, accumulate, epilogue, .. } = self.shape;
        let bytes = vector_bytes(self.shape.isa);
        let (add, max) = (self.float(0x58), self.float(0x5f));
        let spare = self.left;
        if epilogue.has_bias() {
            for j in 0..vectors {
                self.load(self.right + j as u8, mem(BIAS, (j * bytes) as i32), self.partial(j));
            }
        }
        for i in 0..rows {
            for j in 0..vectors {
                let (sum, partial) = ((i * vectors + j) as u8, self.partial(j));
                let at = mem(OUT, (j * bytes) as i32);
                if accumulate && partial {
                    self.load(spare, at, true);
                    self.ins(add, sum, sum, Rm::Reg(spare));
                } else if accumulate {
                    self.ins(add, sum, sum, at);
                }
                if epilogue.has_bias() {
                    self.ins(add, sum, sum, Rm::Reg(self.right + j as u8));
                }
                if epilogue == Epilogue::BiasRelu {
                    // The second operand is what comes of a NaN: so it stays one.
                    self.zero(spare);
                    self.ins(max, sum, spare, Rm::Reg(sum));
                }
                self.store(at, sum, partial);
            }
            if i + 1 < rows {
                self.asm.add(OUT, OUT_STRIDE);
            }
        }
    }
}

const fn vector_bytes(isa: Isa) -> usize {
    match isa {
        Isa::Avx2 => 32,
        Isa::Avx512 => 64,
    }
}

/// The address `disp` bytes behind step `q` of a turn, by registers that hold the stride and three times it.
fn step_at(base: Gp, stride: Gp, stride_3: Gp, q: usize, disp: i32) -> Rm {
    match q {
        0 => mem(base, disp),
        1 => mem_at(base, stride, 1, disp),
        2 => mem_at(base, stride, 2, disp),
        3 => mem_at(base, stride_3, 1, disp),
        _ => unreachable!("a turn has {UNROLL} steps"),
    }
}
