//! Derivatives of derivatives are what differences of derivatives say.
//!
//! The pullback is itself a function, of the inputs and of the cotangents. Its pullback (reverse over reverse, on
//! `Autodiff<Autodiff<_>>`) is compared with central differences of the first along one random direction of both, in
//! f64.

use super::gradient::STEP;
use super::pullback::{arrays, data, directions, inner, moved, pullback, tensors};
use crate::Sample;
use plywood_autodiff::{Autodiff, vjp};
use plywood_core::{Array, DType, Dyn, Engine, Tensor};

/// Second derivatives of a smooth sample of f64 are those of differences. Samples of other floats pass: what they would
/// show of a rule, f64 shows better.
pub fn second_order(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let narrow = [DType::F32, DType::F16, DType::BF16].into_iter().any(|d| sample.has(d));
    if narrow || sample.differentiable().is_empty() {
        return Ok(());
    }
    let x = data(sample);
    let types: Vec<_> = sample.types();
    let (cotangents, seeds) = (directions(&sample.name, &sample.outputs()), directions("seeds", &types));
    let (dx, dct) = (directions("dx", &types), directions("dct", &sample.outputs()));

    let op = sample.op.clone();
    let first = move |x: Vec<Tensor<Autodiff<Dyn>>>, ct: Vec<Tensor<Autodiff<Dyn>>>| {
        pullback::<Autodiff<Dyn>>(op.clone(), x, ct)
    };
    let (_, second) = vjp(first, (tensors(engine, &x), tensors(engine, &cotangents)));
    let (by_x, by_ct) = second(tensors(engine, &seeds));
    let (along_x, size_x) = inner(&arrays(&by_x), &dx);
    let (along_ct, size_ct) = inner(&arrays(&by_ct), &dct);

    let at = |step: f64| -> Vec<Array> {
        let (x, ct) = (moved(&x, &dx, step), moved(&cotangents, &dct, step));
        arrays(&pullback::<Dyn>(sample.op.clone(), tensors(engine, &x), tensors(engine, &ct)))
    };
    let ((above, size), (below, _)) = (inner(&at(STEP), &seeds), inner(&at(-STEP), &seeds));
    let (got, difference) = (along_x + along_ct, (above - below) / (2.0 * STEP));
    let allowed = 1e-7 * (1.0 + size + size_x + size_ct);
    if (got - difference).abs() <= allowed {
        return Ok(());
    }
    Err(format!("along a direction {got}, differences give {difference} (allowed {allowed:.1e})"))
}
