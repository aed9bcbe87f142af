//! Factorisations: empty matrices, single elements, odd and larger sizes, tall and wide ones, batches; matrices that are
//! singular, not positive definite, or not finite.

use crate::data::{Numbers, fill};
use crate::{Class, Sample};
use plywood_core::convert::{Wide, to_f64};
use plywood_core::op::Linalg;
use plywood_core::{Array, DType, Op, with_dtype};

const DTYPES: [DType; 2] = [DType::F64, DType::F32];

const SQUARES: &[&[usize]] = &[
    &[0, 0],
    &[1, 1],
    &[2, 2],
    &[5, 5],
    &[2, 3, 3],
    &[2, 2, 4, 4],
    &[0, 3, 3],
    &[2, 0, 0],
    &[17, 17],
    &[40, 40],
];

const RECTANGLES: &[&[usize]] =
    &[&[0, 3], &[3, 0], &[1, 4], &[4, 1], &[3, 5], &[5, 3], &[2, 4, 3], &[2, 3, 4], &[40, 7], &[7, 40]];

const SMOOTH_SQUARES: &[&[usize]] = &[&[1, 1], &[3, 3], &[2, 3, 3]];
const SMOOTH_RECTANGLES: &[&[usize]] = &[&[4, 2], &[2, 4], &[2, 3, 2], &[2, 2, 3]];

/// Numbers in [-1, 1] with 3 on the diagonal: regular, well conditioned, with distinct singular values.
fn matrix(dtype: DType, shape: &[usize], name: &str) -> Array {
    let mut numbers = Numbers::of(name);
    let (m, n) = (shape[shape.len() - 2], shape[shape.len() - 1]);
    fill(dtype, shape, |i| {
        let (row, column) = (i / n % m, i % n);
        let diagonal = if row == column { 3.0 + row as f64 / 2.0 } else { 0.0 };
        Wide::Float(diagonal + numbers.int(-256, 256) as f64 / 256.0)
    })
}

/// Numbers in [-2, 2], whose rows LU exchanges.
fn mixed(dtype: DType, shape: &[usize], name: &str) -> Array {
    let mut numbers = Numbers::of(name);
    fill(dtype, shape, |_| Wide::Float(numbers.int(-1024, 1024) as f64 / 512.0))
}

/// Symmetric positive definite; above the diagonal NaN where `lower_only`, which nothing may read.
fn positive(dtype: DType, shape: &[usize], name: &str, lower_only: bool) -> Array {
    let n = shape[shape.len() - 1];
    let array = mixed(DType::F64, shape, name);
    let x = array.as_slice::<f64>().expect("f64");
    fill(dtype, shape, |at| {
        let (batch, i, j) = (at / (n * n), at / n % n, at % n);
        if lower_only && j > i {
            return Wide::Float(f64::NAN);
        }
        let row = |i: usize| &x[(batch * n + i) * n..(batch * n + i + 1) * n];
        let product: f64 = row(i).iter().zip(row(j)).map(|(a, b)| a * b).sum();
        // Few bits, so that the oracle and every dtype have the same numbers.
        let few = (product * 64.0).round() / 64.0;
        Wide::Float(few + if i == j { 1.0 + i as f64 / 4.0 } else { 0.0 })
    })
}

/// A 4 x 4 matrix, changed at some places of its row-major order.
fn changed(array: Array, changes: &[(usize, f64)]) -> Array {
    with_dtype!(array.dtype(), T => {
        let all = array.as_slice::<T>().expect("its own dtype");
        fill(array.dtype(), array.shape().clone(), |i| {
            let change = changes.iter().find(|c| c.0 == i);
            Wide::Float(change.map_or_else(|| to_f64(all[i]), |c| c.1))
        })
    })
}

/// Four right sides, one, or none.
fn right_sides(dtype: DType, shape: &[usize], k: usize) -> Array {
    let mut shape = shape.to_vec();
    *shape.last_mut().expect("a matrix") = k;
    mixed(dtype, &shape, "right sides")
}

fn norm(shape: &[usize]) -> Class {
    Class::Norm(100 + 4 * shape.iter().rev().take(2).max().copied().unwrap_or(0) as u32)
}

/// Large ones are told in f32 alone: the oracle's file has every digit. In f64 tests/linalg.rs puts them together again.
fn told(shape: &[usize], dtype: DType) -> bool {
    dtype == DType::F32 || shape.iter().all(|&n| n < 40)
}

const SIGNS: &str = "signs of vectors are arbitrary: tests/linalg.rs puts the factors together again, and tests/calls \
                     compares values and what does not depend on signs";

