//! The general contraction of two tensors (XLA's `dot_general`).

use crate::op::same_dtypes;
use crate::shape::Axes;
use crate::{DType, Shape, TensorType};

/// The attributes of a contraction. Output axes: batch axes, then free axes of the left, then of the right operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dot {
    /// Axes of the left operand that are multiplied and summed.
    pub lhs_contracting: Axes,
    /// Their partners of the right operand.
    pub rhs_contracting: Axes,
    /// Axes of the left operand that run along with `rhs_batch`.
    pub lhs_batch: Axes,
    /// Axes of the right operand that run along with `lhs_batch`.
    pub rhs_batch: Axes,
    /// The dtype of the result, and at least that of the accumulation (f16 and bf16 accumulate in f32).
    pub dtype: DType,
}

impl Dot {
    /// The axes of an operand of `rank` axes that are neither contracted nor batch axes.
    pub fn free(rank: usize, contracting: &[usize], batch: &[usize]) -> Axes {
        (0..rank).filter(|d| !contracting.contains(d) && !batch.contains(d)).collect()
    }

    /// The free axes of the left operand.
    pub fn lhs_free(&self, rank: usize) -> Axes {
        Self::free(rank, &self.lhs_contracting, &self.lhs_batch)
    }

    /// The free axes of the right operand.
    pub fn rhs_free(&self, rank: usize) -> Axes {
        Self::free(rank, &self.rhs_contracting, &self.rhs_batch)
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &TensorType, y: &TensorType) -> TensorType {
        same_dtypes("dot_general", &[x, y]);
        assert!(x.dtype != DType::Bool, "dot_general: does not take bool");
        assert!(
            self.dtype == x.dtype
                || (self.dtype.is_float() == x.dtype.is_float()
                    && self.dtype.size() >= x.dtype.size()
                    && self.dtype != DType::Bool),
            "dot_general: {} operands do not give {}",
            x.dtype,
            self.dtype
        );
        let paired = |a: &[usize], b: &[usize]| {
            a.len() == b.len()
                && a.iter().zip(b).all(|(&i, &j)| i < x.rank() && j < y.rank() && x.shape[i] == y.shape[j])
        };
        let distinct = |a: &[usize], b: &[usize]| {
            let all: Axes = a.iter().chain(b).copied().collect();
            (0..all.len()).all(|i| !all[..i].contains(&all[i]))
        };
        let fits = paired(&self.lhs_contracting, &self.rhs_contracting)
            && paired(&self.lhs_batch, &self.rhs_batch)
            && distinct(&self.lhs_contracting, &self.lhs_batch)
            && distinct(&self.rhs_contracting, &self.rhs_batch);
        assert!(
            fits,
            "dot_general: shapes {} and {}, contracted over {:?} and {:?}, batched over {:?} and {:?}",
            x.shape, y.shape, self.lhs_contracting, self.rhs_contracting, self.lhs_batch, self.rhs_batch
        );
        let shape: Shape = (self.lhs_batch.iter().map(|&d| x.shape[d]))
            .chain(self.lhs_free(x.rank()).iter().map(|&d| x.shape[d]))
            .chain(self.rhs_free(y.rank()).iter().map(|&d| y.shape[d]))
            .collect();
        TensorType::new(shape, self.dtype)
    }
}
