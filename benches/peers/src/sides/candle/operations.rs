//! Single operations on large tensors, and what is made of a few of them.

use super::tensors::{Cases, M, gradients, job, one, tensor, two, variable};
use candle_core::{D, DType, Device, Result, Shape, Tensor};
use candle_nn::ops;
use plywood_benches::families::numbers;
use plywood_benches::peers::protocol::Job;

/// What eager operations get.
const POSITIVE: (f32, f32) = (0.1, 3.0);
/// What others get.
const AROUND: (f32, f32) = (-3.0, 3.0);
const ROWS: (usize, usize) = (4096, 1024);
const CONV_X: (usize, usize, usize, usize) = (64, 16, 28, 28);

/// The table.
pub const CASES: Cases = &[
    ("exp 1e6", || one(M, POSITIVE, Tensor::exp)),
    ("tanh 1e6", || one(M, POSITIVE, Tensor::tanh)),
    ("log 1e6", || one(M, POSITIVE, Tensor::log)),
    ("add 1e7", || two(10 * M, 10 * M, |x, y| x + y)),
    ("mul 1e7", || two(10 * M, 10 * M, |x, y| x * y)),
    ("cast f32 to bf16 1e7", || one(10 * M, POSITIVE, |x| x.to_dtype(DType::BF16))),
    ("add a row 4096x2441", || two((4096, 2441), 2441, Tensor::broadcast_add)),
    ("sum 1e7", || one(10 * M, POSITIVE, Tensor::sum_all)),
    ("max 1e7", || one(10 * M, POSITIVE, Tensor::max_all)),
    ("jit selu 1e3", || one(1000, AROUND, selu)),
    ("jit selu 1e6", || one(M, AROUND, selu)),
    ("jit selu 1e7", || one(10 * M, AROUND, selu)),
    ("jit gelu 1e3", || one(1000, AROUND, Tensor::gelu)),
    ("jit gelu 1e6", || one(M, AROUND, Tensor::gelu)),
    ("jit gelu 1e7", || one(10 * M, AROUND, Tensor::gelu)),
    ("jit chain of 8 1e3", || one(1000, AROUND, chain)),
    ("jit chain of 8 1e6", || one(M, AROUND, chain)),
    ("jit chain of 8 1e7", || one(10 * M, AROUND, chain)),
    ("jit softmax 4096x1024", || one(ROWS, AROUND, ops::softmax_last_dim)),
    ("jit softmax 8x32", || one((8, 32), AROUND, ops::softmax_last_dim)),
    ("jit log_softmax 4096x1024", || one(ROWS, AROUND, |x| ops::log_softmax(x, D::Minus1))),
    ("jit layer norm 4096x1024", || layer_norm(ROWS)),
    ("jit layer norm 8x32", || layer_norm((8, 32))),
    ("jit sum of columns 4096x1024", || one(ROWS, AROUND, |x| x.sum(0))),
    ("jit mean and variance of rows 4096x1024", || {
        // Its own variance is over n - 1.
        one(ROWS, AROUND, |x| {
            let mean = x.mean_keepdim(D::Minus1)?;
            let variance = x.broadcast_sub(&mean)?.sqr()?.mean(D::Minus1)?;
            Ok((mean, variance))
        })
    }),
    ("transpose 4096x4096", || one((4096, 4096), POSITIVE, |x| x.t()?.contiguous())),
    ("transpose of heads 8x256x8x64", || {
        one((8, 256, 8, 64), (-1.0, 1.0), |x| x.transpose(1, 2)?.contiguous())
    }),
    ("normal 5000x6000", || normal((5000, 6000))),
    ("jit normal 1e3", || normal(1000)),
    ("jit normal 1e6", || normal(M)),
    ("gather 1e6 rows of 16", || {
        let (x, places) = (tensor((M, 16), -1.0, 1.0)?, places()?);
        job(move || x.index_select(&places, 0))
    }),
    ("scatter_add 1e6 rows of 16", || {
        let places = places()?;
        two((M, 16), (M, 16), move |x, y| x.index_add(&places, y, 0))
    }),
    ("matmul 16", || two((16, 16), (16, 16), Tensor::matmul)),
    ("matmul 256", || two((256, 256), (256, 256), Tensor::matmul)),
    ("matmul 1024", || two((1024, 1024), (1024, 1024), Tensor::matmul)),
    ("matmul 2048", || two((2048, 2048), (2048, 2048), Tensor::matmul)),
    ("matmul bf16 1024", || {
        let half = || tensor((1024, 1024), -1.0, 1.0)?.to_dtype(DType::BF16);
        let (x, y) = (half()?, half()?);
        job(move || x.matmul(&y))
    }),
    ("matmul 64x4096 4096x64", || two((64, 4096), (4096, 64), Tensor::matmul)),
    ("matmul 256 of 64x64", || two((256, 64, 64), (256, 64, 64), Tensor::matmul)),
    ("matmul 4096x4096 by a vector", || two((4096, 4096), 4096, Tensor::mv)),
    ("conv 3x3 64x16x28x28 -> 32", || convolution(CONV_X, (32, 16, 3, 3), 1)),
    ("conv 3x3 64x16x28x28 -> 32, forward and backward", convolution_back),
    ("conv 1x1 64x16x28x28 -> 32", || convolution(CONV_X, (32, 16, 1, 1), 1)),
    ("conv 3x3 64x16x28x28 depthwise", || convolution(CONV_X, (16, 1, 3, 3), 16)),
    ("conv 3x3 8x256x14x14 -> 256", || convolution((8, 256, 14, 14), (256, 256, 3, 3), 1)),
    ("max_pool 2x2 64x16x28x28", || one(CONV_X, POSITIVE, |x| x.max_pool2d(2))),
    ("sort 1e6", || one(M, POSITIVE, |x| Ok(x.sort_last_dim(true)?.0))),
    ("argsort 1e6", || one(M, POSITIVE, |x| x.arg_sort_last_dim(true))),
    ("cumsum of columns 4096x1024", || one(ROWS, POSITIVE, |x| x.cumsum(0))),
];

