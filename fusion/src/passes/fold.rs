//! Constant folding: operations on numbers that fill a tensor. Only such as have one result: rearranging, arithmetic of f32 and f64,
//! which IEEE 754 rounds, and in other dtypes arithmetic whose result every one of them holds; the rest a device computes.

use super::Rewrite;
use plywood_core::convert::from_number;
use plywood_core::op::{Binary, Unary};
use plywood_core::{DType, Equation, Graph, Number, Op, Var};
use std::ops::{Add, Div, Mul, Sub};

/// With the numbers that operations on numbers give.
pub fn fold(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    // For each variable of the new graph, the number that fills it.
    let mut numbers: Vec<Option<Number>> = vec![None; new.types.len()];
    for e in graph.equations() {
        let inputs = new.inputs_of(e);
        let number = match &e.op {
            Op::Full { number, .. } => Some(*number),
            _ => folded(graph, &numbers, e, &inputs),
        };
        match (&e.op, number) {
            (op, Some(number)) if !matches!(op, Op::Full { .. }) => {
                let ty = graph.ty(e.outputs[0]).clone();
                let outputs = new.emit(Op::Full { number, ty }, Default::default(), e, graph);
                new.define(&e.outputs, outputs);
            }
            _ => new.keep(e),
        }
        numbers.resize(new.types.len(), None);
        if let Some(last) = numbers.last_mut().filter(|_| number.is_some()) {
            *last = number;
        }
    }
    new.finish()
}

/// The number that fills an operation's output.
fn folded(graph: &Graph, numbers: &[Option<Number>], e: &Equation, inputs: &[Var]) -> Option<Number> {
    let ty = graph.ty(*e.outputs.first()?);
    let number = |i: usize| numbers[inputs.get(i)?.0 as usize];
    let exact = |i: usize| small(number(i)?, ty.dtype);
    let result = match &e.op {
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => {
            return number(0);
        }
        Op::StopGradient | Op::Slice(_) => return number(0),
        Op::Cast { dtype } => {
            // What both dtypes hold: of an integer's 1.5 there is no 1.5.
            let x = small(number(0)?, graph.ty(e.inputs[0]).dtype)?;
            return (small(number(0)?, *dtype)? == x).then(|| of(x, *dtype));
        }
        Op::Unary(Unary::Neg) if ty.dtype.is_float() => -exact(0)?,
        Op::Unary(Unary::Square) => exact(0)? * exact(0)?,
        Op::Binary(binary) if matches!(ty.dtype, DType::F32 | DType::F64) => {
            return rounded(*binary, ty.dtype, number(0)?, number(1)?).map(Number::Float);
        }
        Op::Binary(binary) => {
            let (x, y) = (exact(0)?, exact(1)?);
            match binary {
                Binary::Add => x + y,
                Binary::Sub => x - y,
                Binary::Mul => x * y,
                Binary::Div if ty.dtype.is_float() && y != 0.0 => x / y,
                Binary::Max if x != y => x.max(y),
                Binary::Min if x != y => x.min(y),
                _ => return None,
            }
        }
        _ => return None,
    };
    small(of(result, ty.dtype), ty.dtype).map(|x| of(x, ty.dtype))
}

/// The result of arithmetic, rounded once; none where it is not finite, or of other functions.
fn rounded(binary: Binary, dtype: DType, x: Number, y: Number) -> Option<f64> {
    fn of<T: Add<Output = T> + Sub<Output = T> + Mul<Output = T> + Div<Output = T>>(
        binary: Binary,
        x: T,
        y: T,
    ) -> Option<T> {
        Some(match binary {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x * y,
            Binary::Div => x / y,
            _ => return None,
        })
    }
    let result = match dtype {
        DType::F32 => of::<f32>(binary, from_number(x), from_number(y))? as f64,
        _ => of::<f64>(binary, from_number(x), from_number(y))?,
    };
    result.is_finite().then_some(result)
}

fn of(x: f64, dtype: DType) -> Number {
    if dtype.is_float() { Number::Float(x) } else { Number::Int(x as i64) }
}

/// A number that every numeric dtype of its kind holds: a few bits, none of them far away.
fn small(number: Number, dtype: DType) -> Option<f64> {
    let x = match number {
        Number::Bool(_) => return None,
        Number::Float(x) => x,
        Number::Int(x) if x.abs() <= 64 => x as f64,
        Number::UInt(x) if x <= 64 => x as f64,
        Number::Int(_) | Number::UInt(_) => return None,
    };
    let step = if dtype.is_float() { 1.0 / 64.0 } else { 1.0 };
    let whole = (x / step).fract() == 0.0 && x.abs() <= if dtype.is_float() { 2.0 } else { 64.0 };
    let fits = dtype != DType::Bool && (!dtype.is_unsigned() || x >= 0.0);
    (whole && fits && (x != 0.0 || x.is_sign_positive() || dtype.is_float())).then_some(x)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{graph, names};
    use super::super::{common, dead};
    use super::*;

    #[test]
    fn operations_on_numbers_are_numbers() {
        let better = |g: &Graph| dead(&common(&fold(g)));
        let one = |x: &plywood_core::Tensor<plywood_core::Dyn>| x.full_like(1.0);
        let g = graph(1, |x| vec![&x[0] * ((one(&x[0]) + 0.5) / 2.0).reshape([2, 1]).reshape([2])]);
        assert_eq!(names(&better(&g)), ["full", "mul"]);
        assert!(better(&g).to_string().contains("mul a 0.75"), "{}", better(&g));
        // A third is rounded as f32 is; infinity is none.
        let g = graph(1, |x| vec![&x[0] * (one(&x[0]) / x[0].full_like(3.0)) + one(&x[0]) / 0.0]);
        assert_eq!(names(&better(&g)), ["full", "full", "mul", "full", "div", "add"]);
        assert!(better(&g).to_string().contains(&(1f32 / 3.0).to_string()), "{}", better(&g));
        // Zeros keep their sign.
        let g = graph(1, |x| vec![&x[0] * -(one(&x[0]) - 1.0)]);
        assert!(better(&g).to_string().contains("-0"), "{}", better(&g));
        let g = graph(1, |x| vec![x[0].cast(DType::I32) + one(&x[0]).cast(DType::I32) * 64]);
        assert_eq!(names(&better(&g)), ["cast", "full", "add"]);
        // An integer's 1.5 is 1.
        let g = graph(1, |x| vec![&x[0] * x[0].cast(DType::I32).full_like(1.5).cast(DType::F32)]);
        assert_eq!(names(&better(&g)), ["full", "cast", "mul"], "{}", better(&g));
    }
}
