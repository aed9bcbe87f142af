//! The short way of small kernels: whose operands all lie in order, which are rows and columns, and which one thread does.
//!
//! What such a kernel needs is worked out once; a call looks at its operands and goes.

use super::operands::Operands;
use super::{Made, finished, fused, outputs, program};
use crate::data::{self, CpuData};
use crate::kernel::cache::compile;
use crate::kernel::launch::{Side, alone};
use crate::layout::Layout;
use crate::storage::Storage;
use plywood_core::TensorType;
use plywood_core::op::Types;
use plywood_core::{Graph, Value, Values};
use plywood_fusion::plan::{Kernel, Per, Plan};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// Elements of a small kernel, at most.
const SMALL: usize = 1 << 14;

/// A small kernel.
pub struct Flat {
    /// Rows and columns.
    sizes: [usize; 2],
    splats: u32,
    /// For inputs, then outputs, elements from row to row.
    steps: SmallVec<[usize; 14]>,
    code: OnceLock<Option<Made>>,
    /// How the first output lies.
    layout: Layout,
}

/// Inputs of a kernel with one output that goes the shortest way, at most.
const FEW: usize = 5;

impl Flat {
    /// A kernel of few elements whose inputs can be read in place if they lie in order.
    pub fn new(graph: &Graph, kernel: &Kernel) -> Option<Flat> {
        if !(1..=SMALL).contains(&kernel.shape.elements()) || kernel.blocks {
            return None;
        }
        let operands = Operands::in_order(graph, kernel)?;
        let (sizes, mut steps) = operands.two()?;
        let (of_rows, of_elements) = (steps.pop()?, steps.pop()?);
        let output = |per: &Per| match per {
            Per::Element => of_elements,
            Per::Row => of_rows,
        };
        steps.extend(kernel.outputs.iter().map(|x| output(&x.per)));
        let layout = Layout::row_major(&graph.ty(kernel.outputs[0].var).shape);
        Some(Flat { sizes, splats: operands.splats, steps, code: OnceLock::new(), layout })
    }

    /// Its code, where one thread does it.
    #[inline]
    fn made(&self, graph: &Graph, plan: &Plan, kernel: &Kernel) -> Option<&Made> {
        let make = || {
            let fused::Made { program, overwrites } = program(graph, plan, kernel, self.splats);
            let code = compile(&program);
            code.is_for_one_thread(self.sizes).then_some(Made { splats: self.splats, code, overwrites })
        };
        self.code.get_or_init(make).as_ref()
    }

    /// Runs a kernel of one output and few inputs, which are those at `places` of a graph's (in their order where there are none);
    /// none, and nothing done, where it goes another way.
    pub fn one(
        &self,
        (graph, plan, kernel): (&Graph, &Plan, &Kernel),
        ty: &TensorType,
        places: &[usize],
        inputs: &mut Values,
    ) -> Option<Value> {
        let n = kernel.inputs.len();
        if kernel.outputs.len() != 1 || n > FEW || !inputs.iter().all(is_in_order) {
            return None;
        }
        let made = self.made(graph, plan, kernel)?;
        let place = |k: usize| if places.is_empty() { k } else { places[k] };
        let fits = made.overwrites[0];
        let is_own = |&k: &usize| fits >> k & 1 == 1 && (0..n).all(|j| j == k || place(j) != place(k));
        let own = (0..n).filter(is_own).find_map(|k| {
            let x = &mut inputs[place(k)];
            let full = x.holders() == 1 && x.ty().elements() == ty.elements();
            full.then(|| data::take(x)).flatten().map(|storage| (k, storage))
        });
        let (own, mut storage) = match own {
            Some((k, storage)) => (k, storage),
            None => (n, Storage::overwritten(ty.bytes())),
        };
        let mut sides = [Side::Same(0); FEW];
        for (k, side) in sides[..n].iter_mut().enumerate().filter(|(k, _)| *k != own) {
            let x = &inputs[place(k)];
            let CpuData { layout, storage } = data::data(x);
            *side = Side::Read(&storage.bytes()[layout.offset * x.dtype().size()..]);
        }
        let written = storage.as_mut_slice::<u8>().expect("new, or nobody else holds it");
        alone(made.code, self.sizes, &self.steps, &sides[..n], &mut [written]);
        Some(data::value(ty.clone(), self.layout.clone(), storage))
    }

    /// Runs it; gives the inputs back where they do not lie in order, or threads should share the work.
    pub fn run(
        &self,
        graph: &Graph,
        plan: &Plan,
        kernel: &Kernel,
        types: &Types,
        mut inputs: Values,
    ) -> Result<Values, Values> {
        let Some(made) = self.made(graph, plan, kernel) else { return Err(inputs) };
        if !inputs.iter().all(is_in_order) {
            return Err(inputs);
        }
        let (mut storages, taken) = outputs(&mut inputs, types, &made.overwrites);
        {
            let mut sides: SmallVec<[Side<'_>; 12]> = SmallVec::new();
            for (x, taken) in inputs.iter().zip(&taken) {
                sides.push(match taken {
                    Some(j) => Side::Same(*j),
                    None => {
                        let CpuData { layout, storage } = data::data(x);
                        Side::Read(&storage.bytes()[layout.offset * x.dtype().size()..])
                    }
                });
            }
            let mut written: SmallVec<[&mut [u8]; 4]> = storages
                .iter_mut()
                .map(|s| s.as_mut_slice::<u8>().expect("new, or nobody else holds it"))
                .collect();
            alone(made.code, self.sizes, &self.steps, &sides, &mut written);
        }
        Ok(finished(types, storages))
    }
}

fn is_in_order(x: &Value) -> bool {
    data::data(x).layout.is_contiguous(x.shape())
}
