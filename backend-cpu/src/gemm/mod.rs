//! Matrix products.
//!
//! `out[i, j] = sum over l of x[i, l] * y[l, j]` in f32 and f64; f16 and bf16 are summed in f32 and rounded once, at
//! the end. Operands have any strides. Where machine code runs, micro-kernels from our encoder ([`kernel`]) work on
//! panels ([`pack`]) or on the operands in place, cut up by [`drive`], or for many small ones by [`small`]; everywhere else, and as the oracle, the crate
//! `gemm` does it ([`portable`]).
//!
//! bf16 has kernels of its own (`vdpbf16ps`, and [`amx`] where the processor has tiles), whose instructions take
//! subnormal numbers for zero. So that no operand is lost, a product one of whose operands holds a subnormal number is
//! done in f32 ([`pack::Packing::any_lost`]). Products and sums below the smallest normal f32, 2^-126, may still become
//! zero there: `k` of them change a sum by less than `k * 2^-126`.
//!
//! What always holds: each sum goes over the inner axis in an order that the sizes and strides alone decide, so results
//! do not depend on the number of threads, bit for bit.

// Elsewhere the crate `gemm` does it all.
#![cfg_attr(not(all(target_arch = "x86_64", target_os = "linux")), allow(dead_code, unused_imports))]

mod matrix;
pub mod portable;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod drive;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod kernel;
mod pack;
mod panels;
pub mod shifted;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod small;
#[cfg(all(test, target_arch = "x86_64", target_os = "linux"))]
mod tests;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod vector;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use drive::{Input, multiply, multiply_then};
pub use matrix::Matrix;
pub use pack::Widen;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use small::Small;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use vector::gemv;

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
pub use elsewhere::{Input, Small, gemv, multiply, multiply_then};

use crate::kernels::simd::{Loop, vectorized};
use half::{bf16, f16};

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
mod elsewhere {
    use super::{Finish, Matrix, Rounded, Widen};
    use crate::kernel::target::Target;
    use std::convert::Infallible;
    use std::marker::PhantomData;

    /// What operands are made of.
    pub trait Input<S>: Widen<S> {}

    impl<S, I: Widen<S>> Input<S> for I {}

    /// No target runs machine code here, so there is none.
    #[derive(Debug)]
    pub struct Small<S>(Infallible, PhantomData<S>);

    impl<S> Small<S> {
        /// None.
        pub fn new(_: Target, _: [usize; 3], _: Matrix<'_, S>, _: Matrix<'_, S>) -> Option<Self> {
            None
        }

        /// Never called.
        pub fn multiply(&self, _: &mut [S], _: Matrix<'_, S>, _: Matrix<'_, S>) {
            match self.0 {}
        }
    }

    /// No target runs machine code here: false, and nothing is written.
    pub fn gemv<S>(_: Target, _: &mut [S], _: Matrix<'_, S>, _: &[S]) -> bool {
        false
    }

    /// The same.
    pub fn multiply_then<S>(
        _: Target,
        _: [usize; 3],
        _: Matrix<'_, S>,
        _: Matrix<'_, S>,
        _: super::OfTile<'_, S>,
        _: bool,
    ) -> bool {
        false
    }

    /// The same.
    #[allow(clippy::too_many_arguments)]
    pub fn multiply<I: Input<S>, S, O: Rounded<S>>(
        _: Target,
        _: [usize; 3],
        _: &mut [O],
        _: usize,
        _: Matrix<'_, I>,
        _: Matrix<'_, I>,
        _: Finish<'_, S>,
        _: bool,
    ) -> bool {
        false
    }
}

/// What is done to a sum before it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Epilogue {
    /// Nothing.
    None,
    /// An element of a row is added, by the column.
    Bias,
    /// The same, and then what is negative becomes zero.
    BiasRelu,
}

impl Epilogue {
    /// How many there are.
    pub const COUNT: usize = 3;

    /// Whether it reads a row of biases.
    pub const fn has_bias(self) -> bool {
        matches!(self, Epilogue::Bias | Epilogue::BiasRelu)
    }
}

