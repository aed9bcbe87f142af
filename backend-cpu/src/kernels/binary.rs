//! Arithmetic of two operands of one type, by formulas, and loops where no vector unit divides.

use crate::dispatch::{floats, integers, numbers};
use crate::elementwise::{Family, Formula, map2, run, run_loop};
use crate::float::Float;
use crate::kernel::Width;
use crate::kernel::formulas::binary::formula;
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
