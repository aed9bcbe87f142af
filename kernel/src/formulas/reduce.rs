//! Reductions, in lanes: what elements are while they are combined, and how they are.
//!
//! What always holds: largest and smallest floats are found as integers in the order of floats, so that of equal zeros
//! the positive one is the larger, and NaN is beyond both ends; partial results may be combined in any grouping that a
//! backend keeps to. 16-bit floats are combined in f32.

use crate::ir::Reduce;
use crate::{Type, V, Width};
use plywood_core::DType;
use plywood_core::op::Reduction;

/// How lanes are combined.
pub fn step(kind: Reduction) -> Reduce {
    match kind {
        Reduction::Sum => Reduce::Sum,
        Reduction::Prod => Reduce::Product,
        Reduction::Max => Reduce::Max,
        Reduction::Min => Reduce::Min,
        Reduction::And => Reduce::And,
        Reduction::Or => Reduce::Or,
        Reduction::Xor => Reduce::Xor,
    }
}

/// Two partial results in one; both are encoded.
pub fn combine<'b>(kind: Reduction, new: V<'b>, old: V<'b>) -> V<'b> {
    match kind {
        Reduction::Sum => new + old,
        Reduction::Prod => new * old,
        Reduction::Max => new.max(old),
        Reduction::Min => new.min(old),
        Reduction::And => new & old,
        Reduction::Or => new | old,
        Reduction::Xor => new ^ old,
    }
}

/// Loaded lanes as what is combined: of floats, for extremes, integers in the order of floats; of masks 0 and 1.
pub fn encode<'b>(kind: Reduction, x: V<'b>) -> V<'b> {
    let b = x.builder();
    let extreme = matches!(kind, Reduction::Max | Reduction::Min);
    match x.ty() {
        Type::Mask => x.select(b.uint(1), b.uint(0)),
        ty if ty.is_float() && extreme => {
            let key = flip(x.to_bits());
            let beyond = if kind == Reduction::Max { greatest(b.width()) } else { !greatest(b.width()) };
            x.is_nan().select(b.int(beyond), key)
        }
        _ => x,
    }
}

/// What was combined as lanes that are stored as elements of `dtype`.
pub fn decode<'b>(kind: Reduction, dtype: DType, x: V<'b>) -> V<'b> {
    let b = x.builder();
    match dtype {
        DType::Bool => x.ne(b.uint(0)),
        dtype if dtype.is_float() && matches!(kind, Reduction::Max | Reduction::Min) => flip(x).from_bits(),
        _ => x,
    }
}

/// A float's bits as an integer in the order of floats, and back: the bits below the sign of negative ones inverted.
fn flip<'b>(bits: V<'b>) -> V<'b> {
    let b = bits.builder();
    let sign = bits.shr(8 * b.width().bytes() as u8 - 1);
    bits ^ (sign & b.int(greatest(b.width())))
}

/// The bits of the greatest signed integer.
fn greatest(width: Width) -> i64 {
    match width {
        Width::W32 => i32::MAX as i64,
        Width::W64 => i64::MAX,
    }
}
