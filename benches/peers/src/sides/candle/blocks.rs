//! Attention, a convolutional network, and a block of a transformer.

use super::networks::descent;
use super::tensors::{Cases, gradients, job, labels, tensor, variable};
use candle_core::{D, Device, Result, Shape, Tensor, Var};
use candle_nn::{loss, ops};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit attention 1x4x64x32", || attention((1, 4, 64, 32))),
    ("jit attention 8x8x256x64", || attention((8, 8, 256, 64))),
    ("jit attention 8x8x256x64, forward and backward", || attention_back((8, 8, 256, 64))),
    ("jit SGD step of a CNN, 64 images", convolutional),
    ("jit SGD step of a GPT block, 4x128x256", transformer),
];

type Four = (usize, usize, usize, usize);

/// What each query makes of each key.
fn scores(q: &Tensor, k: &Tensor) -> Result<Tensor> {
    let scale = (q.dim(D::Minus1)? as f64).sqrt().recip();
    (q * scale)?.matmul(&k.t()?)
}

/// The ranges of queries, keys and values.
const RANGES: [(f32, f32); 3] = [(-1.0, 1.0), (-1.0, 0.5), (0.0, 1.0)];

fn attention(shape: Four) -> Result<Job> {
    let [q, k, v] = RANGES.map(|(low, high)| tensor(shape, low, high));
    let (q, k, v) = (q?, k?, v?);
    job(move || ops::softmax_last_dim(&scores(&q, &k)?)?.matmul(&v))
}

fn attention_back(shape: Four) -> Result<Job> {
    let [q, k, v] = RANGES.map(|(low, high)| variable(shape, low, high));
    let (inputs, ct) = ([q?, k?, v?], tensor(shape, -0.5, 0.5)?);
    job(move || {
        let [q, k, v] = &inputs;
        let y = ops::softmax(&scores(q, k)?, D::Minus1)?.matmul(v)?;
        let gradients = gradients(&(&y * &ct)?.sum_all()?, inputs.iter().map(Var::as_tensor))?;
        Ok((y, gradients))
    })
}

/// Weights whose variance is `gain / 3n`.
fn weights(shape: impl Into<Shape>, gain: f32, n: usize) -> Result<Var> {
    let scale = (gain / n as f32).sqrt();
    variable(shape, -scale, scale)
}

fn bias(n: usize) -> Result<Var> {
    variable(n, -0.1, 0.1)
}

/// The largest of each 2 by 2. The gradient of its own pooling is a quarter of what it should be: 0.11 multiplies by
/// the mean of the mask of what is largest, where it should divide by how many are.
fn pool(x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = x.dims4()?;
    let x = x.reshape((n, c, h / 2, 2, w / 2, 2))?;
    let y = x.narrow(3, 0, 1)?.maximum(&x.narrow(3, 1, 1)?)?;
    y.narrow(5, 0, 1)?.maximum(&y.narrow(5, 1, 1)?)?.reshape((n, c, h / 2, w / 2))
}

fn convolutional() -> Result<Job> {
    let (x, labels) = (tensor((64, 1, 28, 28), 0.0, 1.0)?, labels(64)?);
    let variables = vec![
        weights((16, 1, 3, 3), 6.0, 9)?,
        bias(16)?,
        weights((32, 16, 3, 3), 6.0, 144)?,
        bias(32)?,
        weights((1568, 10), 6.0, 1568)?,
        bias(10)?,
    ];
    descent(variables.clone(), move || {
        let [k1, b1, k2, b2, w, b] = &variables[..] else { unreachable!("there are six") };
        let layer = |x: &Tensor, k: &Var, b: &Var| {
            let y = x.conv2d(k, 1, 1, 1, 1)?.broadcast_add(&b.reshape((1, (), 1, 1))?)?;
            pool(&y.relu()?)
        };
        let x = layer(&layer(&x, k1, b1)?, k2, b2)?.flatten_from(1)?;
        loss::cross_entropy(&x.matmul(w)?.broadcast_add(b)?, &labels)
    })
}

/// Images and words of the block's input, and its width.
const BLOCK: (usize, usize, usize) = (4, 128, 256);
const TOKENS: usize = BLOCK.0 * BLOCK.1;

/// Zero where a word came before, and else what no softmax looks at.
fn causal(n: u32) -> Result<Tensor> {
    let place = |i| if i % n <= i / n { 0f32 } else { f32::NEG_INFINITY };
    Tensor::from_vec((0..n * n).map(place).collect(), (n as usize, n as usize), &Device::Cpu)
}

/// Attention of 4 heads to what came before, and what it adds up to.
fn heads(x: &Tensor, qkv: &Tensor, out: &Tensor, causal: &Tensor) -> Result<Tensor> {
    let (examples, words, width) = BLOCK;
    let qkv = x.matmul(qkv)?;
    let third = |i| {
        let x = qkv.narrow(1, i * width, width)?.reshape((examples, words, 4, 64))?;
        x.transpose(1, 2)?.contiguous()
    };
    let scores = scores(&third(0)?, &third(1)?)?.broadcast_add(causal)?;
    let y = ops::softmax(&scores, D::Minus1)?.matmul(&third(2)?)?;
    y.transpose(1, 2)?.reshape((TOKENS, width))?.matmul(out)
}

fn transformer() -> Result<Job> {
    let x = tensor(BLOCK, -1.0, 1.0)?.reshape((TOKENS, BLOCK.2))?;
    let target = tensor(BLOCK, -0.5, 0.5)?.reshape((TOKENS, BLOCK.2))?;
    let (causal, scale) = (causal(BLOCK.1 as u32)?, || variable(256, 0.5, 1.5));
    let variables = vec![
        scale()?,
        bias(256)?,
        weights((256, 768), 3.0, 256)?,
        weights((256, 256), 3.0, 256)?,
        scale()?,
        bias(256)?,
        weights((256, 1024), 3.0, 256)?,
        bias(1024)?,
        weights((1024, 256), 3.0, 1024)?,
        bias(256)?,
    ];
    descent(variables.clone(), move || {
        let [s1, t1, qkv, out, s2, t2, w1, b1, w2, b2] = &variables[..] else {
            unreachable!("there are ten")
        };
        let norm = |x: &Tensor, s, t| ops::layer_norm_slow(x, s, t, 1e-5);
        let h = (&x + heads(&norm(&x, s1, t1)?, qkv, out, &causal)?)?;
        let wide = norm(&h, s2, t2)?.matmul(w1)?.broadcast_add(b1)?.gelu()?;
        let y = (&h + wide.matmul(w2)?.broadcast_add(b2)?)?;
        loss::mse(&y, &target)
    })
}
