//! The kernel times planes of one image: rows are output features, columns places of the output.
//!
//! Planes are written for some lines of the output at a time, for each feature and place of the kernel along the last
//! axis (and the first ones); where the stride of the axis before the last is 1, its places of the kernel see the same
//! planes, shifted by lines. A kernel of one place needs no planes: the image is read where it is.

#![allow(unsafe_code)]

use super::planes::{Axis, Band, Planes, apart, some};
use super::{PRODUCT, Problem, index, lines_of, parts};
use crate::gemm::shifted::{Board, Packed, Rows, Shifted, multiply};
use crate::kernel::target::Target;
use crate::par;
use crate::pool::scratch;
use smallvec::SmallVec;

/// Columns of a task, at least: fewer make its products slow.
const COLUMNS: usize = 96;
/// So many tasks there are to be, if columns suffice: enough for threads to share.
const TASKS: usize = 32;

pub(super) fn run<T: Shifted>(p: &Problem<'_, T>, out: &mut [T]) {
    let rank = p.axes.len();
    let (y, x) = (p.axes[rank - 2], p.axes[rank - 1]);
    let shifts: usize = if y.shifts() { y.u } else { 1 };
    let mut axes = p.axes.clone();
    if y.shifts() {
        axes[rank - 2] = y.extended();
    }
    let planes = Planes::new(p.x.data, axes);
    let steps = p.features * planes.count();
    let kernels = pack(p, shifts, steps, y.shifts());
    let there = in_place(p);
    // Bands: one place of the first axes, some lines; of a single line, a part.
    let firsts = &p.axes[..rank - 2];
    let outer: usize = firsts.iter().map(|a| a.v).product();
    let single = y.v == 1 && y.u == 1;
    let extra = if y.shifts() { (y.u - 1) * y.a } else { 0 };
    let (length, width) = if single { (x.v, 1) } else { (y.v, x.v) };
    let most = if there { length } else { lines_of::<T>(steps, width, extra, COLUMNS) };
    let wanted = TASKS.div_ceil(p.images * p.groups * outer);
    let most = most.min(length.div_ceil(wanted).max(COLUMNS.div_ceil(width)));
    // Vectors are whole in parts of a line.
    let most = if single { most.next_multiple_of(48) } else { most };
    let (bands, start) = parts(length, most);
    let places = p.places();
    let tasks = p.images * p.groups * outer * bands;
    let work = (p.outs * steps * shifts) as f64 * (length * width / bands) as f64 * PRODUCT;
    let board = Board::new(out);
    par::each(tasks, work, |task| {
        let (band, rest) = (task % bands, task / bands);
        let (first, rest) = (rest % outer, rest / outer);
        let (group, image) = (rest % p.groups, rest / p.groups);
        let (from, to) = (start(band), start(band + 1));
        let n = (to - from) * width;
        let place = first * y.v * x.v + from * width;
        let place = (image * p.groups + group) * p.outs * places + place;
        let base = p.image(group, image);
        let by_line =
            |lines: usize| -> SmallVec<[usize; 8]> { (0..shifts).map(|s| s * y.a * lines).collect() };
        if there {
            let rows = Rows {
                data: p.x.data,
                offset: (base + (from * width) as isize * x.step.max(1)) as usize,
                stride: p.by_feature as usize,
            };
            // SAFETY: tasks have disjoint rows and columns of `out`, which is there and not used otherwise.
            return unsafe { multiply(&kernels[group], rows, &by_line(x.n), n, board, place, places) };
        }
        let outer = index(firsts.iter().map(|a| a.v), first);
        let (y_range, x_range) = if single { ((0, 1), (from, to)) } else { ((from, to + extra), (0, x.v)) };
        let band = Band { outer: &outer, y: y_range, x: x_range };
        let length = (y_range.1 - y_range.0) * (x_range.1 - x_range.0);
        let stride = apart::<T>(length);
        let mut buffer = scratch(steps * stride * size_of::<T>());
        let buffer = some::<T>(&mut buffer, steps * stride);
        for (c, out) in buffer.chunks_mut(planes.count() * stride).enumerate() {
            planes.write(base + c as isize * p.by_feature, band, out, stride);
        }
        let rows = Rows { data: buffer, offset: 0, stride };
        // SAFETY: as above.
        unsafe { multiply(&kernels[group], rows, &by_line(x.v), n, board, place, places) };
    });
}

/// The kernels of all groups: for each shift, output features by steps.
fn pack<T: Shifted>(p: &Problem<'_, T>, shifts: usize, steps: usize, y_shifts: bool) -> Vec<Packed> {
    let rank = p.axes.len();
    // Where each step's element is, from that of the first.
    let by_feature = p.kernel.strides[1];
    let mut sizes: SmallVec<[usize; 4]> = p.axes.iter().map(|a| a.u).collect();
    if y_shifts {
        sizes[rank - 2] = 1;
    }
    let taps: usize = sizes.iter().product();
    let place = |step: usize| {
        let at = index(sizes.iter().copied(), step % taps);
        let tap: isize = at.iter().zip(&p.kernel_steps).map(|(&i, &s)| i as isize * s).sum();
        (step / taps) as isize * by_feature + tap
    };
    let place: Vec<isize> = (0..steps).map(place).collect();
    let line = p.kernel_steps[rank - 2];
    let one = |group: usize| {
        Packed::new::<T>(Target::current(), [shifts, p.outs, steps], |shift, out, step| {
            p.kernel.data[(p.filter(group, out, 0) + shift as isize * line + place[step]) as usize]
        })
    };
    (0..p.groups).map(one).collect()
}

/// Whether the rows that products read lie in the input as they are: no zeros, and lines of one place of the kernel.
fn in_place<T: Shifted>(p: &Problem<'_, T>) -> bool {
    let rank = p.axes.len();
    let (y, x) = (p.axes[rank - 2], p.axes[rank - 1]);
    let plain = |a: &Axis| a.low == 0 && a.apart == 1 && a.b == 1;
    let firsts = p.axes[..rank - 2].iter().all(|a| plain(a) && a.u == 1 && a.v == 1);
    let lines = x.u == 1 && x.v == x.n && (x.step == 1 || x.n == 1);
    let together = y.n == 1 || y.step == x.n as isize;
    let whole = y.extended().v <= y.n;
    // Rows a multiple of half a page apart meet in few places of the first cache.
    let spread = !(p.by_feature.unsigned_abs() * size_of::<T>()).is_multiple_of(2048) || p.outs <= 16;
    firsts && plain(&y) && plain(&x) && lines && together && whole && spread && p.by_feature >= 0
}
