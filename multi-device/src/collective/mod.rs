//! How each collective is made of the parts that the members of a group give: ordinary operations on values of one engine.
//!
//! What always holds: the parts are those of all members in the order of their ranks, so a sum is the same whoever computes it,
//! and on every run. What all members get alike is computed once, for all of them.

mod total;

use plywood_core::op::{Collective, CollectiveKind};
use plywood_core::{Number, TensorType, Value};

/// Whether all members get the same.
pub(crate) fn is_shared(kind: &CollectiveKind) -> bool {
    match kind {
        CollectiveKind::Sum
        | CollectiveKind::Max
        | CollectiveKind::Min
        | CollectiveKind::AllGather { .. } => true,
        CollectiveKind::SumScatter { .. } | CollectiveKind::AllToAll { .. } => false,
        CollectiveKind::Permute { .. } | CollectiveKind::Index | CollectiveKind::Vary => false,
    }
}

/// What the member `rank` gets, of the type `ty`.
pub(crate) fn result(c: &Collective, parts: &[Value], rank: usize, ty: &TensorType) -> Value {
    match &c.kind {
        CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => total::total(&c.kind, parts),
        CollectiveKind::AllGather { axis } => Value::stack(parts.iter().cloned().collect(), *axis as isize),
        CollectiveKind::SumScatter { axis } => {
            let mine: Vec<Value> = parts.iter().map(|x| element(x, *axis, rank)).collect();
            total::total(&CollectiveKind::Sum, &mine)
        }
        CollectiveKind::AllToAll { split, concat } => {
            let mine = parts.iter().map(|x| element(x, *split, rank)).collect();
            Value::stack(mine, *concat as isize)
        }
        CollectiveKind::Permute { pairs } => match pairs.iter().find(|(_, to)| *to == rank) {
            Some(&(from, _)) => parts[from].clone(),
            None => parts[rank].full(Number::Int(0), ty.clone()),
        },
        CollectiveKind::Vary => parts[rank].clone(),
        CollectiveKind::Index => unreachable!("it has no parts"),
    }
}

/// One element along an axis, which goes away.
fn element(x: &Value, axis: usize, at: usize) -> Value {
    x.clone().slice_axis(axis, at, at + 1).squeeze(&[axis as isize])
}
