//! The planner: which equations of a graph become one kernel, and in which order kernels and single operations run.
//!
//! A kernel goes over the elements of one shape, its domain. What is element-wise over the domain is computed element by
//! element; reductions over the domain's last axes, and what is element-wise over their results, row by row, so that a
//! softmax is one kernel; a broadcast of such results back over the domain is nothing at all. Views of other values
//! (broadcasts, transposes) are read in place. What follows a contraction element by element is done on its output while it
//! is warm ([`Step::Contract`]); what stands between batches of products goes from one to the next ([`Step::Chain`]).
//!
//! What always holds: steps are in an order in which whatever is read stands before; planning takes time that grows with
//! the number of equations; numbers that fill a tensor, and views that only kernels read, are not made.

mod chains;
mod explain;
mod groups;
mod kernel;
mod scalars;
#[cfg(test)]
mod tests;
mod together;

pub use chains::{Chain, Then};
pub use explain::{Known, explain};

use plywood_core::{DType, Equation, Graph, Op, Shape, Var};

/// What the planner asks a device.
pub trait Device {
    /// What a kernel of this device can do of an equation.
    fn fuses(&self, graph: &Graph, e: &Equation) -> Fuses;

    /// Whether a value of this dtype, made in a kernel of such lanes, may be read again there.
    fn keeps(&self, lanes: Lanes, dtype: DType) -> bool;

    /// Whether it runs chains.
    fn chains(&self) -> bool;
}

/// Registers of one width: equations of different ones do not share a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lanes(pub u8);

/// What a kernel can do of an equation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fuses {
    /// Nothing: it is a step of its own.
    No,
    /// It computes each element from the same element of its inputs; in these lanes, or in any.
    Elementwise(Option<Lanes>),
    /// It is a reduction whose axes, if they are the last ones, can be a row; if they are all of a large tensor, they can be
    /// reduced in blocks whose results are reduced again, where `blocks` says so.
    Reduction {
        /// The lanes.
        lanes: Lanes,
        /// Whether in blocks.
        blocks: bool,
    },
    /// It is a contraction, on whose output a kernel can go on.
    Contraction,
}

/// What runs at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One equation, by its place in the graph.
    One(usize),
    /// Several as one kernel.
    Kernel(Kernel),
    /// A contraction, by its place in the graph, and a kernel over its output, which is that input of the kernel and is read
    /// nowhere else.
    Contract {
        /// The contraction.
        dot: usize,
        /// What is done with its output.
        kernel: Kernel,
        /// Which of the kernel's inputs its output is.
        input: usize,
    },
    /// Kernels of one program, over different tensors, that run as one.
    Together(Vec<Kernel>),
    /// A batch of products, a kernel over them, and products of what comes of it, batch by batch.
    Chain(Box<Chain>),
}

/// Whether there is a value for each element of a kernel's domain, or for each row of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// Each element.
    Element,
    /// Each row: the last axes are gone, or have size 1.
    Row,
}

/// What a kernel reads or writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The variable.
    pub var: Var,
    /// How much of it there is.
    pub per: Per,
    /// The equation, a broadcast or a transposition of the variable, whose output is meant.
    pub view: Option<usize>,
}

impl Operand {
    /// The variable that equations name where they read it.
    pub fn name(&self, graph: &Graph) -> Var {
        self.view.map_or(self.var, |i| graph.equations()[i].outputs[0])
    }
}

impl Per {
    /// How much of its inputs an equation reads, of whose output there is so much.
    pub fn read_by(self, e: &Equation) -> Per {
        match e.op {
            Op::Reduce { .. } => Per::Element,
            Op::Broadcast { .. } => Per::Row,
            _ => self,
        }
    }
}

