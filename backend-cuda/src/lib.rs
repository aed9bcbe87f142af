//! Plywood on GPUs, through CubeCL: the backends `Cuda` (feature `cuda`) and `Wgpu` (feature `wgpu`). A third, `Offline`
//! (feature `offline`), runs nothing: it collects the kernels as CUDA C++.
//!
//! A value is a strided view of a buffer on the device, or a number that kernels take as an argument. Rearranging gives views. What is
//! computed element by element, reductions and random numbers are programs of the kernel language (`plywood_kernel`), the same as
//! on the CPU, which are lowered (`lower`) to CubeCL's intermediate representation by the one module that knows it (`emit`); what
//! moves elements to computed places has kernels of its own (`kernels`). Operations queue, and only reading waits.
//!
//! Without a feature this crate is empty, and compiles nothing of CubeCL.

#![cfg(any(feature = "cuda", feature = "wgpu", feature = "offline"))]
// Modules are explained where their source is read: with links to the private ones beside them.
#![allow(rustdoc::private_intra_doc_links)]

mod client;
mod data;
mod emit;
mod engine;
mod find;
mod formats;
mod fused;
mod host;
mod kernels;
mod launch;
mod lower;
#[cfg(feature = "nccl")]
pub mod nccl;
#[cfg(feature = "offline")]
pub mod offline;
mod platform;
mod probe;
mod programs;
mod queue;
mod views;

pub use client::DeviceStats;
#[cfg(feature = "cuda")]
pub use platform::Cuda;
#[cfg(feature = "offline")]
pub use platform::Offline;
#[cfg(feature = "wgpu")]
pub use platform::Wgpu;
pub use platform::{dtypes, on_device};
