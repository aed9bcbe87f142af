//! The places of extremes by passes over two arrays, of elements and of their places: loops over single lanes, which a pass over
//! pairs is not.
//!
//! Long windows are left to the [`passes`](super::passes) over pairs.

use super::is_idle;
use super::passes::LONG;
use crate::kernels::conv::planes::Axis;
use crate::kernels::simd::{Loop, vectorized};
use crate::math::Num;
use smallvec::SmallVec;
use std::marker::PhantomData;

/// Which of two elements is the more extreme one.
pub(super) trait Extreme<X: Num>: Copy + Send + Sync {
    /// What nothing is less extreme than.
    const NONE: X;
    /// Whether the second one is more extreme; of two that are comparable.
    fn is_more(x: X, y: X) -> bool;
}

/// Whether an element at a place wins over what was found before: NaN over all, and of equal ones the lower place.
#[inline(always)]
fn wins<X: Num, K: Extreme<X>>((x, place): (X, u32), (y, other): (X, u32)) -> bool {
    let (nan, is_nan) = (x.is_nan(), y.is_nan());
    let equal = (x == y) | (nan & is_nan);
    (K::is_more(x, y) & !nan) | (is_nan & !nan) | (equal & (other < place))
}

/// The places of the extremes of windows in a block of elements whose numbers begin at `first`; of none -1. False, and nothing
/// done, where windows are long.
pub(super) fn places<X: Num, K: Extreme<X>>(x: &[X], first: usize, axes: &[Axis], out: &mut [i32]) -> bool {
    if axes.iter().any(|a| a.u >= LONG) {
        return false;
    }
    // Outer axes first, whose rows are the longer ones.
    let order: SmallVec<[usize; 4]> = (0..axes.len()).filter(|&d| !is_idle(&axes[d])).collect();
    let mut sizes: SmallVec<[usize; 4]> = axes.iter().map(|a| a.n).collect();
    let items = out.len() / axes.iter().map(|a| a.v).product::<usize>().max(1);
    let start = first as u32;
    let mut now = Both { x: x.to_vec(), place: (0..x.len() as u32).map(|i| start + i).collect() };
    for d in order {
        let inner: usize = sizes[d + 1..].iter().product();
        sizes[d] = axes[d].v;
        let mut next = Both::none::<K>(items * sizes.iter().product::<usize>());
        if !next.x.is_empty() {
            vectorized(Pass::<'_, X, K> { axis: axes[d], inner, from: &now, to: &mut next, of: PhantomData });
        }
        now = next;
    }
    // That of none is -1.
    out.iter_mut().zip(now.place).for_each(|(out, place)| *out = place as i32);
    true
}

/// Elements and their places.
struct Both<X> {
    x: Vec<X>,
    place: Vec<u32>,
}

impl<X: Num> Both<X> {
    fn none<K: Extreme<X>>(n: usize) -> Self {
        Both { x: vec![K::NONE; n], place: vec![u32::MAX; n] }
    }
}

struct Pass<'a, X, K> {
    axis: Axis,
    inner: usize,
    from: &'a Both<X>,
    to: &'a mut Both<X>,
    of: PhantomData<K>,
}

impl<X: Num, K: Extreme<X>> Loop for Pass<'_, X, K> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pass { axis, inner, from, to, .. } = self;
        if inner == 1 {
            return lines::<X, K>(axis, from, to);
        }
        let (of_one, to_one) = (axis.n * inner, axis.v * inner);
        for o in 0..to.x.len() / to_one {
            for v in 0..axis.v {
                let to_row = o * to_one + v * inner..o * to_one + (v + 1) * inner;
                for row in (0..axis.u).filter_map(|u| axis.place(u, v)) {
                    let start = o * of_one + row as usize * inner;
                    let (x, place) = (&from.x[start..start + inner], &from.place[start..start + inner]);
                    let (best, won) = (&mut to.x[to_row.clone()], &mut to.place[to_row.clone()]);
                    for i in 0..inner {
                        meet::<X, K>(&mut best[i], &mut won[i], x[i], place[i]);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn meet<X: Num, K: Extreme<X>>(best: &mut X, won: &mut u32, x: X, place: u32) {
    let wins = wins::<X, K>((*best, *won), (x, place));
    *best = if wins { x } else { *best };
    *won = if wins { place } else { *won };
}

/// Along lines: element of the window by element.
#[inline(always)]
fn lines<X: Num, K: Extreme<X>>(axis: Axis, from: &Both<X>, to: &mut Both<X>) {
    if axis.u == 2 && axis.b == 2 && axis.a == 1 && axis.low == 0 && axis.apart == 1 && axis.n == 2 * axis.v {
        // Pairs side by side, of all lines.
        let (pairs, places) = (from.x.as_chunks::<2>().0, from.place.as_chunks::<2>().0);
        let n = pairs.len();
        let (best, won, places) = (&mut to.x[..n], &mut to.place[..n], &places[..n]);
        for i in 0..n {
            let ([x, y], [place, other]) = (pairs[i], places[i]);
            let second = wins::<X, K>((x, place), (y, other));
            best[i] = if second { y } else { x };
            won[i] = if second { other } else { place };
        }
        return;
    }
    for u in 0..axis.u {
        let line = axis.line(u);
        for o in 0..to.x.len() / axis.v {
            for k in 0..line.count {
                let at = o * axis.n + line.from as usize + k * line.by as usize;
                let to_one = o * axis.v + line.first + k * line.step;
                meet::<X, K>(&mut to.x[to_one], &mut to.place[to_one], from.x[at], from.place[at]);
            }
        }
    }
}
