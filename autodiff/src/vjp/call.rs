//! Functions as operations, backwards: the tape holds the backward graph, as a call.

use super::{Gradients, Pull, T};
use plywood_core::{Number, Op, TensorType, Value, Values};
use smallvec::SmallVec;

/// Calls the backward graph. What is kept of types are those of the outputs. Its inputs are what was kept, then a cotangent for each output that is of floats; its outputs
/// are the cotangents of those inputs that are asked for.
pub(super) fn pulled(
    op: &Op,
    types: Vec<TensorType>,
    r: &Pull<'_>,
    cts: SmallVec<[Option<T>; 1]>,
) -> Gradients {
    let mut inputs: Values = r.kept.x.iter().flatten().map(|x| x.value().clone()).collect();
    let example = cts.iter().flatten().next().expect("there is a cotangent").value().clone();
    let types: Vec<_> = types.into_iter().skip(inputs.len()).collect();
    let float = |ty: &Option<TensorType>| ty.as_ref().is_some_and(|ty| ty.dtype.is_float());
    let given = cts.into_iter().zip(&r.kept.types).filter(|(_, ty)| float(ty)).map(|(ct, _)| ct);
    for (ct, ty) in given.zip(types) {
        inputs.push(ct.map_or_else(|| example.full(Number::Int(0), ty), T::into_value));
    }
    let mut results = Value::apply(op, inputs).into_iter().map(T::of);
    r.wanted
        .iter()
        .map(|wanted| wanted.then(|| results.next().expect("one for each that is asked for")))
        .collect()
}
