//! Programs on many devices beside the same on one with all threads: `cargo run --release -p plywood-benches --bin devices`.
//!
//! The CPU is divided into two devices. Sums between them are compared with a copy of as many bytes in the same run.

use plywood::prelude::*;
use plywood_benches::machine::{describe, digits, time};
use plywood_benches::measure::{Timing, Work, keep, samples};

/// Weights and biases.
type Params<B> = Vec<(Tensor<B>, Tensor<B>)>;

fn loss<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let last = params.len() - 1;
    let layers = params.into_iter().enumerate();
    let logits = layers.fold(x, |x, (i, (w, b))| {
        let z = x.matmul(&w) + b;
        if i < last { z.relu() } else { z }
    });
    -(logits.log_softmax(-1) * y).sum_axes([-1]).mean()
}

fn descend<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Params<B> {
    let g = grad(loss)(params.clone(), x, y);
    tree_map([params, g], |[p, g]| p - 0.01 * g)
}

/// The same, of some of the examples: gradients are those of all devices' losses together.
fn descend_together<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Params<B> {
    let g = grad(loss)(params.clone(), x, y);
    let rate = 0.01 / axis_size("data") as f64;
    tree_map([params, g], |[p, g]| p - rate * g)
}

fn params(sizes: &[usize]) -> Params<Cpu> {
    let keys = random::split_n(&random::key::<Cpu>(0), sizes.len());
    let layer = |(i, pair): (usize, &[usize])| {
        let w =
            random::normal(&keys.get(i as i32), [pair[0], pair[1]], DType::F32) * (pair[0] as f64).powf(-0.5);
        (w, Tensor::zeros([pair[1]], DType::F32))
    };
    sizes.windows(2).enumerate().map(layer).collect()
}

/// Times some works in turns, and prints the first's time and the others' beside it.
fn compare(name: &str, works: Vec<(&str, Work)>) {
    let mut works = works;
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); works.len()];
    for _ in 0..5 {
        for ((_, work), all) in works.iter_mut().zip(&mut all) {
            all.extend(samples(work, 0.3));
        }
    }
    println!("{name}");
    let timings: Vec<Timing> = all.into_iter().map(Timing::of).collect();
    for ((what, _), t) in works.iter().zip(&timings) {
        let ratio = digits(t.min / timings[0].min);
        println!("  {what:<34} min {:>9}  median {:>9}  {ratio} of the first", time(t.min), time(t.median));
    }
}

fn step(sizes: &'static [usize], batch: usize) {
    let [k1, k2] = random::split(&random::key::<Cpu>(1));
    let x = random::normal(&k1, [batch, sizes[0]], DType::F32);
    let y = random::uniform(&k2, [batch, sizes[sizes.len() - 1]], DType::F32);
    let (x2, y2) = (x.clone(), y.clone());
    let mut state = Some(params(sizes));
    let one = move || {
        let next = jit(descend)(state.take().expect("there is one"), x.clone(), y.clone());
        state = Some(next);
    };
    let mesh = Mesh::new([("data", 2)]);
    let specs = (spec(()), spec("data"), spec("data"));
    let program = shard_map(descend_together, &mesh, specs, spec(()));
    let mut state = Some(params(sizes));
    let two = move || {
        let next = program(state.take().expect("there is one"), x2.clone(), y2.clone());
        state = Some(next);
    };
    compare(
        &format!("gradient step of an MLP {sizes:?}, {batch} examples"),
        vec![("one device, all threads", keep(one)), ("two devices", keep(two))],
    );
}

fn numbers(n: usize) {
    let key = random::key::<Cpu>(0);
    let keys = random::split_n(&key, 2);
    let k = keys.clone();
    let one = move || jit(vmap(draw::<_, 1_000_000>))(k.clone());
    let two = move || pmap(draw::<_, 1_000_000>)(keys.clone());
    assert_eq!(n, 1_000_000);
    compare(
        "normal numbers, 2 x 1e6",
        vec![("one device, all threads", keep(one)), ("two devices", keep(two))],
    );
}

fn draw<B: Backend, const N: usize>(key: Tensor<B>) -> Tensor<B> {
    random::normal(&key, [N], DType::F32)
}

fn sums(n: usize) {
    let x = random::uniform(&random::key::<Cpu>(0), [2, n], DType::F32);
    let y = pmap(|x: Tensor<_>| x + 1.0)(x);
    let total = Pmap::new().axis_name("i").of(|x: Tensor<_>| psum(x, "i"));
    let source = vec![1f32; 2 * n];
    let mut target = vec![0f32; 2 * n];
    let copy = move || {
        target.copy_from_slice(&source);
        std::hint::black_box(&target);
    };
    compare(
        &format!("sum over 2 devices of {} each, beside a copy of both", bytes(4 * n)),
        vec![("copy, one thread", Box::new(copy)), ("psum", keep(move || total(y.clone())))],
    );
}

fn bytes(n: usize) -> String {
    if n < 1 << 20 { format!("{} KiB", n >> 10) } else { format!("{} MiB", n >> 20) }
}

fn main() {
    println!("{}", describe());
    step(&[784, 512, 512, 10], 256);
    step(&[64, 128, 10], 64);
    numbers(1_000_000);
    for n in [1 << 10, 1 << 16, 1 << 20, 1 << 24] {
        sums(n);
    }
}
