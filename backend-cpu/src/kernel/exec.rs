//! A program made ready to run, by one of the executors.

#![allow(unsafe_code)]

use super::interp;
use super::ir::{Op, Program};
use super::target::Target;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::{arena::Code, x64};
use std::fmt;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use std::sync::OnceLock;

/// A program and what runs it.
pub struct Kernel {
    program: Program,
    target: Target,
    executable: Executable,
    reduces: bool,
    ends: bool,
    /// The arguments that can be stored past the caches, as bits.
    streamed: u32,
    /// Nanoseconds of an element and of a row on one thread, about.
    element: f64,
    row: f64,
}

enum Executable {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Code {
        code: Code,
        /// The code that stores past the caches, once it was asked for.
        streaming: OnceLock<Code>,
    },
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
        let (executable, streamed) = match target {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Target::Avx512 | Target::Avx2 => {
                let code = x64::compile(program, target, x64::Form::default());
                (Executable::Code { code, streaming: OnceLock::new() }, x64::streamed(program))
            }
            #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
            Target::Avx512 | Target::Avx2 => unreachable!("there is none such on this machine"),
            Target::Portable => (Executable::Tiles(interp::Plan::new(program)), 0),
        };
        let (element, row) = cost(program, target);
        let reduces = program.ops().iter().any(|op| matches!(op, Op::Reduce(..)));
        let ends = program.ends();
        Kernel { program: program.clone(), target, executable, reduces, ends, streamed, element, row }
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

    /// Whether rows may end before the last one, and so come one after another.
    pub(super) fn ends(&self) -> bool {
        self.ends
    }

    /// The arguments that [`call_streaming`](Kernel::call_streaming) stores past the caches.
    pub(super) fn streamed(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        let streamed = self.streamed;
        (0..32).filter(move |n| streamed >> n & 1 == 1)
    }

    /// Whether one thread does so many rows and columns before others would be awake.
    pub fn is_for_one_thread(&self, [rows, cols]: [usize; 2]) -> bool {
        crate::par::pieces_of(self.work(rows, cols)) <= 1
    }

    /// Nanoseconds on one thread, about.
    pub fn work(&self, rows: usize, cols: usize) -> f64 {
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
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Executable::Code { code, .. } => unsafe { code.call(block.as_mut_ptr()) },
            // SAFETY: the caller's promise.
            Executable::Tiles(plan) => unsafe { plan.run(block) },
        }
    }

    /// As `call`; what is [`streamed`](Kernel::streamed) is stored past the caches, if the executor can.
    ///
    /// # Safety
    ///
    /// As of `call`; and the addresses of streamed arguments and the distances of their rows are multiples of their
    /// elements' size, and of 64 bytes where there are several.
    pub(super) unsafe fn call_streaming(&self, block: &mut [usize]) {
        match &self.executable {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Executable::Code { streaming, .. } => {
                let form = x64::Form { copies: None, streams: true };
                let code = streaming.get_or_init(|| x64::compile(&self.program, self.target, form));
                // SAFETY: the caller's promise; the code was emitted for this program and this machine.
                unsafe { code.call(block.as_mut_ptr()) }
            }
            // SAFETY: the caller's promise.
            Executable::Tiles(plan) => unsafe { plan.run(block) },
        }
    }
}

#[cfg(test)]
impl Kernel {
    /// Whether it was ever called to store past the caches.
    pub(super) fn has_streamed(&self) -> bool {
        match &self.executable {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Executable::Code { streaming, .. } => streaming.get().is_some(),
            Executable::Tiles(_) => false,
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
    let (mut ops, mut bytes, mut row) = (0.0, 0.0, 3.0);
    for op in program.ops() {
        match op {
            Op::Const(..) => {}
            Op::Load(arg) | Op::Store(arg, _) => {
                let arg = program.args()[*arg as usize];
                bytes += if arg.splat { 0.0 } else { arg.dtype.size() as f64 };
            }
            Op::Column
            | Op::While(_)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => ops += 1.0,
            Op::Reduce(..) => (ops, row) = (ops + 1.0, row + 6.0),
        }
    }
    (f64::max(ops * an_op, bytes * 0.02), row)
}
