//! Roots of unity and what is made of them, on a device: computed by the host in f64, kept by what they are.

use crate::client::Client;
use crate::data::Buffer;
use cubecl::prelude::Runtime;
use plywood_core::{DType, Device};
use std::collections::HashMap;
use std::f64::consts::TAU;
use std::sync::{LazyLock, Mutex};

/// A table of complex numbers, real and imaginary parts in turn. `w` is `e^(-2πi / n)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// The first so many powers of the w of n.
    Roots { n: usize, count: usize },
    /// `w^(jk)`, row by row: n x n.
    Matrix { n: usize },
    /// `w^(j² / 2)`, for j below n.
    Chirp { n: usize },
    /// Their conjugates for the distances between elements, on a circle of `circle` elements.
    Distances { n: usize, circle: usize },
}

/// Tables of a device, at most.
const MOST: usize = 128;

/// The table, on the device.
pub fn table<R: Runtime>(client: &Client<R>, dtype: DType, table: Table) -> Buffer {
    static KNOWN: LazyLock<Mutex<HashMap<(Device, DType, Table), Buffer>>> = LazyLock::new(Default::default);
    let key = (client.device, dtype, table);
    if let Some(buffer) = KNOWN.lock().unwrap_or_else(|e| e.into_inner()).get(&key) {
        return buffer.clone();
    }
    let numbers = table.numbers();
    let buffer = match dtype {
        DType::F64 => client.upload(bytemuck::cast_slice(&numbers)),
        _ => {
            let numbers: Vec<f32> = numbers.iter().map(|&x| x as f32).collect();
            client.upload(bytemuck::cast_slice(&numbers))
        }
    };
    let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    if known.len() >= MOST {
        known.clear();
    }
    known.entry(key).or_insert(buffer).clone()
}

impl Table {
    fn numbers(self) -> Vec<f64> {
        match self {
            Table::Roots { n, count } => (0..count).flat_map(|i| root(i, n)).collect(),
            Table::Matrix { n } => (0..n * n).flat_map(|i| root((i / n) * (i % n) % n, n)).collect(),
            Table::Chirp { n } => (0..n).flat_map(|j| chirp(j, n)).collect(),
            Table::Distances { n, circle } => {
                let distance = |i: usize| Some(i.min(circle - i)).filter(|&j| j < n);
                let number = |i| distance(i).map_or([0.0; 2], |j| chirp(j, n));
                (0..circle).map(number).flat_map(|[re, im]| [re, -im]).collect()
            }
        }
    }
}

/// `e^(-2πi i / n)`, i below n: exact on the axes, and as exact elsewhere.
fn root(i: usize, n: usize) -> [f64; 2] {
    // Within an eighth of the circle from the nearest axis.
    let quarter = (4 * i + n / 2) / n;
    let rest = (4 * i) as i64 - (quarter * n) as i64;
    let angle = TAU / 4.0 * (rest as f64 / n as f64);
    let (cosine, sine) = (angle.cos(), angle.sin());
    match quarter % 4 {
        0 => [cosine, -sine],
        1 => [-sine, -cosine],
        2 => [-cosine, sine],
        _ => [sine, cosine],
    }
}

/// `e^(-πi j² / n)`.
fn chirp(j: usize, n: usize) -> [f64; 2] {
    root((j as u128 * j as u128 % (2 * n) as u128) as usize, 2 * n)
}
