//! Machine code for x86-64: programs of the kernel language, emitted.
//!
//! [`emit`] goes over a program once. [`flow`] finds out what is used where; [`plan`] chooses for every loop how many
//! copies of its body run interleaved, and which values stay in registers; [`alloc`] gives registers to the others while
//! [`body`] writes the operations, [`memory`] loads and stores, [`reduce`] reductions and [`loops`] what is around them.
//! [`stream`] writes stores past the caches, in a second code for large outputs.
//! Which instruction does an operation is looked up in [`isa`].
//!
//! A kernel is called with a block of words, which it may overwrite: rows (1 or more), columns, the number of the first
//! column, then for every argument its address and the distance of its rows in bytes.
//!
//! What always holds: code reads and writes nothing outside of its arguments' rows and columns; it does the same
//! operations in the same order for every element, whatever the number of copies and of columns.

pub mod encode;

mod alloc;
mod body;
mod flow;
mod isa;
mod loops;
mod memory;
mod plan;
mod reduce;
mod stream;
#[cfg(test)]
mod tests;

pub use isa::Isa;
pub use stream::{LINE, streamed};

use super::arena::{Arena, Code};
use super::ir::{Id, Program, Stage, Width};
use super::legalize;
use super::target::Target;
use alloc::Registers;
use encode::{Asm, Label};
use flow::Flow;

/// Machine code of a program.
#[derive(Debug)]
pub struct Emitted {
    /// Instructions, then constants; to be placed at a multiple of 64 bytes.
    pub bytes: Vec<u8>,
    /// How it came out.
    pub stats: Stats,
}

/// How the code of a program came out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many of the bytes are instructions.
    pub code: usize,
    /// How many copies of each loop's body run interleaved.
    pub copies: Vec<usize>,
    /// How many values stay in registers throughout each loop.
    pub pinned: Vec<usize>,
    /// How many values did not find a register.
    pub spills: usize,
}

/// The words of a call block before those of the arguments: rows, columns, the first column.
pub const BLOCK_HEAD: usize = 3;

/// A program's code in the arena.
///
/// # Panics
///
/// If the target is not one of machine code, or if the system refuses executable memory (`Target::available` leaves
/// such targets out).
pub fn compile(program: &Program, target: Target, form: Form) -> Code {
    let isa = match target {
        Target::Avx512 => Isa::Avx512,
        Target::Avx2 => Isa::Avx2,
        Target::Portable => panic!("the portable target has no machine code"),
    };
    Arena::place(&emit_as(program, isa, form).bytes)
        .unwrap_or_else(|reason| panic!("no executable memory: {reason}"))
}

/// How code is written where there is a choice.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Form {
    /// How many copies of every loop's body there are (1, 2, 4 or 8); otherwise it is chosen.
    pub copies: Option<usize>,
    /// Whether arguments that can be ([`streamed`]) are stored past the caches. The address of such an argument and
    /// the distance of its rows are multiples of its elements' size, and where there are several, of a [`LINE`].
    pub streams: bool,
}

/// The code of a program.
pub fn emit(program: &Program, isa: Isa) -> Emitted {
    emit_as(program, isa, Form::default())
}

/// The code of a program, in this form.
pub fn emit_as(program: &Program, isa: Isa, form: Form) -> Emitted {
    match isa {
        Isa::Avx512 => Emitter::new(program, isa, form).run(form.copies),
        Isa::Avx2 => Emitter::new(&legalize::avx2(program), isa, form).run(form.copies),
    }
}

/// Code being written.
struct Emitter<'a> {
    program: &'a Program,
    width: Width,
    isa: Isa,
    asm: Asm,
    flow: Flow,
    regs: Registers,
    /// Where on the stack a value is that outlives the code which makes it (see [`Emitter::home`]).
    homes: Vec<i32>,
    /// Whether a value is there before the code at work: see [`flow::is_fixed`]; of earlier stages, all.
    fixed: Vec<bool>,
    /// Where rows end.
    end: Option<Label>,
    /// The stage at work.
    stage: Stage,
    /// How many copies of the body are interleaved.
    copies: usize,
    /// The number of the first of them within an iteration.
    first_copy: usize,
    /// Whether only the lanes within the row count: those of `k1`, or of the last vector register on AVX2.
    tail: bool,
    /// The arguments that are stored past the caches, as bits.
    streams: u32,
    /// Where on the stack small elements of a tail are put together (AVX2).
    bounce: Option<i32>,
    /// The accumulators of the stage's reductions.
    accumulators: Vec<(Id, reduce::Accumulators)>,
    stats: Stats,
}

impl<'a> Emitter<'a> {
    fn new(program: &'a Program, isa: Isa, form: Form) -> Emitter<'a> {
        let n = program.ops().len();
        Emitter {
            program,
            width: program.width(),
            isa,
            asm: Asm::new(),
            flow: Flow::of(program),
            regs: Registers::new(n),
            homes: vec![alloc::NO_HOME; n],
            fixed: vec![false; n],
            end: None,
            stage: program.stages()[0].clone(),
            copies: 1,
            first_copy: 0,
            tail: false,
            streams: if form.streams { streamed(program) } else { 0 },
            bounce: None,
            accumulators: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Lanes of a register.
    fn lanes(&self) -> i32 {
        self.isa.lanes(self.width)
    }
}
