//! Rearranging: reshape with -1, permutations, broadcasting to a shape, joining and cutting.

use super::{Term, Value};
use crate::backend::Values;
use crate::op::{Padding, Slice};
use crate::shape::{Axes, normalize_axes, normalize_axis};
use crate::{Number, Op, Shape, TensorType};
use smallvec::smallvec;
use std::sync::Arc;

impl Value {
    /// NumPy's broadcasting to `shape`; itself where it has that shape.
    #[track_caller]
    pub fn broadcast_to(self, name: &str, shape: &Shape) -> Value {
        if self.shape() == shape {
            return self;
        }
        let skip = shape.rank().checked_sub(self.rank());
        let fits = |skip: usize| self.shape().iter().zip(&shape[skip..]).all(|(&n, &m)| n == m || n == 1);
        let Some(skip) = skip.filter(|&s| fits(s)) else {
            panic!("{name}: shape {} does not broadcast to {shape}", self.shape())
        };
        let axes = (skip..shape.rank()).collect();
        Value::apply1(Op::Broadcast { shape: shape.clone(), axes }, self)
    }

    /// Input axis `i` becomes output axis `axes[i]`.
    #[track_caller]
    pub fn broadcast_in(self, shape: Shape, axes: Axes) -> Value {
        Value::apply1(Op::Broadcast { shape, axes }, self)
    }

    /// The same elements under another shape, of which one size may be -1.
    #[track_caller]
    pub fn reshape(self, sizes: &[isize]) -> Value {
        let known: usize = sizes.iter().filter(|&&n| n >= 0).map(|&n| n as usize).product();
        let (elements, unknown) = (self.ty().elements(), sizes.iter().filter(|&&n| n < 0).count());
        let one_unknown = unknown == 0 || (unknown == 1 && sizes.contains(&-1));
        let fits = one_unknown && (unknown == 0 || (known > 0 && elements.is_multiple_of(known)));
        assert!(fits, "reshape: shape {} of {elements} elements does not fill {sizes:?}", self.shape());
        let size = |&n: &isize| if n < 0 { elements / known } else { n as usize };
        self.reshape_to(sizes.iter().map(size).collect())
    }

    /// The same elements under another shape; itself where it has that shape.
    #[track_caller]
    pub fn reshape_to(self, shape: Shape) -> Value {
        if *self.shape() == shape { self } else { Value::apply1(Op::Reshape { shape }, self) }
    }

    /// Axes in another order: output axis `i` is input axis `permutation[i]`.
    #[track_caller]
    pub fn transpose(self, permutation: &[isize]) -> Value {
        let mut axes = Axes::new();
        for &p in permutation {
            axes.push(normalize_axis("transpose", p, self.shape()));
        }
        self.permute(axes)
    }

    /// As [`transpose`](Value::transpose), of axes counted from the front; itself where nothing moves.
    #[track_caller]
    pub fn permute(self, permutation: Axes) -> Value {
        if permutation.len() == self.rank() && permutation.iter().enumerate().all(|(i, &p)| i == p) {
            return self;
        }
        Value::apply1(Op::Transpose { permutation }, self)
    }

    /// All axes in reverse order.
    #[track_caller]
    pub fn t(self) -> Value {
        let axes = (0..self.rank()).rev().collect();
        self.permute(axes)
    }

    /// Moves one axis.
    #[track_caller]
    pub fn move_axis(self, from: isize, to: isize) -> Value {
        let from = normalize_axis("moveaxis", from, self.shape());
        let to = normalize_axis("moveaxis", to, self.shape());
        let mut axes: Axes = (0..self.rank()).filter(|&d| d != from).collect();
        axes.insert(to, from);
        self.permute(axes)
    }

    /// Exchanges two axes.
    #[track_caller]
    pub fn swap_axes(self, a: isize, b: isize) -> Value {
        let a = normalize_axis("swapaxes", a, self.shape());
        let b = normalize_axis("swapaxes", b, self.shape());
        let mut axes: Axes = (0..self.rank()).collect();
        axes.swap(a, b);
        self.permute(axes)
    }

    /// A new axis of size 1 at `axis` of the result.
    #[track_caller]
    pub fn expand_dims(self, axis: isize) -> Value {
        let axis = normalize_axis("expand_dims", axis, &self.shape().insert(0, 1));
        let shape = self.shape().insert(axis, 1);
        self.reshape_to(shape)
    }

    /// Without these axes, which have size 1.
    #[track_caller]
    pub fn squeeze(self, axes: &[isize]) -> Value {
        let axes = normalize_axes("squeeze", axes, self.shape());
        for &d in &axes {
            assert!(self.shape()[d] == 1, "squeeze: axis {d} of shape {} has not size 1", self.shape());
        }
        let shape = self.shape().without(&axes);
        self.reshape_to(shape)
    }

