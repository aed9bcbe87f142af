//! Kernels of 3 x 3 over many features, by Winograd's F(2 x 2, 3 x 3): tiles of 4 x 4 of the input, which overlap by two, give tiles of 2 x 2 of
//! the output by 16 products where the definition has 36 (A. Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2015).
//!
//! For each of a tile's 16 places the transformed kernel, `[out feature, feature]`, times the transformed input, `[feature, tile]`, is a
//! product of matrices. A task has some lines of tiles, so that both lie in the second cache.
//!
//! An error is relative to the largest number of a tile, not of the 3 x 3 that an output sees: a few units of 2^-24 of it. What always holds:
//! infinities, NaN, and numbers whose sums might overflow are not done here ([`run`] says so, and nothing counts as written); sums do not
//! depend on the number of threads.

#![allow(unsafe_code)]

use super::planes::{Axis, some};
use super::{PRODUCT, Problem, parts};
use crate::gemm::shifted::Board;
use crate::gemm::{Finish, Matrix, multiply};
use crate::kernel::target::Target;
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::pool::scratch;
use std::sync::atomic::{AtomicBool, Ordering};

/// Features of the input and of the output, at least: with fewer the transforms cost more than they save.
const FEATURES: usize = 64;
/// Tiles of a task, about.
const TILES: usize = 112;
/// Places of a tile.
const PLACES: usize = 16;
/// Numbers from here on are left to the definition.
const LARGE: f32 = 1e15;

/// Whether a convolution is of this kind, and large enough.
pub(super) fn pays(p: &Problem<'_, f32>) -> bool {
    let plain = |a: &Axis| a.u == 3 && a.a == 1 && a.b == 1 && a.apart == 1;
    let [y, x] = p.axes[..] else { return false };
    plain(&y)
        && plain(&x)
        && (x.step == 1 || x.n == 1)
        && p.groups == 1
        && p.features.min(p.outs) >= FEATURES
        && p.images * y.v.div_ceil(2) * x.v.div_ceil(2) >= 64
        && Target::current() != Target::Portable
}

/// Writes all of `out`; false where a number is too large.
pub(super) fn run(p: &Problem<'_, f32>, out: &mut [f32]) -> bool {
    let (y, x) = (p.axes[0], p.axes[1]);
    let (outs, features) = (p.outs, p.features);
    // Lines of tiles of an image, tiles of a line.
    let [lines, tiles] = [y.v.div_ceil(2), x.v.div_ceil(2)];
    let is_large = AtomicBool::new(false);
    let note = |largest: u32| {
        if largest > LARGE.to_bits() {
            is_large.store(true, Ordering::Relaxed);
        }
    };

    let mut kernels = scratch(PLACES * outs * features * size_of::<f32>());
    let kernels = some::<f32>(&mut kernels, PLACES * outs * features);
    let by_place = Board::new(kernels);
    par::each(outs, features as f64 * 20.0, |o| {
        let mut largest = 0;
        for c in 0..features {
            let g = filter(p, o, c);
            largest = g.iter().flatten().fold(largest, |a, &g| a.max(size(g)));
            for (i, u) in of_kernel(g).into_iter().enumerate() {
                // SAFETY: an element of this task's output feature, inside.
                unsafe { by_place.part((i * outs + o) * features + c, 1)[0] = u };
            }
        }
        note(largest);
    });
    let kernels = &*kernels;

    let all = p.images * lines;
    let (tasks, start) = parts(all, TILES / tiles);
    let work = (PLACES * outs * features * all / tasks * tiles) as f64 * PRODUCT;
    let board = Board::new(out);
    par::each(tasks, work, |task| {
        let own = start(task)..start(task + 1);
        let n = own.len() * tiles;
        let mut buffers = [features, outs].map(|rows| scratch(PLACES * rows * n * size_of::<f32>()));
        let [inputs, sums] = &mut buffers;
        let inputs = some::<f32>(inputs, PLACES * features * n);
        let sums = some::<f32>(sums, PLACES * outs * n);
        let width = 2 * tiles + 2;
        let mut line = vec![0f32; 8 * width];
        let mut largest = 0;
        for (at, of) in own.clone().enumerate() {
            let (image, r) = (of / lines, of % lines);
            for c in 0..features {
                let start = p.image(0, image) + c as isize * p.by_feature;
                let rows = [0, 1, 2, 3].map(|i| {
                    let row = (2 * r + i) as isize - y.low;
                    (0..y.n as isize).contains(&row).then(|| {
                        let first = (start + row * y.step) as usize;
                        &p.x.data[first..first + x.n]
                    })
                });
                let (line, low, place) = (&mut line, x.low, [c * n + at * tiles, features * n]);
                largest = largest.max(vectorized(Input { rows, low, line, tiles, out: inputs, place }));
            }
        }
        note(largest);
        for i in 0..PLACES {
            let left = Matrix {
                data: kernels,
                offset: (i * outs * features) as isize,
                rows: features as isize,
                columns: 1,
            };
            let right =
                Matrix { data: &*inputs, offset: (i * features * n) as isize, rows: n as isize, columns: 1 };
            let out = &mut sums[i * outs * n..(i + 1) * outs * n];
            let done =
                multiply(Target::current(), [outs, features, n], out, n, left, right, Finish::None, false);
            debug_assert!(done, "this target runs code");
        }
        for (at, of) in own.enumerate() {
            let (image, r) = (of / lines, of % lines);
            for o in 0..outs {
                let first = ((image * outs + o) * y.v + 2 * r) * x.v;
                let rows = (y.v - 2 * r).min(2);
                // SAFETY: one or two lines of this task's, inside of `out`, which is there and not used otherwise.
                let out = unsafe { board.part(first, rows * x.v) };
                vectorized(Output { sums, place: [o * n + at * tiles, outs * n], tiles, width: x.v, out });
            }
        }
    });
    !is_large.into_inner()
}

