//! Kernels that reduce a whole large domain: in blocks, as a reduction alone does, so that the results are the same bits. The
//! blocks' results are reduced by the reduction's own kernels.

use super::operands::{copied, over};
use super::{Planned, Prepared, finished, outputs, program};
use crate::data::{self, CpuData};
use crate::kernel::launch::{Operand, launch};
use crate::kernels::reduce::{self, COLUMNS};
use crate::layout::{Layout, Strides};
use crate::storage::Storage;
use plywood_core::op::Reduction;
use plywood_core::{Graph, Op, Shape, Values, Var};
use plywood_fusion::plan::{Kernel, Per};
use smallvec::{SmallVec, smallvec};

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
    let made = prepared.made(splats, || program::program(graph, &planned.plan, kernel, splats));
    let (mut storages, taken) = outputs(&mut inputs, &prepared.types, &made.overwrites);
    // What is reduced comes in parts first.
    for ((storage, ty), x) in storages.iter_mut().zip(&prepared.types).zip(&kernel.outputs) {
        if x.per == Per::Row {
            *storage = Storage::overwritten(count * ty.dtype.size());
        }
    }
    let mut part = |first: usize, rows: usize, columns: usize| {
        let sizes = [rows, columns];
        let step = |splat: bool, size: usize| -> Strides {
            if splat { smallvec![0, 0] } else { smallvec![(COLUMNS * size) as isize, size as isize] }
        };
        let written: SmallVec<[Operand<'_>; 4]> =
            (storages.iter_mut().zip(&prepared.types).zip(&kernel.outputs))
                .map(|((storage, ty), x)| {
                    let size = ty.dtype.size();
                    let bytes = storage.as_mut_slice::<u8>().expect("new, or nobody else holds it");
                    let (offset, strides) = match x.per {
                        Per::Element => (first * COLUMNS * size, step(false, size)),
                        Per::Row => (first * size, smallvec![size as isize, 0]),
                    };
                    Operand::write(bytes, offset, &sizes, &strides, size)
                })
                .collect();
        let mut all: SmallVec<[Operand<'_>; 12]> = SmallVec::new();
        for (i, x) in inputs.iter().enumerate() {
            let splat = splats >> i & 1 == 1;
            all.push(match taken[i] {
                Some(j) => written[j].alias(),
                None => {
                    let CpuData { layout, storage } = data::data(x);
                    let size = x.dtype().size();
                    let offset = layout.offset + if splat { 0 } else { first * COLUMNS };
                    Operand::read(storage.bytes(), offset * size, &sizes, &step(splat, size), size)
                }
            });
        }
        all.extend(written);
        launch(made.code, &sizes, &all, 0, 1);
    };
    let whole = n / COLUMNS;
    if whole > 0 {
        part(0, whole, COLUMNS);
    }
    if n > whole * COLUMNS {
        part(whole, 1, n - whole * COLUMNS);
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
    finished(prepared, storages)
}

/// How an output of a kernel was reduced.
fn kind(graph: &Graph, kernel: &Kernel, v: Var) -> Reduction {
    let mut equations = kernel.equations.iter().map(|&i| &graph.equations()[i]);
    match equations.find(|e| e.outputs.contains(&v)).map(|e| &e.op) {
        Some(Op::Reduce { kind, .. }) => *kind,
        op => unreachable!("{op:?} is no reduction"),
    }
}
