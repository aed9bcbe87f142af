//! The kernels, one file a family; the same file name holds the family's rule in every crate.

pub mod arg_reduce;
pub mod binary;
pub mod bits;
pub mod cast;
pub mod compare;
pub mod create;
pub mod dot;
pub mod gather;
pub mod random;
pub mod reduce;
pub mod scatter;
pub mod select;
pub mod shape;
pub(crate) mod simd;
pub mod slice;
pub mod sort;
#[cfg(test)]
pub(crate) mod testing;
pub mod unary;
