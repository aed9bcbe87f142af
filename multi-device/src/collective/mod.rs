//! How each collective is made of the parts that the members of a group give: ordinary operations on values of one engine.
//!
//! What always holds: the parts are those of all members in the order of their ranks, so a sum is the same whoever computes it,
//! and on every run. What all members get alike is computed once, for all of them. Of a part that is on another device, no more is
//! brought than what is needed, and before it is computed with.

mod total;

use plywood_core::op::{Collective, CollectiveKind};
use plywood_core::{Error, Number, TensorType, Value};

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

/// What the member `rank` gets, of the type `ty`; `here` brings data to the device where it is computed.
pub(crate) fn result(
    c: &Collective,
    parts: &[Value],
    rank: usize,
    ty: &TensorType,
    here: &dyn Fn(Value) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let whole = || parts.iter().map(|x| here(x.clone())).collect::<Result<Vec<Value>, Error>>();
    // Each part's element along an axis that is this member's.
    let mine =
        |axis| parts.iter().map(|x| here(element(x, axis, rank))).collect::<Result<Vec<Value>, Error>>();
    Ok(match &c.kind {
        CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => total::total(&c.kind, &whole()?),
        CollectiveKind::AllGather { axis } => Value::stack(whole()?.into(), *axis as isize),
        CollectiveKind::SumScatter { axis } => total::total(&CollectiveKind::Sum, &mine(*axis)?),
        CollectiveKind::AllToAll { split, concat } => Value::stack(mine(*split)?.into(), *concat as isize),
        CollectiveKind::Permute { pairs } => match pairs.iter().find(|(_, to)| *to == rank) {
            Some(&(from, _)) => here(parts[from].clone())?,
            None => here(parts[rank].full(Number::Int(0), ty.clone()))?,
        },
        CollectiveKind::Vary => parts[rank].clone(),
        CollectiveKind::Index => unreachable!("it has no parts"),
    })
}

/// One element along an axis, which goes away.
fn element(x: &Value, axis: usize, at: usize) -> Value {
    x.clone().slice_axis(axis, at, at + 1).squeeze(&[axis as isize])
}
