//! Emitted code against formulas, what it decodes to, and what emission costs.
#![allow(unsafe_code)]

mod decode;
mod measure;
mod programs;
mod simple;
mod table;

use super::{BLOCK_HEAD, Isa, emit_copies};
use crate::kernel::Program;
use crate::kernel::arena::{Arena, Code};
use crate::kernel::interp::Plan;
use crate::kernel::ir::Arg;
use crate::kernel::target::Target;
use plywood_core::DType;

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
    Arena::place(&emit_copies(program, isa, copies).bytes)
        .expect("tests of code need a system that executes it")
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

/// An element from a small list of special values, or any.
fn element(dtype: DType, seed: u64) -> u64 {
    let mut x = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ x >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^= x >> 32;
    let pick = (x >> 8) as usize;
    let float = |exponent: u32, bits: u32, x: u64| -> u64 {
        let (top, one) = (((1u64 << exponent) - 1) << bits, ((1u64 << (exponent - 1)) - 1) << bits);
        let sign = (x & 1) << (exponent + bits);
        let all = (1u64 << (1 + exponent + bits).min(63)) - 1;
        sign | match pick % 24 {
            0 => 0,
            1 => 1,
            2 => 1 << (bits - 1),
            3 => 1 << bits,
            4 => (1 << bits) - 1,
            5 => top,
            6 => top | 1 << (bits - 1),
            7 => top - 1,
            8 => one,
            9 => one + 1,
            10 => one - 1,
            11 => one | 1 << (bits - 1),
            12 => one + (2 << bits),
            13 => one + (31 << bits).min(top - one - 1),
            14 => one + ((31 << bits) | 1).min(top - one - 1),
            15 => one + ((63 << bits) | 1).min(top - one - 1),
            16 => one - (1 << bits),
            17 => one - (2 << bits) + 1,
            18 => x >> 5 & ((1 << bits) - 1),
            19 => one + (x >> 9) % (3 << bits),
            _ => x >> 7 & all >> 1,
        }
    };
    match dtype {
        DType::Bool => x >> 20 & 1,
        DType::F32 => float(8, 23, x) & 0xffff_ffff,
        DType::F64 => float(11, 52, x),
        DType::F16 => float(5, 10, x) & 0xffff,
        DType::BF16 => float(8, 7, x) & 0xffff,
        DType::I64
        | DType::I32
        | DType::I16
        | DType::I8
        | DType::U64
        | DType::U32
        | DType::U16
        | DType::U8 => {
            let bits = 8 * dtype.size() as u32;
            match pick % 12 {
                0 => 0,
                1 => 1,
                2 => u64::MAX,
                3 => 1 << (bits - 1),
                4 => (1 << (bits - 1)) - 1,
                5 => bits as u64,
                6 => bits as u64 - 1,
                7 => 1 << 24,
                8 => (1 << 25) + 1,
                _ => x,
            }
        }
    }
}

/// Whether an element is NaN; any is as good as another.
fn is_nan(dtype: DType, bits: u64) -> bool {
    match dtype {
        DType::F32 => f32::from_bits(bits as u32).is_nan(),
        DType::F64 => f64::from_bits(bits).is_nan(),
        DType::F16 => bits & 0x7fff > 0x7c00,
        DType::BF16 => bits & 0x7fff > 0x7f80,
        _ => false,
    }
}

impl Case<'_> {
    /// Runs both, and says where they differ.
    fn agrees(&self, isa: Isa, copies: Option<usize>) -> Result<(), String> {
        let args = self.program.args();
        let columns = |arg: &Arg| if arg.splat { 1 } else { self.columns };
        // Rows with a gap of one element.
        let stride = |arg: &Arg| (columns(arg) + 1) * arg.dtype.size();
        let fresh = || -> Vec<Vec<u8>> {
            let fill = |(n, arg): (usize, &Arg)| {
                let elements = self.rows * (columns(arg) + 1);
                let seed = (n * 7919 + self.seed * 104_729) as u64;
                let bytes = (0..elements as u64).flat_map(|i| {
                    element(arg.dtype, seed + i).to_le_bytes().into_iter().take(arg.dtype.size())
                });
                bytes.collect()
            };
            args.iter().enumerate().map(fill).collect()
        };
        let (mut ours, mut want) = (fresh(), fresh());
        let places = |all: &mut [Vec<u8>]| -> Vec<(usize, usize)> {
            all.iter_mut().zip(args).map(|(bytes, arg)| (bytes.as_mut_ptr() as usize, stride(arg))).collect()
        };
        call(place(self.program, isa, copies), self.rows, self.columns, self.first, &places(&mut ours));
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
