//! The derivative of a sort is the permutation back, of all operands that went along.

use super::{Gradients, Keep, Pull, T};
use plywood_core::{DType, Value, Values};
use smallvec::SmallVec;

pub(super) fn vjp(axis: usize, keys: usize, r: &Pull<'_>, cts: SmallVec<[Option<T>; 1]>) -> Gradients {
    // Where each element came from: sort the places along with the keys.
    let first = r.x(0);
    let places = first.value().iota(first.ty().with_dtype(DType::I32), axis);
    let values: Values = (0..keys).map(|i| r.x(i).value().clone()).chain([places]).collect();
    let origin = Value::sort_together(values, axis as isize, keys).remove(keys);
    // Sorting the cotangents by their origin puts them back.
    let present: Vec<usize> = (0..cts.len()).filter(|&i| r.wants(i) && cts[i].is_some()).collect();
    let back: Values = [origin]
        .into_iter()
        .chain(present.iter().map(|&i| cts[i].clone().expect("present").into_value()))
        .collect();
    let sorted = Value::sort_together(back, axis as isize, 1);
    let mut gradients: Gradients = cts.iter().map(|_| None).collect();
    for (&i, ct) in present.iter().zip(sorted.into_iter().skip(1)) {
        gradients[i] = Some(T::of(ct));
    }
    gradients
}

pub(super) fn keep_top_k() -> Keep {
    todo!()
}

pub(super) fn top_k(_axis: usize, _r: &Pull<'_>, _ct: T) -> T {
    todo!()
}
