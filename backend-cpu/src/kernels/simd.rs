//! Loops compiled for the processor at hand: AVX-512, AVX2 with FMA, or what every processor of the architecture has.
//!
//! A loop is a struct that implements [`Loop`], because only a method marked `#[inline(always)]` is sure to be
//! compiled anew for each instruction set (a closure of some size is not). The set is found once, at run time, by
//! `pulp`, which the matrix products bring along. Nothing here changes results: the loops have no fused operations.

use gemm_common::pulp::{Arch, Simd, WithSimd};

/// A loop to be compiled for several instruction sets. Implementations mark `run` as `#[inline(always)]`, and call
/// nothing in it that is not inlined.
pub(crate) trait Loop {
    /// What the loop gives.
    type Output;
    /// The loop.
    fn run(self) -> Self::Output;
}

struct Any<L>(L);

impl<L: Loop> WithSimd for Any<L> {
    type Output = L::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> L::Output {
        self.0.run()
    }
}

/// Runs the best of the compiled loops.
#[inline]
pub(crate) fn vectorized<L: Loop>(work: L) -> L::Output {
    Arch::new().dispatch(Any(work))
}
