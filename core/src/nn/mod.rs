//! What neural networks are made of, with the names of `jax.nn` and `jax.lax`.

mod activation;
mod conv;
mod pool;

pub use conv::{
    ConvOptions, ConvolveMode, Padding, conv, conv_general_dilated, conv_transpose, convolve, correlate,
};
pub use pool::{WindowKind, Windows, avg_pool, max_pool, min_pool, reduce_window, sum_pool};
