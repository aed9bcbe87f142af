//! What is known about a program's values before any code is written: which are needed, where each is used, and for
//! how long it must be kept.
//!
//! What always holds: a value that is another one's bits ([`Unary::Bits`]) has no place of its own; all of its uses
//! are uses of its root.

use crate::kernel::ir::{Id, Op, Program, Stage, StageKind, Unary};

/// No operation.
const NEVER: u32 = u32::MAX;

/// The uses of all values, by their roots.
pub(super) struct Flow {
    /// The value that holds a value's bits.
    roots: Vec<Id>,
    /// How many operations use a value.
    counts: Vec<u32>,
    /// Where in `uses` those of a value begin.
    first: Vec<u32>,
    /// The operations that use a value, in order, each once.
    uses: Vec<u32>,
    /// The last use in the stage that makes a value.
    last: Vec<u32>,
    /// Whether a later stage reads a value.
    later: Vec<bool>,
}

impl Flow {
    pub(super) fn of(program: &Program) -> Flow {
        let ops = program.ops();
        let n = ops.len();
        let mut roots: Vec<Id> = Vec::with_capacity(n);
        for (i, op) in ops.iter().enumerate() {
            roots.push(match *op {
                Op::Unary(Unary::Bits(_), a) => roots[a as usize],
                _ => i as Id,
            });
        }
        let (counts, last, later) = (vec![0; n], vec![NEVER; n], vec![false; n]);
        let mut flow = Flow { roots, counts, first: Vec::with_capacity(n), uses: Vec::new(), last, later };
        // Backwards, so that all uses of a value are known when it comes.
        for (i, op) in ops.iter().enumerate().rev() {
            if flow.is_live(i as Id, op) {
                flow.each_operand(op, |flow, x| flow.counts[x as usize] += 1);
            }
        }
        let mut total = 0;
        for &count in &flow.counts {
            flow.first.push(total);
            total += count;
        }
        flow.uses = vec![NEVER; total as usize];
        let mut next = flow.first.clone();
        for stage in program.stages() {
            for i in stage.ops.clone() {
                let op = &ops[i as usize];
                if !flow.is_live(i, op) {
                    continue;
                }
                flow.each_operand(op, |flow, x| {
                    flow.uses[next[x as usize] as usize] = i;
                    next[x as usize] += 1;
                    match x >= stage.ops.start {
                        true => flow.last[x as usize] = i,
                        false => flow.later[x as usize] = true,
                    }
                });
            }
        }
        flow
    }

    /// Does something with each value that an operation reads, once.
    fn each_operand(&mut self, op: &Op, mut f: impl FnMut(&mut Flow, Id)) {
        let mut seen = [NEVER; 3];
        for (n, x) in op.operands().enumerate() {
            let x = self.roots[x as usize];
            if !seen.contains(&x) {
                f(self, x);
            }
            seen[n] = x;
        }
    }

    /// Whether code is needed for it: it stores, or somebody reads its value.
    #[inline]
    pub(super) fn is_live(&self, i: Id, op: &Op) -> bool {
        !op.has_value() || self.counts[i as usize] > 0
    }

    /// The value that holds this one's bits.
    #[inline]
    pub(super) fn root(&self, x: Id) -> Id {
        self.roots[x as usize]
    }

    /// The operations that use a value.
    #[inline]
    pub(super) fn uses(&self, x: Id) -> &[u32] {
        let first = self.first[x as usize] as usize;
        &self.uses[first..first + self.counts[x as usize] as usize]
    }

    /// Whether no operation after this one in the value's own stage reads it.
    #[inline]
    pub(super) fn is_last(&self, x: Id, i: Id) -> bool {
        self.last[x as usize] == i
    }

    /// Whether its own stage reads a value.
    pub(super) fn is_used_in_its_stage(&self, x: Id) -> bool {
        self.last[x as usize] != NEVER
    }

    /// Whether a later stage reads a value.
    pub(super) fn is_used_later(&self, x: Id) -> bool {
        self.later[x as usize]
    }
}

/// Whether a value of a stage is the same for all of its columns, and so is made before them.
pub(super) fn is_fixed(program: &Program, op: &Op, stage: &Stage) -> bool {
    match *op {
        Op::Const(..) => true,
        Op::Load(arg) => stage.kind == StageKind::Loop && program.args()[arg as usize].splat,
        Op::Column
        | Op::Store(..)
        | Op::While(_)
        | Op::Unary(..)
        | Op::Binary(..)
        | Op::Fma(..)
        | Op::Compare(..)
        | Op::Select(..)
        | Op::Reduce(..) => false,
    }
}
