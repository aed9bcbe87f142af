//! An input has the derivative that it has among the others, also where it is differentiated alone: what a rule keeps, and
//! what a loop's rule carries and takes out of the loop, depends on which inputs that are.

use super::jvp::pushed;
use super::pullback::{apply, arrays, data, directions, in_f64, pullback, tensors};
use crate::Sample;
use plywood_autodiff::{Autodiff, Forward, jvp, vjp};
use plywood_core::{Array, DType, Dyn, Engine, Layer, Op, Tensor};

/// For smooth samples of f64: cotangents of each differentiable input alone are those of all together, and their tangents
/// add up to that of all. Samples of other floats pass.
pub fn alone(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let narrow = [DType::F32, DType::F16, DType::BF16].into_iter().any(|d| sample.has(d));
    if narrow {
        return Ok(());
    }
    let x = data(sample);
    let (t, ct) = (directions("tangents", &sample.types()), directions(&sample.name, &sample.outputs()));
    let on = |arrays: &[Array]| tensors(engine, arrays);
    let one = |arrays: &[Array], i: usize| on(&arrays[i..=i]).remove(0);
    let mut tangents: Vec<Vec<f64>> = Vec::new();
    let together = match sample.has_reverse_mode() {
        true => arrays(&pullback(sample.op.clone(), on(&x), on(&ct))),
        false => Vec::new(),
    };
    for i in sample.differentiable() {
        if sample.has_reverse_mode() {
            let (op, others) = (sample.op.clone(), on(&x));
            let f = move |x: Tensor<Autodiff<Dyn>>| with(&op, &others, i, x);
            let dx = arrays(&[vjp(f, (one(&x, i),)).1(on(&ct)).0]);
            near(&in_f64(&dx[0]), &in_f64(&together[i])).map_err(|e| format!("gradient of input {i}{e}"))?;
        }
        let (op, others) = (sample.op.clone(), on(&x));
        let f = move |x: Tensor<Forward<Dyn>>| with(&op, &others, i, x);
        let dy = arrays(&jvp(f, (one(&x, i),), (one(&t, i),)).1);
        let dy: Vec<Vec<f64>> = dy.iter().map(in_f64).collect();
        tangents = match tangents.is_empty() {
            true => dy,
            false => {
                tangents.iter().zip(&dy).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
            }
        };
    }
    let all = arrays(&pushed(sample.op.clone(), on(&x), on(&t)));
    let pairs = tangents.iter().zip(&all).filter(|(_, dy)| dy.dtype().is_float()).enumerate();
    for (i, (sum, dy)) in pairs {
        near(sum, &in_f64(dy)).map_err(|e| format!("sum of the tangents of output {i}{e}"))?;
    }
    Ok(())
}

/// The operation with one input of the layer and the others as constants.
fn with<L: Layer<Inner = Dyn>>(op: &Op, others: &[Tensor<Dyn>], i: usize, x: Tensor<L>) -> Vec<Tensor<L>> {
    let mut inputs: Vec<Tensor<L>> = others.iter().map(Tensor::lift).collect();
    inputs[i] = x;
    apply(op, inputs)
}

fn near(alone: &[f64], together: &[f64]) -> Result<(), String> {
    let size = together.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
    match alone.iter().zip(together).all(|(a, b)| (a - b).abs() <= 1e-12 * size) {
        true => Ok(()),
        false => Err(format!(": alone {alone:?}, together {together:?}")),
    }
}
