//! Families of one element at a time: unary, binary, compare and select, cast, broadcast.

use super::{Case, Table, numbers, tensor};
use crate::reference;
use plywood::prelude::*;

pub(super) fn unary(table: &mut Table) {
    type Ours = fn(&Tensor<Cpu>) -> Tensor<Cpu>;
    // Each with the range of its inputs; `None` where the standard library has no such function.
    let f32s: [(&str, f32, f32, Ours, Option<fn(f32) -> f32>); 17] = [
        ("neg", -3.0, 3.0, |x| -x, Some(|x| -x)),
        ("abs", -3.0, 3.0, Tensor::abs, Some(f32::abs)),
        ("sqrt", 0.0, 9.0, Tensor::sqrt, Some(f32::sqrt)),
        ("floor", -9.0, 9.0, Tensor::floor, Some(f32::floor)),
        ("exp", -9.0, 9.0, Tensor::exp, Some(f32::exp)),
        ("exp2", -9.0, 9.0, Tensor::exp2, Some(f32::exp2)),
        ("expm1", -3.0, 3.0, Tensor::expm1, Some(f32::exp_m1)),
        ("log", 0.01, 9.0, Tensor::log, Some(f32::ln)),
        ("log1p", -0.9, 9.0, Tensor::log1p, Some(f32::ln_1p)),
        ("tanh", -3.0, 3.0, Tensor::tanh, Some(f32::tanh)),
        ("logistic", -9.0, 9.0, Tensor::logistic, Some(|x| 1.0 / (1.0 + (-x).exp()))),
        ("erf", -3.0, 3.0, Tensor::erf, None),
        ("sin", -9.0, 9.0, Tensor::sin, Some(f32::sin)),
        ("cos", -9.0, 9.0, Tensor::cos, Some(f32::cos)),
        ("tan", -9.0, 9.0, Tensor::tan, Some(f32::tan)),
        ("rsqrt", 0.01, 9.0, Tensor::rsqrt, Some(|x| 1.0 / x.sqrt())),
        ("cbrt", -9.0, 9.0, Tensor::cbrt, Some(f32::cbrt)),
    ];
    for (name, low, high, ours, reference) in f32s {
        table.add("unary", format!("{name} f32"), move |n| {
            let x = numbers(n, low, high);
            let t = Tensor::<Cpu>::from_slice(&x, [n]);
            let case = Case::new(8 * n, move || ours(&t));
            match reference {
                Some(f) => case.against(reference::map(x, f)),
                None => case,
            }
        });
    }
    let f64s: [(&str, f32, f32, Ours, fn(f64) -> f64); 3] = [
        ("exp", -9.0, 9.0, Tensor::exp, f64::exp),
        ("log", 0.01, 9.0, Tensor::log, f64::ln),
        ("tanh", -3.0, 3.0, Tensor::tanh, f64::tanh),
    ];
    for (name, low, high, ours, f) in f64s {
        table.add("unary", format!("{name} f64"), move |n| {
            let x: Vec<f64> = numbers(n, low, high).into_iter().map(f64::from).collect();
            let t = Tensor::<Cpu>::from_slice(&x, [n]);
            Case::new(16 * n, move || ours(&t)).against(reference::map(x, f))
        });
    }
    table.add("unary", "exp bf16", |n| {
        let x: Vec<bf16> = numbers(n, -9.0, 9.0).into_iter().map(bf16::from_f32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(4 * n, move || t.exp()).against(reference::map(x, |x| bf16::from_f32(x.to_f32().exp())))
    });
}

pub(super) fn binary(table: &mut Table) {
    type Ours = fn(&Tensor<Cpu>, &Tensor<Cpu>) -> Tensor<Cpu>;
    let f32s: [(&str, Ours, fn(f32, f32) -> f32); 6] = [
        ("add", |x, y| x + y, |x, y| x + y),
        ("mul", |x, y| x * y, |x, y| x * y),
        ("div", |x, y| x / y, |x, y| x / y),
        ("maximum", |x, y| x.maximum(y), f32::max),
        ("pow", |x, y| x.pow(y), f32::powf),
        ("atan2", |x, y| x.atan2(y), f32::atan2),
    ];
    for (name, ours, f) in f32s {
        table.add("binary", format!("{name} f32"), move |n| {
            let (x, y) = (numbers(n, 0.1, 9.0), numbers(n, -3.0, 3.0));
            let (a, b) = (Tensor::from_slice(&x, [n]), Tensor::from_slice(&y, [n]));
            Case::new(12 * n, move || ours(&a, &b)).against(reference::zip(x, y, f))
        });
    }
    table.add("binary", "add f64", |n| {
        let x: Vec<f64> = numbers(n, -3.0, 3.0).into_iter().map(f64::from).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        let u = &t + 1.0;
        Case::new(24 * n, move || &t + &u).against(reference::zip(x.clone(), x, |x, y| x + y))
    });
    table.add("binary", "add i32", |n| {
        let x: Vec<i32> = numbers(n, -300.0, 300.0).into_iter().map(|x| x as i32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        let u = &t + 1;
        Case::new(12 * n, move || &t + &u).against(reference::zip(x.clone(), x, i32::wrapping_add))
    });
    table.add("binary", "add bf16", |n| {
        let x: Vec<bf16> = numbers(n, -3.0, 3.0).into_iter().map(bf16::from_f32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        let u = &t + 1.0;
        let add = |x: bf16, y: bf16| bf16::from_f32(x.to_f32() + y.to_f32());
        Case::new(6 * n, move || &t + &u).against(reference::zip(x.clone(), x, add))
    });
    table.add("binary", "mul f32 by a number", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(8 * n, move || &t * 1.5).against(reference::map(x, |x| x * 1.5))
    });
}

pub(super) fn compare(table: &mut Table) {
    table.add("compare", "lt f32", |n| {
        let (x, y) = (numbers(n, -3.0, 3.0), numbers(n, -2.0, 2.0));
        let (a, b) = (Tensor::<Cpu>::from_slice(&x, [n]), Tensor::from_slice(&y, [n]));
        Case::new(9 * n, move || a.lt(&b)).against(reference::zip(x, y, |x, y| x < y))
    });
    table.add("compare", "eq i32 with a number", |n| {
        let x: Vec<i32> = numbers(n, -3.0, 3.0).into_iter().map(|x| x as i32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(5 * n, move || t.eq(1)).against(reference::map(x, |x| x == 1))
    });
    table.add("compare", "select f32", |n| {
        let (x, y) = (numbers(n, -3.0, 3.0), numbers(n, -2.0, 2.0));
        let (a, b) = (Tensor::<Cpu>::from_slice(&x, [n]), Tensor::from_slice(&y, [n]));
        let mask = a.lt(0.0);
        // The loop asks for the sign instead of reading a mask.
        let f = |x: f32, y: f32| if x < 0.0 { x } else { y };
        Case::new(13 * n, move || mask.select(&a, &b)).against(reference::zip(x, y, f))
    });
    table.add("compare", "clamp f32", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(8 * n, move || t.clamp(-1.0, 1.0)).against(reference::map(x, |x| x.clamp(-1.0, 1.0)))
    });
}

pub(super) fn cast(table: &mut Table) {
    table.add("cast", "f32 to bf16", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(6 * n, move || t.cast(DType::BF16)).against(reference::map(x, bf16::from_f32))
    });
    table.add("cast", "bf16 to f32", |n| {
        let x: Vec<bf16> = numbers(n, -3.0, 3.0).into_iter().map(bf16::from_f32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(6 * n, move || t.cast(DType::F32)).against(reference::map(x, bf16::to_f32))
    });
    table.add("cast", "f32 to f16", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(6 * n, move || t.cast(DType::F16)).against(reference::map(x, f16::from_f32))
    });
    table.add("cast", "f32 to f64", |n| {
        let x = numbers(n, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(12 * n, move || t.cast(DType::F64)).against(reference::map(x, f64::from))
    });
    table.add("cast", "f32 to i32", |n| {
        let x = numbers(n, -300.0, 300.0);
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(8 * n, move || t.cast(DType::I32)).against(reference::map(x, |x| x as i32))
    });
    table.add("cast", "i32 to f32", |n| {
        let x: Vec<i32> = numbers(n, -300.0, 300.0).into_iter().map(|x| x as i32).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(8 * n, move || t.cast(DType::F32)).against(reference::map(x, |x| x as f32))
    });
    table.add("cast", "bool to f32", |n| {
        let x: Vec<bool> = numbers(n, -3.0, 3.0).into_iter().map(|x| x < 0.0).collect();
        let t = Tensor::<Cpu>::from_slice(&x, [n]);
        Case::new(5 * n, move || t.cast(DType::F32)).against(reference::map(x, |x| f32::from(u8::from(x))))
    });
}

/// Rows and columns of about `n` elements: 100 columns, or fewer.
pub(super) fn rows_of(n: usize, columns: usize) -> (usize, usize) {
    let columns = columns.min(n);
    (n / columns, columns)
}

pub(super) fn broadcast(table: &mut Table) {
    for columns in [100, 2441] {
        table.add("broadcast", format!("add a row of {columns}"), move |n| {
            let (rows, columns) = rows_of(n, columns);
            let x = numbers(rows * columns, -3.0, 3.0);
            let y = numbers(columns, -3.0, 3.0);
            let (a, b) = (Tensor::<Cpu>::from_slice(&x, [rows, columns]), Tensor::from_slice(&y, [columns]));
            let add = move |x: &[f32], out: &mut [f32]| {
                out.iter_mut().zip(x).zip(&y).for_each(|((out, x), y)| *out = x + y)
            };
            let bytes = 8 * rows * columns + 4 * columns;
            Case::new(bytes, move || &a + &b).against(reference::rows(x, columns, columns, add))
        });
    }
    table.add("broadcast", "add a column to 100", |n| {
        let (rows, columns) = rows_of(n, 100);
        let x = numbers(rows * columns, -3.0, 3.0);
        let (a, b) = (Tensor::<Cpu>::from_slice(&x, [rows, columns]), tensor(&[rows, 1], -3.0, 3.0));
        // The loop takes a row's first element for the column's.
        let add = |x: &[f32], out: &mut [f32]| {
            let y = x[0];
            out.iter_mut().zip(x).for_each(|(out, x)| *out = x + y)
        };
        let bytes = 8 * rows * columns + 4 * rows;
        Case::new(bytes, move || &a + &b).against(reference::rows(x, columns, columns, add))
    });
}
