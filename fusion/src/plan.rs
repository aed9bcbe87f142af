//! The planner: which equations of a graph become one kernel, and in which order kernels and single operations run.
//!
//! A group is a set of element-wise equations over one shape. It stays open while equations are read in the order of the
//! program, and takes those of its shape; it is closed, and runs, before anything else reads what it gives. So groups that
//! are open at a time never depend on each other, and planning takes time that grows with the number of equations.
//! Numbers that fill a tensor belong to whoever reads them.

use plywood_core::{DType, Equation, Graph, Op, Shape, Var};

/// What runs at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// One equation, by its place in the graph.
    One(usize),
    /// Several as one kernel.
    Group(Group),
}

/// Element-wise equations over one shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The shape of everything in it.
    pub shape: Shape,
    /// Places in the graph, in order.
    pub equations: Vec<usize>,
    /// What it reads.
    pub inputs: Vec<Var>,
    /// What others read of it, the graph's outputs among them.
    pub outputs: Vec<Var>,
}

/// A graph's steps, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
    /// For each step, the variables that nothing reads afterwards.
    pub dead: Vec<Vec<Var>>,
}

/// Inputs of a group, and equations in it, are at most so many.
const INPUTS: usize = 10;
const OUTPUTS: usize = 10;
const EQUATIONS: usize = 64;

/// The plan of a graph. `fuses` says of an element-wise equation that a kernel may hold it, and the dtype that its kernel
/// computes in; equations of other dtypes do not share one.
pub fn plan(graph: &Graph, fuses: &dyn Fn(&Graph, &Equation) -> Option<DType>) -> Plan {
    let count = variables(graph);
    // For each variable, how many equations read it, the graph's outputs too.
    let mut readers = vec![0usize; count];
    graph
        .equations()
        .iter()
        .flat_map(|e| &e.inputs)
        .chain(graph.outputs())
        .for_each(|v| readers[v.0 as usize] += 1);
    let mut planner = Planner { graph, readers, steps: Vec::new(), open: Vec::new(), of: vec![None; count] };
    for (i, e) in graph.equations().iter().enumerate() {
        match fuses(graph, e) {
            Some(dtype) => planner.join(i, e, dtype),
            None => planner.alone(i, e),
        }
    }
    while let Some(open) = planner.open.pop() {
        planner.close(open);
    }
    finish(graph, planner.steps, count)
}

fn variables(graph: &Graph) -> usize {
    let all = graph.inputs().iter().chain(graph.equations().iter().flat_map(|e| &e.outputs));
    all.map(|v| v.0 as usize + 1).max().unwrap_or(0)
}

/// A group that still takes equations.
struct Open {
    id: usize,
    shape: Shape,
    dtype: DType,
    equations: Vec<usize>,
    inputs: Vec<Var>,
}

struct Planner<'a> {
    graph: &'a Graph,
    readers: Vec<usize>,
    steps: Vec<Step>,
    open: Vec<Open>,
    /// For each variable: the open group that gives it, or none; numbers that fill a tensor.
    of: Vec<Option<Source>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    Group(usize),
    Number,
}

impl Planner<'_> {
    fn source(&self, v: Var) -> Option<Source> {
        self.of[v.0 as usize]
    }

    /// Closes the groups, other than `but`, that give any of these.
    fn settle(&mut self, inputs: &[Var], but: Option<usize>) {
        for v in inputs {
            if let Some(Source::Group(id)) = self.source(*v)
                && Some(id) != but
                && let Some(at) = self.open.iter().position(|open| open.id == id)
            {
                let open = self.open.swap_remove(at);
                self.close(open);
            }
        }
    }

    /// An equation that is a step of its own.
    fn alone(&mut self, i: usize, e: &Equation) {
        if let Op::Full { .. } = e.op {
            self.of[e.outputs[0].0 as usize] = Some(Source::Number);
        }
        self.settle(&e.inputs, None);
        self.steps.push(Step::One(i));
    }

    /// An equation that a group may hold.
    fn join(&mut self, i: usize, e: &Equation, dtype: DType) {
        let shape = &self.graph.ty(e.outputs[0]).shape;
        let found = self.open.iter().position(|open| open.shape == *shape && open.dtype == dtype);
        let id = found.map(|at| self.open[at].id);
        self.settle(&e.inputs, id);
        let at = id.and_then(|id| self.open.iter().position(|open| open.id == id));
        let mut open = match at {
            Some(at) => self.open.swap_remove(at),
            None => Open { id: i, shape: shape.clone(), dtype, equations: vec![], inputs: vec![] },
        };
        let new = |open: &Open, v: &Var| match self.source(*v) {
            Some(Source::Number) => false,
            Some(Source::Group(id)) if id == open.id => false,
            _ => !open.inputs.contains(v),
        };
        let mut inputs: Vec<Var> = e.inputs.iter().filter(|v| new(&open, v)).copied().collect();
        inputs.dedup();
        if open.inputs.len() + inputs.len() > INPUTS || open.equations.len() == EQUATIONS {
            let full = std::mem::replace(
                &mut open,
                Open { id: i, shape: shape.clone(), dtype, equations: vec![], inputs: vec![] },
            );
            self.close(full);
            inputs = e.inputs.iter().filter(|v| self.source(**v) != Some(Source::Number)).copied().collect();
            inputs.dedup();
        }
        open.inputs.extend(inputs);
        open.equations.push(i);
        self.of[e.outputs[0].0 as usize] = Some(Source::Group(open.id));
        self.open.push(open);
    }

    fn close(&mut self, open: Open) {
        let equations = self.graph.equations();
        let left = |v: &Var| {
            let inside =
                open.equations.iter().flat_map(|&i| &equations[i].inputs).filter(|x| *x == v).count();
            self.readers[v.0 as usize] > inside
        };
        let outputs: Vec<Var> =
            open.equations.iter().flat_map(|&i| &equations[i].outputs).filter(|v| left(v)).copied().collect();
        for &i in &open.equations {
            self.of[equations[i].outputs[0].0 as usize] = None;
        }
        match open.equations[..] {
            [i] => self.steps.push(Step::One(i)),
            _ if outputs.len() > OUTPUTS => self.steps.extend(open.equations.into_iter().map(Step::One)),
            _ => self.steps.push(Step::Group(Group {
                shape: open.shape,
                equations: open.equations,
                inputs: open.inputs,
                outputs,
            })),
        }
    }
}

