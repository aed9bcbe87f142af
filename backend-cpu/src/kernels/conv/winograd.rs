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
use smallvec::SmallVec;
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

/// Sizes of a convolution in tiles. (A line has a tile more than it needs: so what a tile reads lies at fixed distances from its place among all.)
#[derive(Clone, Copy)]
struct Tiles {
    /// Lines of tiles of an image, tiles of a line.
    lines: usize,
    line: usize,
}

/// Writes all of `out`; false where a number is too large.
pub(super) fn run(p: &Problem<'_, f32>, out: &mut [f32]) -> bool {
    let (y, x) = (p.axes[0], p.axes[1]);
    let (outs, features) = (p.outs, p.features);
    let tiles = Tiles { lines: y.v.div_ceil(2), line: x.v.div_ceil(2) + 1 };
    let is_large = AtomicBool::new(false);
    let note = |largest: u32| {
        if largest > LARGE.to_bits() {
            is_large.store(true, Ordering::Relaxed);
        }
    };

    let mut kernels = scratch(PLACES * outs * features * size_of::<f32>());
    let kernels = some::<f32>(&mut kernels, PLACES * outs * features);
    let by_place = Board::new(kernels);
    par::each(outs, features as f64 * 4.0, |o| {
        let length = features.next_multiple_of(LANES);
        let mut taps = vec![0f32; 9 * length];
        for c in 0..features {
            let start = p.filter(0, o, c);
            for tap in 0..9 {
                let at =
                    start + (tap / 3) as isize * p.kernel_steps[0] + (tap % 3) as isize * p.kernel_steps[1];
                taps[tap * length + c] = p.kernel.data[at as usize];
            }
        }
        note(taps.iter().fold(0, |a, &x| a.max(size(x))));
        // SAFETY: for each place this task's output feature.
        let place = |i: usize| unsafe { by_place.part((i * outs + o) * features, features) };
        let out = std::array::from_fn(place);
        vectorized(Kernel { taps: &taps, length, out });
    });
    if is_large.load(Ordering::Relaxed) {
        return false;
    }
    let kernels = &*kernels;

    let all = p.images * tiles.lines;
    let (tasks, start) = parts(all, TILES / tiles.line);
    let work = (PLACES * outs * features * all / tasks * tiles.line) as f64 * PRODUCT;
    let board = Board::new(out);
    par::each(tasks, work, |task| {
        let own = start(task)..start(task + 1);
        let n = own.len() * tiles.line;
        let mut buffers = [features, outs].map(|rows| scratch(PLACES * rows * n * size_of::<f32>()));
        let [inputs, sums] = &mut buffers;
        let inputs = some::<f32>(inputs, PLACES * features * n);
        let sums = some::<f32>(sums, PLACES * outs * n);
        // Of one image each.
        let mut parts: SmallVec<[Part; 8]> = SmallVec::new();
        let mut of = own.start;
        while of < own.end {
            let (image, first) = (of / tiles.lines, of % tiles.lines);
            let lines = (tiles.lines - first).min(own.end - of);
            parts.push(Part { image, first, lines, at: (of - own.start) * tiles.line });
            of += lines;
        }
        let mut planes = vec![0f32; 4 * Input::plane(own.len(), tiles)];
        let mut largest = 0;
        for part in &parts {
            for c in 0..features {
                let from = p.image(0, part.image) + c as isize * p.by_feature;
                let of = Lines { data: p.x.data, from, step: y.step, n: [y.n, x.n], low: [y.low, x.low] };
                let (planes, place) = (&mut planes, [c * n + part.at, features * n]);
                largest =
                    largest.max(vectorized(Input { of, part: *part, tiles, planes, out: inputs, place }));
            }
        }
        note(largest);
        for i in 0..PLACES {
            let matrix = |data, offset: usize, rows: usize| Matrix {
                data,
                offset: offset as isize,
                rows: rows as isize,
                columns: 1,
            };
            let left = matrix(kernels, i * outs * features, features);
            let right = matrix(&*inputs, i * features * n, n);
            let out = &mut sums[i * outs * n..(i + 1) * outs * n];
            let done =
                multiply(Target::current(), [outs, features, n], out, n, left, right, Finish::None, false);
            debug_assert!(done, "this target runs code");
        }
        for part in &parts {
            for o in 0..outs {
                let first = ((part.image * outs + o) * y.v + 2 * part.first) * x.v;
                let rows = (2 * part.lines).min(y.v - 2 * part.first);
                // SAFETY: lines of this task's, inside of `out`, which is there and not used otherwise.
                let out = unsafe { board.part(first, rows * x.v) };
                let (planes, place) = (&mut planes, [o * n + part.at, outs * n]);
                vectorized(Output { sums, place, part: *part, tiles, width: x.v, planes, out });
            }
        }
    });
    !is_large.into_inner()
}

