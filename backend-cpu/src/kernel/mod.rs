//! Kernels as machine code, and what they need: where they run is decided once ([`target`]).

pub mod arena;
pub mod target;
#[cfg(target_arch = "x86_64")]
pub mod x64;
