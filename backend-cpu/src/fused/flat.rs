//! The short way of small kernels: whose operands all lie in order, which are rows and columns, and which one thread does.
//!
//! What such a kernel needs is worked out once; a call looks at its operands and goes.

use super::operands::Operands;
use super::{Made, finished, fused, outputs, program};
use crate::data::{self, CpuData};
use crate::kernel::cache::compile;
use crate::kernel::launch::{Side, alone};
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
}

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
        Some(Flat { sizes, splats: operands.splats, steps, code: OnceLock::new() })
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
        let in_order = |x: &Value| data::data(x).layout.is_contiguous(x.shape());
        let code = self.code.get_or_init(|| {
            let fused::Made { program, overwrites } = program(graph, plan, kernel, self.splats);
            let code = compile(&program);
            code.is_for_one_thread(self.sizes).then_some(Made { splats: self.splats, code, overwrites })
        });
        let Some(made) = code else { return Err(inputs) };
        if !inputs.iter().all(in_order) {
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
