//! Choosing between operands, and clamping.

use crate::dispatch::by_size;
use crate::elementwise::{Family, Formula, run, run_loop};
use crate::kernel::formulas::select::{choose, clamp as clamped};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::{DType, TensorType, Value, Values};

/// Inputs: which, and the cases.
pub fn select(ty: TensorType, x: Values) -> Value {
    match x[0].dtype() {
        DType::Bool => run(ty, x, Formula::new(Family::Select, 0, &|x| choose(x[0], x[1], x[2]))),
        _ => by_size!(ty.dtype.size(), T => run_loop(ty, x, 1.0, &numbered::<T>)),
    }
}

/// The case of that number for each element, clamped to the cases there are.
fn numbered<T: Pod>(x: &[&[u8]], out: &mut [u8]) {
    let (which, cases) = (cast_slice::<u8, i32>(x[0]), &x[1..]);
    let last = cases.len() as i32 - 1;
    for (i, (out, &which)) in cast_slice_mut::<u8, T>(out).iter_mut().zip(which).enumerate() {
        *out = cast_slice::<u8, T>(cases[which.clamp(0, last) as usize])[i];
    }
}

/// Inputs: low, x, high.
pub fn clamp(ty: TensorType, x: Values) -> Value {
    run(ty, x, Formula::new(Family::Select, 1, &|x| clamped(x[0], x[1], x[2])))
}
