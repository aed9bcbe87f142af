//! Recorded functions: a graph's plan, run on a device. A kernel of the plan is one program of the kernel language, the same as on the
//! CPU, and one launch; views of what it reads are strides.
//!
//! Plans stay with their graphs, and compiled kernels with the process: a second call compiles nothing. What always holds: a value is
//! given up at its last use, so that its memory goes back to the pool.

mod alone;

use crate::data;
use crate::kernels::{Queue, operand, placed, reduce, written};
use crate::launch::{Job, Operand as Launched, launch};
use cubecl::prelude::Runtime;
use plywood_core::op::Types;
use plywood_core::{Equation, Explanation, Graph, Step as Execute, Value, Values, Var};
use plywood_fusion::plan::{self, Device, Fuses, Kernel, Known, Lanes, Operand, Per, Plan, Step};
use plywood_kernel::Program;
use plywood_kernel::fused::{Kernels, of_rows, over_domain, program};
use plywood_kernel::layout::Layout;
use smallvec::SmallVec;
use std::sync::{Arc, Mutex};

/// Programs by the inputs that have one element for each row.
type Programs = Mutex<SmallVec<[(u32, Arc<Program>); 1]>>;

/// A graph's plan, and the programs of its kernels.
struct Planned {
    plan: Plan,
    /// By step; of several kernels in one step, by kernel.
    programs: Vec<Vec<Programs>>,
}

/// GPUs, to the planner.
struct Gpu;

/// What kernels hold.
const KERNELS: Kernels = Kernels { contractions: false, blocks: false };

impl Device for Gpu {
    fn fuses(&self, graph: &Graph, e: &Equation) -> Fuses {
        let elements = |v: Var| graph.ty(v).elements();
        match KERNELS.fuses(graph, e) {
            // It is cut into blocks, by itself.
            Fuses::Reduction { .. } if reduce::is_cut(elements(e.inputs[0]), elements(e.outputs[0])) => {
                Fuses::No
            }
            fuses => fuses,
        }
    }

    fn chains(&self) -> bool {
        KERNELS.chains()
    }

    fn keeps(&self, lanes: Lanes, dtype: plywood_core::DType) -> bool {
        KERNELS.keeps(lanes, dtype)
    }
}

fn planned(graph: &Graph) -> Arc<Planned> {
    graph.memo().get(b"gpu plan", || {
        let plan = plan::plan(graph, &Gpu);
        let programs = |step: &Step| match step {
            Step::One(_) => vec![],
            Step::Kernel(_) | Step::Contract { .. } => vec![Programs::default()],
            Step::Together(kernels) => kernels.iter().map(|_| Programs::default()).collect(),
            Step::Chain(_) => unreachable!("this device asks for none"),
        };
        let programs = plan.steps.iter().map(programs).collect();
        Planned { plan, programs }
    })
}

/// What runs when a graph is called.
pub fn explain(graph: &Graph) -> Explanation {
    struct Gpus;
    impl Known for Gpus {
        fn seconds(&self, _: usize) -> Option<f64> {
            None
        }
        fn body(&self, body: &Graph, _: bool) -> Option<Explanation> {
            Some(explain(body))
        }
        fn is_one_kernel(&self, _: &plywood_core::Op) -> bool {
            false
        }
    }
    plan::explain(graph, &planned(graph).plan, &Gpus)
}

/// Runs a graph.
pub fn call<R: Runtime>(queue: &Queue<'_, R>, graph: &Graph, inputs: Values) -> Values {
    let planned = planned(graph);
    let mut run = Run { queue, graph, planned: &planned, values: vec![None; planned.plan.definitions.len()] };
    for (&v, x) in graph.inputs().iter().zip(inputs) {
        run.values[v.0 as usize] = Some(x);
    }
    for (at, (step, dead)) in planned.plan.steps.iter().zip(&planned.plan.dead).enumerate() {
        match step {
            Step::One(i) => run.one(*i, dead),
            Step::Kernel(kernel) => run.kernel(kernel, &planned.programs[at][0]),
            Step::Together(kernels) => {
                kernels
                    .iter()
                    .zip(&planned.programs[at])
                    .for_each(|(kernel, programs)| run.kernel(kernel, programs));
            }
            Step::Contract { .. } => unreachable!("kernels do not go on with contractions"),
            Step::Chain(_) => unreachable!("this device asks for none"),
        }
        for v in dead {
            run.values[v.0 as usize] = None;
        }
    }
    graph.outputs().iter().map(|v| run.value(*v)).collect()
}

