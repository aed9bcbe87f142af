//! Functions that are written in the primitives, once, for all layers.
//!
//! They are over `Tensor<Dyn>`: the inputs decide the engine, and what is created is created like an example
//! (`x.full_like(0)`), so that none of it is generic and all of it is compiled here. Public methods and functions are
//! one-line calls of these: `library::order::argsort(self.erased(), axis).branded()`.

pub mod activation;
pub mod arrange;
pub mod attention;
pub mod contract;
pub mod conv;
pub mod fft;
pub mod linalg;
pub mod order;
pub mod pool;
pub mod search;
pub mod special;
pub mod statistics;

/// A tensor whose engine is known at run time.
pub type T = crate::Tensor<crate::Dyn>;
