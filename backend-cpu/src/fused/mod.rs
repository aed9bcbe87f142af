//! Recorded functions: a graph's plan, run. A kernel of the plan is one program of the kernel language, built from the same
//! formulas as the operations alone ([`plywood_kernel::fused`]); a contraction goes on with its kernel tile by tile ([`contract`]).
//!
//! Plans stay with their graphs, and kernels with the process; a second call builds nothing. What every operation alone gives,
//! a plan gives to the bit, but for sums of long rows, which are added in another order.

mod blocks;
mod chain;
mod contract;
mod explain;
mod flat;
pub mod looped;
mod operands;
mod together;

use crate::Cpu;
use crate::data;
use crate::kernel::Kernel as Code;
use crate::kernel::cache::compile;
use crate::kernel::launch::launch;
use crate::kernels::dot;
use crate::layout::Layout;
use crate::storage::Storage;
use explain::Times;
pub use explain::explain;
use flat::Flat;
use operands::Operands;
use plywood_core::op::Types;
use plywood_core::{Backend, Graph, Op, Step as Execute, Value, Values, Var};
use plywood_fusion::plan::{self, Kernel, Operand, Plan, Step};
use plywood_kernel::fused::Kernels;
use plywood_kernel::fused::{self, program};
use smallvec::{SmallVec, smallvec};
use std::sync::{Arc, Mutex};

/// A graph's plan, and what its steps need when they run.
struct Planned {
    plan: Plan,
    steps: Vec<Prepared>,
    variables: usize,
    /// Where the graph is one kernel: for each input of it the input of the graph; empty where they are the same.
    single: Option<SmallVec<[usize; 12]>>,
    times: Times,
}

/// What a step needs each time.
struct Prepared {
    /// The types of its outputs.
    types: Types,
    /// Code, by which operands have one element for each row.
    code: Mutex<SmallVec<[Made; 1]>>,
    /// The short way, where there is one.
    flat: Option<Flat>,
    /// The same of a contraction.
    dot: Option<dot::Ready>,
    /// Where several kernels run as one, what each needs.
    each: Vec<Prepared>,
}

/// A kernel's code.
#[derive(Clone)]
struct Made {
    splats: u32,
    code: &'static Code,
    /// For each output the inputs, as bits, that it may overwrite.
    overwrites: SmallVec<[u32; 8]>,
}

/// Runs a graph.
pub fn call(graph: &Arc<Graph>, inputs: Values) -> Values {
    with_plan(graph, |planned| planned.run(graph, inputs))
}

/// Looks at a graph's plan, which is made the first time.
#[inline]
fn with_plan<R>(graph: &Graph, f: impl FnOnce(&Planned) -> R) -> R {
    match graph.memo().plan(|| Planned::new(graph)) {
        Some(planned) => f(planned),
        None => f(&graph.memo().get(b"cpu plan", || Planned::new(graph))),
    }
}

/// Whether a graph has a plan.
pub fn is_planned(graph: &Graph) -> bool {
    graph.memo().has_plan::<Planned>()
}

impl Planned {
    fn new(graph: &Graph) -> Planned {
        let plan = plan::plan(graph, &Kernels { contractions: true, blocks: true });
        let steps: Vec<_> = plan.steps.iter().map(|step| Prepared::new(graph, step)).collect();
        let times = Times::new(steps.len());
        let variables = plan.definitions.len();
        let single = single(graph, &plan);
        Planned { plan, steps, variables, single, times }
    }

    fn run(&self, graph: &Graph, mut inputs: Values) -> Values {
        let mut clock = self.times.clock();
        if let (Some(places), [Step::Kernel(kernel)]) = (&self.single, &self.plan.steps[..]) {
            let prepared = &self.steps[0];
            if let Some(flat) = &prepared.flat {
                let of = (graph, &self.plan, kernel);
                if let Some(result) = flat.one(of, &prepared.types[0], places, &mut inputs) {
                    clock.done(0);
                    return smallvec![result];
                }
            }
            let read = if places.is_empty() { inputs } else { picked(places, inputs) };
            let results = self.kernel(graph, kernel, &self.steps[0], read);
            clock.done(0);
            return results;
        }
        let mut values: SmallVec<[Option<Value>; 24]> = SmallVec::from_elem(None, self.variables);
        for (&v, x) in graph.inputs().iter().zip(inputs) {
            values[v.0 as usize] = Some(x);
        }
        let steps = self.plan.steps.iter().zip(&self.plan.dead).zip(&self.steps).enumerate();
        for (at, ((step, dead), prepared)) in steps {
            self.step(graph, step, prepared, &mut values, dead);
            for v in dead {
                values[v.0 as usize] = None;
            }
            clock.done(at);
        }
        let outputs = graph.outputs();
        let last = |(k, v): (usize, &Var)| !outputs[k + 1..].contains(v);
        outputs.iter().enumerate().map(|(k, v)| taken(&mut values, *v, last((k, v)))).collect()
    }

