//! Our side of the comparison with JAX and PyTorch: the table of cases, and a server that times them on demand.
//!
//! `peers/peer.py` has the same names on the other side and speaks the same protocol. A line that comes in is
//! `case<TAB>seconds`; the line that goes out is `min<TAB>median<TAB>how`, in nanoseconds a call, or `-` where the
//! case is not known. A case's data stay until another case is asked for. To the case `copy`, which only this side
//! knows, the answer is the plain copy of as many bytes as the last case moves.

use crate::families::{by_program, numbers, tensor};
use crate::jitted;
use crate::mapped;
use crate::measure::{Timing, Work, keep, samples};
use crate::programs;
use crate::reference;
use plywood::prelude::*;
use plywood_backend_cpu::kernel::Program;
use std::io::{self, BufRead, Write};

/// A case of the comparison.
pub struct Case {
    /// The name, which both sides know.
    pub name: &'static str,
    /// What bounds it, and is told beside its time.
    pub bound: Bound,
    /// How we do it: nothing where it is eager, `jit`, or `program` for one built by hand.
    pub how: &'static str,
    /// Makes what is timed, with its data.
    pub build: fn() -> Work,
}

/// What bounds a case.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// The memory: bytes read and written.
    Bytes(usize),
    /// The arithmetic: floating-point operations.
    Flops(usize),
    /// The drawing of so many numbers.
    Numbers(usize),
    /// What comes before the work.
    Dispatch,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

const M: usize = 1_000_000;

/// Ours on one tensor.
fn one(shape: &[usize], f: impl Fn(&Tensor<Cpu>) -> Tensor<Cpu> + 'static) -> Work {
    let x = tensor(shape, 0.1, 3.0);
    keep(move || f(&x))
}

/// As many random places as there are.
fn places(n: usize) -> Tensor<Cpu> {
    random::randint(&random::key::<Cpu>(0), [n], 0, n as i32)
}

/// A program over rows: of the last axis.
fn rows(shape: &[usize], program: Program) -> Work {
    let x = numbers(shape.iter().product(), 0.1, 3.0);
    Box::new(by_program(program, x, shape[shape.len() - 1]))
}

/// Ours on two tensors.
fn two(x: &[usize], y: &[usize], f: impl Fn(&Tensor<Cpu>, &Tensor<Cpu>) -> Tensor<Cpu> + 'static) -> Work {
    let (x, y) = (tensor(x, -1.0, 1.0), tensor(y, -1.0, 1.0));
    keep(move || f(&x, &y))
}

fn matmul(x: &[usize], y: &[usize]) -> Work {
    two(x, y, |x, y| x.matmul(y))
}

/// The convolution that is compared: its input, and its floating-point operations.
const CONV_X: [usize; 4] = [64, 16, 28, 28];
const CONV: usize = 2 * 64 * 784 * 32 * 16 * 9;

fn convolution(x: [usize; 4], kernel: [usize; 4], groups: usize) -> Work {
    let options = nn::ConvOptions::new().padding(nn::Padding::Same).feature_group_count(groups);
    two(&x, &kernel, move |x, kernel| nn::conv_general_dilated(x, kernel, &options))
}

