//! `vmap`: a network written for one example, mapped over many.
//!
//! What to look at: [`predict`] speaks of one input and has no axis for a batch, neither in its shapes nor in its code.
//! `in_axes((None, 0))` says that the parameters are the same for all and that inputs lie along the first axis. Nothing
//! loops: a product of a matrix with a vector, for each of many vectors, is executed as one product of two matrices.

use plywood::prelude::*;
use std::time::Instant;

/// Layers, each of weights `[outputs, inputs]` and a bias.
type Params<B> = Vec<(Tensor<B>, Tensor<B>)>;

/// The last layer's outputs `[outputs]` for one input `[inputs]`.
fn predict<B: Backend>(params: Params<B>, input: Tensor<B>) -> Tensor<B> {
    assert_eq!(input.rank(), 1);
    let (last, hidden) = params.split_last().expect("layers");
    let activations = hidden.iter().fold(input, |x, (w, b)| (w.matmul(&x) + b).tanh());
    last.0.matmul(&activations) + &last.1
}

fn init<B: Backend>(key: &Tensor<B>, sizes: &[usize]) -> Params<B> {
    let layer = |(i, size): (usize, &[usize])| {
        let [w, b] = random::split(&random::fold_in(key, i));
        let scale = (1.0 / size[0] as f64).sqrt();
        (
            scale * random::normal(&w, [size[1], size[0]], DType::F32),
            0.1 * random::normal(&b, [size[1]], DType::F32),
        )
    };
    sizes.windows(2).enumerate().map(layer).collect()
}

/// What `f` gives, and the milliseconds of a call, once it has been called.
fn timed<R>(f: impl Fn() -> R) -> (R, f64) {
    const CALLS: u32 = 20;
    let result = f();
    let start = Instant::now();
    (0..CALLS).for_each(|_| drop(f()));
    (result, 1e3 * start.elapsed().as_secs_f64() / CALLS as f64)
}

fn run<B: Backend>() -> f32 {
    let [weights, data] = random::split(&random::key::<B>(0));
    let params = init(&weights, &[64, 64, 64, 10]);
    let inputs = random::uniform(&data, [128, 64], DType::F32);

    let one_by_one = || {
        let each = (0..inputs.size(0)).map(|i| predict(params.clone(), inputs.get(i)));
        stack(&each.collect::<Vec<_>>(), 0)
    };
    let batched = Vmap::new().in_axes((None, 0)).of(predict);
    let at_once = || batched(params.clone(), inputs.clone());

    let (expected, loop_time) = timed(one_by_one);
    let (predictions, vmap_time) = timed(at_once);
    println!(
        "one example    {} to {}",
        inputs.get(0).shape(),
        predict(params.clone(), inputs.get(0)).shape()
    );
    println!("all of them    {} to {}", inputs.shape(), predictions.shape());
    println!("loop           {loop_time:.2} ms");
    println!("vmap           {vmap_time:.2} ms, {:.0} times as fast", loop_time / vmap_time);
    (predictions - expected).abs().max().item()
}

fn main() {
    let difference = run::<Cpu>();
    println!("max difference {difference:.0e}");
    assert!(difference <= 1e-6);
}