    /// Runs a step; values that nothing reads afterwards may be given up to it.
    fn step(
        &self,
        graph: &Graph,
        step: &Step,
        prepared: &Prepared,
        values: &mut [Option<Value>],
        dead: &[Var],
    ) {
        match step {
            Step::One(i) => {
                let e = &graph.equations()[*i];
                let mut read = Values::new();
                for (k, v) in e.inputs.iter().enumerate() {
                    read.push(taken(values, *v, dead.contains(v) && !e.inputs[k + 1..].contains(v)));
                }
                let results = match prepared.dot.as_ref().and_then(|dot| dot.run(&prepared.types[0], &read)) {
                    Some(result) => [result].into_iter().collect(),
                    None => {
                        let execute = Execute { op: &e.op, outputs: &prepared.types, at: e.at };
                        Cpu::ENGINE.execute(execute, read)
                    }
                };
                for (v, y) in e.outputs.iter().zip(results) {
                    values[v.0 as usize] = Some(y);
                }
            }
            Step::Kernel(kernel) => {
                let read = read(values, &kernel.inputs, dead, None);
                give(kernel, self.kernel(graph, kernel, prepared, read), values);
            }
            Step::Together(kernels) => together::run(self, graph, kernels, &prepared.each, values, dead),
            Step::Contract { dot, kernel, input } => {
                let e = &graph.equations()[*dot];
                let operands: Values = e.inputs.iter().map(|v| taken(values, *v, false)).collect();
                let read = read(values, &kernel.inputs, dead, Some(*input));
                let contract = contract::Contract { graph, plan: &self.plan, e, kernel, input: *input };
                match contract.run(operands, read, prepared) {
                    Ok(results) => give(kernel, results, values),
                    Err((operands, mut read)) => {
                        let ty = graph.ty(e.outputs[0]);
                        let sums = match prepared.dot.as_ref().and_then(|dot| dot.run(ty, &operands)) {
                            Some(sums) => sums,
                            None => {
                                let outputs = std::slice::from_ref(ty);
                                Cpu::ENGINE
                                    .execute(Execute { op: &e.op, outputs, at: e.at }, operands)
                                    .remove(0)
                            }
                        };
                        read.insert(*input, sums);
                        give(kernel, self.kernel(graph, kernel, prepared, read), values);
                    }
                }
            }
            Step::Chain(chain) => self.chain(graph, chain, prepared, values, dead),
        }
    }

    /// A chain; or its steps alone, where threads would not share its batches evenly.
    fn chain(
        &self,
        graph: &Graph,
        chain: &plan::Chain,
        prepared: &Prepared,
        values: &mut [Option<Value>],
        dead: &[Var],
    ) {
        let run = chain::Chain { graph, plan: &self.plan, chain };
        if !chain::is_shared(run.batches()) {
            for (step, prepared) in chain.alone.iter().zip(&prepared.each) {
                self.step(graph, step, prepared, values, &[]);
            }
            let sums = graph.equations()[chain.dot].outputs[0];
            let hidden = chain.kernel.outputs.iter().zip(&chain.hidden).filter(|(_, hidden)| **hidden);
            for v in hidden.map(|(x, _)| x.var).chain([sums]) {
                values[v.0 as usize] = None;
            }
            return;
        }
        let reads = chain.reads(graph);
        let read = reads.iter().enumerate().map(|(k, v)| {
            let last = dead.contains(v) && !reads[k + 1..].contains(v);
            taken(values, *v, last)
        });
        let read: Values = read.collect();
        for (v, y) in chain.outputs(graph).zip(run.run(read, prepared)) {
            values[v.0 as usize] = Some(y);
        }
    }

    /// One kernel, by the short way where there is one.
    fn kernel(&self, graph: &Graph, kernel: &Kernel, prepared: &Prepared, read: Values) -> Values {
        let results = match &prepared.flat {
            Some(flat) => flat.run(graph, &self.plan, kernel, &prepared.types, read),
            None => Err(read),
        };
        results.unwrap_or_else(|read| self.alone(graph, kernel, prepared, read))
    }

    /// One kernel.
    fn alone(&self, graph: &Graph, kernel: &Kernel, prepared: &Prepared, mut inputs: Values) -> Values {
        if kernel.blocks {
            return blocks::run(self, graph, kernel, prepared, inputs);
        }
        let operands = Operands::new(graph, kernel, &mut inputs);
        let made = prepared.made(operands.splats, || program(graph, &self.plan, kernel, operands.splats));
        let (mut storages, taken) = outputs(&mut inputs, &prepared.types, &made.overwrites);
        if kernel.shape.elements() > 0 {
            let all = operands.launched(&inputs, &taken, kernel, &mut storages, &prepared.types);
            launch(made.code, &operands.sizes, &all, 0, 1);
        }
        finished(&prepared.types, storages)
    }
}

/// For each input of a graph's only kernel the input of the graph, or nothing where these are the same; none where there are other
/// steps, or the kernel's outputs are not the graph's.
fn single(graph: &Graph, plan: &Plan) -> Option<SmallVec<[usize; 12]>> {
    let [Step::Kernel(kernel)] = &plan.steps[..] else { return None };
    let same = kernel.outputs.iter().map(|x| x.var).eq(graph.outputs().iter().copied());
    let place = |x: &Operand| graph.inputs().iter().position(|v| *v == x.var);
    let places: SmallVec<[usize; 12]> = kernel.inputs.iter().map(place).collect::<Option<_>>()?;
    let in_order = places.iter().copied().eq(0..graph.inputs().len());
    match in_order {
        true => same.then(SmallVec::new),
        false => (same && !places.is_empty()).then_some(places),
    }
}

