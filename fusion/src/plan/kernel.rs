//! From a group to kernels: what is read and written, and whether a contraction comes before.

use super::groups::{Open, Planner, Source};
use super::{Kernel, Operand, Per, Step};
use plywood_core::{Op, Var};

/// Outputs of a kernel, at most.
pub(super) const OUTPUTS: usize = 8;

/// The steps of a group: one, or several where it has too many outputs.
pub(super) fn kernels(planner: &mut Planner<'_>, open: &Open) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut left = vec![&open.equations[..]];
    while let Some(equations) = left.pop() {
        let kernel = kernel(planner, open, equations);
        if kernel.outputs.len() > OUTPUTS {
            let (first, second) = equations.split_at(equations.len() / 2);
            left.extend([second, first]);
            continue;
        }
        // What nobody reads is not computed.
        if !kernel.outputs.is_empty() {
            steps.push(step(planner, kernel));
        }
    }
    steps
}

/// The kernel of some of a group's equations.
fn kernel(planner: &mut Planner<'_>, open: &Open, equations: &[(usize, Per)]) -> Kernel {
    let graph = planner.graph;
    let of = |&(i, per): &(usize, Per)| (&graph.equations()[i], per);
    // How often each variable is read inside; outputs inside are marked.
    const INSIDE: u32 = 1 << 31;
    let uses = &mut planner.uses;
    for (e, _) in equations.iter().map(of) {
        uses[e.outputs[0].0 as usize] = INSIDE;
    }
    let mut inputs: Vec<Operand> = Vec::new();
    let mut read: Vec<Var> = Vec::new();
    for (e, per) in equations.iter().map(of) {
        for &v in &e.inputs {
            uses[v.0 as usize] += 1;
            read.push(v);
            if uses[v.0 as usize] & INSIDE != 0 || planner.sources[v.0 as usize] == Source::Number {
                continue;
            }
            let per = per.read_by(e);
            let view = match planner.sources[v.0 as usize] {
                Source::View(j) => {
                    let of = graph.equations()[j].inputs[0];
                    let there = !matches!(planner.sources[of.0 as usize], Source::View(_) | Source::Number);
                    // A row's view is read as it is, but of a number.
                    let whole = per == Per::Element || graph.ty(of).elements() == 1;
                    (there && whole).then_some((of, j))
                }
                _ => None,
            };
            let operand = match view {
                Some((var, j)) => Operand { var, per, view: Some(j) },
                None => Operand { var: v, per, view: None },
            };
            if !inputs.contains(&operand) {
                inputs.push(operand);
            }
        }
    }
    let mut outputs = Vec::new();
    for (e, per) in equations.iter().map(of) {
        let v = e.outputs[0];
        if planner.readers[v.0 as usize] > uses[v.0 as usize] & !INSIDE {
            outputs.push(Operand { var: v, per, view: None });
        }
    }
    read.into_iter().for_each(|v| uses[v.0 as usize] = 0);
    equations.iter().map(of).for_each(|(e, _)| uses[e.outputs[0].0 as usize] = 0);
    let reduces = equations.iter().map(of).any(|(e, _)| matches!(e.op, Op::Reduce { .. }));
    Kernel {
        shape: open.shape.clone(),
        trailing: open.trailing,
        blocks: open.blocks && reduces,
        lanes: open.lanes,
        equations: equations.iter().map(|(i, _)| *i).collect(),
        per: equations.iter().map(|(_, per)| *per).collect(),
        inputs,
        outputs,
    }
}

/// Whether an operand is a number for each element, which would have to be repeated.
fn is_number(planner: &Planner<'_>, x: &Operand) -> bool {
    x.view.is_some() && planner.graph.ty(x.var).elements() == 1
}

/// Whether an equation, a kernel by itself, reads numbers, which kernels have inside. (Of single elements they cost nothing.)
fn reads_numbers(planner: &Planner<'_>, kernel: &Kernel, i: usize) -> bool {
    let constant = |v: &Var| kernel.shape.elements() > 1 && planner.source(*v) == Source::Number;
    kernel.inputs.iter().any(|x| is_number(planner, x))
        || planner.graph.equations()[i].inputs.iter().any(constant)
}

/// A kernel as a step: after a contraction whose output it alone reads, or as an operation alone.
fn step(planner: &mut Planner<'_>, kernel: Kernel) -> Step {
    let graph = planner.graph;
    let read = |v: Var| {
        let inputs = kernel.equations.iter().flat_map(|&i| &graph.equations()[i].inputs);
        inputs.filter(|x| **x == v).count() as u32
    };
    let after = |(i, x): (usize, &Operand)| match planner.source(x.var) {
        Source::Dot(place) if x.view.is_none() && x.per == Per::Element => {
            let alone = planner.readers[x.var.0 as usize] == read(x.var);
            let Some(Step::One(dot)) = planner.steps[place] else { return None };
            (alone && kernel.trailing == 0 && kernel.shape.elements() > 1).then_some((dot, i))
        }
        _ => None,
    };
    if let Some((dot, input)) = kernel.inputs.iter().enumerate().rev().find_map(after) {
        return Step::Contract { dot, kernel, input };
    }
    match kernel.equations[..] {
        // Alone, unless numbers would be made for it.
        [i] if !reads_numbers(planner, &kernel, i) => Step::One(i),
        _ => Step::Kernel(kernel),
    }
}
