//! Kernels of one program, over different tensors, run as one: the updates of all parameters by an optimizer.
//!
//! A kernel waits for the next one of its kind, if nothing that runs meanwhile reads what it gives.

use super::{Kernel, Operand, Step, reads};
use plywood_core::{Graph, Op, Var};

/// Steps that a kernel may be put off by at a time, at most.
const FAR: usize = 64;
/// Kernels that run as one, at most.
const MANY: usize = 64;

/// The steps with kernels of one program as one.
pub(super) fn joined(graph: &Graph, steps: Vec<Step>) -> Vec<Step> {
    let program = Programs { graph, definitions: &graph.definitions() };
    let mut first_reader = vec![usize::MAX; program.definitions.len()];
    for (s, step) in steps.iter().enumerate() {
        for v in reads(graph, step) {
            let first = &mut first_reader[v.0 as usize];
            *first = s.min(*first);
        }
    }
    let mut steps: Vec<Option<Step>> = steps.into_iter().map(Some).collect();
    for s in 0..steps.len() {
        // Those that waited for this one are with it already, and may wait on.
        let own = kernels(steps[s].as_ref());
        let Some(kernel) = own.first().filter(|_| own.len() < MANY) else { continue };
        let outputs = own.iter().flat_map(|kernel| &kernel.outputs);
        let until = outputs.map(|x| first_reader[x.var.0 as usize]).min().unwrap_or(0);
        let until = until.min(s + FAR).min(steps.len());
        let next = (s + 1..until).find(|&t| match &steps[t] {
            Some(Step::Kernel(other)) => program.same(kernel, other),
            _ => false,
        });
        let Some(t) = next else { continue };
        let mut all = own.to_vec();
        all.extend_from_slice(kernels(steps[t].as_ref()));
        (steps[s], steps[t]) = (None, Some(Step::Together(all)));
    }
    steps.into_iter().flatten().collect()
}

/// The kernels of a step that has no others: those of elements alone.
fn kernels(step: Option<&Step>) -> &[Kernel] {
    match step {
        Some(Step::Kernel(kernel)) if kernel.trailing == 0 => std::slice::from_ref(kernel),
        Some(Step::Together(kernels)) => kernels,
        Some(Step::Kernel(_) | Step::One(_) | Step::Contract { .. } | Step::Chain(_)) | None => &[],
    }
}

/// What an equation of a kernel reads, whatever the variables are called.
#[derive(PartialEq)]
enum Read<'a> {
    Input(usize),
    Made(usize),
    Number(&'a Op),
}

/// Kernels, looked at as programs.
struct Programs<'a> {
    graph: &'a Graph,
    definitions: &'a [Option<usize>],
}

impl<'a> Programs<'a> {
    /// Whether two kernels are one program, of elements of the same dtypes.
    fn same(&self, a: &Kernel, b: &Kernel) -> bool {
        let graph = self.graph;
        let dtypes = |x: &[Operand], y: &[Operand]| {
            let dtype = |x: &Operand| (graph.ty(x.var).dtype, x.per);
            let one = |x: &Operand| graph.ty(x.var).elements() == 1;
            let view = |x: &Operand| x.view.is_some();
            x.len() == y.len()
                && x.iter()
                    .zip(y)
                    .all(|(x, y)| dtype(x) == dtype(y) && one(x) == one(y) && view(x) == view(y))
        };
        let outputs = |kernel: &Kernel| -> Vec<Option<usize>> {
            let place =
                |x: &Operand| kernel.equations.iter().position(|&i| graph.equations()[i].outputs[0] == x.var);
            kernel.outputs.iter().map(place).collect()
        };
        (a.trailing, b.trailing) == (0, 0)
            && a.equations.len() == b.equations.len()
            && a.per == b.per
            && dtypes(&a.inputs, &b.inputs)
            && outputs(a) == outputs(b)
            && (0..a.equations.len()).all(|k| {
                let (x, y) = (&graph.equations()[a.equations[k]], &graph.equations()[b.equations[k]]);
                let ops = match (&x.op, &y.op) {
                    (Op::Broadcast { axes: x, .. }, Op::Broadcast { axes: y, .. }) => {
                        x.is_empty() && y.is_empty()
                    }
                    (x, y) => x == y,
                };
                ops && x.inputs.len() == y.inputs.len()
                    && x.inputs.iter().zip(&y.inputs).all(|(&x, &y)| {
                        match (self.read(a, k, x), self.read(b, k, y)) {
                            (
                                Read::Number(Op::Full { number: x, ty: p }),
                                Read::Number(Op::Full { number: y, ty: q }),
                            ) => x == y && p.dtype == q.dtype,
                            (x, y) => x == y,
                        }
                    })
            })
    }

    fn read(&self, kernel: &Kernel, equation: usize, v: Var) -> Read<'a> {
        let graph = self.graph;
        let made = kernel.equations[..equation].iter().position(|&i| graph.equations()[i].outputs[0] == v);
        if let Some(made) = made {
            return Read::Made(made);
        }
        let per = kernel.per[equation].read_by(&graph.equations()[kernel.equations[equation]]);
        match kernel.inputs.iter().position(|x| x.name(graph) == v && x.per == per) {
            Some(input) => Read::Input(input),
            None => {
                let number = self.definitions[v.0 as usize].expect("what is neither is a number");
                Read::Number(&graph.equations()[number].op)
            }
        }
    }
}
