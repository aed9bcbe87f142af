//! Sweeps of rotations of neighbouring rows, recorded and then applied together.
//!
//! The algorithms that diagonalise a band make the same few kinds of sweeps: rotation after rotation, each of a row and
//! its neighbour. They are recorded, and applied to slabs of few columns, which stay in a cache while many sweeps pass
//! over them, and which threads share.

use super::real::Real;
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::pool::{Scratch, scratch};

/// Bytes of a slab's row.
const WIDTH: usize = 256;
/// Rotations after which what was recorded is applied.
const MANY: usize = 1 << 14;

/// The rotation that takes (f, g) to (r, 0): c, s and r.
#[inline(always)]
pub fn rotation<T: Real>(f: T, g: T) -> (T, T, T) {
    let sum = f * f + g * g;
    if sum > T::SMALL && sum < T::ONE / T::SMALL {
        // The root and the reciprocal at the same time; one of the root would wait for it.
        let (r, reciprocal) = (sum.sqrt(), T::ONE / sum);
        let inverse = r * reciprocal;
        return (f * inverse, g * inverse, r);
    }
    extreme_rotation(f, g)
}

/// The same of numbers whose squares are too large or too small.
#[cold]
#[inline(never)]
fn extreme_rotation<T: Real>(f: T, g: T) -> (T, T, T) {
    let most = if f.abs() > g.abs() { f.abs() } else { g.abs() };
    if most == T::ZERO {
        return (T::ONE, T::ZERO, T::ZERO);
    }
    let (f, g) = (f / most, g / most);
    let r = (f * f + g * g).sqrt();
    (f / r, g / r, r * most)
}

/// Rotations of one after another row, beginning at `row`: down, or up.
struct Sweep {
    row: usize,
    down: bool,
    /// Where its rotations begin; they end where the next sweep's begin.
    first: usize,
}

/// A matrix of n rows in slabs of columns, and the sweeps that are still to be applied to it.
pub struct Rotated<T> {
    slabs: Scratch,
    n: usize,
    columns: usize,
    sweeps: Vec<Sweep>,
    rotations: Vec<(T, T)>,
}

impl<T: Real> Rotated<T> {
    /// The transpose of a dense matrix of `columns` rows and n columns.
    pub fn transposed(x: &[T], n: usize, columns: usize) -> Self {
        let width = WIDTH / size_of::<T>();
        let mut slabs = scratch(n * columns.next_multiple_of(width) * size_of::<T>());
        let all = slabs.as_mut_slice::<T>();
        for (slab, x) in all.chunks_mut((n * width).max(1)).zip(x.chunks((n * width).max(1))) {
            if x.len() < n * width {
                slab.fill(T::ZERO);
            }
            for (c, x) in x.chunks(n).enumerate() {
                x.iter().enumerate().for_each(|(r, &x)| slab[r * width + c] = x);
            }
        }
        Rotated { slabs, n, columns, sweeps: Vec::new(), rotations: Vec::new() }
    }

    /// Begins a sweep at this row.
    pub fn begin(&mut self, row: usize, down: bool, threads: bool) {
        if self.rotations.len() >= MANY {
            self.apply(threads);
        }
        self.sweeps.push(Sweep { row, down, first: self.rotations.len() });
    }

    /// The next rotation of the sweep: of the row (x) and its neighbour (y), which become c x + s y and c y - s x. The
    /// neighbour is the next rotation's row.
    #[inline(always)]
    pub fn rotate(&mut self, c: T, s: T) {
        self.rotations.push((c, s));
    }

    /// Applies what is recorded.
    pub fn apply(&mut self, threads: bool) {
        let (sweeps, rotations, n) = (&self.sweeps, &self.rotations, self.n);
        let width = WIDTH / size_of::<T>();
        let pass = |slabs: &mut [T]| {
            for slab in slabs.chunks_mut(n * width) {
                match (size_of::<T>(), fused()) {
                    (4, true) => vectorized(Pass::<T, 64, true> { slab, sweeps, rotations }),
                    (4, false) => vectorized(Pass::<T, 64, false> { slab, sweeps, rotations }),
                    (_, true) => vectorized(Pass::<T, 32, true> { slab, sweeps, rotations }),
                    (_, false) => vectorized(Pass::<T, 32, false> { slab, sweeps, rotations }),
                }
            }
        };
        let used = n * self.columns.next_multiple_of(width);
        let slabs = &mut self.slabs.as_mut_slice::<T>()[..used];
        if threads {
            let work = rotations.len() as f64 * 6.0;
            par::chunks(slabs, n * width, work, |_, slabs| pass(slabs));
        } else {
            pass(slabs);
        }
        self.sweeps.clear();
        self.rotations.clear();
    }

