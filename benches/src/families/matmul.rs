//! The family of products: two square matrices of `n` elements each, and a matrix with a vector.

use super::{Case, Table, numbers};
use crate::reference;
use plywood::prelude::*;

pub(super) fn matmul(table: &mut Table) {
    table.add("matmul", "square f32", |n| {
        let side = n.isqrt();
        let (x, y) = (numbers(side * side, -1.0, 1.0), numbers(side * side, -1.0, 1.0));
        let (a, b) = (Tensor::<Cpu>::from_slice(&x, [side, side]), Tensor::from_slice(&y, [side, side]));
        let case = Case::new(12 * side * side, move || a.matmul(&b));
        if side > 1000 {
            return case; // The plain loop would take minutes.
        }
        let row = move |x: &[f32], out: &mut [f32]| {
            out.fill(0.0);
            for (x, y) in x.iter().zip(y.chunks_exact(out.len())) {
                out.iter_mut().zip(y).for_each(|(out, y)| *out += x * y);
            }
        };
        case.against(reference::rows(x, side, side, row))
    });
    table.add("matmul", "square matrix by a vector, f32", |n| {
        let side = n.isqrt();
        let (x, y) = (numbers(side * side, -1.0, 1.0), numbers(side, -1.0, 1.0));
        let (a, b) = (Tensor::<Cpu>::from_slice(&x, [side, side]), Tensor::from_slice(&y, [side]));
        let row = move |x: &[f32], out: &mut [f32]| out[0] = x.iter().zip(&y).map(|(x, y)| x * y).sum();
        let bytes = 4 * (side * side + 2 * side);
        Case::new(bytes, move || a.matmul(&b)).against(reference::rows(x, side, 1, row))
    });
}
