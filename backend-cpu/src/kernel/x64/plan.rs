//! How a loop is written: how many copies of its body run interleaved, which values stay in registers, where reductions
//! accumulate.
//!
//! Interleaving hides latency, and was measured to matter more than saving memory operands: so copies come first, and
//! constants get the registers that are left, those used most before others.

use super::Emitter;
use super::alloc::{Loc, MOST_COPIES};
use super::encode::{Gp, Rm, mem};
use super::isa::Isa;
use super::reduce::Accumulators;
use crate::kernel::ir::{Binary, Id, Op, Type};

/// Registers that an operation may need besides its operands.
const SCRATCH: u32 = 2;

/// Registers that every operation gets by with, if all its operands lie in memory; and combining integers of 64 bits
/// on AVX2.
const LEAST_FREE: u32 = 4;
const LEAST_FREE_LONG: u32 = 7;

/// Masks that values may have.
const MASKS: u32 = 6;

/// How a loop is written.
pub(super) struct Plan {
    /// Vectors of an iteration: as many as copies, or as a reduction's accumulators.
    pub(super) vectors: usize,
    /// Copies of the body that are interleaved; there may be several such groups in an iteration.
    pub(super) copies: usize,
    /// Constants in registers.
    pub(super) constants: Vec<(Id, u8)>,
    /// Values of the row in registers.
    pub(super) pinned: Vec<(Id, u8)>,
    /// Values of the row as memory operands.
    pub(super) unpinned: Vec<Id>,
    /// Registers for the others.
    pub(super) free: u32,
    /// The accumulators of each reduction.
    pub(super) accumulators: Vec<(Id, Accumulators)>,
}

