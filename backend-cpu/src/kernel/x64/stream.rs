//! Stores past the caches: a second code of a kernel, for outputs so large that nothing of them stays in a cache.
//!
//! An ordinary store reads its line from memory before it writes there; a streaming (non-temporal) one does not, which
//! is a third of the traffic of an addition. It wants whole lines at once: a loop that streams first runs, under the
//! tail's mask, up to the output's next line, and the tail is stored as ever.
//!
//! What always holds: an argument that is streamed is stored once in the program and never loaded, and in no loop that
//! reduces, where a value's place in its vector has a meaning.

use super::encode::{Cc, Gp, Len, mem, mem_at};
use super::isa::{self, Ins};
use super::plan::Plan;
use super::{Emitter, loops};
use crate::kernel::ir::{ArgId, Op, Program, StageKind, Width};

/// Bytes of a line of the caches.
pub const LINE: usize = 64;

/// The arguments that a program's code can stream, as bits.
pub fn streamed(program: &Program) -> u32 {
    let mut all = 0;
    for stage in program.stages().iter().filter(|stage| stage.kind == StageKind::Loop) {
        let ops = &program.ops()[stage.ops.start as usize..stage.ops.end as usize];
        if ops.iter().any(|op| matches!(op, Op::Reduce(..))) {
            continue;
        }
        for op in ops {
            if let Op::Store(arg, _) = *op
                && program.args()[arg as usize].dtype.size() > 1
                && !program.reads(arg)
                && program.ops().iter().filter(|op| matches!(op, Op::Store(a, _) if *a == arg)).count() == 1
            {
                all |= 1 << arg;
            }
        }
    }
    all
}

impl Emitter<'_> {
    /// The instruction that stores a vector of an argument's elements past the caches, from a register that holds
    /// nothing else, and its length; `None` where such a store is an ordinary one.
    pub(super) fn streaming_store(&self, arg: ArgId) -> Option<(Ins, Len)> {
        if self.tail || self.streams >> arg & 1 == 0 {
            return None;
        }
        let size = self.program.args()[arg as usize].dtype.size();
        let width = if size == 8 { Width::W64 } else { Width::W32 };
        let len = match self.lanes() * size as i32 {
            64 => Len::L512,
            32 => Len::L256,
            16 => Len::L128,
            _ => return None,
        };
        Some((isa::stream_to(width), len))
    }

    /// Runs the columns before the first whole line of what the stage streams, rcx counting them.
    pub(super) fn columns_before_line(&mut self, plan: &Plan) {
        let stores = self.stage.ops.clone().find_map(|i| match self.program.ops()[i as usize] {
            Op::Store(arg, _) if self.streaming_store(arg).is_some() => Some(arg),
            _ => None,
        });
        let Some(arg) = stores else { return };
        let size = self.program.args()[arg as usize].dtype.size();
        let (next, ready) = (self.asm.here(), self.asm.label());
        let base = self.pointer(arg);
        self.asm.lea(Gp::RDX, mem_at(base, Gp::RCX, size as u8, 0));
        self.asm.neg(Gp::RDX);
        self.asm.and_i(Gp::RDX, LINE as i32 - 1);
        self.asm.jcc(Cc::E, ready);
        self.asm.shr(Gp::RDX, size.trailing_zeros() as u8);
        self.asm.mov(Gp::RAX, mem(Gp::RDI, loops::COLUMNS));
        self.asm.sub(Gp::RAX, Gp::RCX);
        self.asm.jcc(Cc::Le, ready);
        for most in [None, Some(self.lanes() as i64)] {
            if let Some(lanes) = most {
                self.asm.mov_i(Gp::RAX, lanes);
            }
            self.asm.cmp(Gp::RDX, Gp::RAX);
            self.asm.cmov(Cc::G, Gp::RDX, Gp::RAX);
        }
        self.set_tail_mask();
        self.tail = true;
        self.begin(1, plan.free);
        self.stage.ops.clone().for_each(|i| self.op(i, 0));
        self.tail = false;
        self.begin(plan.copies, plan.free);
        self.asm.add(Gp::RCX, Gp::RDX);
        self.asm.jmp(next);
        self.asm.bind(ready);
    }
}
