//! A batch of products, a kernel over them, and the products of what comes of it, as one step that goes batch by batch: what lies between is
//! the size of one batch, and stays in the caches. So attention never has its scores in memory, nor the gradient of it the scores'
//! gradients.
//!
//! What always holds: nothing else reads the first product; the kernel's rows lie within a batch; a step that is moved up to where the chain is
//! reads what stands before.

use super::{Device, Fuses, Kernel, Per, Step, reads};
use plywood_core::op::Dot;
use plywood_core::{Graph, Op, Var};
use std::collections::HashSet;

/// Elements of a product, at least: of smaller ones many are done together sooner.
const SMALL: usize = 32 * 32;
/// Bytes of a product, at most: more would not stay in the caches.
const LARGE: usize = 4 << 20;
/// Elements of a row, at least.
const SHORT: usize = 8;

/// Products, a kernel, products.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// The contraction that comes first.
    pub dot: usize,
    /// What is done with its output.
    pub kernel: Kernel,
    /// Which of the kernel's inputs its output is.
    pub input: usize,
    /// How many of the domain's first axes are batches; two are left.
    pub batch: usize,
    /// What comes after.
    pub then: Vec<Then>,
    /// For each of the kernel's outputs whether only what comes after reads it.
    pub hidden: Vec<bool>,
    /// The same, one after another: for devices whose threads would not share the batches evenly.
    pub alone: Vec<Step>,
}

/// A contraction of a kernel's output with something that was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Then {
    /// The contraction.
    pub dot: usize,
    /// Which output of the kernel it reads.
    pub output: usize,
    /// On which side: 0, 1.
    pub side: usize,
}

impl Chain {
    /// What outlives it: outputs of the kernel, and those of the contractions that come after.
    pub fn outputs<'a>(&'a self, graph: &'a Graph) -> impl Iterator<Item = Var> + 'a {
        let of_kernel = self.kernel.outputs.iter().zip(&self.hidden).filter(|(_, hidden)| !**hidden);
        let then = self.then.iter().map(|then| graph.equations()[then.dot].outputs[0]);
        of_kernel.map(|(x, _)| x.var).chain(then)
    }

    /// What it reads: the first contraction's operands, the kernel's other inputs, then each other operand.
    pub fn reads(&self, graph: &Graph) -> Vec<Var> {
        let others =
            self.kernel.inputs.iter().enumerate().filter(|(i, _)| *i != self.input).map(|(_, x)| x.var);
        let then = self.then.iter().map(|then| graph.equations()[then.dot].inputs[1 - then.side]);
        graph.equations()[self.dot].inputs.iter().copied().chain(others).chain(then).collect()
    }

    /// Its equations, in order.
    pub fn equations(&self) -> impl Iterator<Item = usize> + '_ {
        let then = self.then.iter().map(|then| then.dot);
        std::iter::once(self.dot).chain(self.kernel.equations.iter().copied()).chain(then)
    }
}

/// The steps, with chains.
pub(super) fn chained(graph: &Graph, device: &dyn Device, steps: Vec<Step>) -> Vec<Step> {
    if !device.chains()
        || !graph.equations().iter().any(|e| contraction(graph, device, e).is_some_and(is_batched))
    {
        return steps;
    }
    let count = graph.definitions().len();
    let mut search =
        Search { graph, device, given: vec![None; count], readers: vec![Vec::new(); count], steps: vec![] };
    for (s, step) in steps.iter().enumerate() {
        super::outputs(graph, step).into_iter().for_each(|v| search.given[v.0 as usize] = Some(s));
        let read: HashSet<Var> = reads(graph, step).into_iter().collect();
        read.into_iter().for_each(|v| search.readers[v.0 as usize].push(s));
    }
    graph.outputs().iter().for_each(|v| search.readers[v.0 as usize].push(usize::MAX));
    search.steps = steps.into_iter().map(|step| vec![step]).collect();
    for s in 0..search.steps.len() {
        search.at(s);
    }
    search.steps.into_iter().flatten().collect()
}

fn is_batched(dot: &Dot) -> bool {
    !dot.lhs_batch.is_empty()
}

/// The contraction that an equation is, if kernels go on with it.
fn contraction<'a>(graph: &Graph, device: &dyn Device, e: &'a plywood_core::Equation) -> Option<&'a Dot> {
    match &e.op {
        Op::Dot(dot) if device.fuses(graph, e) == Fuses::Contraction => Some(dot),
        _ => None,
    }
}

struct Search<'a> {
    graph: &'a Graph,
    device: &'a dyn Device,
    /// For each variable: the step that gives it.
    given: Vec<Option<usize>>,
    /// For each variable: the steps that read it; the graph's outputs are read by the last of all.
    readers: Vec<Vec<usize>>,
    /// What is done at the place of each step that there was.
    steps: Vec<Vec<Step>>,
}