impl Emitter<'_> {
    /// Plans the stage at work, with so many copies where it is said.
    pub(super) fn plan(&mut self, forced: Option<usize>) -> Plan {
        let ops = self.stage.ops.clone();
        let is_live_reduction = |e: &Self, i: Id| {
            let op = &e.program.ops()[i as usize];
            matches!(op, Op::Reduce(..)) && e.flow.is_live(i, op)
        };
        let reductions: Vec<Id> = ops.filter(|&i| is_live_reduction(self, i)).collect();
        let registers = self.isa.registers();
        let pressure = self.pressure();
        // Integers of 64 bits are combined in several instructions on AVX2.
        let is_long = |&i: &Id| match (self.program.ops()[i as usize], self.program.ty(i)) {
            (Op::Reduce(op, _), Type::I64 | Type::U64) => {
                matches!(op.step(), Binary::Mul | Binary::Max | Binary::Min)
            }
            _ => false,
        };
        let long = self.isa == Isa::Avx2 && reductions.iter().any(is_long);
        let least_free = if long { LEAST_FREE_LONG } else { LEAST_FREE };
        let needed = |copies: u32| (copies * pressure.vectors + SCRATCH).max(least_free);
        let fits = |copies: u32, withheld: u32| {
            needed(copies) + withheld <= registers && copies * pressure.masks <= MASKS
        };
        let (vectors, copies, in_registers) = if reductions.is_empty() {
            let long = self.isa == Isa::Avx2 && self.stage.ops.len() > 40;
            let most = [4, 2].into_iter().find(|&copies| fits(copies, 0)).unwrap_or(1);
            let copies = forced.unwrap_or(if long { 4 } else { most as usize }).min(MOST_COPIES);
            (copies, copies, false)
        } else {
            // An iteration goes over all accumulators once.
            let vectors = self.width.partials() / self.lanes() as usize;
            let withheld = (vectors * reductions.len()) as u32;
            let in_registers = fits(2, withheld);
            let withheld = if in_registers { withheld } else { 0 };
            let all = [vectors as u32, 4, 2];
            let most = all.into_iter().find(|&copies| fits(copies, withheld));
            let least = if self.isa == Isa::Avx2 && !in_registers { 4 } else { 1 };
            let copies = forced.unwrap_or(most.unwrap_or(least) as usize).min(vectors);
            (vectors, copies, in_registers)
        };
        let mut next = registers as u8;
        let mut take = || {
            next -= 1;
            next
        };
        let mut accumulators = Vec::with_capacity(reductions.len());
        for &i in &reductions {
            let places = if in_registers {
                let mut registers = [0; MOST_COPIES];
                registers[..vectors].fill_with(&mut take);
                Accumulators::Registers(registers)
            } else {
                Accumulators::Stack(self.new_slots(vectors))
            };
            accumulators.push((i, places));
        }
        let withheld = if in_registers { (vectors * reductions.len()) as u32 } else { 0 };
        let room = registers.saturating_sub(needed(copies as u32) + withheld) as usize;
        let (mut constants, mut pinned, mut unpinned) = (vec![], vec![], vec![]);
        for (n, x) in self.fixed_by_use().into_iter().enumerate() {
            // Masks of AVX-512 are loaded into mask registers where they are used.
            let pin = n < room && !self.is_mask(self.program.ty(x));
            match (self.program.ops()[x as usize], pin) {
                (Op::Const(..), true) => constants.push((x, take())),
                (Op::Const(..), false) => {}
                (_, true) => pinned.push((x, take())),
                (_, false) => unpinned.push(x),
            }
        }
        self.stats.copies.push(copies);
        self.stats.pinned.push(constants.len() + pinned.len());
        let free = ((1u64 << next) - 1) as u32;
        Plan { vectors, copies, constants, pinned, unpinned, free, accumulators }
    }

    /// The fixed values that the stage reads, those with most uses first.
    fn fixed_by_use(&self) -> Vec<Id> {
        let mut counts: Vec<(u32, Id)> = Vec::with_capacity(32);
        for x in 0..self.stage.ops.end {
            if !self.fixed[x as usize] {
                continue;
            }
            let uses = self.flow.uses(x).iter().filter(|&i| self.stage.ops.contains(i)).count() as u32;
            if uses > 0 {
                counts.push((uses, x));
            }
        }
        counts.sort_unstable_by_key(|&(uses, x)| (std::cmp::Reverse(uses), x));
        counts.into_iter().map(|(_, x)| x).collect()
    }

    /// The most values that are alive at once in one copy of the body.
    fn pressure(&self) -> Pressure {
        let (mut live, mut most) = ([0u32; 2], [0u32; 2]);
        for i in self.stage.ops.clone() {
            let op = &self.program.ops()[i as usize];
            if self.fixed[i as usize] || !self.flow.is_live(i, op) {
                continue;
            }
            let mut seen = [Id::MAX; 3];
            for (n, x) in op.operands().enumerate() {
                let x = self.flow.root(x);
                if !seen.contains(&x) && self.dies(x, i) {
                    live[self.is_mask(self.program.ty(x)) as usize] -= 1;
                }
                seen[n] = x;
            }
            if op.has_value() && !matches!(op, Op::Reduce(..)) {
                live[self.is_mask(self.program.ty(i)) as usize] += 1;
            }
            most = [most[0].max(live[0]), most[1].max(live[1])];
        }
        Pressure { vectors: most[0], masks: most[1] }
    }

    /// Puts the constants of a plan into their registers.
    pub(super) fn load_constants(&mut self, plan: &Plan) {
        for &(x, r) in &plan.constants {
            let src = self.operand(x, 0);
            self.mov(r, src);
        }
    }

    /// From here on the constants of a plan are in their registers, or are not.
    pub(super) fn pin_constants(&mut self, plan: &Plan, pinned: bool) {
        for &(x, r) in &plan.constants {
            match pinned {
                true => self.set_loc(x, 0, Loc::Vector(r)),
                false => self.locate(x),
            }
        }
    }

    /// Loads the values of this row that the loop reads: splats of its own, and what earlier stages made.
    pub(super) fn load_row(&mut self, plan: &Plan) {
        let is_own_splat = |e: &Self, x: Id| e.stage.ops.contains(&x);
        for &(x, r) in &plan.pinned {
            if is_own_splat(self, x) {
                let Op::Load(arg) = self.program.ops()[x as usize] else {
                    unreachable!("only splats are fixed")
                };
                self.load_splat(x, arg);
                let Loc::Vector(loaded) = self.loc(x, 0) else { unreachable!("masks are not pinned") };
                self.mov(r, Rm::Reg(loaded));
                if self.flow.is_used_later(x) {
                    let home = self.home(x);
                    self.spill_to(home, r);
                }
                self.give(loaded);
            } else {
                let home = self.home(x);
                self.mov(r, mem(Gp::RSP, home));
            }
            self.set_loc(x, 0, Loc::Vector(r));
        }
        for &x in &plan.unpinned {
            match self.program.ops()[x as usize] {
                Op::Load(arg) if is_own_splat(self, x) => {
                    self.load_splat(x, arg);
                    self.splat_to_home(x);
                }
                _ => {
                    let home = self.home(x);
                    self.set_loc(x, 0, Loc::Stack(home));
                }
            }
        }
        // Splats that only later stages read.
        for x in self.stage.ops.clone() {
            if self.fixed[x as usize]
                && let Op::Load(arg) = self.program.ops()[x as usize]
                && self.flow.is_used_later(x)
                && !self.flow.is_used_in_its_stage(x)
            {
                self.load_splat(x, arg);
                self.splat_to_home(x);
            }
        }
    }

    /// Where a fixed value is that is not pinned.
    pub(super) fn locate(&mut self, x: Id) {
        match self.program.ops()[x as usize] {
            Op::Const(ty, bits) => self.locate_constant(x, ty, bits),
            _ => {
                let home = self.home(x);
                self.set_loc(x, 0, Loc::Stack(home));
            }
        }
    }
}

/// Registers that one copy of a body needs for its values.
struct Pressure {
    vectors: u32,
    masks: u32,
}
