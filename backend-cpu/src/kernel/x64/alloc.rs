//! Where values are: registers are given out while code is written, by one scan.
//!
//! A value gets a register when it is made and gives it back at its last use. Where none is free, the value that is
//! used last of all goes to the stack, and is read from there as a memory operand. Constants are memory operands from
//! the start (or pinned in a register, which is not given out), so they are never spilled.
//!
//! What always holds: between two operations every register is free, holds one value of one copy of the body, or is
//! withheld (pinned, an accumulator); a register or a stack slot that an operation reads is not given out again
//! before its instructions are written.

use super::Emitter;
use super::encode::{Gp, K, KWidth, Masked, Rm, mem};
use super::isa::{self, Ins, Isa};
use crate::kernel::ir::{Id, Op, Type, Width};

/// The most copies of a body that are interleaved.
pub(super) const MOST_COPIES: usize = 8;

/// The value has no slot on the stack for as long as the kernel runs.
pub(super) const NO_HOME: i32 = -1;

/// Nobody.
const NOBODY: (Id, u8) = (Id::MAX, 0);

/// Mask registers for values: not k0, which means no mask, nor k1, the mask of the tail.
const MASKS: u8 = 0xfc;

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Loc {
    /// Nowhere (yet, or any more).
    None,
    /// In a vector register.
    Vector(u8),
    /// In a mask register.
    Mask(u8),
    /// On the stack, this far from rsp.
    Stack(i32),
    /// In the constant pool.
    Pool(u32),
    /// A constant mask, in a mask register when it is used (AVX-512).
    AllLanes(bool),
}

/// Who has which register.
pub(super) struct Registers {
    /// By value and copy.
    locs: Vec<Loc>,
    free: u32,
    free_masks: u8,
    /// What the operation at work uses.
    locked: u32,
    locked_masks: u8,
    owners: [(Id, u8); 32],
    mask_owners: [(Id, u8); 8],
    /// Bytes of the stack in use; the first slot holds the caller's stack pointer.
    frame: i32,
    free_slots: Vec<i32>,
    /// Slots that the operation at work gives back: free when it is done.
    dropped_slots: Vec<i32>,
    /// The operation and the copy at work, as one number.
    now: u32,
}

impl Registers {
    pub(super) fn new(values: usize) -> Registers {
        Registers {
            locs: vec![Loc::None; values * MOST_COPIES],
            free: 0,
            free_masks: 0,
            locked: 0,
            locked_masks: 0,
            owners: [NOBODY; 32],
            mask_owners: [NOBODY; 8],
            frame: 0,
            free_slots: Vec::new(),
            dropped_slots: Vec::new(),
            now: 0,
        }
    }
}

