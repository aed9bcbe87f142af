//! Reading windows at computed places (XLA's general gather).
//!
//! `indices` has shape `[batch.., n]`; each vector of n integers is where a window of `sizes` starts, at the operand's
//! axes `start_index_map`. The output has the batch axes of `indices`, and at `offset_axes` those of the window that
//! are neither collapsed nor operand-batching. Operand batching axes go along with batch axes of `indices`.

use crate::shape::Axes;
use crate::{Shape, TensorType};

/// What happens where a window reaches outside the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IndexMode {
    /// The window is moved inside (reads), or likewise (writes).
    Clip,
    /// Reads give NaN (floats), the lowest value (signed), the highest (unsigned), true (bool); writes are dropped.
    Fill,
    /// The caller promises that it does not happen; if it does, the result is as with `Clip`, and memory stays safe.
    PromiseInBounds,
}

/// The attributes of a gather.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// Output axes that hold the window.
    pub offset_axes: Axes,
    /// Operand axes, of window size 1, that the output does not have.
    pub collapsed_axes: Axes,
    /// Operand axes that run along with `indices_batching_axes`; of window size 1 and not in the output's window.
    pub operand_batching_axes: Axes,
    /// Axes of `indices` that run along with `operand_batching_axes`.
    pub indices_batching_axes: Axes,
    /// The operand axis that each component of an index vector counts along.
    pub start_index_map: Axes,
    /// Size of the window along each operand axis.
    pub sizes: Axes,
    /// What happens outside.
    pub mode: IndexMode,
}

impl Gather {
    /// The operand axes that the output's window has, in order.
    pub fn window_axes(&self) -> Axes {
        let inner = |d: &usize| !self.collapsed_axes.contains(d) && !self.operand_batching_axes.contains(d);
        (0..self.sizes.len()).filter(inner).collect()
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &TensorType, indices: &TensorType) -> TensorType {
        let (operand, rank) = (&x.shape, x.rank());
        check_indices("gather", indices, self.start_index_map.len());
        let sizes_fit =
            self.sizes.len() == rank && self.sizes.iter().zip(operand.iter()).all(|(s, n)| s <= n);
        assert!(sizes_fit, "gather: a window of {:?} of a tensor of shape {operand}", self.sizes);
        for &d in self.collapsed_axes.iter().chain(&self.operand_batching_axes) {
            assert!(d < rank && self.sizes[d] <= 1, "gather: axis {d} is dropped, its window has size 1");
        }
        check_batching(
            "gather",
            operand,
            &self.operand_batching_axes,
            &indices.shape,
            &self.indices_batching_axes,
        );
        assert!(
            self.start_index_map.iter().all(|&d| d < rank),
            "gather: start_index_map {:?}",
            self.start_index_map
        );
        let window = self.window_axes();
        assert!(
            window.len() == self.offset_axes.len(),
            "gather: {} offset axes for {} window axes",
            self.offset_axes.len(),
            window.len()
        );
        let mut window = window.iter().map(|&d| self.sizes[d]);
        let mut batch = indices.shape[..indices.rank() - 1].iter().copied();
        let total = batch.len() + window.len();
        assert!(self.offset_axes.iter().all(|&d| d < total), "gather: offset axes {:?}", self.offset_axes);
        let shape: Shape = (0..total)
            .map(|d| if self.offset_axes.contains(&d) { window.next() } else { batch.next() })
            .map(|n| n.expect("as many axes as counted"))
            .collect();
        x.with_shape(shape)
    }
}

#[track_caller]
pub(super) fn check_indices(name: &str, indices: &TensorType, components: usize) {
    assert!(indices.dtype.is_integer(), "{name}: indices are integers, not {}", indices.dtype);
    assert!(
        indices.shape.last() == Some(&components),
        "{name}: indices of shape {}: the last axis holds the {components} components of an index",
        indices.shape
    );
}

#[track_caller]
pub(super) fn check_batching(name: &str, x: &Shape, axes: &[usize], indices: &Shape, indices_axes: &[usize]) {
    let fits = axes.len() == indices_axes.len()
        && axes
            .iter()
            .zip(indices_axes)
            .all(|(&a, &i)| a < x.rank() && i + 1 < indices.rank() && x[a] == indices[i]);
    assert!(fits, "{name}: batching axes {axes:?} of shape {x} and {indices_axes:?} of shape {indices}");
}
