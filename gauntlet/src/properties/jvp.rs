//! Forward mode is the transpose of reverse mode.
//!
//! For a tangent t of the inputs and a cotangent c of the outputs, `<c, jvp(t)> = <vjp(c), t>`: both sides are one sum of
//! products, computed from its two ends. And derivatives of the second order are the same in all four mixtures.

use super::pullback::{apply, arrays, data, directions, inner, pullback, tensors};
use crate::Sample;
use plywood_autodiff::{Autodiff, Forward, jvp as run, vjp};
use plywood_core::{Array, Backend, DType, Dyn, Engine, Op, Tensor};

/// The tangents of the outputs, for inputs and their tangents, on `B`.
pub fn pushed<B: Backend>(op: Op, inputs: Vec<Tensor<B>>, tangents: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    let f = move |x: Vec<Tensor<Forward<B>>>| -> Vec<Tensor<Forward<B>>> { apply(&op, x) };
    run(f, (inputs,), (tangents,)).1
}

/// The product of a cotangent, an operation's Jacobian and a tangent is the same from both ends.
pub fn jvp(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let (x, types) = (data(sample), sample.types());
    let (t, ct) = (directions("tangents", &types), directions(&sample.name, &sample.outputs()));
    let dy = arrays(&pushed(sample.op.clone(), tensors(engine, &x), tensors(engine, &t)));
    for (dy, ty) in dy.iter().zip(sample.outputs()) {
        if dy.ty() != ty {
            return Err(format!("a tangent is {}, its output {ty}", dy.ty()));
        }
    }
    let dx = arrays(&pullback(sample.op.clone(), tensors(engine, &x), tensors(engine, &ct)));
    let ((forward, size), (reverse, other)) = (inner(&ct, &dy), inner(&dx, &t));
    let narrow = [DType::BF16, DType::F16, DType::F32].into_iter().find(|&d| sample.has(d));
    let (p, ..) = crate::data::format(narrow.unwrap_or(DType::F64));
    let allowed = 64.0 * 2f64.powi(1 - p) * (size + other);
    // Where narrow floats overflow, they do so on both ways.
    match forward == reverse || (forward - reverse).abs() <= allowed {
        true => Ok(()),
        false => Err(format!("forward {forward}, reverse {reverse} (allowed {allowed:.1e})")),
    }
}

/// The second derivative along two directions is the same whichever mode is taken of whichever. Samples of f64.
pub fn mixtures(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let narrow = [DType::F32, DType::F16, DType::BF16].into_iter().any(|d| sample.has(d));
    if narrow || sample.differentiable().is_empty() {
        return Ok(());
    }
    let (x, types) = (data(sample), sample.types());
    let (t, dx) = (directions("tangents", &types), directions("dx", &types));
    let ct = directions(&sample.name, &sample.outputs());
    let on = |arrays: &[Array]| tensors(engine, arrays);

    let op = sample.op.clone();
    let constant = ct.clone();
    let reverse = move |x: Vec<Tensor<Autodiff<Dyn>>>| pullback(op.clone(), x, lifted(engine, &constant));
    let (_, back) = vjp(reverse, (on(&x),));
    let reverse_over_reverse = inner(&arrays(&back(on(&t)).0), &dx);

    let op = sample.op.clone();
    let constant = ct.clone();
    let reverse = move |x: Vec<Tensor<Forward<Dyn>>>| pullback(op.clone(), x, lifted(engine, &constant));
    let forward_over_reverse = inner(&arrays(&run(reverse, (on(&x),), (on(&dx),)).1), &t);

    let op = sample.op.clone();
    let constant = t.clone();
    let forward = move |x: Vec<Tensor<Forward<Dyn>>>| pushed(op.clone(), x, lifted(engine, &constant));
    let forward_over_forward = inner(&arrays(&run(forward, (on(&x),), (on(&dx),)).1), &ct);

    let op = sample.op.clone();
    let constant = t.clone();
    let forward = move |x: Vec<Tensor<Autodiff<Dyn>>>| pushed(op.clone(), x, lifted(engine, &constant));
    let (_, back) = vjp(forward, (on(&x),));
    let reverse_over_forward = inner(&arrays(&back(on(&ct)).0), &dx);

    let all = [reverse_over_reverse, forward_over_reverse, forward_over_forward, reverse_over_forward];
    let size: f64 = all.iter().map(|(_, size)| size).sum();
    let allowed = 1e-10 * (1.0 + size);
    match all.iter().all(|(d, _)| (d - all[0].0).abs() <= allowed) {
        true => Ok(()),
        false => Err(format!("reverse/reverse, forward/reverse, forward/forward, reverse/forward: {all:?}")),
    }
}

/// Host data as constants of a layer over `Dyn`.
fn lifted<L: plywood_core::Layer<Inner = Dyn>>(engine: &'static dyn Engine, all: &[Array]) -> Vec<Tensor<L>> {
    tensors(engine, all).iter().map(Tensor::lift).collect()
}
