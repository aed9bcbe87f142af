//! Reductions: over all axes or some, kept as size 1 or dropped; means, and places of extremes.

use super::{Term, Value};
use crate::op::{ArgReduction, Binary, Reduction};
use crate::shape::{Axes, normalize_axes, normalize_axis};
use crate::{DType, Number, Op, Shape};

/// Which axes a reduction goes over.
#[derive(Clone, Copy, Debug)]
pub enum Over<'a> {
    /// All of them.
    All,
    /// These; negative ones count from the end.
    Axes(&'a [isize]),
}

impl Over<'_> {
    #[track_caller]
    pub(crate) fn resolve(self, name: &str, shape: &Shape) -> Axes {
        match self {
            Over::All => (0..shape.rank()).collect(),
            Over::Axes(axes) => normalize_axes(name, axes, shape),
        }
    }
}

impl Value {
    /// A reduction over axes counted from the front, increasing; over none it is the value itself.
    #[track_caller]
    pub fn reduce_axes(self, kind: Reduction, axes: Axes) -> Value {
        if axes.is_empty() { self } else { Value::apply1(Op::Reduce { kind, axes }, self) }
    }

    /// A reduction. Sums and products of small integers and of bool are done in 32 bits.
    #[track_caller]
    pub fn reduce(self, kind: Reduction, over: Over<'_>, keep: bool) -> Value {
        let axes = over.resolve(kind.name(), self.shape());
        let x = match kind {
            Reduction::Sum | Reduction::Prod => {
                let dtype = self.dtype().to_sum();
                self.cast(dtype)
            }
            Reduction::Max | Reduction::Min => {
                let empty = axes.iter().any(|&d| self.shape()[d] == 0);
                assert!(!empty, "{}: no elements along axes {axes:?} of shape {}", kind.name(), self.shape());
                self
            }
            Reduction::And | Reduction::Or | Reduction::Xor => self,
        };
        let kept = keep.then(|| x.shape().ones_at(&axes));
        let y = x.reduce_axes(kind, axes);
        match kept {
            Some(shape) => y.reshape_to(shape),
            None => y,
        }
    }

    /// The arithmetic mean; of integers and bool in f32.
    #[track_caller]
    pub fn mean(self, over: Over<'_>, keep: bool) -> Value {
        let axes = over.resolve("mean", self.shape());
        let count: usize = axes.iter().map(|&d| self.shape()[d]).product();
        let dtype = self.dtype().to_float();
        let sum = self.cast(dtype).reduce(Reduction::Sum, over, keep);
        sum.binary(Binary::Div, Term::Number(Number::Float(count as f64)))
    }

    /// Whether all (or any) elements along the axes are true (not zero).
    #[track_caller]
    pub fn all_any(self, kind: Reduction, over: Over<'_>) -> Value {
        self.truth().reduce(kind, over, false)
    }

    /// The first place of an extreme along an axis, as i32.
    #[track_caller]
    pub fn arg_reduce(self, kind: ArgReduction, axis: isize) -> Value {
        let axis = normalize_axis(kind.name(), axis, self.shape());
        Value::apply1(Op::ArgReduce { kind, axis, dtype: DType::I32 }, self)
    }
}
