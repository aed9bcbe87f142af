//! What an operation costs besides its arithmetic: scalars, eagerly and under `grad`.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use plywood::prelude::*;
use std::hint::black_box;

/// A hundred operations on a scalar, of which each needs the one before.
fn chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (0..100).fold(x.clone(), |y, _| &y * &x)
}

fn unary_chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (0..100).fold(x, |y, _| math::sin(y))
}

fn dispatch(c: &mut Criterion) {
    let x = Tensor::<Cpu>::scalar(0.99f32);
    let y = Tensor::<Cpu>::scalar(1.5f32);
    let v = Tensor::<Cpu>::full([16], 0.5, DType::F32);
    c.bench_function("scalar add", |b| b.iter(|| black_box(&x) + black_box(&y)));
    c.bench_function("scalar add of a number", |b| b.iter(|| black_box(&x) + 1.0));
    c.bench_function("add of 16", |b| b.iter(|| black_box(&v) + black_box(&v)));
    c.bench_function("scalar add over Dyn", |b| {
        let (x, y) = (Tensor::<Dyn>::of(x.value().clone()), Tensor::<Dyn>::of(y.value().clone()));
        b.iter(|| black_box(&x) + black_box(&y))
    });

    let mut group = c.benchmark_group("a chain of 100, an operation");
    group.throughput(Throughput::Elements(100));
    group.bench_function("mul, eager", |b| b.iter(|| chain(black_box(x.clone()))));
    let g = grad(chain);
    group.bench_function("mul, gradient", |b| b.iter(|| g(black_box(x.clone()))));
    let g = grad(unary_chain);
    group.bench_function("sin, gradient", |b| b.iter(|| g(black_box(x.clone()))));
    let g = grad(grad(chain));
    group.bench_function("mul, second derivative", |b| b.iter(|| g(black_box(x.clone()))));
    let t = trace(chain);
    group.bench_function("mul, recorded", |b| b.iter(|| t(black_box(x.clone()))));
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
