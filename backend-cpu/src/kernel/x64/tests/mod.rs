//! Emitted code against formulas, what it decodes to, and what emission costs.
#![allow(unsafe_code)]

mod decode;
mod simple;

use super::{BLOCK_HEAD, Isa, emit_copies};
use crate::kernel::Program;
use crate::kernel::arena::{Arena, Code};
use crate::kernel::target::Target;

/// The instruction sets that this machine has.
fn isas() -> Vec<Isa> {
    let of = |target: &Target| match target {
        Target::Avx512 => Some(Isa::Avx512),
        Target::Avx2 => Some(Isa::Avx2),
        Target::Portable => None,
    };
    Target::available().iter().filter_map(of).collect()
}

/// A program's code, placed.
fn place(program: &Program, isa: Isa, copies: Option<usize>) -> Code {
    Arena::place(&emit_copies(program, isa, copies).bytes).expect("tests of code need a system that executes it")
}

/// Calls code with an address and a distance of rows for every argument.
fn call(code: Code, rows: usize, columns: usize, first: usize, args: &[(usize, usize)]) {
    let mut block = vec![0usize; BLOCK_HEAD + 2 * args.len()];
    block[..BLOCK_HEAD].copy_from_slice(&[rows, columns, first]);
    for (words, &(address, stride)) in block[BLOCK_HEAD..].chunks_exact_mut(2).zip(args) {
        words.copy_from_slice(&[address, stride]);
    }
    // SAFETY: each test gives the arguments that its program declares, with room for all rows and columns.
    unsafe { code.call(block.as_mut_ptr()) };
}
