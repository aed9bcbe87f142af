//! `jit`: a function is recorded once for a signature, its graph is improved, and later calls run the graph. And the lazy backend,
//! [`Fusion`], which makes graphs of whatever a program does until it reads a value.
//!
//! A graph is executed as one operation, a call, so it composes with every other layer: a layer derives the call, and one
//! graph reaches the device. What improves graphs are passes (`passes/`, one file each), functions from graph to graph that
//! can be printed before and after.

mod cache;
mod graphs;
mod jit;
mod lazy;
mod numbers;
pub mod passes;
pub mod plan;
mod signature;
mod structure;

pub use cache::Stats;
pub use jit::{Jit, Jitted, jit};
pub use lazy::{Fusion, FusionStats};

/// What a recorded function is kept as, for transformations that record one as `jit` does.
pub mod recording {
    pub use crate::cache::{Cache, Recording, of_function};
    pub use crate::signature::Signature;
}
