//! Norms, ranks and condition numbers.

use super::*;
use crate::shape::normalize_axis;

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// The root of the sum of squares: of matrices Frobenius', of vectors the 2-norm.
    Frobenius,
    /// The sum of the singular values, of matrices.
    Nuclear,
    /// Of vectors (Σ |x|^p)^(1/p), of p = 0 how many are not zero, of infinite p the largest (of -∞ the least) magnitude.
    /// Of matrices: 1 and -1 the largest and least sum of magnitudes of a column, ∞ and -∞ of a row, 2 and -2 the largest
    /// and least singular value.
    P(f64),
}

impl From<f64> for Norm {
    fn from(p: f64) -> Self {
        Norm::P(p)
    }
}
impl From<i32> for Norm {
    fn from(p: i32) -> Self {
        Norm::P(p.into())
    }
}

#[track_caller]
fn root_of_squares(x: &T, axes: &[isize], keep: bool) -> T {
    let sum = x.square();
    if keep { sum.sum_keep(axes).sqrt() } else { sum.sum_axes(axes).sqrt() }
}

#[track_caller]
pub fn norm(x: &T, norm: Norm, axes: &[isize], keep: bool) -> T {
    let x = x.cast(x.dtype().to_float());
    match (axes, norm) {
        (&[_] | &[_, _], Norm::Frobenius) => root_of_squares(&x, axes, keep),
        (&[axis], norm) => vector_norm(&x, norm, axis, keep),
        (&[row, column], norm) => matrix_norm(&x, norm, [row, column], keep),
        _ => panic!("norm: axes {axes:?}; a vector's is one, a matrix's are two"),
    }
}

/// The root of the sum of all squares.
#[track_caller]
pub fn norm_of_all(x: &T) -> T {
    let x = x.cast(x.dtype().to_float());
    x.square().sum().sqrt()
}

#[track_caller]
fn vector_norm(x: &T, norm: Norm, axis: isize, keep: bool) -> T {
    let p = match norm {
        Norm::P(p) => p,
        Norm::Frobenius => 2.0,
        Norm::Nuclear => panic!("norm: the nuclear norm is of matrices: of two axes, not one"),
    };
    let sum = |x: T| if keep { x.sum_keep(axis) } else { x.sum_axes(axis) };
    if p == 2.0 {
        root_of_squares(x, &[axis], keep)
    } else if p == f64::INFINITY {
        if keep { x.abs().max_keep(axis) } else { x.abs().max_axes(axis) }
    } else if p == f64::NEG_INFINITY {
        if keep { x.abs().min_keep(axis) } else { x.abs().min_axes(axis) }
    } else if p == 0.0 {
        sum(x.ne(0).cast(x.dtype()))
    } else if p == 1.0 {
        sum(x.abs())
    } else {
        sum(x.abs().pow(p)).pow(1.0 / p)
    }
}

#[track_caller]
fn matrix_norm(x: &T, norm: Norm, [row, column]: [isize; 2], keep: bool) -> T {
    let at = |axis: isize| normalize_axis("norm", axis, x.shape());
    let (row, column) = (at(row), at(column));
    assert!(row != column, "norm: axis {row} of shape {} twice", x.shape());
    let sums = |axis: usize| x.abs().sum_keep(axis);
    let singular = || {
        let order: Vec<usize> =
            (0..x.rank()).filter(|&d| d != row && d != column).chain([row, column]).collect();
        svdvals(&x.transpose(order))
    };
    let kept = |y: T| if keep { y } else { y.squeeze([row.min(column), row.max(column)]) };
    let spread = |y: T| {
        if !keep {
            return y;
        }
        y.expand_dims(row.min(column)).expand_dims(row.max(column))
    };
    match norm {
        Norm::Frobenius => root_of_squares(x, &[row as isize, column as isize], keep),
        Norm::Nuclear => spread(singular().sum_axes(-1)),
        Norm::P(1.0) => kept(sums(row).max_keep(column)),
        Norm::P(-1.0) => kept(sums(row).min_keep(column)),
        Norm::P(f64::INFINITY) => kept(sums(column).max_keep(row)),
        Norm::P(f64::NEG_INFINITY) => kept(sums(column).min_keep(row)),
        Norm::P(2.0) => spread(singular().max_axes(-1)),
        Norm::P(-2.0) => spread(singular().min_axes(-1)),
        Norm::P(p) => panic!("norm: matrices have no {p}-norm here; they have 1, -1, 2, -2, inf and -inf"),
    }
}

#[track_caller]
pub fn cond(x: &T, norm: Option<Norm>) -> T {
    let x = matrices("cond", x);
    assert!(!x.is_empty(), "cond: takes matrices with elements, not shape {}", x.shape());
    let last = x.size(-1).min(x.size(-2)) - 1;
    let singular = |x: &T| {
        let s = svdvals(x);
        let axis = s.rank() - 1;
        let at = |i: usize| T::of(s.value().clone().slice_axis(axis, i, i + 1)).squeeze(-1);
        (at(0), at(last))
    };
    let ratio = match norm {
        None | Some(Norm::P(2.0)) => {
            let (high, low) = singular(&x);
            return high / low;
        }
        Some(Norm::P(-2.0)) => {
            let (high, low) = singular(&x);
            low / high
        }
        Some(norm) => {
            let x = square("cond", &x);
            matrix_norm(&x, norm, [-2, -1], false) * matrix_norm(&inv(&x), norm, [-2, -1], false)
        }
    };
    let number = x.ne(&x).any_axes([-2, -1]).logical_not();
    ratio.ne(&ratio).logical_and(&number).select(f64::INFINITY, &ratio)
}

#[track_caller]
pub fn matrix_rank(x: &T, tolerance: Option<f64>) -> T {
    if x.rank() < 2 {
        return x.ne(0).any().cast(DType::I32);
    }
    let x = matrices("matrix_rank", x).stop_gradient();
    let s = svdvals(&x);
    if s.is_empty() {
        return s.sum_axes(-1).cast(DType::I32);
    }
    let tolerance = match tolerance {
        Some(tolerance) => scalar_like(&s, tolerance),
        None => s.max_keep(-1) * (x.size(-1).max(x.size(-2)) as f64 * epsilon(x.dtype())),
    };
    s.gt(tolerance).cast(DType::I32).sum_axes(-1)
}
