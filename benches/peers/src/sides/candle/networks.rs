//! Networks of dense layers: forward, their gradients, and training.

use super::tensors::{Cases, Leaves, gradients, job, labels, tensor, variable};
use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, SGD, loss};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit MLP forward, batch 1", || forward(1)),
    ("jit MLP forward, batch 16", || forward(16)),
    ("jit MLP forward, batch 256", || forward(256)),
    ("jit SGD step of an MLP", || {
        let (layers, x, labels) = (layers(&MLP)?, examples(128)?, labels(128)?);
        let tensors = tracked(&layers);
        descent(layers, move || loss::cross_entropy(&network(&tensors, x.clone(), Tensor::relu)?, &labels))
    }),
    ("per-example gradients", per_example),
    ("jit per-example gradients", per_example),
    ("jit gradient of a tiny MLP", || {
        let layers = tracked(&layers(&[4, 16, 1])?);
        let (x, y) = (tensor((8, 4), -1.0, 1.0)?, tensor((8, 1), -1.0, 1.0)?);
        job(move || gradients(&loss::mse(&network(&layers, x.clone(), Tensor::tanh)?, &y)?, &layers))
    }),
    ("gradient of an RNN's scan", recurrent),
    ("jit gradient of an RNN's scan", recurrent),
];

/// The sizes of the classifier's layers.
pub const MLP: [usize; 4] = [784, 512, 512, 10];

/// The rate of gradient descent.
const RATE: f64 = 0.001;

/// The weights and biases, one after another, of layers of these sizes, which keep the variance.
pub fn layers(sizes: &[usize]) -> Result<Vec<Var>> {
    let mut all = Vec::new();
    for sizes in sizes.windows(2) {
        let scale = (6.0 / sizes[0] as f32).sqrt();
        all.push(variable((sizes[0], sizes[1]), -scale, scale)?);
        all.push(variable(sizes[1], -0.1, 0.1)?);
    }
    Ok(all)
}

/// The tensors that variables are.
fn tracked(variables: &[Var]) -> Vec<Tensor> {
    variables.iter().map(|x| x.as_tensor().clone()).collect()
}

/// A job that takes a step of gradient descent a call: the variables, and the loss before.
pub fn descent(variables: Vec<Var>, loss: impl Fn() -> Result<Tensor> + 'static) -> Result<Job> {
    let mut optimizer = SGD::new(variables.clone(), RATE)?;
    job(move || {
        let loss = loss()?;
        optimizer.backward_step(&loss)?;
        let variables: Vec<_> = variables.iter().map(Var::as_detached_tensor).collect();
        Ok((variables, loss))
    })
}

fn examples(n: usize) -> Result<Tensor> {
    tensor((n, MLP[0]), 0.0, 1.0)
}

fn network(layers: &[Tensor], x: Tensor, hidden: fn(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    let last = layers.len() / 2 - 1;
    layers.chunks(2).enumerate().try_fold(x, |x, (i, layer)| {
        let y = x.matmul(&layer[0])?.broadcast_add(&layer[1])?;
        if i < last { hidden(&y) } else { Ok(y) }
    })
}

fn forward(n: usize) -> Result<Job> {
    let (layers, x) = (layers(&MLP)?, examples(n)?);
    let layers: Vec<_> = layers.iter().map(Var::as_detached_tensor).collect();
    job(move || network(&layers, x.clone(), Tensor::relu))
}

/// The gradients for each of several examples.
struct Gradients(Vec<Vec<Tensor>>);

/// In the order of a mapped function: each weight of all examples, then the next one.
impl Leaves for Gradients {
    fn tell(&self, all: &mut Vec<f64>) -> Result<()> {
        let mut leaves =
            (0..self.0[0].len()).flat_map(|leaf| self.0.iter().map(move |example| &example[leaf]));
        leaves.try_for_each(|x| x.tell(all))
    }
}

fn per_example() -> Result<Job> {
    let (layers, x, labels) = (tracked(&layers(&MLP)?), examples(32)?, labels(32)?);
    job(move || {
        let gradient = |i| {
            let logits = network(&layers, x.narrow(0, i, 1)?, Tensor::relu)?;
            gradients(&loss::cross_entropy(&logits, &labels.narrow(0, i, 1)?)?, &layers)
        };
        Ok(Gradients((0..32).map(gradient).collect::<Result<_>>()?))
    })
}

/// 200 states h = tanh(h w + x), of 32 rows of 128: the gradient by w of the sum of their squares.
fn recurrent() -> Result<Job> {
    let (w, x) = (variable((128, 128), -0.1, 0.1)?, tensor((200, 32, 128), -1.0, 1.0)?);
    job(move || {
        let mut h = Tensor::zeros((32, 128), DType::F32, &Device::Cpu)?;
        let mut loss = Tensor::zeros((), DType::F32, &Device::Cpu)?;
        for i in 0..200 {
            h = (h.matmul(&w)? + x.get(i)?)?.tanh()?;
            loss = (loss + h.sqr()?.sum_all()?)?;
        }
        gradients(&loss, [&*w])
    })
}
