//! What has forward mode only: tangents are what differences say, to the second order; and reverse mode says why there is
//! none.

use super::gradient::STEP;
use super::jvp::pushed;
use super::pullback::{arrays, data, directions, in_f64, moved, outputs, pullback, tensors};
use crate::Sample;
use plywood_autodiff::{Forward, jvp as run};
use plywood_core::{Array, DType, Dyn, Engine, Tensor};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The tangents of a smooth sample of f64 along a direction are those of differences; so are the tangents of the tangents.
pub fn tangent(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let narrow = [DType::F32, DType::F16, DType::BF16].into_iter().any(|d| sample.has(d));
    if narrow {
        return Err("differences are taken in f64, and a graph has the types it has".into());
    }
    let (x, types) = (data(sample), sample.types());
    let (t, dx) = (directions("tangents", &types), directions("dx", &types));
    let op = &sample.op;
    let on = |arrays: &[Array]| tensors(engine, arrays);
    let first = |x: &[Array]| arrays(&pushed(op.clone(), on(x), on(&t)));
    let got = first(&x);
    for (got, ty) in got.iter().zip(sample.outputs()) {
        if got.ty() != ty {
            return Err(format!("a tangent is {}, its output {ty}", got.ty()));
        }
    }
    near(&got, |step| outputs(engine, op, &moved(&x, &t, step)))?;

    let (op, constant) = (op.clone(), t.clone());
    let twice = move |x: Vec<Tensor<Forward<Dyn>>>| {
        let t: Vec<Tensor<Forward<Dyn>>> = tensors(engine, &constant).iter().map(Tensor::lift).collect();
        pushed(op.clone(), x, t)
    };
    let got = arrays(&run(twice, (on(&x),), (on(&dx),)).1);
    near(&got, |step| first(&moved(&x, &dx, step))).map_err(|e| format!("of the second order: {e}"))
}

/// Tangents against central differences of what is computed a step away.
fn near(got: &[Array], at: impl Fn(f64) -> Vec<Array>) -> Result<(), String> {
    let (above, below) = (at(STEP), at(-STEP));
    for (i, got) in got.iter().enumerate().filter(|(_, got)| got.dtype().is_float()) {
        for (k, ((g, a), b)) in in_f64(got).iter().zip(in_f64(&above[i])).zip(in_f64(&below[i])).enumerate() {
            let difference = (a - b) / (2.0 * STEP);
            let close = (g - difference).abs() <= 1e-7 * (1.0 + g.abs() + a.abs());
            if !close {
                return Err(format!(
                    "output {i}, element {k}: the tangent is {g}, differences give {difference}"
                ));
            }
        }
    }
    Ok(())
}

/// Reverse mode panics, and says what would help.
pub fn no_reverse(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let cotangents = directions(&sample.name, &sample.outputs());
    let run = || pullback(sample.op.clone(), tensors(engine, &data(sample)), tensors(engine, &cotangents));
    let said = match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => return Err("reverse mode gives a gradient".into()),
        Err(panic) => super::message(&*panic),
    };
    match said.contains(sample.op.name())
        && said.contains("has no reverse mode")
        && said.contains("max_steps")
    {
        true => Ok(()),
        false => Err(format!("reverse mode says: {said}")),
    }
}
