//! What improves a graph, one pass a file: from a graph to a graph that gives the same.
//!
//! What always holds: inputs and outputs stay, in number and order; captured inputs stay captured; the results are the same
//! bits. A pass that finds nothing to do gives an equal graph.

mod common;
mod fold;
mod inline;
mod loops;
mod simplify;

pub use common::common;
pub use fold::fold;
pub use inline::inline;
pub use loops::loops;
pub use simplify::simplify;

use plywood_core::{Equation, Graph, Op, TensorType, Var};
use smallvec::SmallVec;

/// Without what no output reads.
pub fn dead(graph: &Graph) -> Graph {
    graph.part(graph.inputs(), graph.outputs()).with_captured(graph.captured())
}

/// A pass and its name.
pub type Pass = (&'static str, fn(&Graph) -> Graph);

/// All passes, in their order.
pub const PASSES: [Pass; 6] = [
    ("inline", inline),
    ("loops", loops),
    ("fold", fold),
    ("simplify", simplify),
    ("common", common),
    ("dead", dead),
];

/// After all passes.
pub fn optimized(graph: &Graph) -> Graph {
    PASSES
        .iter()
        .fold(None, |g: Option<Graph>, (_, pass)| Some(pass(g.as_ref().unwrap_or(graph))))
        .expect("there are some")
}

/// A graph that is written anew, equation by equation.
struct Rewrite<'a> {
    old: &'a Graph,
    /// For each variable of the old graph, that of the new one which has its value.
    now: Vec<Option<Var>>,
    types: Vec<TensorType>,
    inputs: Vec<Var>,
    equations: Vec<Equation>,
}

impl<'a> Rewrite<'a> {
    fn new(old: &'a Graph) -> Self {
        let variables = old.inputs().iter().chain(old.equations().iter().flat_map(|e| &e.outputs));
        let count = variables.map(|v| v.0 as usize + 1).max().unwrap_or(0);
        let mut new = Rewrite {
            old,
            now: vec![None; count],
            types: Vec::new(),
            inputs: Vec::new(),
            equations: Vec::new(),
        };
        for &v in old.inputs() {
            let var = new.variable(old.ty(v).clone());
            new.inputs.push(var);
            new.now[v.0 as usize] = Some(var);
        }
        new
    }

    fn variable(&mut self, ty: TensorType) -> Var {
        self.types.push(ty);
        Var(self.types.len() as u32 - 1)
    }

    /// The new variable with the value of an old one, which stands before.
    fn of(&self, old: Var) -> Var {
        self.now[old.0 as usize].expect("an equation reads what stands before it")
    }

    fn inputs_of(&self, e: &Equation) -> SmallVec<[Var; 3]> {
        e.inputs.iter().map(|&v| self.of(v)).collect()
    }

    /// Old outputs have the values of these new variables.
    fn define(&mut self, outputs: &[Var], values: impl IntoIterator<Item = Var>) {
        for (old, new) in outputs.iter().zip(values) {
            self.now[old.0 as usize] = Some(new);
        }
    }

    /// An equation of the new graph: its outputs.
    fn emit(
        &mut self,
        op: Op,
        inputs: SmallVec<[Var; 3]>,
        e: &Equation,
        graph: &Graph,
    ) -> SmallVec<[Var; 1]> {
        let outputs: SmallVec<[Var; 1]> =
            e.outputs.iter().map(|&v| self.variable(graph.ty(v).clone())).collect();
        self.equations.push(Equation { op, inputs, outputs: outputs.clone(), at: e.at });
        outputs
    }

    /// The equation as it is.
    fn keep(&mut self, e: &Equation) {
        let outputs = self.emit(e.op.clone(), self.inputs_of(e), e, self.old);
        self.define(&e.outputs, outputs);
    }

    fn finish(self) -> Graph {
        let outputs = self.old.outputs().iter().map(|&v| self.of(v)).collect();
        Graph::new(self.inputs, self.old.captured(), self.equations, outputs, self.types)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use plywood_core::record::{argument, extract};
    use plywood_core::{Backend, DType, Dyn, Tensor, Trace, Value};

    type S = Tensor<Dyn>;

    /// The graph of a function of some f32 vectors of two.
    pub(crate) fn graph(arguments: usize, f: impl Fn(&[S]) -> Vec<S>) -> Graph {
        let ty = TensorType::new([2], DType::F32);
        let symbols: Vec<Value> =
            (0..arguments).map(|_| argument(Trace::ENGINE, ty.clone(), Trace::ENGINE.device(None))).collect();
        let outputs = f(&symbols.iter().cloned().map(S::of).collect::<Vec<_>>());
        extract(&symbols, &outputs.into_iter().map(Tensor::into_value).collect::<Vec<_>>()).0
    }

    /// The names of a graph's operations.
    pub(crate) fn names(graph: &Graph) -> Vec<&'static str> {
        graph.equations().iter().map(|e| e.op.name()).collect()
    }

    #[test]
    fn what_nobody_reads_goes() {
        let g = graph(2, |x| vec![x[0].sin(), x[1].cos().exp()]);
        let first = g.part(g.inputs(), &g.outputs()[..1]);
        assert_eq!(names(&dead(&first)), ["sin"]);
        assert_eq!(dead(&first).inputs().len(), 2);
    }
}
