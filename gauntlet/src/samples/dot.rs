//! Contractions: vectors, matrices, batches, several contracted axes, none, empty ones, sizes round the tiles of a
//! matrix product, every dtype and wider results.

use super::FLOATS;
use crate::data::{fill, small, specials};
use crate::{Class, Sample, data};
use plywood_core::op::Dot;
use plywood_core::{Array, DType, Op};
use std::sync::Arc;

/// Shapes of the operands; contracting axes of each; batch axes of each.
struct Case(&'static [usize], &'static [usize], [&'static [usize]; 2], [&'static [usize]; 2]);

const CASES: &[Case] = &[
    Case(&[], &[], [&[], &[]], [&[], &[]]),
    Case(&[5], &[5], [&[0], &[0]], [&[], &[]]),
    Case(&[0], &[0], [&[0], &[0]], [&[], &[]]),
    Case(&[5], &[4], [&[], &[]], [&[], &[]]),
    Case(&[5], &[5], [&[], &[]], [&[0], &[0]]),
    Case(&[3, 5], &[5], [&[1], &[0]], [&[], &[]]),
    Case(&[5], &[5, 3], [&[0], &[0]], [&[], &[]]),
    Case(&[3, 5], &[5, 4], [&[1], &[0]], [&[], &[]]),
    Case(&[5, 3], &[5, 4], [&[0], &[0]], [&[], &[]]),
    Case(&[3, 5], &[4, 5], [&[1], &[1]], [&[], &[]]),
    Case(&[5, 3], &[4, 5], [&[0], &[1]], [&[], &[]]),
    Case(&[1, 1], &[1, 1], [&[1], &[0]], [&[], &[]]),
    Case(&[3, 0], &[0, 4], [&[1], &[0]], [&[], &[]]),
    Case(&[0, 5], &[5, 4], [&[1], &[0]], [&[], &[]]),
    Case(&[3, 1], &[1, 4], [&[1], &[0]], [&[], &[]]),
    Case(&[2, 3, 5], &[2, 5, 4], [&[2], &[1]], [&[0], &[0]]),
    Case(&[2, 3, 5], &[5, 4, 2], [&[2], &[0]], [&[0], &[2]]),
    Case(&[3, 5, 2], &[5, 4, 2], [&[1], &[0]], [&[2], &[2]]),
    Case(&[2, 3, 4], &[3, 4, 5], [&[1, 2], &[0, 1]], [&[], &[]]),
    Case(&[2, 3, 4], &[4, 3, 5], [&[1, 2], &[1, 0]], [&[], &[]]),
    Case(&[2, 3, 4], &[2, 3, 4], [&[0, 1, 2], &[0, 1, 2]], [&[], &[]]),
    Case(&[2, 2, 3, 4], &[2, 2, 4, 3], [&[3], &[2]], [&[0, 1], &[0, 1]]),
    Case(&[2, 3, 3, 4], &[3, 4, 2, 5], [&[3], &[1]], [&[0, 1], &[2, 0]]),
    Case(&[2, 3, 4, 2], &[5, 2], [&[3], &[1]], [&[], &[]]),
];

/// Sizes below, at and above those that matrix kernels work in.
const LARGE: &[Case] = &[
    Case(&[17, 33], &[33, 9], [&[1], &[0]], [&[], &[]]),
    Case(&[64, 64], &[64, 64], [&[1], &[0]], [&[], &[]]),
    Case(&[65, 130], &[31, 130], [&[1], &[1]], [&[], &[]]),
    Case(&[1, 300], &[300, 40], [&[1], &[0]], [&[], &[]]),
    Case(&[40, 300], &[300], [&[1], &[0]], [&[], &[]]),
    Case(&[1031], &[1031], [&[0], &[0]], [&[], &[]]),
    Case(&[4, 20, 18], &[4, 18, 22], [&[2], &[1]], [&[0], &[0]]),
];

fn op(case: &Case, dtype: DType) -> Op {
    let axes = |a: &[usize]| a.iter().copied().collect();
    let [lhs_contracting, rhs_contracting] = case.2.map(axes);
    let [lhs_batch, rhs_batch] = case.3.map(axes);
    Op::Dot(Arc::new(Dot { lhs_contracting, rhs_contracting, lhs_batch, rhs_batch, dtype }))
}

fn class(case: &Case, dtype: DType) -> Class {
    let terms = case.2[0].iter().map(|&d| case.0[d]).product();
    if dtype.is_float() { Class::Sum { terms } } else { Class::Exact }
}

fn name(case: &Case, from: DType, to: DType) -> String {
    let Case(x, y, [cx, cy], [bx, by]) = case;
    format!("dot/{from} to {to} {x:?} {y:?} over {cx:?} {cy:?} along {bx:?} {by:?}")
}

/// So few different numbers that rows repeat, and an oracle's text of them is short; no tile is a multiple of 7 or 11.
const PERIODS: [usize; 2] = [11, 7];

/// Uniform floats, and integers whose products wrap.
fn moderate(dtype: DType, shape: &[usize], name: &str, period: usize) -> Array {
    data::cycle(dtype, shape, &{
        let array = data::uniform(DType::F64, [period], name, -2.0, 2.0);
        let all = array.into_vec::<f64>().unwrap_or_default();
        let scale = if dtype.is_float() { 1.0 } else { 50.0 };
        all.into_iter().map(|x| plywood_core::convert::Wide::Float(x * scale)).collect::<Vec<_>>()
    })
}

/// Pairs of operands' and result's types.
fn types() -> Vec<(DType, DType)> {
    use DType::*;
    let same = DType::ALL.into_iter().filter(|&d| d != Bool).map(|d| (d, d));
    let wider =
        [(F16, F32), (BF16, F32), (F32, F64), (BF16, F64), (I8, I32), (I16, I64), (U8, U32), (U8, U64)];
    same.chain(wider).collect()
}

pub(super) fn dot() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (from, to) in types() {
        for case in CASES {
            let inputs = [moderate(from, case.0, "lhs", 131), moderate(from, case.1, "rhs", 131)];
            samples.push(Sample::new(name(case, from, to), op(case, to), inputs).class(class(case, to)));
        }
        for case in LARGE.iter().filter(|_| from.is_float() || from == DType::I32 || from == DType::I8) {
            let inputs =
                [moderate(from, case.0, "lhs", PERIODS[0]), moderate(from, case.1, "rhs", PERIODS[1])];
            samples.push(Sample::new(name(case, from, to), op(case, to), inputs).class(class(case, to)));
        }
        samples.push(special_values(from, to));
    }
    for dtype in FLOATS {
        for case in CASES {
            let inputs = [small(dtype, case.0, "lhs"), small(dtype, case.1, "rhs")];
            let name = format!("{} smooth", name(case, dtype, dtype));
            samples.push(Sample::new(name, op(case, dtype), inputs).class(class(case, dtype)).smooth());
        }
    }
    samples
}

/// One infinity or NaN in a row or column must reach its row or column alone; a zero does not hide it.
fn special_values(from: DType, to: DType) -> Sample {
    let all = specials(from);
    let n = all.len();
    let case = Case(&[], &[], [&[1], &[0]], [&[], &[]]);
    let x = fill(from, [n, 1], |i| all[i]);
    let y = fill(from, [1, n], |i| all[i]);
    // One term: the product, correctly rounded.
    let class = if to.is_float() { Class::Sum { terms: 1 } } else { Class::Exact };
    Sample::new(format!("dot/{from} to {to} special values"), op(&case, to), [x, y]).class(class)
}
