//! Writes at computed places: every kind and mode, places that meet, places outside, windows, batching axes.
//!
//! Floats are dyadic, so that sums and products of meeting updates are exact in any order. Of updates that replace, the
//! last in row-major order wins; XLA's order is another where a window's axis stands before a batch axis: in such cases
//! no two windows meet.

use super::FLOATS;
use super::gather::MODES;
use crate::Sample;
use crate::data::{distinct, fill, ints, small, specials};
use crate::{Class, data};
use plywood_core::convert::Wide;
use plywood_core::op::{IndexMode, Scatter, ScatterKind};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op};
use std::sync::Arc;

/// A scatter of one shape, without kind, mode and dtype.
struct Case {
    name: &'static str,
    operand: &'static [usize],
    /// Shape and elements of the indices.
    indices: (&'static [usize], &'static [i64]),
    updates: &'static [usize],
    window_axes: &'static [usize],
    inserted_axes: &'static [usize],
    batching_axes: (&'static [usize], &'static [usize]),
    index_map: &'static [usize],
}

const NONE: (&[usize], &[usize]) = (&[], &[]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "elements", operand: &[7], indices: (&[3, 1], &[3, 0, 6]), updates: &[3],
        window_axes: &[], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "one element", operand: &[7], indices: (&[1], &[2]), updates: &[],
        window_axes: &[], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "elements that meet", operand: &[7], indices: (&[6, 1], &[3, 0, 3, 3, 0, 5]), updates: &[6],
        window_axes: &[], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "elements outside", operand: &[7], indices: (&[5, 1], &[3, 7, -1, 100, 6]), updates: &[5],
        window_axes: &[], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "rows", operand: &[5, 3], indices: (&[2, 1], &[4, 1]), updates: &[2, 3],
        window_axes: &[1], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "rows that meet", operand: &[5, 3], indices: (&[4, 1], &[4, 1, 4, 4]), updates: &[4, 3],
        window_axes: &[1], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "rows, window first", operand: &[5, 3], indices: (&[2, 1], &[4, 1]), updates: &[3, 2],
        window_axes: &[0], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "parts of rows", operand: &[5, 3], indices: (&[2, 1], &[4, 1]), updates: &[2, 2],
        window_axes: &[1], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "columns", operand: &[3, 5], indices: (&[1, 2, 1], &[4, 0]), updates: &[3, 1, 2],
        window_axes: &[0], inserted_axes: &[1], batching_axes: NONE, index_map: &[1] },
    Case { name: "points", operand: &[4, 5], indices: (&[3, 2], &[0, 4, 3, 0, 2, 2]), updates: &[3],
        window_axes: &[], inserted_axes: &[0, 1], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "points, map turned", operand: &[4, 5], indices: (&[3, 2], &[0, 3, 4, 0, 2, 2]), updates: &[3],
        window_axes: &[], inserted_axes: &[0, 1], batching_axes: NONE, index_map: &[1, 0] },
    Case { name: "points outside", operand: &[4, 5], indices: (&[4, 2], &[0, 5, 4, 0, -1, 2, 3, 4]), updates: &[4],
        window_axes: &[], inserted_axes: &[0, 1], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "windows", operand: &[6, 7], indices: (&[2, 2], &[0, 0, 3, 2]), updates: &[2, 2, 2],
        window_axes: &[1, 2], inserted_axes: &[], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "windows that overlap", operand: &[6, 7], indices: (&[2, 2], &[1, 1, 2, 2]), updates: &[2, 3, 3],
        window_axes: &[1, 2], inserted_axes: &[], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "windows outside", operand: &[6, 7], indices: (&[4, 2], &[5, 0, -1, 2, 4, 6, 2, 2]), updates: &[2, 4, 2],
        window_axes: &[0, 2], inserted_axes: &[], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "no index at all", operand: &[3, 2], indices: (&[2, 0], &[]), updates: &[2, 3, 2],
        window_axes: &[1, 2], inserted_axes: &[], batching_axes: NONE, index_map: &[] },
    Case { name: "no batch", operand: &[3, 4], indices: (&[2], &[1, 2]), updates: &[2, 2],
        window_axes: &[0, 1], inserted_axes: &[], batching_axes: NONE, index_map: &[0, 1] },
    Case { name: "empty indices", operand: &[3, 4], indices: (&[0, 1], &[]), updates: &[0, 4],
        window_axes: &[1], inserted_axes: &[0], batching_axes: NONE, index_map: &[0] },
    Case { name: "batched elements", operand: &[3, 5], indices: (&[3, 1], &[4, 0, 2]), updates: &[3],
        window_axes: &[], inserted_axes: &[1], batching_axes: (&[0], &[0]), index_map: &[1] },
    Case { name: "batched outside", operand: &[3, 5], indices: (&[3, 1], &[5, 0, -3]), updates: &[3],
        window_axes: &[], inserted_axes: &[1], batching_axes: (&[0], &[0]), index_map: &[1] },
    Case { name: "batched rows that meet", operand: &[2, 4, 3], indices: (&[2, 3, 1], &[0, 3, 0, 2, 2, 0]), updates: &[2, 3, 3],
        window_axes: &[2], inserted_axes: &[1], batching_axes: (&[0], &[0]), index_map: &[1] },
    Case { name: "batched windows", operand: &[4, 2, 5], indices: (&[1, 2, 2], &[0, 1, 2, 2]), updates: &[2, 1, 2, 2],
        window_axes: &[0, 3], inserted_axes: &[], batching_axes: (&[1], &[1]), index_map: &[0, 2] },
    Case { name: "rank 4", operand: &[2, 3, 4, 5], indices: (&[2, 2], &[1, 3, 0, 1]), updates: &[2, 3, 5],
        window_axes: &[1, 2], inserted_axes: &[0, 2], batching_axes: NONE, index_map: &[0, 2] },
];

