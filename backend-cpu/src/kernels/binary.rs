//! Arithmetic of two operands of one type: formulas, and loops where no vector unit divides.

use crate::dispatch::{floats, integers, numbers};
use crate::elementwise::{Family, Formula, map2, run, run_loop};
use crate::float::Float;
use crate::kernel::{Type, V, Width, math};
use crate::math::Num;
use plywood_core::op::Binary;
use plywood_core::{TensorType, Value, Values};

/// Inputs: two operands.
pub fn binary(ty: TensorType, x: Values, op: Binary) -> Value {
    let dtype = ty.dtype;
    let divides = matches!(op, Binary::Div | Binary::Rem) && dtype.is_integer();
    if divides && dtype.size() == 8 {
        return match op {
            Binary::Div => integers!(dtype, T => run_loop(ty, x, 2.0, &|x, out| map2(x, out, T::div))),
            _ => integers!(dtype, T => run_loop(ty, x, 2.0, &|x, out| map2(x, out, T::rem))),
        };
    }
    match op {
        Binary::Rem if dtype.is_float() => {
            numbers!(dtype, T => run_loop(ty, x, 3.0, &|x, out| map2(x, out, T::rem)))
        }
        Binary::NextAfter => {
            floats!(dtype, T => run_loop(ty, x, 3.0, &|x, out| map2(x, out, T::next_after)))
        }
        _ => {
            // Integers of up to 32 bits divide as f64, exactly.
            let width = if divides { Width::W64 } else { Width::W32 };
            run(
                ty,
                x,
                Formula { width, ..Formula::new(Family::Binary, op as u8, &|x| formula(op, x[0], x[1])) },
            )
        }
    }
}

/// The function of two values in lanes.
pub fn formula<'b>(op: Binary, x: V<'b>, y: V<'b>) -> V<'b> {
    match op {
        Binary::Add => x + y,
        Binary::Sub => x - y,
        Binary::Mul => x * y,
        Binary::Div if x.ty().is_float() => x / y,
        Binary::Div => {
            let quotient = (x.convert(Type::F64) / y.convert(Type::F64)).convert(x.ty());
            y.eq(y.c(0.0)).select(x.builder().bits(x.ty(), u64::MAX), quotient)
        }
        Binary::Rem => {
            let (a, b) = (x.convert(Type::F64), y.convert(Type::F64));
            let whole = (a / b).round(crate::kernel::ir::Rounding::Zero);
            y.eq(y.c(0.0)).select(x, whole.fnma(b, a).convert(x.ty()))
        }
        Binary::Pow => math::pow(x, y),
        Binary::Atan2 => math::atan2(x, y),
        Binary::Max => max(x, y),
        Binary::Min => min(x, y),
        Binary::NextAfter => unreachable!("it has a loop"),
    }
}

/// The larger; NaN if either is; of equal zeros the positive one. Of masks: or.
pub fn max<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    match x.ty() {
        Type::Mask => x | y,
        ty if ty.is_float() => {
            let larger = x.eq(y).select(x & y, x.max(y));
            x.is_nan().select(x, larger)
        }
        _ => x.max(y),
    }
}

/// The smaller; NaN if either is; of equal zeros the negative one. Of masks: and.
pub fn min<'b>(x: V<'b>, y: V<'b>) -> V<'b> {
    match x.ty() {
        Type::Mask => x & y,
        ty if ty.is_float() => {
            let smaller = x.eq(y).select(x | y, x.min(y));
            x.is_nan().select(x, smaller)
        }
        _ => x.min(y),
    }
}
