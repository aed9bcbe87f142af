//! Functions as operations: the same operation of batched graphs, the rules of the user's among them.

use super::{Arg, Args, Batch};
use crate::derive::{Derived, graph, in_lanes, key, symbols, trace};
use crate::frame::{Frame, repeated, summed};
use plywood_core::op::{Call, Rule};
use plywood_core::record::extract;
use plywood_core::{Graph, Op, Value};
use std::sync::Arc;

/// A call for all lanes.
struct Whole {
    call: Arc<Call>,
    outputs: Vec<bool>,
}

pub(super) fn call(c: &Call, b: &Batch<'_>, x: Args) -> Args {
    let given: Vec<bool> = x.iter().map(|x| x.batched).collect();
    let whole = batched(c, &given, b.frame);
    let results = b.run(&Op::Call(whole.call.clone()), x.into_iter().map(|x| x.value).collect());
    results.into_iter().zip(&whole.outputs).map(|(value, &batched)| Arg { value, batched }).collect()
}

fn batched(c: &Call, given: &[bool], frame: &Frame) -> Arc<Whole> {
    let (kind, ids) = match &c.rule {
        Rule::Through(policy) => (format!("call {policy:?}"), vec![]),
        Rule::Reverse { forward, backward } => {
            ("reverse".to_string(), vec![forward.memo().id(), backward.memo().id()])
        }
        Rule::Forward { rule } => ("forward".to_string(), vec![rule.memo().id()]),
    };
    c.graph.memo().get(&key(&kind, &[given], &ids, frame), || match &c.rule {
        Rule::Through(policy) => {
            let Derived { graph, outputs } = &*graph(&c.graph, given, &[], frame);
            let call = Call { graph: graph.clone(), rule: Rule::Through(policy.clone()) };
            Whole { call: Arc::new(call), outputs: outputs.clone() }
        }
        Rule::Reverse { forward, backward } => reverse(c, forward, backward, given, frame),
        Rule::Forward { rule } => forward(c, rule, given, frame),
    })
}

/// Which outputs differ between lanes, by the function or by its rule.
fn either(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| a | b).collect()
}

fn reverse(c: &Call, forward: &Graph, backward: &Graph, given: &[bool], frame: &Frame) -> Whole {
    let n = c.graph.outputs().len();
    let outputs =
        either(&graph(&c.graph, given, &[], frame).outputs, &graph(forward, given, &[], frame).outputs[..n]);
    let function = graph(&c.graph, given, &outputs, frame);
    let forward = graph(forward, given, &outputs, frame);
    // Residuals, then a cotangent for each output of floats.
    let floats = c.graph.output_types().zip(&outputs).filter(|(ty, _)| ty.dtype.is_float()).map(|(_, &o)| o);
    let of_backward: Vec<bool> = forward.outputs[n..].iter().copied().chain(floats).collect();
    let backward = totals(backward, &of_backward, &given[c.graph.captured()..], frame);
    let rule = Rule::Reverse { forward: forward.graph.clone(), backward: Arc::new(backward) };
    Whole { call: Arc::new(Call { graph: function.graph.clone(), rule }), outputs }
}

/// A backward rule for all lanes: the cotangent of an input that is the same for all lanes is the sum over them.
fn totals(backward: &Graph, given: &[bool], arguments: &[bool], frame: &Frame) -> Graph {
    let derived = graph(backward, given, &[], frame);
    let types = backward.input_types().zip(given).map(|(ty, &given)| in_lanes(ty, given, frame));
    let symbols = symbols(types);
    let cotangents = derived.graph.replay(trace(), symbols.iter().cloned().collect());
    let results: Vec<Value> = (cotangents.into_iter().zip(&derived.outputs).zip(arguments))
        .map(|((dx, &batched), &wanted)| match (batched, wanted) {
            (true, false) => summed(dx),
            (false, true) => repeated(dx, frame.size()),
            (true, true) | (false, false) => dx,
        })
        .collect();
    extract(&symbols, &results).0
}

fn forward(c: &Call, rule: &Graph, given: &[bool], frame: &Frame) -> Whole {
    let n = c.graph.outputs().len();
    // The inputs, then the tangents of those behind the captured ones.
    let of_rule: Vec<bool> = given.iter().chain(&given[c.graph.captured()..]).copied().collect();
    let found = graph(rule, &of_rule, &[], frame);
    let (y, dy) = found.outputs.split_at(n);
    let outputs = either(&either(&graph(&c.graph, given, &[], frame).outputs, y), dy);
    let function = graph(&c.graph, given, &outputs, frame);
    let rule = graph(rule, &of_rule, &[&outputs[..], &outputs].concat(), frame);
    let rule = Rule::Forward { rule: rule.graph.clone() };
    Whole { call: Arc::new(Call { graph: function.graph.clone(), rule }), outputs }
}
