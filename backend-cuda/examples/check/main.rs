//! The day a GPU is there: finds the devices, runs the gauntlet on each, and measures it against its own limits. With the feature `nccl`,
//! what CUDA's devices do together.
//!
//! ```text
//! cargo run --release -p plywood-backend-cuda --features cuda --example check
//! cargo run --release -p plywood-backend-cuda --features nccl --example check -- --no-gauntlet --no-bench
//! cargo run --release -p plywood-backend-cuda --features wgpu --example check -- --dtypes f32,i32,u32 --no-bench
//! ```
//!
//! Where there is no driver, no toolkit or no adapter, it says so, and that is all. The last line is `N devices, 0 failures`.

#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod bench;
#[cfg(feature = "nccl")]
mod collectives;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod conformance;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
mod devices;

use std::process::ExitCode;

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn main() -> ExitCode {
    devices::run()
}

#[cfg(not(any(feature = "cuda", feature = "wgpu")))]
fn main() -> ExitCode {
    eprintln!("built without the features `cuda` and `wgpu`, there is nothing to check");
    ExitCode::FAILURE
}
