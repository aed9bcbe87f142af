//! What neural networks are made of, with the names of `jax.nn` and `jax.lax`.

mod activation;
mod conv;
mod pool;
