//! Arithmetic of two operands of one type.

use crate::dispatch::{floats, numbers};
use crate::elementwise::{map2, run};
use crate::float::Float;
use crate::math::Num;
use plywood_core::op::Binary;
use plywood_core::{DType, TensorType, Value, Values};

/// A loop over slices of two operands.
type Loop = fn(&[&[u8]], &mut [u8]);

/// Inputs: two operands.
pub fn binary(ty: TensorType, x: Values, op: Binary) -> Value {
    let dtype = ty.dtype;
    let (kernel, work): (Loop, f64) = match op {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => {
            (numbers!(dtype, T => arithmetic::<T>(op)), if op == Binary::Rem { 3.0 } else { 0.3 })
        }
        Binary::Max | Binary::Min if dtype == DType::Bool => (arithmetic::<u8>(op), 0.1),
        Binary::Max | Binary::Min => (numbers!(dtype, T => arithmetic::<T>(op)), 0.3),
        Binary::Pow | Binary::Atan2 | Binary::NextAfter => (floats!(dtype, T => functions::<T>(op)), 10.0),
    };
    run(ty, x, work, &kernel)
}

fn arithmetic<T: Num>(op: Binary) -> Loop {
    match op {
        Binary::Add => |x, out| map2(x, out, T::add),
        Binary::Sub => |x, out| map2(x, out, T::sub),
        Binary::Mul => |x, out| map2(x, out, T::mul),
        Binary::Div => |x, out| map2(x, out, T::div),
        Binary::Rem => |x, out| map2(x, out, T::rem),
        Binary::Max => |x, out| map2(x, out, T::max),
        Binary::Min => |x, out| map2(x, out, T::min),
        Binary::Pow | Binary::Atan2 | Binary::NextAfter => unreachable!("a function of floats"),
    }
}

fn functions<T: Float>(op: Binary) -> Loop {
    match op {
        Binary::Pow => |x, out| map2(x, out, T::pow),
        Binary::Atan2 => |x, out| map2(x, out, T::atan2),
        Binary::NextAfter => |x, out| map2(x, out, T::next_after),
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem | Binary::Max | Binary::Min => {
            unreachable!("arithmetic of numbers")
        }
    }
}
