//! The graphs inside loops and branches are improved as well, and what a scan computes anew in each step, though it is the same,
//! is computed once before.

use super::{Rewrite, optimized};
use plywood_core::op::{Cond, Scan, While};
use plywood_core::{Equation, Graph, Op, Var};
use smallvec::SmallVec;
use std::sync::Arc;

/// With better bodies.
pub fn loops(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    for e in graph.equations() {
        let inputs = new.inputs_of(e);
        match &e.op {
            Op::Scan(scan) => hoisted(&mut new, e, scan, inputs),
            Op::While(w) => {
                let (condition, body) = (inner(&w.condition), inner(&w.body));
                let op = Op::While(Arc::new(While { condition, body, ..(**w).clone() }));
                emit(&mut new, e, op, inputs);
            }
            Op::Cond(c) => {
                let branches = c.branches.iter().map(inner).collect();
                let op = Op::Cond(Arc::new(Cond { branches, which: c.which.clone() }));
                emit(&mut new, e, op, inputs);
            }
            _ => new.keep(e),
        }
    }
    new.finish()
}

/// A graph inside an operation, improved; once for all that hold it.
fn inner(graph: &Arc<Graph>) -> Arc<Graph> {
    let better = graph.memo().get::<Arc<Graph>>(b"improved", || Arc::new(optimized(graph)));
    Arc::clone(&better)
}

fn emit(new: &mut Rewrite<'_>, e: &Equation, op: Op, inputs: SmallVec<[Var; 3]>) {
    let graph = new.old;
    let outputs = new.emit(op, inputs, e, graph);
    new.define(&e.outputs, outputs);
}

/// A scan whose step is without what is the same in all steps.
struct Hoisted {
    before: Graph,
    /// Which constants the steps still read.
    left: Vec<bool>,
    body: Arc<Graph>,
}

fn hoisted(new: &mut Rewrite<'_>, e: &Equation, scan: &Scan, inputs: SmallVec<[Var; 3]>) {
    let body = inner(&scan.body);
    let key = [&b"hoisted"[..], &scan.constants.to_le_bytes()].concat();
    let found = body.memo().get::<Option<Hoisted>>(&key, || {
        let (before, left, rest) = body.hoisted(scan.constants)?;
        Some(Hoisted { before, left, body: Arc::new(rest) })
    });
    // Without a step nothing is computed.
    let Some(Hoisted { before, left, body }) = found.as_ref().as_ref().filter(|_| scan.length > 0) else {
        return emit(new, e, Op::Scan(Arc::new(Scan { body, ..scan.clone() })), inputs);
    };
    let (constants, others) = inputs.split_at(scan.constants);
    let values = super::inline::inside(new, before, constants.iter().copied().collect());
    let kept = constants.iter().zip(left).filter(|(_, left)| **left).map(|(v, _)| *v);
    let inputs: SmallVec<[Var; 3]> = kept.chain(values).chain(others.iter().copied()).collect();
    let constants = inputs.len() - others.len();
    emit(new, e, Op::Scan(Arc::new(Scan { body: body.clone(), constants, ..scan.clone() })), inputs);
}

#[cfg(test)]
mod tests {
    use super::super::optimized;
    use super::super::tests::{graph, names};
    use super::*;
    use plywood_core::{Dyn, Tensor, Value};

    type S = Tensor<Dyn>;

    /// A scan over five rows by a body of a constant, a state and a row.
    fn over_rows(body: impl Fn(&[S]) -> S, length: usize) -> Graph {
        let body = graph(3, |x| {
            let k = body(x);
            vec![k.clone(), k]
        });
        let scan = Scan { body: Arc::new(body), constants: 1, carries: 1, length, reverse: false };
        let op = Op::Scan(Arc::new(scan));
        graph(2, move |x| {
            let rows = x[0].broadcast_to([length, 2]);
            let inputs = [&x[1], &x[0], &rows].map(|x| x.value().clone());
            Value::apply(&op, inputs.into_iter().collect()).into_iter().map(S::of).collect()
        })
    }

    #[test]
    fn what_is_the_same_in_each_step_is_computed_before() {
        let body = |x: &[S]| &x[1] * x[0].sin().exp() + &x[2];
        let better = optimized(&over_rows(body, 5));
        assert_eq!(names(&better), ["broadcast", "sin", "exp", "scan"], "{better}");
        assert_eq!(names(better.equations()[3].op.graphs()[0]), ["mul", "add"]);
        assert_eq!(optimized(&better).to_string(), better.to_string());
        // Without a step nothing is.
        assert_eq!(names(&optimized(&over_rows(body, 0))), ["broadcast", "scan"]);
    }

    #[test]
    fn bodies_are_improved() {
        let better = optimized(&over_rows(|x| (&x[1] * 1.0 + (x[2].sin() - 0.0)) / 1.0 + &x[0], 5));
        let scan = better.equations().iter().find(|e| e.op.name() == "scan").expect("it stays");
        assert_eq!(names(scan.op.graphs()[0]), ["sin", "add", "add"]);
    }
}