/// An epilogue with its operand.
#[derive(Clone, Copy)]
pub enum Finish<'a, S> {
    /// Nothing.
    None,
    /// `sum + bias[column]`.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what follows a product in a plan is a kernel; this measures it")
    )]
    Bias(&'a [S]),
    /// `max(sum + bias[column], 0)`, NaN where the sum is.
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "what follows a product in a plan is a kernel; this measures it")
    )]
    BiasRelu(&'a [S]),
    /// Sums go nowhere but to a function, tile by tile, while they are warm.
    Then(Then<'a, S>),
}

/// A function of the place of a tile, its numbers of rows and columns, and its sums, row by row.
pub type OfTile<'a, S> = &'a (dyn Fn([usize; 2], [usize; 2], &[S]) + Sync);

/// What takes the sums of a product, or of a part of one that begins at some row and column.
#[derive(Clone, Copy)]
pub struct Then<'a, S> {
    take: OfTile<'a, S>,
    place: [usize; 2],
}

impl<'a, S> Then<'a, S> {
    /// Of a whole product.
    pub fn new(take: OfTile<'a, S>) -> Self {
        Then { take, place: [0, 0] }
    }

    /// Takes a tile.
    pub fn take(&self, [i, j]: [usize; 2], shape: [usize; 2], sums: &[S]) {
        (self.take)([self.place[0] + i, self.place[1] + j], shape, sums);
    }
}

impl<'a, S> Finish<'a, S> {
    /// What kernels are written for.
    pub fn epilogue(&self) -> Epilogue {
        match self {
            Finish::None | Finish::Then(_) => Epilogue::None,
            Finish::Bias(_) => Epilogue::Bias,
            Finish::BiasRelu(_) => Epilogue::BiasRelu,
        }
    }

    /// For the rows and columns from these on.
    pub fn at(self, i: usize, j: usize) -> Self {
        match self {
            Finish::None => Finish::None,
            Finish::Bias(bias) => Finish::Bias(&bias[j..]),
            Finish::BiasRelu(bias) => Finish::BiasRelu(&bias[j..]),
            Finish::Then(Then { take, place }) => {
                Finish::Then(Then { take, place: [place[0] + i, place[1] + j] })
            }
        }
    }

    /// The row of biases.
    pub fn bias(&self) -> Option<&'a [S]> {
        match *self {
            Finish::None | Finish::Then(_) => None,
            Finish::Bias(bias) | Finish::BiasRelu(bias) => Some(bias),
        }
    }
}

/// Rounds a row of sums.
pub fn round_row<S: Copy, O: Rounded<S>>(sums: &[S], out: &mut [O]) {
    vectorized(Round { sums, out });
}

struct Round<'a, S, O> {
    sums: &'a [S],
    out: &'a mut [O],
}

impl<S: Copy, O: Rounded<S>> Loop for Round<'_, S, O> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.out.iter_mut().zip(self.sums).for_each(|(out, &sum)| *out = O::rounded(sum));
    }
}

/// What a sum is written as.
pub trait Rounded<S>: bytemuck::Pod + Send + Sync {
    /// The nearest number, ties to even.
    fn rounded(sum: S) -> Self;
}

impl Rounded<f64> for f64 {
    #[inline(always)]
    fn rounded(sum: f64) -> f64 {
        sum
    }
}

impl Rounded<f32> for f32 {
    #[inline(always)]
    fn rounded(sum: f32) -> f32 {
        sum
    }
}

impl Rounded<f32> for f16 {
    #[inline(always)]
    fn rounded(sum: f32) -> f16 {
        f16::from_f32(sum)
    }
}

impl Rounded<f32> for bf16 {
    /// In integers and without branches, so that loops vectorise; NaN stays NaN.
    #[inline(always)]
    fn rounded(sum: f32) -> bf16 {
        let bits = sum.to_bits();
        let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
        let nan = bits >> 16 | 0x40;
        bf16::from_bits(if bits & 0x7fff_ffff > 0x7f80_0000 { nan } else { nearest } as u16)
    }
}
