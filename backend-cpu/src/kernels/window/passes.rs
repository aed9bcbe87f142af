//! One axis after another.
//!
//! A pass sees its block as `[outer, axis, inner]`. Where inner axes have room for vectors, rows are combined, else the
//! axis itself is the loop, and each element of the window a [`Line`](crate::kernels::conv::planes::Line) of it. Long
//! windows are made of two parts: the axis is cut into pieces as long as a window, and each window is the end of one
//! piece and the beginning of the next; so an element is met three times, however long windows are.

use super::{Kind, is_idle};
use crate::kernels::conv::planes::Axis;
use crate::kernels::simd::{Loop, vectorized};
use crate::math::Num;
use smallvec::SmallVec;
use std::marker::PhantomData;

/// Windows of so many elements and more are made of two parts.
pub(super) const LONG: usize = 12;
/// Inner elements that are taken together there.
const TOGETHER: usize = 16;

/// An element and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<X> {
    pub(super) x: X,
    pub(super) place: u32,
}

/// All passes. `origin`: the number, after padding, that the first place of the first axis starts at.
pub(super) fn passes<X: Num, K: Kind<X>>(
    kind: K,
    x: &[K::State],
    axes: &[Axis],
    origin: usize,
    out: &mut [K::State],
) {
    // Those that shrink most go first; of equal ones the outer one, whose rows are longer.
    let mut order: SmallVec<[usize; 4]> = (0..axes.len()).filter(|&d| !is_idle(&axes[d])).collect();
    order.sort_by(|&c, &d| (axes[c].v * axes[d].n.max(1)).cmp(&(axes[d].v * axes[c].n.max(1))));
    let mut sizes: SmallVec<[usize; 4]> = axes.iter().map(|a| a.n).collect();
    // Several blocks, one after another.
    let items = out.len() / axes.iter().map(|a| a.v).product::<usize>().max(1);
    let Some((&last, before)) = order.split_last() else {
        return out.copy_from_slice(x);
    };
    let mut buffers = [Vec::new(), Vec::new()];
    let mut pass = |d: usize, x: &[K::State], out: &mut [K::State]| {
        let pass = Pass::<'_, X, K> {
            kind,
            axis: axes[d],
            origin: if d == 0 { origin } else { 0 },
            inner: sizes[d + 1..].iter().product(),
            x,
            out,
            of: PhantomData,
        };
        sizes[d] = axes[d].v;
        if !pass.out.is_empty() {
            vectorized(pass);
        }
    };
    let mut done: SmallVec<[usize; 4]> = axes.iter().map(|a| a.n).collect();
    for (i, &d) in before.iter().enumerate() {
        done[d] = axes[d].v;
        let [even, odd] = &mut buffers;
        let (from, to) = if i % 2 == 0 { (odd, even) } else { (even, odd) };
        to.clear();
        to.resize(items * done.iter().product::<usize>(), kind.none());
        pass(d, if i == 0 { x } else { from }, to);
    }
    let from = if before.is_empty() { x } else { &buffers[(before.len() - 1) % 2][..] };
    pass(last, from, out);
}

struct Pass<'a, X: Num, K: Kind<X>> {
    kind: K,
    axis: Axis,
    origin: usize,
    inner: usize,
    x: &'a [K::State],
    out: &'a mut [K::State],
    of: PhantomData<X>,
}

impl<X: Num, K: Kind<X>> Loop for Pass<'_, X, K> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pass { kind, axis, origin, inner, x, out, .. } = self;
        let short = axis.u < LONG || axis.a != 1;
        if short && inner == 1 {
            return lines::<X, K>(kind, axis, x, out);
        }
        let of_one = axis.n * inner;
        for (o, out) in out.chunks_mut(axis.v * inner).enumerate() {
            let x = &x[o * of_one..(o + 1) * of_one];
            match short {
                true => rows::<X, K>(kind, axis, inner, x, out),
                false => long::<X, K>(kind, axis, origin, inner, x, out),
            }
        }
    }
}

