//! Products of matrices and vectors, on the one contraction there is.

use super::Value;
use crate::op::Dot;
use crate::shape::Axes;
use crate::{DType, Op, Shape};
use smallvec::smallvec;
use std::sync::Arc;

impl Value {
    /// The general contraction; dtypes promote, bool is counted in i32.
    #[track_caller]
    pub fn dot_general(self, y: Value, contracting: (Axes, Axes), batch: (Axes, Axes)) -> Value {
        let dtype = match self.dtype().promote(y.dtype()) {
            DType::Bool => DType::I32,
            dtype => dtype,
        };
        let dot = Dot {
            lhs_contracting: contracting.0,
            rhs_contracting: contracting.1,
            lhs_batch: batch.0,
            rhs_batch: batch.1,
            dtype,
        };
        Value::apply2(Op::Dot(Arc::new(dot)), self.cast(dtype), y.cast(dtype))
    }

    /// NumPy's `matmul`: matrices in the last two axes, the axes before them broadcast; a vector on the left is a
    /// row, on the right a column, and its axis goes away.
    #[track_caller]
    pub fn matmul(self, y: Value) -> Value {
        let (a, b) = (self.shape().clone(), y.shape().clone());
        let k = match (a.last(), b.rank()) {
            (None, _) | (_, 0) => panic!("matmul: shapes {a} and {b}: scalars are multiplied with *"),
            (Some(&k), 1) => (k, b[0]),
            (Some(&k), r) => (k, b[r - 2]),
        };
        assert!(
            k.0 == k.1,
            "matmul: shapes {a} and {b}: the last axis of the first has size {}, it meets {}",
            k.0,
            k.1
        );
        let (ra, rb) = (a.rank(), b.rank());
        let over = |x: usize, y: usize| (smallvec![x], smallvec![y]);
        if rb <= 2 {
            return self.dot_general(y, over(ra - 1, rb.saturating_sub(2)), Default::default());
        }
        let (front_a, front_b) = (Shape::from(&a[..ra.saturating_sub(2)]), Shape::from(&b[..rb - 2]));
        let Some(front) = front_a.broadcast(&front_b) else {
            panic!("matmul: shapes {a} and {b}: the axes before the matrices do not broadcast")
        };
        let with = |tail: &[usize]| front.iter().chain(tail).copied().collect::<Shape>();
        let n = front.rank();
        let y = y.broadcast_to("matmul", &with(&b[rb - 2..]));
        let batch: Axes = (0..n).collect();
        if ra == 1 {
            let x = self.broadcast_to("matmul", &with(&a[..]));
            return x.dot_general(y, over(n, n), (batch.clone(), batch));
        }
        let x = self.broadcast_to("matmul", &with(&a[ra - 2..]));
        x.dot_general(y, over(n + 1, n), (batch.clone(), batch))
    }
}
