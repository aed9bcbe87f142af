//! One training step of the digits example's network, eagerly: 64-128-64-10, batch 128, Adam's cost left out.

use criterion::{Criterion, criterion_group, criterion_main};
use plywood::prelude::*;
use plywood::random;

#[derive(Clone, Tree)]
struct Linear<B: Backend> {
    w: Tensor<B>,
    b: Tensor<B>,
}

fn loss<B: Backend>(layers: Vec<Linear<B>>, x: Tensor<B>, labels: Tensor<B>) -> Tensor<B> {
    let last = layers.len() - 1;
    let logits = layers.into_iter().enumerate().fold(x, |x, (i, l)| {
        let y = x.matmul(&l.w) + l.b;
        if i < last { y.relu() } else { y }
    });
    let log_p = logits.log_softmax(-1);
    -(labels.one_hot(10, DType::F32) * log_p).sum_axes(-1).mean()
}

fn training(c: &mut Criterion) {
    let key = random::key::<Cpu>(0);
    let layer = |n: usize, m: usize| Linear {
        w: random::normal(&key, [n, m], DType::F32) * (2.0 / n as f64).sqrt(),
        b: Tensor::zeros([m], DType::F32),
    };
    let mut params = vec![layer(64, 128), layer(128, 64), layer(64, 10)];
    let x = random::uniform(&key, [128, 64], DType::F32);
    let labels = random::randint(&key, [128], 0, 10);
    let step = value_and_grad(loss);
    c.bench_function("digits step, batch 128", |b| {
        b.iter(|| {
            let (_, g) = step(params.clone(), x.clone(), labels.clone());
            for (p, g) in params.iter_mut().zip(g) {
                p.w -= 0.01 * g.w;
                p.b -= 0.01 * g.b;
            }
        })
    });
}

criterion_group!(benches, training);
criterion_main!(benches);
