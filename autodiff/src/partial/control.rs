//! Operations that hold graphs, partly known: the known part is computed, with what the unknown part takes of it.

use super::split::{Split, split};
use super::{On, inner, is_unknown, known, unknown};
use crate::derive::{Lies, chosen, fixpoint, merged, needs, on_devices};
use plywood_core::at::At;
use plywood_core::op::{Call, Cond, Pmap, Policy, Rule, Scan, While};
use plywood_core::{Graph, Op, Value, Values, Var};
use std::sync::Arc;

fn flags(inputs: &[Value]) -> Vec<bool> {
    inputs.iter().map(is_unknown).collect()
}

fn not(flags: &[bool]) -> Vec<bool> {
    flags.iter().map(|f| !f).collect()
}

/// Results in their order: known and unknown ones, each in theirs.
fn joined(on: &On, unknowns: &[bool], early: Values, late: Values) -> Values {
    let (mut early, mut late) = (early.into_iter(), late.into_iter());
    let next = |&is_unknown: &bool| match is_unknown {
        true => unknown(on.this, late.next().expect("one for each that is unknown")),
        false => known(on.this, early.next().expect("one for each that is known")),
    };
    unknowns.iter().map(next).collect()
}

/// A function. One that keeps all is looked into; of any other, what its policy does not keep is computed again whenever
/// the unknown part runs. Rules of the user's have been applied, or else it would not be here.
pub(super) fn call(on: &On, call: &Arc<Call>, at: At, inputs: Values) -> Values {
    let policy = match &call.rule {
        Rule::Through(policy) => policy,
        Rule::Reverse { .. } | Rule::Forward { .. } => &Policy::Everything,
    };
    if *policy == Policy::Everything {
        return call.graph.replay(on.this, inputs);
    }
    let unknowns = flags(&inputs);
    let parts = split(&call.graph, &unknowns, &vec![false; call.graph.outputs().len()]);
    let x = call.graph.inputs();
    let late_outputs = chosen(call.graph.outputs(), &parts.unknown);
    let late = call.graph.dependents(&chosen(x, &unknowns));
    let (kept, saved) = needs(&call.graph, &chosen(x, &not(&unknowns)), &late, &late_outputs, policy);
    let known_x: Vec<Value> = chosen(&inputs, &not(&unknowns)).iter().map(|x| inner(x).clone()).collect();
    let known_vars = chosen(x, &not(&unknowns));
    // Twice the known part, if the policy keeps something of it: its outputs are seen more finely by the split.
    let known_outputs = parts.known_outputs();
    let early = parts.early.part(parts.early.inputs(), &parts.early.outputs()[..known_outputs]);
    let engine = known_x.first().map_or(on.below, Value::engine);
    let results = early.replay(engine, known_x.iter().cloned().collect());
    let saving = call.graph.part(&known_vars, &saved);
    let saved_values = saving.replay(engine, known_x.iter().cloned().collect());
    let late_vars: Vec<Var> =
        kept.iter().map(|&i| known_vars[i]).chain(saved).chain(chosen(x, &unknowns)).collect();
    let late = Call { graph: Arc::new(call.graph.part(&late_vars, &late_outputs)), rule: call.rule.clone() };
    let lifted = kept.iter().map(|&i| known_x[i].clone()).chain(saved_values).map(on.lift);
    let given = lifted.chain(chosen(&inputs, &unknowns).iter().map(|x| on.symbol(x))).collect();
    let late = on.record(&Op::Call(Arc::new(late)), at, given);
    joined(on, &parts.unknown, results, late)
}

/// Where the late part of a step finds a residual of the early one.
#[derive(PartialEq)]
enum Place {
    /// Among the constants: it is the same in every step.
    Once,
    /// In a slice of a known tensor that is scanned.
    Sliced(usize),
    /// In a slice of what the early loop stacks.
    Stacked,
}