impl Prepared {
    fn new(graph: &Graph, step: &Step) -> Prepared {
        let of = |types: Types, flat, dot, each| Prepared { types, code: Mutex::default(), flat, dot, each };
        let types = |vars: &mut dyn Iterator<Item = Var>| vars.map(|v| graph.ty(v).clone()).collect();
        let contraction = |i: usize| {
            let e = &graph.equations()[i];
            let Op::Dot(dot) = &e.op else { return None };
            dot::Ready::new(graph.ty(e.inputs[0]), graph.ty(e.inputs[1]), dot)
        };
        let kernel = |k: &Kernel, dot| {
            of(types(&mut k.outputs.iter().map(|x| x.var)), Flat::new(graph, k), dot, vec![])
        };
        match step {
            Step::One(i) => {
                let outputs = &graph.equations()[*i].outputs;
                of(types(&mut outputs.iter().copied()), None, contraction(*i), vec![])
            }
            Step::Kernel(k) => kernel(k, None),
            Step::Contract { dot, kernel: k, .. } => kernel(k, contraction(*dot)),
            Step::Together(kernels) => {
                of(Types::new(), None, None, kernels.iter().map(|k| kernel(k, None)).collect())
            }
            Step::Chain(chain) => {
                let types = types(&mut chain.kernel.outputs.iter().map(|x| x.var));
                of(types, None, None, chain.alone.iter().map(|step| Prepared::new(graph, step)).collect())
            }
        }
    }

    /// The code for operands some of which have one element for each row.
    fn made(&self, splats: u32, program: impl FnOnce() -> fused::Made) -> Made {
        let mut known = self.code.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(made) = known.iter().find(|made| made.splats == splats) {
            return made.clone();
        }
        let fused::Made { program, overwrites } = program();
        let made = Made { splats, code: compile(&program), overwrites };
        known.push(made.clone());
        made
    }
}

/// What a kernel reads, but for one input; values that nothing reads afterwards are given up.
fn read(values: &mut [Option<Value>], operands: &[Operand], dead: &[Var], but: Option<usize>) -> Values {
    let mut read = Values::new();
    for (k, x) in operands.iter().enumerate() {
        if Some(k) != but {
            let last = dead.contains(&x.var) && !operands[k + 1..].iter().any(|y| y.var == x.var);
            read.push(taken(values, x.var, last));
        }
    }
    read
}

/// Values in another order, each given up where it is read last.
fn picked(places: &[usize], inputs: Values) -> Values {
    let mut inputs: SmallVec<[Option<Value>; 12]> = inputs.into_iter().map(Some).collect();
    let last = |k: usize| !places[k + 1..].contains(&places[k]);
    let pick = |(k, &p): (usize, &usize)| if last(k) { inputs[p].take() } else { inputs[p].clone() };
    places.iter().enumerate().map(pick).map(|x| x.expect("it was not yet given up")).collect()
}

/// A value, given up where this is its last use.
fn taken(values: &mut [Option<Value>], v: Var, last: bool) -> Value {
    let slot = &mut values[v.0 as usize];
    let value = if last { slot.take() } else { slot.clone() };
    value.expect("a step reads what stands before it")
}

fn give(kernel: &Kernel, results: Values, values: &mut [Option<Value>]) {
    for (x, y) in kernel.outputs.iter().zip(results) {
        values[x.var.0 as usize] = Some(y);
    }
}

/// Storage for a kernel's outputs; and which output each input becomes, where nobody else holds it.
fn outputs(
    inputs: &mut Values,
    types: &Types,
    overwrites: &[u32],
) -> (SmallVec<[Storage; 2]>, SmallVec<[Option<usize>; 12]>) {
    let mut taken: SmallVec<[Option<usize>; 12]> = SmallVec::from_elem(None, inputs.len());
    let mut storages = SmallVec::new();
    for (j, (ty, &fits)) in types.iter().zip(overwrites).enumerate() {
        let own = (0..inputs.len()).filter(|&i| fits >> i & 1 == 1 && taken[i].is_none()).find_map(|i| {
            // As many elements as the output has, in its order.
            (inputs[i].ty().elements() == ty.elements())
                .then(|| data::take(&mut inputs[i]))
                .flatten()
                .map(|s| (i, s))
        });
        storages.push(match own {
            Some((i, storage)) => {
                taken[i] = Some(j);
                storage
            }
            None => Storage::overwritten(ty.bytes()),
        });
    }
    (storages, taken)
}

/// The values of outputs.
fn finished(types: &Types, storages: SmallVec<[Storage; 2]>) -> Values {
    let types = types.iter().cloned();
    types
        .zip(storages)
        .map(|(ty, storage)| {
            let layout = Layout::row_major(&ty.shape);
            data::value(ty, layout, storage)
        })
        .collect()
}
