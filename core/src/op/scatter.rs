//! Writing windows at computed places (XLA's general scatter): the mirror of [`Gather`](super::Gather).
//!
//! Inputs: operand, indices `[batch.., n]`, updates. Updates have the batch axes of `indices`, and at `window_axes`
//! the window. Where several updates meet in one place, sums and products combine all; of `Set` one wins.

use super::gather::{IndexMode, check_batching, check_indices};
use crate::op::{names, same_dtypes};
use crate::shape::Axes;
use crate::{DType, TensorType};

names! {
    /// How an update meets what is there.
    pub enum ScatterKind {
        /// Replaces it; of several updates the last in row-major order wins.
        Set "scatter",
        /// Adds to it.
        Add "scatter_add",
        /// Multiplies it.
        Mul "scatter_mul",
        /// The smaller stays.
        Min "scatter_min",
        /// The larger stays.
        Max "scatter_max",
    }
}

/// The attributes of a scatter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scatter {
    /// How updates meet what is there.
    pub kind: ScatterKind,
    /// Axes of the updates that hold the window.
    pub window_axes: Axes,
    /// Operand axes, of window size 1, that the updates do not have.
    pub inserted_axes: Axes,
    /// Operand axes that run along with `indices_batching_axes`.
    pub operand_batching_axes: Axes,
    /// Axes of `indices` that run along with `operand_batching_axes`.
    pub indices_batching_axes: Axes,
    /// The operand axis that each component of an index vector counts along.
    pub index_map: Axes,
    /// What happens where a window reaches outside.
    pub mode: IndexMode,
}

impl Scatter {
    /// The operand axes that the updates' window has, in order.
    pub fn operand_window_axes(&self, rank: usize) -> Axes {
        let inner = |d: &usize| !self.inserted_axes.contains(d) && !self.operand_batching_axes.contains(d);
        (0..rank).filter(inner).collect()
    }

    /// The size of the window along each operand axis.
    pub fn window_sizes(&self, rank: usize, updates: &[usize]) -> Axes {
        let mut sizes: Axes = Axes::from_elem(1, rank);
        for (&d, &u) in self.operand_window_axes(rank).iter().zip(&self.window_axes) {
            sizes[d] = updates[u];
        }
        sizes
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &TensorType, indices: &TensorType, updates: &TensorType) -> TensorType {
        let name = self.kind.name();
        same_dtypes(name, &[x, updates]);
        assert!(
            x.dtype != DType::Bool
                || matches!(self.kind, ScatterKind::Set | ScatterKind::Min | ScatterKind::Max),
            "{name}: does not take bool"
        );
        check_indices(name, indices, self.index_map.len());
        check_batching(
            name,
            &x.shape,
            &self.operand_batching_axes,
            &indices.shape,
            &self.indices_batching_axes,
        );
        let rank = x.rank();
        let window = self.operand_window_axes(rank);
        let fits = window.len() == self.window_axes.len()
            && updates.rank() == indices.rank() - 1 + window.len()
            && self.window_axes.iter().all(|&d| d < updates.rank())
            && window.iter().zip(&self.window_axes).all(|(&d, &u)| updates.shape[u] <= x.shape[d])
            && self.index_map.iter().chain(&self.inserted_axes).all(|&d| d < rank);
        assert!(
            fits,
            "{name}: updates of shape {} with window axes {:?} into shape {} at indices of shape {}",
            updates.shape, self.window_axes, x.shape, indices.shape
        );
        let batch = (0..updates.rank()).filter(|d| !self.window_axes.contains(d)).map(|d| updates.shape[d]);
        assert!(
            batch.eq(indices.shape[..indices.rank() - 1].iter().copied()),
            "{name}: updates of shape {} for indices of shape {}",
            updates.shape,
            indices.shape
        );
        x.clone()
    }
}
