//! Kernels of more places than the output has: the places of the kernel are the inner axis.
//!
//! For each feature, a product of `[(image, place of the output), place of the kernel]`, planes of the input, and
//! `[place of the kernel, output feature]`. The sums of all features are added up in a buffer, and come to their order
//! at the end. Tasks are blocks of images and slices of features, of the same sizes on any number of threads.
//!
//! Where the kernel's dilation of the axis before the last is 1, the places of the output along it see the same planes,
//! shifted by lines.

use super::planes::{Band, Planes, apart, some};
use super::{PRODUCT, Problem, index, lines_of, parts};
use crate::data::View;
use crate::gemm::shifted::Shifted;
use crate::gemm::{Finish, Matrix};
use crate::kernel::target::Target;
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::pool::scratch;
use smallvec::SmallVec;

/// Rows of a product, about.
const ROWS: usize = 192;
/// So many tasks there are to be, if features suffice.
const TASKS: usize = 32;
/// Elements of the inner axis in a product, at least.
const LEAST: usize = 128;

pub(super) fn run<T: Shifted>(p: &Problem<'_, T>, out: &mut [T]) {
    let rank = p.axes.len();
    let mut axes: SmallVec<[_; 3]> = p.axes.iter().map(|a| a.turned()).collect();
    let (y, x) = (axes[rank - 2], axes[rank - 1]);
    let shifts = if y.shifts() { y.u } else { 1 };
    let extra = if y.shifts() { (y.u - 1) * y.a } else { 0 };
    if y.shifts() {
        axes[rank - 2] = y.extended();
    }
    let planes = Planes::new(p.x.data, axes);
    // Bands of some lines; of a single line, a part.
    let single = y.v == 1 && y.u == 1;
    let (length, width) = if single { (x.v, 1) } else { (y.v, x.v) };
    // Rows of an image in a product.
    let (rows, places) = (planes.count(), p.places());
    let (blocks, image) = parts(p.images, (ROWS / rows).max(1));
    let (slices, feature) = parts(p.features, p.features.div_ceil(TASKS.div_ceil(blocks * p.groups)));
    let outer: usize = p.axes[..rank - 2].iter().map(|a| a.u).product();
    let of_slice = p.groups * p.images * places * p.outs;
    let mut sums = scratch(slices * of_slice * size_of::<T>());
    let sums = some::<T>(&mut sums, slices * of_slice);
    // A task's sums lie together: `[slice, group, image, place, output feature]`, the places' shifts before images.
    let task = |block: usize, group: usize, slice: usize, sums: &mut [T]| {
        sums.fill(T::ZERO);
        let images = image(block)..image(block + 1);
        let m = images.len() * rows;
        let (bands, start) = parts(length, lines_of::<T>(m, width, extra, LEAST).min(length));
        let most = apart::<T>((length.div_ceil(bands) + extra) * width);
        let columns = length.div_ceil(bands) * width;
        let mut buffers = [m * most, columns * p.outs, m * p.outs].map(|n| scratch(n * size_of::<T>()));
        let [planes_buffer, kernel, product] = buffers.each_mut().map(|b| b.as_mut_slice::<T>());
        for c in feature(slice)..feature(slice + 1) {
            for first in 0..outer {
                let outer = index(p.axes[..rank - 2].iter().map(|a| a.u), first);
                for band in 0..bands {
                    let (from, to) = (start(band), start(band + 1));
                    let k = (to - from) * width;
                    let stride = apart::<T>((to + extra - from) * width);
                    let (lines, part) = if single { ((0, 1), (from, to)) } else { ((from, to), (0, x.v)) };
                    let band = Band { outer: &outer, y: (lines.0, lines.1 + extra), x: part };
                    let buffer = &mut planes_buffer[..m * stride];
                    for (i, out) in images.clone().zip(buffer.chunks_mut(rows * stride)) {
                        planes.write(p.image(group, i) + c as isize * p.by_feature, band, out, stride);
                    }
                    let kernel = &mut kernel[..k * p.outs];
                    turned(p, [group, c], &outer, lines, part, kernel);
                    for (shift, sums) in sums.chunks_mut(m * p.outs).enumerate() {
                        let product = &mut product[..m * p.outs];
                        let offset = (shift * y.a * x.v) as isize;
                        let left = Matrix { data: &*buffer, offset, rows: stride as isize, columns: 1 };
                        let right = Matrix { data: &*kernel, offset: 0, rows: p.outs as isize, columns: 1 };
                        multiply([m, k, p.outs], product, left, right);
                        vectorized(Add { to: sums, from: product });
                    }
                }
            }
        }
    };
    // Tasks in the order of their sums; blocks are of several sizes.
    let mut parts: Vec<std::sync::Mutex<&mut [T]>> = Vec::new();
    let mut rest = &mut *sums;
    for _ in 0..slices * p.groups {
        for block in 0..blocks {
            let size = (image(block + 1) - image(block)) * places * p.outs;
            let (own, after) = rest.split_at_mut(size);
            parts.push(std::sync::Mutex::new(own));
            rest = after;
        }
    }
    let work =
        (of_slice * p.taps() * p.features.div_ceil(slices)) as f64 * PRODUCT / (p.groups * blocks) as f64;
    par::each(parts.len(), work, |i| {
        let mut sums = parts[i].lock().unwrap_or_else(|e| e.into_inner());
        task(i % blocks, i / blocks % p.groups, i / blocks / p.groups, &mut sums);
    });
    drop(parts);
    let (first, others) = sums.split_at_mut(of_slice);
    par::chunks(first, 1, slices as f64 * 0.1, |start, sums| {
        for other in others.chunks(of_slice) {
            let from = &other[start..start + sums.len()];
            vectorized(Add { to: sums, from });
        }
    });
    arrange(p, out, first, [shifts, rows, blocks], &image);
}

