//! Linear algebra over the factorisations.
