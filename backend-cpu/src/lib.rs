//! Plywood's CPU: the device that is always there.
//!
//! A value is a strided view of a reference-counted buffer (or of 16 bytes inline, so that a scalar costs one
//! allocation). Rearranging gives views; element-wise work goes through one driver in tiles, whose kernels are plain
//! loops over slices; an input that nobody else holds is overwritten. Blocks come from a pool and go back to it (`pool`). Threads are behind
//! one seam (`par`). Everything is safe code but the blocks in `pool/block` and `buffer`, the lending of a closure to
//! other threads in `par/team`, and the calls of the matrix kernels in `kernels/gemm`.

mod buffer;
mod data;
mod dispatch;
mod elementwise;
mod engine;
mod float;
#[cfg(test)]
mod in_place;
mod kernels;
mod layout;
mod math;
mod memory;
mod par;
mod pool;
mod storage;
mod threads;
mod transpose;

pub use engine::Cpu;
pub use memory::MemoryStats;
