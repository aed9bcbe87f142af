//! Emitted code against formulas, what it decodes to, and what emission costs.
#![allow(unsafe_code)]

mod decode;
mod measure;
mod programs;
mod simple;
mod table;

use super::{BLOCK_HEAD, Form, Isa, emit_as};
use crate::kernel::Program;
use crate::kernel::arena::{Arena, Code};
use crate::kernel::fuzz::values::{Kind, element, is_nan};
use crate::kernel::interp::Plan;
use crate::kernel::ir::Arg;
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
fn place(program: &Program, isa: Isa, form: Form) -> Code {
    Arena::place(&emit_as(program, isa, form).bytes).expect("tests of code need a system that executes it")
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

/// A program with its arguments, to be run by the interpreter and by emitted code.
struct Case<'a> {
    program: &'a Program,
    rows: usize,
    columns: usize,
    first: usize,
    seed: usize,
}

impl Case<'_> {
    /// Runs both, and says where they differ.
    fn agrees(&self, isa: Isa, form: Form) -> Result<(), String> {
        let args = self.program.args();
        let columns = |arg: &Arg| if arg.splat { 1 } else { self.columns };
        // Rows with a gap of one element.
        let stride = |arg: &Arg| (columns(arg) + 1) * arg.dtype.size();
        let fresh = || -> Vec<Vec<u8>> {
            let fill = |(n, arg): (usize, &Arg)| {
                let elements = self.rows * (columns(arg) + 1);
                let seed = (n * 7919 + self.seed * 104_729) as u64;
                let bytes = (0..elements as u64).flat_map(|i| {
                    element(arg.dtype, Kind::Special, seed + i)
                        .to_le_bytes()
                        .into_iter()
                        .take(arg.dtype.size())
                });
                bytes.collect()
            };
            args.iter().enumerate().map(fill).collect()
        };
        let (mut ours, mut want) = (fresh(), fresh());
        let places = |all: &mut [Vec<u8>]| -> Vec<(usize, usize)> {
            all.iter_mut().zip(args).map(|(bytes, arg)| (bytes.as_mut_ptr() as usize, stride(arg))).collect()
        };
        call(place(self.program, isa, form), self.rows, self.columns, self.first, &places(&mut ours));
        let mut block = vec![self.rows, self.columns, self.first];
        block.extend(places(&mut want).iter().flat_map(|&(at, stride)| [at, stride]));
        // SAFETY: the arguments are those that the program declares, with room for all rows and columns.
        unsafe { Plan::new(self.program).run(&mut block) };
        for (n, arg) in args.iter().enumerate() {
            let size = arg.dtype.size();
            let read = |bytes: &[u8]| {
                let mut word = [0; 8];
                word[..size].copy_from_slice(bytes);
                u64::from_le_bytes(word)
            };
            let pairs = ours[n].chunks_exact(size).zip(want[n].chunks_exact(size));
            for (i, (x, y)) in pairs.map(|(x, y)| (read(x), read(y))).enumerate() {
                if x != y && !(is_nan(arg.dtype, x) && is_nan(arg.dtype, y)) {
                    let inputs: Vec<String> = fresh()
                        .iter()
                        .zip(args)
                        .map(|(all, arg)| format!("{:x?}", all.chunks_exact(arg.dtype.size()).nth(i)))
                        .collect();
                    return Err(format!("argument {n}, element {i}: {x:#x}, not {y:#x}; of {inputs:?}"));
                }
            }
        }
        Ok(())
    }
}
