//! Single operations on large tensors, and what is made of a few of them.

use super::tensors::{Cases, M, job, one, tensor, two, whole};
use burn::linalg;
use burn::signal::{cfft, rfft};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Distribution, FloatDType, IndexingUpdateOp, Int, Tensor, activation, module};
use plywood_benches::families::numbers;
use plywood_benches::peers::protocol::Job;

/// What eager operations get.
const POSITIVE: (f32, f32) = (0.1, 3.0);
/// What others get.
const AROUND: (f32, f32) = (-3.0, 3.0);
const ROWS: [usize; 2] = [4096, 1024];
const CONV_X: [usize; 4] = [64, 16, 28, 28];
/// How often the iteration of a singular value may turn.
const SWEEPS: usize = 30;

/// The table.
pub const CASES: Cases = &[
    ("exp 1e6", || one([M], POSITIVE, Tensor::exp)),
    ("tanh 1e6", || one([M], POSITIVE, Tensor::tanh)),
    ("log 1e6", || one([M], POSITIVE, Tensor::log)),
    ("add 1e7", || two([10 * M], [10 * M], |x, y| x + y)),
    ("mul 1e7", || two([10 * M], [10 * M], |x, y| x * y)),
    ("cast f32 to bf16 1e7", || one([10 * M], POSITIVE, |x| x.cast(FloatDType::BF16))),
    ("add a row 4096x2441", || two([4096, 2441], [2441], |x, y| x + y.unsqueeze())),
    ("sum 1e7", || one([10 * M], POSITIVE, Tensor::sum)),
    ("max 1e7", || one([10 * M], POSITIVE, Tensor::max)),
    ("jit selu 1e3", || one([1000], AROUND, selu)),
    ("jit selu 1e6", || one([M], AROUND, selu)),
    ("jit selu 1e7", || one([10 * M], AROUND, selu)),
    ("jit gelu 1e3", || one([1000], AROUND, gelu)),
    ("jit gelu 1e6", || one([M], AROUND, gelu)),
    ("jit gelu 1e7", || one([10 * M], AROUND, gelu)),
    ("jit chain of 8 1e3", || one([1000], AROUND, chain)),
    ("jit chain of 8 1e6", || one([M], AROUND, chain)),
    ("jit chain of 8 1e7", || one([10 * M], AROUND, chain)),
    ("jit softmax 4096x1024", || one(ROWS, AROUND, |x| activation::softmax(x, 1))),
    ("jit softmax 8x32", || one([8, 32], AROUND, |x| activation::softmax(x, 1))),
    ("jit log_softmax 4096x1024", || one(ROWS, AROUND, |x| activation::log_softmax(x, 1))),
    ("jit layer norm 4096x1024", || layer_norm(ROWS)),
    ("jit layer norm 8x32", || layer_norm([8, 32])),
    ("jit sum of columns 4096x1024", || one(ROWS, AROUND, |x| x.sum_dim(0))),
    ("jit mean and variance of rows 4096x1024", || {
        one(ROWS, AROUND, |x| {
            let (variance, mean) = x.var_mean_bias(1);
            (mean, variance)
        })
    }),
    // Another shape makes it contiguous.
    ("transpose 4096x4096", || one([4096, 4096], POSITIVE, |x| x.transpose().reshape([4096 * 4096]))),
    ("transpose of heads 8x256x8x64", || {
        one([8, 256, 8, 64], (-1.0, 1.0), |x| x.swap_dims(1, 2).reshape([8 * 8 * 256 * 64]))
    }),
    ("normal 5000x6000", || normal([5000, 6000])),
    ("jit normal 1e3", || normal([1000])),
    ("jit normal 1e6", || normal([M])),
    ("gather 1e6 rows of 16", || {
        let (x, places) = (tensor([M, 16], -1.0, 1.0), places());
        job(move || x.clone().select(0, places.clone()))
    }),
    ("scatter_add 1e6 rows of 16", || {
        let (x, y, places) = (tensor([M, 16], -1.0, 1.0), tensor([M, 16], -1.0, 1.0), places());
        job(move || x.clone().select_assign(0, places.clone(), y.clone(), IndexingUpdateOp::Add))
    }),
    ("matmul 16", || two([16, 16], [16, 16], Tensor::matmul)),
    ("matmul 256", || two([256, 256], [256, 256], Tensor::matmul)),
    ("matmul 1024", || two([1024, 1024], [1024, 1024], Tensor::matmul)),
    ("matmul 2048", || two([2048, 2048], [2048, 2048], Tensor::matmul)),
    ("matmul bf16 1024", || {
        let half = || tensor([1024, 1024], -1.0, 1.0).cast(FloatDType::BF16);
        let (x, y) = (half(), half());
        job(move || x.clone().matmul(y.clone()))
    }),
    ("matmul 64x4096 4096x64", || two([64, 4096], [4096, 64], Tensor::matmul)),
    ("matmul 256 of 64x64", || two([256, 64, 64], [256, 64, 64], Tensor::matmul)),
    ("matmul 4096x4096 by a vector", || two([4096, 4096], [4096], |x, y| x.matmul(y.unsqueeze_dim::<2>(1)))),
    ("conv 3x3 64x16x28x28 -> 32", || convolution(CONV_X, [32, 16, 3, 3], 1)),
    ("conv 3x3 64x16x28x28 -> 32, forward and backward", convolution_back),
    ("conv 1x1 64x16x28x28 -> 32", || convolution(CONV_X, [32, 16, 1, 1], 1)),
    ("conv 3x3 64x16x28x28 depthwise", || convolution(CONV_X, [16, 1, 3, 3], 16)),
    ("conv 3x3 8x256x14x14 -> 256", || convolution([8, 256, 14, 14], [256, 256, 3, 3], 1)),
    ("max_pool 2x2 64x16x28x28", || {
        one(CONV_X, POSITIVE, |x| module::max_pool2d(x, MaxPoolOptions::new([2, 2])))
    }),
    ("svd 256", || one([256, 256], (-1.0, 1.0), |x| linalg::svd::<2, 1>(x, SWEEPS).0)),
    ("svd f64 256", || {
        let x = tensor([256, 256], -1.0, 1.0).cast(FloatDType::F64);
        job(move || linalg::svd::<2, 1>(x.clone(), SWEEPS).0)
    }),
    ("qr 256", || one([256, 256], (-1.0, 1.0), |x| linalg::qr(x, true).0)),
    ("sort 1e6", || one([M], POSITIVE, |x| x.sort(0))),
    ("argsort 1e6", || one([M], POSITIVE, |x| x.argsort(0))),
    ("top_k 64 of 1e6", || one([M], POSITIVE, |x| x.topk(64, 0))),
    ("cumsum 1e7", || one([10 * M], POSITIVE, |x| x.cumsum(0))),
    ("cumsum of columns 4096x1024", || one(ROWS, POSITIVE, |x| x.cumsum(0))),
    ("fft 2^20", || two([1 << 20], [1 << 20], |x, y| cfft(x, y, 0, None).0)),
    ("rfft 1024x1024", || one([1024, 1024], POSITIVE, |x| rfft(x, 1, None).0)),
];

