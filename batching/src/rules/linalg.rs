//! Factorisations of matrices in the last two axes: all axes in front are a batch. Systems of one matrix for all lanes have
//! the lanes' right sides beside each other, so that it is factorised once.

use super::{Args, Batch, batched};
use plywood_core::op::Linalg;
use plywood_core::{Op, Shape, Value};

pub(super) fn linalg(l: Linalg, b: &Batch<'_>, mut x: Args) -> Args {
    match l {
        Linalg::Cholesky
        | Linalg::Det
        | Linalg::Lu
        | Linalg::Qr { .. }
        | Linalg::Eigh
        | Linalg::Svd { .. } => b.all(&Op::Linalg(l), x),
        Linalg::TriangularSolve { .. } | Linalg::Solve { .. } if x[0].batched => b.all(&Op::Linalg(l), x),
        Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => {
            // B: [lanes, .., n, k] becomes [.., n, lanes k].
            let right = x.pop().expect("two inputs").value;
            let matrices = x.pop().expect("two inputs").value;
            let (n, k, last) = (b.size(), right.shape()[right.rank() - 1], right.rank() as isize - 1);
            let beside = right.move_axis(0, last - 1);
            let apart = beside.shape().clone();
            let rank = apart.rank();
            let joined: Shape = apart[..rank - 2].iter().copied().chain([n * k]).collect();
            let solved = Value::apply2(Op::Linalg(l), matrices, beside.reshape_to(joined));
            batched(solved.reshape_to(apart).move_axis(last - 1, 0))
        }
    }
}
