//! Operations that hold graphs, without results that nobody reads: what only those need is not computed inside either.

use super::Graph;
use crate::Op;
use crate::op::{Call, Cond, Rule, Scan};
use std::sync::Arc;

impl Graph {
    /// The same function, of whose outputs only those that are marked are left.
    fn pruned(&self, used: &[bool]) -> Arc<Graph> {
        let key: Vec<u8> = b"pruned".iter().copied().chain(used.iter().map(|&u| u8::from(u))).collect();
        self.memo().get(&key, || {
            let outputs: Vec<_> =
                self.outputs().iter().zip(used).filter(|(_, used)| **used).map(|(v, _)| *v).collect();
            self.part(self.inputs(), &outputs).with_captured(self.captured())
        })
    }
}

/// The operation with fewer results, and which of them are left; none where it cannot do less. The inputs stay.
pub(super) fn pruned(op: &Op, used: &[bool]) -> Option<(Op, Vec<bool>)> {
    if used.iter().all(|&u| u) {
        return None;
    }
    match op {
        // A rule of the user's is for all results.
        Op::Call(call) => match &call.rule {
            Rule::Through(_) => {
                let graph = call.graph.pruned(used);
                Some((Op::Call(Arc::new(Call { graph, rule: call.rule.clone() })), used.to_vec()))
            }
            Rule::Reverse { .. } | Rule::Forward { .. } => None,
        },
        Op::Scan(scan) => {
            // The state is there for the next step.
            let left: Vec<bool> =
                used.iter().enumerate().map(|(i, &used)| used || i < scan.carries).collect();
            let body = (!left.iter().all(|&l| l)).then(|| scan.body.pruned(&left))?;
            Some((Op::Scan(Arc::new(Scan { body, ..(**scan).clone() })), left))
        }
        Op::Pmap(pmap) => {
            let graph = pmap.graph.pruned(used);
            let kept = pmap.outputs.iter().zip(used).filter(|(_, used)| **used).map(|(spec, _)| spec.clone());
            let (inputs, outputs) = (pmap.inputs.clone(), kept.collect());
            Some((Op::Pmap(Arc::new(pmap.with(graph, inputs, outputs))), used.to_vec()))
        }
        Op::Cond(cond) => {
            let branches = cond.branches.iter().map(|b| b.pruned(used)).collect();
            Some((Op::Cond(Arc::new(Cond { branches, which: cond.which.clone() })), used.to_vec()))
        }
        _ => None,
    }
}
