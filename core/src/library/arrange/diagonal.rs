//! Diagonals and triangles of matrices.

use super::super::T;
use crate::op::Padding;
use crate::shape::{Axes, normalize_axis};
use crate::{DType, TensorType};

/// Where column - row is at most `k`, as a bool matrix on the example's engine.
#[track_caller]
pub fn triangle_mask(example: &T, n: usize, m: usize, k: i32) -> T {
    let ty = TensorType::new([n, m], DType::I32);
    let row = T::of(example.value().iota(ty.clone(), 0));
    let column = T::of(example.value().iota(ty, 1));
    (column - row).le(k)
}

/// The elements of the last two axes on and below the diagonal `k` (or, `upper`, on and above it); 0 elsewhere.
#[track_caller]
pub fn triangle(name: &str, x: &T, k: i32, upper: bool) -> T {
    let r = x.rank();
    assert!(r >= 2, "{name}: takes matrices, not a tensor of shape {}", x.shape());
    let (n, m) = (x.shape()[r - 2], x.shape()[r - 1]);
    let zero = x.full_like(0);
    if upper {
        triangle_mask(x, n, m, k.saturating_sub(1)).select(zero, x)
    } else {
        triangle_mask(x, n, m, k).select(x, zero)
    }
}

/// The matrix with a vector on its diagonal `k`.
#[track_caller]
pub fn diag(v: &T, k: i32) -> T {
    assert!(v.rank() == 1, "diag: takes a vector or a matrix, not a tensor of shape {}", v.shape());
    let (n, off) = (v.len(), k.unsigned_abs() as usize);
    let size = n + off;
    if n == 0 {
        return T::of(v.value().full(crate::Number::Int(0), v.ty().with_shape([size, size])));
    }
    // In row-major order the diagonal is every (size + 1)th element.
    let low = if k >= 0 { off } else { off * size };
    let last = low + (n - 1) * (size + 1);
    let padding = Padding { low: low as isize, high: (size * size - 1 - last) as isize, interior: size };
    T::of(v.value().clone().pad_zeros(&[padding])).reshape([size, size])
}

/// The diagonal `k` of the matrices in axes `a` and `b`, as a last axis.
#[track_caller]
pub fn diagonal(name: &str, x: &T, k: i32, a: isize, b: isize) -> T {
    assert!(x.rank() >= 2, "{name}: takes matrices, not a tensor of shape {}", x.shape());
    let (a, b) = (normalize_axis(name, a, x.shape()), normalize_axis(name, b, x.shape()));
    assert!(a != b, "{name}: axis {a} is named twice (shape {})", x.shape());
    let mut axes: Axes = (0..x.rank()).filter(|&d| d != a && d != b).collect();
    axes.extend([a, b]);
    let (n, m) = (x.shape()[a], x.shape()[b]);
    let off = k.unsigned_abs() as usize;
    let (count, start) =
        if k >= 0 { (n.min(m.saturating_sub(off)), off) } else { (n.saturating_sub(off).min(m), off * m) };
    let y = x.value().clone().permute(axes);
    let front = y.shape()[..y.rank() - 2].to_vec();
    let flat = y.reshape_to(front.iter().copied().chain([n * m]).collect());
    let rank = flat.rank();
    let (mut starts, mut strides) = (Axes::from_elem(0, rank), Axes::from_elem(1, rank));
    let mut limits: Axes = flat.shape().iter().copied().collect();
    (starts[rank - 1], strides[rank - 1]) = (if count == 0 { 0 } else { start }, m + 1);
    limits[rank - 1] = if count == 0 { 0 } else { start + (count - 1) * (m + 1) + 1 };
    T::of(flat.slice(starts, limits, strides))
}
