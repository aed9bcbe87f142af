//! What the device does in a second, beside what it could: bytes against a copy, operations against a chain of multiplications and
//! additions in registers, both measured here.

use plywood_core::{Backend, DType, Tensor, eval, random};
use plywood_fusion::jit;
use std::time::Instant;

/// A row of the table.
struct Row {
    name: &'static str,
    seconds: f64,
    bytes: f64,
    flops: f64,
}

/// Measures and prints.
pub fn table<B: Backend>() {
    let n = 1 << 24;
    let key = random::key::<B>(0);
    let x = random::normal(&key, [n], DType::F32);
    let rows = random::normal(&key, [4096, 4096], DType::F32);
    let a = random::normal(&key, [2048, 2048], DType::F32);
    let (four, eight) = (4.0 * n as f64, 8.0 * n as f64);
    let copy = seconds(|| x.reshape([4096, -1]).t().reshape([n as isize]));
    let add = seconds(|| &x + 1.0);
    let peak = seconds(|| jit(chain)(x.clone()));
    let all = [
        Row { name: "x + 1 (a copy's bytes)", seconds: add, bytes: eight, flops: n as f64 },
        Row { name: "transpose", seconds: copy, bytes: eight, flops: 0.0 },
        Row { name: "512 flops an element", seconds: peak, bytes: eight, flops: 512.0 * n as f64 },
        Row { name: "selu", seconds: seconds(|| jit(selu)(x.clone())), bytes: eight, flops: 0.0 },
        Row {
            name: "softmax of rows",
            seconds: seconds(|| jit(softmax)(rows.clone())),
            bytes: eight,
            flops: 0.0,
        },
        Row { name: "sum", seconds: seconds(|| x.sum()), bytes: four, flops: n as f64 },
        Row { name: "sum of columns", seconds: seconds(|| rows.sum_axes(0)), bytes: four, flops: n as f64 },
        Row {
            name: "normal",
            seconds: seconds(|| random::normal(&key, [n], DType::F32)),
            bytes: four,
            flops: 0.0,
        },
        Row {
            name: "matmul 2048",
            seconds: seconds(|| a.matmul(&a)),
            bytes: 0.0,
            flops: 2.0 * 2048f64.powi(3),
        },
    ];
    let most = |of: fn(&Row) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let (bandwidth, rate) = (most(|r| r.bytes / r.seconds), most(|r| r.flops / r.seconds));
    println!("{:<24} {:>10} {:>10} {:>7} {:>10} {:>7}", "", "ms", "GB/s", "of max", "GFLOP/s", "of max");
    for r in &all {
        let (b, f) = (r.bytes / r.seconds, r.flops / r.seconds);
        println!(
            "{:<24} {:>10.3} {:>10.1} {:>6.0}% {:>10.1} {:>6.0}%",
            r.name,
            1e3 * r.seconds,
            b / 1e9,
            100.0 * b / bandwidth,
            f / 1e9,
            100.0 * f / rate
        );
    }
}

fn chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (0..256).fold(x.clone(), |y, _| y * &x + 0.5)
}

fn softmax<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.softmax(-1)
}

fn selu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    1.0507 * x.gt(0.0).select(&x, 1.6733 * x.exp() - 1.6733)
}

/// The least time of a call, waited for, after one that compiles.
fn seconds<B: Backend>(f: impl Fn() -> Tensor<B>) -> f64 {
    eval(&f());
    let start = Instant::now();
    let mut least = f64::INFINITY;
    for _ in 0..50 {
        let begun = Instant::now();
        eval(&f());
        least = least.min(begun.elapsed().as_secs_f64());
        if start.elapsed().as_secs_f64() > 1.0 {
            break;
        }
    }
    least
}
