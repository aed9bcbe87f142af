//! Linear algebra, with the names of `jax.numpy.linalg` and `jax.scipy.linalg`. Matrices are in the last two axes.
