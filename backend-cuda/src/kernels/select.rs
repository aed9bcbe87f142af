//! Choosing by a bool, or by a number.

use super::Queue;
use crate::programs::Single;
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::op::Compare;
use plywood_core::{DType, Number, TensorType, Value, Values};
use plywood_kernel::MAX_ARGS;

/// Inputs: which, and the cases.
pub fn select<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    let which = x[0].dtype();
    if which == DType::Bool {
        return queue.map(Single::Select(ty.dtype), ty, &x);
    }
    // With the output, one argument more than there are inputs.
    match x.len() < MAX_ARGS.min(queue.client.facts.bindings - 1) {
        true => queue.map(Single::Case(which, ty.dtype, x.len() - 1), ty, &x),
        false => one_by_one(queue, ty, x),
    }
}

/// More cases than a kernel has arguments: each in turn takes the place of those before it, from its number on.
fn one_by_one<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    let (which, bools) = (&x[0], TensorType::new(ty.shape.clone(), DType::Bool));
    let mut chosen = x[1].clone();
    for (i, case) in x[2..].iter().enumerate() {
        let bound =
            queue.number(which.ty().clone(), views::element(Number::Int(i as i64 + 1), which.dtype()));
        let there = Single::Compare(Compare::Ge, which.dtype());
        let there = queue.map(there, bools.clone(), &[which.clone(), bound]);
        chosen = queue.map(Single::Select(ty.dtype), ty.clone(), &[there, chosen, case.clone()]);
    }
    chosen
}
