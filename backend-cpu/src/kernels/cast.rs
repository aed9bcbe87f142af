//! To another dtype, by value (a formula) and by bits (a view where the layout allows).

use crate::data::{CpuData, contiguous, data, value};
use crate::elementwise::{Family, Formula, run};
use crate::kernel::cast as formulas;
use crate::layout::Layout;
use plywood_core::{TensorType, Value, Values};

/// Input: one operand.
pub fn cast(ty: TensorType, mut x: Values) -> Value {
    let (from, to) = (x[0].dtype(), ty.dtype);
    if from == to {
        return x.pop().expect("it has one input");
    }
    let width = formulas::width(from, to);
    run(ty, x, Formula { width, ..Formula::new(Family::Cast, 0, &|x| formulas::cast(x[0], to)) })
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
