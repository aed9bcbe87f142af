//! Derivatives of choices: a selection of cotangents, never a product with a mask.

use super::{Gradients, Pull, T};
use plywood_core::{DType, Op, Value, Values};

/// Each case gets the cotangent where it was taken.
pub(super) fn select(r: &Pull<'_>, ct: T) -> Gradients {
    let which = r.x(0);
    let cases = r.wanted.len() - 1;
    let zero = ct.zeros_like();
    let taken = |case: usize| match which.dtype() {
        DType::Bool => {
            let (no, yes) = if case == 0 { (&ct, &zero) } else { (&zero, &ct) };
            let inputs: Values = [which, no, yes].into_iter().map(|t| t.value().clone()).collect();
            T::of(Value::apply_all(Op::Select, inputs))
        }
        // An index out of range takes the first or the last case.
        _ => which.clip(0, cases - 1).eq(case).select(&ct, &zero),
    };
    let mut gradients: Gradients = [None].into_iter().collect();
    gradients.extend((0..cases).map(|case| r.wants(case + 1).then(|| taken(case))));
    gradients
}

/// Inside the bounds x, beyond them the bound; at a bound none of them (as `lax.clamp`).
pub(super) fn clamp(r: &Pull<'_>, ct: T) -> Gradients {
    let (low, x, high) = (r.x(0), r.x(1), r.x(2));
    r.each(ct, [
        &|ct| (low.gt(x) & low.lt(high)).select(ct, 0),
        &|ct| (x.gt(low) & x.lt(high)).select(ct, 0),
        &|ct| high.lt(x).select(ct, 0),
    ])
}
