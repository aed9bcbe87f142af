//! The memory that the gradient of a scan of 1000 steps takes, with and without `checkpoint`, and what the gradients of a
//! network for each example of a batch take, at once and in chunks: `cargo run --release -p plywood-benches --bin
//! memory`. `peers/memory.py` says the same of JAX.

use plywood::prelude::*;
use plywood_benches::mapped;
use std::time::Instant;

const STEPS: usize = 1000;

/// The state, and the sum of what it was in each step. (With the last state alone the gradient would fade into subnormal
/// numbers, which processors are slow at.)
type State<B> = (Tensor<B>, Tensor<B>);

/// A step of a gated recurrent network: h and x are [32, 128].
fn step<B: Backend>((h, sum): State<B>, x: Tensor<B>, [wz, wr]: [Tensor<B>; 2]) -> State<B> {
    let z = nn::sigmoid(h.matmul(&wz) + &x);
    let r = (h.matmul(&wr) + x).tanh();
    let h = &z * h + (1.0 - z) * r;
    (h.clone(), sum + h.square().sum())
}

fn start<B: Backend>(x: &Tensor<B>) -> State<B> {
    (x.get(0), Tensor::scalar(0f32))
}

fn plain<B: Backend>(w: [Tensor<B>; 2], x: Tensor<B>) -> Tensor<B> {
    scan(|s: State<_>, x: Tensor<_>| (step(s, x, lift(&w)), ()), start(&x), x).0.1
}

fn checkpointed<B: Backend>(w: [Tensor<B>; 2], x: Tensor<B>) -> Tensor<B> {
    scan(|s: State<_>, x: Tensor<_>| (checkpoint(step)(s, x, lift(&w)), ()), start(&x), x).0.1
}

/// Blocks of steps in checkpoints too: kept are the states at their starts, and those in one of them.
fn in_blocks<B: Backend>(w: [Tensor<B>; 2], x: Tensor<B>) -> Tensor<B> {
    fn block<B: Backend>(s: State<B>, x: Tensor<B>, w: [Tensor<B>; 2]) -> State<B> {
        scan(|s: State<_>, x: Tensor<_>| (checkpoint(step)(s, x, lift(&w)), ()), s, x).0
    }
    let blocks = x.reshape([25, STEPS as isize / 25, 32, 128]);
    scan(|s: State<_>, x: Tensor<_>| (checkpoint(block)(s, x, lift(&w)), ()), start(&x), blocks).0.1
}

fn main() {
    let keys = random::split::<Cpu, 3>(&random::key(0));
    let w = |i: usize| (random::uniform(&keys[i], [128, 128], DType::F32) - 0.5) * 0.2;
    let (w, x) = ([w(0), w(1)], random::normal(&keys[2], [STEPS, 32, 128], DType::F32));
    println!("| gradient of {STEPS} steps of 32x128 | beyond the arguments, at most | time |");
    println!("|---|---|---|");
    type Deep = Autodiff<Cpu>;
    type Loss = fn([Tensor<Deep>; 2], Tensor<Deep>) -> Tensor<Deep>;
    let ways: [(&str, Loss); 3] = [
        ("plain", plain),
        ("checkpoint(step)", checkpointed),
        ("checkpoint(step) and of 40 steps", in_blocks),
    ];
    for (name, loss) in ways {
        let gradient = grad(loss);
        row(name, || drop(gradient(w.clone(), x.clone())));
    }
    per_example();
}

/// Gradients of a network, and their norms, of which the gradients are a step.
fn per_example() {
    let (layers, x, labels) = mapped::examples();
    println!("\n| for each of {} examples | beyond the arguments, at most | time |", mapped::BATCH);
    println!("|---|---|---|");
    let ways = [("at once", None), ("8 at a time", Some(mapped::CHUNK))];
    for (how, chunk) in ways {
        let gradients = mapped::over_examples(chunk).of(grad(mapped::loss));
        row(&format!("gradients, {how}"), || drop(gradients(layers.clone(), x.clone(), labels.clone())));
    }
    for (how, chunk) in ways {
        let norms = mapped::over_examples(chunk).of(mapped::norm);
        row(&format!("norms of gradients, {how}"), || drop(norms(layers.clone(), x.clone(), labels.clone())));
    }
}

/// A line of a table: the most memory beyond what there is, and the least time.
fn row(name: &str, run: impl Fn()) {
    Cpu::reset_memory_peak();
    let before = Cpu::memory();
    let mut time = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        run();
        time = time.min(start.elapsed().as_secs_f64() * 1e3);
    }
    let peak = Cpu::memory().peak - before.in_use;
    println!("| {name} | {:.1} MB | {time:.1} ms |", peak as f64 / 1e6);
}
