//! What is around the operations: the frame, the rows, a loop's iterations and its tail.
//!
//! General registers: rdi points to the call block, rcx is the column, rsi where the last whole iteration may start, r8 to
//! r15 the addresses of the first eight arguments' rows; rax, rdx (in a tail how many columns are left) and in tails
//! rsi are free. Nothing is saved that is not changed. The stack is used only where a value lies there; then the first
//! slot keeps the caller's stack pointer.

use super::alloc::MOST_COPIES;
use super::encode::{Alu, Bits, Cc, Gp, KWidth, Rm, mem, mem_at};
use super::isa::{self, Isa};
use super::memory::{TAIL_K, TAIL_VECTOR};
use super::plan::Plan;
use super::{BLOCK_HEAD, Emitted, Emitter};
use crate::kernel::ir::{Op, Stage, StageKind, Width};

// Words of the call block, in bytes.
const ROWS: i32 = 0;
pub(super) const COLUMNS: i32 = 8;
pub(super) const FIRST_COLUMN: i32 = 16;

/// How many arguments have their address in a register.
const POINTERS: u8 = 8;

/// The word with an argument's address.
pub(super) const fn pointer_word(arg: u8) -> i32 {
    8 * (BLOCK_HEAD as i32 + 2 * arg as i32)
}

/// The word with the distance of an argument's rows.
const fn stride_word(arg: u8) -> i32 {
    pointer_word(arg) + 8
}

/// The register with an argument's address.
pub(super) const fn pointer_register(arg: u8) -> Option<Gp> {
    if arg < POINTERS { Some(Gp(8 + arg)) } else { None }
}

