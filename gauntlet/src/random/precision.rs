//! Which values depend on the order in which floats are added, and which operations must not see such a value.

use plywood_core::op::{
    Binary, Collective, CollectiveKind, Cumulation, Random, Reduction, Unary, WindowKind,
};
use plywood_core::{Graph, Op, TensorType};

/// How far results of two correct executions may be from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Precision {
    /// Not at all.
    Exact,
    /// As far as sums in different orders.
    Close,
    /// Any distance: a jump near a value that is only close.
    Loose,
}

/// What an operation does to a small change.
enum Class {
    /// Gives the same bits for the same bits, and close results for close operands.
    Smooth,
    /// Gives the same bits for the same bits; close operands may be on both sides of a jump.
    Jumps,
    /// Adds floats, in an order that is the engine's to choose.
    Adds,
}

/// The precision of an operation's outputs, for operands of these types and precisions.
pub fn of(op: &Op, x: &[(&TensorType, Precision)]) -> Vec<Precision> {
    let given = || x.iter().map(|x| x.1);
    let outputs = |n: usize, class: Class| {
        let worst = given().max().unwrap_or(Precision::Exact);
        let float = x.iter().any(|(ty, _)| ty.dtype.is_float());
        let result = match class {
            Class::Smooth => worst,
            Class::Jumps if worst == Precision::Exact => worst,
            Class::Jumps => Precision::Loose,
            Class::Adds if float => worst.max(Precision::Close),
            Class::Adds => worst,
        };
        vec![result; n]
    };
    match op {
        Op::Call(call) => of_graph(&call.graph, &given().collect::<Vec<_>>()),
        Op::Pmap(p) => of_graph(&p.graph, &given().collect::<Vec<_>>()),
        Op::Cond(cond) => {
            let operands: Vec<Precision> = given().skip(1).collect();
            let branches = cond.branches.iter().map(|b| of_graph(b, &operands));
            branches.reduce(|a, b| a.into_iter().zip(b).map(|(a, b)| a.max(b)).collect()).unwrap_or_default()
        }
        Op::Scan(scan) => {
            let (n, k) = (scan.constants, scan.carries);
            let mut all: Vec<Precision> = given().collect();
            loop {
                let mut results = of_graph(&scan.body, &all);
                if !widened(&mut all[n..n + k], &results[..k]) {
                    // Without steps the last state is the first.
                    results[..k].copy_from_slice(&all[n..n + k]);
                    return results;
                }
            }
        }
        Op::While(w) => {
            let (of_condition, rest) = x.split_at(w.condition_constants);
            let of_condition: Vec<Precision> = of_condition.iter().map(|x| x.1).collect();
            let mut all: Vec<Precision> = rest.iter().map(|x| x.1).collect();
            let n = w.body_constants;
            loop {
                let results = of_graph(&w.body, &all);
                if !widened(&mut all[n..], &results) {
                    break;
                }
            }
            let state = all.split_off(n);
            let condition = of_graph(&w.condition, &[&of_condition[..], &state].concat());
            match condition[0] {
                Precision::Exact => state,
                Precision::Close | Precision::Loose => vec![Precision::Loose; state.len()],
            }
        }
        op => {
            let types: Vec<&TensorType> = x.iter().map(|x| x.0).collect();
            outputs(op.infer(&types).len(), class(op, x))
        }
    }
}

/// Whether any became worse.
fn widened(all: &mut [Precision], by: &[Precision]) -> bool {
    let mut changed = false;
    for (a, b) in all.iter_mut().zip(by) {
        changed |= *b > *a;
        *a = (*a).max(*b);
    }
    changed
}

