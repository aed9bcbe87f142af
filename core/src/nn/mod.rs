//! What neural networks are made of, with the names of `jax.nn` and `jax.lax`: activations, attention, convolutions,
//! pooling. They are functions; layers with parameters are the user's structs.

mod activation;
mod attention;
mod conv;
mod pool;

pub use activation::*;
pub use attention::{DotProductAttention, dot_product_attention};
pub use conv::{
    ConvOptions, ConvolveMode, Padding, conv, conv_general_dilated, conv_transpose, convolve, correlate,
};
pub use pool::{WindowKind, Windows, avg_pool, max_pool, min_pool, reduce_window, sum_pool};
