//! Batching as a layer.
//!
//! [`Batched<B>`] executes every operation on `B` for all lanes at once: a value below either has one more axis, the
//! first, or is the same for all lanes, and stays so as long as it can. A rule (`rules/`, one file a family) says how an
//! operation is done with that axis; none loops over lanes. Operations that hold graphs become the same operations with
//! batched graphs (`derive.rs`), so a scan stays a scan.

pub mod axes;
mod derive;
mod engine;
mod frame;
mod map;
mod rules;
mod vmap;

pub use axes::{Axes, InAxes};
pub use engine::Batched;
pub use frame::Frame;
pub use map::{Map, map};
pub use vmap::{Vmap, vmap};