impl Emitter<'_> {
    /// Starts a run of code with these registers free and no values in others but the fixed ones.
    pub(super) fn begin(&mut self, copies: usize, free: u32) {
        self.copies = copies;
        self.first_copy = 0;
        self.regs.free = free;
        self.regs.free_masks = MASKS;
        self.regs.owners = [NOBODY; 32];
        self.regs.mask_owners = [NOBODY; 8];
    }

    /// Starts an operation: nothing is locked.
    #[inline]
    pub(super) fn begin_op(&mut self, i: Id, copy: usize) {
        self.regs.locked = 0;
        self.regs.locked_masks = 0;
        self.regs.now = i * self.copies as u32 + copy as u32;
        if !self.regs.dropped_slots.is_empty() {
            let Emitter { regs, .. } = self;
            regs.free_slots.append(&mut regs.dropped_slots);
        }
    }

    /// One vector instruction on whole registers.
    #[inline]
    pub(super) fn ins(&mut self, ins: Ins, dst: u8, second: u8, rm: Rm) {
        self.ins_masked(ins, dst, second, rm, Masked::NO);
    }

    /// One vector instruction on whole registers, under a mask (AVX-512).
    #[inline]
    pub(super) fn ins_masked(&mut self, ins: Ins, dst: u8, second: u8, rm: Rm, mask: Masked) {
        self.ins_len(ins, self.isa.full(), dst, second, rm, mask);
    }

    /// One vector instruction.
    #[inline]
    pub(super) fn ins_len(
        &mut self,
        ins: Ins,
        len: super::encode::Len,
        dst: u8,
        second: u8,
        rm: Rm,
        mask: Masked,
    ) {
        let op = ins.vop(self.isa);
        match self.isa {
            Isa::Avx512 => self.asm.evex(op, len, dst, second, rm, mask, ins.imm),
            Isa::Avx2 => self.asm.vex(op, len, dst, second, rm, ins.imm),
        }
    }

    /// Copies a whole register, or loads it.
    pub(super) fn mov(&mut self, dst: u8, src: Rm) {
        match src {
            Rm::Reg(r) if r == dst => {}
            Rm::Pool { at, bcast: true } => {
                self.ins(isa::broadcast(self.width), dst, 0, Rm::Pool { at, bcast: false });
            }
            src => self.ins(isa::mov(self.width), dst, 0, src),
        }
    }

    // Constants.

    /// A constant of a lane's width, as an operand.
    pub(super) fn constant(&mut self, bits: u64) -> Rm {
        let at = self.pool(bits, self.width);
        self.pooled(at)
    }

    /// The same 32 bits everywhere, as an operand of instructions on elements of 32 bits.
    pub(super) fn constant32(&mut self, bits: u32) -> Rm {
        let at = self.pool(bits as u64, Width::W32);
        self.pooled(at)
    }

    /// AVX-512 reads one element and broadcasts it; AVX2 wants a whole register.
    fn pool(&mut self, bits: u64, width: Width) -> u32 {
        let n = width.bytes();
        let element = bits.to_le_bytes();
        match self.isa {
            Isa::Avx512 => self.asm.pool(&element[..n]),
            Isa::Avx2 => {
                let mut all = [0; 32];
                all.chunks_exact_mut(n).for_each(|lane| lane.copy_from_slice(&element[..n]));
                self.asm.pool(&all)
            }
        }
    }

    fn pooled(&self, at: u32) -> Rm {
        Rm::Pool { at, bcast: self.isa == Isa::Avx512 }
    }

    /// Where a constant is that is not pinned.
    pub(super) fn locate_constant(&mut self, x: Id, ty: Type, bits: u64) {
        let loc = match (ty, self.isa) {
            (Type::Mask, Isa::Avx512) => Loc::AllLanes(bits != 0),
            (Type::Mask, Isa::Avx2) => Loc::Pool(self.pool(if bits != 0 { u64::MAX } else { 0 }, self.width)),
            (Type::F32 | Type::I32 | Type::U32 | Type::F64 | Type::I64 | Type::U64, _) => {
                Loc::Pool(self.pool(bits, self.width))
            }
        };
        self.set_loc(x, 0, loc);
    }

    // Slots on the stack.

    /// A slot for a whole register; released slots are given out again.
    pub(super) fn new_slot(&mut self) -> i32 {
        if let Some(slot) = self.regs.free_slots.pop() {
            return slot;
        }
        self.new_slots(1)
    }

    /// So many slots behind each other, for as long as the kernel runs.
    pub(super) fn new_slots(&mut self, n: usize) -> i32 {
        let regs = &mut self.regs;
        regs.frame = regs.frame.max(self.isa.bytes());
        regs.frame += self.isa.bytes() * n as i32;
        regs.frame - self.isa.bytes() * n as i32
    }

    /// Bytes of the stack that the code uses; 0 where it needs none.
    pub(super) fn frame(&self) -> i32 {
        self.regs.frame
    }

    /// The slot in which a value lies for as long as the kernel runs.
    pub(super) fn home(&mut self, x: Id) -> i32 {
        if self.homes[x as usize] == NO_HOME {
            self.homes[x as usize] = self.new_slots(1);
        }
        self.homes[x as usize]
    }

    /// Writes a whole register to the stack.
    pub(super) fn spill_to(&mut self, slot: i32, r: u8) {
        self.ins(isa::mov_to(self.width), r, 0, mem(Gp::RSP, slot));
    }

    // Places of values.

    #[inline]
    fn place(&self, x: Id, copy: usize) -> usize {
        x as usize * MOST_COPIES + if self.fixed[x as usize] { 0 } else { copy }
    }

    /// Where a value of a copy is.
    #[inline]
    pub(super) fn loc(&self, x: Id, copy: usize) -> Loc {
        self.regs.locs[self.place(x, copy)]
    }

    #[inline]
    pub(super) fn set_loc(&mut self, x: Id, copy: usize, loc: Loc) {
        let place = self.place(x, copy);
        self.regs.locs[place] = loc;
    }

    /// Whether a value is in a vector register.
    #[inline]
    pub(super) fn in_register(&self, x: Id, copy: usize) -> bool {
        matches!(self.loc(x, copy), Loc::Vector(_))
    }

    /// Whether this operation is a value's last use.
    #[inline]
    pub(super) fn dies(&self, x: Id, i: Id) -> bool {
        !self.fixed[x as usize] && self.flow.is_last(x, i)
    }

    /// The first use from now on.
    fn next_use(&self, (x, copy): (Id, u8)) -> u32 {
        let times = self.flow.uses(x).iter().map(|&i| i.saturating_mul(self.copies as u32) + copy as u32);
        times.into_iter().find(|&t| t >= self.regs.now).unwrap_or(u32::MAX)
    }

    // Vector registers.

    /// A free register; where there is none, a value goes to the stack.
    pub(super) fn take(&mut self) -> u8 {
        if self.regs.free == 0 {
            self.spill();
        }
        let r = self.regs.free.trailing_zeros() as u8;
        self.regs.free &= !(1 << r);
        self.regs.locked |= 1 << r;
        self.regs.owners[r as usize] = NOBODY;
        r
    }

    /// Gives back a register that holds no value.
    #[inline]
    pub(super) fn give(&mut self, r: u8) {
        self.regs.free |= 1 << r;
    }

    #[cold]
    fn spill(&mut self) {
        let candidates = (0..self.isa.registers() as u8)
            .filter(|&r| self.regs.locked >> r & 1 == 0 && self.regs.owners[r as usize] != NOBODY);
        let r = candidates.max_by_key(|&r| self.next_use(self.regs.owners[r as usize]));
        let r = r.expect("an operation uses fewer registers than there are");
        let (x, copy) = self.regs.owners[r as usize];
        let slot = match self.homes[x as usize] {
            NO_HOME => {
                let slot = self.new_slot();
                self.spill_to(slot, r);
                self.stats.spills += 1;
                slot
            }
            home => home,
        };
        self.set_loc(x, copy as usize, Loc::Stack(slot));
        self.regs.free |= 1 << r;
    }

    /// A value as an operand.
    pub(super) fn operand(&mut self, x: Id, copy: usize) -> Rm {
        match self.loc(x, copy) {
            Loc::Vector(r) => {
                self.regs.locked |= 1 << r;
                Rm::Reg(r)
            }
            Loc::Stack(slot) => mem(Gp::RSP, slot),
            Loc::Pool(at) => self.pooled(at),
            loc @ (Loc::None | Loc::Mask(_) | Loc::AllLanes(_)) => unreachable!("value {x} is {loc:?}"),
        }
    }

    /// A value in a register, and whether it was loaded there for this operation, which then gives it back.
    pub(super) fn register(&mut self, x: Id, copy: usize) -> (u8, bool) {
        match self.operand(x, copy) {
            Rm::Reg(r) => (r, false),
            src => {
                let r = self.take();
                self.mov(r, src);
                (r, true)
            }
        }
    }

    /// The register is a value's.
    #[inline]
    pub(super) fn define(&mut self, x: Id, copy: usize, r: u8) {
        self.regs.free &= !(1 << r);
        self.regs.owners[r as usize] = (x, copy as u8);
        self.set_loc(x, copy, Loc::Vector(r));
    }

    // Mask registers (AVX-512).

    /// A free mask register.
    pub(super) fn take_mask(&mut self) -> K {
        if self.regs.free_masks == 0 {
            self.spill_mask();
        }
        let k = self.regs.free_masks.trailing_zeros() as u8;
        self.regs.free_masks &= !(1 << k);
        self.regs.locked_masks |= 1 << k;
        self.regs.mask_owners[k as usize] = NOBODY;
        K(k)
    }

    /// Gives back a mask register that holds no value.
    #[inline]
    pub(super) fn give_mask(&mut self, k: K) {
        self.regs.free_masks |= 1 << k.0;
    }

    #[cold]
    fn spill_mask(&mut self) {
        let candidates = (2..8u8)
            .filter(|&k| self.regs.locked_masks >> k & 1 == 0 && self.regs.mask_owners[k as usize] != NOBODY);
        let k = candidates.max_by_key(|&k| self.next_use(self.regs.mask_owners[k as usize]));
        let k = k.expect("an operation uses fewer masks than there are");
        let (x, copy) = self.regs.mask_owners[k as usize];
        let slot = match self.homes[x as usize] {
            NO_HOME => {
                let slot = self.new_slot();
                self.asm.k_store(KWidth::W, mem(Gp::RSP, slot), K(k));
                self.stats.spills += 1;
                slot
            }
            home => home,
        };
        self.set_loc(x, copy as usize, Loc::Stack(slot));
        self.regs.free_masks |= 1 << k;
    }

    /// A mask in a register, and whether it was put there for this operation, which then gives it back.
    pub(super) fn mask(&mut self, x: Id, copy: usize) -> (K, bool) {
        match self.loc(x, copy) {
            Loc::Mask(k) => {
                self.regs.locked_masks |= 1 << k;
                (K(k), false)
            }
            Loc::Stack(slot) => {
                let k = self.take_mask();
                self.asm.k_load(KWidth::W, k, mem(Gp::RSP, slot));
                (k, true)
            }
            Loc::AllLanes(yes) => {
                use super::encode::KOp::{Xnor, Xor};
                let k = self.take_mask();
                self.asm.k_op(if yes { Xnor } else { Xor }, KWidth::W, k, k, k);
                (k, true)
            }
            loc @ (Loc::None | Loc::Vector(_) | Loc::Pool(_)) => unreachable!("mask {x} is {loc:?}"),
        }
    }

    /// The mask register is a value's.
    #[inline]
    pub(super) fn define_mask(&mut self, x: Id, copy: usize, k: K) {
        self.regs.free_masks &= !(1 << k.0);
        self.regs.mask_owners[k.0 as usize] = (x, copy as u8);
        self.set_loc(x, copy, Loc::Mask(k.0));
    }

    // Ends of values.

    /// What an operation used for the last time gives its place back.
    #[inline]
    pub(super) fn release(&mut self, op: &Op, i: Id, copy: usize) {
        for x in op.operands() {
            let x = self.flow.root(x);
            if self.dies(x, i) {
                self.forget(x, copy);
            }
        }
    }

    /// A value gives its place back.
    pub(super) fn forget(&mut self, x: Id, copy: usize) {
        match self.loc(x, copy) {
            Loc::Vector(r) => self.regs.free |= 1 << r,
            Loc::Mask(k) => self.regs.free_masks |= 1 << k,
            Loc::Stack(slot) if self.homes[x as usize] != slot => self.regs.dropped_slots.push(slot),
            Loc::Stack(_) | Loc::None | Loc::Pool(_) | Loc::AllLanes(_) => {}
        }
        self.set_loc(x, copy, Loc::None);
    }
}
