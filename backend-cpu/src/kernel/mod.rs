//! The kernel language and its executors: what element-wise operations, reductions and random numbers are written in,
//! and what fused functions are planned into.
//!
//! A [`Program`] ([`ir`]) is built with a [`Builder`] ([`build`]) and checked on the way ([`verify`]). What its
//! operations mean is written in [`semantics`]; [`interp`] runs it anywhere.

mod build;
pub(crate) mod element;
pub mod interp;
pub mod ir;
mod print;
pub(crate) mod semantics;
mod verify;

pub use build::{Builder, MAX_ARGS, V};
pub use ir::{Program, Type, Width};

#[cfg(test)]
mod tests;
