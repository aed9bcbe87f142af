//! Writing windows at computed places, equal to the CPU in every bit: updates that meet do so in the row-major order of the indices'
//! batch axes, however units run.
//!
//! The operand's memory is taken over where nobody else holds it, else copied. Then:
//!
//! - Where each index has a part of the operand to itself (one index, or batching axes), no two updates meet: one kernel, a unit for
//!   each update.
//! - Sums of integers are the same in any order: likewise, by atomic additions where the device has them.
//! - Else the places of all items are computed, and a unit for each update combines those of its place in order ([`combine`]). Up to
//!   [`FEW`] items, each unit looks through all of them, in one kernel.
//! - More items are sorted by place first ([`order`]). A place that many updates meet in is one unit's work, one update after another.

use super::gather::{Windows, along};
use super::places::{self, Indices, What};
use super::{Queue, combine, operand, order, owned};
use crate::data;
use crate::launch::Operand;
use crate::programs::{Single, single};
use cubecl::prelude::Runtime;
use plywood_core::op::{Binary, Scatter, ScatterKind};
use plywood_core::{DType, TensorType, Value, Values};
use plywood_kernel::Program;
use plywood_kernel::layout::{Strides, row_major};
use smallvec::SmallVec;
use std::sync::Arc;

/// Items that each unit looks through.
const FEW: usize = 512;

/// An axis of the updates.
#[derive(Clone, Copy, Debug)]
struct Axis {
    size: usize,
    /// In the updates, the operand, and the indices.
    strides: [isize; 3],
    part: Part,
}

/// What is along an axis of the updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Parts of the operand, which have indices of their own.
    Group,
    /// Indices, which may name the same place.
    Row,
    /// The window, along an axis that indices count along: where windows may reach into each other.
    Shifted,
    /// The window, along another axis.
    Column,
}

/// Inputs: operand, indices, updates.
pub fn scatter<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, mut x: Values, s: &Scatter) -> Value {
    let mut next = || x.pop().expect("the shape rule counted the inputs");
    let (updates, at, whole) = (next(), next(), next());
    if updates.ty().elements() == 0 || ty.elements() == 0 {
        return whole;
    }
    let strides = row_major(&ty.shape);
    let sizes = s.window_sizes(ty.rank(), updates.shape());
    let windows = Windows {
        shape: &ty.shape,
        sizes: &sizes,
        strides: &strides,
        map: &s.index_map,
        batching: &s.operand_batching_axes,
        mode: s.mode,
    };
    let name = s.kind.name();
    let indices = windows.indices(queue, name, &at);
    let axes = axes(s, &strides, &updates, &at);
    let buffer = owned(queue, whole);
    let program = program(s.kind, ty.dtype);

    let count = |part: Part| axes.iter().filter(|a| a.part == part).map(|a| a.size).product::<usize>();
    let sums = s.kind == ScatterKind::Add && queue.client.facts.sums.contains(&ty.dtype);
    if count(Part::Row) == 1 || sums {
        let updates = operand(&updates);
        let task = places::Task {
            name,
            what: match program {
                None => What::Write(updates),
                Some(_) if count(Part::Row) > 1 => What::Sum(updates),
                Some(program) => What::Combine(updates, program),
            },
            dtype: ty.dtype,
            buffer: Some(buffer.clone()),
            offset: 0,
            strides: of(&axes, 1),
            shape: &shape(&axes),
            indices: Indices { strides: of(&axes, 2), ..indices },
        };
        places::launch(queue, task);
        return queue.filled(ty, buffer);
    }

    let parts = |parts: &[Part]| -> SmallVec<[Axis; 8]> {
        parts.iter().flat_map(|&part| axes.iter().copied().filter(move |a| a.part == part)).collect()
    };
    let (items, columns) = (parts(&[Part::Group, Part::Row, Part::Shifted]), parts(&[Part::Column]));
    let of_group = count(Part::Row) * count(Part::Shifted);
    let total = of_group * count(Part::Group);
    let sorts = of_group > FEW;
    let room = if sorts { order::room(total) } else { total };
    let list = queue.empty(&TensorType::new([room], DType::U32));
    let task = places::Task {
        name,
        what: What::Place(list.clone()),
        dtype: ty.dtype,
        buffer: None,
        offset: 0,
        strides: of(&items, 1),
        shape: &shape(&items),
        indices: Indices { strides: of(&items, 2), ..indices },
    };
    places::launch(queue, task);
    let sorted = sorts.then(|| order::sort(queue, &list, total));
    let task = combine::Task {
        name,
        program,
        dtype: ty.dtype,
        buffer: buffer.clone(),
        places: list,
        items: sorted,
        group: if sorts { total } else { of_group },
        updates: Operand {
            strides: of(&items, 0).into_iter().chain(of(&columns, 0)).collect(),
            ..operand(&updates)
        },
        item_shape: &shape(&items),
        column_shape: &shape(&columns),
        column_strides: of(&columns, 1),
    };
    combine::launch(queue, task);
    queue.filled(ty, buffer)
}

fn shape(axes: &[Axis]) -> SmallVec<[usize; 8]> {
    axes.iter().map(|a| a.size).collect()
}

fn of(axes: &[Axis], which: usize) -> Strides {
    axes.iter().map(|a| a.strides[which]).collect()
}

/// The axes of the updates.
fn axes(s: &Scatter, strides: &[isize], updates: &Value, at: &Value) -> SmallVec<[Axis; 8]> {
    let batching = (&s.operand_batching_axes, &s.indices_batching_axes);
    let (window, mut b) = (s.operand_window_axes(strides.len()), 0..at.rank() - 1);
    let axis = |u: usize| {
        let (size, own) = (updates.shape()[u], data::data(updates).layout.strides[u]);
        if let Some(k) = s.window_axes.iter().position(|&axis| axis == u) {
            let d = window[k];
            let part = if s.index_map.contains(&d) { Part::Shifted } else { Part::Column };
            return Axis { size, strides: [own, strides[d], 0], part };
        }
        let b = b.next().expect("as many axes as the shape rule counted");
        let part = if batching.1.contains(&b) { Part::Group } else { Part::Row };
        Axis { size, strides: [own, along(batching, b, strides), data::data(at).layout.strides[b]], part }
    };
    (0..updates.rank()).map(axis).collect()
}

/// How an element and an update combine, of what does not replace.
fn program(kind: ScatterKind, dtype: DType) -> Option<Arc<Program>> {
    let op = match kind {
        ScatterKind::Set => return None,
        ScatterKind::Add => Binary::Add,
        ScatterKind::Mul => Binary::Mul,
        ScatterKind::Min => Binary::Min,
        ScatterKind::Max => Binary::Max,
    };
    Some(single(Single::Binary(op, dtype)))
}