/// What each step reads; numbers that nobody reads but groups are not made.
fn finish(graph: &Graph, steps: Vec<Step>, count: usize) -> Plan {
    let reads = |step: &Step| -> Vec<Var> {
        match step {
            Step::One(i) => graph.equations()[*i].inputs.to_vec(),
            Step::Group(group) => group.inputs.clone(),
        }
    };
    let mut read = vec![false; count];
    steps
        .iter()
        .flat_map(&reads)
        .chain(graph.outputs().iter().copied())
        .for_each(|v| read[v.0 as usize] = true);
    let made = |step: &Step| match step {
        Step::One(i) => {
            let e = &graph.equations()[*i];
            !matches!(e.op, Op::Full { .. }) || read[e.outputs[0].0 as usize]
        }
        Step::Group(_) => true,
    };
    let steps: Vec<Step> = steps.into_iter().filter(made).collect();
    let mut last = vec![None; count];
    for (i, step) in steps.iter().enumerate() {
        reads(step).into_iter().for_each(|v| last[v.0 as usize] = Some(i));
    }
    graph.outputs().iter().for_each(|v| last[v.0 as usize] = None);
    let mut dead = vec![Vec::new(); steps.len()];
    for (v, last) in last.into_iter().enumerate() {
        if let Some(i) = last {
            dead[i].push(Var(v as u32));
        }
    }
    Plan { steps, dead }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::tests::graph;

    fn fuses(graph: &Graph, e: &Equation) -> Option<DType> {
        let element_wise = matches!(e.op, Op::Unary(_) | Op::Binary(_) | Op::Compare(_) | Op::Select);
        element_wise.then(|| graph.ty(e.inputs[e.inputs.len() - 1]).dtype)
    }

    /// The names of the operations of each step.
    fn steps(graph: &Graph) -> Vec<String> {
        let name = |i: &usize| graph.equations()[*i].op.name();
        let step = |step: &Step| match step {
            Step::One(i) => name(i).to_string(),
            Step::Group(group) => {
                let names: Vec<&str> = group.equations.iter().map(name).collect();
                format!("({}; {} to {})", names.join(" "), group.inputs.len(), group.outputs.len())
            }
        };
        plan(graph, &fuses).steps.iter().map(step).collect()
    }

    #[test]
    fn a_chain_is_one_group_and_numbers_are_inside() {
        let g = graph(1, |x| vec![1.05 * x[0].gt(0.0).select(&x[0], 1.67 * x[0].exp() - 1.67)]);
        assert_eq!(steps(&g), ["(gt exp mul sub select mul; 1 to 1)"]);
        // Two results, and one that is read by both.
        let g = graph(2, |x| {
            let y = x[0].sin() * &x[1];
            vec![y.cos(), y]
        });
        assert_eq!(steps(&g), ["(sin mul cos; 2 to 2)"]);
    }

    #[test]
    fn what_others_read_is_there_before_them() {
        let g = graph(2, |x| {
            let y = x[0].sin() + 1.0;
            let z = x[1].matmul(&y);
            vec![&y * z, x[1].cos().exp()]
        });
        let steps = steps(&g);
        let place = |name: &str| steps.iter().position(|s| s.contains(name)).unwrap();
        assert!(place("sin") < place("dot_general") && place("dot_general") < place("mul"), "{steps:?}");
        // A number that is no group's alone is made.
        let g = graph(1, |x| vec![x[0].full_like(3.0), &x[0] * x[0].full_like(2.0).sin()]);
        assert!(plan(&g, &fuses).steps.contains(&Step::One(0)));
    }

    #[test]
    fn groups_are_bounded() {
        let g = graph(30, |x| vec![x.iter().skip(1).fold(x[0].clone(), |sum, x| sum + x)]);
        for step in plan(&g, &fuses).steps {
            let Step::Group(group) = step else { continue };
            assert!(group.inputs.len() <= INPUTS && group.equations.len() <= EQUATIONS);
        }
    }
}
