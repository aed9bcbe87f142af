//! The derivatives of a contraction are contractions: with the other operand, over its free axes.

use super::shape::transpose;
use super::{Gradients, Keep, Pull, T};
use plywood_core::op::Dot;
use plywood_core::shape::Axes;

pub(super) fn keep(wants_x: bool, wants_y: bool) -> Keep {
    match (wants_x, wants_y) {
        (true, true) => Keep::inputs([0, 1]).and_type_of(0).and_type_of(1),
        (true, false) => Keep::inputs([1]).and_type_of(0).and_type_of(1),
        (false, _) => Keep::inputs([0]).and_type_of(0).and_type_of(1),
    }
}

pub(super) fn vjp(d: &Dot, r: &Pull<'_>, ct: T) -> Gradients {
    let batch = d.lhs_batch.len();
    let (x_rank, y_rank) = (r.ty(0).rank(), r.ty(1).rank());
    let (x_free, y_free) = (d.lhs_free(x_rank), d.rhs_free(y_rank));
    // The axes of the cotangent: batch, then x's free axes, then y's.
    let ct_x: Axes = (batch..batch + x_free.len()).collect();
    let ct_y: Axes = (batch + x_free.len()..ct.rank()).collect();
    let by_x = |ct: T| {
        let side = Side { free: &x_free, contracting: &d.lhs_contracting, batch: &d.lhs_batch };
        let other = Side { free: &y_free, contracting: &d.rhs_contracting, batch: &d.rhs_batch };
        contract(ct, &ct_y, r.x(1), side, other, Order::CotangentFirst).cast(r.ty(0).dtype)
    };
    let by_y = |ct: T| {
        let side = Side { free: &y_free, contracting: &d.rhs_contracting, batch: &d.rhs_batch };
        let other = Side { free: &x_free, contracting: &d.lhs_contracting, batch: &d.lhs_batch };
        contract(ct, &ct_x, r.x(0), side, other, Order::OperandFirst).cast(r.ty(1).dtype)
    };
    r.each(ct, [&by_x, &by_y])
}

/// The axes of an operand, by their part in the contraction.
struct Side<'a> {
    free: &'a [usize],
    contracting: &'a [usize],
    batch: &'a [usize],
}

/// In which order the cotangent and the other operand are contracted: so that of a product of matrices, `g yᵀ` and `xᵀ g`,
/// the axes come out in the order in which they are wanted.
enum Order {
    CotangentFirst,
    OperandFirst,
}

/// The cotangent of `side`: `ct`, contracted at `ct_axes` with the free axes of the other operand.
fn contract(ct: T, ct_axes: &Axes, other_value: &T, side: Side<'_>, other: Side<'_>, order: Order) -> T {
    let of_ct: Axes = (0..side.batch.len()).collect();
    let of_other: Axes = other.batch.iter().copied().collect();
    let free: Axes = other.free.iter().copied().collect();
    // What is left of the other operand: its contracted axes, which are this one's.
    let mut pairs: Vec<(usize, usize)> =
        other.contracting.iter().copied().zip(side.contracting.iter().copied()).collect();
    pairs.sort_unstable();
    let contracted = pairs.into_iter().map(|p| p.1);
    let (ct, other_value) = (ct.into_value(), other_value.value().clone());
    let (dx, axes): (_, Axes) = match order {
        Order::CotangentFirst => (
            ct.dot_general(other_value, (ct_axes.clone(), free), (of_ct, of_other)),
            side.batch.iter().chain(side.free).copied().chain(contracted).collect(),
        ),
        Order::OperandFirst => (
            other_value.dot_general(ct, (free, ct_axes.clone()), (of_other, of_ct)),
            side.batch.iter().copied().chain(contracted).chain(side.free.iter().copied()).collect(),
        ),
    };
    transpose(&axes, T::of(dx))
}
