//! The places of extremes: the first wins, and NaN wins over all.

use crate::data::{View, output};
use crate::dispatch::{integers, stored};
use crate::layout::{Nest, Odometer, Strides};
use crate::par;
use bytemuck::Pod;
use plywood_core::op::ArgReduction;
use plywood_core::{TensorType, Value};
use smallvec::SmallVec;

/// Outputs that are looked for side by side.
const WIDTH: usize = 256;
/// Elements of one output that are looked through in one go; a longer axis is cut, and the winners compared.
const SEGMENT: usize = 1 << 16;

/// The place of the extreme along `axis`.
pub fn arg_reduce(ty: TensorType, x: Value, kind: ArgReduction, axis: usize) -> Value {
    let places = stored!(x.dtype(), T => match kind {
        ArgReduction::Max => search::<T>(View::of(&x), axis, |a, b| a > b),
        ArgReduction::Min => search::<T>(View::of(&x), axis, |a, b| a < b),
    });
    integers!(ty.dtype, I => output::<I>(ty, |out| {
        out.iter_mut().zip(places).for_each(|(out, place)| *out = place as I);
    }))
}

/// The place for each output; `better` says whether its first argument wins over an earlier second.
fn search<T: Pod + PartialOrd + Send + Sync>(
    x: View<'_, T>,
    axis: usize,
    better: impl Fn(T, T) -> bool + Sync + Copy,
) -> Vec<usize> {
    let size = x.shape[axis];
    let outputs = x.shape.iter().enumerate().filter(|(d, _)| *d != axis).map(|(_, n)| n).product();
    let mut places = vec![0; outputs];
    let (kept, reduced) = nests(x.shape, x.strides, &[axis]);
    if outputs == 1 && size > SEGMENT {
        let winners = par::map(size.div_ceil(SEGMENT), SEGMENT as f64, |i| {
            let start = i * SEGMENT;
            one(&x, x.offset as isize, x.strides[axis], start..size.min(start + SEGMENT), better)
        });
        let wins = |a: T, b: T| better(a, b) || (is_nan(a) && !is_nan(b));
        let best = winners.into_iter().reduce(|best, next| if wins(next.1, best.1) { next } else { best });
        places[0] = best.expect("the axis is not empty").0;
        return places;
    }
    let column = is_column(&kept, &reduced);
    par::chunks(&mut places, 1, size as f64 + 2.0, |first, places| {
        let strides = &kept.strides[0];
        if column {
            return columns(&x, &kept, x.strides[axis], size, first, places, better);
        }
        let mut at = Odometer::at(&kept.sizes, [strides], [x.offset as isize], first);
        for place in places {
            *place = one(&x, at.offsets[0], x.strides[axis], 0..size, better).0;
            at.advance();
        }
    });
    places
}

/// NaN is the one thing that differs from itself.
#[inline(always)]
#[allow(clippy::eq_op)]
fn is_nan<T: PartialOrd>(x: T) -> bool {
    x != x
}

/// One output: its place within `range`, and the element there.
fn one<T: Pod + PartialOrd>(
    x: &View<'_, T>,
    offset: isize,
    step: isize,
    range: std::ops::Range<usize>,
    better: impl Fn(T, T) -> bool,
) -> (usize, T) {
    let at = |i: usize| x.data[(offset + i as isize * step) as usize];
    let mut place = range.start;
    let mut best = at(place);
    for i in range {
        let next = at(i);
        if is_nan(best) {
            break;
        }
        if better(next, best) || is_nan(next) {
            (place, best) = (i, next);
        }
    }
    (place, best)
}

/// Neighbouring outputs at once, row by row.
fn columns<T: Pod + PartialOrd>(
    x: &View<'_, T>,
    kept: &Nest,
    step: isize,
    size: usize,
    first: usize,
    places: &mut [usize],
    better: impl Fn(T, T) -> bool,
) {
    let (inner, strides) = (kept.inner(), &kept.strides[0]);
    let aside = *strides.last().expect("a nest has an innermost level");
    let mut done = 0;
    while done < places.len() {
        let position = first + done;
        let n = WIDTH.min(places.len() - done).min(inner - position % inner);
        let offset = Odometer::at(&kept.sizes, [strides], [x.offset as isize], position).offsets[0];
        let at = |i: usize, j: usize| x.data[(offset + i as isize * step + j as isize * aside) as usize];
        let mut best = [T::zeroed(); WIDTH];
        (0..n).for_each(|j| best[j] = at(0, j));
        let places = &mut places[done..done + n];
        places.fill(0);
        for i in 1..size {
            for (j, (place, best)) in places.iter_mut().zip(&mut best).enumerate() {
                let next = at(i, j);
                if better(next, *best) || (is_nan(next) && !is_nan(*best)) {
                    (*place, *best) = (i, next);
                }
            }
        }
        done += n;
    }
}

/// The nests of the axes that are kept, in their order, and of the others, the closest steps innermost.
fn nests(shape: &[usize], strides: &[isize], axes: &[usize]) -> (Nest, Nest) {
    let of = |dims: &[usize]| {
        let sizes: SmallVec<[usize; 4]> = dims.iter().map(|&d| shape[d]).collect();
        let strides: Strides = dims.iter().map(|&d| strides[d]).collect();
        Nest::new(&sizes, &[&strides])
    };
    let kept: SmallVec<[usize; 4]> = (0..shape.len()).filter(|d| !axes.contains(d)).collect();
    let mut reduced: SmallVec<[usize; 4]> = axes.into();
    reduced.sort_by_key(|&d| std::cmp::Reverse(strides[d].unsigned_abs()));
    (of(&kept), of(&reduced))
}

/// Whether neighbouring outputs lie closer together than neighbouring elements of one output, and are many.
fn is_column(kept: &Nest, reduced: &Nest) -> bool {
    let step = |nest: &Nest| nest.strides[0][nest.sizes.len() - 1].unsigned_abs();
    kept.inner() >= 8 && step(kept) < step(reduced) && reduced.inner() > 1
}
