//! The pullback of a sample's operation on any backend, and the numbers it is tried with: what the properties about
//! derivatives share.

use crate::data::{Numbers, fill};
use crate::{Input, Layout, Sample, lanes};
use plywood_autodiff::{Autodiff, vjp};
use plywood_core::convert::Wide;
use plywood_core::op::Dot;
use plywood_core::{Array, Backend, DType, Dyn, Engine, Op, Tensor, TensorType, Value, Values, with_dtype};
use std::sync::Arc;

/// From inputs and cotangents of the outputs to cotangents of the inputs, on `B`. Differentiates on `Autodiff<B>`.
pub fn pullback<B: Backend>(op: Op, inputs: Vec<Tensor<B>>, cotangents: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    let f = move |x: Vec<Tensor<Autodiff<B>>>| -> Vec<Tensor<Autodiff<B>>> { apply(&op, x) };
    let (_, pull) = vjp(f, (inputs,));
    pull(cotangents).0
}

/// The operation on tensors of any backend.
pub fn apply<B: Backend>(op: &Op, inputs: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    let values: Values = inputs.into_iter().map(Tensor::into_value).collect();
    let engine = values.first().map_or(B::ENGINE, Value::engine);
    lanes::apply(engine, op, values).into_iter().map(Tensor::of).collect()
}

/// Arrays as tensors of `Dyn` on an engine.
pub fn tensors(engine: &'static dyn Engine, arrays: &[Array]) -> Vec<Tensor<Dyn>> {
    arrays.iter().map(|a| Tensor::of(Value::create(engine, Op::Constant(a.clone())))).collect()
}

/// Tensors, read back.
pub fn arrays(tensors: &[Tensor<Dyn>]) -> Vec<Array> {
    tensors.iter().map(|t| t.value().array("gauntlet")).collect()
}

/// Small dyadic numbers for floats, zeros for all else: cotangents and directions.
pub fn directions<'a>(name: &str, types: impl IntoIterator<Item = &'a TensorType>) -> Vec<Array> {
    let mut numbers = Numbers::of(name);
    let one = |ty: &TensorType| {
        fill(ty.dtype, ty.shape.clone(), |_| match ty.dtype.is_float() {
            true => Wide::Float(numbers.dyadic()),
            false => Wide::Int(0),
        })
    };
    types.into_iter().map(one).collect()
}

/// The logical data of the inputs.
pub fn data(sample: &Sample) -> Vec<Array> {
    sample.inputs.iter().map(|i| i.data.clone()).collect()
}

/// A float array as f64.
pub fn in_f64(array: &Array) -> Vec<f64> {
    with_dtype!(array.dtype(), T => {
        array.as_slice::<T>().expect("its own dtype").iter().map(|&x| plywood_core::convert::to_f64(x)).collect()
    })
}

/// The sample with f64 in place of every float type: differences are taken there.
pub fn widened(sample: &Sample) -> Sample {
    let widen = |a: &Array| match a.dtype().is_float() {
        true => Array::new(in_f64(a), a.shape().clone()),
        false => a.clone(),
    };
    let op = match &sample.op {
        Op::Cast { dtype } if dtype.is_float() => Op::Cast { dtype: DType::F64 },
        Op::Dot(d) => Op::Dot(Arc::new(Dot { dtype: DType::F64, ..(**d).clone() })),
        other => other.clone(),
    };
    let inputs =
        sample.inputs.iter().map(|i| Input { data: widen(&i.data), layout: Layout::Plain }).collect();
    Sample { op, inputs, ..sample.clone() }
}

/// The operation on host data, read back.
pub fn outputs(engine: &'static dyn Engine, op: &Op, inputs: &[Array]) -> Vec<Array> {
    let inputs = tensors(engine, inputs);
    arrays(&apply(op, inputs))
}

/// The sum of products of the float elements of two lists of arrays, and the sum of their magnitudes.
pub fn inner(a: &[Array], b: &[Array]) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for (a, b) in a.iter().zip(b).filter(|(a, b)| a.dtype().is_float() && b.dtype().is_float()) {
        for (x, y) in in_f64(a).into_iter().zip(in_f64(b)) {
            sums.0 += x * y;
            sums.1 += (x * y).abs();
        }
    }
    sums
}

/// `x + step * direction` of f64 arrays; others as they are.
pub fn moved(x: &[Array], direction: &[Array], step: f64) -> Vec<Array> {
    x.iter()
        .zip(direction)
        .map(|(x, d)| match (x.as_slice::<f64>(), d.as_slice::<f64>()) {
            (Some(x_all), Some(d)) => {
                let all: Vec<f64> = x_all.iter().zip(d).map(|(x, d)| x + step * d).collect();
                Array::new(all, x.shape().clone())
            }
            _ => x.clone(),
        })
        .collect()
}
