//! Networks of dense layers: forward, their gradients, and training.

use super::parameters::{Parameters, descent};
use super::tensors::{Cases, Leaves, job, labels, tensor};
use burn::tensor::{Int, Tensor, activation, module};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit MLP forward, batch 1", || forward(1)),
    ("jit MLP forward, batch 16", || forward(16)),
    ("jit MLP forward, batch 256", || forward(256)),
    ("jit SGD step of an MLP", || {
        let (x, labels) = (examples(128), labels(128));
        descent(layers(&MLP), move |layers| {
            cross_entropy(network(layers, x.clone(), activation::relu), labels.clone())
        })
    }),
    ("per-example gradients", per_example),
    ("jit per-example gradients", per_example),
    ("jit gradient of a tiny MLP", || {
        let (layers, x, y) = (layers(&[4, 16, 1]), tensor([8, 4], -1.0, 1.0), tensor([8, 1], -1.0, 1.0));
        job(move || {
            let layers = layers.clone().tracked();
            let out = network(layers.clone(), x.clone(), activation::tanh);
            layers.gradients(&mut (out - y.clone()).square().mean().backward())
        })
    }),
    ("gradient of an RNN's scan", recurrent),
    ("jit gradient of an RNN's scan", recurrent),
];

/// The weights and biases of each layer.
type Layers = Vec<(Tensor<2>, Tensor<1>)>;

/// The sizes of the classifier's layers.
pub const MLP: [usize; 4] = [784, 512, 512, 10];

/// Layers of these sizes, which keep the variance.
pub fn layers(sizes: &[usize]) -> Layers {
    let layer = |sizes: &[usize]| {
        let scale = (6.0 / sizes[0] as f32).sqrt();
        (tensor([sizes[0], sizes[1]], -scale, scale), tensor([sizes[1]], -0.1, 0.1))
    };
    sizes.windows(2).map(layer).collect()
}

fn examples(n: usize) -> Tensor<2> {
    tensor([n, MLP[0]], 0.0, 1.0)
}

fn network(layers: Layers, x: Tensor<2>, hidden: fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let last = layers.len() - 1;
    layers.into_iter().enumerate().fold(x, |x, (i, (w, b))| {
        let y = module::linear(x, w, Some(b));
        if i < last { hidden(y) } else { y }
    })
}

/// The mean over examples.
pub fn cross_entropy(logits: Tensor<2>, labels: Tensor<2, Int>) -> Tensor<1> {
    activation::log_softmax(logits, 1).gather(1, labels).mean().neg()
}

fn forward(n: usize) -> Job {
    let (layers, x) = (layers(&MLP), examples(n));
    job(move || network(layers.clone(), x.clone(), activation::relu))
}

/// The gradients for each of several examples.
struct Gradients(Vec<Layers>);

/// In the order of a mapped function: each weight of all examples, then the next one.
impl Leaves for Gradients {
    fn tell(&self, all: &mut Vec<f64>) {
        for layer in 0..MLP.len() - 1 {
            self.0.iter().for_each(|layers| layers[layer].0.tell(all));
            self.0.iter().for_each(|layers| layers[layer].1.tell(all));
        }
    }
}

fn per_example() -> Job {
    let (layers, x, labels) = (layers(&MLP), examples(32), labels(32));
    job(move || {
        let gradient = |i| {
            let layers = layers.clone().tracked();
            let logits = network(layers.clone(), x.clone().narrow(0, i, 1), activation::relu);
            let loss = cross_entropy(logits, labels.clone().narrow(0, i, 1));
            layers.gradients(&mut loss.backward())
        };
        Gradients((0..32).map(gradient).collect())
    })
}

/// 200 states h = tanh(h w + x), of 32 rows of 128: the gradient by w of the sum of their squares.
fn recurrent() -> Job {
    let (w, x) = (tensor([128, 128], -0.1, 0.1), tensor([200, 32, 128], -1.0, 1.0));
    job(move || {
        let w: Tensor<2> = w.clone().tracked();
        let mut h = Tensor::zeros([32, 128], &w.device());
        let mut loss = Tensor::zeros([1], &w.device());
        for x in x.clone().iter_dim(0) {
            h = (h.matmul(w.clone()) + x.squeeze_dim(0)).tanh();
            loss = loss + h.clone().square().sum();
        }
        w.gradients(&mut loss.backward())
    })
}