    /// Writes the rows, with `stride` elements from one to the next.
    pub fn write_rows(&self, out: &mut [T], stride: usize) {
        let width = WIDTH / size_of::<T>();
        for first in (0..self.columns).step_by(width) {
            let slab = &self.slabs.as_slice::<T>()[first * self.n..];
            let count = width.min(self.columns - first);
            for (out, row) in out.chunks_mut(stride).zip(slab.chunks(width)).take(self.n) {
                out[first..first + count].copy_from_slice(&row[..count]);
            }
        }
    }
}

/// Whether the processor multiplies and adds in one instruction, as vectorised loops for it do.
fn fused() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("fma") && std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    return cfg!(target_arch = "aarch64");
}

struct Pass<'a, T, const W: usize, const FUSED: bool> {
    slab: &'a mut [T],
    sweeps: &'a [Sweep],
    rotations: &'a [(T, T)],
}

/// A sweep along its own direction: rotation j is of places `first + j` and the next.
struct Run<'a, T> {
    first: usize,
    rotations: &'a [(T, T)],
}

impl<T> Run<'_, T> {
    /// The place it ends at.
    fn last(&self) -> usize {
        self.first + self.rotations.len()
    }
}

impl<T: Real, const W: usize, const FUSED: bool> Pass<'_, T, W, FUSED> {
    fn along(&self, i: usize, n: usize) -> Run<'_, T> {
        let sweep = &self.sweeps[i];
        let end = self.sweeps.get(i + 1).map_or(self.rotations.len(), |next| next.first);
        let first = if sweep.down { sweep.row } else { n - 1 - sweep.row };
        Run { first, rotations: &self.rotations[sweep.first..end] }
    }
}

/// What a rotation leaves behind of the row that is `shared`, which becomes the next one's.
#[inline(always)]
fn step<T: Real, const W: usize, const FUSED: bool>(
    shared: &mut [T; W],
    next: &[T; W],
    (c, s): (T, T),
) -> [T; W] {
    let mut done = [T::ZERO; W];
    for l in 0..W {
        let old = shared[l];
        if FUSED {
            done[l] = s.multiply_add(next[l], c * old);
            shared[l] = c.multiply_add(next[l], -(s * old));
        } else {
            done[l] = s * next[l] + c * old;
            shared[l] = c * next[l] - s * old;
        }
    }
    done
}

impl<T: Real, const W: usize, const FUSED: bool> Loop for Pass<'_, T, W, FUSED> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let slab = std::mem::take(&mut self.slab);
        let rows = slab.as_chunks_mut::<W>().0;
        let n = rows.len();
        let mut i = 0;
        while i < self.sweeps.len() {
            let down = self.sweeps[i].down;
            let at = |place: usize| if down { place } else { n - 1 - place };
            let a = self.along(i, n);
            i += 1;
            // Two sweeps in one pass, the second a row behind the first: a row is read and written once for both.
            let b = match self.sweeps.get(i) {
                Some(next) if next.down == down => Some(self.along(i, n)),
                _ => None,
            };
            let b = b.filter(|b| b.first >= a.first && b.first <= a.last() && !b.rotations.is_empty());
            let mut shared = rows[at(a.first)];
            let Some(b) = b else {
                for (place, &rotation) in (a.first..).zip(a.rotations) {
                    let next = rows[at(place + 1)];
                    rows[at(place)] = step::<T, W, FUSED>(&mut shared, &next, rotation);
                }
                rows[at(a.last())] = shared;
                continue;
            };
            i += 1;
            for place in a.first..b.first {
                let next = rows[at(place + 1)];
                rows[at(place)] = step::<T, W, FUSED>(&mut shared, &next, a.rotations[place - a.first]);
            }
            // Where the second begins.
            let mut behind = shared;
            let mut place = b.first;
            if place < a.last() {
                let next = rows[at(place + 1)];
                behind = step::<T, W, FUSED>(&mut shared, &next, a.rotations[place - a.first]);
                place += 1;
                let both = a.last().min(b.last() + 1);
                let firsts = &a.rotations[place - a.first..both.max(place) - a.first];
                for (&first, &second) in firsts.iter().zip(b.rotations) {
                    let next = rows[at(place + 1)];
                    let row = step::<T, W, FUSED>(&mut shared, &next, first);
                    rows[at(place - 1)] = step::<T, W, FUSED>(&mut behind, &row, second);
                    place += 1;
                }
                if place > b.last() {
                    // The second is done; the first may go on.
                    rows[at(b.last())] = behind;
                    for place in place..a.last() {
                        let next = rows[at(place + 1)];
                        rows[at(place)] =
                            step::<T, W, FUSED>(&mut shared, &next, a.rotations[place - a.first]);
                    }
                    rows[at(a.last())] = shared;
                    continue;
                }
                // The first is done: its last row is the second's next.
                rows[at(place - 1)] =
                    step::<T, W, FUSED>(&mut behind, &shared, b.rotations[place - 1 - b.first]);
            }
            for place in place..b.last() {
                let next = rows[at(place + 1)];
                rows[at(place)] = step::<T, W, FUSED>(&mut behind, &next, b.rotations[place - b.first]);
            }
            rows[at(b.last())] = behind;
        }
    }
}
