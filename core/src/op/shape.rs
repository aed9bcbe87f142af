//! Operations that only rearrange: reshape, transpose, broadcast, reverse. On a CPU they are views.

use crate::{Shape, TensorType};

/// The same elements in row-major order under another shape.
#[track_caller]
pub(super) fn infer_reshape(x: &TensorType, shape: &Shape) -> TensorType {
    assert!(
        x.elements() == shape.elements(),
        "reshape: {} has {} elements, shape {shape} has {}",
        x.shape,
        x.elements(),
        shape.elements()
    );
    x.with_shape(shape.clone())
}

/// Output axis `i` is input axis `permutation[i]`.
#[track_caller]
pub(super) fn infer_transpose(x: &TensorType, permutation: &[usize]) -> TensorType {
    let rank = x.rank();
    assert!(
        permutation.len() == rank && (0..rank).all(|d| permutation.contains(&d)),
        "transpose: {permutation:?} is not a permutation of the {rank} axes of shape {}",
        x.shape
    );
    x.with_shape(permutation.iter().map(|&p| x.shape[p]).collect::<Shape>())
}

/// Input axis `i` becomes output axis `axes[i]` (increasing), with its size or, from size 1, any; the other output
/// axes are new.
#[track_caller]
pub(super) fn infer_broadcast(x: &TensorType, shape: &Shape, axes: &[usize]) -> TensorType {
    let fits = axes.len() == x.rank()
        && axes.windows(2).all(|w| w[0] < w[1])
        && axes.iter().zip(x.shape.iter()).all(|(&a, &n)| shape.get(a).is_some_and(|&m| n == m || n == 1));
    assert!(fits, "broadcast: shape {} does not go into {shape} at axes {axes:?}", x.shape);
    x.with_shape(shape.clone())
}

/// Turns the given axes round.
#[track_caller]
pub(super) fn infer_reverse(x: &TensorType, axes: &[usize]) -> TensorType {
    assert!(
        axes.iter().enumerate().all(|(i, &a)| a < x.rank() && !axes[..i].contains(&a)),
        "reverse: axes {axes:?} of a tensor of shape {}",
        x.shape
    );
    x.clone()
}
