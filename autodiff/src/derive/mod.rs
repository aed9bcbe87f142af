//! Graphs from graphs: the tangent graph of a function, its forward graph with what the backward pass needs, and the
//! backward graph.
//!
//! A graph is derived by replaying it through a layer over a recording engine: that is the whole of it, so that every
//! operation inside is differentiated by its own rule. What is derived stays with the graph it was derived from.

mod control;
mod pmap;

pub(crate) use control::{chosen, fixpoint, merged};
pub(crate) use pmap::{Lies, on_devices};

use crate::engine::{self, Autodiff};
use crate::forward::{self, Forward};
use crate::tape::Tape;
use crate::vjp::T;
use plywood_core::at::At;
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract, extract_marked, mark};
use plywood_core::{Backend, Engine, Graph, Number, Op, TensorType, Trace, Value, Values, Var};
use std::sync::Arc;

pub(crate) fn trace() -> &'static dyn Engine {
    <Trace as Backend>::ENGINE
}

pub(crate) fn symbols<'a>(types: impl IntoIterator<Item = &'a TensorType>) -> Vec<Value> {
    types.into_iter().map(|ty| argument(trace(), ty.clone(), trace().device(None))).collect()
}

fn zero(like: &Value) -> Value {
    like.full_like(Number::Int(0))
}

fn floats(graph: &Graph) -> Vec<TensorType> {
    graph.output_types().filter(|ty| ty.dtype.is_float()).cloned().collect()
}

/// For an operation that holds graphs.
pub(crate) fn op_backward(op: &Op, wanted: &[bool], at: At) -> Arc<Backward> {
    match op {
        Op::Call(call) => {
            check_captured(call, wanted, at);
            backward(call, wanted)
        }
        Op::Scan(scan) => control::scan_backward(scan, wanted),
        Op::Cond(cond) => control::cond_backward(cond, wanted),
        Op::Pmap(pmap) => pmap::pmap_backward(pmap, wanted),
        Op::While(_) => panic!(
            "while_loop, at {at}: a loop of unknown length has no reverse mode; with WhileLoop::new().max_steps(n) it has one"
        ),
        _ => unreachable!("{op} holds no graphs"),
    }
}

/// For an operation that holds graphs.
pub(crate) fn op_tangent(op: &Op, given: &[bool], at: At) -> Arc<Tangent> {
    match op {
        Op::Call(call) => {
            check_captured(call, given, at);
            tangent(call, given)
        }
        Op::Scan(scan) => control::scan_tangent(scan, given),
        Op::Cond(cond) => control::cond_tangent(cond, given),
        Op::Pmap(pmap) => pmap::pmap_tangent(pmap, given),
        Op::While(w) => control::while_tangent(w, given),
        _ => unreachable!("{op} holds no graphs"),
    }
}

/// How a function is computed forward when its derivative will be asked for, and how backward.
pub(crate) struct Backward {
    /// From the inputs to the outputs, then what is kept of the inside.
    pub forward: Op,
    /// The inputs that are kept.
    pub inputs: Vec<usize>,
    /// From kept inputs, what is kept of the inside, and a cotangent for each output of floats, to the cotangents of the
    /// wanted inputs.
    pub backward: Op,
}

/// For the inputs whose cotangents are wanted.
fn backward(call: &Call, wanted: &[bool]) -> Arc<Backward> {
    let key: Vec<u8> = wanted.iter().map(|&w| w as u8).chain(rule_key(&call.rule)).collect();
    call.graph.memo().get(&key, || {
        let everything = Policy::Everything;
        let (joint, policy) = match &call.rule {
            Rule::Through(policy) => (joint(&call.graph, wanted), policy),
            Rule::Reverse { forward, backward } => {
                (by_reverse_rule(call, forward, backward, wanted), &everything)
            }
            Rule::Forward { rule } => (by_forward_rule(call, rule, wanted), &everything),
        };
        split(&joint, call.graph.inputs().len(), call.graph.outputs().len(), policy)
    })
}

/// Tells the rules of one graph apart.
fn rule_key(rule: &Rule) -> Vec<u8> {
    match rule {
        Rule::Through(policy) => format!("{policy:?}").into_bytes(),
        Rule::Reverse { forward, backward } => {
            [forward, backward].map(|g| g.memo().id().to_le_bytes()).concat()
        }
        Rule::Forward { rule } => rule.memo().id().to_le_bytes().to_vec(),
    }
}

