//! Data from nothing: a number everywhere (one element, repeated), counting, host data.

use crate::data::{overwritten, value};
use crate::dispatch::numbers;
use crate::layout::Layout;
use crate::par;
use crate::storage::Storage;
use plywood_core::convert::{Convert, Wide, from_number};
use plywood_core::{Array, DType, Number, TensorType, Value};

/// One element with stride 0 along every axis, whatever the shape.
pub fn full(ty: TensorType, number: Number) -> Value {
    let mut storage = Storage::zeroed(ty.dtype.size());
    match ty.dtype {
        DType::Bool => {
            storage.as_mut_slice::<u8>().expect("it is new")[0] = from_number::<bool>(number) as u8
        }
        dtype => {
            numbers!(dtype, T => storage.as_mut_slice::<T>().expect("it is new")[0] = from_number(number))
        }
    }
    let layout = Layout::constant(ty.rank());
    value(ty, layout, storage)
}

/// 0, 1, 2, .. along `axis`; integers wrap, floats are each place rounded.
pub fn iota(ty: TensorType, axis: usize) -> Value {
    let inner: usize = ty.shape[axis + 1..].iter().product();
    let size = ty.shape[axis];
    numbers!(ty.dtype, T => {
        // A place fits the 53 bits of an f64, so that one rounding follows.
        let wide = |i: usize| if ty.dtype.is_float() { Wide::Float(i as f64) } else { Wide::Int(i as i128) };
        overwritten::<T>(ty.clone(), |out| par::chunks(out, inner, 0.3 * inner as f64 + 0.5, |first, out| {
            let mut place = first % size;
            if inner == 1 {
                let (head, rest) = out.split_at_mut(out.len().min(size - place));
                for out in std::iter::once(head).chain(rest.chunks_mut(size)) {
                    out.iter_mut().enumerate().for_each(|(i, x)| *x = T::narrow(wide(place + i)));
                    place = 0;
                }
                return;
            }
            for run in out.chunks_exact_mut(inner) {
                run.fill(T::narrow(wide(place)));
                place = if place + 1 == size { 0 } else { place + 1 };
            }
        }))
    })
}

/// The elements of a host array.
pub fn constant(ty: TensorType, array: &Array) -> Value {
    match ty.dtype {
        DType::Bool => {
            let from: &[u8] = bytemuck::cast_slice(array.as_slice::<bool>().expect("its own dtype"));
            overwritten::<u8>(ty, |out| out.copy_from_slice(from))
        }
        dtype => numbers!(dtype, T => {
            let from = array.as_slice::<T>().expect("its own dtype");
            overwritten::<T>(ty, |out| out.copy_from_slice(from))
        }),
    }
}