fn selu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    activation::elu(x, 1.67) * 1.05
}

/// By tanh. (Its own takes a power for the cube.)
pub fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let cube = x.clone() * x.clone() * x.clone();
    let inner = (cube * 0.044715 + x.clone()) * (2.0 / std::f64::consts::PI).sqrt();
    (inner.tanh() + 1.0) * x * 0.5
}

fn chain(x: Tensor<1>) -> Tensor<1> {
    let y = (x.clone().square() + 1.0).sqrt() / (x + 4.0);
    activation::relu((y - 0.3) * 3.0)
}

fn layer_norm(shape: [usize; 2]) -> Job {
    let (scale, shift) = (tensor([shape[1]], 0.5, 1.5), tensor([shape[1]], -1.0, 1.0));
    one(shape, AROUND, move |x| module::layer_norm(x, scale.clone(), Some(shift.clone()), 1e-5))
}

fn normal<const D: usize>(shape: [usize; D]) -> Job {
    let device = Device::flex();
    job(move || Tensor::<D>::random(shape, Distribution::Normal(0.0, 1.0), &device))
}

/// A million random places among as many.
fn places() -> Tensor<1, Int> {
    let place = |x: f32| (f64::from(x) * M as f64).floor() as i32;
    whole(numbers(M, 0.0, 1.0).into_iter().map(place).collect())
}

/// As many pixels come out.
pub fn same(kernel: usize, groups: usize) -> ConvOptions<2> {
    ConvOptions::new([1, 1], [kernel / 2; 2], [1, 1], groups)
}

fn convolution(x: [usize; 4], kernel: [usize; 4], groups: usize) -> Job {
    two(x, kernel, move |x, w| module::conv2d(x, w, None, same(kernel[2], groups)))
}

fn convolution_back() -> Job {
    let ct = tensor([64, 32, 28, 28], -1.0, 1.0);
    two(CONV_X, [32, 16, 3, 3], move |x, kernel| {
        let (x, kernel) = (super::tensors::tracked(x), super::tensors::tracked(kernel));
        let y = module::conv2d(x.clone(), kernel.clone(), None, same(3, 1));
        let mut gradients = (y.clone() * ct.clone()).sum().backward();
        let [dx, dw] = [x, kernel].map(|x| x.grad_remove(&mut gradients).expect("it is tracked"));
        vec![y.inner(), dx, dw]
    })
}