/// A function and its backward pass, as one graph.
pub(crate) struct Joint {
    /// From inputs and cotangents of the outputs to the outputs and the cotangents of the wanted inputs.
    pub graph: Graph,
    /// How many of its equations are the function's, as opposed to the backward pass's.
    early: usize,
}

impl Joint {
    fn new(inputs: &[Value], outputs: &[Value], mark: u64) -> Joint {
        let (graph, _, early) = extract_marked(inputs, outputs, mark);
        Joint { graph, early }
    }

    /// The variables that are for the backward pass to compute: what depends on a cotangent, and what it makes of values of
    /// the function that depend on `varying`. (So what is kept is what the rules ask for, not what they make of it.)
    pub fn late(&self, ct: &[Var], varying: &[Var]) -> Vec<bool> {
        let mut late = self.graph.dependents(ct);
        let varies = self.graph.dependents(varying);
        for v in self.graph.equations()[self.early..].iter().flat_map(|e| &e.outputs) {
            late[v.0 as usize] |= varies[v.0 as usize];
        }
        late
    }
}

/// For some wanted inputs of a function.
pub(crate) fn joint(graph: &Graph, wanted: &[bool]) -> Joint {
    let x = symbols(graph.input_types());
    let on = <Autodiff<Trace> as Backend>::ENGINE;
    let tape = Arc::new(Tape::new());
    let variable = |x: &Value| engine::tracked(on, x.clone(), tape.clone(), tape.variable());
    let inputs: Values = (x.iter().zip(wanted))
        .map(|(x, &wanted)| if wanted { variable(x) } else { engine::constant(on, x.clone()) })
        .collect();
    let outputs = graph.replay(on, inputs);
    let mark = mark();
    let ct = symbols(&floats(graph));
    let seeds = seeds(&tape, &outputs, &ct);
    let y: Vec<Value> = outputs.into_iter().map(engine::into_primal).collect();
    let of = x.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(x, _)| x);
    let dx = tape.backward(seeds, wanted.iter().filter(|&&w| w).count());
    let dx = of.zip(dx).map(|(x, dx)| dx.map_or_else(|| zero(x), T::into_value));
    let outputs: Vec<Value> = y.into_iter().chain(dx).collect();
    Joint::new(&[x, ct].concat(), &outputs, mark)
}

/// The cotangents of those outputs that are of floats and depend on a variable.
fn seeds(tape: &Arc<Tape>, outputs: &[Value], ct: &[Value]) -> Vec<(u32, T)> {
    let floats = outputs.iter().filter(|y| y.dtype().is_float());
    floats.zip(ct).filter_map(|(y, ct)| Some((engine::slot_on(y, tape)?, T::of(ct.clone())))).collect()
}

/// The same, where the user says what the residuals are and what they give.
fn by_reverse_rule(call: &Call, forward: &Graph, backward: &Graph, wanted: &[bool]) -> Joint {
    let x = symbols(call.graph.input_types());
    let n = call.graph.outputs().len();
    let mut outputs = forward.replay(trace(), x.iter().cloned().collect());
    let residuals: Vec<Value> = outputs.drain(n..).collect();
    let mark = mark();
    let ct = symbols(&floats(&call.graph));
    let dx = backward.replay(trace(), residuals.into_iter().chain(ct.iter().cloned()).collect());
    let arguments = &wanted[call.graph.captured()..];
    let chosen = dx.into_iter().zip(arguments).filter(|(_, wanted)| **wanted).map(|(dx, _)| dx);
    let outputs: Vec<Value> = outputs.into_iter().chain(chosen).collect();
    Joint::new(&[x, ct].concat(), &outputs, mark)
}

