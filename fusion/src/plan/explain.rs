//! What a plan's steps are and what they cost.

use super::{Plan, Step, outputs, reads};
use plywood_core::{
    Equation, ExplainedOp, ExplainedStep, Explanation, Flops, Graph, Op, Shape, StepKind, Var,
};

/// What a device knows beside its plan.
pub trait Known {
    /// The seconds of a step, where it was measured.
    fn seconds(&self, step: usize) -> Option<f64>;

    /// What runs when a body of this step is run. Of a loop's body that has no plan, nothing.
    fn body(&self, body: &Graph, of_loop: bool) -> Option<Explanation>;

    /// Whether a loop is one kernel, and no step is launched alone.
    fn is_one_kernel(&self, op: &Op) -> bool;
}

/// What runs when a graph is called by this plan.
pub fn explain(graph: &Graph, plan: &Plan, known: &dyn Known) -> Explanation {
    let steps = plan.steps.iter().enumerate();
    let steps = steps.map(|(i, step)| explained(graph, step, known.seconds(i), known)).collect();
    Explanation { steps, peak: peak(graph, plan), ..Explanation::default() }
}

fn explained(graph: &Graph, step: &Step, seconds: Option<f64>, known: &dyn Known) -> ExplainedStep {
    let equation = |i: &usize| &graph.equations()[*i];
    let (mut kind, equations, shape): (_, Vec<&Equation>, _) = match step {
        Step::One(i) => {
            let e = equation(i);
            let shape = e.outputs.first().map_or(Shape::scalar(), |v| graph.ty(*v).shape.clone());
            (kind(&e.op), vec![e], shape)
        }
        Step::Kernel(k) => (StepKind::Kernel, k.equations.iter().map(equation).collect(), k.shape.clone()),
        Step::Contract { dot, kernel: k, input: _ } => {
            let all = std::iter::once(dot).chain(&k.equations).map(equation).collect();
            (StepKind::Contraction, all, k.shape.clone())
        }
        Step::Chain(chain) => {
            let all = chain.equations().map(|i| equation(&i)).collect();
            (StepKind::Contraction, all, chain.kernel.shape.clone())
        }
        // Each over its own shape; the first one's stands for them.
        Step::Together(kernels) => {
            let all = kernels.iter().flat_map(|k| &k.equations).map(equation).collect();
            (StepKind::Kernel, all, kernels[0].shape.clone())
        }
    };
    let bytes = |v: &Var| graph.ty(*v).bytes();
    let mut read = reads(graph, step);
    read.sort_unstable();
    read.dedup();
    let (read, written) = match (kind, &equations[..]) {
        (StepKind::View, _) => (0, 0),
        // Of the tensor they are taken from, as much as is taken.
        (_, [e]) if matches!(e.op, Op::Gather(_) | Op::DynamicSlice { .. }) => {
            let taken = e.outputs.iter().map(bytes).sum::<usize>();
            (taken + e.inputs[1..].iter().map(bytes).sum::<usize>(), taken)
        }
        _ => (read.iter().map(bytes).sum(), outputs(graph, step).iter().map(bytes).sum()),
    };
    let mut operations: Vec<ExplainedOp> = equations.iter().map(|e| ExplainedOp::of(e)).collect();
    let (length, inside) = match &equations[..] {
        [e] if kind == StepKind::Loop && known.is_one_kernel(&e.op) => {
            kind = StepKind::Kernel;
            let steps = e.op.graphs().into_iter().flat_map(|body| body.equations());
            operations.extend(steps.map(ExplainedOp::of));
            (length(&e.op), None)
        }
        [e] => inside(&e.op, known),
        _ => (None, None),
    };
    ExplainedStep {
        kind,
        operations,
        shape,
        read,
        written,
        flops: equations.iter().fold(Flops::Total(0), |all, e| all.and(Flops::of(graph, e))),
        seconds,
        length,
        inside: inside.map(Box::new),
    }
}

