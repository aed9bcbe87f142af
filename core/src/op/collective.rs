//! Communication along a named axis: what `vmap` and `pmap` give a name, the lanes' functions may speak over.
//!
//! Every lane executes the operation together. Types are those that one lane sees. The layer that made the axis executes
//! it; others pass it on. Gradients are those of the sum of all lanes' results.

use crate::op::Types;
use crate::{DType, TensorType, Varying};
use smallvec::smallvec;
use std::sync::Arc;

/// What is done, and along which axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collective {
    /// The name of the axis.
    pub axis: Arc<str>,
    /// How many lanes it has.
    pub size: usize,
    /// What is done.
    pub kind: CollectiveKind,
    /// Whether types say over which axes values vary, as in `shard_map`: then what all lanes have together, a sum say, does
    /// not vary over the axis, and derivatives heed it.
    pub tracked: bool,
}

/// What lanes do together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CollectiveKind {
    /// Each gets the sum of all lanes' values, which are numbers.
    Sum,
    /// Each gets the largest of all lanes' values, element by element; NaN if any is.
    Max,
    /// Each gets the smallest of all lanes' values, element by element; NaN if any is.
    Min,
    /// Each gets all lanes' values, stacked along a new axis.
    AllGather {
        /// The new axis.
        axis: usize,
    },
    /// Each gets its part of the sum of all lanes' values: lane k element k of an axis with as many elements as there
    /// are lanes, which goes away.
    SumScatter {
        /// The axis.
        axis: usize,
    },
    /// Lane l's element k of the axis `split`, which has as many elements as there are lanes and goes away, becomes
    /// lane k's element l of a new axis.
    AllToAll {
        /// The axis that goes away.
        split: usize,
        /// The new axis, counted without the other.
        concat: usize,
    },
    /// Lane `to` gets lane `from`'s value for each pair `(from, to)`; one that no pair names gets zeros.
    Permute {
        /// No lane sends twice, and none gets two.
        pairs: Vec<(usize, usize)>,
    },
    /// Which lane this is, an i32 scalar. No inputs.
    Index,
    /// The value itself, which is the same on all lanes, as one that may differ from lane to lane. Only where that is tracked;
    /// the transpose is a sum.
    Vary,
}

impl Collective {
    /// The name of the operation.
    pub fn name(&self) -> &'static str {
        match self.kind {
            CollectiveKind::Sum => "psum",
            CollectiveKind::Max => "pmax",
            CollectiveKind::Min => "pmin",
            CollectiveKind::AllGather { .. } => "all_gather",
            CollectiveKind::SumScatter { .. } => "psum_scatter",
            CollectiveKind::AllToAll { .. } => "all_to_all",
            CollectiveKind::Permute { .. } => "ppermute",
            CollectiveKind::Index => "axis_index",
            CollectiveKind::Vary => "pvary",
        }
    }

    /// The same lanes, doing something else.
    pub fn with(&self, kind: CollectiveKind) -> Collective {
        Collective { axis: self.axis.clone(), size: self.size, kind, tracked: self.tracked }
    }

    /// Over what the result varies, for an operand that varies over so much.
    pub(super) fn varying(&self, x: &Varying) -> Varying {
        if !self.tracked {
            return x.clone();
        }
        match self.kind {
            CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => x.without(&self.axis),
            CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => self.with_axis(x),
            CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } => self.with_axis(x),
            CollectiveKind::Index | CollectiveKind::Vary => self.with_axis(x),
        }
    }

    /// Over what an operand has to vary, one that varies over so much.
    pub(crate) fn wanted(&self, x: &Varying) -> Varying {
        match self.kind {
            _ if !self.tracked => x.clone(),
            CollectiveKind::Vary => x.clone(),
            CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => self.with_axis(x),
            CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => self.with_axis(x),
            CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } => self.with_axis(x),
            CollectiveKind::Index => x.clone(),
        }
    }

    fn with_axis(&self, x: &Varying) -> Varying {
        x.union(&Varying::over([(self.axis.clone(), self.size)]))
    }

    pub(super) fn inputs(&self) -> usize {
        match self.kind {
            CollectiveKind::Sum | CollectiveKind::Max | CollectiveKind::Min => 1,
            CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => 1,
            CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } | CollectiveKind::Vary => 1,
            CollectiveKind::Index => 0,
        }
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let (name, n) = (self.name(), self.size);
        let one_a_lane = |axis: usize, x: &TensorType| {
            let fits = x.shape.get(axis) == Some(&n);
            assert!(
                fits,
                "{name}: axis {axis} of shape {} has one element for each of the {n} lanes of axis {:?}",
                x.shape, self.axis
            );
        };
        let new_axis = |axis: usize, rank: usize, x: &TensorType| {
            assert!(axis <= rank, "{name}: a new axis {axis} of a tensor of shape {}", x.shape)
        };
        smallvec![match &self.kind {
            CollectiveKind::Sum => {
                assert!(x[0].dtype != DType::Bool, "{name}: does not take bool");
                x[0].clone()
            }
            CollectiveKind::Max | CollectiveKind::Min | CollectiveKind::Vary => x[0].clone(),
            CollectiveKind::AllGather { axis } => {
                new_axis(*axis, x[0].rank(), x[0]);
                x[0].with_shape(x[0].shape.insert(*axis, n))
            }
            CollectiveKind::SumScatter { axis } => {
                assert!(x[0].dtype != DType::Bool, "{name}: does not take bool");
                one_a_lane(*axis, x[0]);
                x[0].with_shape(x[0].shape.without(&[*axis]))
            }
            CollectiveKind::AllToAll { split, concat } => {
                one_a_lane(*split, x[0]);
                new_axis(*concat, x[0].rank() - 1, x[0]);
                x[0].with_shape(x[0].shape.without(&[*split]).insert(*concat, n))
            }
            CollectiveKind::Permute { pairs } => {
                let fits = pairs.iter().enumerate().all(|(i, &(from, to))| {
                    let before = &pairs[..i];
                    from < n && to < n && before.iter().all(|&(f, t)| f != from && t != to)
                });
                assert!(
                    fits,
                    "{name}: pairs (from, to) of the {n} lanes of axis {:?} name each at most once as either: {pairs:?}",
                    self.axis
                );
                x[0].clone()
            }
            CollectiveKind::Index => TensorType::scalar(DType::I32),
        }]
    }
}
