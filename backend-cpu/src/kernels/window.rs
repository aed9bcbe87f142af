//! Reductions of sliding windows.
//!
//! What is made of a window can be made axis by axis: so each axis is a pass of its own ([`passes`]), over blocks that
//! stay in a cache, the axes that shrink most first. The place of an extreme goes along with it as a pair, of which the
//! better one, or of equal ones the one in the lower place, wins in any order.
//!
//! f16 and bf16 are widened, summed as f32 and rounded once. What always holds: no sum depends on the number of threads,
//! since the order of its terms is a matter of their places alone.

mod passes;
mod places;
#[cfg(test)]
mod tests;

use super::conv::planes::Axis;
use crate::data::{View, overwritten};
use crate::dispatch::numbers;
use crate::math::Num;
use crate::par;
use bytemuck::Pod;
use passes::{Place, passes};
use places::{Extreme, places};
use plywood_core::op::{Window, WindowKind};
use plywood_core::{DType, TensorType, Value};
use smallvec::{SmallVec, smallvec};

/// Elements of the input that are reduced at once, about.
const BLOCK: usize = 16 << 10;
/// Nanoseconds to meet an element.
const WORK: f64 = 0.3;

/// A reduction of each window of `x`.
pub fn window(ty: TensorType, x: Value, kind: WindowKind, window: &Window) -> Value {
    if matches!(x.dtype(), DType::F16 | DType::BF16) {
        let wide = x.ty().with_dtype(DType::F32);
        let x = super::cast::cast(wide, smallvec![x]);
        return match kind {
            WindowKind::Sum | WindowKind::Max | WindowKind::Min => {
                let wide = self::window(ty.with_dtype(DType::F32), x, kind, window);
                super::cast::cast(ty, smallvec![wide])
            }
            WindowKind::ArgMax | WindowKind::ArgMin => self::window(ty, x, kind, window),
        };
    }
    numbers!(x.dtype(), T => {
        let all = View::<T>::of(&x).to_contiguous();
        let plan = Plan::new(x.shape(), window);
        match kind {
            WindowKind::Sum => overwritten::<T>(ty, |out| plan.run(Sum, &all, out)),
            WindowKind::Max => overwritten::<T>(ty, |out| plan.run(Max, &all, out)),
            WindowKind::Min => overwritten::<T>(ty, |out| plan.run(Min, &all, out)),
            WindowKind::ArgMax => overwritten::<i32>(ty, |out| plan.run(ArgMax, &all, out)),
            WindowKind::ArgMin => overwritten::<i32>(ty, |out| plan.run(ArgMin, &all, out)),
        }
    })
}

/// What is made of windows of `X`.
trait Kind<X: Num>: Copy + Send + Sync {
    /// What is known of some elements.
    type State: Copy + Send + Sync;
    /// What is written.
    type Out: Pod + Send + Sync;
    /// What is known of none.
    fn none(self) -> Self::State;
    /// What is known of two parts.
    fn both(self, x: Self::State, y: Self::State) -> Self::State;
    /// The passes over a block of elements, whose row-major numbers start at `first`.
    fn block(self, x: &[X], first: usize, axes: &[Axis], origin: usize, out: &mut [Self::Out]);
}

#[derive(Clone, Copy)]
struct Sum;
#[derive(Clone, Copy)]
struct Max;
#[derive(Clone, Copy)]
struct Min;
#[derive(Clone, Copy)]
struct ArgMax;
#[derive(Clone, Copy)]
struct ArgMin;

macro_rules! of_elements { ($($Kind:ident $none:ident $both:ident;)*) => { $( impl<X: Num> Kind<X> for $Kind {
    type State = X;
    type Out = X;

    #[inline(always)]
    fn none(self) -> X {
        X::$none
    }

    #[inline(always)]
    fn both(self, x: X, y: X) -> X {
        x.$both(y)
    }

    fn block(self, x: &[X], _: usize, axes: &[Axis], origin: usize, out: &mut [X]) {
        passes::<X, _>(self, x, axes, origin, out);
    }
} )* } }
of_elements! {
    Sum ZERO add;
    Max LOWEST max;
    Min HIGHEST min;
}

