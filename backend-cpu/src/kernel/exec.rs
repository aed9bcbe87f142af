//! A program made ready to run, by one of the executors.

#![allow(unsafe_code)]

use super::interp;
use super::ir::{Op, Program};
use super::target::Target;
#[cfg(target_arch = "x86_64")]
use super::{arena::Code, x64};
use std::fmt;

/// A program and what runs it.
pub struct Kernel {
    program: Program,
    target: Target,
    executable: Executable,
    reduces: bool,
    /// Nanoseconds of an element and of a row on one thread, about.
    element: f64,
    row: f64,
}

enum Executable {
    #[cfg(target_arch = "x86_64")]
    Code(Code),
    Tiles(interp::Plan),
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.target, self.program)
    }
}

impl Kernel {
    /// Makes a program ready for a target. (`compile` finds what was made before.)
    pub fn new(program: &Program, target: Target) -> Kernel {
        let executable = match target {
            #[cfg(target_arch = "x86_64")]
            Target::Avx512 | Target::Avx2 => Executable::Code(x64::compile(program, target)),
            #[cfg(not(target_arch = "x86_64"))]
            Target::Avx512 | Target::Avx2 => unreachable!("there is none such on this machine"),
            Target::Portable => Executable::Tiles(interp::Plan::new(program)),
        };
        let (element, row) = cost(program, target);
        let reduces = program.ops().iter().any(|op| matches!(op, Op::Reduce(..)));
        Kernel { program: program.clone(), target, executable, reduces, element, row }
    }

    /// What it does.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// What it was made for.
    pub fn target(&self) -> Target {
        self.target
    }

    /// Whether a row's columns must stay together.
    pub(super) fn reduces(&self) -> bool {
        self.reduces
    }

    /// Nanoseconds on one thread, about.
    pub(super) fn work(&self, rows: usize, cols: usize) -> f64 {
        rows as f64 * (cols as f64 * self.element + self.row)
    }

    /// Runs it: `block` holds rows (at least 1), columns, the number of the first column, and for each argument the
    /// address of its first element and the bytes from row to row. It is overwritten.
    ///
    /// # Safety
    ///
    /// Each argument's elements of all rows and columns lie in memory that may be read, and written where the program
    /// stores; nobody else uses what is written; an argument that is written does not overlap another but element by
    /// element.
    #[inline]
    pub(super) unsafe fn call(&self, block: &mut [usize]) {
        match &self.executable {
            // SAFETY: the caller's promise; the code was emitted for this program and this machine.
            #[cfg(target_arch = "x86_64")]
            Executable::Code(code) => unsafe { code.call(block.as_mut_ptr()) },
            // SAFETY: the caller's promise.
            Executable::Tiles(plan) => unsafe { plan.run(block) },
        }
    }
}

/// Nanoseconds of an element and of a row: memory's bytes and registers' operations, whichever takes longer.
fn cost(program: &Program, target: Target) -> (f64, f64) {
    let lanes = 16.0 / (program.width().bytes() / 4) as f64;
    let an_op = match target {
        Target::Avx512 => 0.3 / lanes,
        Target::Avx2 => 0.5 / lanes,
        Target::Portable => 1.5 / lanes,
    };
    let (mut ops, mut bytes) = (0.0, 0.0);
    for op in program.ops() {
        match op {
            Op::Const(..) => {}
            Op::Load(arg) | Op::Store(arg, _) => {
                let arg = program.args()[*arg as usize];
                bytes += if arg.splat { 0.0 } else { arg.dtype.size() as f64 };
            }
            Op::Column
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..)
            | Op::Reduce(..) => ops += 1.0,
        }
    }
    (f64::max(ops * an_op, bytes * 0.02), 3.0)
}
