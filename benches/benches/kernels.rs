//! The CPU's kernels: element-wise chains, softmax, products of matrices, random numbers; with the copy of as many bytes for comparison.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plywood::prelude::*;
use plywood::random;
use std::hint::black_box;

fn selu<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
    lambda * x.gt(0.0).select(&x, alpha * x.exp() - alpha)
}

fn normal(shape: &[usize]) -> Tensor<Cpu> {
    random::normal(&random::key::<Cpu>(0), shape, DType::F32)
}

fn elementwise(c: &mut Criterion) {
    let mut group = c.benchmark_group("elementwise f32");
    for n in [1_000, 100_000, 10_000_000] {
        let x = normal(&[n]);
        let host = x.to_vec::<f32>();
        let mut warm = vec![0.0f32; n];
        group.throughput(Throughput::Elements(n as u64));
        group.bench_function(BenchmarkId::new("copy into warm memory", n), |b| {
            b.iter(|| black_box(&mut warm).copy_from_slice(black_box(&host)))
        });
        group.bench_function(BenchmarkId::new("add", n), |b| b.iter(|| black_box(&x) + black_box(&x)));
        group.bench_function(BenchmarkId::new("exp", n), |b| b.iter(|| black_box(&x).exp()));
        group.bench_function(BenchmarkId::new("selu", n), |b| b.iter(|| selu(black_box(x.clone()), 1.67, 1.05)));
        group.bench_function(BenchmarkId::new("sum", n), |b| b.iter(|| black_box(&x).sum()));
    }
    group.finish();
    let x = normal(&[4096, 1024]);
    c.bench_function("softmax 4096x1024 f32", |b| b.iter(|| black_box(&x).softmax(-1)));
}

fn matmul(c: &mut Criterion) {
    let mut group = c.benchmark_group("matmul f32");
    for n in [64usize, 256, 1024] {
        let (x, y) = (normal(&[n, n]), normal(&[n, n]));
        group.throughput(Throughput::Elements((2 * n * n * n) as u64));
        group.bench_function(BenchmarkId::new("plywood", n), |b| b.iter(|| black_box(&x).matmul(black_box(&y))));
    }
    group.finish();
}

fn random_normal(c: &mut Criterion) {
    let key = random::key::<Cpu>(0);
    let mut group = c.benchmark_group("random f32");
    group.sample_size(10).throughput(Throughput::Elements(10_000_000));
    group.bench_function("normal 1e7", |b| b.iter(|| random::normal(&key, [10_000_000], DType::F32)));
    group.bench_function("uniform 1e7", |b| b.iter(|| random::uniform(&key, [10_000_000], DType::F32)));
    group.finish();
}

criterion_group!(benches, elementwise, matmul, random_normal);
criterion_main!(benches);
