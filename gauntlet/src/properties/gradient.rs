//! Gradients are what differences say, element by element.
//!
//! For cotangents of the outputs, the pullback of reverse mode is compared with central differences of the operation in
//! f64: with step 1 where they are exact ([`Linearity`]), a small one elsewhere. The pullback runs in the sample's own
//! dtype, and is allowed a few of its roundings.

use super::pullback::{data, directions, in_f64, outputs, pullback, tensors, widened};
use crate::{Linearity, Sample};
use plywood_core::{Array, DType, Engine, Op, Tensor};

/// A small step: its square times a third derivative, and the rounding of a difference over it, are below 1e-9.
pub const STEP: f64 = 1.0 / (1u64 << 17) as f64;

/// The gradient with respect to each differentiable input of a smooth sample is that of differences.
pub fn gradient(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let cotangents = directions(&sample.name, &sample.outputs());
    let got = pullback(sample.op.clone(), tensors(engine, &data(sample)), tensors(engine, &cotangents));
    let got: Vec<Array> = got.iter().map(|t: &Tensor<_>| t.value().array("gradient")).collect();
    for (i, (dx, input)) in got.iter().zip(&sample.inputs).enumerate() {
        if dx.ty() != input.data.ty() {
            return Err(format!("the gradient of input {i} is {}, the input {}", dx.ty(), input.data.ty()));
        }
    }
    if sample.op == Op::StopGradient {
        let zero = got.iter().flat_map(in_f64).all(|g| g == 0.0);
        return if zero { Ok(()) } else { Err(format!("the gradient is not zero: {got:?}")) };
    }
    let wide = widened(sample);
    let (step, relative, absolute) = match (sample.linearity(), float_type(sample)) {
        (Linearity::Nonlinear, DType::F64) => (STEP, 1e-8, 1e-8),
        (Linearity::Nonlinear, dtype) => (STEP, 16.0 * epsilon(dtype), 1e-8),
        (_, dtype) => (1.0, 4.0 * epsilon(dtype), 0.0),
    };
    for i in sample.differentiable() {
        let got = in_f64(&got[i]);
        for (k, &g) in got.iter().enumerate() {
            let at = |step: f64| {
                let mut inputs = data(&wide);
                let mut x = inputs[i].clone().into_vec::<f64>().expect("widened");
                x[k] += step;
                inputs[i] = Array::new(x, inputs[i].shape().clone());
                outputs(engine, &wide.op, &inputs)
            };
            let (difference, terms, size) = difference(&at(step), &at(-step), &cotangents, 2.0 * step);
            let allowed = relative * (terms + g.abs()) + absolute * (1.0 + size);
            // NaN is not close to anything.
            let close = (g - difference).abs() <= allowed;
            if !close {
                return Err(format!(
                    "input {i}, element {k}: the gradient is {g}, differences give {difference} (allowed {allowed:.1e})"
                ));
            }
        }
    }
    Ok(())
}

/// The sum of cotangents times differences; the sum of the terms' magnitudes; that of cotangents times outputs.
fn difference(above: &[Array], below: &[Array], cotangents: &[Array], width: f64) -> (f64, f64, f64) {
    let (mut sum, mut terms, mut size) = (0.0, 0.0, 0.0);
    for ((a, b), ct) in above.iter().zip(below).zip(cotangents).filter(|(_, ct)| ct.dtype().is_float()) {
        for ((a, b), ct) in in_f64(a).into_iter().zip(in_f64(b)).zip(in_f64(ct)) {
            let term = ct * (a - b) / width;
            sum += term;
            terms += term.abs();
            size += (ct * a).abs();
        }
    }
    (sum, terms, size)
}

/// The narrowest float type among inputs and outputs: what roundings are measured in.
fn float_type(sample: &Sample) -> DType {
    [DType::BF16, DType::F16, DType::F32].into_iter().find(|&d| sample.has(d)).unwrap_or(DType::F64)
}

fn epsilon(dtype: DType) -> f64 {
    let (p, ..) = crate::data::format(dtype);
    2f64.powi(1 - p)
}
