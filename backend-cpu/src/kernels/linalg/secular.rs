//! Eigenvalues of D + rho z zᵀ, a diagonal matrix and one of rank 1, and singular values of a diagonal matrix with z as
//! one of its rows: the roots of the secular equation `1 / rho + sum over i of z_i² / (d_i - λ) = 0`, or that of the
//! squares of d and λ. One lies above each d_i, before the next.
//!
//! A root is an offset from the d nearest to it, so that its distances from all are exact to rounding. The iteration is
//! that of Bunch, Nielsen and Sorensen (1978) within a bracket. Vectors are those of the z that would have the roots
//! found (Gu and Eisenstat 1994 and 1995), hence orthogonal however close the roots are. What always holds: no two d
//! are equal, no z is 0, z has length 1; the caller has deflated, and scaled, so that squares are normal numbers.

use super::loops::{kept, loops};
use super::real::Real;
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use std::marker::PhantomData;

/// Poles that are looked at together.
const LANES: usize = 32;
/// Steps to a root, at most; a handful are usual.
const STEPS: usize = 100;

/// The poles d in any order, with their z.
pub struct Secular<'a, T> {
    pub d: &'a [T],
    pub z: &'a [T],
    pub rho: T,
    /// The places of the poles, ascending.
    pub order: &'a [usize],
    /// Whether it is the equation of squares.
    pub squares: bool,
}

/// `origin + offset`. The distance of d from it is `((d - origin) - offset) (factor d + term)`: of d or of its square.
#[derive(Clone, Copy)]
pub struct Place<T> {
    origin: T,
    offset: T,
    factor: T,
    term: T,
}

impl<T: Real> Place<T> {
    #[inline(always)]
    fn from(self, d: T) -> T {
        ((d - self.origin) - self.offset) * (self.factor * d + self.term)
    }
}

/// A root, and the pole that it lies above.
#[derive(Clone, Copy)]
pub struct Root<T> {
    place: Place<T>,
    pole: T,
}

impl<T: Real> Root<T> {
    pub fn value(&self) -> T {
        self.place.origin + self.place.offset
    }
}

/// What the poles below and above a place add to the function there and to its slope.
pub struct Sums<T> {
    below: T,
    above: T,
    below_slope: T,
    above_slope: T,
}

#[inline(always)]
fn total<T: Real>(x: [T; LANES]) -> T {
    let x = kept(x);
    let x: [T; 16] = std::array::from_fn(|l| x[l] + x[l + 16]);
    let x: [T; 8] = std::array::from_fn(|l| x[l] + x[l + 8]);
    let x: [T; 4] = std::array::from_fn(|l| x[l] + x[l + 4]);
    (x[0] + x[2]) + (x[1] + x[3])
}

/// The sums at a place with distances from poles given; the first `split` poles are below it.
#[inline(always)]
fn sums_by<T: Real>(d: &[T], z: &[T], split: usize, distance: impl Fn(T) -> T + Copy) -> Sums<T> {
    let (d, z) = (d.as_chunks::<LANES>().0, z.as_chunks::<LANES>().0);
    let add = |d: &[[T; LANES]], z: &[[T; LANES]]| {
        let (mut values, mut slopes) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for (d, z) in d.iter().zip(z) {
            for l in 0..LANES {
                let t = z[l] / distance(d[l]);
                values[l] = values[l] + z[l] * t;
                slopes[l] = slopes[l] + t * t;
            }
        }
        (kept(values), kept(slopes))
    };
    let (whole, cut) = (split / LANES, split % LANES);
    let (mut below, mut below_slope) = add(&d[..whole], &z[..whole]);
    let next = split.div_ceil(LANES);
    let (mut above, mut above_slope) = add(&d[next..], &z[next..]);
    if cut > 0 {
        // Some of these are below, the others above.
        for l in 0..LANES {
            let t = z[whole][l] / distance(d[whole][l]);
            let (value, slope, is_below) = (z[whole][l] * t, t * t, l < cut);
            below[l] = below[l] + if is_below { value } else { T::ZERO };
            above[l] = above[l] + if is_below { T::ZERO } else { value };
            below_slope[l] = below_slope[l] + if is_below { slope } else { T::ZERO };
            above_slope[l] = above_slope[l] + if is_below { T::ZERO } else { slope };
        }
    }
    Sums {
        below: total(below),
        above: total(above),
        below_slope: total(below_slope),
        above_slope: total(above_slope),
    }
}

