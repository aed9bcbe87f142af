//! Scalars that one kernel alone reads are computed in it, once a row, before its elements: a correction of a step size, a norm's
//! factor. So an optimizer's update is one kernel.

use super::{Device, Fuses, Kernel, Operand, Per, Step};
use plywood_core::{Graph, Op};

/// Equations of a kernel that took scalars in, at most.
const EQUATIONS: usize = 112;
/// What it reads, at most.
const INPUTS: usize = 22;

/// Elements of a row that are worth a few scalars.
const LONG: usize = 256;

/// The steps without those that kernels took in.
pub(super) fn absorbed(graph: &Graph, device: &dyn Device, steps: Vec<Step>) -> Vec<Step> {
    let definitions = graph.definitions();
    let count = definitions.len();
    // For each variable: the step that gives it, how many steps read it (the graph's outputs, too).
    let (mut given, mut readers) = (vec![None; count], vec![0u32; count]);
    graph.outputs().iter().for_each(|v| readers[v.0 as usize] += 1);
    for (s, step) in steps.iter().enumerate() {
        super::outputs(graph, step).into_iter().for_each(|v| given[v.0 as usize] = Some(s));
        let mut read = super::reads(graph, step);
        read.sort_unstable();
        read.dedup();
        read.into_iter().for_each(|v| readers[v.0 as usize] += 1);
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    // Views that only kernels read are not made, so that their reading does not count.
    for step in steps.iter().flatten() {
        if let Step::One(i) = step
            && super::is_absorbed(&graph.equations()[*i].op)
            && readers[graph.equations()[*i].outputs[0].0 as usize] == 0
        {
            graph.equations()[*i].inputs.iter().for_each(|v| readers[v.0 as usize] -= 1);
        }
    }
    for s in 0..steps.len() {
        let Some(Step::Kernel(_)) = &steps[s] else { continue };
        let Some(Step::Kernel(mut kernel)) = steps[s].take() else { unreachable!("it was just seen") };
        while let Some((from, scalars)) = kernel.inputs.iter().find_map(|x| {
            let from = given[x.var.0 as usize]?;
            let scalars = scalars(graph, device, &definitions, steps[from].as_ref()?)?;
            fits(graph, device, &kernel, &scalars, &readers).then_some((from, scalars))
        }) {
            kernel = merged(kernel, scalars);
            steps[from] = None;
        }
        steps[s] = Some(Step::Kernel(kernel));
    }
    steps.into_iter().flatten().collect()
}

/// A step that computes scalars, as a kernel.
fn scalars(graph: &Graph, device: &dyn Device, definitions: &[Option<usize>], step: &Step) -> Option<Kernel> {
    match step {
        Step::Kernel(kernel) => {
            (kernel.shape.elements() == 1 && kernel.trailing == 0).then(|| kernel.clone())
        }
        Step::One(i) => {
            let e = &graph.equations()[*i];
            let ty = graph.ty(*e.outputs.first()?);
            let Fuses::Elementwise(lanes) = device.fuses(graph, e) else { return None };
            let mut inputs: Vec<Operand> = Vec::new();
            for &var in &e.inputs {
                let made = definitions[var.0 as usize].map(|i| &graph.equations()[i].op);
                let number = matches!(made, Some(Op::Full { .. }));
                let operand = Operand { var, per: Per::Element, view: None };
                if !number && !inputs.contains(&operand) {
                    inputs.push(operand);
                }
            }
            (ty.elements() == 1).then(|| Kernel {
                shape: ty.shape.clone(),
                trailing: 0,
                blocks: false,
                lanes,
                equations: vec![*i],
                per: vec![Per::Element],
                inputs,
                outputs: vec![Operand { var: e.outputs[0], per: Per::Element, view: None }],
            })
        }
        Step::Contract { .. } | Step::Together(_) | Step::Chain(_) => None,
    }
}

/// Whether a kernel can compute scalars which nothing else reads.
fn fits(graph: &Graph, device: &dyn Device, kernel: &Kernel, scalars: &Kernel, readers: &[u32]) -> bool {
    let lanes = kernel.lanes.or(scalars.lanes);
    let same = kernel.lanes.is_none() || scalars.lanes.is_none() || kernel.lanes == scalars.lanes;
    let keeps = |x: &Operand| lanes.is_none_or(|l| device.keeps(l, graph.ty(x.var).dtype));
    // Where operands are repeated there are many rows, and each computes them.
    let one_row = kernel.inputs.iter().all(|x| x.view.is_none() || graph.ty(x.var).elements() == 1);
    let long = kernel.shape.last().is_some_and(|&n| n >= LONG);
    kernel.shape.elements() > 1
        && (one_row || long)
        && same
        && scalars.outputs.iter().all(keeps)
        && kernel.equations.len() + scalars.equations.len() * 2 <= EQUATIONS
        && kernel.inputs.len() + scalars.inputs.len() <= INPUTS
        && scalars.outputs.iter().all(|x| readers[x.var.0 as usize] == 1)
        && scalars.outputs.iter().all(|x| kernel.inputs.iter().any(|y| y.var == x.var))
        // A view of a scalar for each element becomes an equation of the kernel.
        && kernel.inputs.iter().filter(|x| scalars.outputs.iter().any(|y| y.var == x.var)).all(|x| {
            x.view.is_none_or(|i| matches!(graph.equations()[i].op, Op::Broadcast { .. }))
        })
}

/// A kernel that computes scalars as well.
fn merged(kernel: Kernel, scalars: Kernel) -> Kernel {
    let Kernel { shape, trailing, blocks, lanes, equations, per, inputs, outputs } = kernel;
    let is_scalar = |x: &Operand| scalars.outputs.iter().any(|y| y.var == x.var);
    let mut all: Vec<(usize, Per)> = scalars.equations.iter().map(|&i| (i, Per::Row)).collect();
    for x in inputs.iter().filter(|x| is_scalar(x)) {
        if let Some(i) = x.view {
            let place = (i, Per::Element);
            if !all.contains(&place) {
                all.push(place);
            }
        }
    }
    all.extend(equations.into_iter().zip(per));
    let mut read: Vec<Operand> = inputs.into_iter().filter(|x| !is_scalar(x)).collect();
    for x in scalars.inputs {
        let of_row = Operand { per: Per::Row, ..x };
        if !read.contains(&of_row) {
            read.push(of_row);
        }
    }
    Kernel {
        shape,
        trailing,
        blocks,
        lanes: lanes.or(scalars.lanes),
        equations: all.iter().map(|x| x.0).collect(),
        per: all.iter().map(|x| x.1).collect(),
        inputs: read,
        outputs,
    }
}
