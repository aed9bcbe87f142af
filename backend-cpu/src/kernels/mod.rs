//! The kernels, one file a family; the same file name holds the family's rule in every crate.

pub mod arg_reduce;
pub mod binary;
pub mod bits;
pub mod cast;
pub mod compare;
pub mod control;
pub mod conv;
pub mod create;
pub mod cumulative;
pub mod dot;
pub mod fft;
pub mod gather;
pub mod linalg;
pub mod random;
pub mod reduce;
pub mod scatter;
pub mod select;
pub mod shape;
pub(crate) mod simd;
pub mod slice;
pub mod sort;
pub mod special;
#[cfg(test)]
pub(crate) mod testing;
pub mod unary;
pub mod window;
