//! Reverse-mode differentiation as a layer.
//!
//! [`Autodiff<B>`] executes every operation on `B`, and notes those that depend on what is differentiated on a tape.
//! The tape belongs to one running call and dies with it. The backward pass walks it in reverse and applies each
//! operation's rule (`vjp/`, one file a family), which is written in tensors of the engine below: that is why
//! derivatives of derivatives need nothing more.

mod custom;
mod derive;
mod engine;
mod forward;
mod grad;
mod graphs;
mod jvp;
mod partial;
mod push;
mod tape;
mod vjp;

pub use custom::{Checkpoint, checkpoint, checkpoint_name, custom_jvp, custom_vjp};
pub use engine::Autodiff;
pub use forward::Forward;
pub use grad::{Grad, Pullback, ValueAndGrad, WithAux, WithoutAux, grad, value_and_grad, vjp};
pub use graphs::Differentiate;
pub use partial::{Linear, Partial, linearize};
pub use push::{hvp, jvp};
