//! Contractions. Where both operands differ between lanes, the lanes are one more batch axis; where one does, they are one
//! more free axis of it, so that a batch against shared weights stays a single large product. A shared matrix by each
//! lane's vector is the vectors by the matrix, so that lanes come out in front and the result lies in order.

use super::{Args, Batch, batched, led, up};
use plywood_core::op::Dot;
use plywood_core::{Op, Value};
use std::sync::Arc;

pub(super) fn dot(d: &Dot, _: &Batch<'_>, mut x: Args) -> Args {
    let rhs = x.pop().expect("two inputs");
    let lhs = x.pop().expect("two inputs");
    let exchanged;
    let (d, lhs, rhs) = if !lhs.batched && d.rhs_free(rhs.rank()).is_empty() {
        exchanged = Dot {
            lhs_contracting: d.rhs_contracting.clone(),
            rhs_contracting: d.lhs_contracting.clone(),
            lhs_batch: d.rhs_batch.clone(),
            rhs_batch: d.lhs_batch.clone(),
            dtype: d.dtype,
        };
        (&exchanged, rhs, lhs)
    } else {
        (d, lhs, rhs)
    };
    let (left, right) = (lhs.batched, rhs.batched);
    let moved =
        |axes: &[usize], batched: bool| if batched { up(axes) } else { axes.iter().copied().collect() };
    let mut dot = Dot {
        lhs_contracting: moved(&d.lhs_contracting, left),
        rhs_contracting: moved(&d.rhs_contracting, right),
        lhs_batch: moved(&d.lhs_batch, left),
        rhs_batch: moved(&d.rhs_batch, right),
        dtype: d.dtype,
    };
    // Where the lanes come out: batch axes, then the left operand's free ones, of which they are the first, then the
    // right operand's.
    let at = match (left, right) {
        (true, true) => {
            (dot.lhs_batch, dot.rhs_batch) = (led(0, &dot.lhs_batch), led(0, &dot.rhs_batch));
            0
        }
        (true, false) => d.lhs_batch.len(),
        (false, _) => d.lhs_batch.len() + d.lhs_free(lhs.rank()).len(),
    };
    let product = Value::apply2(Op::Dot(Arc::new(dot)), lhs.value, rhs.value);
    batched(product.move_axis(at as isize, 0))
}