impl Emitter<'_> {
    /// Writes the whole kernel.
    pub(super) fn run(mut self, forced: Option<usize>) -> Emitted {
        let args = self.program.args().len() as u8;
        // Of the registers with addresses, the caller wants r12 to r15 back.
        let saved: Vec<Gp> = (4..args.min(POINTERS)).filter_map(pointer_register).collect();
        saved.iter().for_each(|&r| self.asm.push(r));
        let frame_from = self.asm.position();
        self.asm.mov(Gp::RAX, Gp::RSP);
        self.asm.alu_i32(Alu::Sub, Gp::RSP, 0);
        let frame_size = self.asm.position();
        self.asm.and_i(Gp::RSP, -self.isa.bytes());
        self.asm.store(mem(Gp::RSP, 0), Gp::RAX, Bits::B64);
        let frame_to = self.asm.position();
        for (arg, r) in (0..args).filter_map(|arg| Some((arg, pointer_register(arg)?))) {
            self.asm.mov(r, mem(Gp::RDI, pointer_word(arg)));
        }
        self.rows(args, forced);
        if self.streams != 0 {
            self.asm.sfence();
        }
        self.asm.vzeroupper();
        match self.frame() {
            0 => self.asm.blank(frame_from..frame_to),
            frame => {
                self.asm.patch(frame_size, frame);
                self.asm.mov(Gp::RSP, mem(Gp::RSP, 0));
            }
        }
        saved.iter().rev().for_each(|&r| self.asm.pop(r));
        self.asm.ret();
        let machine = self.asm.finish();
        self.stats.code = machine.code;
        Emitted { bytes: machine.bytes, stats: self.stats }
    }

    /// Writes all stages, once a row.
    fn rows(&mut self, args: u8, forced: Option<usize>) {
        let program = self.program;
        // With one stage, constants stay in their registers for all rows; where no row fills an iteration, only tails run,
        // which do without.
        let mut single = None;
        if let [stage] = program.stages()
            && stage.kind == StageKind::Loop
        {
            self.begin_stage(stage);
            let plan = self.plan(forced);
            if !plan.constants.is_empty() {
                let row = self.asm.label();
                self.asm.cmp_i(mem(Gp::RDI, COLUMNS), plan.vectors as i32 * self.lanes());
                self.asm.jcc(Cc::L, row);
                self.load_constants(&plan);
                self.asm.bind(row);
            }
            single = Some(plan);
        }
        let (row, done) = (self.asm.here(), self.asm.label());
        self.end = Some(done);
        if let Some(plan) = &single {
            self.stage_loop(plan, true);
        } else {
            for stage in program.stages() {
                self.begin_stage(stage);
                match stage.kind {
                    StageKind::Loop => {
                        let plan = self.plan(forced);
                        self.stage_loop(&plan, false);
                    }
                    StageKind::Row => {
                        self.begin(1, self.all_registers());
                        stage.ops.clone().for_each(|i| self.op(i, 0));
                    }
                }
                self.fixed[stage.ops.start as usize..stage.ops.end as usize].fill(true);
            }
        }
        self.asm.sub_i(mem(Gp::RDI, ROWS), 1);
        self.asm.jcc(Cc::Le, done);
        for arg in 0..args {
            match pointer_register(arg) {
                Some(r) => self.asm.add(r, mem(Gp::RDI, stride_word(arg))),
                None => {
                    self.asm.mov(Gp::RAX, mem(Gp::RDI, stride_word(arg)));
                    self.asm.add_to(mem(Gp::RDI, pointer_word(arg)), Gp::RAX);
                }
            }
        }
        self.asm.jmp(row);
        self.asm.bind(done);
    }

    fn all_registers(&self) -> u32 {
        ((1u64 << self.isa.registers()) - 1) as u32
    }

    /// Starts a stage: what is fixed in it, and where that is.
    fn begin_stage(&mut self, stage: &Stage) {
        self.stage = stage.clone();
        for i in stage.ops.clone() {
            self.fixed[i as usize] =
                super::flow::is_fixed(self.program, &self.program.ops()[i as usize], stage);
        }
        for x in 0..stage.ops.end {
            let op = &self.program.ops()[x as usize];
            let is_const = matches!(op, Op::Const(..));
            let is_earlier = x < stage.ops.start && self.flow.is_used_later(x);
            if self.flow.is_live(x, op) && (is_const || is_earlier) {
                self.locate(x);
            }
        }
    }

    /// Writes a loop; its constants may be in their registers already.
    fn stage_loop(&mut self, plan: &Plan, constants_are_loaded: bool) {
        let step = plan.vectors as i32 * self.lanes();
        self.begin(plan.copies, plan.free);
        self.begin_op(self.stage.ops.start, 0);
        self.load_row(plan);
        self.start_reductions(plan);
        self.accumulators.clone_from(&plan.accumulators);
        let (top, tail, done) = (self.asm.label(), self.asm.label(), self.asm.label());
        self.asm.zero(Gp::RCX);
        self.columns_before_line(plan);
        self.asm.mov(Gp::RSI, mem(Gp::RDI, COLUMNS));
        self.asm.sub_i(Gp::RSI, step);
        match self.streams {
            0 => self.asm.jcc(Cc::L, tail),
            _ => {
                self.asm.cmp(Gp::RCX, Gp::RSI);
                self.asm.jcc(Cc::G, tail);
            }
        }
        if !constants_are_loaded {
            self.load_constants(plan);
        }
        self.asm.align(32);
        self.asm.bind(top);
        self.pin_constants(plan, true);
        self.tail = false;
        self.bodies(plan);
        self.pin_constants(plan, false);
        self.asm.add_i(Gp::RCX, step);
        self.asm.cmp(Gp::RCX, Gp::RSI);
        self.asm.jcc(Cc::Le, top);
        // The rest, one vector at a time under a mask, its constants from memory.
        self.asm.bind(tail);
        self.asm.mov(Gp::RDX, mem(Gp::RDI, COLUMNS));
        self.asm.sub(Gp::RDX, Gp::RCX);
        self.asm.jcc(Cc::Le, done);
        self.set_tail_mask();
        self.tail = true;
        self.begin(1, plan.free);
        self.stage.ops.clone().for_each(|i| self.op(i, 0));
        self.tail = false;
        self.asm.add_i(Gp::RCX, self.lanes());
        self.asm.jmp(tail);
        self.asm.bind(done);
        self.begin(1, plan.free);
        self.finish_reductions(plan);
    }

    /// Writes the bodies of an iteration, so many copies at a time interleaved.
    fn bodies(&mut self, plan: &Plan) {
        debug_assert!(plan.vectors.is_multiple_of(plan.copies) && plan.copies <= MOST_COPIES);
        for first in (0..plan.vectors).step_by(plan.copies) {
            self.begin(plan.copies, plan.free);
            self.first_copy = first;
            for i in self.stage.ops.clone() {
                for copy in 0..plan.copies {
                    self.op(i, copy);
                }
            }
        }
        self.first_copy = 0;
    }

    /// Sets the mask of the tail: rdx columns of the row are left, fewer than 256. On AVX2 leaves in rdx how many of them
    /// are in this vector.
    pub(super) fn set_tail_mask(&mut self) {
        match self.isa {
            Isa::Avx512 => {
                // Bytes are masked too, so no bits beyond the lanes may be set.
                let width = if self.width == Width::W32 { KWidth::W } else { KWidth::B };
                self.asm.mov_i(Gp::RAX, 0xffff);
                self.asm.bzhi(Gp::RAX, Gp::RAX, Gp::RDX);
                self.asm.k_from(width, TAIL_K, Gp::RAX);
            }
            Isa::Avx2 => {
                let (lanes, bytes) = (self.lanes(), self.width.bytes());
                let fits = self.asm.label();
                self.asm.cmp_i(Gp::RDX, lanes);
                self.asm.jcc(Cc::Le, fits);
                self.asm.mov_i(Gp::RDX, lanes as i64);
                self.asm.bind(fits);
                // A window into lanes of ones, then of zeros.
                let mut ones_then_zeros = [0xff; 64];
                ones_then_zeros[32..].fill(0);
                let at = self.asm.pool(&ones_then_zeros);
                self.asm.mov_i(Gp::RAX, lanes as i64);
                self.asm.sub(Gp::RAX, Gp::RDX);
                self.asm.lea(Gp::RSI, Rm::Pool { at, bcast: false });
                self.ins(isa::mov(self.width), TAIL_VECTOR, 0, mem_at(Gp::RSI, Gp::RAX, bytes as u8, 0));
            }
        }
    }
}
