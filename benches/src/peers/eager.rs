//! Cases of single operations, of linear algebra and of transformations, most of them eager.

use super::{Bound, Case, Check, eager};
use crate::families::{numbers, tensor};
use crate::jitted;
use crate::mapped;
use crate::peers::protocol::Job;
use plywood::prelude::*;

const M: usize = 1_000_000;

/// Ours on one tensor.
fn one(shape: &[usize], f: impl Fn(&Tensor<Cpu>) -> Tensor<Cpu> + 'static) -> Job {
    let x = tensor(shape, 0.1, 3.0);
    eager(move || f(&x))
}

/// As many places without an order as there are.
fn places(n: usize) -> Tensor<Cpu> {
    let at = |x: f32| (f64::from(x) * n as f64) as i32;
    Tensor::from_vec(numbers(n, 0.0, 1.0).into_iter().map(at).collect::<Vec<_>>(), [n])
}

/// Ours on two tensors.
fn two(x: &[usize], y: &[usize], f: impl Fn(&Tensor<Cpu>, &Tensor<Cpu>) -> Tensor<Cpu> + 'static) -> Job {
    let (x, y) = (tensor(x, -1.0, 1.0), tensor(y, -1.0, 1.0));
    eager(move || f(&x, &y))
}

fn matmul(x: &[usize], y: &[usize]) -> Job {
    two(x, y, |x, y| x.matmul(y))
}

/// The convolution that is compared: its input, and its floating-point operations.
const CONV_X: [usize; 4] = [64, 16, 28, 28];
const CONV: usize = 2 * 64 * 784 * 32 * 16 * 9;

fn convolution(x: [usize; 4], kernel: [usize; 4], groups: usize) -> Job {
    let options = nn::ConvOptions::new().padding(nn::Padding::Same).feature_group_count(groups);
    two(&x, &kernel, move |x, kernel| nn::conv_general_dilated(x, kernel, &options))
}

fn convolution_back() -> Job {
    let (x, kernel) = (tensor(&CONV_X, -1.0, 1.0), tensor(&[32, 16, 3, 3], -1.0, 1.0));
    let ct = tensor(&[64, 32, 28, 28], -1.0, 1.0);
    type Deep = Tensor<Autodiff<Cpu>>;
    let f = |x: Deep, kernel: Deep| nn::conv(&x, &kernel, [1, 1], nn::Padding::Same);
    eager(move || {
        let (y, back) = vjp(f, (x.clone(), kernel.clone()));
        (y, back(ct.clone()))
    })
}

/// The order of matrices that are factorised.
const N: usize = 256;

/// Ours on matrices of order n, positive definite or any.
fn matrix(
    batch: &[usize],
    n: usize,
    positive: bool,
    dtype: DType,
    f: impl Fn(&Tensor<Cpu>) -> Tensor<Cpu> + 'static,
) -> Job {
    let x = tensor(&[batch, &[n, n]].concat(), -1.0, 1.0).cast(dtype);
    let square = x.matmul(&linalg::matrix_transpose(&x)) + Tensor::eye(n, dtype);
    let x = if positive { square } else { x };
    eager(move || f(&x))
}

/// The operations of a regression of 16 points in 4 dimensions: the products of the system, and its solution.
const RIDGE: usize = 2 * 16 * 4 * 4 + 2 * 16 * 4 + 2 * 4 * 4 * 4 / 3 + 2 * 4 * 4;

/// The gradients of a network for each example of a batch.
fn per_example(chunk: Option<usize>) -> Job {
    let (layers, x, labels) = mapped::examples();
    let gradients = mapped::over_examples(chunk).of(grad(mapped::loss));
    eager(move || gradients(layers.clone(), x.clone(), labels.clone()))
}

/// A thousand regressions: of 16 points in 4 dimensions.
fn small_problems() -> (Tensor<Cpu>, Tensor<Cpu>) {
    (tensor(&[1000, 16, 4], -1.0, 1.0), tensor(&[1000, 16], -1.0, 1.0))
}

