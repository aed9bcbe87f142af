//! Convolutions of any numbers in loops: for depthwise ones, and for integers, which wrap.
//!
//! Again there are planes of the input in a buffer, of one feature, which all places of the kernel see through shifts
//! where strides allow: lines are then as long as the kernel's places need them, and what lies between those of the
//! output is computed in vain. Sums are made in registers, a few vectors of the output at a time. Where the kernel has
//! more places than the output, each sum is an inner product of a plane and the kernel's.

use super::planes::{Axis, Band, Planes, some};
use super::{Problem, index};
use crate::data::View;
use crate::kernels::simd::{Loop, vectorized};
use crate::math::Num;
use crate::par;
use crate::pool::scratch;
use smallvec::SmallVec;

/// Sums that are made at once.
const LANES: usize = 64;
/// Elements of the output whose planes are written at once, about.
const PIECE: usize = 8192;
/// Nanoseconds of a multiplication and addition.
const WORK: f64 = 0.1;

/// Adds to `out`, which is zero.
pub(super) fn run<T: Num>(p: &Problem<'_, T>, out: &mut [T]) {
    if p.taps() > p.places() { by_products(p, out) } else { by_shifts(p, out) }
}

/// Where a place of the kernel finds its plane: the number of the plane, and the shift in it.
struct Seen {
    axes: SmallVec<[Axis; 3]>,
    extended: [bool; 2],
}

impl Seen {
    /// Axes whose last two are extended where that is possible and wanted.
    fn new(axes: &[Axis], wanted: [bool; 2]) -> Seen {
        let mut axes: SmallVec<[Axis; 3]> = axes.into();
        let first = axes.len() - 2;
        let extended = [0, 1].map(|d| wanted[d] && axes[first + d].shifts());
        for d in (0..2).filter(|&d| extended[d]) {
            axes[first + d] = axes[first + d].extended();
        }
        Seen { axes, extended }
    }

    /// Lines and elements of a line beyond the places themselves.
    fn extra(&self, axes: &[Axis]) -> [usize; 2] {
        let first = axes.len() - 2;
        [0, 1].map(|d| self.axes[first + d].v - axes[first + d].v)
    }

    /// The plane and the shift of every place u, in row-major order; lines have `width` elements.
    fn places(&self, axes: &[Axis], width: usize) -> Vec<(usize, usize)> {
        let first = axes.len() - 2;
        let count = axes.iter().map(|a| a.u).product();
        let one = |flat| {
            let at = index(axes.iter().map(|a| a.u), flat);
            let plane = at.iter().zip(&self.axes).enumerate().fold(0, |plane, (d, (&u, axis))| {
                let u = if d >= first && self.extended[d - first] { 0 } else { u };
                plane * axis.u + u
            });
            let shift = |d: usize| if self.extended[d] { at[first + d] * axes[first + d].a } else { 0 };
            (plane, shift(0) * width + shift(1))
        };
        (0..count).map(one).collect()
    }
}

/// The places of the output are along the planes.
fn by_shifts<T: Num>(p: &Problem<'_, T>, out: &mut [T]) {
    let rank = p.axes.len();
    let (y, x) = (p.axes[rank - 2], p.axes[rank - 1]);
    let seen = Seen::new(&p.axes, [true, true]);
    let extra = seen.extra(&p.axes);
    let planes = Planes::new(p.x.data, seen.axes.clone());
    let filter: Vec<isize> = (0..p.taps())
        .map(|tap| {
            let at = index(p.axes.iter().map(|a| a.u), tap);
            at.iter().zip(&p.kernel_steps).map(|(&i, &s)| i as isize * s).sum()
        })
        .collect();
    // Pieces are whole lines, where there are several.
    let single = y.v == 1;
    let (unit, of_plane) = (if single { 1 } else { x.v }, y.v * x.v);
    let most = if single { PIECE } else { (PIECE / x.v).max(1) * x.v };
    let work = (p.features * p.taps() * unit) as f64 * WORK;
    par::chunks(out, unit, work, |first, mut out| {
        let mut at = first * unit;
        // Of lines of so many elements: they have the same length but for the last ones.
        let mut known = (0, Vec::new());
        let mut buffer = scratch(0);
        // The band whose zeros are in the buffer.
        let mut zeros = None;
        while !out.is_empty() {
            let inside = at % of_plane;
            let n = out.len().min(of_plane - inside).min(most);
            let (own, rest) = out.split_at_mut(n);
            let plane = at / of_plane;
            let outer_sizes = || p.axes[..rank - 2].iter().map(|a| a.v);
            let outers: usize = outer_sizes().product();
            let outer = index(outer_sizes(), plane % outers);
            let (feature, image) =
                (plane / outers % (p.groups * p.outs), plane / outers / (p.groups * p.outs));
            let (group, o) = (feature / p.outs, feature % p.outs);
            let (lines, part) = match single {
                true => ((0, 1), (inside, inside + n)),
                false => ((inside / x.v, (inside + n) / x.v), (0, x.v)),
            };
            let band =
                Band { outer: &outer, y: (lines.0, lines.1 + extra[0]), x: (part.0, part.1 + extra[1]) };
            let width = part.1 - part.0 + extra[1];
            if known.0 != width {
                known = (width, seen.places(&p.axes, width));
            }
            // What is computed: up to the last line's end. Vectors reach beyond.
            let sums = (lines.1 - lines.0 - 1) * width + part.1 - part.0;
            let length = (lines.1 - lines.0 + extra[0]) * width;
            let (of_planes, of_sums) = (planes.count() * length, sums.next_multiple_of(LANES));
            let needed = of_planes + LANES + of_sums;
            if buffer.len() < needed * size_of::<T>() {
                (buffer, zeros) = (scratch(needed * size_of::<T>()), None);
            }
            let (buffer, sums) = some::<T>(&mut buffer, needed).split_at_mut(of_planes + LANES);
            let here = (outer.clone(), lines, part);
            for c in 0..p.features {
                let base = p.image(group, image) + c as isize * p.by_feature;
                if zeros.as_ref() == Some(&here) {
                    planes.write_elements(base, band, &mut buffer[..of_planes], length);
                } else {
                    planes.write(base, band, &mut buffer[..of_planes], length);
                    buffer[of_planes..].fill(T::ZERO);
                    zeros = Some(here.clone());
                }
                let kernel = p.filter(group, o, c);
                let taps: SmallVec<[(usize, T); 16]> = known
                    .1
                    .iter()
                    .zip(&filter)
                    .map(|(&(plane, shift), &tap)| {
                        (plane * length + shift, p.kernel.data[(kernel + tap) as usize])
                    })
                    .collect();
                vectorized(AddTaps { sums, planes: buffer, taps: &taps, first: c == 0 });
            }
            for (own, sums) in own.chunks_mut(part.1 - part.0).zip(sums.chunks(width)) {
                own.copy_from_slice(&sums[..own.len()]);
            }
            (out, at) = (rest, at + n);
        }
    });
}