loops! {
    /// The parts of the function at a place: of poles in order, as many as are whole groups of lanes, of which the first
    /// `split` are below it.
    fn sums(d: &'a [T], z: &'a [T], place: Place<T>, split: usize) -> Sums<T> {
        if place.factor == T::ZERO {
            sums_by(d, z, split, |d| (d - place.origin) - place.offset)
        } else {
            sums_by(d, z, split, |d| ((d - place.origin) - place.offset) * (d + place.term))
        }
    }

    /// rho z² of these poles that would have these roots, but for the sign: the product of the distances from all roots
    /// over those from all other poles.
    fn weights_of(out: &'a mut [T], d: &'a [T], roots: &'a [Root<T>]) -> () {
        for (out, d) in out.chunks_mut(LANES).zip(d.chunks(LANES)) {
            let mut own = [T::ONE / T::EPSILON; LANES];
            own[..d.len()].copy_from_slice(d);
            let mut products = [T::ONE; LANES];
            for Root { place, pole } in roots {
                let term = if place.factor == T::ZERO { T::ONE } else { *pole };
                for l in 0..LANES {
                    let under = (own[l] - *pole) * (place.factor * own[l] + term);
                    let under = if own[l] == *pole { T::ONE } else { under };
                    products[l] = products[l] * (place.from(own[l]) / under);
                }
            }
            out.copy_from_slice(&products[..d.len()]);
        }
    }

    /// The vector of a root: z over its distances from the poles, of length 1. One element, before that, is -1, if it is
    /// `pinned`.
    fn vector(out: &'a mut [T], d: &'a [T], z: &'a [T], place: Place<T>, pinned: usize) -> () {
        // The least of the distances, about: no element is much larger than its z.
        let scale = place.from(place.origin).abs();
        let mut squares = [T::ZERO; LANES];
        for ((out, d), z) in out.chunks_mut(LANES).zip(d.chunks(LANES)).zip(z.chunks(LANES)) {
            for (((out, &d), &z), square) in out.iter_mut().zip(d).zip(z).zip(&mut squares) {
                *out = (z * scale) / place.from(d);
                *square = *square + *out * *out;
            }
        }
        let mut square = total(squares);
        if pinned < out.len() {
            square = square - out[pinned] * out[pinned] + scale * scale;
            out[pinned] = -scale;
        }
        let inverse = T::ONE / square.sqrt();
        out.iter_mut().for_each(|x| *x = *x * inverse);
    }
}

/// The poles in order, and what makes whole groups of lanes of them.
struct Sorted<'a, T> {
    d: &'a [T],
    z: &'a [T],
    rho: T,
    squares: bool,
}

