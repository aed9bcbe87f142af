//! Operands that vary over different axes of a mesh, brought to vary over the same before they meet.

use crate::backend::Values;
use crate::op::{Collective, CollectiveKind};
use crate::{Op, TensorType, Value, Varying};
use std::sync::Arc;

/// Whether operands may have to be brought together.
#[inline]
pub(super) fn matters(op: &Op, types: &[&TensorType]) -> bool {
    types.iter().any(|ty| !ty.varying.is_nothing()) || matches!(op, Op::Collective(c) if c.tracked)
}

/// The operands, each made to vary over what the operation wants.
#[cold]
#[track_caller]
pub(super) fn met(op: &Op, inputs: Values) -> Values {
    let all = || inputs.iter().fold(Varying::NOTHING, |all, x| all.union(&x.ty().varying));
    let wanted: Vec<Varying> = match op {
        // What their graphs take.
        Op::Call(c) => c.graph.input_types().map(|ty| ty.varying.clone()).collect(),
        Op::Scan(s) => s.body.input_types().map(|ty| ty.varying.clone()).collect(),
        Op::While(w) => {
            let of_condition = w.condition.input_types().take(w.condition_constants);
            of_condition.chain(w.body.input_types()).map(|ty| ty.varying.clone()).collect()
        }
        Op::Cond(c) => {
            let of_branch = c.branches.first().into_iter().flat_map(|b| b.input_types());
            std::iter::once(c.which.clone()).chain(of_branch.map(|ty| ty.varying.clone())).collect()
        }
        Op::Pmap(_) => return inputs,
        Op::Collective(c) => vec![c.wanted(&all()); inputs.len()],
        _ => vec![all(); inputs.len()],
    };
    inputs.into_iter().zip(wanted).map(|(x, wanted)| x.vary_to(&wanted)).collect()
}

impl Value {
    /// The same value, as one that may differ from device to device along these axes too.
    #[track_caller]
    pub fn vary_to(self, wanted: &Varying) -> Value {
        let missing = wanted.beyond(&self.ty().varying);
        missing.into_iter().fold(self, |x, (axis, size)| {
            let kind = CollectiveKind::Vary;
            Value::apply1(Op::Collective(Arc::new(Collective { axis, size, kind, tracked: true })), x)
        })
    }
}