/// Equations over one domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel {
    /// The domain.
    pub shape: Shape,
    /// How many of its last axes are a row; 0 where nothing is reduced.
    pub trailing: usize,
    /// Whether the row, which is the whole domain, is so long that it is reduced in blocks, whose results are reduced again: none is
    /// read in the kernel.
    pub blocks: bool,
    /// What its registers hold, if that matters to any of its equations.
    pub lanes: Option<Lanes>,
    /// Places in the graph, in order.
    pub equations: Vec<usize>,
    /// For each equation, how much of its output there is.
    pub per: Vec<Per>,
    /// What it reads.
    pub inputs: Vec<Operand>,
    /// What others read of it, the graph's outputs among them.
    pub outputs: Vec<Operand>,
}

/// A graph's steps, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step, the variables that nothing reads afterwards.
    pub dead: Vec<Vec<Var>>,
    /// For each variable, the equation that gives it.
    pub definitions: Vec<Option<usize>>,
}

/// The plan of a graph for a device.
pub fn plan(graph: &Graph, device: &dyn Device) -> Plan {
    let steps = scalars::absorbed(graph, device, groups::steps(graph, device));
    let steps = chains::chained(graph, device, steps);
    let steps = together::joined(graph, steps);
    finish(graph, steps)
}

/// What a step reads.
pub fn reads(graph: &Graph, step: &Step) -> Vec<Var> {
    match step {
        Step::One(i) => graph.equations()[*i].inputs.to_vec(),
        Step::Kernel(kernel) => kernel.inputs.iter().map(|x| x.var).collect(),
        Step::Together(kernels) => kernels.iter().flat_map(|k| &k.inputs).map(|x| x.var).collect(),
        Step::Contract { dot, kernel, input } => {
            let others = kernel.inputs.iter().enumerate().filter(|(i, _)| i != input).map(|(_, x)| x.var);
            graph.equations()[*dot].inputs.iter().copied().chain(others).collect()
        }
        Step::Chain(chain) => chain.reads(graph),
    }
}

/// What a step makes that stays when it is done.
fn outputs(graph: &Graph, step: &Step) -> Vec<Var> {
    match step {
        Step::One(i) => graph.equations()[*i].outputs.to_vec(),
        Step::Kernel(k) | Step::Contract { kernel: k, .. } => k.outputs.iter().map(|x| x.var).collect(),
        Step::Together(kernels) => kernels.iter().flat_map(|k| &k.outputs).map(|x| x.var).collect(),
        Step::Chain(chain) => chain.outputs(graph).collect(),
    }
}

/// Whether an equation gives a number everywhere, or a view: what kernels take in.
fn is_absorbed(op: &Op) -> bool {
    matches!(op, Op::Full { .. } | Op::Broadcast { .. } | Op::Transpose { .. })
}

/// The steps that are needed, and what each one reads for the last time.
fn finish(graph: &Graph, steps: Vec<Step>) -> Plan {
    let definitions = graph.definitions();
    let mut read = vec![false; definitions.len()];
    graph.outputs().iter().for_each(|v| read[v.0 as usize] = true);
    // From the last step to the first: a number or a view is made where something that is made reads it.
    let mut needed: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps.into_iter().rev() {
        if let Step::One(i) = step {
            let e = &graph.equations()[i];
            if is_absorbed(&e.op) && !e.outputs.iter().any(|v| read[v.0 as usize]) {
                continue;
            }
        }
        reads(graph, &step).into_iter().for_each(|v| read[v.0 as usize] = true);
        needed.push(step);
    }
    needed.reverse();
    let mut last = vec![None; definitions.len()];
    for (i, step) in needed.iter().enumerate() {
        reads(graph, step).into_iter().for_each(|v| last[v.0 as usize] = Some(i));
    }
    graph.outputs().iter().for_each(|v| last[v.0 as usize] = None);
    let mut dead = vec![Vec::new(); needed.len()];
    for (v, last) in last.into_iter().enumerate() {
        if let Some(i) = last {
            dead[i].push(Var(v as u32));
        }
    }
    Plan { steps: needed, dead, definitions }
}
