//! What an operation gives without being executed: one of its inputs, or the result of one operation instead of two. Only where
//! the bits are the same: `x + 0` is not `x` where that is -0.

use super::Rewrite;
use plywood_core::op::{Binary, Bits, Unary};
use plywood_core::{DType, Equation, Graph, Number, Op, Var};
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
        Op::Cast { dtype } => match made(x[0]) {
            // A cast of a cast that lost nothing is one of the first value; but floats saturate, and integers wrap.
            Some(Equation { op: Op::Cast { dtype: between }, inputs, .. })
                if holds(*between, ty(inputs[0]).dtype)
                    && (!between.is_float()
                        || ty(inputs[0]).dtype.is_float()
                        || !dtype.is_integer()
                        || holds(*dtype, ty(inputs[0]).dtype)) =>
            {
                match ty(inputs[0]) == result {
                    true => Simpler::Value(inputs[0]),
                    false => Simpler::Op(Op::Cast { dtype: *dtype }, inputs.clone()),
                }
            }
            _ => Simpler::Not,
        },
        Op::Select if x.len() == 3 && x[1] == x[2] => Simpler::Value(x[1]),
        Op::Select if x.len() == 3 && ty(x[0]).dtype == DType::Bool => {
            // Of a choice by the same mask that side is known; by its inverse, the other.
            let side = |v: Var, side: usize| match made(v) {
                Some(Equation { op: Op::Select, inputs, .. }) if inputs[0] == x[0] => inputs[side],
                _ => v,
            };
            let (which, no, yes) = match made(x[0]) {
                Some(Equation { op: Op::Bits(Bits::Not), inputs, .. }) => (inputs[0], x[2], x[1]),
                _ => (x[0], side(x[1], 1), side(x[2], 2)),
            };
            match [which, no, yes] == *x {
                true => Simpler::Not,
                false => Simpler::Op(Op::Select, smallvec![which, no, yes]),
            }
        }
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

/// Whether a dtype holds every value of another.
fn holds(wide: DType, narrow: DType) -> bool {
    let bits = |d: DType| 8 * d.size() as u32;
    // How many bits of an integer a float holds.
    let exact = |float: DType| match float {
        DType::F64 => 53,
        DType::F32 => 24,
        DType::F16 => 11,
        _ => 8,
    };
    match (wide, narrow) {
        (wide, narrow) if wide == narrow => true,
        (DType::Bool, _) => false,
        (_, DType::Bool) => true,
        (DType::F64, narrow) if narrow.is_float() => true,
        (DType::F32, DType::F16 | DType::BF16) => true,
        (_, narrow) if narrow.is_float() => false,
        (wide, narrow) if wide.is_float() => bits(narrow) - !narrow.is_unsigned() as u32 <= exact(wide),
        (wide, narrow) if wide.is_unsigned() => narrow.is_unsigned() && bits(wide) > bits(narrow),
        (wide, narrow) => bits(wide) > bits(narrow),
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
        let g = graph(1, |x| vec![(x[0].cast(DType::I32) + 0) * 1]);
        assert_eq!(names(&simple(&g)), ["cast"]);
    }

    #[test]
    fn casts_of_casts_and_choices_of_choices_are_one() {
        let simple = |g: &Graph| dead(&simplify(g));
        // What loses something stays.
        let g = graph(1, |x| {
            vec![x[0].cast(DType::F64).cast(DType::F32), x[0].cast(DType::F64).cast(DType::I32)]
        });
        assert_eq!(names(&simple(&g)), ["cast"]);
        let g = graph(1, |x| {
            vec![x[0].cast(DType::F16).cast(DType::F32), x[0].cast(DType::I32).cast(DType::F32)]
        });
        assert_eq!(names(&simple(&g)).len(), 4);
        let g = graph(3, |x| {
            let which = x[0].gt(0.0);
            let inner = which.select(&x[1], &x[2]);
            vec![which.select(&inner, &x[0]), which.select(&x[0], &inner), which.select(&x[1], &x[1])]
        });
        assert_eq!(names(&simple(&g)), ["full", "gt", "select", "select"]);
        let g = graph(2, |x| vec![(!&x[0].gt(0.0)).select(&x[0], &x[1])]);
        assert_eq!(names(&simple(&g)), ["full", "gt", "select"]);
    }
}
