//! Matrix products and convolutions large enough for kernels made for products, against the CPU.
//!
//! `PLYWOOD_GPU_MATMUL=naive` takes the plainest of those kernels, which software renderers compile sooner.

mod common;

use common::engines;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Conv, Dot, Padding};
use plywood_core::{Array, Backend, DType, Op, Shape};
use plywood_gauntlet::Sample;
use plywood_gauntlet::properties::{self, Nearness, Part};
use std::sync::Arc;

const NEAR: Nearness = Nearness { ulps: 64, epsilons: 64.0, flushes: true, finite: true };

/// Small numbers with a few digits each, so that f16 holds them and sums of them do not vanish.
fn numbers(dtype: DType, shape: &[usize], seed: usize) -> Array {
    let n: usize = shape.iter().product();
    let all: Vec<f32> = (0..n).map(|i| ((i * 7 + i / 13 + seed) % 23) as f32 / 8.0 - 1.25).collect();
    let array = Array::new(all, shape.iter().copied().collect::<Shape>());
    Sample::new("cast", Op::Cast { dtype }, [array]).run(Cpu::ENGINE).remove(0)
}

fn check(name: &str, op: Op, inputs: [Array; 2]) {
    let sample = Sample::new(name, op, inputs);
    for engine in engines() {
        for part in [Part::Forward, Part::Vmap] {
            properties::device(engine, Cpu::ENGINE, &sample, part, NEAR)
                .unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}

fn dot(name: &str, dtype: DType, x: &[usize], y: &[usize], axes: [&[usize]; 4]) {
    let [lhs_contracting, rhs_contracting, lhs_batch, rhs_batch] =
        axes.map(|axes| axes.iter().copied().collect());
    let dot = Dot { lhs_contracting, rhs_contracting, lhs_batch, rhs_batch, dtype };
    check(name, Op::Dot(Arc::new(dot)), [numbers(dtype, x, 0), numbers(dtype, y, 5)]);
}

#[test]
fn products() {
    for dtype in [DType::F32, DType::F16] {
        dot("plain", dtype, &[64, 48], &[48, 40], [&[1], &[0], &[], &[]]);
        dot("odd sizes", dtype, &[33, 71], &[71, 45], [&[1], &[0], &[], &[]]);
        dot("transposed", dtype, &[48, 64], &[40, 48], [&[0], &[1], &[], &[]]);
        dot("batches", dtype, &[3, 64, 32], &[3, 32, 40], [&[2], &[1], &[0], &[0]]);
        dot("batches inside", dtype, &[64, 3, 32], &[32, 40, 3], [&[2], &[0], &[1], &[2]]);
        dot("two axes", dtype, &[8, 4, 6, 8], &[6, 8, 33], [&[2, 3], &[0, 1], &[], &[]]);
        dot("two axes, turned", dtype, &[8, 4, 6, 8], &[8, 6, 33], [&[2, 3], &[1, 0], &[], &[]]);
    }
}

fn conv(name: &str, x: &[usize], kernel: &[usize], conv: Conv) {
    let inputs = [numbers(DType::F32, x, 0), numbers(DType::F32, kernel, 3)];
    check(name, Op::Conv(Arc::new(conv)), inputs);
}

#[test]
fn convolutions() {
    let padding = |n: isize| [Padding { low: n, high: n, interior: 0 }; 2].into_iter().collect();
    let axes = |a: usize, b: usize| [a, b].into_iter().collect();
    let plain = Conv {
        strides: axes(1, 1),
        padding: padding(1),
        dilation: axes(1, 1),
        feature_groups: 1,
        batch_groups: 1,
    };
    conv("plain", &[2, 16, 16, 15], &[32, 16, 3, 3], plain.clone());
    conv(
        "steps",
        &[2, 16, 33, 31],
        &[32, 16, 3, 2],
        Conv { strides: axes(2, 1), dilation: axes(1, 2), ..plain.clone() },
    );
    conv("feature groups", &[2, 32, 16, 15], &[64, 16, 3, 3], Conv { feature_groups: 2, ..plain.clone() });
    conv("batch groups", &[4, 16, 16, 15], &[64, 16, 3, 3], Conv { batch_groups: 2, ..plain });
}
