//! Constant folding: operations on numbers that fill a tensor. Only such as have one result: rearranging, arithmetic of f32 and f64,
//! which IEEE 754 rounds, and in other dtypes arithmetic whose result every one of them holds; the rest a device computes.

use super::Rewrite;
use plywood_core::op::{Binary, Unary};
use plywood_core::{DType, Equation, Number, Op, Var};
use plywood_core::{Graph, TensorType};

/// With the numbers that operations on numbers give.
pub fn fold(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    // For each variable of the new graph, the number that fills it.
    let mut numbers: Vec<Option<Number>> = vec![None; new.types.len()];
    for e in graph.equations() {
        let inputs = new.inputs_of(e);
        let ty = graph.ty(e.outputs[0]).clone();
        let number = match &e.op {
            Op::Full { number, .. } => Some(*number),
            _ => folded(&numbers, e, &inputs, &ty),
        };
        match (&e.op, number) {
            (op, Some(number)) if !matches!(op, Op::Full { .. }) => {
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
fn folded(numbers: &[Option<Number>], e: &Equation, inputs: &[Var], ty: &TensorType) -> Option<Number> {
    let number = |i: usize| numbers[inputs.get(i)?.0 as usize];
    let exact = |i: usize| small(number(i)?, ty.dtype);
    let result = match &e.op {
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => {
            return number(0);
        }
        Op::StopGradient | Op::Slice(_) => return number(0),
        Op::Cast { dtype } => {
            let x = number(0)?.to_f64();
            // What is a number and not a truth value or a NaN in both types.
            return (small(number(0)?, *dtype)? == x && *dtype != DType::Bool).then(|| of(x, *dtype));
        }
        Op::Unary(Unary::Neg) if ty.dtype.is_float() => -exact(0)?,
        Op::Unary(Unary::Square) => exact(0)? * exact(0)?,
        Op::Binary(binary) if matches!(ty.dtype, DType::F32 | DType::F64) => {
            let (x, y) = (number(0)?.to_f64(), number(1)?.to_f64());
            return rounded(*binary, ty.dtype, x, y).map(Number::Float);
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
fn rounded(binary: Binary, dtype: DType, x: f64, y: f64) -> Option<f64> {
    let single = dtype == DType::F32;
    let result = match (binary, single) {
        (Binary::Add, true) => (x as f32 + y as f32) as f64,
        (Binary::Sub, true) => (x as f32 - y as f32) as f64,
        (Binary::Mul, true) => (x as f32 * y as f32) as f64,
        (Binary::Div, true) => (x as f32 / y as f32) as f64,
        (Binary::Add, false) => x + y,
        (Binary::Sub, false) => x - y,
        (Binary::Mul, false) => x * y,
        (Binary::Div, false) => x / y,
        _ => return None,
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
    }
}
