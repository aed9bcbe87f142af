//! `jit`: a function is recorded once, and from then on its graph runs, fused into few kernels.
//!
//! What to look at: [`selu`] is six operations and runs as one kernel, which goes over memory once; the plan says so in its
//! first line. `jit(grad(f))` is the same for a step of training: the forward pass, the backward pass and the update of
//! the parameters are one graph. Parameters that are moved in are overwritten, since nobody else holds them.
//!
//! On a GPU: `cargo run --release --features wgpu --example jit -- --backend wgpu` (or `cuda`).

use plywood::prelude::*;
use std::process::ExitCode;
use std::time::Instant;

fn selu<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
    lambda * x.gt(0.0).select(&x, alpha * x.exp() - alpha)
}

/// Layers, each of weights `[inputs, outputs]` and a bias.
type Params<B> = Vec<(Tensor<B>, Tensor<B>)>;

fn init<B: Backend>(key: &Tensor<B>, sizes: &[usize]) -> Params<B> {
    let layer = |(i, size): (usize, &[usize])| {
        let scale = (1.0 / size[0] as f64).sqrt();
        let w = scale * random::normal(&random::fold_in(key, i), [size[0], size[1]], DType::F32);
        (w, Tensor::zeros([size[1]], DType::F32))
    };
    sizes.windows(2).enumerate().map(layer).collect()
}

/// The mean squared error of the network's outputs `[n, 1]` for inputs `[n, inputs]`.
fn loss<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let (last, hidden) = params.split_last().expect("layers");
    let h = hidden.iter().fold(x, |x, (w, b)| (x.matmul(w) + b).relu());
    (h.matmul(&last.0) + &last.1 - y).square().mean()
}

/// The parameters after one step of gradient descent.
fn descend<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Params<B> {
    let grads = grad(loss)(params.clone(), x, y);
    tree_map([params, grads], |[p, g]| p - 0.02 * g)
}

/// The milliseconds of a call, once it has been called.
fn milliseconds<B: Backend>(f: impl Fn() -> Tensor<B>) -> f64 {
    const CALLS: u32 = 20;
    eval(&f());
    let start = Instant::now();
    (0..CALLS).for_each(|_| eval(&f()));
    1e3 * start.elapsed().as_secs_f64() / CALLS as f64
}

fn activation<B: Backend>() {
    let x = Tensor::<B>::from([-1.0, 0.0, 1.0]);
    println!("jit(selu)(x, 1.67, 1.05)  {}", jit(selu)(x, 1.67, 1.05));

    let x = random::normal(&random::key::<B>(0), [1_000_000], DType::F32);
    let f = Jit::new().of(selu);
    let y = f.call((x.clone(), 1.67, 1.05));
    assert!((y - selu(x.clone(), 1.67, 1.05)).abs().max().item::<f32>() < 1e-6);
    println!("\nthe graph\n{}", f.graph().expect("it was called"));
    let eager = milliseconds(|| selu(x.clone(), 1.67, 1.05));
    let jitted = milliseconds(|| f.call((x.clone(), 1.67, 1.05)));
    println!("\nthe plan\n{}", f.explain());
    println!("\neager  {eager:.2} ms for {} elements", x.len());
    println!("jit    {jitted:.2} ms, {:.1} times as fast", eager / jitted);
}

fn training<B: Backend>() {
    let [weights, data] = random::split(&random::key::<B>(1));
    let mut params = init(&weights, &[16, 64, 1]);
    let x = random::normal(&data, [256, 16], DType::F32);
    let y = x.sin().sum_axes(-1).reshape([256, 1]);

    let before = loss(params.clone(), x.clone(), y.clone()).item::<f32>();
    let step = Jit::new().of(descend);
    for _ in 0..200 {
        params = step.call((params, x.clone(), y.clone()));
    }
    println!("\na step of training, its gradient and its update\n{}", step.explain());
    let after = loss(params, x, y).item::<f32>();
    assert!(after < 0.1 * before);
    println!("\nloss {before:.2}, after 200 steps {after:.2}");
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] | ["--backend", "cpu"] => {
            activation::<Cpu>();
            training::<Cpu>();
        }
        ["--backend", name] => {
            if let Err(e) = Dyn::set_default(name) {
                eprintln!("{e}");
                return ExitCode::FAILURE;
            }
            activation::<Dyn>();
            training::<Dyn>();
        }
        _ => {
            eprintln!("usage: jit [--backend cpu|cuda|wgpu]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
