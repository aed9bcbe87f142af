//! One long transform in two stages of columns, as [`super::long`] has it, for powers of two whose real and imaginary
//! parts are apart.
//!
//! The first stage leaves each tile of columns, L of them, those of a vector, in one piece: vectors of real and imaginary
//! parts of a row, one after the other. The second takes L rows of all tiles and transposes them, so that rows of
//! the matrix are columns again.

use super::column::Column;
use super::plan::{self, Ladder, Real, narrow};
use super::row::{pair, turn};
use super::vector::{Lanes, Math, lanes};
use crate::par;
use crate::pool::scratch;
use crate::transpose::{LARGE, fence, stream};
use bytemuck::{cast_slice, cast_slice_mut};
use gemm_common::pulp::{Arch, Simd, WithSimd};
use std::sync::{Arc, Mutex};

/// What a transform of ab numbers needs, in vectors of so many lanes.
pub(super) struct Matrix<T> {
    a: Column<T>,
    b: Column<T>,
    size: [usize; 2],
    /// e^(-2πi kl / ab) for each k below a: a vector of real parts over lanes l, and one of imaginary parts.
    near: Vec<T>,
    ladder: Arc<Ladder>,
}

/// A part of a row of the results: real parts, imaginary parts.
type Out<'a, T> = [&'a mut [T]; 2];

impl<T: Lanes> Matrix<T> {
    pub fn fits([a, b]: [usize; 2], lanes: usize) -> bool {
        let fits = |n: usize| Column::<T>::fits(n) && n.is_multiple_of(lanes);
        lanes >= 4 && fits(a) && fits(b)
    }

    pub fn new([a, b]: [usize; 2], lanes: usize, ladder: Arc<Ladder>) -> Self {
        let near = |i: usize| pair(i / (2 * lanes) * (i % lanes), a * b)[i / lanes % 2];
        let near = (0..2 * a * lanes).map(near).collect();
        Matrix { a: Column::new(a), b: Column::new(b), size: [a, b], near, ladder }
    }

    /// Numbers of memory that either stage takes.
    pub fn room(&self, lanes: usize) -> usize {
        let [a, b] = self.size;
        (self.a.room() * lanes + 2 * a).max(self.b.room() * lanes + 2 * b * lanes)
    }

    /// Transforms the columns of tile number `tile`, and turns the results.
    #[inline(always)]
    pub fn down<S: Simd>(
        &self,
        math: Math<S, T>,
        tile: usize,
        [re, im]: [&[T]; 2],
        out: &mut [T],
        memory: &mut [T],
    ) {
        let lanes = Math::<S, T>::LANES;
        let ([a, b], at) = (self.size, tile * lanes);
        let (memory, far) = memory.split_at_mut(self.a.room() * lanes);
        self.far(at, far);
        let (far, near) = (&far[..2 * a], &self.near[..2 * a * lanes]);
        self.a.run(
            math,
            memory,
            #[inline(always)]
            |r| [math.read(&re[r * b + at..]), math.read(&im[r * b + at..])],
            #[inline(always)]
            |k, x| {
                let near = &near[2 * lanes * k..][..2 * lanes];
                let x = math.turn(x, [far[k], far[a + k]]);
                let x = math.mul(x, [math.read(near), math.read(&near[lanes..])]);
                let out = &mut out[2 * lanes * k..][..2 * lanes];
                math.write(out, x[0]);
                math.write(&mut out[lanes..], x[1]);
            },
        );
    }

    /// e^(-2πi kj / ab) of column j, for each k below a: real parts, then imaginary ones.
    #[inline(always)]
    fn far(&self, j: usize, out: &mut [T]) {
        let [a, _] = self.size;
        let (re, im) = out[..2 * a].split_at_mut(a);
        for (k, (re, im)) in re.iter_mut().zip(im).enumerate() {
            let w = narrow::<T>(self.ladder.root(j * k));
            (*re, *im) = (w.re, w.im);
        }
    }

