//! Rows whose length is a power of two, in a vector's lanes: a row of m L numbers, L those of a vector, is a matrix of m
//! vectors. Their transforms, turned by e^(-2πi jk / mL), are transposed in squares of L by L, and the transforms of the
//! squares' vectors are the row's, in order.
//!
//! Real and imaginary parts are apart; exchanged, the transform is the inverse. All that a row takes stays in the
//! first-level cache.

use super::plan::{narrow, root};
use super::vector::{C, Lanes, Math, SMALL, first_step};
use crate::transpose::{turned, turned_eight};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use gemm_common::pulp::Simd;

/// What transforms of n numbers need, in vectors of so many lanes.
pub(super) struct Row<T> {
    n: usize,
    columns: Vec<[T; 2]>,
    rows: Vec<[T; 2]>,
    /// For each k of m a vector of real parts and one of imaginary parts.
    turns: Vec<T>,
}

/// The roots for a small transform.
pub(super) fn small_roots<T: Lanes>(n: usize) -> Vec<[T; 2]> {
    let a = first_step(n);
    (0..n).map(|i| pair(i / a * (i % a), n)).collect()
}

pub(super) fn pair<T: Lanes>(k: usize, n: usize) -> [T; 2] {
    let w = narrow::<T>(root(k, n));
    [w.re, w.im]
}

impl<T: Lanes> Row<T> {
    /// Whether rows of n numbers are for vectors of so many lanes.
    pub fn fits(n: usize, lanes: usize) -> bool {
        let m = n / lanes;
        lanes >= 4 && m >= lanes && m * lanes == n && SMALL.contains(&m)
    }

    pub fn new(n: usize, lanes: usize) -> Self {
        let m = n / lanes;
        let turn = |i: usize| {
            let (k, part, lane) = (i / (2 * lanes), i / lanes % 2, i % lanes);
            pair(k * lane, n)[part]
        };
        let turns = (0..2 * n).map(turn).collect();
        Row { n, columns: small_roots(m), rows: small_roots(lanes), turns }
    }

    /// Numbers of memory that `run` takes.
    pub fn room(&self) -> usize {
        4 * self.pitch() + 2 * self.n
    }

    /// Numbers from plane to plane: not a power of two, so that what is read does not wait for what is written.
    pub fn pitch(&self) -> usize {
        self.n + 48
    }

    #[inline(always)]
    pub fn run<S: Simd>(
        &self,
        math: Math<S, T>,
        from: [&[T]; 2],
        to: [&mut [T]; 2],
        scale: Option<T>,
        memory: &mut [T],
    ) {
        let (lanes, n) = (Math::<S, T>::LANES, self.n);
        let (m, pitch) = (n / lanes, self.pitch());
        let (squares, memory) = memory.split_at_mut(2 * pitch);
        let (again, between) = memory.split_at_mut(2 * pitch);
        let between: &mut [C<S, T>] = cast_slice_mut(&mut between[..2 * n]);
        let (re, im) = (&from[0][..n], &from[1][..n]);
        {
            let (out_re, out_im) = squares.split_at_mut(pitch);
            let turns: &[T] = &self.turns;
            math.small(
                &self.columns,
                between,
                #[inline(always)]
                |r| [math.read(&re[r * lanes..]), math.read(&im[r * lanes..])],
                #[inline(always)]
                |k, x| {
                    let turn = &turns[2 * lanes * k..][..2 * lanes];
                    let x = math.mul(x, [math.read(turn), math.read(&turn[lanes..])]);
                    math.write(&mut out_re[k * lanes..], x[0]);
                    math.write(&mut out_im[k * lanes..], x[1]);
                },
            );
        }
        for (from, to) in squares.chunks_exact(pitch).zip(again.chunks_exact_mut(pitch)) {
            let size = lanes * lanes;
            for (from, to) in from[..n].chunks_exact(size).zip(to.chunks_exact_mut(size)) {
                turn(math, from, lanes, to, lanes);
            }
        }
        let (re, im) = again.split_at(pitch);
        let [out_re, out_im] = to;
        let (out_re, out_im) = (&mut out_re[..n], &mut out_im[..n]);
        for start in (0..m).step_by(lanes) {
            let at = start * lanes;
            math.small(
                &self.rows[..lanes],
                between,
                #[inline(always)]
                |j| [math.read(&re[at + j * lanes..]), math.read(&im[at + j * lanes..])],
                #[inline(always)]
                |k, mut x| {
                    if let Some(scale) = scale {
                        x = math.scale(x, math.splat(scale));
                    }
                    math.write(&mut out_re[k * m + start..], x[0]);
                    math.write(&mut out_im[k * m + start..], x[1]);
                },
            );
        }
    }
}

/// Transposes a square of as many numbers a side as vectors have; its rows lie so far apart.
#[inline(always)]
pub(super) fn turn<S: Simd, T: Lanes>(
    math: Math<S, T>,
    from: &[T],
    apart: usize,
    to: &mut [T],
    to_apart: usize,
) {
    let side = Math::<S, T>::LANES;
    match size_of::<T>() {
        4 if side >= 8 => eights(math, from, apart, to, to_apart),
        4 => quarters::<T, 4, 4>(from, apart, to, to_apart, side),
        _ => quarters::<T, 8, 2>(from, apart, to, to_apart, side),
    }
}

#[inline(always)]
fn eights<S: Simd, T: Lanes>(math: Math<S, T>, from: &[T], apart: usize, to: &mut [T], to_apart: usize) {
    for r in (0..Math::<S, T>::LANES).step_by(8) {
        for c in (0..Math::<S, T>::LANES).step_by(4) {
            let mut lines = [[0; 16]; 8];
            for i in 0..8 {
                lines[i].copy_from_slice(cast_slice(&from[(r + i) * apart + c..][..4]));
            }
            let lines = turned_eight(math.set(), lines);
            for i in 0..4 {
                to[(c + i) * to_apart + r..][..8].copy_from_slice(cast_slice(&lines[i]));
            }
        }
    }
}

#[inline(always)]
fn quarters<T: Pod, const SIZE: usize, const N: usize>(
    from: &[T],
    apart: usize,
    to: &mut [T],
    to_apart: usize,
    side: usize,
) {
    for r in (0..side).step_by(N) {
        for c in (0..side).step_by(N) {
            let mut square = [[0; 16]; N];
            for i in 0..N {
                square[i].copy_from_slice(cast_slice(&from[(r + i) * apart + c..][..N]));
            }
            let square = turned::<SIZE, N>(square);
            for i in 0..N {
                to[(c + i) * to_apart + r..][..N].copy_from_slice(cast_slice(&square[i]));
            }
        }
    }
}
