//! Plain numbers become inputs: a new learning rate, or the number of a step, is a new value and not a new graph, so nothing is
//! optimised, planned or compiled for it.
//!
//! The few numbers that simplifications look for stay: 0, 1, -1, 2, 1/2, infinities, NaN; and truth values. Numbers in the bodies of
//! loops are constants of the loops.

use crate::passes::{fold, inline};
use plywood_core::at::At;
use plywood_core::op::{Scan, While};
use plywood_core::{DType, Engine, Equation, Graph, Number, Op, TensorType, Value, Var};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;

/// A number that left a graph, and the line it stood in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lifted {
    number: Number,
    dtype: DType,
    at: At,
}

impl Lifted {
    /// As a scalar of an engine.
    pub fn on(self, engine: &'static dyn Engine) -> Value {
        let ty = TensorType::scalar(self.dtype);
        Value::create(engine, Op::Full { number: self.number, ty })
    }
}

/// Whether a number stays in the graph.
pub(crate) fn stays(number: Number) -> bool {
    match number {
        Number::Bool(_) => true,
        Number::Float(x) => !x.is_finite() || [0.0, 1.0, -1.0, 2.0, 0.5].contains(&x),
        Number::Int(x) => (-1..=2).contains(&x),
        Number::UInt(x) => x <= 2,
    }
}

/// The graph with numbers as its first inputs, and the numbers. Two numbers are one input if they are equal and of one line of the
/// program: not if they only happen to be equal this time.
pub(crate) fn lifted(graph: &Graph) -> (Graph, Vec<Lifted>) {
    let count = graph.definitions().len();
    let mut new = Lift {
        types: (0..count as u32).map(|v| graph.ty(Var(v)).clone()).collect(),
        now: (0..count as u32).map(Var).collect(),
        inputs: Vec::new(),
        numbers: Vec::new(),
        known: HashMap::new(),
    };
    let mut equations: Vec<Equation> = Vec::with_capacity(graph.equations().len());
    for e in graph.equations() {
        let read: SmallVec<[Var; 3]> = e.inputs.iter().map(|v| new.now[v.0 as usize]).collect();
        let (op, inputs) = match &e.op {
            Op::Full { number, ty } if !stays(*number) => {
                let scalar = new.input(Lifted { number: *number, dtype: ty.dtype, at: e.at });
                if ty.shape.is_empty() {
                    new.now[e.outputs[0].0 as usize] = scalar;
                    continue;
                }
                (Op::Broadcast { shape: ty.shape.clone(), axes: smallvec![] }, smallvec![scalar])
            }
            Op::Scan(scan) => {
                let (body, numbers) = inside(&scan.body);
                let constants = scan.constants + numbers.len();
                let inputs = new.all(&numbers).into_iter().chain(read).collect();
                (Op::Scan(Arc::new(Scan { body, constants, ..(**scan).clone() })), inputs)
            }
            Op::While(w) => {
                let ((condition, first), (body, second)) = (inside(&w.condition), inside(&w.body));
                let (of_condition, rest) = read.split_at(w.condition_constants);
                let inputs = (new.all(&first).into_iter().chain(of_condition.iter().copied()))
                    .chain(new.all(&second))
                    .chain(rest.iter().copied())
                    .collect();
                let (condition_constants, body_constants) =
                    (w.condition_constants + first.len(), w.body_constants + second.len());
                (Op::While(Arc::new(While { condition, body, condition_constants, body_constants })), inputs)
            }
            op => (op.clone(), read),
        };
        equations.push(Equation { op, inputs, outputs: e.outputs.clone(), at: e.at });
    }
    let Lift { types, now, mut inputs, numbers, .. } = new;
    let captured = graph.captured() + inputs.len();
    inputs.extend(graph.inputs());
    let outputs = graph.outputs().iter().map(|v| now[v.0 as usize]).collect();
    (Graph::new(inputs, captured, equations, outputs, types), numbers)
}

/// A body without numbers, and the numbers; once for all loops that hold it.
fn inside(body: &Arc<Graph>) -> (Arc<Graph>, Vec<Lifted>) {
    let found = body.memo().get::<(Arc<Graph>, Vec<Lifted>)>(b"numbers", || {
        let (body, numbers) = lifted(&fold(&inline(body)));
        (Arc::new(body), numbers)
    });
    (*found).clone()
}

struct Lift {
    types: Vec<TensorType>,
    /// What stands for each variable of the old graph: itself, or a scalar.
    now: Vec<Var>,
    inputs: Vec<Var>,
    numbers: Vec<Lifted>,
    known: HashMap<(u64, DType, *const Location<'static>), Var>,
}

impl Lift {
    /// The input that a number is.
    fn input(&mut self, number: Lifted) -> Var {
        let key = (bits(number.number), number.dtype, number.at as *const _);
        if let Some(&v) = self.known.get(&key) {
            return v;
        }
        let v = Var(self.types.len() as u32);
        self.types.push(TensorType::scalar(number.dtype));
        self.inputs.push(v);
        self.numbers.push(number);
        self.known.insert(key, v);
        v
    }

    fn all(&mut self, numbers: &[Lifted]) -> Vec<Var> {
        numbers.iter().map(|&number| self.input(number)).collect()
    }
}

fn bits(number: Number) -> u64 {
    match number {
        Number::Float(x) => x.to_bits(),
        Number::Int(x) => x as u64,
        Number::UInt(x) => x,
        Number::Bool(x) => x as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::tests::{graph, names};
    use crate::structure::same;

    #[test]
    fn graphs_that_differ_in_numbers_are_one() {
        let step = |rate: f64| graph(2, move |x| vec![&x[0] - rate * &x[1] * 2.0 + 1.0]);
        let ((a, rate), (b, other)) = (lifted(&step(0.3)), lifted(&step(0.1)));
        assert!(same(&a, &b) && rate != other && rate.len() == 1);
        assert_eq!(names(&a), ["broadcast", "mul", "full", "mul", "sub", "full", "add"]);
        assert!(!same(&lifted(&step(1.0)).0, &a));
        // Equal by chance is not the same number: here they are equal, there not.
        let two = |p: f64, q: f64| {
            graph(1, move |x| {
                let y = &x[0] * p;
                vec![y * q]
            })
        };
        assert!(same(&lifted(&two(0.3, 0.3)).0, &lifted(&two(0.3, 0.4)).0));
    }

    #[test]
    fn scalars_are_the_inputs_themselves() {
        let g = graph(1, |x| vec![plywood_core::Tensor::of(x[0].sum().value().clone()) * 3.5]);
        let (lifted, numbers) = lifted(&g);
        assert_eq!((names(&lifted), numbers.len()), (vec!["reduce_sum", "mul"], 1));
        assert_eq!((lifted.captured(), lifted.inputs().len()), (1, 2));
    }
}
