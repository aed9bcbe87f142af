//! From a recorded function to the program that devices run, once for a graph.
//!
//! What types say of variation has done its work and goes, and with it what only marks it; the graph is improved; and each
//! collective moves up to where its operand is there, so that it travels while what stands behind it is computed: the sum of
//! the last layer's gradient is on its way while that of the first is computed.

use plywood_core::op::{Call, Collective, CollectiveKind, Cond, Rule, Scan, While};
use plywood_core::record::{argument, extract};
use plywood_core::{Backend, Engine, Equation, Graph, Op, Trace, Value, Values, Var, Varying, at};
use plywood_fusion::passes;
use std::sync::Arc;

/// The program of a graph.
pub(super) fn prepared(graph: &Arc<Graph>) -> Arc<Graph> {
    let made = graph
        .memo()
        .get::<Arc<Graph>>(b"program of a device", || Arc::new(early(&passes::optimized(&erased(graph)))));
    Arc::clone(&made)
}

fn trace() -> &'static dyn Engine {
    <Trace as Backend>::ENGINE
}

/// Without what types say of variation.
fn erased(graph: &Graph) -> Graph {
    let arguments: Vec<Value> = (graph.input_types())
        .map(|ty| argument(trace(), ty.with_varying(Varying::NOTHING), trace().device(None)))
        .collect();
    let mut values: Vec<Option<Value>> = Vec::new();
    let set = |v: Var, value: Value, values: &mut Vec<Option<Value>>| {
        values.resize(values.len().max(v.0 as usize + 1), None);
        values[v.0 as usize] = Some(value);
    };
    graph.inputs().iter().zip(&arguments).for_each(|(v, x)| set(*v, x.clone(), &mut values));
    let of = |v: &Var, values: &[Option<Value>]| values[v.0 as usize].clone().expect("it stands before");
    for e in graph.equations() {
        let inputs: Values = e.inputs.iter().map(|v| of(v, &values)).collect();
        let results = at::within(e.at, || match plain(&e.op) {
            None => inputs,
            Some(op) if inputs.is_empty() => [Value::create(trace(), op)].into_iter().collect(),
            Some(op) => Value::apply(&op, inputs),
        });
        e.outputs.iter().zip(results).for_each(|(v, y)| set(*v, y, &mut values));
    }
    let outputs: Vec<Value> = graph.outputs().iter().map(|v| of(v, &values)).collect();
    extract(&arguments, &outputs).0.with_captured(graph.captured())
}

/// The operation without what is said of variation; none where it is nothing else.
fn plain(op: &Op) -> Option<Op> {
    let inner = |graph: &Arc<Graph>| -> Arc<Graph> {
        Arc::clone(&graph.memo().get::<Arc<Graph>>(b"without variation", || Arc::new(erased(graph))))
    };
    Some(match op {
        Op::Collective(c) if c.kind == CollectiveKind::Vary => return None,
        Op::Collective(c) => Op::Collective(Arc::new(Collective { tracked: false, ..(**c).clone() })),
        Op::Full { number, ty } => Op::Full { number: *number, ty: ty.with_varying(Varying::NOTHING) },
        Op::Iota { ty, axis } => Op::Iota { ty: ty.with_varying(Varying::NOTHING), axis: *axis },
        Op::Call(c) => {
            // Derivatives have been taken: what runs is the function.
            let rule = match &c.rule {
                Rule::Through(policy) => Rule::Through(policy.clone()),
                Rule::Reverse { .. } | Rule::Forward { .. } => {
                    Rule::Through(plywood_core::op::Policy::Everything)
                }
            };
            Op::Call(Arc::new(Call { graph: inner(&c.graph), rule }))
        }
        Op::Scan(s) => Op::Scan(Arc::new(Scan { body: inner(&s.body), ..(**s).clone() })),
        Op::While(w) => {
            let (condition, body) = (inner(&w.condition), inner(&w.body));
            Op::While(Arc::new(While { condition, body, ..(**w).clone() }))
        }
        Op::Cond(c) => {
            let branches = c.branches.iter().map(inner).collect();
            Op::Cond(Arc::new(Cond { branches, which: Varying::NOTHING }))
        }
        other => other.clone(),
    })
}

/// With collectives as early as their operands are there. The order among them is that of the program where they become ready at
/// the same place.
fn early(graph: &Graph) -> Graph {
    let definitions = graph.definitions();
    let mut place: Vec<(usize, usize)> = Vec::new();
    for (i, e) in graph.equations().iter().enumerate() {
        let ready = || {
            let last = e.inputs.iter().filter_map(|v| definitions[v.0 as usize]).max();
            last.map_or((0, 0), |d| (place[d].0, i + 1))
        };
        place.push(match &e.op {
            Op::Collective(c) if c.kind != CollectiveKind::Index => ready(),
            _ => (i, 0),
        });
    }
    let mut order: Vec<usize> = (0..place.len()).collect();
    order.sort_by_key(|&i| place[i]);
    let types = graph.types().to_vec();
    let equations: Vec<Equation> = order.into_iter().map(|i| graph.equations()[i].clone()).collect();
    Graph::new(graph.inputs().to_vec(), graph.captured(), equations, graph.outputs().to_vec(), types)
}
