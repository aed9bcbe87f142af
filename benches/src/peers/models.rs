//! Cases of whole models: attention, and training steps of a small convolutional network and of a block of a GPT.

use super::{Bound, Case, carried, jitted};
use crate::families::tensor;
use crate::peers::protocol::Job;
use plywood::prelude::*;

/// The rate of gradient descent.
const RATE: f64 = 0.001;

/// softmax(q kᵀ / √size) v, of `[batch, heads, T, size]`.
pub fn attention<B: Backend>(q: Tensor<B>, k: Tensor<B>, v: Tensor<B>) -> Tensor<B> {
    let scale = 1.0 / (q.shape()[3] as f64).sqrt();
    (q.matmul(&k.swapaxes(-1, -2)) * scale).softmax(-1).matmul(&v)
}

/// Queries, keys, values.
fn heads(shape: [usize; 4]) -> [Tensor<Cpu>; 3] {
    [(-1.0, 1.0), (-1.0, 0.5), (0.0, 1.0)].map(|(low, high)| tensor(&shape, low, high))
}

fn attended(shape: [usize; 4]) -> Job {
    let ([q, k, v], f) = (heads(shape), jit(attention));
    jitted(move || f(q.clone(), k.clone(), v.clone()))
}

fn attended_and_back(shape: [usize; 4]) -> Job {
    let ([q, k, v], ct) = (heads(shape), tensor(&shape, -0.5, 0.5));
    let f = jit(|q: Tensor<_>, k: Tensor<_>, v: Tensor<_>, ct: Tensor<_>| {
        let f = |q: Tensor<_>, k: Tensor<_>, v: Tensor<_>| attention(q, k, v);
        let (y, back) = vjp(f, (q, k, v));
        (y, back(ct))
    });
    jitted(move || f(q.clone(), k.clone(), v.clone(), ct.clone()))
}

/// Two convolutions with bias, relu and max pooling, and a dense layer.
#[derive(Clone, Debug, Tree)]
pub struct Cnn<B: Backend> {
    convolutions: Vec<(Tensor<B>, Tensor<B>)>,
    dense: (Tensor<B>, Tensor<B>),
}

impl<B: Backend> Cnn<B> {
    fn logits(self, x: Tensor<B>) -> Tensor<B> {
        let x = self.convolutions.into_iter().fold(x, |x, (kernel, bias)| {
            let y = nn::conv(&x, &kernel, [1, 1], nn::Padding::Same) + bias.reshape([-1, 1, 1]);
            nn::max_pool(&y.relu(), [2, 2], [2, 2], nn::Padding::Valid)
        });
        x.reshape([x.shape()[0] as isize, -1]).matmul(&self.dense.0) + self.dense.1
    }

    fn loss(self, x: Tensor<B>, labels: Tensor<B>) -> Tensor<B> {
        let log_p = self.logits(x).log_softmax(-1);
        -(labels.one_hot(10, DType::F32) * log_p).sum_axes(-1).mean()
    }
}

fn cnn() -> Cnn<Cpu> {
    let scaled = |shape: &[usize], fan: f32| tensor(shape, -(6.0 / fan).sqrt(), (6.0 / fan).sqrt());
    let bias = |n| tensor(&[n], -0.1, 0.1);
    Cnn {
        convolutions: vec![
            (scaled(&[16, 1, 3, 3], 9.0), bias(16)),
            (scaled(&[32, 16, 3, 3], 144.0), bias(32)),
        ],
        dense: (scaled(&[1568, 10], 1568.0), bias(10)),
    }
}

fn cnn_step() -> Job {
    let (x, labels) = (tensor(&[64, 1, 28, 28], 0.0, 1.0), Tensor::arange(64).cast(DType::I32) % 10);
    let step = jit(|model: Cnn<_>, x: Tensor<_>, labels: Tensor<_>| {
        let (loss, gradients) = value_and_grad(Cnn::loss)(model.clone(), x, labels);
        (tree_map([model, gradients], |[p, g]| p - RATE * g), loss)
    });
    carried((cnn(), Tensor::scalar(0f32)), move |(model, _)| step(model, x.clone(), labels.clone()))
}

/// A layer norm's scale and shift.
type Norm<B> = (Tensor<B>, Tensor<B>);