impl<T: Real> Sorted<'_, T> {
    fn place(&self, origin: T, offset: T) -> Place<T> {
        let (factor, term) = if self.squares { (T::ONE, origin + offset) } else { (T::ZERO, T::ONE) };
        Place { origin, offset, factor, term }
    }

    /// The distance of two poles.
    fn gap(&self, lower: T, upper: T) -> T {
        (upper - lower) * if self.squares { upper + lower } else { T::ONE }
    }

    /// The offset from `origin` of what is so much more, or whose square is.
    fn offset(&self, origin: T, more: T) -> T {
        if self.squares { more / (origin + (origin * origin + more).sqrt()) } else { more }
    }

    /// The root above pole j of k.
    fn root(&self, j: usize, k: usize) -> Root<T> {
        let (pole, low, split) = (self.d[j], self.z[j] * self.z[j], j + 1);
        let inverse = T::ONE / self.rho;
        if split == k {
            return Root { place: self.last(pole, low, inverse, k), pole };
        }
        let (next, high) = (self.d[split], self.z[split] * self.z[split]);
        let gap = self.gap(pole, next);
        let middle = gap / T::TWO;
        // The two poles beside the root, and what the others add in the middle.
        let sums = sums(self.d, self.z, self.place(pole, self.offset(pole, middle)), split);
        let all = inverse + (sums.below + sums.above);
        let others = all - (high - low) / middle;
        let (sum, four) = (low + high, T::TWO * T::TWO);
        let least = |square: T| square / (four * (inverse + T::TWO / middle));
        let (origin, start, bracket) = if all > T::ZERO {
            // Nearer to the lower: others x² - (others gap + sum) x + low gap = 0.
            let (a, b) = (others * gap + sum, low * gap);
            let root = (a * a - four * b * others).abs().sqrt();
            let x = if a > T::ZERO { T::TWO * b / (a + root) } else { (a - root) / (T::TWO * others) };
            (pole, x, (least(low), middle))
        } else {
            // Nearer to the upper: others x² + (others gap - sum) x - high gap = 0.
            let (a, b) = (others * gap - sum, high * gap);
            let root = (a * a + four * b * others).abs().sqrt();
            let x = if a < T::ZERO { T::TWO * b / (a - root) } else { -(a + root) / (T::TWO * others) };
            (next, x, (-middle, -least(high)))
        };
        let place = self.refine(origin, split, start, bracket, |place, w, sums| {
            // Each side as one pole with the value and the slope there.
            let (x, y) = (place.from(pole), place.from(next));
            let c = (w - x * sums.below_slope) - y * sums.above_slope;
            let a = (x + y) * w - x * y * (sums.below_slope + sums.above_slope);
            let b = x * y * w;
            let root = (a * a - four * b * c).abs().sqrt();
            if a > T::ZERO { T::TWO * b / (a + root) } else { (a - root) / (T::TWO * c) }
        });
        Root { place, pole }
    }

    /// The root above all poles.
    fn last(&self, pole: T, square: T, inverse: T, k: usize) -> Place<T> {
        let middle = self.rho / T::TWO;
        let sums = sums(self.d, self.z, self.place(pole, self.offset(pole, middle)), k);
        let others = inverse + (sums.below + square / middle);
        let bracket = (square * self.rho / T::TWO, self.rho * T::TWO);
        self.refine(pole, k, square / others, bracket, |place, w, sums| {
            let x = place.from(pole);
            x * w / (w - x * sums.below_slope)
        })
    }

    /// Goes on from `start` by `step`, which is given the place, the function there and its parts. Start, bracket and steps
    /// are of the square, where that is the equation's variable.
    fn refine(
        &self,
        origin: T,
        split: usize,
        start: T,
        bracket: (T, T),
        step: impl Fn(Place<T>, T, &Sums<T>) -> T,
    ) -> Place<T> {
        let (mut low, mut high) = (self.offset(origin, bracket.0), self.offset(origin, bracket.1));
        // They have the same sign and may be of very different sizes.
        let between = |low: T, high: T| (low.abs().sqrt() * high.abs().sqrt()).with_sign(low);
        let inside = |x: T, low: T, high: T| x > low && x < high;
        let inverse = T::ONE / self.rho;
        let eight = T::TWO * T::TWO * T::TWO;
        let start = self.offset(origin, start);
        let mut place = self.place(origin, if inside(start, low, high) { start } else { between(low, high) });
        for count in 1..STEPS {
            let sums = sums(self.d, self.z, place, split);
            let w = inverse + (sums.below + sums.above);
            // What rounding makes of it, with that of the offset.
            let slope = sums.below_slope + sums.above_slope;
            let width = if self.squares { place.term + place.term } else { T::ONE };
            let bound = eight * (sums.above - sums.below) + inverse + place.offset.abs() * width * slope;
            if w.abs() <= T::EPSILON * bound && bound < T::INFINITY {
                break;
            }
            if w < T::ZERO {
                low = place.offset;
            } else {
                high = place.offset;
            }
            let next = place.offset + self.offset(origin + place.offset, step(place, w, &sums));
            let slow = count % 8 == 0;
            let next = if inside(next, low, high) && !slow { next } else { between(low, high) };
            if next == place.offset || !inside(next, low, high) {
                break;
            }
            place = self.place(origin, next);
        }
        place
    }
}

impl<T: Real> Secular<'_, T> {
    /// The roots, ascending.
    pub fn roots(&self, threads: bool) -> Vec<Root<T>> {
        let k = self.order.len();
        // Poles of no weight and far away make whole groups.
        let sorted = |x: &[T], beyond: T| -> Vec<T> {
            let beyond = std::iter::repeat_n(beyond, k.next_multiple_of(LANES) - k);
            self.order.iter().map(|&i| x[i]).chain(beyond).collect()
        };
        let (d, z) = (sorted(self.d, T::ONE / T::EPSILON), sorted(self.z, T::ZERO));
        let sorted = Sorted { d: &d, z: &z, rho: self.rho, squares: self.squares };
        let work = if threads { k as f64 * 4.0 } else { 0.0 };
        par::map(k, work, |j| sorted.root(j, k))
    }

    /// z that would have these roots, times the root of rho.
    pub fn weights(&self, roots: &[Root<T>], threads: bool) -> Vec<T> {
        let mut weights = vec![T::ZERO; self.d.len()];
        let work = if threads { (LANES * roots.len()) as f64 } else { 0.0 };
        par::chunks(&mut weights, LANES, work, |first, weights| {
            let n = weights.len();
            weights_of(weights, &self.d[first * LANES..][..n], roots);
        });
        for (weight, &z) in weights.iter_mut().zip(self.z) {
            *weight = weight.abs().sqrt().with_sign(z);
        }
        weights
    }

    /// The vectors of the roots, one after another, each in the order of the poles: z over the distances. The `pinned`
    /// element is -1, where there is one, before their lengths are made 1.
    pub fn vectors(&self, roots: &[Root<T>], z: &[T], pinned: Option<usize>, out: &mut [T], threads: bool) {
        let k = self.d.len();
        let work = if threads { k as f64 } else { 0.0 };
        par::chunks(out, k, work, |first, out| {
            for (root, out) in roots[first..].iter().zip(out.chunks_mut(k)) {
                vector(out, self.d, z, root.place, pinned.unwrap_or(k));
            }
        });
    }
}
