//! Comparisons: bool, stored as bytes.

use crate::dispatch::stored;
use crate::elementwise::{map2, run};
use bytemuck::Pod;
use plywood_core::op::Compare;
use plywood_core::{TensorType, Value, Values};

/// Inputs: two operands of one type.
pub fn compare(ty: TensorType, x: Values, op: Compare) -> Value {
    let kernel = stored!(x[0].dtype(), T => kernel::<T>(op));
    run(ty, x, 0.3, &kernel)
}

fn kernel<T: Pod + PartialOrd>(op: Compare) -> fn(&[&[u8]], &mut [u8]) {
    match op {
        Compare::Eq => |x, out| map2(x, out, |a: T, b: T| (a == b) as u8),
        Compare::Ne => |x, out| map2(x, out, |a: T, b: T| (a != b) as u8),
        Compare::Lt => |x, out| map2(x, out, |a: T, b: T| (a < b) as u8),
        Compare::Le => |x, out| map2(x, out, |a: T, b: T| (a <= b) as u8),
        Compare::Gt => |x, out| map2(x, out, |a: T, b: T| (a > b) as u8),
        Compare::Ge => |x, out| map2(x, out, |a: T, b: T| (a >= b) as u8),
    }
}