/// The bits of a number's size: greater where it is, NaN the greatest.
#[inline(always)]
fn size(x: f32) -> u32 {
    x.to_bits() & 0x7fff_ffff
}

/// The nine numbers of a kernel.
fn filter(p: &Problem<'_, f32>, out: usize, feature: usize) -> [[f32; 3]; 3] {
    let start = p.filter(0, out, feature);
    let at = |i: usize, j: usize| start + i as isize * p.kernel_steps[0] + j as isize * p.kernel_steps[1];
    [0, 1, 2].map(|i| [0, 1, 2].map(|j| p.kernel.data[at(i, j) as usize]))
}

/// G g Gᵀ, where G is (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1).
fn of_kernel(g: [[f32; 3]; 3]) -> [f32; PLACES] {
    let four = |[a, b, c]: [f32; 3]| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
    let rows = g.map(four);
    let columns = [0, 1, 2, 3].map(|j| four([rows[0][j], rows[1][j], rows[2][j]]));
    let mut all = [0.0; PLACES];
    for (j, column) in columns.into_iter().enumerate() {
        for (i, u) in column.into_iter().enumerate() {
            all[4 * i + j] = u;
        }
    }
    all
}

/// Bᵀ d B of a line of tiles of one feature, where Bᵀ is (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1); gives the greatest [`size`].
struct Input<'a> {
    /// The four lines of the input; none where there is padding.
    rows: [Option<&'a [f32]>; 4],
    /// Zeros before a line; less than none where it is cut.
    low: isize,
    /// Room for eight padded lines.
    line: &'a mut [f32],
    tiles: usize,
    out: &'a mut [f32],
    /// Where the first tile's first place goes, and how far places are apart.
    place: [usize; 2],
}

impl Loop for Input<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let Input { rows, low, line, tiles, out, place: [first, apart] } = self;
        let width = 2 * tiles + 2;
        let (padded, turned) = line.split_at_mut(4 * width);
        let mut largest = 0;
        for (row, line) in rows.into_iter().zip(padded.chunks_exact_mut(width)) {
            line.fill(0.0);
            if let Some(row) = row {
                let (to, from) = (low.max(0) as usize, (-low).max(0) as usize);
                if to < width && from < row.len() {
                    let n = (width - to).min(row.len() - from);
                    let row = &row[from..from + n];
                    line[to..to + n].copy_from_slice(row);
                    largest = row.iter().fold(largest, |a, &x| a.max(size(x)));
                }
            }
        }
        let (a, rest) = padded.split_at(width);
        let (b, rest) = rest.split_at(width);
        let (c, d) = rest.split_at(width);
        for (j, t) in turned.chunks_exact_mut(width).enumerate() {
            match j {
                0 => t.iter_mut().zip(a.iter().zip(c)).for_each(|(t, (x, y))| *t = x - y),
                1 => t.iter_mut().zip(b.iter().zip(c)).for_each(|(t, (x, y))| *t = x + y),
                2 => t.iter_mut().zip(c.iter().zip(b)).for_each(|(t, (x, y))| *t = x - y),
                _ => t.iter_mut().zip(b.iter().zip(d)).for_each(|(t, (x, y))| *t = x - y),
            }
        }
        for (i, t) in turned.chunks_exact(width).enumerate() {
            let [p, q, r, s] = four(&mut out[first + 4 * i * apart..], apart, tiles);
            let t = &t[..2 * tiles + 2];
            for j in 0..tiles {
                let [a, b, c, d] = [t[2 * j], t[2 * j + 1], t[2 * j + 2], t[2 * j + 3]];
                (p[j], q[j], r[j], s[j]) = (a - c, b + c, c - b, b - d);
            }
        }
        largest
    }
}

/// Four pieces of so many numbers, that begin `apart`.
#[inline(always)]
fn four(all: &mut [f32], apart: usize, n: usize) -> [&mut [f32]; 4] {
    let (a, rest) = all.split_at_mut(apart);
    let (b, rest) = rest.split_at_mut(apart);
    let (c, d) = rest.split_at_mut(apart);
    [&mut a[..n], &mut b[..n], &mut c[..n], &mut d[..n]]
}

/// Aᵀ m A of a line of tiles of one output feature, where Aᵀ is (1 1 1 0; 0 1 -1 -1).
struct Output<'a> {
    sums: &'a [f32],
    place: [usize; 2],
    tiles: usize,
    /// Columns of the output; the last tile may reach beyond.
    width: usize,
    /// One line, or two.
    out: &'a mut [f32],
}

impl Loop for Output<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Output { sums, place: [first, apart], tiles, width, out } = self;
        let m = |i: usize, j: usize| &sums[first + (4 * i + j) * apart..][..tiles];
        let m = [0, 1, 2, 3].map(|i| [0, 1, 2, 3].map(|j| m(i, j)));
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let whole = width / 2;
            for t in 0..tiles {
                let s = [0, 1, 2, 3].map(|j| match row {
                    0 => m[0][j][t] + m[1][j][t] + m[2][j][t],
                    _ => m[1][j][t] - m[2][j][t] - m[3][j][t],
                });
                out[2 * t] = s[0] + s[1] + s[2];
                if t < whole {
                    out[2 * t + 1] = s[1] - s[2] - s[3];
                }
            }
        }
    }
}