/// The same, as the transpose of the user's forward rule, which is linear in the tangents.
fn by_forward_rule(call: &Call, rule: &Graph, wanted: &[bool]) -> Joint {
    let x = symbols(call.graph.input_types());
    let n = call.graph.outputs().len();
    let on = <Autodiff<Trace> as Backend>::ENGINE;
    let tape = Arc::new(Tape::new());
    let captured = call.graph.captured();
    let tangents = x[captured..].iter().zip(&wanted[captured..]).map(|(x, &wanted)| match wanted {
        true => engine::tracked(on, zero(x), tape.clone(), tape.variable()),
        false => engine::constant(on, zero(x)),
    });
    let tangents: Vec<Value> = tangents.collect();
    let inputs = x.iter().map(|x| engine::constant(on, x.clone())).chain(tangents).collect();
    let mut outputs = rule.replay(on, inputs);
    let dy: Vec<Value> = outputs.drain(n..).collect();
    let mark = mark();
    let ct = symbols(&floats(&call.graph));
    let seeds = seeds(&tape, &dy, &ct);
    drop(dy);
    let y: Vec<Value> = outputs.into_iter().map(engine::into_primal).collect();
    let of = x.iter().zip(wanted).filter(|(_, wanted)| **wanted).map(|(x, _)| x);
    let dx = tape.backward(seeds, wanted.iter().filter(|&&w| w).count());
    let dx = of.zip(dx).map(|(x, dx)| dx.map_or_else(|| zero(x), T::into_value));
    let outputs: Vec<Value> = y.into_iter().chain(dx).collect();
    Joint::new(&[x, ct].concat(), &outputs, mark)
}

/// Cuts a joint graph of `inputs` inputs and `outputs` outputs at the backward pass: of what is before, that gets what the
/// policy keeps, and computes the rest again.
fn split(joint: &Joint, inputs: usize, outputs: usize, policy: &Policy) -> Backward {
    let graph = &joint.graph;
    let (x, ct) = graph.inputs().split_at(inputs);
    let (y, dx) = graph.outputs().split_at(outputs);
    let (kept, saved) = needs(graph, x, &joint.late(ct, x), dx, policy);
    let forward = graph.part(x, &[y, &saved].concat());
    let given: Vec<Var> = kept.iter().map(|&i| x[i]).chain(saved).chain(ct.iter().copied()).collect();
    let backward = graph.part(&given, dx);
    let call = |graph: Graph| {
        Op::Call(Arc::new(Call { graph: Arc::new(graph), rule: Rule::Through(policy.clone()) }))
    };
    Backward { forward: call(forward), inputs: kept, backward: call(backward) }
}

/// What the late part of a graph, from which some results come, needs of the rest: which of the inputs `x`, and which
/// values, of those that the policy keeps.
pub(crate) fn needs(
    joint: &Graph,
    x: &[Var],
    late: &[bool],
    results: &[Var],
    policy: &Policy,
) -> (Vec<usize>, Vec<Var>) {
    let definitions = joint.definitions();
    // A value that has a name which is kept is kept by whoever reads it, by that name or without.
    let mut named = vec![false; late.len()];
    for e in joint.equations().iter().filter(|e| matches!(e.op, Op::Name { .. }) && policy.keeps(&e.op)) {
        named[e.inputs[0].0 as usize] = true;
    }
    let mut seen = vec![false; late.len()];
    let (mut kept, mut saved): (Vec<usize>, Vec<Var>) = (Vec::new(), Vec::new());
    let mut work: Vec<Var> = results.to_vec();
    while let Some(v) = work.pop() {
        if std::mem::replace(&mut seen[v.0 as usize], true) {
            continue;
        }
        let Some(i) = definitions[v.0 as usize] else {
            kept.extend(x.iter().position(|&input| input == v));
            continue;
        };
        let e = &joint.equations()[i];
        let kept = match &e.op {
            Op::Name { .. } => false,
            op => named[v.0 as usize] || policy.keeps(op),
        };
        if kept && !late[v.0 as usize] && !e.inputs.is_empty() {
            saved.push(v);
        } else {
            work.extend(e.inputs.iter().copied());
        }
    }
    kept.sort_unstable();
    saved.sort_unstable();
    (kept, saved)
}

/// How a function is computed together with its tangents.
pub(crate) struct Tangent {
    /// From the inputs, then the tangents of those that have one, to the outputs, then their tangents.
    pub call: Op,
    /// Which outputs have one.
    pub present: Vec<bool>,
}

/// For the inputs that have tangents.
fn tangent(call: &Call, given: &[bool]) -> Arc<Tangent> {
    let key: Vec<u8> = given.iter().map(|&w| w as u8).chain(rule_key(&call.rule)).collect();
    call.graph.memo().get(&key, || {
        let x = symbols(call.graph.input_types());
        let types: Vec<TensorType> =
            call.graph.input_types().zip(given).filter(|(_, g)| **g).map(|(ty, _)| ty.clone()).collect();
        let t = symbols(&types);
        let (y, dy) = match &call.rule {
            Rule::Through(_) => pushed(&call.graph, &x, &t, given),
            Rule::Reverse { forward, backward } => {
                pushed_by_transposition(call, forward, backward, &x, &t, given)
            }
            Rule::Forward { rule } => pushed_by_rule(call, rule, &x, &t, given),
        };
        let policy = match &call.rule {
            Rule::Through(policy) => policy.clone(),
            Rule::Reverse { .. } | Rule::Forward { .. } => Policy::Everything,
        };
        let present = dy.iter().map(Option::is_some).collect();
        let outputs: Vec<Value> = y.into_iter().chain(dy.into_iter().flatten()).collect();
        let graph = extract(&[x, t].concat(), &outputs).0;
        let call = Call { graph: Arc::new(graph), rule: Rule::Through(policy) };
        Tangent { call: Op::Call(Arc::new(call)), present }
    })
}

