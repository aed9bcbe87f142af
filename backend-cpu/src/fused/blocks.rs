//! Kernels that reduce a whole large domain: in blocks, as a reduction alone does, so that the results are the same bits. The
//! blocks' results are reduced by the reduction's own kernels.

use super::operands::{copied, launched, over};
use super::{Planned, Prepared, finished, outputs, program};
use crate::data;
use crate::kernel::launch::launch;
use crate::kernels::reduce::{self, COLUMNS};
use crate::layout::Layout;
use crate::storage::Storage;
use plywood_core::op::Reduction;
use plywood_core::{Graph, Op, Shape, Values, Var};
use plywood_fusion::plan::{Kernel, Per};

/// Runs one.
pub fn run(
    planned: &Planned,
    graph: &Graph,
    kernel: &Kernel,
    prepared: &Prepared,
    mut inputs: Values,
) -> Values {
    let n = kernel.shape.elements();
    let count = n.div_ceil(COLUMNS);
    // Each input is in order, or one element.
    let mut splats = 0;
    for (i, (x, operand)) in inputs.iter_mut().zip(&kernel.inputs).enumerate() {
        let strides = over(graph, &kernel.shape, 0, x, operand);
        let layout = Layout { strides, offset: 0 };
        if layout.is_constant(&kernel.shape) {
            splats |= 1 << i;
        } else if !layout.is_contiguous(&kernel.shape) {
            copied(&kernel.shape, &layout.strides, kernel.shape[..].into(), x);
        }
    }
    let made = prepared.made(splats, || program(graph, &planned.plan, kernel, splats));
    let (mut storages, taken) = outputs(&mut inputs, &prepared.types, &made.overwrites);
    // What is reduced comes in parts first.
    for ((storage, ty), x) in storages.iter_mut().zip(&prepared.types).zip(&kernel.outputs) {
        if x.per == Per::Row {
            *storage = Storage::overwritten(count * ty.dtype.size());
        }
    }
    let (elements, one, of_rows) = ([COLUMNS as isize, 1], [0, 0], [1, 0]);
    let mut part = |first: usize, sizes: [usize; 2]| {
        let of_input = |i: usize| match splats >> i & 1 == 1 {
            true => (0, &one[..]),
            false => (first * COLUMNS, &elements[..]),
        };
        let of_output = |j: usize| match kernel.outputs[j].per {
            Per::Element => (first * COLUMNS, &elements[..]),
            Per::Row => (first, &of_rows[..]),
        };
        let parts = (&inputs[..], &taken[..], &mut storages[..], &prepared.types);
        launch(made.code, &sizes, &launched(parts, &sizes, of_input, of_output), 0, 1);
    };
    let whole = n / COLUMNS;
    if whole > 0 {
        part(0, [whole, COLUMNS]);
    }
    if n > whole * COLUMNS {
        part(whole, [1, n - whole * COLUMNS]);
    }
    for ((storage, ty), x) in storages.iter_mut().zip(&prepared.types).zip(&kernel.outputs) {
        if x.per == Per::Row {
            let parts = std::mem::replace(storage, Storage::zeroed(0));
            let of_parts = ty.with_shape(Shape::from([count]));
            let layout = Layout::row_major(&of_parts.shape);
            let all = reduce::reduce(
                ty.with_shape(Shape::scalar()),
                data::value(of_parts, layout, parts),
                kind(graph, kernel, x.var),
                &[0],
            );
            *storage = data::owned(all);
        }
    }
    finished(&prepared.types, storages)
}

/// How an output of a kernel was reduced.
fn kind(graph: &Graph, kernel: &Kernel, v: Var) -> Reduction {
    let mut equations = kernel.equations.iter().map(|&i| &graph.equations()[i]);
    match equations.find(|e| e.outputs.contains(&v)).map(|e| &e.op) {
        Some(Op::Reduce { kind, .. }) => *kind,
        op => unreachable!("{op:?} is no reduction"),
    }
}
