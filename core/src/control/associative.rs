//! `associative_scan`: all prefixes of an associative function, in a number of calls that grows with the logarithm.

use super::all;
use crate::shape::{Axis, normalize_axis};
use crate::tree::rebuild;
use crate::{Backend, SelfTree, Value};

/// The results of an associative function over all prefixes along an axis: element i is `f(.. f(f(x0, x1), x2) .., xi)`.
///
/// `f` takes two trees of the structure of `xs`, whose tensors are slices along the axis, and works element by element along
/// it; it is called about `2 log2 n` times, on all pairs of a level at once. Panics where the sizes along the axis differ.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([1.0, 2.0, 3.0, 4.0]);
/// let y = associative_scan(|a: Tensor<_>, b: Tensor<_>| a * b, x, 0);
/// assert_eq!(y.to_vec::<f64>(), [1.0, 2.0, 6.0, 24.0]);
/// ```
#[track_caller]
pub fn associative_scan<B: Backend, X: SelfTree<B>>(f: impl Fn(X, X) -> X, xs: X, axis: impl Axis) -> X {
    let values = all(&xs);
    let axes: Vec<usize> =
        values.iter().map(|x| normalize_axis("associative_scan", axis.signed(), x.shape())).collect();
    let sizes: Vec<usize> = values.iter().zip(&axes).map(|(x, &d)| x.shape()[d]).collect();
    let Some(&n) = sizes.first() else { return xs };
    assert!(
        sizes.iter().all(|&m| m == n),
        "associative_scan: sizes {sizes:?} along axis {} differ",
        axis.signed()
    );
    let tree = |values: Vec<Value>| rebuild::<B, B, X>(&xs, values);
    let combine = |a: Vec<Value>, b: Vec<Value>| all(&f(tree(a), tree(b)));
    tree(prefixes(&combine, values, &axes, n))
}

/// Pairs are combined, their prefixes are those of odd places, and give those of even places.
fn prefixes(
    combine: &dyn Fn(Vec<Value>, Vec<Value>) -> Vec<Value>,
    x: Vec<Value>,
    axes: &[usize],
    n: usize,
) -> Vec<Value> {
    if n < 2 {
        return x;
    }
    let every = |x: &[Value], from: usize, to: usize| -> Vec<Value> {
        x.iter().zip(axes).map(|(x, &d)| strided(x, d, from, to)).collect()
    };
    // 0 with 1, 2 with 3, ..
    let pairs = n / 2;
    let reduced = combine(every(&x, 0, 2 * pairs), every(&x, 1, n));
    let odd = prefixes(combine, reduced, axes, pairs);
    // The even ones behind the first: each the odd one before it, and itself.
    let rest = n.div_ceil(2) - 1;
    let part = |x: &[Value], from: usize, to: usize| -> Vec<Value> {
        x.iter().zip(axes).map(|(x, &d)| x.clone().slice_axis(d, from, to)).collect()
    };
    let first = part(&x, 0, 1);
    let even = match rest {
        0 => first,
        _ => {
            let later = combine(part(&odd, 0, rest), every(&x, 2, n));
            let joined = first.into_iter().zip(later).zip(axes);
            joined.map(|((a, b), &d)| Value::concatenate([a, b].into_iter().collect(), d as isize)).collect()
        }
    };
    even.into_iter().zip(odd).zip(axes).map(|((even, odd), &d)| interleaved(even, odd, d)).collect()
}

/// Every other slice.
fn strided(x: &Value, axis: usize, from: usize, to: usize) -> Value {
    let mut starts = crate::shape::Axes::from_elem(0, x.rank());
    let mut limits: crate::shape::Axes = x.shape().iter().copied().collect();
    let mut strides = crate::shape::Axes::from_elem(1, x.rank());
    (starts[axis], limits[axis], strides[axis]) = (from, to, 2);
    x.clone().slice(starts, limits, strides)
}

/// Slices of both in turns; the first may have one more.
fn interleaved(even: Value, odd: Value, axis: usize) -> Value {
    let (n, m) = (even.shape()[axis], odd.shape()[axis]);
    let both = even.clone().slice_axis(axis, 0, m);
    let joined = Value::stack([both, odd].into_iter().collect(), axis as isize + 1);
    let mut shape = joined.shape().to_vec();
    shape.remove(axis + 1);
    shape[axis] = 2 * m;
    let joined = joined.reshape_to(shape[..].into());
    if n == m {
        return joined;
    }
    Value::concatenate([joined, even.slice_axis(axis, m, n)].into_iter().collect(), axis as isize)
}
