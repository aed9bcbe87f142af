//! NVIDIA's driver and NCCL, acted by threads: four devices whose memory is the host's, with streams that work when they like. So
//! what CubeCL and `src/nccl/` ask of the two can be run where there is no GPU. No kernels.
//!
//! `tests/nccl.rs` compiles this file into a library, and puts it where `libcuda.so.1` and `libnccl.so.2` are looked for.
//!
//! What always holds: a stream does one thing after another, and each a little late, at random; nothing else orders what streams do
//! but events. So a read that nothing makes wait for what it reads is a wrong result sooner or later.

#![allow(non_snake_case, clippy::missing_safety_doc, clippy::not_unsafe_ptr_arg_deref)]

mod driver;
mod nccl;
mod streams;