/// Row by row.
#[inline(always)]
fn rows<X: Num, K: Kind<X>>(kind: K, axis: Axis, inner: usize, x: &[K::State], out: &mut [K::State]) {
    for (v, out) in out.chunks_exact_mut(inner).enumerate() {
        let mut rows =
            (0..axis.u).filter_map(|u| axis.place(u, v)).map(|i| &x[i as usize * inner..][..inner]);
        // Two at a time: the output is written half as often.
        let Some(first) = rows.next() else {
            out.fill(kind.none());
            continue;
        };
        match rows.next() {
            Some(second) => {
                for ((out, &x), &y) in out.iter_mut().zip(first).zip(second) {
                    *out = kind.both(x, y);
                }
            }
            None => out.copy_from_slice(first),
        }
        for row in rows {
            for (out, &x) in out.iter_mut().zip(row) {
                *out = kind.both(*out, x);
            }
        }
    }
}

/// Element of the window by element of the window, each along all windows, of one line after another.
#[inline(always)]
fn lines<X: Num, K: Kind<X>>(kind: K, axis: Axis, x: &[K::State], out: &mut [K::State]) {
    if axis.u == 2 && axis.b == 2 && axis.a == 1 && axis.low == 0 && axis.apart == 1 && axis.n == 2 * axis.v {
        // Pairs side by side, of all lines.
        let (pairs, _) = x.as_chunks::<2>();
        return out.iter_mut().zip(pairs).for_each(|(out, x)| *out = kind.both(x[0], x[1]));
    }
    out.fill(kind.none());
    for u in 0..axis.u {
        let line = axis.line(u);
        if line.count == 0 {
            continue;
        }
        for (x, out) in x.chunks_exact(axis.n).zip(out.chunks_exact_mut(axis.v)) {
            let x = &x[line.from as usize..];
            let out = &mut out[line.first..];
            match (line.step, line.by) {
                (1, 1) => {
                    for (out, &x) in out[..line.count].iter_mut().zip(x) {
                        *out = kind.both(*out, x);
                    }
                }
                (1, 2) => {
                    // The last one may be the last element.
                    let (pairs, _) = x.as_chunks::<2>();
                    let whole = line.count.min(pairs.len());
                    for (out, x) in out[..whole].iter_mut().zip(pairs) {
                        *out = kind.both(*out, x[0]);
                    }
                    for k in whole..line.count {
                        out[k] = kind.both(out[k], x[2 * k]);
                    }
                }
                (step, by) => {
                    for k in 0..line.count {
                        let out = &mut out[k * step];
                        *out = kind.both(*out, x[k * by as usize]);
                    }
                }
            }
        }
    }
}

/// Windows as the end of one piece and the beginning of the next.
#[inline(always)]
fn long<X: Num, K: Kind<X>>(
    kind: K,
    axis: Axis,
    origin: usize,
    inner: usize,
    x: &[K::State],
    out: &mut [K::State],
) {
    let size = axis.u;
    let length = (axis.v - 1) * axis.b + size;
    let every = Axis { u: 1, v: length, b: 1, ..axis };
    // For each place along the axis: the combination from it to the end of its piece, and from the start of the piece.
    let mut ends = vec![kind.none(); length * TOGETHER.min(inner)];
    let mut starts = ends.clone();
    for j in (0..inner).step_by(TOGETHER) {
        let n = TOGETHER.min(inner - j);
        let read = |t: usize, i: usize| match every.place(0, t) {
            Some(row) => x[row as usize * inner + j + i],
            None => kind.none(),
        };
        for t in 0..length {
            let opens = (t + origin).is_multiple_of(size) || t == 0;
            for i in 0..n {
                let own = read(t, i);
                starts[t * n + i] = if opens { own } else { kind.both(starts[(t - 1) * n + i], own) };
            }
        }
        for t in (0..length).rev() {
            let closes = (t + 1 + origin).is_multiple_of(size) || t + 1 == length;
            for i in 0..n {
                let own = read(t, i);
                ends[t * n + i] = if closes { own } else { kind.both(own, ends[(t + 1) * n + i]) };
            }
        }
        for v in 0..axis.v {
            let (t, last) = (v * axis.b, v * axis.b + size - 1);
            let whole = (t + origin).is_multiple_of(size);
            for i in 0..n {
                let end = ends[t * n + i];
                out[v * inner + j + i] = if whole { end } else { kind.both(end, starts[last * n + i]) };
            }
        }
    }
}