    /// Turns axes round.
    #[track_caller]
    pub fn flip(self, axes: &[isize]) -> Value {
        let axes = normalize_axes("flip", axes, self.shape());
        if axes.is_empty() { self } else { Value::apply1(Op::Reverse { axes }, self) }
    }

    /// A regular part; itself where it is the whole.
    #[track_caller]
    pub fn slice(self, starts: Axes, limits: Axes, strides: Axes) -> Value {
        let whole = starts.iter().all(|&s| s == 0)
            && strides.iter().all(|&s| s == 1)
            && limits[..] == self.shape()[..];
        if whole {
            return self;
        }
        Value::apply1(Op::Slice(Arc::new(Slice { starts, limits, strides })), self)
    }

    /// From `start` to `limit` along one axis.
    #[track_caller]
    pub fn slice_axis(self, axis: usize, start: usize, limit: usize) -> Value {
        let mut starts = Axes::from_elem(0, self.rank());
        let mut limits: Axes = self.shape().iter().copied().collect();
        (starts[axis], limits[axis]) = (start, limit);
        let strides = Axes::from_elem(1, self.rank());
        self.slice(starts, limits, strides)
    }

    /// A part of fixed size at computed places, which are clamped.
    #[track_caller]
    pub fn dynamic_slice(self, starts: impl IntoIterator<Item = Value>, sizes: Shape) -> Value {
        let inputs: Values = std::iter::once(self).chain(starts).collect();
        Value::apply_all(Op::DynamicSlice { sizes }, inputs)
    }

    /// Overwrites a part at computed places, which are clamped.
    #[track_caller]
    pub fn dynamic_update(self, update: Value, starts: impl IntoIterator<Item = Value>) -> Value {
        let inputs: Values = [self, update].into_iter().chain(starts).collect();
        Value::apply_all(Op::DynamicUpdate, inputs)
    }

    /// Padded with a scalar, a number or a tensor of rank 0.
    #[track_caller]
    pub fn pad(self, value: Term, padding: &[Padding]) -> Value {
        let value = match value {
            Term::Value(v) => v.cast(self.dtype()),
            Term::Number(n) => self.full(n, TensorType::scalar(self.dtype())),
        };
        Value::apply2(Op::Pad { padding: padding.iter().copied().collect() }, self, value)
    }

    /// Padded with zeros.
    #[track_caller]
    pub fn pad_zeros(self, padding: &[Padding]) -> Value {
        self.pad(Term::Number(Number::Int(0)), padding)
    }

    /// One after another along an existing axis; dtypes promote.
    #[track_caller]
    pub fn concatenate(values: Values, axis: isize) -> Value {
        let Some(first) = values.first() else { panic!("concatenate: no tensors") };
        let axis = normalize_axis("concatenate", axis, first.shape());
        let dtype = values.iter().fold(first.dtype(), |d, v| d.promote(v.dtype()));
        let values: Values = values.into_iter().map(|v| v.cast(dtype)).collect();
        Value::apply_all(Op::Concatenate { axis }, values)
    }

    /// One beside another along a new axis; dtypes promote.
    #[track_caller]
    pub fn stack(values: Values, axis: isize) -> Value {
        let Some(first) = values.first() else { panic!("stack: no tensors") };
        for other in &values {
            assert!(
                first.shape() == other.shape(),
                "stack: shapes {} and {} differ",
                first.shape(),
                other.shape()
            );
        }
        let axis = normalize_axis("stack", axis, &first.shape().insert(0, 1)) as isize;
        Value::concatenate(values.into_iter().map(|v| v.expand_dims(axis)).collect(), axis)
    }

    /// Stable ascending sort along an axis; the first `keys` values decide, the others go along.
    #[track_caller]
    pub fn sort_together(values: Values, axis: isize, keys: usize) -> Values {
        let Some(first) = values.first() else { panic!("sort: no tensors") };
        let axis = normalize_axis("sort", axis, first.shape());
        Value::apply(&Op::Sort { axis, keys }, values)
    }

    /// The value itself, by a name that a checkpoint's policy may keep.
    #[track_caller]
    pub fn named(self, name: &str) -> Value {
        Value::apply1(Op::Name { name: name.into() }, self)
    }

    /// A constant to derivatives, at every level.
    #[track_caller]
    pub fn stop_gradient(self) -> Value {
        Value::apply1(Op::StopGradient, self)
    }
}

/// One value, as a list.
impl From<Value> for Values {
    fn from(value: Value) -> Self {
        smallvec![value]
    }
}
