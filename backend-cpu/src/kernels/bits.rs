//! Bits of integers; bool is stored as 0 or 1.

use crate::dispatch::integers;
use crate::elementwise::{map1, map2, run};
use bytemuck::Pod;
use plywood_core::op::Bits;
use plywood_core::{DType, TensorType, Value, Values};
use std::ops::{BitAnd, BitOr, BitXor, Not};

/// A loop over slices.
type Loop = fn(&[&[u8]], &mut [u8]);

/// Inputs: one or two operands.
pub fn bits(ty: TensorType, x: Values, op: Bits) -> Value {
    let kernel: Loop = match (ty.dtype, op) {
        (DType::Bool, Bits::Not) => |x, out| map1(x, out, |a: u8| a ^ 1),
        (DType::Bool, _) => kernel::<u8>(op),
        (dtype, _) => integers!(dtype, T => kernel::<T>(op)),
    };
    run(ty, x, 0.3, &kernel)
}

/// What kernels ask of an integer's bits.
trait Word:
    Pod + BitAnd<Output = Self> + BitOr<Output = Self> + BitXor<Output = Self> + Not<Output = Self>
{
    fn ones(self) -> Self;
    fn leading_zeros(self) -> Self;
    fn shift_left(self, by: Self) -> Self;
    fn shift_right_arithmetic(self, by: Self) -> Self;
    fn shift_right_logical(self, by: Self) -> Self;
}

/// A count that is negative is, as an unsigned number, not below the number of bits.
macro_rules! words { ($($T:ident $Signed:ident $Unsigned:ident),*) => { $( impl Word for $T {
    #[inline(always)]
    fn ones(self) -> Self { self.count_ones() as $T }
    #[inline(always)]
    fn leading_zeros(self) -> Self { $T::leading_zeros(self) as $T }
    #[inline(always)]
    fn shift_left(self, by: Self) -> Self {
        if (by as $Unsigned) < $T::BITS as $Unsigned { self << by } else { 0 }
    }
    #[inline(always)]
    fn shift_right_arithmetic(self, by: Self) -> Self {
        let by = (by as $Unsigned).min($T::BITS as $Unsigned - 1);
        (self as $Signed >> by) as $T
    }
    #[inline(always)]
    fn shift_right_logical(self, by: Self) -> Self {
        if (by as $Unsigned) < $T::BITS as $Unsigned { (self as $Unsigned >> by) as $T } else { 0 }
    }
} )* } }
words!(i64 i64 u64, i32 i32 u32, i16 i16 u16, i8 i8 u8, u64 i64 u64, u32 i32 u32, u16 i16 u16, u8 i8 u8);

fn kernel<T: Word>(op: Bits) -> Loop {
    match op {
        Bits::Not => |x, out| map1(x, out, |a: T| !a),
        Bits::PopulationCount => |x, out| map1(x, out, T::ones),
        Bits::CountLeadingZeros => |x, out| map1(x, out, T::leading_zeros),
        Bits::And => |x, out| map2(x, out, |a: T, b: T| a & b),
        Bits::Or => |x, out| map2(x, out, |a: T, b: T| a | b),
        Bits::Xor => |x, out| map2(x, out, |a: T, b: T| a ^ b),
        Bits::ShiftLeft => |x, out| map2(x, out, T::shift_left),
        Bits::ShiftRightArithmetic => |x, out| map2(x, out, T::shift_right_arithmetic),
        Bits::ShiftRightLogical => |x, out| map2(x, out, T::shift_right_logical),
    }
}
