//! To another dtype, by value (a loop) and by bits (a view where the layout allows).

use crate::data::{CpuData, contiguous, data, value};
use crate::dispatch::{floats, integers, stored};
use crate::elementwise::{map1, run};
use crate::layout::Layout;
use bytemuck::Pod;
use plywood_core::convert::{Wide, cast as convert};
use plywood_core::{DType, Element, TensorType, Value, Values};

/// A loop over slices.
type Loop = fn(&[&[u8]], &mut [u8]);

/// Input: one operand.
pub fn cast(ty: TensorType, mut x: Values) -> Value {
    let from = x[0].dtype();
    if from == ty.dtype {
        return x.pop().expect("it has one input");
    }
    let kernel = stored!(from, T => to::<T>(ty.dtype));
    run(ty, x, 0.5, &kernel)
}

/// From a stored type to any dtype; bool is stored as the number that it casts to.
fn to<T: Element + Pod>(dtype: DType) -> Loop {
    match dtype {
        DType::Bool => |x, out| map1(x, out, |a: T| convert::<T, bool>(a) as u8),
        dtype if dtype.is_float() => floats!(dtype, U => |x, out| map1(x, out, to_float::<T, U>)),
        dtype => integers!(dtype, U => |x, out| map1(x, out, convert::<T, U>)),
    }
}

/// To a float. Integers of up to 32 bits are exact in f64, so that there is one rounding, and a loop that vectorizes.
#[inline(always)]
fn to_float<T: Element, U: Element>(x: T) -> U {
    U::narrow(match x.widen() {
        Wide::Int(i) if size_of::<T>() < 8 => Wide::Float(i as i64 as f64),
        other => other,
    })
}

/// Parts become a last axis, lowest bits first (the machine's order), or the last axis the parts of wider elements.
pub fn bitcast(ty: TensorType, x: Value) -> Value {
    let CpuData { layout, storage } = data(&x);
    let (from, to) = (x.dtype().size(), ty.dtype.size());
    let n = (from / to).max(to / from);
    let Layout { mut strides, mut offset } = layout.clone();
    if from > to {
        strides.iter_mut().for_each(|s| *s *= n as isize);
        strides.push(1);
        offset *= n;
    } else if from < to {
        let parts = strides.pop();
        let fits = parts == Some(1)
            && offset.is_multiple_of(n)
            && strides.iter().all(|s| s.unsigned_abs().is_multiple_of(n));
        if !fits {
            // A copy has its own row-major strides, whatever the size of the last axis.
            return bitcast(ty, row_major(x));
        }
        strides.iter_mut().for_each(|s| *s /= n as isize);
        offset /= n;
    }
    value(ty, Layout { strides, offset }, storage.clone())
}

/// A contiguous value, at the start of its storage.
fn row_major(x: Value) -> Value {
    let ty = x.ty().clone();
    let layout = Layout::row_major(&ty.shape);
    value(ty, layout, crate::data::owned(contiguous(x)))
}