impl Search<'_> {
    /// Makes a chain of a step, if there is one.
    fn at(&mut self, s: usize) {
        let Some((dot, input)) = self.first(s) else { return };
        let kernel = match &self.steps[s][..] {
            [Step::Kernel(kernel)] | [Step::Contract { kernel, .. }] => kernel.clone(),
            _ => return,
        };
        let batch = kernel.shape.len() - 2;
        let (mut then, mut before) = (Vec::new(), Vec::new());
        for (output, x) in kernel.outputs.iter().enumerate().filter(|(_, x)| x.per == Per::Element) {
            for t in self.readers[x.var.0 as usize].clone() {
                if let Some(next) = self.then((s, t), batch, x.var, &mut before) {
                    then.push((t, Then { output, ..next }));
                }
            }
        }
        let moved: HashSet<usize> = then.iter().map(|(t, _)| *t).collect();
        let hidden = |v: Var| self.readers[v.0 as usize].iter().all(|t| moved.contains(t));
        let hidden: Vec<bool> = kernel.outputs.iter().map(|x| hidden(x.var)).collect();
        let then: Vec<Then> = then.into_iter().map(|(_, then)| then).collect();
        if let Some(own) =
            self.given[self.graph.equations()[dot].outputs[0].0 as usize].filter(|own| *own != s)
        {
            self.steps[own].clear();
        }
        let after = then.iter().map(|then| Step::One(then.dot));
        let alone = [Step::One(dot), Step::Kernel(kernel.clone())].into_iter().chain(after).collect();
        let chain = Step::Chain(Box::new(Chain { dot, kernel, input, batch, then, hidden, alone }));
        let mut steps: Vec<Step> = before.iter().flat_map(|&t| std::mem::take(&mut self.steps[t])).collect();
        moved.iter().for_each(|&t| self.steps[t].clear());
        steps.push(chain);
        for v in steps.iter().flat_map(|step| super::outputs(self.graph, step)) {
            self.given[v.0 as usize] = Some(s);
        }
        self.steps[s] = steps;
    }

    /// The contraction before a step that is a kernel, and which of its inputs its output is.
    fn first(&self, s: usize) -> Option<(usize, usize)> {
        let (kernel, known) = match &self.steps[s][..] {
            [Step::Kernel(kernel)] if !kernel.blocks && kernel.trailing <= 1 => (kernel, None),
            [Step::Contract { dot, kernel, input }] => (kernel, Some((*dot, *input))),
            _ => return None,
        };
        let fits = |dot: usize| {
            let e = &self.graph.equations()[dot];
            let ty = self.graph.ty(e.outputs[0]);
            let shape = &ty.shape;
            let (Some(of), [.., rows, columns]) = (contraction(self.graph, self.device, e), &shape[..])
            else {
                return false;
            };
            let batch = of.lhs_batch.len();
            let product = rows * columns;
            // One axis of rows, one of columns: those of both operands that are not summed.
            let [left, right] = [0, 1].map(|side| self.graph.ty(e.inputs[side]).rank());
            let two = of.lhs_free(left).len() == 1 && of.rhs_free(right).len() == 1;
            let there = e.inputs.iter().all(|v| self.graph.ty(*v).elements() > 0);
            is_batched(of)
                && two
                && there
                && *shape == kernel.shape
                && shape[..batch].iter().product::<usize>() > 1
                && *columns >= SHORT
                && (SMALL..=LARGE / ty.dtype.size()).contains(&product)
        };
        if let Some((dot, input)) = known {
            return fits(dot).then_some((dot, input));
        }
        let mut inputs = kernel.inputs.iter().enumerate();
        inputs.find_map(|(input, x)| {
            let own = self.given[x.var.0 as usize]?;
            let [Step::One(dot)] = self.steps[own][..] else { return None };
            let whole = x.view.is_none() && x.per == Per::Element;
            // Once, by this step alone.
            let alone = self.readers[x.var.0 as usize] == [s];
            let once = kernel.inputs.iter().filter(|y| y.var == x.var).count() == 1;
            (whole && alone && once && fits(dot)).then_some((dot, input))
        })
    }

    /// The contraction that a later step is, if it can be done batch by batch right after; what must be done before is put in.
    fn then(&self, (s, t): (usize, usize), batch: usize, v: Var, before: &mut Vec<usize>) -> Option<Then> {
        let [Step::One(dot)] = self.steps.get(t)?[..] else { return None };
        let e = &self.graph.equations()[dot];
        let of = contraction(self.graph, self.device, e)?;
        let side = match e.inputs[..] {
            [x, y] if x == v && y != v => 0,
            [x, y] if y == v && x != v => 1,
            _ => return None,
        };
        let (batches, summed) = match side {
            0 => (&of.lhs_batch, &of.lhs_contracting),
            _ => (&of.rhs_batch, &of.rhs_contracting),
        };
        let other = e.inputs[1 - side];
        let fits = batches.iter().copied().eq(0..batch)
            && summed.len() == 1
            && self.graph.ty(other).elements() > 0
            && t > s;
        (fits && self.is_there(s, other, before)).then_some(Then { dot, output: 0, side })
    }

    /// Whether a variable is there before a step, or can be: a view of something that is.
    fn is_there(&self, s: usize, v: Var, before: &mut Vec<usize>) -> bool {
        let Some(own) = self.given[v.0 as usize].filter(|own| *own >= s) else { return true };
        let [Step::One(i)] = self.steps[own][..] else { return before.contains(&own) };
        let e = &self.graph.equations()[i];
        let view = matches!(e.op, Op::Transpose { .. } | Op::Reshape { .. } | Op::Broadcast { .. });
        if own == s || !view || !e.inputs.iter().all(|x| self.is_there(s, *x, before)) {
            return false;
        }
        if !before.contains(&own) {
            before.push(own);
        }
        true
    }
}