/// Lines of tiles of one image.
#[derive(Clone, Copy)]
struct Part {
    image: usize,
    /// The first line.
    first: usize,
    lines: usize,
    /// The place of its first tile among the task's.
    at: usize,
}

/// The bits of a number's size: greater where it is, NaN the greatest.
#[inline(always)]
fn size(x: f32) -> u32 {
    x.to_bits() & 0x7fff_ffff
}

/// Numbers that are computed at a time.
const LANES: usize = 16;
type Vector = [f32; LANES];

// Loops over local arrays, which compilers keep in registers; slices that might overlap they would not.

#[inline(always)]
fn load(x: &[f32], at: usize) -> Vector {
    *<&Vector>::try_from(&x[at..at + LANES]).expect("so many were taken")
}

/// So many of a vector, and zeros.
#[inline(always)]
fn load_some(x: &[f32], at: usize, n: usize) -> Vector {
    if n == LANES {
        return load(x, at);
    }
    let mut vector = [0.0; LANES];
    vector[..n].copy_from_slice(&x[at..at + n]);
    vector
}

/// Writes as many as there is room for.
#[inline(always)]
fn store(x: &mut [f32], at: usize, vector: Vector) {
    match x[at..].first_chunk_mut::<LANES>() {
        Some(whole) => *whole = vector,
        None => x[at..].iter_mut().zip(vector).for_each(|(x, y)| *x = y),
    }
}

#[inline(always)]
fn add(x: Vector, y: Vector) -> Vector {
    let mut sums = [0.0; LANES];
    for i in 0..LANES {
        sums[i] = x[i] + y[i];
    }
    sums
}

#[inline(always)]
fn sub(x: Vector, y: Vector) -> Vector {
    let mut differences = [0.0; LANES];
    for i in 0..LANES {
        differences[i] = x[i] - y[i];
    }
    differences
}

#[inline(always)]
fn half(x: Vector) -> Vector {
    let mut halves = [0.0; LANES];
    for i in 0..LANES {
        halves[i] = 0.5 * x[i];
    }
    halves
}

/// G g Gᵀ of one output feature, where G is (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1).
struct Kernel<'a> {
    /// Nine rows, an element for each feature, and some more.
    taps: &'a [f32],
    length: usize,
    out: [&'a mut [f32]; PLACES],
}

/// G of three.
#[inline(always)]
fn four(a: Vector, b: Vector, c: Vector) -> [Vector; 4] {
    let ends = add(a, c);
    [a, half(add(ends, b)), half(sub(ends, b)), c]
}

impl Loop for Kernel<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Kernel { taps, length, out } = self;
        for c in (0..length).step_by(LANES) {
            let mut rows = [[[0.0; LANES]; 4]; 3];
            for (i, row) in rows.iter_mut().enumerate() {
                let at = 3 * i * length + c;
                *row = four(load(taps, at), load(taps, at + length), load(taps, at + 2 * length));
            }
            for j in 0..4 {
                let column = four(rows[0][j], rows[1][j], rows[2][j]);
                for (i, u) in column.into_iter().enumerate() {
                    store(out[4 * i + j], c, u);
                }
            }
        }
    }
}

/// One feature of an image.
#[derive(Clone, Copy)]
struct Lines<'a> {
    data: &'a [f32],
    from: isize,
    /// From line to line.
    step: isize,
    /// Lines, and elements of each.
    n: [usize; 2],
    /// Zeros before them; less than none where some are cut.
    low: [isize; 2],
}

/// Bᵀ d B of some lines of tiles of one feature, where Bᵀ is (1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1); gives the greatest [`size`].
struct Input<'a> {
    of: Lines<'a>,
    part: Part,
    tiles: Tiles,
    /// Room for four planes: even and odd lines, of each even and odd columns.
    planes: &'a mut [f32],
    out: &'a mut [f32],
    /// Where the first tile's first place goes, and how far places are apart.
    place: [usize; 2],
}

