//! A function as one operation: it holds a graph, and says how it is differentiated.
//!
//! What the graph computes is what the operation computes; devices and recordings need to know no more. Inputs are the
//! graph's, captured values first.

use crate::op::{Op, Types};
use crate::{Graph, TensorType};
use std::sync::Arc;

/// A graph, and its derivative.
#[derive(Clone, Debug)]
pub struct Call {
    /// What it computes.
    pub graph: Arc<Graph>,
    /// How it is differentiated.
    pub rule: Rule,
}

/// How a [`Call`] is differentiated.
#[derive(Clone, Debug)]
pub enum Rule {
    /// As the operations of its graph; the policy says which values inside are kept for the backward pass, all others
    /// are computed again there.
    Through(Policy),
    /// By a reverse rule of the user's. `forward` computes from the same inputs the outputs and residuals; `backward` from
    /// residuals and cotangents of the outputs the cotangents of the inputs behind the captured ones.
    Reverse {
        /// Outputs, then residuals.
        forward: Arc<Graph>,
        /// From residuals and cotangents to cotangents.
        backward: Arc<Graph>,
    },
    /// By a forward rule of the user's: from the same inputs and the tangents of those behind the captured ones, the
    /// outputs and their tangents, in which it is linear.
    Forward {
        /// From inputs and tangents to outputs and tangents.
        rule: Arc<Graph>,
    },
}

/// Which values inside a function are kept for its backward pass. What has no inputs is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Policy {
    /// All that the backward pass reads.
    Everything,
    /// None but the function's inputs.
    Nothing,
    /// Results of contractions, convolutions and factorisations, which are dear to compute.
    Dots,
    /// Those that were named so.
    Names(Vec<String>),
}

impl Policy {
    /// Whether the outputs of an operation may be kept.
    pub fn keeps(&self, op: &Op) -> bool {
        match self {
            Policy::Everything => true,
            Policy::Nothing => false,
            Policy::Dots => matches!(op, Op::Dot(_) | Op::Conv(_) | Op::Linalg(_)),
            Policy::Names(names) => matches!(op, Op::Name { name } if names.iter().any(|n| **n == **name)),
        }
    }
}

/// Two calls are the same operation where they hold the same graph, not an equal one.
impl PartialEq for Call {
    fn eq(&self, other: &Self) -> bool {
        let rules = match (&self.rule, &other.rule) {
            (Rule::Through(a), Rule::Through(b)) => a == b,
            (Rule::Reverse { forward: f, backward: a }, Rule::Reverse { forward: g, backward: b }) => {
                Arc::ptr_eq(f, g) && Arc::ptr_eq(a, b)
            }
            (Rule::Forward { rule: a }, Rule::Forward { rule: b }) => Arc::ptr_eq(a, b),
            (Rule::Through(_) | Rule::Reverse { .. } | Rule::Forward { .. }, _) => false,
        };
        rules && Arc::ptr_eq(&self.graph, &other.graph)
    }
}

impl Call {
    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        match self.rule {
            Rule::Through(Policy::Everything) => "call",
            Rule::Through(Policy::Nothing | Policy::Dots | Policy::Names(_)) => "checkpoint",
            Rule::Reverse { .. } => "custom_vjp",
            Rule::Forward { .. } => "custom_jvp",
        }
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let name = self.name();
        let fits =
            x.len() == self.graph.inputs().len() && self.graph.input_types().zip(x).all(|(a, b)| a == *b);
        assert!(
            fits,
            "{name}: a function of {:?} is called with {x:?}",
            self.graph.input_types().collect::<Vec<_>>()
        );
        self.graph.output_types().cloned().collect()
    }
}
