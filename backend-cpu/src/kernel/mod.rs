//! The kernel language and its executors: what element-wise operations, reductions and random numbers are written in,
//! and what fused functions are planned into.
//!
//! A [`Program`] ([`ir`]) is built with a [`Builder`] ([`build`]) and checked on the way ([`verify`]). What its
//! operations mean is written in [`semantics`]. Where it runs is decided once ([`target`]): as machine code ([`x64`]),
//! which lies in one arena ([`arena`]), or by interpretation ([`interp`]), which runs anywhere. [`cache`] keeps what
//! was compiled, [`launch`] gives it memory and threads.

pub mod arena;
mod build;
pub mod cache;
pub mod cast;
pub(crate) mod element;
mod exec;
pub mod interp;
pub mod ir;
pub mod launch;
#[cfg(target_arch = "x86_64")]
mod legalize;
pub mod math;
mod print;
pub(crate) mod semantics;
pub mod target;
pub mod threefry;
mod verify;
#[cfg(target_arch = "x86_64")]
pub mod x64;

pub use build::{Builder, MAX_ARGS, V};
pub use cache::compile;
pub use exec::Kernel;
pub use ir::{Program, Type, Width};

#[cfg(all(test, target_arch = "x86_64", unix))]
mod fuzz;
#[cfg(test)]
mod tests;
