//! A loop for all lanes. Where the condition is the same for all, so is the number of steps; else it runs as long as it
//! holds for any lane, and a lane that is done keeps its state.

use super::{as_marked, fixpoint, flags, refuse_collectives};
use crate::derive::{Derived, graph, in_lanes, key, symbols, trace};
use crate::rules::{Arg, Args, Batch, led};
use plywood_core::op::{Reduction, While};
use plywood_core::record::extract;
use plywood_core::{DType, Op, TensorType, Value, Values};
use smallvec::smallvec;
use std::sync::Arc;

/// A loop for all lanes.
struct Whole {
    each: Arc<While>,
    state: Vec<bool>,
    /// Where lanes end at different steps: the condition, which is evaluated once before the loop, then in each step.
    condition: Option<Arc<Derived>>,
}

pub(in crate::rules) fn while_loop(w: &While, b: &Batch<'_>, mut x: Args) -> Args {
    let given = flags(&x);
    let ids = [w.condition_constants as u64, w.body_constants as u64, w.condition.memo().id()];
    let whole = w.body.memo().get(&key("while", &[&given], &ids, b.frame), || whole(w, b, &given));
    let state: Args = x.drain(w.condition_constants + w.body_constants..).collect();
    let state = as_marked(state, &whole.state, b);
    let constants: Values = x.into_iter().map(|x| x.value).collect();
    let (of_condition, _) = constants.split_at(w.condition_constants);
    let going = whole.condition.as_ref().map(|condition| {
        let inputs: Values = of_condition.iter().chain(&state).cloned().collect();
        condition.graph.replay(b.below, inputs).remove(0)
    });
    let inputs = constants.into_iter().chain(state).chain(going).collect();
    let results = b.run(&Op::While(whole.each.clone()), inputs);
    results.into_iter().zip(&whole.state).map(|(value, &batched)| Arg { value, batched }).collect()
}

fn whole(w: &While, b: &Batch<'_>, given: &[bool]) -> Whole {
    let (of_condition, rest) = given.split_at(w.condition_constants);
    let (of_body, state) = rest.split_at(w.body_constants);
    let state = fixpoint(state.to_vec(), |state| {
        graph(&w.body, &[of_body, state].concat(), &[], b.frame).outputs.clone()
    });
    let condition = graph(&w.condition, &[of_condition, &state].concat(), &[], b.frame);
    if !condition.outputs[0] {
        let body = graph(&w.body, &[of_body, &state].concat(), &state, b.frame);
        let each = While { condition: condition.graph.clone(), body: body.graph.clone(), ..w.clone() };
        return Whole { each: Arc::new(each), state, condition: None };
    }
    let graphs = [&*w.condition, &*w.body];
    refuse_collectives("while_loop", "lanes end after different numbers of steps", &graphs, b.frame);
    let state = vec![true; state.len()];
    let condition = graph(&w.condition, &[of_condition, &state].concat(), &[true], b.frame);
    let body = graph(&w.body, &[of_body, &state].concat(), &state, b.frame);
    let in_all = |ty: &TensorType| in_lanes(ty, true, b.frame);
    let going_type = in_all(&TensorType::scalar(DType::Bool));
    let state_types: Vec<TensorType> = w.body.output_types().map(in_all).collect();
    let with_state = |first: Vec<TensorType>| {
        symbols(first.into_iter().chain(state_types.iter().cloned()).chain([going_type.clone()]))
    };

    // As long as any lane goes on.
    let x = with_state(vec![]);
    let going = x.last().expect("it was put there").clone();
    let any = Value::apply1(Op::Reduce { kind: Reduction::Or, axes: smallvec![0] }, going);
    let any = extract(&x, &[any]).0;

    // A step, of the lanes that go on.
    let constants = w.condition.input_types().zip(of_condition).take(w.condition_constants);
    let constants = constants.chain(w.body.input_types().zip(of_body));
    let x = with_state(constants.map(|(ty, &batched)| in_lanes(ty, batched, b.frame)).collect());
    let (constants, rest) = x.split_at(w.condition_constants + w.body_constants);
    let (of_condition, of_body) = constants.split_at(w.condition_constants);
    let (old, going) = rest.split_at(state.len());
    let new = body.graph.replay(trace(), of_body.iter().chain(old).cloned().collect());
    let kept = old.iter().zip(new).map(|(old, new)| {
        let going = going[0].clone().broadcast_in(new.shape().clone(), led(0, &[]));
        Value::apply_all(Op::Select, [going, old.clone(), new].into_iter().collect())
    });
    let kept: Vec<Value> = kept.collect();
    let going = condition.graph.replay(trace(), of_condition.iter().chain(&kept).cloned().collect());
    let step = extract(&x, &[kept, going.into_vec()].concat()).0;
    let each = While {
        condition: Arc::new(any),
        body: Arc::new(step),
        condition_constants: 0,
        body_constants: w.condition_constants + w.body_constants,
    };
    Whole { each: Arc::new(each), state, condition: Some(condition) }
}
