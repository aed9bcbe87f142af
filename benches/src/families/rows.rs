//! Families over rows: reductions along each kind of axis, and what is composed of them.

use super::elementwise::rows_of;
use super::{Case, Table, numbers, tensor};
use crate::programs;
use crate::reference;
use plywood::prelude::*;
use plywood_backend_cpu::kernel::Program;

pub(super) fn reduce(table: &mut Table) {
    table.add("reduce", "sum of all", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(4 * n, move || t.sum()).against(reference::fold(x, 0.0, |a, x| a + x))
    });
    table.add("reduce", "max of all", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(4 * n, move || t.max()).against(reference::fold(x, f32::NEG_INFINITY, f32::max))
    });
    for columns in [100, 1000] {
        table.add("reduce", format!("sum of rows of {columns}"), move |n| {
            let (rows, columns) = rows_of(n, columns);
            let x = numbers(rows * columns, -3.0, 3.0);
            let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
            let sum = |x: &[f32], out: &mut [f32]| out[0] = x.iter().sum();
            let bytes = 4 * (rows * columns + rows);
            Case::new(bytes, move || t.sum_axes(-1)).against(reference::rows(x, columns, 1, sum))
        });
    }
    table.add("reduce", "sum of columns, 1000 wide", |n| {
        let (rows, columns) = rows_of(n, 1000);
        let x = tensor(&[rows, columns], -3.0, 3.0);
        Case::new(4 * (rows * columns + columns), move || x.sum_axes(0))
    });
    table.add("reduce", "sum of a middle axis of 100, 10 inside", |n| {
        let (rows, columns) = rows_of(n, 1000);
        let (middle, inside) = rows_of(columns, 10);
        let x = numbers(rows * middle * inside, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [rows, middle, inside]);
        let sum = move |x: &[f32], out: &mut [f32]| {
            out.fill(0.0);
            x.chunks_exact(out.len()).for_each(|x| out.iter_mut().zip(x).for_each(|(out, x)| *out += x));
        };
        let bytes = 4 * rows * (middle * inside + inside);
        Case::new(bytes, move || t.sum_axes(1)).against(reference::rows(x, middle * inside, inside, sum))
    });
    table.add("reduce", "max of rows of 100", |n| {
        let (rows, columns) = rows_of(n, 100);
        let x = numbers(rows * columns, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
        let max = |x: &[f32], out: &mut [f32]| out[0] = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let bytes = 4 * (rows * columns + rows);
        Case::new(bytes, move || t.max_axes(-1)).against(reference::rows(x, columns, 1, max))
    });
    table.add("reduce", "argmax of rows of 100", |n| {
        let (rows, columns) = rows_of(n, 100);
        let x = numbers(rows * columns, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
        let argmax = |x: &[f32], out: &mut [i32]| {
            out[0] = x.iter().enumerate().fold(0, |best, (i, &v)| if v > x[best] { i } else { best }) as i32
        };
        let bytes = 4 * (rows * columns + rows);
        Case::new(bytes, move || t.argmax(-1)).against(reference::rows(x, columns, 1, argmax))
    });
}

/// Layer normalisation without weights, as one writes it.
pub fn layer_norm(x: &Tensor<Cpu>) -> Tensor<Cpu> {
    let centred = x - x.mean_keep(-1);
    let variance = centred.square().mean_keep(-1);
    centred * (variance + 1e-5).rsqrt()
}

/// The activation, as one writes it.
pub fn selu(x: &Tensor<Cpu>) -> Tensor<Cpu> {
    1.05 * x.gt(0.0).select(x, 1.67 * x.exp() - 1.67)
}

fn softmax_row(x: &[f32], out: &mut [f32]) {
    let max = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (out, x) in out.iter_mut().zip(x) {
        *out = (x - max).exp();
        sum += *out;
    }
    out.iter_mut().for_each(|out| *out /= sum);
}

fn layer_norm_row(x: &[f32], out: &mut [f32]) {
    let n = x.len() as f32;
    let mean = x.iter().sum::<f32>() / n;
    let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f32>() / n;
    let scale = 1.0 / (variance + 1e-5).sqrt();
    out.iter_mut().zip(x).for_each(|(out, x)| *out = (x - mean) * scale);
}

pub(super) fn composite(table: &mut Table) {
    table.add("composite", "selu, eager", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        let f = |x: f32| 1.05 * if x > 0.0 { x } else { 1.67 * x.exp() - 1.67 };
        Case::new(8 * n, move || selu(&t)).against(reference::map(x, f))
    });
    table.add("composite", "selu, one program", |n| {
        let x = numbers(n, -3.0, 3.0);
        let f = |x: f32| 1.05 * if x > 0.0 { x } else { 1.67 * x.exp() - 1.67 };
        Case::new(8 * n, by_program(programs::selu(), x.clone(), n)).against(reference::map(x, f))
    });
    type Ours = fn(&Tensor<Cpu>) -> Tensor<Cpu>;
    let by_row: [(&str, Ours, Program, fn(&[f32], &mut [f32])); 2] = [
        ("softmax of rows of 1000", |x| x.softmax(-1), programs::softmax(), softmax_row),
        ("layer norm of rows of 1000", layer_norm, programs::layer_norm(1000), layer_norm_row),
    ];
    for (name, ours, program, row) in by_row {
        table.add("composite", format!("{name}, eager"), move |n| {
            let (rows, columns) = rows_of(n, 1000);
            let x = numbers(rows * columns, -3.0, 3.0);
            let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
            let bytes = 8 * rows * columns;
            Case::new(bytes, move || ours(&t)).against(reference::rows(x, columns, columns, row))
        });
        table.add("composite", format!("{name}, one program"), move |n| {
            let (rows, columns) = rows_of(n, 1000);
            let x = numbers(rows * columns, -3.0, 3.0);
            let ours = by_program(program.clone(), x.clone(), columns);
            Case::new(8 * rows * columns, ours).against(reference::rows(x, columns, columns, row))
        });
    }
}

/// A program over rows; its output lies where it lay before, as that of a loop's does.
pub fn by_program(program: Program, x: Vec<f32>, columns: usize) -> impl FnMut() {
    let mut out = vec![0.0; x.len()];
    move || programs::run(&program, &x, columns, &mut out)
}