pub(crate) type Pushed = (Vec<Value>, Vec<Option<Value>>);

pub(crate) fn pushed(graph: &Graph, x: &[Value], t: &[Value], given: &[bool]) -> Pushed {
    let (on, call) = (<Forward<Trace> as Backend>::ENGINE, forward::Call::new());
    let mut t = t.iter();
    let mut input = |(x, &given): (&Value, &bool)| match given {
        true => call.dual(on, x.clone(), t.next().expect("one for each that is given").clone()),
        false => forward::constant(on, x.clone()),
    };
    let inputs = x.iter().zip(given).map(&mut input).collect();
    let outputs = graph.replay(on, inputs);
    let dy = outputs.iter().map(|y| call.tangent(y)).collect();
    (outputs.into_iter().map(forward::into_primal).collect(), dy)
}

/// By the user's reverse rule: the cotangents it gives are linear in those it gets, and the transpose is what is looked
/// for.
fn pushed_by_transposition(
    call: &Call,
    forward: &Graph,
    backward: &Graph,
    x: &[Value],
    t: &[Value],
    given: &[bool],
) -> Pushed {
    let n = call.graph.outputs().len();
    let mut y = forward.replay(trace(), x.iter().cloned().collect());
    let residuals: Vec<Value> = y.drain(n..).collect();
    let on = <Autodiff<Trace> as Backend>::ENGINE;
    let tape = Arc::new(Tape::new());
    let variable = |y: &Value| engine::tracked(on, zero(y), tape.clone(), tape.variable());
    let ct: Vec<Value> = y.iter().filter(|y| y.dtype().is_float()).map(variable).collect();
    let count = ct.len();
    let inputs = residuals.into_iter().map(|r| engine::constant(on, r)).chain(ct).collect();
    let dx = backward.replay(on, inputs);
    let arguments = dx.iter().zip(&given[call.graph.captured()..]).filter(|(_, g)| **g).map(|(dx, _)| dx);
    let seeds = arguments.zip(t).filter_map(|(dx, t)| Some((engine::slot_on(dx, &tape)?, T::of(t.clone()))));
    let seeds = seeds.collect();
    drop(dx);
    let mut tangents = tape.backward(seeds, count).into_iter();
    let dy = y.iter().map(|y| match y.dtype().is_float() {
        true => tangents.next().flatten().map(T::into_value),
        false => None,
    });
    let dy = dy.collect();
    (y.into_vec(), dy)
}

fn pushed_by_rule(call: &Call, rule: &Graph, x: &[Value], t: &[Value], given: &[bool]) -> Pushed {
    let (captured, n) = (call.graph.captured(), call.graph.outputs().len());
    let mut t = t.iter();
    let mut tangent = |(x, &given): (&Value, &bool)| match given {
        true => t.next().expect("one for each that is given").clone(),
        false => zero(x),
    };
    let tangents: Vec<Value> = x[captured..].iter().zip(&given[captured..]).map(&mut tangent).collect();
    let mut outputs = rule.replay(trace(), x.iter().cloned().chain(tangents).collect());
    let dy = outputs.drain(n..).map(|dy| dy.dtype().is_float().then_some(dy)).collect();
    (outputs.into_vec(), dy)
}

/// Panics where what a function with a rule of the user's captured is differentiated: the rule does not know of it.
fn check_captured(call: &Call, tracked: &[bool], at: At) {
    let ruled = match call.rule {
        Rule::Through(_) => false,
        Rule::Reverse { .. } | Rule::Forward { .. } => true,
    };
    let captured = tracked[..call.graph.captured()].iter().any(|&t| t);
    assert!(
        !(ruled && captured),
        "{}, at {at}: the function captured a value that is differentiated, of which its rule knows nothing: pass it as an \
         argument",
        call.name()
    );
}
