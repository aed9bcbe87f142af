//! What an operation gives without being executed: one of its inputs, or the result of one operation instead of two. Only where
//! the bits are the same: `x + 0` is not `x` where that is -0.

use super::Rewrite;
use plywood_core::op::Binary;
use plywood_core::op::Unary;
use plywood_core::{Equation, Graph, Number, Op, Var};
use smallvec::{SmallVec, smallvec};

/// With simpler operations, and without those that change nothing.
pub fn simplify(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    // For each variable of the new graph, the equation that gives it.
    let mut source: Vec<Option<usize>> = vec![None; new.inputs.len()];
    for e in graph.equations() {
        let inputs = new.inputs_of(e);
        match simpler(&new, &source, e, &inputs) {
            Simpler::Value(value) => new.define(&e.outputs, [value]),
            Simpler::Op(op, inputs) => {
                let outputs = new.emit(op, inputs, e, graph);
                new.define(&e.outputs, outputs);
            }
            Simpler::Not => new.keep(e),
        }
        source.resize(new.types.len(), Some(new.equations.len().saturating_sub(1)));
    }
    new.finish()
}

enum Simpler {
    /// The value of a variable.
    Value(Var),
    /// Another operation.
    Op(Op, SmallVec<[Var; 3]>),
    Not,
}

fn simpler(new: &Rewrite<'_>, source: &[Option<usize>], e: &Equation, x: &[Var]) -> Simpler {
    let ty = |v: Var| &new.types[v.0 as usize];
    let made = |v: Var| source[v.0 as usize].map(|i| &new.equations[i]);
    let result = new.old.ty(e.outputs[0]);
    match &e.op {
        Op::Binary(binary) => {
            let number = |v: Var| match made(v).map(|e| &e.op) {
                Some(Op::Full { number, .. }) => Some(*number),
                _ => None,
            };
            match (binary, number(x[0]), number(x[1])) {
                (Binary::Mul | Binary::Div, _, Some(n)) if is(n, 1.0) => Simpler::Value(x[0]),
                (Binary::Mul, Some(n), _) if is(n, 1.0) => Simpler::Value(x[1]),
                (Binary::Sub, _, Some(n)) if is(n, 0.0) => Simpler::Value(x[0]),
                (Binary::Add, _, Some(n)) if !result.dtype.is_float() && is(n, 0.0) => Simpler::Value(x[0]),
                (Binary::Add, Some(n), _) if !result.dtype.is_float() && is(n, 0.0) => Simpler::Value(x[1]),
                _ => Simpler::Not,
            }
        }
        Op::Unary(Unary::Neg) => match made(x[0]) {
            Some(Equation { op: Op::Unary(Unary::Neg), inputs, .. }) => Simpler::Value(inputs[0]),
            _ => Simpler::Not,
        },
        Op::Cast { .. } if result == ty(x[0]) => Simpler::Value(x[0]),
        Op::Broadcast { .. } if result == ty(x[0]) => Simpler::Value(x[0]),
        Op::Reshape { shape } => match made(x[0]) {
            _ if result == ty(x[0]) => Simpler::Value(x[0]),
            Some(Equation { op: Op::Reshape { .. }, inputs, .. }) => match ty(inputs[0]) == result {
                true => Simpler::Value(inputs[0]),
                false => Simpler::Op(Op::Reshape { shape: shape.clone() }, inputs.clone()),
            },
            _ => Simpler::Not,
        },
        Op::Transpose { permutation } => {
            let in_order = |p: &[usize]| p.iter().enumerate().all(|(i, &d)| i == d);
            match made(x[0]) {
                _ if in_order(permutation) => Simpler::Value(x[0]),
                Some(Equation { op: Op::Transpose { permutation: first }, inputs, .. }) => {
                    let both: SmallVec<[usize; 4]> = permutation.iter().map(|&d| first[d]).collect();
                    match in_order(&both) {
                        true => Simpler::Value(inputs[0]),
                        false => Simpler::Op(Op::Transpose { permutation: both }, smallvec![inputs[0]]),
                    }
                }
                _ => Simpler::Not,
            }
        }
        _ => Simpler::Not,
    }
}

/// Whether a number is this one, positive zero for 0.
fn is(number: Number, value: f64) -> bool {
    number.to_f64().to_bits() == value.to_bits()
}

#[cfg(test)]
mod tests {
    use super::super::dead;
    use super::super::tests::{graph, names};
    use super::*;

    #[test]
    fn what_changes_nothing_goes() {
        let simple = |g: &Graph| dead(&simplify(g));
        let g = graph(1, |x| vec![(1.0 * &x[0]) / 1.0 - 0.0]);
        assert!(simple(&g).equations().is_empty(), "{g}");
        // Where x is -0, x + 0 and 0 - x and x - -0 are not x.
        let g = graph(1, |x| vec![&x[0] + 0.0, 0.0 - &x[0], &x[0] - -0.0]);
        assert_eq!(simple(&g).equations().len(), g.equations().len());
        let g = graph(1, |x| vec![-(-&x[0]), x[0].reshape([2, 1]).reshape([1, 2]).reshape([2])]);
        assert!(simple(&g).equations().is_empty(), "{g}");
        let g = graph(1, |x| {
            let y = x[0].reshape([2, 1, 1]);
            vec![y.transpose([1, 2, 0]).transpose([1, 2, 0]), y.transpose([1, 2, 0]).transpose([2, 0, 1])]
        });
        assert_eq!(names(&simple(&g)), ["reshape", "transpose"]);
        let g = graph(1, |x| vec![(x[0].cast(plywood_core::DType::I32) + 0) * 1]);
        assert_eq!(names(&simple(&g)), ["cast"]);
    }
}