/// The table: a line a case.
pub fn cases() -> Vec<Case> {
    use Bound::{Bytes, Dispatch, Flops, Numbers};
    let product = |m: usize, k: usize, n: usize| Flops(2 * m * k * n);
    let all = 4096 * 1024;
    // Each is written once.
    let gradients = Bytes(4 * mapped::BATCH * mapped::PARAMETERS);
    let rnn = Flops(200 * 3 * 2 * 32 * 128 * 128);
    // For each input a tangent through two products, and back.
    let second = Flops(64 * 4 * 2 * 64 * 64);
    let case = Case::new;
    vec![
        case("exp 1e6", Bytes(8 * M), || one(&[M], Tensor::exp)),
        case("tanh 1e6", Bytes(8 * M), || one(&[M], Tensor::tanh)),
        case("log 1e6", Bytes(8 * M), || one(&[M], Tensor::log)),
        case("add 1e7", Bytes(120 * M), || two(&[10 * M], &[10 * M], |x, y| x + y)),
        case("mul 1e7", Bytes(120 * M), || two(&[10 * M], &[10 * M], |x, y| x * y)),
        case("cast f32 to bf16 1e7", Bytes(60 * M), || one(&[10 * M], |x| x.cast(DType::BF16))),
        case("add a row 4096x2441", Bytes(8 * 4096 * 2441), || two(&[4096, 2441], &[2441], |x, y| x + y)),
        case("sum 1e7", Bytes(40 * M), || one(&[10 * M], Tensor::sum)),
        case("max 1e7", Bytes(40 * M), || one(&[10 * M], Tensor::max)),
        case("transpose 4096x4096", Bytes(8 * 4096 * 4096), || one(&[4096, 4096], |x| x.t().flatten())),
        case("normal 5000x6000", Numbers(30 * M), || {
            let key = random::key::<Cpu>(0);
            eager(move || random::normal(&key, [5000, 6000], DType::F32))
        })
        .checked(Check::Statistics(0.01)),
        // Rows of 16 numbers at random places of a table of as many.
        case("gather 1e6 rows of 16", Bytes(132 * M), || {
            let (x, places) = (tensor(&[M, 16], -1.0, 1.0), places(M));
            eager(move || x.get(&places))
        }),
        case("scatter_add 1e6 rows of 16", Bytes(196 * M), || {
            let (x, y, places) = (tensor(&[M, 16], -1.0, 1.0), tensor(&[M, 16], -1.0, 1.0), places(M));
            eager(move || x.at(&places).add(&y))
        }),
        case("matmul 256", product(256, 256, 256), || matmul(&[256, 256], &[256, 256])),
        case("matmul 1024", product(1024, 1024, 1024), || matmul(&[1024, 1024], &[1024, 1024])),
        case("matmul 2048", product(2048, 2048, 2048), || matmul(&[2048, 2048], &[2048, 2048])),
        case("matmul bf16 1024", product(1024, 1024, 1024), || {
            let half =
                || Tensor::<Cpu>::from_vec(numbers(M + 48_576, -1.0, 1.0), [1024, 1024]).cast(DType::BF16);
            let (x, y) = (half(), half());
            eager(move || x.matmul(&y))
        })
        .checked(Check::Near(0.02)),
        case("matmul 64x4096 4096x64", product(64, 4096, 64), || matmul(&[64, 4096], &[4096, 64])),
        case("matmul 256 of 64x64", product(256 * 64, 64, 64), || matmul(&[256, 64, 64], &[256, 64, 64])),
        case("matmul 4096x4096 by a vector", Bytes(4 * (4096 * 4096 + 2 * 4096)), || {
            matmul(&[4096, 4096], &[4096])
        }),
        case("conv 3x3 64x16x28x28 -> 32", Flops(CONV), || convolution(CONV_X, [32, 16, 3, 3], 1)),
        case("conv 3x3 64x16x28x28 -> 32, forward and backward", Flops(3 * CONV), convolution_back),
        case("conv 1x1 64x16x28x28 -> 32", Flops(CONV / 9), || convolution(CONV_X, [32, 16, 1, 1], 1)),
        case("conv 3x3 64x16x28x28 depthwise", Flops(CONV / 32), || convolution(CONV_X, [16, 1, 3, 3], 16)),
        case("conv 3x3 8x256x14x14 -> 256", Flops(2 * 8 * 196 * 256 * 256 * 9), || {
            convolution([8, 256, 14, 14], [256, 256, 3, 3], 1)
        }),
        case("max_pool 2x2 64x16x28x28", Bytes(5 * 64 * 16 * 784), || {
            one(&CONV_X, |x| nn::max_pool(x, [2, 2], [2, 2], nn::Padding::Valid))
        }),
        // Linear algebra.
        case("cholesky 256", Flops(N * N * N / 3), || matrix(&[], N, true, DType::F32, linalg::cholesky)),
        case("cholesky f64 256", Flops(N * N * N / 3), || matrix(&[], N, true, DType::F64, linalg::cholesky)),
        case("cholesky 1024", Flops(1 << 30), || matrix(&[], 1024, true, DType::F32, linalg::cholesky)),
        case("cholesky 10000 of 4x4", Flops(10_000 * 21), || {
            matrix(&[10_000], 4, true, DType::F32, linalg::cholesky)
        }),
        case("eigh 256", Flops(9 * N * N * N), || matrix(&[], N, true, DType::F32, |x| linalg::eigh(x).1))
            .checked(Check::Sizes(0.05)),
        case("eigh f64 256", Flops(9 * N * N * N), || {
            matrix(&[], N, true, DType::F64, |x| linalg::eigh(x).1)
        })
        .checked(Check::Sizes(1e-4)),
        case("svd 256", Flops(20 * N * N * N), || {
            matrix(&[], N, false, DType::F32, |x| linalg::svd(x, false).0)
        })
        .checked(Check::Sizes(0.05)),
        case("svd f64 256", Flops(20 * N * N * N), || {
            matrix(&[], N, false, DType::F64, |x| linalg::svd(x, false).0)
        })
        .checked(Check::Sizes(1e-4)),
        case("qr 256", Flops(8 * N * N * N / 3), || {
            matrix(&[], N, false, DType::F32, |x| linalg::qr(x, false).0)
        })
        .checked(Check::Sizes(0.01)),
        case("solve 256 for a vector", Flops(2 * N * N * N / 3), || {
            let b = tensor(&[N], -1.0, 1.0);
            matrix(&[], N, true, DType::F32, move |a| linalg::solve(a, &b))
        }),
        case("solve 256 for 256", Flops(8 * N * N * N / 3), || {
            let b = tensor(&[N, N], -1.0, 1.0);
            matrix(&[], N, true, DType::F32, move |a| linalg::solve(a, &b))
        }),
        // Order and transforms.
        case("sort 1e6", Bytes(8 * M), || one(&[M], |x| x.sort(0))),
        case("argsort 1e6", Bytes(8 * M), || one(&[M], |x| x.argsort(0))).checked(Check::Ties),
        case("top_k 64 of 1e6", Bytes(4 * M), || one(&[M], |x| x.top_k(64, 0).0)),
        case("cumsum 1e7", Bytes(80 * M), || one(&[10 * M], |x| x.cumsum(0))),
        case("cumsum of columns 4096x1024", Bytes(8 * all), || one(&[4096, 1024], |x| x.cumsum(0))),
        case("fft 2^20", Flops((5 * 20) << 20), || two(&[1 << 20], &[1 << 20], |x, y| fft::fft(x, y).0)),
        case("rfft 1024x1024", Flops((5 * 5) << 20), || one(&[1024, 1024], |x| fft::rfft(x).0)),
        case("gradient of an RNN's scan", rnn, || {
            let (w, x) = (tensor(&[128, 128], -0.1, 0.1), tensor(&[200, 32, 128], -1.0, 1.0));
            let gradient = grad(jitted::rnn);
            eager(move || gradient(w.clone(), x.clone()))
        }),
        case("jit gradient of an RNN's scan", rnn, jitted::rnn_gradient),
        // Functions of one example, mapped.
        case("per-example gradients", gradients, || per_example(None)),
        case("jit per-example gradients", gradients, jitted::per_example),
        case("per-example gradients in chunks", gradients, || per_example(Some(mapped::CHUNK))),
        case("hessian of 64 inputs", second, || {
            let (w, x) = ([0, 1].map(|_| tensor(&[64, 64], -0.2, 0.2)), tensor(&[64], -1.0, 1.0));
            let f = hessian(move |x: Tensor<_>| {
                mapped::scalar(w.clone().map(|w| w.lift().lift().lift().lift()), x)
            });
            eager(move || f(x.clone()))
        }),
        case("jit hessian of 64 inputs", second, jitted::second_derivatives),
        case("1000 small problems", Flops(1000 * RIDGE), || {
            let (x, y) = small_problems();
            let solve = vmap(mapped::ridge);
            eager(move || solve(x.clone(), y.clone()))
        }),
        case("1000 small problems in a loop", Flops(1000 * RIDGE), || {
            let (x, y) = small_problems();
            let problems: Vec<_> = (0..1000).map(|i| (x.get(i), y.get(i))).collect();
            eager(move || -> Vec<_> {
                problems.iter().map(|(x, y)| mapped::ridge(x.clone(), y.clone())).collect()
            })
        }),
        case("add of scalars", Dispatch, || two(&[], &[], |x, y| x + y)),
        case("add of 16", Dispatch, || two(&[16], &[16], |x, y| x + y)),
    ]
}