/// The precision of a graph's outputs.
pub fn of_graph(graph: &Graph, inputs: &[Precision]) -> Vec<Precision> {
    let count = graph.inputs().len() + graph.equations().iter().map(|e| e.outputs.len()).sum::<usize>();
    let mut all = vec![Precision::Exact; count];
    graph.inputs().iter().zip(inputs).for_each(|(v, p)| all[v.0 as usize] = *p);
    for e in graph.equations() {
        let x: Vec<(&TensorType, Precision)> =
            e.inputs.iter().map(|v| (graph.ty(*v), all[v.0 as usize])).collect();
        for (v, p) in e.outputs.iter().zip(of(&e.op, &x)) {
            all[v.0 as usize] = p;
        }
    }
    graph.outputs().iter().map(|v| all[v.0 as usize]).collect()
}

/// Whether an operation adds floats, so that a noise of its operands is what another order does.
pub(super) fn adds(op: &Op, x: &[(&TensorType, Precision)]) -> bool {
    matches!(class(op, x), Class::Adds)
}

fn class(op: &Op, x: &[(&TensorType, Precision)]) -> Class {
    match op {
        Op::Unary(Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round | Unary::RoundEven) => Class::Jumps,
        Op::Unary(Unary::IsFinite) => Class::Jumps,
        Op::Unary(_) | Op::IntegerPow { .. } => Class::Smooth,
        Op::ReducePrecision { .. } => Class::Jumps,
        Op::Binary(Binary::Rem | Binary::NextAfter | Binary::Atan2) => Class::Jumps,
        Op::Binary(_) => Class::Smooth,
        Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } => Class::Jumps,
        Op::Select | Op::Clamp => Class::Smooth,
        Op::Cast { dtype } => match (dtype.is_float(), x.first()) {
            (false, _) => Class::Jumps,
            // A rounding to a narrower float is a small jump of its own; of what is exact it is exact.
            (true, Some((ty, Precision::Close))) if ty.dtype.is_float() && ty.dtype.size() > dtype.size() => {
                Class::Adds
            }
            (true, _) => Class::Smooth,
        },
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => {
            Class::Smooth
        }
        Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate | Op::Pad { .. } => Class::Smooth,
        Op::Concatenate { .. } | Op::Gather(_) => Class::Smooth,
        Op::Scatter(_) => Class::Adds,
        Op::Reduce { kind: Reduction::Sum | Reduction::Prod, .. } => Class::Adds,
        Op::Reduce { .. } => Class::Smooth,
        Op::ArgReduce { .. } | Op::TopK { .. } => Class::Jumps,
        Op::Sort { .. } if x.len() == 1 => Class::Smooth,
        Op::Sort { .. } => Class::Jumps,
        Op::Cumulative { kind: Cumulation::Sum | Cumulation::Prod | Cumulation::LogSumExp, .. } => {
            Class::Adds
        }
        Op::Cumulative { kind: Cumulation::Max | Cumulation::Min, .. } => Class::Smooth,
        Op::Dot(_) | Op::Conv(_) => Class::Adds,
        Op::Window { kind: WindowKind::Sum, .. } => Class::Adds,
        Op::Window { kind: WindowKind::Max | WindowKind::Min, .. } => Class::Smooth,
        Op::Window { kind: WindowKind::ArgMax | WindowKind::ArgMin, .. } => Class::Jumps,
        // How far these move is not each element's own affair; signs, orders and pivots jump.
        Op::Fft { .. } | Op::Linalg(_) => Class::Jumps,
        Op::Special(_) => Class::Smooth,
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) => Class::Smooth,
        // Rejection depends on the parameter.
        Op::Random(Random::Gamma { .. } | Random::Poisson { .. }) => Class::Jumps,
        Op::Random(_) => Class::Smooth,
        Op::StopGradient | Op::Name { .. } => Class::Smooth,
        // These are looked into.
        Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => Class::Smooth,
        Op::Collective(c) => collective(c),
    }
}

fn collective(c: &Collective) -> Class {
    match c.kind {
        CollectiveKind::Sum | CollectiveKind::SumScatter { .. } => Class::Adds,
        CollectiveKind::Max | CollectiveKind::Min | CollectiveKind::AllGather { .. } => Class::Smooth,
        CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } => Class::Smooth,
        CollectiveKind::Index | CollectiveKind::Vary => Class::Smooth,
    }
}