    /// Transforms rows of the matrix from number `row` on, as many as there are lanes; `tiles` are all results of the
    /// first stage, `outs` the rows of the second's, of which elements from `at` on are written.
    #[inline(always)]
    pub fn across<S: Simd>(
        &self,
        math: Math<S, T>,
        [row, at]: [usize; 2],
        tiles: &[T],
        outs: &mut [Out<'_, T>],
        scale: T,
        memory: &mut [T],
    ) {
        // Lines as far apart as rows share few places in the caches: large results go past them.
        let large = size_of::<T>() * self.size[0] * self.size[1] >= LARGE;
        let lanes = Math::<S, T>::LANES;
        let [a, b] = self.size;
        let (memory, rows) = memory.split_at_mut(self.b.room() * lanes);
        let rows = &mut rows[..2 * b * lanes];
        let size = 2 * lanes * lanes;
        for (tile, to) in tiles.chunks_exact(2 * lanes * a).zip(rows.chunks_exact_mut(size)) {
            let from = &tile[2 * lanes * row..][..size];
            turn(math, from, 2 * lanes, to, 2 * lanes);
            turn(math, &from[lanes..], 2 * lanes, &mut to[lanes..], 2 * lanes);
        }
        let (rows, scale) = (&*rows, math.splat(scale));
        self.b.run(
            math,
            memory,
            #[inline(always)]
            |r| {
                let row = &rows[2 * lanes * r..][..2 * lanes];
                [math.read(row), math.read(&row[lanes..])]
            },
            #[inline(always)]
            |k, x| {
                let x = math.scale(x, scale);
                for part in 0..2 {
                    let to = &mut outs[k][part][at..][..lanes];
                    match large {
                        true => stream(cast_slice(&x[part..][..1]), cast_slice_mut(to)),
                        false => math.write(to, x[part]),
                    }
                }
            },
        );
    }
}

/// Transforms ab numbers; exchanged, real and imaginary parts go back.
pub(super) fn run<T: Real>(
    size: [usize; 2],
    scale: Option<T>,
    from: [&[T]; 2],
    [out_re, out_im]: [&mut [T]; 2],
) {
    let ([a, b], lanes, plan) = (size, lanes::<T>(), plan::matrix::<T>(size));
    let plan = &*plan;
    let mut tiles = scratch(2 * a * b * size_of::<T>());
    let tiles = &mut tiles.as_mut_slice::<T>()[..2 * a * b];
    let tile = 2 * lanes * a;
    let work = |n: usize| 0.15 * (lanes * n) as f64 * n.ilog2() as f64;
    par::chunks(tiles, tile, work(a), |first, tiles| {
        Arch::new().dispatch(Down { plan, first, from, tiles });
    });
    let (tiles, scale) = (&*tiles, scale.unwrap_or(T::one()));
    // Pieces are columns of the results.
    let groups = a / lanes;
    let width = groups.div_ceil(par::pieces(groups, work(b))) * lanes;
    let count = a.div_ceil(width);
    let mut pieces: Vec<Vec<Out<'_, T>>> = (0..count).map(|_| Vec::with_capacity(b)).collect();
    for (re, im) in out_re.chunks_exact_mut(a).zip(out_im.chunks_exact_mut(a)) {
        let parts = re.chunks_mut(width).zip(im.chunks_mut(width));
        pieces.iter_mut().zip(parts).for_each(|(piece, (re, im))| piece.push([re, im]));
    }
    let pieces: Vec<_> = pieces.into_iter().map(Mutex::new).collect();
    par::each(count, work(b) * (width / lanes) as f64, |i| {
        let outs = &mut *pieces[i].lock().unwrap_or_else(|e| e.into_inner());
        Arch::new().dispatch(Across { plan, first: i * width, tiles, outs, scale });
    });
}

/// The first stage of tiles from number `first` on.
struct Down<'a, T> {
    plan: &'a Matrix<T>,
    first: usize,
    from: [&'a [T]; 2],
    tiles: &'a mut [T],
}

impl<T: Lanes> WithSimd for Down<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Down { plan, first, from, tiles } = self;
        if !Math::<S, T>::WIDE {
            return;
        }
        let (math, lanes) = (Math::<S, T>::new(s), Math::<S, T>::LANES);
        let mut memory = scratch(plan.room(lanes) * size_of::<T>());
        for (i, tile) in tiles.chunks_exact_mut(2 * lanes * plan.size[0]).enumerate() {
            plan.down(math, first + i, from, tile, memory.as_mut_slice());
        }
    }
}

/// The second stage of rows from number `first` on.
struct Across<'a, 'b, T> {
    plan: &'a Matrix<T>,
    first: usize,
    tiles: &'a [T],
    outs: &'a mut [Out<'b, T>],
    scale: T,
}

impl<T: Lanes> WithSimd for Across<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Across { plan, first, tiles, outs, scale } = self;
        if !Math::<S, T>::WIDE {
            return;
        }
        let (math, lanes) = (Math::<S, T>::new(s), Math::<S, T>::LANES);
        let mut memory = scratch(plan.room(lanes) * size_of::<T>());
        for at in (0..outs[0][0].len()).step_by(lanes) {
            plan.across(math, [first + at, at], tiles, outs, scale, memory.as_mut_slice());
        }
        fence();
    }
}
