//! [`Fusion<B>`]: the lazy backend. Operations are put off; whoever reads a value runs what it depends on, as one graph, through
//! the passes and plans that `jit` has.
//!
//! What always holds:
//! - A value is computed at most once, and never lost: what anybody may still ask for is kept, as a value of `B` or as the
//!   operations that give it. (Only where a run panics, what it had taken is gone, and reading what depends on it is an error.)
//! - What nobody holds is not kept: a value that only operations of one run read never leaves that run, so that it can stay in a
//!   kernel's registers; a value of `B` that nobody else holds is given up to the run, which may overwrite it.
//! - Walking over operations and dropping them is iterative: chains of a million are normal.
//!
//! `node.rs` has values and operations, `collect.rs` says what a run consists of, `flush.rs` runs it.

mod collect;
mod engine;
mod flush;
mod node;

pub use engine::{Fusion, FusionStats};