/// A block of a GPT: causal attention and a network of two layers, each after a layer norm, each added to its input.
#[derive(Clone, Debug, Tree)]
pub struct Gpt<B: Backend> {
    before_attention: Norm<B>,
    /// Of queries, keys and values; and of what the heads found.
    attention: (Tensor<B>, Tensor<B>),
    before_network: Norm<B>,
    network: Vec<(Tensor<B>, Tensor<B>)>,
}

const HEADS: usize = 4;

fn norm<B: Backend>((scale, shift): Norm<B>, x: &Tensor<B>) -> Tensor<B> {
    x.standardize(-1, 1e-5) * scale + shift
}

impl<B: Backend> Gpt<B> {
    fn call(self, x: Tensor<B>) -> Tensor<B> {
        let [batch, tokens, width] = [0, 1, 2].map(|axis| x.shape()[axis]);
        let qkv = norm(self.before_attention, &x).matmul(&self.attention.0).split(3, -1);
        let heads = |x: &Tensor<B>| x.reshape([batch, tokens, HEADS, width / HEADS]);
        let causal = nn::DotProductAttention::new().causal();
        let found = causal.call(&heads(&qkv[0]), &heads(&qkv[1]), &heads(&qkv[2]));
        let h = x + found.reshape([batch, tokens, width]).matmul(&self.attention.1);
        let mut layers = self.network.into_iter();
        let mut layer = || layers.next().expect("there are two layers");
        let ((w1, b1), (w2, b2)) = (layer(), layer());
        let y = (norm(self.before_network, &h).matmul(&w1) + b1).gelu().matmul(&w2) + b2;
        h + y
    }
}

fn gpt() -> Gpt<Cpu> {
    let scaled = |n: usize, m| tensor(&[n, m], -(3.0 / n as f32).sqrt(), (3.0 / n as f32).sqrt());
    let norm = || (tensor(&[256], 0.5, 1.5), tensor(&[256], -0.1, 0.1));
    let bias = |n| tensor(&[n], -0.1, 0.1);
    Gpt {
        before_attention: norm(),
        attention: (scaled(256, 768), scaled(256, 256)),
        before_network: norm(),
        network: vec![(scaled(256, 1024), bias(1024)), (scaled(1024, 256), bias(256))],
    }
}

fn gpt_step() -> Job {
    let (x, target) = (tensor(&[4, 128, 256], -1.0, 1.0), tensor(&[4, 128, 256], -0.5, 0.5));
    let step = jit(|model: Gpt<_>, x: Tensor<_>, target: Tensor<_>| {
        let loss = |model: Gpt<_>, x: Tensor<_>, target: Tensor<_>| (model.call(x) - target).square().mean();
        let (loss, gradients) = value_and_grad(loss)(model.clone(), x, target);
        (tree_map([model, gradients], |[p, g]| p - RATE * g), loss)
    });
    carried((gpt(), Tensor::scalar(0f32)), move |(model, _)| step(model, x.clone(), target.clone()))
}

/// Operations of attention's two products.
const fn products([batch, heads, tokens, size]: [usize; 4]) -> usize {
    2 * 2 * batch * heads * tokens * tokens * size
}

const SMALL: [usize; 4] = [1, 4, 64, 32];
const LARGE: [usize; 4] = [8, 8, 256, 64];
/// Each convolution, the gradient of its kernel, and of its input where that is a layer's.
const CNN: usize = 2 * 64 * (2 * 784 * 16 * 9 + 3 * 196 * 32 * 16 * 9 + 3 * 1568 * 10);
/// Its matrices, forward and both gradients, and attention with its five products backward and one again.
const GPT: usize = 3 * 2 * 512 * (256 * 768 + 256 * 256 + 2 * 256 * 1024) + 3 * products([4, HEADS, 128, 64]);

/// The lines of the table.
pub fn cases() -> Vec<Case> {
    use Bound::Flops;
    let case = Case::new;
    vec![
        case("jit attention 1x4x64x32", Flops(products(SMALL)), || attended(SMALL)),
        case("jit attention 8x8x256x64", Flops(products(LARGE)), || attended(LARGE)),
        case("jit attention 8x8x256x64, forward and backward", Flops(3 * products(LARGE)), || {
            attended_and_back(LARGE)
        }),
        case("jit SGD step of a CNN, 64 images", Flops(CNN), cnn_step),
        case("jit SGD step of a GPT block, 4x128x256", Flops(GPT), gpt_step),
    ]
}
