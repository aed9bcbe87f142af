//! Windows at computed places: each mode with places outside, every integer type of indices, windows and collapsed axes
//! in many orders, batching axes.

use super::FLOATS;
use crate::Sample;
use crate::data::{cycle, ints, mixed, small, specials};
use plywood_core::op::{Gather, IndexMode};
use plywood_core::shape::Axes;
use plywood_core::{Array, DType, Op};
use std::sync::Arc;

/// The modes.
pub(super) const MODES: [IndexMode; 3] = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];

/// A gather of one shape, without its mode and dtype.
struct Case {
    name: &'static str,
    operand: &'static [usize],
    /// Shape and elements of the indices.
    indices: (&'static [usize], &'static [i64]),
    offset_axes: &'static [usize],
    collapsed_axes: &'static [usize],
    /// Operand's and indices'.
    batching_axes: (&'static [usize], &'static [usize]),
    start_index_map: &'static [usize],
    sizes: &'static [usize],
    /// Whether every window lies inside.
    inside: bool,
}

const NONE: (&[usize], &[usize]) = (&[], &[]);

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "elements", operand: &[7], indices: (&[4, 1], &[3, 0, 6, 3]),
        offset_axes: &[], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1], inside: true },
    Case { name: "elements outside", operand: &[7], indices: (&[5, 1], &[3, 7, -1, 100, 6]),
        offset_axes: &[], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1], inside: false },
    Case { name: "one element", operand: &[7], indices: (&[1], &[5]),
        offset_axes: &[], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1], inside: true },
    Case { name: "rows", operand: &[5, 3], indices: (&[4, 1], &[1, 4, 0, 1]),
        offset_axes: &[1], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1, 3], inside: true },
    Case { name: "rows, window first", operand: &[5, 3], indices: (&[4, 1], &[1, 4, 0, 1]),
        offset_axes: &[0], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1, 3], inside: true },
    Case { name: "rows outside", operand: &[5, 3], indices: (&[4, 1], &[5, -1, 2, 9]),
        offset_axes: &[1], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1, 3], inside: false },
    Case { name: "columns", operand: &[3, 5], indices: (&[2, 2, 1], &[4, 0, 1, 1]),
        offset_axes: &[0], collapsed_axes: &[1], batching_axes: NONE,
        start_index_map: &[1], sizes: &[3, 1], inside: true },
    Case { name: "parts of columns", operand: &[3, 5], indices: (&[2, 1], &[4, 1]),
        offset_axes: &[0], collapsed_axes: &[1], batching_axes: NONE,
        start_index_map: &[1], sizes: &[2, 1], inside: true },
    Case { name: "points", operand: &[4, 5], indices: (&[3, 2], &[0, 4, 3, 0, 2, 2]),
        offset_axes: &[], collapsed_axes: &[0, 1], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[1, 1], inside: true },
    Case { name: "points, map turned", operand: &[4, 5], indices: (&[3, 2], &[0, 3, 4, 0, 2, 2]),
        offset_axes: &[], collapsed_axes: &[0, 1], batching_axes: NONE,
        start_index_map: &[1, 0], sizes: &[1, 1], inside: true },
    Case { name: "points outside", operand: &[4, 5], indices: (&[4, 2], &[0, 5, 4, 0, -1, 2, 3, 4]),
        offset_axes: &[], collapsed_axes: &[0, 1], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[1, 1], inside: false },
    Case { name: "windows", operand: &[6, 7], indices: (&[3, 2], &[0, 0, 3, 2, 4, 5]),
        offset_axes: &[1, 2], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[2, 2], inside: true },
    Case { name: "windows outside", operand: &[6, 7], indices: (&[4, 2], &[5, 0, -1, 2, 4, 6, 1, 1]),
        offset_axes: &[1, 2], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[2, 2], inside: false },
    Case { name: "windows round the batch", operand: &[6, 7], indices: (&[3, 2], &[0, 0, 3, 2, 4, 5]),
        offset_axes: &[0, 2], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[2, 2], inside: true },
    Case { name: "no index at all", operand: &[3, 2], indices: (&[2, 0], &[]),
        offset_axes: &[1, 2], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[], sizes: &[3, 2], inside: true },
    Case { name: "no batch", operand: &[3, 4], indices: (&[2], &[1, 2]),
        offset_axes: &[0, 1], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[0, 1], sizes: &[2, 2], inside: true },
    Case { name: "empty indices", operand: &[3, 4], indices: (&[0, 1], &[]),
        offset_axes: &[1], collapsed_axes: &[0], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1, 4], inside: true },
    Case { name: "empty windows", operand: &[3, 4], indices: (&[2, 1], &[0, 2]),
        offset_axes: &[1, 2], collapsed_axes: &[], batching_axes: NONE,
        start_index_map: &[0], sizes: &[1, 0], inside: true },
    Case { name: "batched elements", operand: &[3, 5], indices: (&[3, 1], &[4, 0, 2]),
        offset_axes: &[], collapsed_axes: &[1], batching_axes: (&[0], &[0]),
        start_index_map: &[1], sizes: &[1, 1], inside: true },
    Case { name: "batched outside", operand: &[3, 5], indices: (&[3, 1], &[5, 0, -3]),
        offset_axes: &[], collapsed_axes: &[1], batching_axes: (&[0], &[0]),
        start_index_map: &[1], sizes: &[1, 1], inside: false },
    Case { name: "batched rows", operand: &[2, 4, 3], indices: (&[2, 3, 1], &[0, 3, 1, 2, 2, 0]),
        offset_axes: &[2], collapsed_axes: &[1], batching_axes: (&[0], &[0]),
        start_index_map: &[1], sizes: &[1, 1, 3], inside: true },
    Case { name: "batched windows", operand: &[4, 2, 5], indices: (&[3, 2, 2], &[0, 1, 2, 2, 1, 3, 0, 0, 2, 3, 1, 1]),
        offset_axes: &[0, 3], collapsed_axes: &[], batching_axes: (&[1], &[1]),
        start_index_map: &[0, 2], sizes: &[2, 1, 2], inside: true },
    Case { name: "two batching axes", operand: &[2, 4, 3], indices: (&[3, 2, 1], &[0, 3, 1, 2, 2, 0]),
        offset_axes: &[], collapsed_axes: &[1], batching_axes: (&[0, 2], &[1, 0]),
        start_index_map: &[1], sizes: &[1, 1, 1], inside: true },
    Case { name: "rank 4", operand: &[2, 3, 4, 5], indices: (&[2, 2], &[1, 3, 0, 1]),
        offset_axes: &[1, 2], collapsed_axes: &[0, 2], batching_axes: NONE,
        start_index_map: &[0, 2], sizes: &[1, 3, 1, 5], inside: true },
    Case { name: "a dropped axis", operand: &[2, 3, 4], indices: (&[3, 1], &[3, 0, 2]),
        offset_axes: &[1], collapsed_axes: &[0, 2], batching_axes: NONE,
        start_index_map: &[2], sizes: &[1, 3, 1], inside: true },
];