pub(super) fn linalg() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |name: &str, l: Linalg, inputs: Vec<Array>, smooth: bool| {
        let shape = inputs[0].shape().to_vec();
        let end = if smooth { " smooth" } else { "" };
        let name = format!("linalg/{l:?} {} {shape:?} {name}{end}", inputs[0].dtype());
        let sample = Sample::new(name, Op::Linalg(l), inputs).class(norm(&shape)).smooth_if(smooth);
        let open = matches!(l, Linalg::Eigh | Linalg::Svd { .. });
        samples.push(if open { sample.without_oracle(SIGNS) } else { sample });
    };
    for dtype in DTYPES {
        for (shapes, smooth) in [(SQUARES, false), (SMOOTH_SQUARES, true)] {
            for &shape in shapes.iter().filter(|shape| told(shape, dtype)) {
                let (any, lower) = (mixed(dtype, shape, "a"), positive(dtype, shape, "a", !smooth));
                let regular = matrix(dtype, shape, "a");
                // Of large ones a few kinds: what they show does not depend on attributes.
                let large = shape[shape.len() - 1] > 5;
                add("", Linalg::Cholesky, vec![lower], smooth);
                add("", Linalg::Det, vec![if smooth { regular.clone() } else { any.clone() }], smooth);
                add("", Linalg::Lu, vec![if smooth { regular.clone() } else { any }], smooth);
                add("", Linalg::Eigh, vec![regular.clone()], smooth);
                for full in [false, true] {
                    if !(full && large) {
                        add("", Linalg::Qr { full }, vec![regular.clone()], smooth);
                    }
                    add("", Linalg::Svd { full }, vec![regular.clone()], smooth);
                }
                for k in [1, 6] {
                    for transpose in [false, true] {
                        if large && (k == 6) == transpose {
                            continue;
                        }
                        let inputs = || vec![regular.clone(), right_sides(dtype, shape, k)];
                        let what = format!("for {k}");
                        add(&what, Linalg::Solve { transpose }, inputs(), smooth);
                        for (lower, unit_diagonal) in
                            [(true, false), (false, false), (true, true), (false, true)]
                        {
                            if unit_diagonal && shape[shape.len() - 1] > 5 {
                                // Ones on the diagonal are too small for it to be well conditioned.
                                continue;
                            }
                            let l = Linalg::TriangularSolve { lower, transpose, unit_diagonal };
                            add(&what, l, inputs(), smooth);
                        }
                    }
                }
            }
        }
        for (shapes, smooth) in [(RECTANGLES, false), (SMOOTH_RECTANGLES, true)] {
            for &shape in shapes.iter().filter(|shape| told(shape, dtype)) {
                let regular = matrix(dtype, shape, "a");
                let any = mixed(dtype, shape, "a");
                add("", Linalg::Lu, vec![if smooth { regular.clone() } else { any }], smooth);
                add("", Linalg::Qr { full: false }, vec![regular.clone()], smooth);
                add("", Linalg::Svd { full: false }, vec![regular.clone()], smooth);
                // The full factors of others have no derivative.
                let wide = shape[shape.len() - 2] < shape[shape.len() - 1];
                add("", Linalg::Qr { full: true }, vec![regular.clone()], smooth && wide);
                if !smooth {
                    add("", Linalg::Svd { full: true }, vec![regular], false);
                }
            }
        }
        add(
            "no right sides",
            Linalg::Solve { transpose: false },
            vec![matrix(dtype, &[3, 3], "a"), right_sides(dtype, &[3, 3], 0)],
            false,
        );
        let spd = || positive(dtype, &[2, 4, 4], "special", false);
        add("not definite", Linalg::Cholesky, vec![changed(spd(), &[(10, -1.0)])], false);
        add("NaN", Linalg::Cholesky, vec![changed(spd(), &[(24, f64::NAN)])], false);
        add("infinite", Linalg::Cholesky, vec![changed(spd(), &[(0, f64::INFINITY)])], false);
        let any = || mixed(dtype, &[2, 4, 4], "special");
        let zero_row = [(4, 0.0), (5, 0.0), (6, 0.0), (7, 0.0)];
        for l in [Linalg::Lu, Linalg::Det] {
            add("with a zero row", l, vec![changed(any(), &zero_row)], false);
        }
        for (what, number) in [("NaN", f64::NAN), ("infinite", f64::INFINITY)] {
            let input = || vec![changed(any(), &[(9, number)])];
            for l in [Linalg::Lu, Linalg::Det, Linalg::Eigh] {
                add(what, l, input(), false);
            }
            for full in [false, true] {
                add(what, Linalg::Qr { full }, input(), false);
                add(what, Linalg::Svd { full }, input(), false);
            }
        }
        // Everything is a multiple of a few numbers: equal and zero values.
        for (what, number) in [("zeros", 0.0), ("ones", 1.0)] {
            let input = || vec![fill(dtype, [4, 4], |_| Wide::Float(number))];
            add(what, Linalg::Eigh, input(), false);
            add(what, Linalg::Svd { full: true }, input(), false);
        }
    }
    samples
}
