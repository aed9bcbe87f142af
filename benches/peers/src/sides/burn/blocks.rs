//! Attention, a convolutional network, and a block of a transformer.

use super::networks::cross_entropy;
use super::operations::{gelu, same};
use super::parameters::{Parameters, descent};
use super::tensors::{Cases, job, labels, tensor};
use burn::tensor::ops::{AttentionModuleOptions, MaxPoolOptions};
use burn::tensor::{Tensor, activation, module};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit attention 1x4x64x32", || attention([1, 4, 64, 32])),
    ("jit attention 8x8x256x64", || attention([8, 8, 256, 64])),
    ("jit attention 8x8x256x64, forward and backward", || attention_back([8, 8, 256, 64])),
    ("jit SGD step of a CNN, 64 images", convolutional),
    ("jit SGD step of a GPT block, 4x128x256", transformer),
];

fn attend(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>, is_causal: bool) -> Tensor<4> {
    let options = AttentionModuleOptions { is_causal, ..Default::default() };
    module::attention(q, k, v, None, None, options)
}

/// Queries, keys and values.
fn inputs(shape: [usize; 4]) -> [Tensor<4>; 3] {
    [(-1.0, 1.0), (-1.0, 0.5), (0.0, 1.0)].map(|(low, high)| tensor(shape, low, high))
}

fn attention(shape: [usize; 4]) -> Job {
    let inputs = inputs(shape);
    job(move || {
        let [q, k, v] = inputs.clone();
        attend(q, k, v, false)
    })
}

fn attention_back(shape: [usize; 4]) -> Job {
    let (inputs, ct) = (inputs(shape), tensor(shape, -0.5, 0.5));
    job(move || {
        let inputs = inputs.clone().map(Tensor::tracked);
        let [q, k, v] = inputs.clone();
        let y = attend(q, k, v, false);
        let mut gradients = (y.clone() * ct.clone()).sum().backward();
        let [q, k, v] = inputs.map(|x| x.gradients(&mut gradients));
        vec![y.inner(), q, k, v]
    })
}

/// Weights whose variance is `gain / 3n`.
fn weights<const D: usize>(shape: [usize; D], gain: f32, n: usize) -> Tensor<D> {
    let scale = (gain / n as f32).sqrt();
    tensor(shape, -scale, scale)
}

fn bias(n: usize) -> Tensor<1> {
    tensor([n], -0.1, 0.1)
}

fn convolutional() -> Job {
    let (x, labels) = (tensor([64, 1, 28, 28], 0.0, 1.0), labels(64));
    let kernels =
        vec![(weights([16, 1, 3, 3], 6.0, 9), bias(16)), (weights([32, 16, 3, 3], 6.0, 144), bias(32))];
    let dense = (weights([1568, 10], 6.0, 1568), bias(10));
    descent((kernels, dense), move |(kernels, (w, b))| {
        let x = kernels.into_iter().fold(x.clone(), |x, (k, b)| {
            let y = activation::relu(module::conv2d(x, k, Some(b), same(3, 1)));
            module::max_pool2d(y, MaxPoolOptions::new([2, 2]))
        });
        cross_entropy(module::linear(x.reshape([64, 1568]), w, Some(b)), labels.clone())
    })
}

/// Scale and shift.
type Norm = (Tensor<1>, Tensor<1>);
/// Weights and bias.
type Dense = (Tensor<2>, Tensor<1>);

fn norm(x: Tensor<3>, (scale, shift): Norm) -> Tensor<3> {
    module::layer_norm(x, scale, Some(shift), 1e-5)
}

/// Attention of 4 heads to what came before, and what it adds up to.
fn heads(x: Tensor<3>, (qkv, out): (Tensor<2>, Tensor<2>)) -> Tensor<3> {
    let thirds = module::linear(x, qkv, None).chunk(3, 2).into_iter();
    let mut thirds = thirds.map(|x| x.reshape([4, 128, 4, 64]).swap_dims(1, 2));
    let mut third = || thirds.next().expect("there are three");
    let y = attend(third(), third(), third(), true);
    module::linear(y.swap_dims(1, 2).reshape([4, 128, 256]), out, None)
}

fn wide(x: Tensor<3>, ((w1, b1), (w2, b2)): (Dense, Dense)) -> Tensor<3> {
    module::linear(gelu(module::linear(x, w1, Some(b1))), w2, Some(b2))
}

fn transformer() -> Job {
    let (x, target) = (tensor([4, 128, 256], -1.0, 1.0), tensor([4, 128, 256], -0.5, 0.5));
    let scales = || (tensor([256], 0.5, 1.5), bias(256));
    let attention = (weights([256, 768], 3.0, 256), weights([256, 256], 3.0, 256));
    let dense = ((weights([256, 1024], 3.0, 256), bias(1024)), (weights([1024, 256], 3.0, 1024), bias(256)));
    let start = ((scales(), attention), (scales(), dense));
    descent(start, move |((norm1, attention), (norm2, dense))| {
        let h = x.clone() + heads(norm(x.clone(), norm1), attention);
        let y = h.clone() + wide(norm(h, norm2), dense);
        (y - target.clone()).square().mean()
    })
}