fn selu(x: &Tensor) -> Result<Tensor> {
    ops::selu(x, 1.67, 1.05)
}

fn chain(x: &Tensor) -> Result<Tensor> {
    let y = ((x.sqr()? + 1.0)?.sqrt()? / (x + 4.0)?)?;
    ((y - 0.3)? * 3.0)?.relu()
}

fn layer_norm(shape: (usize, usize)) -> Result<Job> {
    let (scale, shift) = (tensor(shape.1, 0.5, 1.5)?, tensor(shape.1, -1.0, 1.0)?);
    one(shape, AROUND, move |x| ops::layer_norm(x, &scale, &shift, 1e-5))
}

fn normal(shape: impl Into<Shape> + Copy + 'static) -> Result<Job> {
    job(move || Tensor::randn(0f32, 1f32, shape, &Device::Cpu))
}

/// A million random places among as many.
fn places() -> Result<Tensor> {
    let place = |x: f32| (f64::from(x) * M as f64).floor() as u32;
    Tensor::from_iter(numbers(M, 0.0, 1.0).into_iter().map(place), &Device::Cpu)
}

type Four = (usize, usize, usize, usize);

fn convolution(x: Four, kernel: Four, groups: usize) -> Result<Job> {
    two(x, kernel, move |x, w| x.conv2d(w, kernel.2 / 2, 1, 1, groups))
}

fn convolution_back() -> Result<Job> {
    let (x, kernel) = (variable(CONV_X, -1.0, 1.0)?, variable((32, 16, 3, 3), -1.0, 1.0)?);
    let ct = tensor((64, 32, 28, 28), -1.0, 1.0)?;
    job(move || {
        let y = x.conv2d(&kernel, 1, 1, 1, 1)?;
        let gradients = gradients(&(&y * &ct)?.sum_all()?, [&*x, &*kernel])?;
        Ok((y, gradients))
    })
}