impl Input<'_> {
    /// Elements of a plane: a line more than tiles have, and what is read behind.
    fn plane(lines: usize, tiles: Tiles) -> usize {
        (lines + 1) * tiles.line + LANES + 1
    }

    /// Even and odd columns of a line of the padded input.
    #[inline(always)]
    fn line(of: Lines<'_>, line: isize, even: &mut [f32], odd: &mut [f32]) -> u32 {
        even.fill(0.0);
        odd.fill(0.0);
        let line = line - of.low[0];
        if line < 0 || line >= of.n[0] as isize {
            return 0;
        }
        let first = (of.from + line * of.step) as usize;
        let row = &of.data[first..first + of.n[1]];
        let low = of.low[1];
        let (to, from) = (low.max(0) as usize, (-low).max(0) as usize);
        let width = 2 * even.len();
        if to >= width || from >= row.len() {
            return 0;
        }
        let n = (width - to).min(row.len() - from);
        let row = &row[from..from + n];
        // The first element is in an even column, or its second is.
        let (first, second, at) =
            if to % 2 == 0 { (even, odd, to / 2) } else { (odd, &mut even[1..], to / 2) };
        for (j, pair) in row.chunks(2).enumerate() {
            first[at + j] = pair[0];
            if let [_, x] = pair {
                second[at + j] = *x;
            }
        }
        row.iter().fold(0, |a, &x| a.max(size(x)))
    }
}

impl Loop for Input<'_> {
    type Output = u32;

    #[inline(always)]
    fn run(self) -> u32 {
        let Input { of, part, tiles, planes, out, place: [first, apart] } = self;
        let (t, n) = (tiles.line, part.lines * tiles.line);
        let plane = Input::plane(part.lines, tiles);
        let (evens, odds) = planes.split_at_mut(2 * plane);
        let mut largest = 0;
        for (parity, both) in [evens, odds].into_iter().enumerate() {
            let (even, odd) = both.split_at_mut(plane);
            for r in 0..part.lines + 1 {
                let line = (2 * (part.first + r) + parity) as isize;
                let own = r * t..(r + 1) * t;
                largest = largest.max(Input::line(of, line, &mut even[own.clone()], &mut odd[own]));
            }
        }
        for x in (0..n).step_by(LANES) {
            let most = LANES.min(n - x);
            for i in 0..4 {
                // Bᵀ d: of even columns and odd ones, here and a tile on.
                let mut sides = [[0.0; LANES]; 4];
                for (k, side) in sides.iter_mut().enumerate() {
                    let (parity, at) = (k % 2, x + k / 2);
                    let even = parity * plane + at;
                    let odd = even + 2 * plane;
                    *side = match i {
                        0 => sub(load(planes, even), load(planes, even + t)),
                        1 => add(load(planes, odd), load(planes, even + t)),
                        2 => sub(load(planes, even + t), load(planes, odd)),
                        _ => sub(load(planes, odd), load(planes, odd + t)),
                    };
                }
                let [even, odd, next_even, next_odd] = sides;
                let four =
                    [sub(even, next_even), add(odd, next_even), sub(next_even, odd), sub(odd, next_odd)];
                for (j, v) in four.into_iter().enumerate() {
                    let at = first + (4 * i + j) * apart + x;
                    store(&mut out[at..at + most], 0, v);
                }
            }
        }
        largest
    }
}

/// Aᵀ m A of some lines of tiles of one output feature, where Aᵀ is (1 1 1 0; 0 1 -1 -1).
struct Output<'a> {
    sums: &'a [f32],
    place: [usize; 2],
    part: Part,
    tiles: Tiles,
    /// Columns of the output; the last tile may reach beyond.
    width: usize,
    /// Room for four planes: even and odd lines, of each even and odd columns.
    planes: &'a mut [f32],
    /// Lines of the output.
    out: &'a mut [f32],
}

impl Loop for Output<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Output { sums, place: [first, apart], part, tiles, width, planes, out } = self;
        let (t, n) = (tiles.line, part.lines * tiles.line);
        for x in (0..n).step_by(LANES) {
            let most = LANES.min(n - x);
            let mut rows = [[[0.0; LANES]; 4]; 2];
            let [upper, lower] = &mut rows;
            for (j, (upper, lower)) in upper.iter_mut().zip(lower).enumerate() {
                let mut m = [[0.0; LANES]; 4];
                for (i, m) in m.iter_mut().enumerate() {
                    let at = first + (4 * i + j) * apart + x;
                    *m = load_some(sums, at, most);
                }
                *upper = add(add(m[0], m[1]), m[2]);
                *lower = sub(sub(m[1], m[2]), m[3]);
            }
            for (i, m) in rows.into_iter().enumerate() {
                store(&mut planes[2 * i * n..(2 * i + 1) * n], x, add(add(m[0], m[1]), m[2]));
                store(&mut planes[(2 * i + 1) * n..(2 * i + 2) * n], x, sub(sub(m[1], m[2]), m[3]));
            }
        }
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            let at = 2 * (row % 2) * n + row / 2 * t;
            let even = &planes[at..at + t];
            let odd = &planes[at + n..at + n + t];
            for ((pair, x), y) in out.chunks_mut(2).zip(even).zip(odd) {
                pair[0] = *x;
                if let [_, second] = pair {
                    *second = *y;
                }
            }
        }
    }
}
