//! One operation of one copy of a body, but for loads, stores and reductions.

use super::Emitter;
use super::alloc::Loc;
use super::encode::{Cc, Gp, K, KOp, KWidth, Len, Masked, Rm, mem, mem_at};
use super::isa::{self, FmaForm, Isa, UnaryForm};
use super::loops;
use crate::kernel::ir::{Binary, Compare, Fma, Id, Op, StageKind, Type, Unary, Width};

impl Emitter<'_> {
    /// Writes operation `i` for one of the interleaved copies.
    pub(super) fn op(&mut self, i: Id, copy: usize) {
        let op = self.program.ops()[i as usize];
        if self.fixed[i as usize] || !self.flow.is_live(i, &op) {
            return;
        }
        self.begin_op(i, copy);
        match op {
            Op::Const(..) => unreachable!("constants are fixed"),
            Op::Column => self.column(i, copy),
            Op::Load(arg) => self.load(i, arg, copy),
            Op::Store(arg, x) => {
                self.store(arg, x, copy);
                self.release(&op, i, copy);
            }
            Op::While(x) => {
                self.end_unless(x, copy);
                self.release(&op, i, copy);
            }
            Op::Unary(unary, x) => self.unary(i, &op, unary, x, copy),
            Op::Binary(binary, x, y) => self.binary(i, &op, binary, [x, y], copy),
            Op::Fma(fma, x, y, z) => self.fma(i, &op, fma, [x, y, z].map(|x| self.flow.root(x)), copy),
            Op::Compare(compare, x, y) => self.compare(i, &op, compare, [x, y], copy),
            Op::Select(mask, x, y) => self.select(i, &op, [mask, x, y].map(|x| self.flow.root(x)), copy),
            Op::Reduce(_, x) => {
                self.reduce_step(i, x, copy);
                self.release(&op, i, copy);
            }
        }
        if self.stage.kind == StageKind::Row && op.has_value() && self.flow.is_used_later(i) {
            self.keep(i);
        }
    }

    /// Whether a type is held in mask registers.
    #[inline]
    pub(super) fn is_mask(&self, ty: Type) -> bool {
        ty == Type::Mask && self.isa == Isa::Avx512
    }

    /// Writes a row's value where later stages find it.
    pub(super) fn keep(&mut self, x: Id) {
        let home = self.home(x);
        match self.loc(x, 0) {
            Loc::Vector(r) => self.spill_to(home, r),
            Loc::Mask(k) => self.asm.k_store(KWidth::W, mem(Gp::RSP, home), K(k)),
            loc => unreachable!("value {x} was just made, and is {loc:?}"),
        }
        if !self.flow.is_used_in_its_stage(x) {
            self.forget(x, 0);
        }
    }

    /// Leaves the rows where a mask, the same in all lanes, is not set.
    fn end_unless(&mut self, x: Id, copy: usize) {
        match self.isa {
            Isa::Avx512 => {
                let (k, given) = self.mask(x, copy);
                self.asm.k_to(KWidth::W, Gp::RAX, k);
                if given {
                    self.give_mask(k);
                }
            }
            Isa::Avx2 => {
                let m = self.operand(x, copy);
                let r = match m {
                    Rm::Reg(r) => r,
                    m => {
                        let r = self.take();
                        self.mov(r, m);
                        self.give(r);
                        r
                    }
                };
                self.asm.signs(Gp::RAX, r);
            }
        }
        self.asm.test_i(Gp::RAX, 1);
        let end = self.end.expect("there are rows");
        self.asm.jcc(Cc::E, end);
    }

    /// The first column's number, that of the iteration, and 0, 1, 2, … in the lanes.
    fn column(&mut self, i: Id, copy: usize) {
        let d = self.take();
        let ahead = (self.first_copy + copy) as i32 * self.lanes();
        self.asm.lea(Gp::RAX, mem(Gp::RCX, ahead));
        self.asm.add(Gp::RAX, mem(Gp::RDI, loops::FIRST_COLUMN));
        match self.isa {
            Isa::Avx512 => self.ins(isa::broadcast_gp(self.width), d, 0, Rm::Reg(Gp::RAX.0)),
            Isa::Avx2 => {
                self.ins_len(isa::from_gp(self.width), Len::L128, d, 0, Rm::Reg(Gp::RAX.0), Masked::NO);
                self.ins(isa::broadcast_bytes(self.width.bytes()), d, 0, Rm::Reg(d));
            }
        }
        let mut numbers = [0u8; 64];
        let bytes = self.width.bytes();
        numbers.chunks_exact_mut(bytes).enumerate().for_each(|(n, lane)| lane[0] = n as u8);
        let at = self.asm.pool(&numbers[..self.isa.bytes() as usize]);
        let add = isa::binary(self.isa, Binary::Add, self.width.unsigned(), self.width);
        self.ins(add, d, d, Rm::Pool { at, bcast: false });
        self.define(i, copy, d);
    }

    fn unary(&mut self, i: Id, op: &Op, unary: Unary, x: Id, copy: usize) {
        let from = self.program.ty(x);
        let x = self.flow.root(x);
        if self.is_mask(from) {
            let (k, given) = self.mask(x, copy);
            self.release(op, i, copy);
            let d = if given { k } else { self.take_mask() };
            self.asm.k_not(KWidth::W, d, k);
            return self.define_mask(i, copy, d);
        }
        let form = isa::unary(self.isa, unary, from, self.width);
        // VEX shifts have no memory operand.
        let (m, own) = match form {
            UnaryForm::Shift(..) if self.isa == Isa::Avx2 => {
                let (r, own) = self.register(x, copy);
                (Rm::Reg(r), own.then_some(r))
            }
            _ => (self.operand(x, copy), None),
        };
        self.release(op, i, copy);
        match form {
            UnaryForm::Plain(ins) => {
                let d = self.take();
                self.ins(ins, d, 0, m);
                self.define(i, copy, d);
            }
            UnaryForm::Shift(ins, digit) => {
                let d = own.unwrap_or_else(|| self.take());
                self.ins(ins, digit, d, m);
                self.define(i, copy, d);
            }
            UnaryForm::Not => match self.isa {
                Isa::Avx512 => {
                    let d = self.take();
                    let ins = if self.width == Width::W64 { isa::NOT.evex_w1() } else { isa::NOT };
                    self.ins(ins, d, d, m);
                    self.define(i, copy, d);
                }
                Isa::Avx2 => {
                    let (r, own) = match m {
                        Rm::Reg(r) => (r, false),
                        m => {
                            let r = self.take();
                            self.mov(r, m);
                            (r, true)
                        }
                    };
                    let d = if own { r } else { self.take() };
                    let ones = self.constant32(u32::MAX);
                    self.ins(isa::XOR, d, r, ones);
                    self.define(i, copy, d);
                }
            },
        }
    }

    fn binary(&mut self, i: Id, op: &Op, binary: Binary, operands: [Id; 2], copy: usize) {
        let ty = self.program.ty(i);
        let [x, y] = operands.map(|x| self.flow.root(x));
        if self.is_mask(ty) {
            let ((a, given_a), (b, given_b)) = (self.mask(x, copy), self.mask(y, copy));
            self.release(op, i, copy);
            if given_b {
                self.give_mask(b);
            }
            let d = if given_a { a } else { self.take_mask() };
            let op = match binary {
                Binary::And => KOp::And,
                Binary::Or => KOp::Or,
                Binary::Xor => KOp::Xor,
                other => unreachable!("{other:?} of masks"),
            };
            self.asm.k_op(op, KWidth::W, d, a, b);
            return self.define_mask(i, copy, d);
        }
        let swap = isa::commutes(binary) && !self.in_register(x, copy) && self.in_register(y, copy);
        let (x, y) = if swap { (y, x) } else { (x, y) };
        let (r, own) = self.register(x, copy);
        let m = self.operand(y, copy);
        self.release(op, i, copy);
        let d = if own { r } else { self.take() };
        self.ins(isa::binary(self.isa, binary, ty, self.width), d, r, m);
        self.define(i, copy, d);
    }

    /// One source is written over: the addend if this is its last use, else a factor, else a copy.
    fn fma(&mut self, i: Id, op: &Op, fma: Fma, [x, y, z]: [Id; 3], copy: usize) {
        let width = self.width;
        let dead = |e: &Self, v: Id| e.dies(v, i) && e.in_register(v, copy);
        // x is in a register if either factor is, and is not needed any more if that holds of either.
        let (x, y) = if !self.in_register(x, copy) && self.in_register(y, copy) { (y, x) } else { (x, y) };
        let (x, y) = if !dead(self, x) && dead(self, y) { (y, x) } else { (x, y) };
        let ins = |form| isa::fma(fma, form, width);
        if dead(self, z) && z != x && z != y {
            let Rm::Reg(rz) = self.operand(z, copy) else { unreachable!("it is in a register") };
            let (rx, own) = self.register(x, copy);
            let my = self.operand(y, copy);
            self.ins(ins(FmaForm::F231), rz, rx, my);
            if own {
                self.give(rx);
            }
            self.release(op, i, copy);
            return self.define(i, copy, rz);
        }
        let over_x = dead(self, x) && x != z && x != y;
        if over_x || !self.in_register(x, copy) {
            let (rx, _) = self.register(x, copy);
            match (self.operand(y, copy), self.operand(z, copy)) {
                (Rm::Reg(ry), mz) => self.ins(ins(FmaForm::F213), rx, ry, mz),
                (my, Rm::Reg(rz)) => self.ins(ins(FmaForm::F132), rx, rz, my),
                (my, mz) => {
                    let t = self.take();
                    self.mov(t, my);
                    self.ins(ins(FmaForm::F213), rx, t, mz);
                    self.give(t);
                }
            }
            self.release(op, i, copy);
            return self.define(i, copy, rx);
        }
        let (rx, _) = self.register(x, copy);
        let (my, mz) = (self.operand(y, copy), self.operand(z, copy));
        let d = self.take();
        self.mov(d, mz);
        self.ins(ins(FmaForm::F231), d, rx, my);
        self.release(op, i, copy);
        self.define(i, copy, d);
    }

    fn compare(&mut self, i: Id, op: &Op, compare: Compare, operands: [Id; 2], copy: usize) {
        let ty = self.program.ty(operands[0]);
        let [x, y] = operands.map(|x| self.flow.root(x));
        let mirrors = self.isa == Isa::Avx512 || ty.is_float() || compare == Compare::Eq;
        let swap = mirrors && !self.in_register(x, copy) && self.in_register(y, copy);
        let (x, y, compare) = if swap { (y, x, isa::mirror(compare)) } else { (x, y, compare) };
        let ins = isa::compare(self.isa, compare, ty, self.width);
        let (r, own) = self.register(x, copy);
        let m = self.operand(y, copy);
        self.release(op, i, copy);
        match self.isa {
            Isa::Avx512 => {
                let k = self.take_mask();
                self.ins(ins, k.0, r, m);
                if own {
                    self.give(r);
                }
                self.define_mask(i, copy, k);
            }
            Isa::Avx2 => {
                let d = if own { r } else { self.take() };
                self.ins(ins, d, r, m);
                self.define(i, copy, d);
            }
        }
    }

    fn select(&mut self, i: Id, op: &Op, [mask, x, y]: [Id; 3], copy: usize) {
        match (self.isa, self.program.ty(i)) {
            (Isa::Avx512, Type::Mask) => self.select_masks(i, op, [mask, x, y], copy),
            (Isa::Avx512, _) => {
                let (k, given) = self.mask(mask, copy);
                if matches!(self.program.ops()[y as usize], Op::Const(_, 0)) {
                    // Lanes that are not copied become zero.
                    let m = self.register(x, copy);
                    self.release(op, i, copy);
                    let d = if m.1 { m.0 } else { self.take() };
                    self.ins_masked(isa::mov(self.width), d, 0, Rm::Reg(m.0), Masked::zero(k));
                    self.define(i, copy, d);
                } else {
                    let (r, own) = self.register(y, copy);
                    let m = self.operand(x, copy);
                    self.release(op, i, copy);
                    let d = if own { r } else { self.take() };
                    self.ins_masked(isa::blend(self.isa, self.width), d, r, m, Masked::merge(k));
                    self.define(i, copy, d);
                }
                if given {
                    self.give_mask(k);
                }
            }
            (Isa::Avx2, _) => {
                let (rm, own_mask) = self.register(mask, copy);
                let (r, own) = self.register(y, copy);
                let m = self.operand(x, copy);
                self.release(op, i, copy);
                let d = if own { r } else { self.take() };
                self.ins(isa::blend(self.isa, self.width).imm(rm << 4), d, r, m);
                self.define(i, copy, d);
                if own_mask {
                    self.give(rm);
                }
            }
        }
    }

    /// `mask & x | !mask & y` of mask registers.
    fn select_masks(&mut self, i: Id, op: &Op, masks: [Id; 3], copy: usize) {
        let [(k, given_k), (a, given_a), (b, given_b)] = masks.map(|m| self.mask(m, copy));
        let (d, t) = (self.take_mask(), self.take_mask());
        self.asm.k_op(KOp::And, KWidth::W, d, k, a);
        self.asm.k_op(KOp::AndNot, KWidth::W, t, k, b);
        self.asm.k_op(KOp::Or, KWidth::W, d, d, t);
        self.give_mask(t);
        for (k, given) in [(k, given_k), (a, given_a), (b, given_b)] {
            if given {
                self.give_mask(k);
            }
        }
        self.release(op, i, copy);
        self.define_mask(i, copy, d);
    }

    /// The address of an argument's elements of a copy.
    pub(super) fn address(&mut self, arg: u8, copy: usize) -> Rm {
        let size = self.program.args()[arg as usize].dtype.size() as i32;
        let base = self.pointer(arg);
        let ahead = (self.first_copy + copy) as i32 * self.lanes() * size;
        mem_at(base, Gp::RCX, size as u8, ahead)
    }

    /// A register with an argument's address in this row.
    pub(super) fn pointer(&mut self, arg: u8) -> Gp {
        match loops::pointer_register(arg) {
            Some(r) => r,
            None => {
                self.asm.mov(Gp::RAX, mem(Gp::RDI, loops::pointer_word(arg)));
                Gp::RAX
            }
        }
    }
}