/// A scan in two: the state that does not depend on what is unknown runs alone, and stacks what the other takes of it;
/// what is the same in all steps is computed once.
pub(super) fn scan(on: &On, scan: &Scan, at: At, inputs: Values) -> Values {
    let (constants, state) = (scan.constants, scan.constants + scan.carries);
    let nothing = vec![false; scan.body.outputs().len()];
    let marked = fixpoint(flags(&inputs), constants..state, |marked| {
        split(&scan.body, marked, &nothing).unknown.clone()
    });
    let late: Vec<bool> = (0..nothing.len()).map(|i| i < scan.carries && marked[constants + i]).collect();
    let parts = split(&scan.body, &marked, &late);
    let known_of = |range: std::ops::Range<usize>| marked[range].iter().filter(|m| !**m).count();
    let (kc, kk) = (known_of(0..constants), known_of(constants..state));
    let known_inputs: Vec<Value> = chosen(&inputs, &not(&marked)).iter().map(|x| inner(x).clone()).collect();
    let engine = known_inputs.first().map_or(on.below, Value::engine);

    // The early part.
    let x = parts.early.inputs();
    let varying = parts.early.dependents(&x[kc..]);
    let place = |v: &Var| match (varying[v.0 as usize], x[kc + kk..].iter().position(|x| x == v)) {
        (false, _) => Place::Once,
        (true, Some(i)) => Place::Sliced(i),
        (true, None) => Place::Stacked,
    };
    let places: Vec<Place> = parts.residuals().iter().map(place).collect();
    let at_places = |vars: &[Var], wanted: fn(&Place) -> bool| -> Vec<Var> {
        vars.iter().zip(&places).filter(|(_, p)| wanted(p)).map(|(v, _)| *v).collect()
    };
    let is: [fn(&Place) -> bool; 3] =
        [|p| *p == Place::Once, |p| matches!(p, Place::Sliced(_)), |p| *p == Place::Stacked];
    let [once, _, stacked] = is.map(|is| at_places(parts.residuals(), is));
    let constants_below = known_inputs[..kc].iter().cloned().collect();
    let hoisted = parts.early.part(&x[..kc], &once).replay(engine, constants_below);
    let scanned: Vec<Value> = (places.iter())
        .filter_map(|p| match p {
            Place::Sliced(i) => Some(known_inputs[kc + kk + i].clone()),
            Place::Once | Place::Stacked => None,
        })
        .collect();
    let known_outputs = parts.known_outputs();
    let results = [&parts.early.outputs()[..known_outputs], &stacked].concat();
    let mut early = Values::new();
    if !results.is_empty() {
        let body = Arc::new(parts.early.part(x, &results));
        let early_scan = Scan { body, constants: kc, carries: kk, ..scan.clone() };
        early = on.compute(&Op::Scan(Arc::new(early_scan)), at, known_inputs.into_iter().collect());
    }
    let stacked: Vec<Value> = early.drain(known_outputs..).collect();

    // The late part.
    if !parts.unknown.contains(&true) {
        return joined(on, &parts.unknown, early, Values::new());
    }
    let (given, own) = parts.late.inputs().split_at(places.len());
    let [of_once, of_sliced, of_stacked] = is.map(|is| at_places(given, is));
    let count = |range: std::ops::Range<usize>| marked[range].iter().filter(|m| **m).count();
    let late_scan = Scan {
        body: Arc::new(
            parts.late.part(&[&of_once, own, &of_sliced, &of_stacked].concat(), parts.late.outputs()),
        ),
        constants: of_once.len() + count(0..constants),
        carries: count(constants..state),
        ..scan.clone()
    };
    let unknown_inputs: Vec<Value> = chosen(&inputs, &marked).iter().map(|x| on.symbol(x)).collect();
    let lifted = |all: Vec<Value>| all.into_iter().map(on.lift);
    let given = lifted(hoisted.into_vec()).chain(unknown_inputs).chain(lifted([scanned, stacked].concat()));
    let late = on.record(&Op::Scan(Arc::new(late_scan)), at, given.collect());
    joined(on, &parts.unknown, early, late)
}

