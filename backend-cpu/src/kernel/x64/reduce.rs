//! Reductions: a loop's values in one, by the tree that the language says ([`Op::Reduce`]).
//!
//! Partial `p` is lane `p % lanes` of accumulator `p / lanes`, so an iteration of the loop goes over all accumulators once,
//! and vector `k` of the tail belongs to accumulator `k`, under the mask: its other lanes keep what they have. In the
//! end halves are combined, accumulators first, then halves of one, until the result is in lane 0 and goes to all.
//!
//! What always holds: the new value (or the upper half) is the first operand, what was before the second; minimum and
//! maximum tell.

use super::Emitter;
use super::alloc::{Loc, MOST_COPIES};
use super::encode::{Cc, Gp, Label, Masked, Rm, mem, mem_at};
use super::isa::{self, Ins, Isa};
use super::memory::{TAIL_K, TAIL_VECTOR};
use super::plan::Plan;
use crate::kernel::ir::{Binary, Id, Op, Type, Width};

/// Where a reduction's partial results are.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Accumulators {
    /// One register for each vector of an iteration.
    Registers([u8; MOST_COPIES]),
    /// Slots of the stack behind each other, from here.
    Stack(i32),
}

impl Emitter<'_> {
    fn step(&self, i: Id) -> (Binary, Type, u64) {
        let Op::Reduce(op, _) = self.program.ops()[i as usize] else { unreachable!("{i} is no reduction") };
        let ty = self.program.ty(i);
        (op.step(), ty, op.identity(ty))
    }

    fn slot(&self, first: i32, n: usize) -> Rm {
        mem(Gp::RSP, first + n as i32 * self.isa.bytes())
    }

    /// All partial results start at the identity.
    pub(super) fn start_reductions(&mut self, plan: &Plan) {
        for &(i, places) in &plan.accumulators {
            let (_, _, identity) = self.step(i);
            match places {
                Accumulators::Registers(registers) => {
                    for &r in &registers[..plan.vectors] {
                        self.fill(r, identity);
                    }
                }
                Accumulators::Stack(first) => {
                    let t = self.take();
                    self.fill(t, identity);
                    for n in 0..plan.vectors {
                        self.ins(isa::mov_to(self.width), t, 0, self.slot(first, n));
                    }
                    self.give(t);
                }
            }
        }
    }

    fn fill(&mut self, r: u8, bits: u64) {
        if bits == 0 {
            return self.ins(isa::XOR, r, r, Rm::Reg(r));
        }
        let src = self.constant(bits);
        self.mov(r, src);
    }

    /// Combines a value of this copy into its accumulator.
    pub(super) fn reduce_step(&mut self, i: Id, x: Id, copy: usize) {
        let (op, ty, _) = self.step(i);
        let x = self.flow.root(x);
        let (r, own) = self.register(x, copy);
        let n = self.first_copy + copy;
        let places = self.accumulators.iter().find(|a| a.0 == i).expect("it was planned").1;
        match (places, self.tail) {
            (Accumulators::Registers(registers), false) => {
                self.combine(op, ty, registers[n], r, Rm::Reg(registers[n]), Masked::NO);
            }
            (Accumulators::Stack(first), false) => {
                let (t, slot) = (self.take(), self.slot(first, n));
                self.combine(op, ty, t, r, slot, Masked::NO);
                self.ins(isa::mov_to(self.width), t, 0, slot);
                self.give(t);
            }
            (Accumulators::Registers(registers), true) => self.reduce_tail(op, ty, r, &registers),
            (Accumulators::Stack(first), true) => {
                self.position_in_iteration();
                let slot = mem_at(Gp::RSP, Gp::RAX, self.width.bytes() as u8, first);
                let old = self.take();
                self.mov(old, slot);
                self.combine_tail(op, ty, old, r);
                self.ins(isa::mov_to(self.width), old, 0, slot);
                self.give(old);
            }
        }
        if own {
            self.give(r);
        }
    }

    /// rax = how many columns of the iteration lie before this vector of the tail.
    fn position_in_iteration(&mut self) {
        self.asm.mov(Gp::RAX, Gp::RCX);
        self.asm.and_i(Gp::RAX, self.width.partials() as i32 - 1);
    }

    /// Combines into the accumulator that this vector of the tail belongs to.
    fn reduce_tail(&mut self, op: Binary, ty: Type, r: u8, registers: &[u8; MOST_COPIES]) {
        let vectors = self.width.partials() / self.lanes() as usize;
        let done: Label = self.asm.label();
        self.position_in_iteration();
        for (n, &acc) in registers[..vectors].iter().enumerate() {
            let last = n + 1 == vectors;
            let next = self.asm.label();
            if !last {
                self.asm.cmp_i(Gp::RAX, n as i32 * self.lanes());
                self.asm.jcc(Cc::Ne, next);
            }
            self.combine_tail(op, ty, acc, r);
            if !last {
                self.asm.jmp(done);
            }
            self.asm.bind(next);
        }
        self.asm.bind(done);
    }

    /// `acc = op(new, acc)` in the lanes of the row.
    fn combine_tail(&mut self, op: Binary, ty: Type, acc: u8, new: u8) {
        match self.isa {
            Isa::Avx512 => self.combine(op, ty, acc, new, Rm::Reg(acc), Masked::merge(TAIL_K)),
            Isa::Avx2 => {
                let t = self.take();
                self.combine(op, ty, t, new, Rm::Reg(acc), Masked::NO);
                let blend = isa::blend(Isa::Avx2, self.width).imm(TAIL_VECTOR << 4);
                self.ins(blend, acc, acc, Rm::Reg(t));
                self.give(t);
            }
        }
    }

    /// `dst = op(new, old)`.
    fn combine(&mut self, op: Binary, ty: Type, dst: u8, new: u8, old: Rm, mask: Masked) {
        let is_long = matches!(ty, Type::I64 | Type::U64);
        match (self.isa, op) {
            (Isa::Avx2, Binary::Mul) if is_long => self.long_product(dst, new, old),
            (Isa::Avx2, Binary::Max | Binary::Min) if is_long => {
                self.long_extreme(op == Binary::Max, ty, dst, new, old);
            }
            (Isa::Avx512 | Isa::Avx2, _) => {
                self.ins_masked(isa::binary(self.isa, op, ty, self.width), dst, new, old, mask);
            }
        }
    }

    /// The larger (or smaller) of integers of 64 bits, AVX2: a comparison, of unsigned ones with the sign bits turned round.
    fn long_extreme(&mut self, max: bool, ty: Type, dst: u8, new: u8, old: Rm) {
        let (o, a, b) = (self.take(), self.take(), self.take());
        self.mov(o, old);
        let (mut x, mut y) = (new, o);
        if ty == Type::U64 {
            let sign = self.constant(1 << 63);
            self.ins(isa::XOR, a, new, sign);
            self.ins(isa::XOR, b, o, sign);
            (x, y) = (a, b);
        }
        let (above, below) = if max { (x, y) } else { (y, x) };
        self.ins(isa::greater(Width::W64), a, above, Rm::Reg(below));
        self.ins(isa::blend(Isa::Avx2, Width::W64).imm(a << 4), dst, o, Rm::Reg(new));
        [o, a, b].into_iter().for_each(|r| self.give(r));
    }

    /// The product of integers of 64 bits, AVX2: of the low halves, and above them the two mixed ones.
    fn long_product(&mut self, dst: u8, new: u8, old: Rm) {
        let (o, a, b) = (self.take(), self.take(), self.take());
        let mul_low: Ins = isa::binary(Isa::Avx2, Binary::MulLow, Type::U64, Width::W64);
        let add = isa::binary(Isa::Avx2, Binary::Add, Type::U64, Width::W64);
        self.mov(o, old);
        self.ins(isa::SHIFT_Q.imm(32), 2, a, Rm::Reg(new));
        self.ins(mul_low, a, a, Rm::Reg(o));
        self.ins(isa::SHIFT_Q.imm(32), 2, b, Rm::Reg(o));
        self.ins(mul_low, b, b, Rm::Reg(new));
        self.ins(add, a, a, Rm::Reg(b));
        self.ins(isa::SHIFT_Q.imm(32), 6, a, Rm::Reg(a));
        self.ins(mul_low, b, new, Rm::Reg(o));
        self.ins(add, dst, a, Rm::Reg(b));
        [o, a, b].into_iter().for_each(|r| self.give(r));
    }

    /// The results of a loop's reductions, in all lanes, where later stages find them.
    pub(super) fn finish_reductions(&mut self, plan: &Plan) {
        for &(i, places) in &plan.accumulators {
            let (op, ty, _) = self.step(i);
            self.begin_op(i, 0);
            let t = self.take();
            let x = match places {
                Accumulators::Registers(registers) => {
                    let mut n = plan.vectors;
                    while n > 1 {
                        n /= 2;
                        for j in 0..n {
                            let old = Rm::Reg(registers[j]);
                            self.combine(op, ty, registers[j], registers[j + n], old, Masked::NO);
                        }
                    }
                    registers[0]
                }
                Accumulators::Stack(first) => {
                    let x = self.take();
                    let mut n = plan.vectors;
                    while n > 1 {
                        n /= 2;
                        for j in 0..n {
                            self.mov(t, self.slot(first, j + n));
                            self.combine(op, ty, x, t, self.slot(first, j), Masked::NO);
                            if n > 1 {
                                self.ins(isa::mov_to(self.width), x, 0, self.slot(first, j));
                            }
                        }
                    }
                    x
                }
            };
            self.halve_register(op, ty, x, t);
            let home = self.home(i);
            self.spill_to(home, x);
            self.set_loc(i, 0, Loc::Stack(home));
            self.give(t);
            if let Accumulators::Stack(_) = places {
                self.give(x);
            }
        }
    }

    /// Combines the upper half of a register's lanes into the lower, until lane 0 has the result; then all have it.
    fn halve_register(&mut self, op: Binary, ty: Type, x: u8, t: u8) {
        let halve = |e: &mut Self| e.combine(op, ty, x, t, Rm::Reg(x), Masked::NO);
        if self.isa == Isa::Avx512 {
            self.ins(isa::UPPER_256, x, 0, Rm::Reg(t));
            halve(self);
        }
        // Of 256 bits: more is not needed any more.
        self.ins_len(isa::UPPER_128, super::encode::Len::L256, x, 0, Rm::Reg(t), Masked::NO);
        halve(self);
        self.ins(isa::SHUFFLE_D.imm(0x4e), t, 0, Rm::Reg(x));
        halve(self);
        if self.width == Width::W32 {
            self.ins(isa::SHUFFLE_D.imm(0xb1), t, 0, Rm::Reg(x));
            halve(self);
        }
        self.ins(isa::broadcast(self.width), x, 0, Rm::Reg(x));
    }
}
