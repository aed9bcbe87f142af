//! Activations, as `jax.nn` has them.