/// One run of a graph.
struct Run<'a, R: Runtime> {
    queue: &'a Queue<'a, R>,
    graph: &'a Graph,
    planned: &'a Planned,
    values: Vec<Option<Value>>,
}

impl<R: Runtime> Run<'_, R> {
    fn value(&self, v: Var) -> Value {
        self.values[v.0 as usize].clone().expect("a step reads what stands before it")
    }

    /// An operation alone. What nothing reads afterwards is given up to it.
    fn one(&mut self, i: usize, dead: &[Var]) {
        let e = &self.graph.equations()[i];
        let mut inputs = Values::new();
        for (k, v) in e.inputs.iter().enumerate() {
            let last = dead.contains(v) && !e.inputs[k + 1..].contains(v);
            let value =
                if last { self.values[v.0 as usize].take() } else { self.values[v.0 as usize].clone() };
            inputs.push(value.expect("a step reads what stands before it"));
        }
        self.execute(e, inputs);
    }

    fn execute(&mut self, e: &Equation, inputs: Values) {
        let outputs: Types = e.outputs.iter().map(|v| self.graph.ty(*v).clone()).collect();
        let results = self.queue.engine.execute(Execute { op: &e.op, outputs: &outputs, at: e.at }, inputs);
        for (v, y) in e.outputs.iter().zip(results) {
            self.values[v.0 as usize] = Some(y);
        }
    }

    /// Several as one launch.
    fn kernel(&mut self, kernel: &Kernel, programs: &Programs) {
        // A device takes so many arguments; equations alone take few.
        if kernel.inputs.len() + kernel.outputs.len() + 2 > self.queue.client.facts.bindings {
            return self.alone(kernel);
        }
        let mut splats = 0;
        let mut operands: Vec<Launched> = Vec::new();
        for (i, input) in kernel.inputs.iter().enumerate() {
            let operand = self.read(kernel, input);
            let leading = kernel.shape.len() - kernel.trailing;
            let same = operand.strides.iter().all(|&s| s == 0)
                || (kernel.trailing > 0 && operand.strides[leading..].iter().all(|&s| s == 0));
            splats |= u32::from(input.per == Per::Row || same) << i;
            operands.push(operand);
        }
        for output in &kernel.outputs {
            let ty = self.graph.ty(output.var).clone();
            let buffer = self.queue.empty(&ty);
            operands.push(match output.per {
                Per::Element => placed(&buffer, Layout::row_major(&kernel.shape)),
                Per::Row => {
                    Launched { strides: of_rows(&kernel.shape, kernel.trailing), ..written(&buffer, &ty) }
                }
            });
            self.values[output.var.0 as usize] = Some(self.queue.filled(ty, buffer));
        }
        let program = self.program(kernel, programs, splats);
        let (shape, columns) = (&kernel.shape[..], kernel.trailing);
        launch(self.queue.client, &Job { program, shape, columns, operands });
    }

    /// Where an input's elements lie over the domain. What is there for each row has to lie in order.
    fn read(&self, kernel: &Kernel, input: &Operand) -> Launched {
        let mut x = self.value(input.var);
        if input.per == Per::Row && x.ty().elements() > 1 {
            x = self.queue.contiguous(x);
        }
        let of = (&x.shape()[..], &data::data(&x).layout.strides[..]);
        let strides = over_domain(self.graph, &kernel.shape, kernel.trailing, of, input);
        Launched { strides, ..operand(&x) }
    }

    fn program(&self, kernel: &Kernel, programs: &Programs, splats: u32) -> Arc<Program> {
        let mut known = programs.lock().unwrap_or_else(|e| e.into_inner());
        if let Some((_, program)) = known.iter().find(|(of, _)| *of == splats) {
            return program.clone();
        }
        let made = Arc::new(program(self.graph, &self.planned.plan, kernel, splats).program);
        known.push((splats, made.clone()));
        made
    }
}
