//! Families that move elements to other places: gather, scatter, transpose, concatenate, sort.

use super::elementwise::rows_of;
use super::{Case, Table, numbers, tensor};
use crate::reference;
use plywood::prelude::*;
use rayon::slice::ParallelSliceMut;

/// `n` places below `size`, without an order.
fn places(n: usize, size: usize) -> Vec<i32> {
    numbers(n, 0.0, 1.0)
        .into_iter()
        .map(|x| ((f64::from(x) * size as f64) as usize).min(size - 1) as i32)
        .collect()
}

pub(super) fn indexing(table: &mut Table) {
    table.add("indexing", "gather of elements", |n| {
        let (x, at) = (numbers(n, -3.0, 3.0), places(n, n));
        let (t, i) = (Tensor::<Cpu>::from_slice(&x, [n]), Tensor::from_slice(&at, [n]));
        Case::new(12 * n, move || t.get(&i)).against(reference::map(at, move |i| x[i as usize]))
    });
    table.add("indexing", "gather of rows of 64", |n| {
        let (rows, columns) = rows_of(n, 64);
        let x = tensor(&[rows, columns], -3.0, 3.0);
        let i = Tensor::from_slice(&places(rows, rows), [rows]);
        Case::new(8 * rows * columns + 4 * rows, move || x.get(&i))
    });
    table.add("indexing", "scatter-add of elements", |n| {
        let x = tensor(&[n], -3.0, 3.0);
        let (y, i) = (tensor(&[n], -3.0, 3.0), Tensor::from_slice(&places(n, n), [n]));
        Case::new(16 * n, move || x.at(&i).add(&y))
    });
    table.add("indexing", "scatter-add of rows of 64", |n| {
        let (rows, columns) = rows_of(n, 64);
        let (x, y) = (tensor(&[rows, columns], -3.0, 3.0), tensor(&[rows, columns], -3.0, 3.0));
        let i = Tensor::from_slice(&places(rows, rows), [rows]);
        Case::new(16 * rows * columns + 4 * rows, move || x.at(&i).add(&y))
    });
    table.add("indexing", "transpose of a square", |n| {
        let side = n.isqrt();
        let x = tensor(&[side, side], -3.0, 3.0);
        Case::new(8 * side * side, move || x.t().flatten())
    });
    table.add("indexing", "concatenate two", |n| {
        let (x, y) = (tensor(&[n / 2], -3.0, 3.0), tensor(&[n - n / 2], -3.0, 3.0));
        Case::new(8 * n, move || concatenate([&x, &y], 0))
    });
    table.add("indexing", "sort f32", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        let mut out = x.clone();
        Case::new(8 * n, move || t.sort(0)).against(Box::new(move || {
            out.copy_from_slice(&x);
            match out.len() < 10_000 {
                true => out.sort_by(f32::total_cmp),
                false => out.par_sort_by(f32::total_cmp),
            }
        }))
    });
    table.add("indexing", "sort rows of 100", |n| {
        let (rows, columns) = rows_of(n, 100);
        let x = numbers(rows * columns, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
        let sort = |x: &[f32], out: &mut [f32]| {
            out.copy_from_slice(x);
            out.sort_by(f32::total_cmp);
        };
        let bytes = 8 * rows * columns;
        Case::new(bytes, move || t.sort(-1)).against(reference::rows(x, columns, columns, sort))
    });
}
