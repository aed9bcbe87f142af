//! Linear algebra over the factorisations.

mod functions;
mod norms;
mod pseudo;

pub use functions::*;
pub use norms::*;
pub use pseudo::*;

use super::T;
use crate::backend::Values;
use crate::op::{Gather, IndexMode, Linalg};
use crate::shape::Axes;
use crate::{DType, Number, Op, Shape, TensorType, Value};
use std::sync::Arc;

/// A tensor of matrices, of floats: integers and bool are cast, as in JAX.
#[track_caller]
fn matrices(name: &str, x: &T) -> T {
    assert!(x.rank() >= 2, "{name}: takes matrices, not shape {}", x.shape());
    x.cast(x.dtype().to_float())
}

#[track_caller]
fn square(name: &str, x: &T) -> T {
    let x = matrices(name, x);
    assert!(x.size(-1) == x.size(-2), "{name}: takes square matrices, not shape {}", x.shape());
    x
}

#[track_caller]
fn one(op: Linalg, inputs: &[&T]) -> T {
    let values: Values = inputs.iter().map(|x| x.value().clone()).collect();
    T::of(Value::apply_all(Op::Linalg(op), values))
}

#[track_caller]
fn several<const N: usize>(op: Linalg, x: &T) -> [T; N] {
    let mut outputs = Value::apply(&Op::Linalg(op), x.value().clone().into()).into_iter().map(T::of);
    std::array::from_fn(|_| outputs.next().expect("as many as the operation has"))
}

/// The matrices transposed.
#[track_caller]
pub fn matrix_transpose(x: &T) -> T {
    assert!(x.rank() >= 2, "matrix_transpose: takes matrices, not shape {}", x.shape());
    x.swapaxes(-1, -2)
}

#[track_caller]
fn symmetric(x: &T) -> T {
    (x + matrix_transpose(x)) * 0.5
}

/// The number of the row (axis 0) or column (axis 1) of each element of an m x n matrix.
#[track_caller]
fn places(like: &T, m: usize, n: usize, axis: usize) -> T {
    T::of(like.value().iota(TensorType::new([m, n], DType::I32), axis))
}

/// Where an m x n matrix has its diagonal.
#[track_caller]
fn on_diagonal(like: &T, m: usize, n: usize) -> T {
    places(like, m, n, 0).eq(places(like, m, n, 1))
}

#[track_caller]
fn identity(like: &T, n: usize) -> T {
    on_diagonal(like, n, n).cast(like.dtype())
}

/// The identity for each matrix of the batch.
#[track_caller]
fn identities(x: &T) -> T {
    identity(x, x.size(-1)).broadcast_to(x.shape())
}

/// The diagonals of matrices.
#[track_caller]
fn diagonal(x: &T) -> T {
    let (m, n) = (x.size(-2), x.size(-1));
    let k = m.min(n);
    let last = x.rank() - 1;
    let x = T::of(x.value().clone().slice_axis(last - 1, 0, k).slice_axis(last, 0, k));
    on_diagonal(&x, k, k).select(&x, 0).sum_axes(-1)
}

/// A number's column for each matrix: `[.., k]` as `[.., k, 1]`, or a row.
#[track_caller]
fn column(x: &T) -> T {
    x.expand_dims(-1)
}

#[track_caller]
fn row(x: &T) -> T {
    x.expand_dims(-2)
}

/// Matrices and right sides of one dtype, with the same batch; and whether the right side was one vector, whose axis is
/// to be dropped again.
#[track_caller]
fn system(name: &str, a: &T, b: &T) -> (T, T, bool) {
    let a = square(name, a);
    assert!(b.rank() >= 1, "{name}: matrices of shape {} and a right side without axes", a.shape());
    let dtype = a.dtype().promote(b.dtype());
    let vector = b.rank() == 1;
    let fits = b.shape()[if vector { 0 } else { b.rank() - 2 }] == a.size(-1);
    assert!(fits, "{name}: matrices of shape {} and right sides of shape {}", a.shape(), b.shape());
    let b = if vector { column(b) } else { b.clone() };
    let (a, b) = same_batch(name, &a.cast(dtype), &b.cast(dtype));
    (a, b, vector)
}

/// Two tensors of matrices, broadcast to one batch.
#[track_caller]
fn same_batch(name: &str, a: &T, b: &T) -> (T, T) {
    let front = |x: &T| Shape::from(&x.shape()[..x.rank() - 2]);
    let Some(batch) = front(a).broadcast(&front(b)) else {
        panic!(
            "{name}: shapes {} and {}: the axes before the matrices do not broadcast",
            a.shape(),
            b.shape()
        )
    };
    let with = |x: &T| -> T {
        let shape: Shape = batch.iter().chain(&x.shape()[x.rank() - 2..]).copied().collect();
        x.broadcast_to(shape)
    };
    (with(a), with(b))
}

#[track_caller]
fn unvector(x: T, vector: bool) -> T {
    if vector { x.squeeze(-1) } else { x }
}

/// The rows of matrices at these places: row i of the result is row `places[i]`.
#[track_caller]
fn rows_at(x: &T, places: &T) -> T {
    if x.is_empty() {
        return x.clone();
    }
    let batch = x.rank() - 2;
    let axes = || (0..batch).collect::<Axes>();
    let mut sizes: Axes = x.shape().iter().copied().collect();
    sizes[..batch + 1].fill(1);
    let gather = Gather {
        offset_axes: [batch + 1].into_iter().collect(),
        collapsed_axes: [batch].into_iter().collect(),
        operand_batching_axes: axes(),
        indices_batching_axes: axes(),
        start_index_map: [batch].into_iter().collect(),
        sizes,
        mode: IndexMode::Clip,
    };
    T::of(Value::apply2(Op::Gather(Arc::new(gather)), x.value().clone(), column(places).value().clone()))
}

/// The permutations that undo permutations.
#[track_caller]
fn inverse_permutation(places: &T) -> T {
    let axis = places.rank() - 1;
    let numbers = places.value().iota(places.ty().clone(), axis);
    let values = [places.value().clone(), numbers].into_iter().collect();
    T::of(Value::sort_together(values, axis as isize, 1).remove(1))
}

/// The distance from 1 to the next float.
fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        _ => f32::EPSILON as f64,
    }
}

fn scalar_like(x: &T, number: f64) -> T {
    T::of(x.value().full(Number::Float(number), TensorType::scalar(x.dtype())))
}
