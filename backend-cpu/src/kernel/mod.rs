//! The kernel language and its executors: what element-wise operations, reductions and random numbers are written in,
//! and what fused functions are planned into.
//!
//! A [`Program`] ([`ir`]) is built with a [`Builder`] ([`build`]) and checked on the way ([`verify`]). Which executor
//! runs it is decided once ([`target`]).

pub mod arena;
mod build;
pub mod ir;
mod print;
pub mod target;
mod verify;
#[cfg(target_arch = "x86_64")]
pub mod x64;

pub use build::{Builder, MAX_ARGS, V};
pub use ir::{Program, Type, Width};

#[cfg(test)]
mod tests;
