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

    /// The elements of a column, by row.
    pub fn column(&self, c: usize) -> impl Fn(usize) -> T + '_ {
        let width = WIDTH / size_of::<T>();
        let slab = &self.slabs.as_slice::<T>()[c / width * width * self.n..];
        move |r| slab[r * width + c % width]
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

impl<T: Real, const W: usize, const FUSED: bool> Loop for Pass<'_, T, W, FUSED> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.slab.as_chunks_mut::<W>().0;
        let ends = self.sweeps.iter().skip(1).map(|s| s.first).chain([self.rotations.len()]);
        for (sweep, end) in self.sweeps.iter().zip(ends) {
            let rotations = &self.rotations[sweep.first..end];
            // The row that two rotations share stays in registers.
            let mut shared = rows[sweep.row];
            let mut step = |row: &mut [T; W], next: [T; W], (c, s): (T, T)| {
                for l in 0..W {
                    let old = shared[l];
                    if FUSED {
                        row[l] = s.multiply_add(next[l], c * old);
                        shared[l] = c.multiply_add(next[l], -(s * old));
                    } else {
                        row[l] = s * next[l] + c * old;
                        shared[l] = c * next[l] - s * old;
                    }
                }
            };
            let last = if sweep.down {
                let rows = &mut rows[sweep.row..=sweep.row + rotations.len()];
                for (i, &rotation) in rotations.iter().enumerate() {
                    let next = rows[i + 1];
                    step(&mut rows[i], next, rotation);
                }
                sweep.row + rotations.len()
            } else {
                let rows = &mut rows[sweep.row - rotations.len()..=sweep.row];
                for (i, &rotation) in (0..rotations.len()).rev().zip(rotations) {
                    let next = rows[i];
                    step(&mut rows[i + 1], next, rotation);
                }
                sweep.row - rotations.len()
            };
            rows[last] = shared;
        }
    }
}
