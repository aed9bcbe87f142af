//! Reductions over any axes of any view: what is combined, and how; [`walk`](super::walk) says in which order.
//!
//! A kind is three loops (a run of elements into one, a run into as many, partial results into others) in the type it
//! accumulates in: f32 for 16-bit floats, else the element type. Sums are as accurate as pairwise summation.

use super::walk::{Folds, fold};
use crate::data::{View, output};
use crate::dispatch::{floats, integers};
use crate::math::Num;
use plywood_core::op::Reduction;
use plywood_core::{DType, TensorType, Value};
use std::ops::{BitAnd, BitOr, BitXor};

/// Combines all elements along `axes`.
pub fn reduce(ty: TensorType, x: Value, kind: Reduction, axes: &[usize]) -> Value {
    match x.dtype() {
        DType::Bool => {
            // Of 0 and 1: `and` is the smaller, `or` the larger, and the empty ones are true and false.
            let folds = match kind {
                Reduction::And | Reduction::Min => Folds { identity: 1, ..numeric(Reduction::Min) },
                Reduction::Or | Reduction::Max => numeric(Reduction::Max),
                Reduction::Xor => bitwise(kind),
                Reduction::Sum | Reduction::Prod => unreachable!("the shape rule lets no bool here"),
            };
            output::<u8>(ty, |out| fold(View::of(&x), axes, &folds, out))
        }
        dtype if dtype.is_float() => {
            floats!(dtype, T => output::<T>(ty, |out| fold(View::of(&x), axes, &numeric::<T>(kind), out)))
        }
        dtype => integers!(dtype, T => output::<T>(ty, |out| {
            let folds = match kind {
                Reduction::Sum | Reduction::Prod | Reduction::Max | Reduction::Min => numeric::<T>(kind),
                Reduction::And | Reduction::Or | Reduction::Xor => bitwise::<T>(kind),
            };
            fold(View::of(&x), axes, &folds, out)
        })),
    }
}

/// An element type, and the one it accumulates in.
trait Accumulate: Num {
    type Acc: Num;
    fn lift(self) -> Self::Acc;
    fn lower(acc: Self::Acc) -> Self;
}
macro_rules! accumulate { ($($T:ty, $Acc:ty, $lift:expr, $lower:expr;)*) => { $( impl Accumulate for $T {
    type Acc = $Acc;
    #[inline(always)]
    fn lift(self) -> $Acc { $lift(self) }
    #[inline(always)]
    fn lower(acc: $Acc) -> Self { $lower(acc) }
} )* } }
accumulate! {
    f64, f64, |x| x, |x| x; f32, f32, |x| x, |x| x;
    half::f16, f32, half::f16::to_f32, half::f16::from_f32;
    half::bf16, f32, half::bf16::to_f32, half::bf16::from_f32;
    i64, i64, |x| x, |x| x; i32, i32, |x| x, |x| x; i16, i16, |x| x, |x| x; i8, i8, |x| x, |x| x;
    u64, u64, |x| x, |x| x; u32, u32, |x| x, |x| x; u16, u16, |x| x, |x| x; u8, u8, |x| x, |x| x;
}

/// Accumulators that a run of elements is spread over: no chain of dependent operations, and short sums.
const LANES: usize = 32;
/// Up to so many elements are folded one after another.
const SHORT: usize = 12;

/// One kind's loops, from what combines two accumulators.
macro_rules! folds {
    ($T:ty, $identity:expr, $combine:expr) => {
        Folds {
            identity: $identity,
            run: |identity, xs| {
                if xs.len() <= SHORT {
                    return xs.iter().fold(identity, |acc, &x| $combine(acc, <$T>::lift(x)));
                }
                let mut lanes = [identity; LANES];
                let (whole, rest) = xs.as_chunks::<LANES>();
                for chunk in whole {
                    for (lane, &x) in lanes.iter_mut().zip(chunk) {
                        *lane = $combine(*lane, <$T>::lift(x));
                    }
                }
                for (lane, &x) in lanes.iter_mut().zip(rest) {
                    *lane = $combine(*lane, <$T>::lift(x));
                }
                let mut width = if whole.is_empty() { xs.len().next_power_of_two() } else { LANES };
                while width > 1 {
                    width /= 2;
                    for i in 0..width {
                        lanes[i] = $combine(lanes[i], lanes[i + width]);
                    }
                }
                lanes[0]
            },
            across: |acc, xs| {
                for (acc, &x) in acc.iter_mut().zip(xs) {
                    *acc = $combine(*acc, <$T>::lift(x));
                }
            },
            merge: |acc, later| {
                for (acc, &x) in acc.iter_mut().zip(later) {
                    *acc = $combine(*acc, x);
                }
            },
            lower: <$T>::lower,
        }
    };
}

fn numeric<T: Accumulate>(kind: Reduction) -> Folds<T, T::Acc> {
    match kind {
        Reduction::Sum => folds!(T, T::Acc::ZERO, Num::add),
        Reduction::Prod => folds!(T, T::Acc::ONE, Num::mul),
        Reduction::Max => folds!(T, T::Acc::LOWEST, Num::max),
        Reduction::Min => folds!(T, T::Acc::HIGHEST, Num::min),
        Reduction::And | Reduction::Or | Reduction::Xor => unreachable!("bitwise"),
    }
}

fn bitwise<T>(kind: Reduction) -> Folds<T, T::Acc>
where
    T: Accumulate,
    T::Acc: BitAnd<Output = T::Acc>
        + BitOr<Output = T::Acc>
        + BitXor<Output = T::Acc>
        + std::ops::Not<Output = T::Acc>,
{
    match kind {
        Reduction::And => folds!(T, !T::Acc::ZERO, BitAnd::bitand),
        Reduction::Or => folds!(T, T::Acc::ZERO, BitOr::bitor),
        Reduction::Xor => folds!(T, T::Acc::ZERO, BitXor::bitxor),
        Reduction::Sum | Reduction::Prod | Reduction::Max | Reduction::Min => unreachable!("numeric"),
    }
}
