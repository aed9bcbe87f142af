//! The executors of the kernel language, which is what element-wise operations, reductions and random numbers are
//! written in, and what fused functions are planned into.
//!
//! The language itself, its formulas and its mathematical functions are the crate [`plywood_kernel`], whose names stand
//! here, too. Where a program runs is decided once ([`target`]): as machine code ([`x64`]), which lies in one arena
//! ([`arena`]), or by interpretation ([`interp`]), which runs anywhere. [`cache`] keeps what was compiled, [`launch`]
//! gives it memory and threads.

pub mod arena;
pub mod cache;
mod exec;
pub mod interp;
pub mod launch;
#[cfg(target_arch = "x86_64")]
mod legalize;
pub mod target;
#[cfg(target_arch = "x86_64")]
pub mod x64;

pub use cache::compile;
pub use exec::Kernel;
pub use plywood_kernel::{Builder, MAX_ARGS, Program, Type, V, Width};
pub use plywood_kernel::{cast, formulas, ir, math, threefry};
pub(crate) use plywood_kernel::{element, semantics};

#[cfg(all(test, target_arch = "x86_64", unix))]
mod fuzz;
#[cfg(test)]
mod tests;
