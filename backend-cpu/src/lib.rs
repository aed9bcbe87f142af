//! Plywood's CPU: the device that is always there.
//!
//! A value is a strided view of a reference-counted buffer (or of 16 bytes inline, so that a scalar costs one
//! allocation). Rearranging gives views; element-wise work goes through one driver in tiles, whose kernels are plain
//! loops over slices; an input that nobody else holds is overwritten. All threads are rayon's, behind one seam (`par`).
//! Everything is safe code but the allocation in `buffer`, the memory for machine code in `kernel/arena`, and the
//! calls of matrix kernels.

mod buffer;
mod data;
mod dispatch;
mod elementwise;
mod engine;
mod float;
mod gemm;
#[cfg(test)]
mod in_place;
// Parts of the encoder that no kernel uses yet.
#[allow(dead_code, unused_imports)]
mod kernel;
mod kernels;
mod layout;
mod math;
mod par;
mod storage;

pub use engine::Cpu;