/// Adds, for each tap, so much of the planes from its place on.
struct AddTaps<'a, T> {
    /// A multiple of [`LANES`].
    sums: &'a mut [T],
    /// There are [`LANES`] elements behind all that taps reach.
    planes: &'a [T],
    taps: &'a [(usize, T)],
    /// Whether the sums are nothing yet.
    first: bool,
}

impl<T: Num> Loop for AddTaps<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let AddTaps { sums, planes, taps, first } = self;
        for (block, sums) in sums.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
            let mut all = if first { [T::ZERO; LANES] } else { *sums };
            for &(from, factor) in taps {
                let own: &[T; LANES] =
                    planes[from + block * LANES..][..LANES].try_into().expect("so many were taken");
                for (sum, &x) in all.iter_mut().zip(own) {
                    *sum = sum.add(x.mul(factor));
                }
            }
            *sums = all;
        }
    }
}

/// The places of the kernel are along the planes.
fn by_products<T: Num>(p: &Problem<'_, T>, out: &mut [T]) {
    let rank = p.axes.len();
    let axes: SmallVec<[Axis; 3]> = p.axes.iter().map(|a| a.turned()).collect();
    let (y, x) = (axes[rank - 2], axes[rank - 1]);
    // The kernel's lines follow each other: the planes' must do so, too.
    let seen = Seen::new(&axes, [true, y.v == 1]);
    let extra = seen.extra(&axes);
    let planes = Planes::new(p.x.data, seen.axes.clone());
    let width = x.v + extra[1];
    let length = (y.v + extra[0]) * width;
    let places = seen.places(&axes, width);
    let outer_sizes = || p.axes[..rank - 2].iter().map(|a| a.u);
    let outers: usize = outer_sizes().product();
    let work = (p.features * p.taps() * places.len()) as f64 * WORK;
    par::chunks(out, places.len(), work, |first, out| {
        let mut buffers = [planes.count() * length, y.v * x.v].map(|n| scratch(n * size_of::<T>()));
        let [buffer, kernel] = buffers.each_mut().map(|b| b.as_mut_slice::<T>());
        let (buffer, kernel) = (&mut buffer[..planes.count() * length], &mut kernel[..y.v * x.v]);
        for (k, out) in out.chunks_mut(places.len()).enumerate() {
            let plane = first + k;
            let (feature, image) = (plane % (p.groups * p.outs), plane / (p.groups * p.outs));
            let (group, o) = (feature / p.outs, feature % p.outs);
            for c in 0..p.features {
                for outer in 0..outers {
                    let outer = index(outer_sizes(), outer);
                    let band = Band { outer: &outer, y: (0, y.v + extra[0]), x: (0, width) };
                    planes.write(p.image(group, image) + c as isize * p.by_feature, band, buffer, length);
                    let firsts: isize =
                        outer.iter().zip(&p.kernel_steps).map(|(&i, &s)| i as isize * s).sum();
                    let view = View {
                        data: p.kernel.data,
                        shape: &[y.v, x.v],
                        strides: &p.kernel_steps[rank - 2..],
                        offset: (p.filter(group, o, c) + firsts) as usize,
                    };
                    view.copy_into(kernel);
                    for (out, &(plane, shift)) in out.iter_mut().zip(&places) {
                        let own = &buffer[plane * length + shift..][..kernel.len()];
                        *out = out.add(vectorized(Inner { x: own, y: kernel }));
                    }
                }
            }
        }
    });
}

/// An inner product.
struct Inner<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Num> Loop for Inner<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run(self) -> T {
        let mut sums = [T::ZERO; LANES];
        let (x, x_rest) = self.x.as_chunks::<LANES>();
        let (y, y_rest) = self.y.as_chunks::<LANES>();
        for (x, y) in x.iter().zip(y) {
            for i in 0..LANES {
                sums[i] = sums[i].add(x[i].mul(y[i]));
            }
        }
        for (i, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
            sums[i] = sums[i].add(x.mul(y));
        }
        let mut n = LANES / 2;
        while n > 0 {
            for i in 0..n {
                sums[i] = sums[i].add(sums[i + n]);
            }
            n /= 2;
        }
        sums[0]
    }
}