fn convolution_back() -> Work {
    let (x, kernel) = (tensor(&CONV_X, -1.0, 1.0), tensor(&[32, 16, 3, 3], -1.0, 1.0));
    let ct = tensor(&[64, 32, 28, 28], -1.0, 1.0);
    type Deep = Tensor<Autodiff<Cpu>>;
    let f = |x: Deep, kernel: Deep| nn::conv(&x, &kernel, [1, 1], nn::Padding::Same);
    keep(move || {
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
) -> Work {
    let x = tensor(&[batch, &[n, n]].concat(), -1.0, 1.0).cast(dtype);
    let square = x.matmul(&linalg::matrix_transpose(&x)) + Tensor::eye(n, dtype);
    let x = if positive { square } else { x };
    keep(move || f(&x))
}

/// The operations of a regression of 16 points in 4 dimensions: the products of the system, and its solution.
const RIDGE: usize = 2 * 16 * 4 * 4 + 2 * 16 * 4 + 2 * 4 * 4 * 4 / 3 + 2 * 4 * 4;

/// The gradients of a network for each example of a batch.
fn per_example(chunk: Option<usize>) -> Work {
    let (layers, x, labels) = mapped::examples();
    let gradients = mapped::over_examples(chunk).of(grad(mapped::loss));
    keep(move || gradients(layers.clone(), x.clone(), labels.clone()))
}

/// A thousand regressions: of 16 points in 4 dimensions.
fn small_problems() -> (Tensor<Cpu>, Tensor<Cpu>) {
    (tensor(&[1000, 16, 4], -1.0, 1.0), tensor(&[1000, 16], -1.0, 1.0))
}

/// The table: a line a case; those of `jitted` come last. Each has one in `peers/peer.py` or `peers/jitted.py`.
pub fn cases() -> Vec<Case> {
    use Bound::{Bytes, Dispatch, Flops, Numbers};
    let case = |name, bound, how, build| Case { name, bound, how, build };
    let eager = |name, bound, build| case(name, bound, "", build);
    let product = |m: usize, k: usize, n: usize| Flops(2 * m * k * n);
    let all = 4096 * 1024;
    // Each is written once.
    let gradients = Bytes(4 * mapped::BATCH * mapped::PARAMETERS);
    let rnn = Flops(200 * 3 * 2 * 32 * 128 * 128);
    // For each input a tangent through two products, and back.
    let second = Flops(64 * 4 * 2 * 64 * 64);
    let mut cases = vec![
        eager("exp 1e6", Bytes(8 * M), || one(&[M], Tensor::exp)),
        eager("tanh 1e6", Bytes(8 * M), || one(&[M], Tensor::tanh)),
        eager("log 1e6", Bytes(8 * M), || one(&[M], Tensor::log)),
        eager("add 1e7", Bytes(120 * M), || two(&[10 * M], &[10 * M], |x, y| x + y)),
        eager("mul 1e7", Bytes(120 * M), || two(&[10 * M], &[10 * M], |x, y| x * y)),
        eager("cast f32 to bf16 1e7", Bytes(60 * M), || one(&[10 * M], |x| x.cast(DType::BF16))),
        eager("add a row 4096x2441", Bytes(8 * 4096 * 2441), || two(&[4096, 2441], &[2441], |x, y| x + y)),
        eager("sum 1e7", Bytes(40 * M), || one(&[10 * M], Tensor::sum)),
        eager("max 1e7", Bytes(40 * M), || one(&[10 * M], Tensor::max)),
        case("selu 1e3", Dispatch, "program", || rows(&[1000], programs::selu())),
        case("selu 1e6", Bytes(8 * M), "program", || rows(&[M], programs::selu())),
        case("selu 1e7", Bytes(80 * M), "program", || rows(&[10 * M], programs::selu())),
        case("softmax 4096x1024", Bytes(8 * all), "program", || rows(&[4096, 1024], programs::softmax())),
        case("layer norm 4096x1024", Bytes(8 * all), "program", || {
            rows(&[4096, 1024], programs::layer_norm(1024))
        }),
        eager("transpose 4096x4096", Bytes(8 * 4096 * 4096), || one(&[4096, 4096], |x| x.t().flatten())),
        eager("normal 5000x6000", Numbers(30 * M), || {
            let key = random::key::<Cpu>(0);
            keep(move || random::normal(&key, [5000, 6000], DType::F32))
        }),
        // Rows of 16 numbers at random places of a table of as many.
        eager("gather 1e6 rows of 16", Bytes(132 * M), || {
            let (x, places) = (tensor(&[M, 16], -1.0, 1.0), places(M));
            keep(move || x.get(&places))
        }),
        eager("scatter_add 1e6 rows of 16", Bytes(196 * M), || {
            let (x, y, places) = (tensor(&[M, 16], -1.0, 1.0), tensor(&[M, 16], -1.0, 1.0), places(M));
            keep(move || x.at(&places).add(&y))
        }),
        eager("matmul 256", product(256, 256, 256), || matmul(&[256, 256], &[256, 256])),
        eager("matmul 1024", product(1024, 1024, 1024), || matmul(&[1024, 1024], &[1024, 1024])),
        eager("matmul 2048", product(2048, 2048, 2048), || matmul(&[2048, 2048], &[2048, 2048])),
        eager("matmul bf16 1024", product(1024, 1024, 1024), || {
            let half =
                || Tensor::<Cpu>::from_vec(numbers(M + 48_576, -1.0, 1.0), [1024, 1024]).cast(DType::BF16);
            let (x, y) = (half(), half());
            keep(move || x.matmul(&y))
        }),
        eager("matmul 64x4096 4096x64", product(64, 4096, 64), || matmul(&[64, 4096], &[4096, 64])),
        eager("matmul 256 of 64x64", product(256 * 64, 64, 64), || matmul(&[256, 64, 64], &[256, 64, 64])),
        eager("matmul 4096x4096 by a vector", Bytes(4 * (4096 * 4096 + 2 * 4096)), || {
            matmul(&[4096, 4096], &[4096])
        }),
        eager("conv 3x3 64x16x28x28 -> 32", Flops(CONV), || convolution(CONV_X, [32, 16, 3, 3], 1)),
        eager("conv 3x3 64x16x28x28 -> 32, forward and backward", Flops(3 * CONV), convolution_back),
        eager("conv 1x1 64x16x28x28 -> 32", Flops(CONV / 9), || convolution(CONV_X, [32, 16, 1, 1], 1)),
        eager("conv 3x3 64x16x28x28 depthwise", Flops(CONV / 32), || convolution(CONV_X, [16, 1, 3, 3], 16)),
        eager("conv 3x3 8x256x14x14 -> 256", Flops(2 * 8 * 196 * 256 * 256 * 9), || {
            convolution([8, 256, 14, 14], [256, 256, 3, 3], 1)
        }),
        eager("max_pool 2x2 64x16x28x28", Bytes(5 * 64 * 16 * 784), || {
            one(&CONV_X, |x| nn::max_pool(x, [2, 2], [2, 2], nn::Padding::Valid))
        }),
        // Linear algebra.
        eager("cholesky 256", Flops(N * N * N / 3), || matrix(&[], N, true, DType::F32, linalg::cholesky)),
        eager("cholesky f64 256", Flops(N * N * N / 3), || {
            matrix(&[], N, true, DType::F64, linalg::cholesky)
        }),
        eager("cholesky 1024", Flops(1 << 30), || matrix(&[], 1024, true, DType::F32, linalg::cholesky)),
        eager("cholesky 10000 of 4x4", Flops(10_000 * 21), || {
            matrix(&[10_000], 4, true, DType::F32, linalg::cholesky)
        }),
        eager("eigh 256", Flops(9 * N * N * N), || matrix(&[], N, true, DType::F32, |x| linalg::eigh(x).1)),
        eager("eigh f64 256", Flops(9 * N * N * N), || {
            matrix(&[], N, true, DType::F64, |x| linalg::eigh(x).1)
        }),
        eager("svd 256", Flops(20 * N * N * N), || {
            matrix(&[], N, false, DType::F32, |x| linalg::svd(x, false).0)
        }),
        eager("svd f64 256", Flops(20 * N * N * N), || {
            matrix(&[], N, false, DType::F64, |x| linalg::svd(x, false).0)
        }),
        eager("qr 256", Flops(8 * N * N * N / 3), || {
            matrix(&[], N, false, DType::F32, |x| linalg::qr(x, false).0)
        }),
        eager("solve 256 for a vector", Flops(2 * N * N * N / 3), || {
            let b = tensor(&[N], -1.0, 1.0);
            matrix(&[], N, true, DType::F32, move |a| linalg::solve(a, &b))
        }),
        eager("solve 256 for 256", Flops(8 * N * N * N / 3), || {
            let b = tensor(&[N, N], -1.0, 1.0);
            matrix(&[], N, true, DType::F32, move |a| linalg::solve(a, &b))
        }),
        // Order and transforms.
        eager("sort 1e6", Bytes(8 * M), || one(&[M], |x| x.sort(0))),
        eager("argsort 1e6", Bytes(8 * M), || one(&[M], |x| x.argsort(0))),
        eager("top_k 64 of 1e6", Bytes(4 * M), || one(&[M], |x| x.top_k(64, 0).0)),
        eager("cumsum 1e7", Bytes(80 * M), || one(&[10 * M], |x| x.cumsum(0))),
        eager("cumsum of columns 4096x1024", Bytes(8 * all), || one(&[4096, 1024], |x| x.cumsum(0))),
        eager("fft 2^20", Flops((5 * 20) << 20), || two(&[1 << 20], &[1 << 20], |x, y| fft::fft(x, y).0)),
        eager("rfft 1024x1024", Flops((5 * 5) << 20), || one(&[1024, 1024], |x| fft::rfft(x).0)),
        eager("gradient of an RNN's scan", rnn, || {
            let (w, x) = (tensor(&[128, 128], -0.1, 0.1), tensor(&[200, 32, 128], -1.0, 1.0));
            let gradient = grad(jitted::rnn);
            keep(move || gradient(w.clone(), x.clone()))
        }),
        case("jit gradient of an RNN's scan", rnn, "jit", jitted::rnn_gradient),
        // Functions of one example, mapped.
        eager("per-example gradients", gradients, || per_example(None)),
        case("jit per-example gradients", gradients, "jit", jitted::per_example),
        eager("per-example gradients in chunks", gradients, || per_example(Some(mapped::CHUNK))),
        eager("hessian of 64 inputs", second, || {
            let (w, x) = ([0, 1].map(|_| tensor(&[64, 64], -0.2, 0.2)), tensor(&[64], -1.0, 1.0));
            let f = hessian(move |x: Tensor<_>| {
                mapped::scalar(w.clone().map(|w| w.lift().lift().lift().lift()), x)
            });
            keep(move || f(x.clone()))
        }),
        case("jit hessian of 64 inputs", second, "jit", jitted::second_derivatives),
        eager("1000 small problems", Flops(1000 * RIDGE), || {
            let (x, y) = small_problems();
            let solve = vmap(mapped::ridge);
            keep(move || solve(x.clone(), y.clone()))
        }),
        eager("1000 small problems in a loop", Flops(1000 * RIDGE), || {
            let (x, y) = small_problems();
            let problems: Vec<_> = (0..1000).map(|i| (x.get(i), y.get(i))).collect();
            keep(move || -> Vec<_> {
                problems.iter().map(|(x, y)| mapped::ridge(x.clone(), y.clone())).collect()
            })
        }),
        eager("add of scalars", Dispatch, || two(&[], &[], |x, y| x + y)),
        eager("add of 16", Dispatch, || two(&[16], &[16], |x, y| x + y)),
    ];
    cases.extend(jitted::cases());
    cases
}

/// What a side answers to a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// How long it took.
    pub timing: Timing,
    /// How it was done, where there are several ways; else nothing.
    pub how: String,
}

impl Answer {
    /// Reads a line of the protocol.
    pub fn parse(line: &str) -> Option<Answer> {
        let mut fields = line.trim_end_matches(['\n', '\r']).split('\t');
        let mut number = || fields.next()?.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
        let timing = Timing { min: number()?, median: number()? };
        Some(Answer { timing, how: fields.next().unwrap_or_default().to_string() })
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\t{}\t{}", self.timing.min, self.timing.median, self.how)
    }
}

/// Answers the lines of the standard input until it ends.
pub fn serve() -> io::Result<()> {
    let cases = cases();
    // The case that is built, as its place in the table; and the copy of its bytes.
    let mut built: Option<(usize, Work, Option<Work>)> = None;
    let mut out = io::stdout().lock();
    writeln!(out, "ready\tplywood {}", env!("CARGO_PKG_VERSION"))?;
    out.flush()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, seconds) = line.split_once('\t').expect("a line is: case, tab, seconds");
        let seconds: f64 = seconds.parse().expect("seconds are a number");
        let answer = if name == "copy" {
            let copy = built.as_mut().and_then(|(.., copy)| copy.as_mut());
            copy.map(|copy| Answer { timing: Timing::of(samples(copy, seconds)), how: String::new() })
        } else {
            cases.iter().position(|c| c.name == name).map(|i| {
                if built.as_ref().is_none_or(|b| b.0 != i) {
                    drop(built.take());
                    let copy = match cases[i].bound {
                        Bound::Bytes(bytes) => Some(reference::copy(bytes)),
                        Bound::Flops(_) | Bound::Numbers(_) | Bound::Dispatch => None,
                    };
                    built = Some((i, (cases[i].build)(), copy));
                }
                let (_, work, _) = built.as_mut().expect("it was just built");
                Answer { timing: Timing::of(samples(work, seconds)), how: cases[i].how.to_string() }
            })
        };
        writeln!(out, "{}", answer.map_or_else(|| "-".to_string(), |a| a.to_string()))?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names of the tables in `peer.py` and `jitted.py`.
    fn theirs() -> Vec<&'static str> {
        let sources = [include_str!("../peers/peer.py"), include_str!("../peers/jitted.py")];
        let lines = sources.into_iter().flat_map(str::lines);
        lines.filter_map(|l| l.strip_prefix("    case(\"")?.split('"').next()).collect()
    }

    #[test]
    fn both_sides_know_the_same_cases() {
        assert_eq!(cases().iter().map(|c| c.name).collect::<Vec<_>>(), theirs());
    }

    #[test]
    fn answers_are_read_as_they_are_written() {
        let answer = Answer { timing: Timing { min: 1.5, median: 2e9 }, how: "jit".into() };
        assert_eq!(Answer::parse(&answer.to_string()), Some(answer));
        for bad in ["-", "", "1\tx\t", "nan\t1\t", "error\tno module"] {
            assert_eq!(Answer::parse(bad), None, "{bad:?}");
        }
    }
}
