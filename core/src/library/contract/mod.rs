//! Products of tensors, all of them made of the one contraction there is (`dot_general`) and of multiplication.

mod einsum;
mod order;

pub use einsum::einsum;

use super::T;
use crate::Shape;
use crate::shape::{Axes, normalize_axis};

/// The sum over pairs of axes, the first list of `x`, the second of `y`; then the other axes of `x`, then those of `y`.
#[track_caller]
pub fn tensordot(x: &T, y: &T, left: &[isize], right: &[isize]) -> T {
    assert!(
        left.len() == right.len(),
        "tensordot: {} axes of shape {} meet {} of shape {}",
        left.len(),
        x.shape(),
        right.len(),
        y.shape()
    );
    let (mut over_x, mut over_y) = (Axes::new(), Axes::new());
    for (&a, &b) in left.iter().zip(right) {
        let (a, b) = (normalize_axis("tensordot", a, x.shape()), normalize_axis("tensordot", b, y.shape()));
        assert!(
            x.shape()[a] == y.shape()[b],
            "tensordot: axis {a} of shape {} has size {}, axis {b} of shape {} has size {}",
            x.shape(),
            x.shape()[a],
            y.shape(),
            y.shape()[b]
        );
        over_x.push(a);
        over_y.push(b);
    }
    T::of(x.value().clone().dot_general(y.value().clone(), (over_x, over_y), Default::default()))
}

/// The sum over the last `axes` axes of `x` and the first of `y`.
#[track_caller]
pub fn tensordot_last(x: &T, y: &T, axes: usize) -> T {
    assert!(
        axes <= x.rank() && axes <= y.rank(),
        "tensordot: {axes} axes of tensors of shapes {} and {}",
        x.shape(),
        y.shape()
    );
    let left: Vec<isize> = (x.rank() - axes..x.rank()).map(|d| d as isize).collect();
    let right: Vec<isize> = (0..axes as isize).collect();
    tensordot(x, y, &left, &right)
}

/// NumPy's `dot`: over the last axis of `x` and the last but one of `y` (its only one, if it is a vector); scalars multiply.
#[track_caller]
pub fn dot(x: &T, y: &T) -> T {
    if x.rank() == 0 || y.rank() == 0 {
        return x * y;
    }
    let (last, other) = (x.rank() - 1, y.rank().saturating_sub(2));
    assert!(
        x.shape()[last] == y.shape()[other],
        "dot: shapes {} and {}: the last axis of the first has size {}, it meets {}",
        x.shape(),
        y.shape(),
        x.shape()[last],
        y.shape()[other]
    );
    tensordot(x, y, &[last as isize], &[other as isize])
}

/// The sum over the last axes of both; scalars multiply.
#[track_caller]
pub fn inner(x: &T, y: &T) -> T {
    if x.rank() == 0 || y.rank() == 0 {
        return x * y;
    }
    let (a, b) = (x.rank() - 1, y.rank() - 1);
    assert!(
        x.shape()[a] == y.shape()[b],
        "inner: shapes {} and {}: the last axes have sizes {} and {}",
        x.shape(),
        y.shape(),
        x.shape()[a],
        y.shape()[b]
    );
    tensordot(x, y, &[a as isize], &[b as isize])
}

/// The dot product of all elements, both flattened.
#[track_caller]
pub fn vdot(x: &T, y: &T) -> T {
    assert!(
        x.len() == y.len(),
        "vdot: shapes {} and {} have {} and {} elements",
        x.shape(),
        y.shape(),
        x.len(),
        y.len()
    );
    dot(&x.flatten(), &y.flatten())
}

/// Every element of `x` with every one of `y`, both flattened: a matrix.
#[track_caller]
pub fn outer(x: &T, y: &T) -> T {
    x.reshape([-1, 1]) * y.reshape([1, -1])
}

/// The Kronecker product: each element of `x` becomes a block, itself times `y`. The tensor of fewer axes gets ones in
/// front.
#[track_caller]
pub fn kron(x: &T, y: &T) -> T {
    let rank = x.rank().max(y.rank());
    let with_ones = |t: &T| -> Vec<usize> {
        std::iter::repeat_n(1, rank - t.rank()).chain(t.shape().iter().copied()).collect()
    };
    let (a, b) = (with_ones(x), with_ones(y));
    // Axes of x and of y in turns: a block's axis behind the one it stands in.
    let spread = |sizes: &[usize], odd: bool| -> Shape {
        sizes.iter().flat_map(|&n| if odd { [1, n] } else { [n, 1] }).collect()
    };
    let product = x.reshape(spread(&a, false)) * y.reshape(spread(&b, true));
    product.reshape(a.iter().zip(&b).map(|(n, m)| n * m).collect::<Shape>())
}