/// How many steps a loop has; what runs in each, or in a call. A body that runs too seldom for a plan has none.
fn inside(op: &Op, known: &dyn Known) -> (Option<usize>, Option<Explanation>) {
    match (kind(op), &op.graphs()[..]) {
        (StepKind::Loop, [body]) => (length(op), known.body(body, true)),
        (StepKind::Loop, [_condition, body]) => (None, known.body(body, true)),
        (StepKind::Call, [body, ..]) => (None, known.body(body, false)),
        _ => (None, None),
    }
}

fn length(op: &Op) -> Option<usize> {
    if let Op::Scan(s) = op { Some(s.length) } else { None }
}

/// What a single operation is. A reshape is taken for a view, though one that no strides express copies.
fn kind(op: &Op) -> StepKind {
    match op {
        Op::Scan(_) | Op::While(_) => StepKind::Loop,
        Op::Call(_) => StepKind::Call,
        Op::Dot(_) => StepKind::Contraction,
        Op::Full { .. } | Op::Constant(_) | Op::StopGradient | Op::Name { .. } => StepKind::View,
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } => StepKind::View,
        Op::Reverse { .. } | Op::Slice(_) => StepKind::View,
        Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } | Op::Binary(_) => {
            StepKind::Operation
        }
        Op::Bits(_) | Op::Compare(_) | Op::Select | Op::Clamp | Op::Cast { .. } => StepKind::Operation,
        Op::Bitcast { .. } | Op::DynamicSlice { .. } | Op::DynamicUpdate | Op::Pad { .. } => {
            StepKind::Operation
        }
        Op::Concatenate { .. } | Op::Gather(_) | Op::Scatter(_) | Op::Reduce { .. } => StepKind::Operation,
        Op::ArgReduce { .. } | Op::Sort { .. } | Op::TopK { .. } | Op::Cumulative { .. } => {
            StepKind::Operation
        }
        Op::Conv(_) | Op::Window { .. } | Op::Fft { .. } | Op::Linalg(_) | Op::Special(_) => {
            StepKind::Operation
        }
        Op::Iota { .. } | Op::Random(_) | Op::Cond(_) | Op::Collective(_) => StepKind::Operation,
        Op::Pmap(_) => StepKind::Operation,
    }
}

/// The value that an equation's output is a view of.
fn viewed(e: &Equation) -> Option<Var> {
    if kind(&e.op) == StepKind::View { e.inputs.first().copied() } else { None }
}

/// Bytes of results that live at a time, beyond inputs: what a step makes comes to what is there before anything goes, and a view
/// keeps what it is a view of.
fn peak(graph: &Graph, plan: &Plan) -> usize {
    let count = plan.definitions.len();
    // For each variable: whose storage it has, and the bytes of that.
    let mut owner: Vec<usize> = (0..count).collect();
    let mut bytes = vec![0; count];
    let mut holders = vec![0; count];
    graph.inputs().iter().for_each(|v| holders[v.0 as usize] += 1);
    let (mut now, mut peak) = (0, 0);
    for (step, dead) in plan.steps.iter().zip(&plan.dead) {
        let view = match step {
            Step::One(i) => viewed(&graph.equations()[*i]),
            Step::Kernel(_) | Step::Contract { .. } | Step::Together(_) | Step::Chain(_) => None,
        };
        for v in outputs(graph, step) {
            let ty = graph.ty(v);
            let v = v.0 as usize;
            match (view, step) {
                (Some(of), _) => owner[v] = owner[of.0 as usize],
                // One element, whatever the shape.
                (None, Step::One(i)) if matches!(graph.equations()[*i].op, Op::Full { .. }) => {
                    bytes[v] = ty.dtype.size()
                }
                (None, _) => bytes[v] = ty.bytes(),
            }
            holders[owner[v]] += 1;
            now += bytes[v];
        }
        peak = peak.max(now);
        for v in dead {
            let owner = owner[v.0 as usize];
            holders[owner] -= 1;
            if holders[owner] == 0 {
                now -= bytes[owner];
            }
        }
    }
    peak
}
