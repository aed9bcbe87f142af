//! Calls become the operations of their graphs. Not those with a rule of derivation, or a policy of what is kept: a layer above
//! may still have to obey it.

use super::Rewrite;
use plywood_core::op::{Policy, Rule};
use plywood_core::{Equation, Graph, Op, Var};
use smallvec::SmallVec;

/// With the insides of calls in place of the calls.
pub fn inline(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    for e in graph.equations() {
        let inputs = new.inputs_of(e);
        let values = placed(&mut new, graph, e, inputs);
        new.define(&e.outputs, values);
    }
    new.finish()
}

/// An equation of `graph`, with new inputs: its outputs' new variables.
fn placed(
    new: &mut Rewrite<'_>,
    graph: &Graph,
    e: &Equation,
    inputs: SmallVec<[Var; 3]>,
) -> SmallVec<[Var; 1]> {
    match &e.op {
        Op::Call(call) if matches!(call.rule, Rule::Through(Policy::Everything)) => {
            inside(new, &call.graph, inputs)
        }
        op => new.emit(op.clone(), inputs, e, graph),
    }
}

/// The equations of a graph, of these new variables: its outputs' new variables.
pub(super) fn inside(new: &mut Rewrite<'_>, inner: &Graph, inputs: SmallVec<[Var; 3]>) -> SmallVec<[Var; 1]> {
    let variables = inner.inputs().iter().chain(inner.equations().iter().flat_map(|e| &e.outputs));
    let mut now: Vec<Option<Var>> = vec![None; variables.map(|v| v.0 as usize + 1).max().unwrap_or(0)];
    for (v, x) in inner.inputs().iter().zip(inputs) {
        now[v.0 as usize] = Some(x);
    }
    let of =
        |now: &[Option<Var>], v: &Var| now[v.0 as usize].expect("an equation reads what stands before it");
    for e in inner.equations() {
        let inputs = e.inputs.iter().map(|v| of(&now, v)).collect();
        for (v, value) in e.outputs.iter().zip(placed(new, inner, e, inputs)) {
            now[v.0 as usize] = Some(value);
        }
    }
    inner.outputs().iter().map(|v| of(&now, v)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graph, names};
    use super::*;
    use plywood_core::op::Call;
    use plywood_core::{Tensor, Value};
    use std::sync::Arc;

    #[test]
    fn calls_in_calls_become_their_operations() {
        let inner = Arc::new(graph(1, |x| vec![x[0].sin(), x[0].clone()]));
        let call = |rule: Rule, x: &Tensor<plywood_core::Dyn>| {
            let op = Op::Call(Arc::new(Call { graph: inner.clone(), rule }));
            Tensor::of(Value::apply(&op, [x.value().clone()].into_iter().collect()).remove(0))
        };
        let through = || Rule::Through(Policy::Everything);
        let middle = Arc::new(graph(1, |x| vec![call(through(), &x[0]).cos()]));
        let outer = graph(1, |x| {
            let op = Op::Call(Arc::new(Call { graph: middle.clone(), rule: through() }));
            let y = Value::apply(&op, [x[0].value().clone()].into_iter().collect()).remove(0);
            vec![call(Rule::Through(Policy::Nothing), &Tensor::of(y))]
        });
        assert_eq!(names(&outer), ["call", "checkpoint"]);
        assert_eq!(names(&inline(&outer)), ["sin", "cos", "checkpoint"]);
    }
}