fn op(case: &Case, kind: ScatterKind, mode: IndexMode) -> Op {
    let axes = |a: &[usize]| a.iter().copied().collect::<Axes>();
    Op::Scatter(Arc::new(Scatter {
        kind,
        window_axes: axes(case.window_axes),
        inserted_axes: axes(case.inserted_axes),
        operand_batching_axes: axes(case.batching_axes.0),
        indices_batching_axes: axes(case.batching_axes.1),
        index_map: axes(case.index_map),
        mode,
    }))
}

fn takes(kind: ScatterKind, dtype: DType) -> bool {
    match kind {
        ScatterKind::Set | ScatterKind::Min | ScatterKind::Max => true,
        ScatterKind::Add | ScatterKind::Mul => dtype != DType::Bool,
    }
}

/// Powers of two and their negatives: products of a few are exact.
fn powers(dtype: DType, shape: &[usize], name: &str) -> plywood_core::Array {
    let mut numbers = data::Numbers::of(name);
    fill(dtype, shape, |_| Wide::Float([0.5, 1.0, 2.0, -1.0, -2.0, -0.5][numbers.int(0, 5) as usize]))
}

pub(super) fn scatter() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &kind in ScatterKind::ALL {
        // Of meeting extremes either zero may stay; data here have none, so results are exact.
        for case in CASES {
            let indices = ints(DType::I32, case.indices.0, case.indices.1);
            for mode in MODES {
                let name = |dtype: DType| format!("scatter/{} {} {mode:?} {dtype}", kind.name(), case.name);
                // What happens outside does not depend on the dtype: all of them for one mode, some for the others.
                let few = [DType::BF16, DType::I8];
                let all = mode == IndexMode::Fill;
                for dtype in DType::ALL.into_iter().filter(|d| takes(kind, *d) && (all || few.contains(d))) {
                    let data = |shape, name| match kind {
                        ScatterKind::Mul if dtype.is_float() => powers(dtype, shape, name),
                        ScatterKind::Mul | ScatterKind::Add | ScatterKind::Set => small(dtype, shape, name),
                        ScatterKind::Min | ScatterKind::Max => small(dtype, shape, name),
                    };
                    let inputs =
                        [data(case.operand, "operand"), indices.clone(), data(case.updates, "update")];
                    samples.push(Sample::new(name(dtype), op(case, kind, mode), inputs));
                }
                if mode == IndexMode::PromiseInBounds {
                    continue;
                }
                for dtype in FLOATS.into_iter().filter(|d| all || *d == DType::F64) {
                    let (x, updates) = match kind {
                        ScatterKind::Set | ScatterKind::Add => {
                            (small(dtype, case.operand, "x"), small(dtype, case.updates, "updates"))
                        }
                        ScatterKind::Mul => {
                            (powers(dtype, case.operand, "x"), powers(dtype, case.updates, "updates"))
                        }
                        // No ties: quarters against quarters and an eighth.
                        ScatterKind::Min | ScatterKind::Max => {
                            let updates = distinct(DType::F64, case.updates, "updates");
                            let updates: Vec<f64> = updates.into_vec::<f64>().unwrap_or_default();
                            let shifted: Vec<f64> = updates.iter().map(|x| x + 0.125).collect();
                            let x = distinct(dtype, case.operand, "x");
                            (x, data::floats(dtype, case.updates, &shifted))
                        }
                    };
                    let sample = Sample::new(
                        format!("{} smooth", name(dtype)),
                        op(case, kind, mode),
                        [x, indices.clone(), updates],
                    );
                    samples.push(sample.smooth());
                }
            }
        }
        samples.extend(special_values(kind));
        samples.extend(many(kind));
    }
    samples
}

