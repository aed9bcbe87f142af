//! Plain numbers become inputs: a new learning rate, or the number of a step, is a new value and not a new graph, so nothing is
//! optimised, planned or compiled for it.
//!
//! The few numbers that simplifications look for stay: 0, 1, -1, 2, 1/2, infinities, NaN; and truth values.

use plywood_core::at::At;
use plywood_core::{DType, Engine, Equation, Graph, Number, Op, Shape, TensorType, Value, Var};
use smallvec::{SmallVec, smallvec};
use std::collections::HashMap;

/// A number that left a graph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lifted {
    number: Number,
    dtype: DType,
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
    let mut numbers: Vec<Lifted> = Vec::new();
    let mut inputs: Vec<Var> = Vec::new();
    let mut known: HashMap<(u64, DType, *const std::panic::Location<'static>), Var> = HashMap::new();
    let count = graph.definitions().len();
    let mut types: Vec<TensorType> = (0..count as u32).map(|v| graph.ty(Var(v)).clone()).collect();
    // What stands for a variable: a scalar itself.
    let mut now: Vec<Var> = (0..count as u32).map(Var).collect();
    let mut equations: Vec<Equation> = Vec::with_capacity(graph.equations().len());
    for e in graph.equations() {
        let read: SmallVec<[Var; 3]> = e.inputs.iter().map(|v| now[v.0 as usize]).collect();
        let Op::Full { number, ty } = &e.op else {
            equations.push(Equation { inputs: read, ..e.clone() });
            continue;
        };
        if stays(*number) {
            equations.push(e.clone());
            continue;
        }
        let key = (bits(*number), ty.dtype, e.at as At as *const _);
        let scalar = *known.entry(key).or_insert_with(|| {
            types.push(TensorType::scalar(ty.dtype));
            let v = Var(types.len() as u32 - 1);
            inputs.push(v);
            numbers.push(Lifted { number: *number, dtype: ty.dtype });
            v
        });
        match ty.shape.is_empty() {
            true => now[e.outputs[0].0 as usize] = scalar,
            false => {
                let op = Op::Broadcast { shape: Shape::clone(&ty.shape), axes: smallvec![] };
                equations.push(Equation { op, inputs: smallvec![scalar], ..e.clone() });
            }
        }
    }
    let captured = graph.captured() + inputs.len();
    inputs.extend(graph.inputs());
    let outputs = graph.outputs().iter().map(|v| now[v.0 as usize]).collect();
    (Graph::new(inputs, captured, equations, outputs, types), numbers)
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
