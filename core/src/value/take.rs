//! Places along one axis, read and written: gathers and scatters of one index for each place. Nothing is checked here.

use super::Value;
use crate::op::{Gather, IndexMode, Scatter, ScatterKind};
use crate::shape::Axes;
use crate::{Number, Op, Shape};
use smallvec::smallvec;
use std::sync::Arc;

impl Value {
    /// Places along one axis; the axes of `indices` stand where it was. `indices` count from the front, and what
    /// happens outside is `mode`'s.
    #[track_caller]
    pub fn take(self, indices: Value, axis: usize, mode: IndexMode) -> Value {
        let grid = indices.shape().clone();
        let total = self.rank() - 1 + grid.rank();
        let gather = Gather {
            offset_axes: (0..total).filter(|d| !(axis..axis + grid.rank()).contains(d)).collect(),
            sizes: (0..self.rank()).map(|d| if d == axis { 1 } else { self.shape()[d] }).collect(),
            collapsed_axes: smallvec![axis],
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            start_index_map: smallvec![axis],
            mode,
        };
        if self.shape()[axis] == 0 {
            assert!(grid.elements() == 0, "take: axis {axis} of shape {} is empty", self.shape());
            let (front, back) = self.shape().split_at(axis);
            let shape = front.iter().chain(&grid[..]).chain(&back[1..]).copied().collect::<Shape>();
            return self.full(Number::Int(0), self.ty().with_shape(shape));
        }
        Value::apply2(Op::Gather(Arc::new(gather)), self, indices.expand_dims(-1))
    }

    /// For each vector along `axis` the places that `indices` names in it. Both have the same sizes along all other
    /// axes; `indices` count from the front and are moved inside.
    #[track_caller]
    pub fn take_along(self, indices: Value, axis: usize) -> Value {
        let others: Axes = (0..self.rank()).filter(|&d| d != axis).collect();
        let gather = Gather {
            offset_axes: Axes::new(),
            sizes: Axes::from_elem(1, self.rank()),
            collapsed_axes: smallvec![axis],
            operand_batching_axes: others.clone(),
            indices_batching_axes: others,
            start_index_map: smallvec![axis],
            mode: IndexMode::Clip,
        };
        Value::apply2(Op::Gather(Arc::new(gather)), self, indices.expand_dims(-1))
    }

    /// The mirror of [`take_along`](Value::take_along): values replace those places; places outside are dropped.
    #[track_caller]
    pub fn put_along(self, indices: Value, values: Value, axis: usize) -> Value {
        let others: Axes = (0..self.rank()).filter(|&d| d != axis).collect();
        let scatter = Scatter {
            kind: ScatterKind::Set,
            window_axes: Axes::new(),
            inserted_axes: smallvec![axis],
            operand_batching_axes: others.clone(),
            indices_batching_axes: others,
            index_map: smallvec![axis],
            mode: IndexMode::Fill,
        };
        Value::apply_all(Op::Scatter(Arc::new(scatter)), smallvec![self, indices.expand_dims(-1), values])
    }

    /// The elements of `updates` combined into the places of the first axis that `places`, a vector, names; places
    /// outside are dropped.
    #[track_caller]
    pub fn scatter_rows(self, kind: ScatterKind, places: Value, updates: Value) -> Value {
        let scatter = Scatter {
            kind,
            window_axes: (1..self.rank()).collect(),
            inserted_axes: smallvec![0],
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            index_map: smallvec![0],
            mode: IndexMode::Fill,
        };
        Value::apply_all(Op::Scatter(Arc::new(scatter)), smallvec![self, places.expand_dims(-1), updates])
    }
}