/// `[place of the kernel, output feature]` of one feature: some lines, and a part of them.
fn turned<T: Shifted>(
    p: &Problem<'_, T>,
    [group, feature]: [usize; 2],
    outer: &[usize],
    y: (usize, usize),
    x: (usize, usize),
    out: &mut [T],
) {
    let rank = p.axes.len();
    let steps = &p.kernel_steps;
    let firsts: isize = outer.iter().zip(steps).map(|(&i, &s)| i as isize * s).sum();
    let lasts = y.0 as isize * steps[rank - 2] + x.0 as isize * steps[rank - 1];
    let offset = p.filter(group, 0, feature) + firsts + lasts;
    let shape = [y.1 - y.0, x.1 - x.0, p.outs];
    let strides = [steps[rank - 2], steps[rank - 1], p.kernel.strides[0]];
    let view = View { data: p.kernel.data, shape: &shape, strides: &strides, offset: offset as usize };
    view.copy_into(out);
}

fn multiply<T: Shifted>(size: [usize; 3], out: &mut [T], x: Matrix<'_, T>, y: Matrix<'_, T>) {
    let n = size[2];
    if !crate::gemm::multiply(Target::current(), size, out, n, x, y, Finish::None, false) {
        T::gemm(size, out, n, false, x, y, false);
    }
}

struct Add<'a, T> {
    to: &'a mut [T],
    from: &'a [T],
}

impl<T: Shifted> Loop for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.to.iter_mut().zip(self.from).for_each(|(to, &from)| *to = to.add(from));
    }
}

/// The sums in the output's order.
fn arrange<T: Shifted>(
    p: &Problem<'_, T>,
    out: &mut [T],
    sums: &[T],
    [shifts, rows, blocks]: [usize; 3],
    image: &(impl Fn(usize) -> usize + Sync),
) {
    let rank = p.axes.len();
    let (places, outs) = (p.places(), p.outs);
    let (y, x) = (p.axes[rank - 2].v, p.axes[rank - 1].v);
    let block_of: Vec<usize> = (0..blocks).flat_map(|b| (image(b)..image(b + 1)).map(move |_| b)).collect();
    par::chunks(out, outs * places, (outs * places) as f64, |first, out| {
        for (k, out) in out.chunks_mut(outs * places).enumerate() {
            let (i, group) = ((first + k) / p.groups, (first + k) % p.groups);
            let (begin, end) = (image(block_of[i]), image(block_of[i] + 1));
            let start = (group * p.images + begin) * places * outs;
            for place in 0..places {
                // Of a place's number along the first axes, y and x: y is the shift where there are several.
                let (a, b, c) = (place / x / y, place / x % y, place % x);
                let (shift, row) = if shifts > 1 { (b, a * x + c) } else { (0, place) };
                let at = start + ((shift * (end - begin) + i - begin) * rows + row) * outs;
                for (o, &sum) in sums[at..at + outs].iter().enumerate() {
                    out[o * places + place] = sum;
                }
            }
        }
    });
}