fn op(case: &Case, mode: IndexMode) -> Op {
    let axes = |a: &[usize]| a.iter().copied().collect::<Axes>();
    Op::Gather(Arc::new(Gather {
        offset_axes: axes(case.offset_axes),
        collapsed_axes: axes(case.collapsed_axes),
        operand_batching_axes: axes(case.batching_axes.0),
        indices_batching_axes: axes(case.batching_axes.1),
        start_index_map: axes(case.start_index_map),
        sizes: axes(case.sizes),
        mode,
    }))
}

/// Rows of a large matrix at this many places, cyclic.
fn many_rows(dtype: DType, mode: IndexMode) -> Sample {
    let case = Case {
        name: "many rows",
        operand: &[61, 33],
        indices: (&[], &[]),
        offset_axes: &[1],
        collapsed_axes: &[0],
        batching_axes: NONE,
        start_index_map: &[0],
        sizes: &[1, 33],
        inside: false,
    };
    let places: Vec<i64> = (0..90).map(|i| (i * 37) % 67 - 3).collect();
    let x = cycle(dtype, case.operand, &mixed(dtype, "rows"));
    Sample::new(
        format!("gather/{} {mode:?} {dtype}", case.name),
        op(&case, mode),
        [x, ints(DType::I32, [90, 1], &places)],
    )
}

pub(super) fn gather() -> Vec<Sample> {
    let mut samples = Vec::new();
    for case in CASES {
        let indices = |dtype| ints(dtype, case.indices.0, case.indices.1);
        for mode in MODES {
            // What is filled in depends on the dtype; the other modes only move.
            let few = [DType::F32, DType::U8];
            let all = mode == IndexMode::Fill;
            for dtype in DType::ALL.into_iter().filter(|d| all || few.contains(d)) {
                let name = format!("gather/{} {mode:?} {dtype}", case.name);
                let x = cycle(dtype, case.operand, &mixed(dtype, "gather"));
                samples.push(Sample::new(name, op(case, mode), [x, indices(DType::I32)]));
            }
            // What is filled in is NaN: differences see only the other modes there.
            for dtype in FLOATS.into_iter().filter(|_| case.inside || mode == IndexMode::Clip) {
                if mode == IndexMode::PromiseInBounds && dtype != DType::F64 {
                    continue;
                }
                let name = format!("gather/{} {mode:?} {dtype} smooth", case.name);
                let x = small(dtype, case.operand, "gather");
                samples.push(Sample::new(name, op(case, mode), [x, indices(DType::I32)]).smooth());
            }
        }
    }
    for mode in MODES {
        for places in DType::ALL.into_iter().filter(|d| d.is_integer()) {
            let extremes = specials(places);
            let n = extremes.len();
            let indices: Array = crate::data::fill(places, [n, 1], |i| extremes[i]);
            let x = small(DType::F32, CASES[0].operand, "gather");
            let name = format!("gather/places of {places} {mode:?}");
            samples.push(Sample::new(name, op(&CASES[0], mode), [x, indices]));
        }
        for dtype in [DType::F32, DType::BF16, DType::U8, DType::I64] {
            samples.push(many_rows(dtype, mode));
        }
    }
    samples
}
