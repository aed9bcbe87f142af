//! Kernels of one program over different tensors: one launch, whose pieces threads share.

use super::operands::Operands;
use super::{Planned, Prepared, finished, give, outputs, program, read};
use crate::kernel::launch::{Launch, Operand, launch_all};
use plywood_core::{Graph, Value, Values, Var};
use plywood_fusion::plan::Kernel;
use smallvec::SmallVec;

/// Runs them, and puts what they give among the values.
pub fn run(
    planned: &Planned,
    graph: &Graph,
    kernels: &[Kernel],
    prepared: &[Prepared],
    values: &mut [Option<Value>],
    dead: &[Var],
) {
    let all = || kernels.iter().zip(prepared);
    // What several of them read is given up by none.
    let once: Vec<Var> = dead
        .iter()
        .copied()
        .filter(|v| kernels.iter().filter(|k| k.inputs.iter().any(|x| x.var == *v)).count() == 1)
        .collect();
    let mut inputs: Vec<Values> =
        kernels.iter().map(|kernel| read(values, &kernel.inputs, &once, None)).collect();
    if prepared.iter().all(|p| p.flat.is_some()) {
        for ((kernel, prepared), inputs) in all().zip(inputs) {
            give(kernel, planned.kernel(graph, kernel, prepared, inputs), values);
        }
        return;
    }
    let operands: Vec<Operands> = kernels
        .iter()
        .zip(&mut inputs)
        .map(|(kernel, inputs)| Operands::new(graph, kernel, inputs))
        .collect();
    let mut made = Vec::with_capacity(kernels.len());
    let mut storages = Vec::with_capacity(kernels.len());
    for (((kernel, prepared), operands), inputs) in all().zip(&operands).zip(&mut inputs) {
        let code = prepared.made(operands.splats, || program(graph, &planned.plan, kernel, operands.splats));
        let (own, taken) = outputs(inputs, &prepared.types, &code.overwrites);
        made.push((code, taken));
        storages.push(own);
    }
    {
        let mut launched: Vec<SmallVec<[Operand<'_>; 12]>> = Vec::with_capacity(kernels.len());
        for (((((kernel, prepared), operands), inputs), (_, taken)), storages) in
            all().zip(&operands).zip(&inputs).zip(&made).zip(&mut storages)
        {
            launched.push(operands.launched(inputs, taken, kernel, storages, &prepared.types));
        }
        let launches: Vec<Launch<'_>> = (kernels.iter().zip(&made).zip(&operands).zip(&launched))
            .filter(|(((kernel, _), _), _)| kernel.shape.elements() > 0)
            .map(|(((_, (made, _)), operands), launched)| Launch {
                kernel: made.code,
                sizes: &operands.sizes,
                operands: launched,
            })
            .collect();
        launch_all(&launches);
    }
    for ((kernel, prepared), storages) in all().zip(storages) {
        give(kernel, finished(&prepared.types, storages), values);
    }
}
