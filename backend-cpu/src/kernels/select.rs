//! Choosing between operands, and clamping.

use crate::dispatch::{by_size, numbers};
use crate::elementwise::{map3, run};
use crate::math::Num;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::{DType, TensorType, Value, Values};

/// Inputs: which, and the cases.
pub fn select(ty: TensorType, x: Values) -> Value {
    let kernel: fn(&[&[u8]], &mut [u8]) = match x[0].dtype() {
        DType::Bool => by_size!(ty.dtype.size(), T => |x, out| {
            map3(x, out, |which: u8, no: T, yes: T| if which != 0 { yes } else { no })
        }),
        _ => by_size!(ty.dtype.size(), T => choose::<T>),
    };
    run(ty, x, 0.5, &kernel)
}

/// The case of that number for each element, clamped to the cases there are.
fn choose<T: Pod>(x: &[&[u8]], out: &mut [u8]) {
    let (which, cases) = (cast_slice::<u8, i32>(x[0]), &x[1..]);
    let last = cases.len() as i32 - 1;
    for (i, (out, &which)) in cast_slice_mut::<u8, T>(out).iter_mut().zip(which).enumerate() {
        *out = cast_slice::<u8, T>(cases[which.clamp(0, last) as usize])[i];
    }
}

/// Inputs: low, x, high.
pub fn clamp(ty: TensorType, x: Values) -> Value {
    let kernel: fn(&[&[u8]], &mut [u8]) = numbers!(ty.dtype, T => |x, out| {
        map3(x, out, |low: T, x: T, high: T| Num::min(Num::max(x, low), high))
    });
    run(ty, x, 0.3, &kernel)
}