/// Every pair of special values meets once; and every integer type of indices, with its extremes.
fn special_values(kind: ScatterKind) -> Vec<Sample> {
    let mut samples = Vec::new();
    let case = &CASES[0];
    for dtype in DType::ALL.into_iter().filter(|&d| takes(kind, d)) {
        let all = specials(dtype);
        let n = all.len();
        let x = fill(dtype, [n * n], |i| all[i / n]);
        let updates = fill(dtype, [n * n], |i| all[i % n]);
        let order: Vec<i64> = (0..(n * n) as i64).collect();
        let indices = ints(DType::I64, [n * n, 1], &order);
        let name = format!("scatter/{} special values {dtype}", kind.name());
        let class = match kind {
            ScatterKind::Set | ScatterKind::Add | ScatterKind::Mul => Class::Exact,
            ScatterKind::Min | ScatterKind::Max => Class::Equal,
        };
        samples.push(Sample::new(name, op(case, kind, IndexMode::Fill), [x, indices, updates]).class(class));
    }
    for mode in MODES {
        for places in DType::ALL.into_iter().filter(|d| d.is_integer()) {
            let extremes = specials(places);
            let n = extremes.len();
            let indices = fill(places, [n, 1], |i| extremes[i]);
            let (x, updates) = (powers(DType::F32, &[7], "x"), powers(DType::F32, &[n], "updates"));
            let name = format!("scatter/{} places of {places} {mode:?}", kind.name());
            samples.push(Sample::new(name, op(case, kind, mode), [x, indices, updates]));
        }
    }
    samples
}

/// More updates than a tile holds, most of them meeting.
fn many(kind: ScatterKind) -> Vec<Sample> {
    let case = Case {
        name: "many rows",
        operand: &[23, 17],
        indices: (&[], &[]),
        updates: &[500, 17],
        window_axes: &[1],
        inserted_axes: &[0],
        batching_axes: NONE,
        index_map: &[0],
    };
    let places: Vec<i64> = (0..500).map(|i| (i * 37) % 29 - 3).collect();
    let dtypes = [DType::F64, DType::F32, DType::I32, DType::U8];
    let sample = |dtype: DType| {
        let data = |shape, name| match kind {
            ScatterKind::Mul if dtype.is_float() => {
                fill(dtype, shape, |i| Wide::Float([1.0, -1.0][i % 7 % 2]))
            }
            _ => small(dtype, shape, name),
        };
        let inputs =
            [data(case.operand, "x"), ints(DType::I32, [500, 1], &places), data(case.updates, "updates")];
        let name = format!("scatter/{} {} {dtype}", kind.name(), case.name);
        Sample::new(name, op(&case, kind, IndexMode::Fill), inputs)
    };
    dtypes.map(sample).into()
}