macro_rules! of_places { ($($Kind:ident $none:ident $better:tt;)*) => { $( impl<X: Num> Kind<X> for $Kind {
    type State = Place<X>;
    type Out = i32;

    #[inline(always)]
    fn none(self) -> Place<X> {
        Place { x: X::$none, place: u32::MAX }
    }

    #[inline(always)]
    fn both(self, x: Place<X>, y: Place<X>) -> Place<X> {
        let equal = x.x == y.x || x.x.is_nan() && y.x.is_nan();
        let better = y.x $better x.x && !x.x.is_nan() || y.x.is_nan() && !x.x.is_nan();
        if better || equal && y.place < x.place { y } else { x }
    }

    fn block(self, x: &[X], first: usize, axes: &[Axis], origin: usize, out: &mut [i32]) {
        if places::<X, Self>(x, first, axes, out) {
            return;
        }
        let place = |(i, &x)| Place { x, place: (first + i) as u32 };
        let all: Vec<Place<X>> = x.iter().enumerate().map(place).collect();
        let mut places = vec![<Self as Kind<X>>::none(self); out.len()];
        passes::<X, _>(self, &all, axes, origin, &mut places);
        // That of none is -1.
        out.iter_mut().zip(places).for_each(|(out, p)| *out = p.place as i32);
    }
}

impl<X: Num> Extreme<X> for $Kind {
    const NONE: X = X::$none;

    #[inline(always)]
    fn is_more(x: X, y: X) -> bool {
        y $better x
    }
} )* } }
of_places! {
    ArgMax LOWEST >;
    ArgMin HIGHEST <;
}

/// The axes: those in front, along which nothing happens, are one.
struct Plan {
    batch: usize,
    axes: SmallVec<[Axis; 3]>,
}

impl Plan {
    fn new(shape: &[usize], window: &Window) -> Plan {
        let places = window.places(shape).expect("the shape rule found them");
        let mut axes: SmallVec<[Axis; 3]> = (0..shape.len())
            .map(|d| Axis {
                n: shape[d],
                step: 1,
                low: window.padding[d].low,
                apart: window.padding[d].interior + 1,
                u: window.sizes[d],
                v: places[d],
                a: window.dilation[d],
                b: window.strides[d],
            })
            .collect();
        let idle = axes.iter().take_while(|a| is_idle(a)).count();
        let batch = axes.drain(..idle).map(|a| a.n).product();
        if axes.is_empty() {
            axes.push(Axis::ONE);
        }
        Plan { batch, axes }
    }

    /// Some places of the first axis at a time.
    fn run<X: Num, K: Kind<X>>(&self, kind: K, x: &[X], out: &mut [K::Out]) {
        if out.is_empty() {
            return;
        }
        let (first, others) = (self.axes[0], &self.axes[1..]);
        let unit: usize = others.iter().map(|a| a.v).product();
        let row: usize = others.iter().map(|a| a.n).product();
        debug_assert_eq!(x.len(), self.batch * first.n * row);
        let most = (BLOCK / (row * first.b / first.apart).max(1)).max(1);
        let met = row as f64 * (first.u.min(first.n) as f64) + unit as f64;
        par::chunks(out, unit, WORK * met * others.len().max(1) as f64, |start, mut out| {
            let mut at = start;
            while !out.is_empty() {
                let (item, place) = (at / first.v, at % first.v);
                let left = out.len() / unit;
                let items = (left / first.v).min(BLOCK / (first.n * row).max(1));
                if place == 0 && items > 1 {
                    let (own, rest) = out.split_at_mut(items * first.v * unit);
                    let start = item * first.n * row;
                    kind.block(&x[start..start + items * first.n * row], start, &self.axes, 0, own);
                    (out, at) = (rest, at + items * first.v);
                    continue;
                }
                let n = left.min(first.v - place).min(most);
                let (own, rest) = out.split_at_mut(n * unit);
                // The rows that these places meet.
                let inside = |i: isize| i.clamp(0, first.n as isize * first.apart as isize) as usize;
                let from = inside((place * first.b) as isize - first.low) / first.apart;
                let to = ((place + n - 1) * first.b + (first.u - 1) * first.a + 1) as isize - first.low;
                let to = inside(to).div_ceil(first.apart).clamp(from, first.n);
                let mut axes: SmallVec<[Axis; 3]> = self.axes.clone();
                axes[0] = Axis {
                    n: to - from,
                    low: first.low - (place * first.b) as isize + (from * first.apart) as isize,
                    v: n,
                    ..first
                };
                let start = (item * first.n + from) * row;
                kind.block(&x[start..start + (to - from) * row], start, &axes, place * first.b, own);
                (out, at) = (rest, at + n);
            }
        });
    }
}

/// Whether nothing happens along an axis.
fn is_idle(a: &Axis) -> bool {
    a.u == 1 && a.v == a.n && a.low == 0 && a.apart == 1 && (a.b == 1 || a.n <= 1)
}
