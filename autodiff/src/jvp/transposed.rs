//! The Jacobian-vector product as the transpose of the vector-Jacobian product.
//!
//! The pullback of an operation at fixed residuals is a linear function of the cotangents. It is run once in reverse
//! mode, with cotangents that are tracked and zero; what it pulls the tangents back to are the products.

use super::{Push, Tangents};
use crate::engine::{self, Autodiff};
use crate::tape::Tape;
use crate::vjp::{self, Keep, T};
use plywood_core::{Backend, Dyn, Value};
use smallvec::SmallVec;
use std::sync::Arc;

pub(super) fn transposed(p: &Push<'_>) -> Tangents {
    let engine = <Autodiff<Dyn> as Backend>::ENGINE;
    let lifted =
        |x: &[T]| -> Vec<Value> { x.iter().map(|x| engine::constant(engine, x.value().clone())).collect() };
    let keep = Keep::everything();
    let kept = keep.and_outputs_of(keep.inputs_of(&lifted(p.x)), &lifted(p.y));
    let tape = Arc::new(Tape::new());
    let cotangents: SmallVec<[Option<T>; 1]> = (p.y.iter())
        .map(|y| {
            let slot = tape.variable();
            let zero = || T::of(engine::tracked(engine, y.zeros_like().into_value(), tape.clone(), slot));
            y.dtype().is_float().then(zero)
        })
        .collect();
    let wanted = p.t.iter().map(Option::is_some).collect();
    let gradients = vjp::pull_back(p.op, &kept, wanted, cotangents);
    let seeds = gradients.iter().zip(p.t).filter_map(|(gradient, t)| {
        let slot = engine::slot_on(gradient.as_ref()?.value(), &tape)?;
        Some((slot, t.clone()?))
    });
    let seeds = seeds.collect();
    drop(gradients);
    tape.backward(seeds, p.y.len()).into_iter().collect()
}
