//! A matrix of contiguous rows by a vector, bound by memory: four rows are read side by side, ahead of their use.
//!
//! A kernel leaves two registers of sums for each row, every so many products apart; they are added up in a tree, and
//! what does not fill the registers at last. So a sum is the same whichever rows come together.

#![allow(unsafe_code)]

use super::Matrix;
use super::kernel::{Isa, Kind};
use crate::kernel::arena::{Arena, Code};
use crate::kernel::target::Target;
use crate::kernel::x64::encode::{Asm, Cc, Gp, Hint, Len, Masked, Prefix, Rm, mem, mem_at, vop};
use crate::math::Num;
use std::any::TypeId;
use std::sync::OnceLock;

/// Rows of a kernel; those that are left over come one by one.
const TOGETHER: usize = 4;
/// Bytes from what is used to what is asked for.
const AHEAD: i32 = 1024;

/// The arguments of a kernel, as it reads them.
#[repr(C)]
struct Call {
    /// Turns of two registers.
    turns: usize,
    rows: *const u8,
    /// Bytes from row to row.
    stride: usize,
    vector: *const u8,
    /// Two registers for each row.
    sums: *mut u8,
}

fn kernel(isa: Isa, kind: Kind, rows: usize) -> Code {
    static KERNELS: [OnceLock<Code>; 8] = [const { OnceLock::new() }; 8];
    let w = (kind == Kind::F64) as u8;
    let place = isa as usize * 4 + w as usize * 2 + (rows > 1) as usize;
    *KERNELS[place].get_or_init(|| {
        let mut asm = Asm::new();
        let wide: i32 = if isa == Isa::Avx512 { 64 } else { 32 };
        let (turns, left, stride, stride_3) = (Gp::RAX, Gp::RSI, Gp::R9, Gp::R10);
        let (vector, sums) = (Gp::RDX, Gp::RCX);
        let ins = |asm: &mut Asm, (map, op): (u8, u8), dst: u8, src: u8, rm: Rm| {
            let prefix = if map == 1 && w == 0 { Prefix::None } else { Prefix::P66 };
            match isa {
                Isa::Avx2 => asm.vex(vop(prefix, map, w, op), Len::L256, dst, src, rm, None),
                Isa::Avx512 => asm.evex(vop(prefix, map, w, op), Len::L512, dst, src, rm, Masked::NO, None),
            }
        };
        let (load, store, xor, multiply) = ((1, 0x10), (1, 0x11), (1, 0x57), (2, 0xb8));
        macro_rules! field {
            ($name:ident) => {
                mem(Gp::RDI, std::mem::offset_of!(Call, $name) as i32)
            };
        }
        asm.mov(turns, field!(turns));
        asm.mov(left, field!(rows));
        asm.mov(stride, field!(stride));
        asm.mov(vector, field!(vector));
        asm.mov(sums, field!(sums));
        asm.lea(stride_3, mem_at(stride, stride, 2, 0));
        let at = |row: usize, disp: i32| match row {
            0 => mem(left, disp),
            3 => mem_at(left, stride_3, 1, disp),
            row => mem_at(left, stride, row as u8, disp),
        };
        let all = 2 * rows as u8;
        (0..all).for_each(|r| ins(&mut asm, xor, r, r, Rm::Reg(r)));
        asm.align(32);
        let turn = asm.here();
        for h in 0..2 {
            ins(&mut asm, load, all + h, 0, mem(vector, wide * h as i32));
        }
        for row in 0..rows {
            (0..2 * wide / 64).for_each(|line| asm.prefetch(Hint::T0, at(row, AHEAD + 64 * line)));
            for h in 0..2 {
                ins(&mut asm, multiply, 2 * row as u8 + h, all + h, at(row, wide * h as i32));
            }
        }
        asm.add_i(left, 2 * wide);
        asm.add_i(vector, 2 * wide);
        asm.dec(turns);
        asm.jcc(Cc::Ne, turn);
        (0..all).for_each(|r| ins(&mut asm, store, r, 0, mem(sums, wide * r as i32)));
        asm.vzeroupper();
        asm.ret();
        Arena::place(&asm.finish().bytes).expect("the target is available, so code can be placed")
    })
}

/// Writes the inner products of the rows of `x` and `v`. False where there is no kernel: nothing was written.
pub fn gemv<S: Num>(target: Target, out: &mut [S], x: Matrix<'_, S>, v: &[S]) -> bool {
    let kind = match TypeId::of::<S>() {
        id if id == TypeId::of::<f32>() => Kind::F32,
        id if id == TypeId::of::<f64>() => Kind::F64,
        _ => return false,
    };
    let Some(isa) = Isa::of(target, kind) else { return false };
    let apart = 2 * isa.lanes(kind);
    if x.columns != 1 || v.len() < 2 * apart || out.is_empty() {
        return false;
    }
    assert!(x.holds(out.len(), v.len()), "the matrix reaches outside its data");
    let turns = v.len() / apart;
    // Room for four rows of the widest registers.
    let mut all = [S::ZERO; TOGETHER * 32];
    let mut first = 0;
    while first < out.len() {
        let rows = if out.len() - first >= TOGETHER { TOGETHER } else { 1 };
        let x = x.at_row(first);
        let mut call = Call {
            turns,
            rows: x.data.as_ptr().wrapping_offset(x.offset).cast(),
            stride: (x.rows * size_of::<S>() as isize) as usize,
            vector: v.as_ptr().cast(),
            sums: all.as_mut_ptr().cast(),
        };
        // SAFETY: the code is a kernel, which reads a `Call`. It reads `turns * apart` elements of so many rows, which
        // lie in the data by the assertion, and of `v`; and writes `rows * apart` sums, at most 4 x 32.
        unsafe { kernel(isa, kind, rows).call((&raw mut call).cast()) };
        for (r, sums) in all.chunks_exact_mut(apart).take(rows).enumerate() {
            let start = (x.offset + r as isize * x.rows) as usize;
            let mut n = apart;
            while n > 1 {
                n /= 2;
                (0..n).for_each(|l| sums[l] = sums[l].add(sums[l + n]));
            }
            let rest = turns * apart..v.len();
            let row = &x.data[start..start + v.len()][rest.clone()];
            let rest = row.iter().zip(&v[rest]).fold(S::ZERO, |sum, (&x, &v)| sum.add(x.mul(v)));
            out[first + r] = sums[0].add(rest);
        }
        first += rows;
    }
    true
}
