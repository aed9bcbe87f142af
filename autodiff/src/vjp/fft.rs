//! Derivatives of Fourier transforms: they are linear, and the transpose of one is another. With pairs of real tensors for
//! complex ones, a transpose takes the conjugate of the roots of unity: the forward transform's is the inverse one
//! without its factor. A transform of real numbers shows each result twice but the first and, of an even length, the
//! middle one, and its transposes weigh them accordingly.

use super::{Gradients, T};
use plywood_core::op::FftKind;
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Value};
use smallvec::{SmallVec, smallvec};

pub(super) fn vjp(kind: FftKind, sizes: &[usize], cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    let some = cts.iter().flatten().next().expect("one cotangent at least").clone();
    let mut cts = cts.into_iter().map(|ct| ct.unwrap_or_else(|| some.zeros_like()));
    let mut next = || cts.next().expect("as many as outputs");
    let n = sizes.iter().product::<usize>() as f64;
    let last = sizes[sizes.len() - 1];
    match kind {
        FftKind::Forward => {
            let back = apply(FftKind::Inverse, sizes, [next(), next()]);
            back.into_iter().map(|x| Some(x * n)).collect()
        }
        FftKind::Inverse => {
            let back = apply(FftKind::Forward, sizes, [next(), next()]);
            back.into_iter().map(|x| Some(x / n)).collect()
        }
        FftKind::Real => {
            let weights = twice(&some, last) * -0.5 + 1.0;
            let back = apply(FftKind::InverseReal, sizes, [next() * &weights, next() * &weights]);
            back.into_iter().map(|x| Some(x * n)).collect()
        }
        FftKind::InverseReal => {
            let back = apply(FftKind::Real, sizes, [next()]);
            let weights = (twice(&back[0], last) + 1.0) / n;
            smallvec![Some(&back[0] * &weights), Some(&back[1] * &weights)]
        }
    }
}

fn apply<const N: usize>(kind: FftKind, sizes: &[usize], x: [T; N]) -> Vec<T> {
    let op = Op::Fft { kind, sizes: Axes::from_slice(sizes) };
    let x = x.into_iter().map(T::into_value).collect();
    Value::apply(&op, x).into_iter().map(T::of).collect()
}

/// Along the last axis, 1 for what stands for its conjugate too, of a transform of n real numbers.
fn twice(like: &T, n: usize) -> T {
    let places = like.ty().with_dtype(DType::I32).with_shape([n / 2 + 1]);
    let k = T::of(like.value().iota(places, 0));
    (k.gt(0) & (&k * 2).lt(n as i64)).cast(like.dtype())
}
