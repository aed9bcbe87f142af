//! A physics-informed network: it learns to solve a differential equation, from the equation alone.
//!
//! Burgers' equation, at rest and with a source: `u u' - u'' = f` on [-1, 1], `u(-1) = u(1) = 0`, with `f` such that
//! `u(x) = sin(πx)` solves it.
//!
//! What to look at: the loss contains `u'` and `u''`, derivatives of the network with respect to its *input*, and is itself
//! differentiated with respect to the parameters. [`slope`] and [`curvature`] are `jvp` in `jvp`, all points at once; the
//! gradient runs in reverse over both. Inside a transformation, what is captured is lifted: `lift(&net)`.

use plywood::prelude::*;
use std::f64::consts::PI;

/// Layers, each of weights `[inputs, outputs]` and a bias.
type Net<B> = Vec<(Tensor<B>, Tensor<B>)>;

fn init<B: Backend>(key: &Tensor<B>, sizes: &[usize]) -> Net<B> {
    let layer = |(i, size): (usize, &[usize])| {
        let scale = (1.0 / size[0] as f64).sqrt();
        let w = scale * random::normal(&random::fold_in(key, i), [size[0], size[1]], DType::F32);
        (w, Tensor::zeros([size[1]], DType::F32))
    };
    sizes.windows(2).enumerate().map(layer).collect()
}

/// `u` at points `[n, 1]`: a multilayer perceptron times `1 - x²`, so that the boundary values hold.
fn u<B: Backend>(net: &Net<B>, x: Tensor<B>) -> Tensor<B> {
    let (output, hidden) = net.split_last().expect("layers");
    let h = hidden.iter().fold(x.clone(), |h, (w, b)| (h.matmul(w) + b).tanh());
    (1.0 - x.square()) * (h.matmul(&output.0) + &output.1)
}

/// `u` and `u'`. Each point's result depends on that point alone, so one tangent of ones differentiates at all of them.
fn slope<B: Backend>(net: &Net<B>, x: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let ones = x.ones_like();
    jvp(|x: Tensor<_>| u(&lift(net), x), (x,), (ones,))
}

/// `u`, `u'` and `u''`.
fn curvature<B: Backend>(net: &Net<B>, x: Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>) {
    let ones = x.ones_like();
    let ((u, du), (_, ddu)) = jvp(|x: Tensor<_>| slope(&lift(net), x), (x,), (ones,));
    (u, du, ddu)
}

/// By how much the equation does not hold.
fn loss<B: Backend>(net: Net<B>, x: Tensor<B>) -> Tensor<B> {
    let px = PI * &x;
    let source = PI * px.sin() * (px.cos() + PI);
    let (u, du, ddu) = curvature(&net, x);
    (u * du - ddu - source).square().mean()
}

/// Adam, with a rate that falls to zero.
fn train<B: Backend>(mut net: Net<B>, x: &Tensor<B>, steps: usize) -> Net<B> {
    let loss_and_grad = value_and_grad(loss);
    let mut mean = tree_map([net.clone()], |[p]| p.zeros_like());
    let mut square = mean.clone();
    for i in 0..steps {
        let (loss, g) = loss_and_grad(net.clone(), x.clone());
        mean = tree_map([mean, g.clone()], |[m, g]| 0.9 * m + 0.1 * g);
        square = tree_map([square, g], |[v, g]| 0.999 * v + 0.001 * g.square());
        let t = i as i32 + 1;
        let rate = 5e-3 * (1.0 - i as f64 / steps as f64) / (1.0 - 0.9f64.powi(t));
        let scale = (1.0 - 0.999f64.powi(t)).sqrt();
        net = tree_map([net, mean.clone(), square.clone()], |[p, m, v]| {
            p - rate * m / (v.sqrt() / scale + 1e-8)
        });
        if i % (steps / 10) == 0 {
            println!("step {i:>5}  loss {:.6}", loss.item::<f32>());
        }
    }
    net
}

fn run<B: Backend>() -> f32 {
    let points = |n| Tensor::<B>::linspace(-1.0, 1.0, n, DType::F32).reshape([-1, 1]);
    let net = train(init(&random::key(0), &[1, 32, 32, 1]), &points(64), 2000);
    let fine = points(1001);
    (u(&net, fine.clone()) - (PI * fine).sin()).abs().max().item()
}

fn main() {
    let error = run::<Cpu>();
    println!("max error {error:.4}");
    assert!(error <= 0.02);
}
