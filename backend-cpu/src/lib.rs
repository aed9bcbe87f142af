//! Plywood's CPU: the device that is always there.
//!
//! A value is a strided view of a reference-counted buffer (or of 16 bytes inline, so that a scalar costs one
//! allocation). Rearranging gives views. What is computed element by element, reductions and random numbers are programs
//! of one kernel language ([`plywood_kernel`]), run as machine code where that is possible; an input that nobody else holds is
//! overwritten. Matrix products have kernels of their own. Blocks come from a pool and go back to it (`pool`). Threads
//! are behind one seam (`par`).
//!
//! Everything is safe code but the blocks in `pool/block` and `buffer`, the lending of a closure to other threads in
//! `par/team`, the memory for machine code and its calls in `kernel`, and the calls of matrix kernels.

// Modules are explained where their source is read: with links to the private ones beside them.
#![allow(rustdoc::private_intra_doc_links)]

mod buffer;
mod data;
mod dispatch;
mod elementwise;
mod engine;
mod float;
mod fused;
mod gemm;
#[cfg(test)]
mod in_place;
pub mod kernel;
mod kernels;
mod math;
mod memory;
mod par;
mod pool;
mod storage;
mod threads;
mod transpose;

pub(crate) use plywood_kernel::layout;

pub use engine::Cpu;
pub use memory::MemoryStats;