/// A loop of unknown length has nowhere to put what each step would leave: the known part of the state is computed, and
/// once more together with the unknown part. Where the condition is unknown, all is.
pub(super) fn while_loop(on: &On, w: &Arc<While>, at: At, inputs: Values) -> Values {
    let op = Op::While(w.clone());
    let (n, m) = (w.condition_constants, w.body_constants);
    let unknowns = flags(&inputs);
    let carries = inputs.len() - n - m;
    let nothing = vec![false; carries];
    let marked = fixpoint(unknowns[n..].to_vec(), m..m + carries, |marked| {
        split(&w.body, marked, &nothing).unknown.clone()
    });
    let of_condition: Vec<bool> = unknowns[..n].iter().chain(&marked[m..]).copied().collect();
    let condition = split(&w.condition, &of_condition, &[false]);
    if condition.unknown[0] || !marked[m..].contains(&false) {
        return on.whole(&op, at, &inputs);
    }
    let body = split(&w.body, &marked, &marked[m..]);
    let known_body = body.early.part(body.early.inputs(), &body.early.outputs()[..body.known_outputs()]);
    let early = While {
        body_constants: marked[..m].iter().filter(|m| !**m).count(),
        condition_constants: unknowns[..n].iter().filter(|u| !**u).count(),
        condition: Arc::new(condition.early.clone()),
        body: Arc::new(known_body),
    };
    let all: Vec<bool> = unknowns[..n].iter().chain(&marked).copied().collect();
    let given = chosen(&inputs, &not(&all)).iter().map(|x| inner(x).clone()).collect();
    let early = on.compute(&Op::While(Arc::new(early)), at, given);
    let symbols = inputs.iter().map(|x| on.symbol(x)).collect();
    let late: Vec<Value> = chosen(&on.record(&op, at, symbols), &marked[m..]);
    joined(on, &marked[m..], early, late.into())
}

/// A branch in two, by a known choice: an output is unknown if it is in any branch. By an unknown one, all is.
pub(super) fn cond(on: &On, cond: &Arc<Cond>, at: At, inputs: Values) -> Values {
    if is_unknown(&inputs[0]) {
        return on.whole(&Op::Cond(cond.clone()), at, &inputs);
    }
    let unknowns = flags(&inputs[1..]);
    let mut late = vec![false; cond.branches[0].outputs().len()];
    for branch in &cond.branches {
        let parts = split(branch, &unknowns, &late);
        late = parts.unknown.clone();
    }
    let parts: Vec<Arc<Split>> = cond.branches.iter().map(|b| split(b, &unknowns, &late)).collect();
    let graphs: Vec<(&Graph, &Graph)> = parts.iter().map(|p| (&p.early, &p.late)).collect();
    let known_outputs = parts[0].known_outputs();
    let (early, late_cond) = merged(&graphs, known_outputs, &cond.which);
    let which = inner(&inputs[0]).clone();
    let (known_inputs, unknown_inputs) =
        (chosen(&inputs[1..], &not(&unknowns)), chosen(&inputs[1..], &unknowns));
    let given = std::iter::once(which.clone()).chain(known_inputs.iter().map(|x| inner(x).clone())).collect();
    let mut early = on.compute(&Op::Cond(Arc::new(early)), at, given);
    let residuals: Vec<Value> = early.drain(known_outputs..).collect();
    if !late.contains(&true) {
        return joined(on, &late, early, Values::new());
    }
    let lifted = std::iter::once(which).chain(residuals).map(on.lift);
    let given = lifted.chain(unknown_inputs.iter().map(|x| on.symbol(x))).collect();
    let results = on.record(&Op::Cond(Arc::new(late_cond)), at, given);
    joined(on, &late, early, results)
}

/// A program for many devices in two: what the unknown part takes of the known one stays on its device.
pub(super) fn pmap(on: &On, p: &Arc<Pmap>, at: At, inputs: Values) -> Values {
    let unknowns = flags(&inputs);
    let parts = split(&p.graph, &unknowns, &vec![false; p.outputs.len()]);
    let by = |specs: Vec<plywood_core::op::Spec>| specs.into_iter().map(Lies::By).collect::<Vec<_>>();
    let residuals = vec![Lies::Inside; parts.residuals().len()];
    let leaving = [by(chosen(&p.outputs, &not(&parts.unknown))), residuals.clone()].concat();
    let early = on_devices(p, &parts.early, &by(chosen(&p.inputs, &not(&unknowns))), &leaving);
    let known_inputs = chosen(&inputs, &not(&unknowns)).iter().map(|x| inner(x).clone()).collect();
    let mut early = on.compute(&Op::Pmap(Arc::new(early)), at, known_inputs);
    let kept: Vec<Value> = early.drain(parts.known_outputs()..).collect();
    let arriving = [residuals, by(chosen(&p.inputs, &unknowns))].concat();
    let late = on_devices(p, &parts.late, &arriving, &by(chosen(&p.outputs, &parts.unknown)));
    let unknown_inputs = chosen(&inputs, &unknowns);
    let given = kept.into_iter().map(on.lift).chain(unknown_inputs.iter().map(|x| on.symbol(x)));
    let late = on.record(&Op::Pmap(Arc::new(late)), at, given.collect());
    joined(on, &parts.unknown, early, late)
}
