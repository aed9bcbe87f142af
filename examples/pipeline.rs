//! A pipeline by `shard_map`: each device has one stage of a network, and what it computes travels to the next.
//!
//! What to look at: [`pipeline`] is a `scan` over ticks. At each, every device applies its stage to the micro-batch that it has,
//! and `ppermute` moves all results one device on, while the first device takes a new one. So with four stages and six
//! micro-batches all are through in nine ticks:
//!
//! ```text
//! tick      0 1 2 3 4 5 6 7 8
//! stage 0   0 1 2 3 4 5 . . .
//! stage 1   . 0 1 2 3 4 5 . .
//! stage 2   . . 0 1 2 3 4 5 .
//! stage 3   . . . 0 1 2 3 4 5
//! ```
//!
//! The gradient of this loop is a loop that runs backwards, and its `ppermute` goes from each device to the one before: the
//! pipeline's backward pass is not written anywhere. `checkpoint` keeps of a stage what enters it, and computes its inside again
//! (Huang et al., "GPipe", 2019).

use plywood::prelude::*;

const STAGES: usize = 4;
const MICRO_BATCHES: usize = 6;
const EXAMPLES: usize = 8;
const WIDTH: usize = 16;

/// A stage: a layer on micro-batches `[examples, width]`.
fn stage<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    &x + (x.matmul(&w) + b).tanh()
}

/// All stages for micro-batches `[n, examples, width]`, on a device that has its stage's `w` `[1, width, width]` and `b` `[1, width]`.
fn pipeline<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    let (w, b) = (w.get(0), b.get(0));
    let here = axis_index::<B>("stage");
    let (first, last) = (here.eq(0), here.eq(STAGES - 1));
    // While the last ones go through, nothing enters.
    let nothing = Tensor::zeros([STAGES - 1, EXAMPLES, WIDTH], x.dtype());
    let entering = concatenate([&x, &nothing], 0);
    let onward: Vec<(usize, usize)> = (1..STAGES).map(|to| (to - 1, to)).collect();

    let tick = |arrived: Tensor<_>, entering: Tensor<_>| {
        let x = first.lift().select(&entering, &arrived);
        let y = checkpoint(stage)(w.lift(), b.lift(), x);
        (ppermute(y.clone(), "stage", &onward), y)
    };
    let (_, results) = scan(tick, x.get(0).zeros_like(), entering);
    // The last device has the results, once the first micro-batch has come through.
    let results = results.get(STAGES - 1..);
    psum(last.select(&results, results.zeros_like()), "stage")
}

fn loss<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    (pipeline(w, b, x) - y).square().mean()
}

/// The loss and the gradients of this device's stage.
fn inside<B: Backend>(w: Tensor<B>, b: Tensor<B>, x: Tensor<B>, y: Tensor<B>) -> (Tensor<B>, Params<B>) {
    value_and_grad(|(w, b): Params<_>, x: Tensor<_>, y: Tensor<_>| loss(w, b, x, y))((w, b), x, y)
}

/// All stages' `w` `[stages, width, width]` and `b` `[stages, width]`.
type Params<B> = (Tensor<B>, Tensor<B>);

/// The loss by the pipeline, as a function of all stages.
fn on_devices<B: Backend>((w, b): Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let specs = (spec("stage"), spec("stage"), spec(()), spec(()));
    shard_map(loss, &Mesh::new([("stage", STAGES)]), specs, spec(()))(w, b, x, y)
}

/// The same on one device.
fn alone<B: Backend>((w, b): Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let out = (0..STAGES).fold(x, |x, i| stage(w.get(i), b.get(i), x));
    (out - y).square().mean()
}

fn run<B: Backend>() -> f32 {
    let [w, b, x, y] = random::split(&random::key::<B>(0));
    let w = 0.2 * random::normal(&w, [STAGES, WIDTH, WIDTH], DType::F32);
    let b = 0.1 * random::normal(&b, [STAGES, WIDTH], DType::F32);
    let x = random::normal(&x, [MICRO_BATCHES, EXAMPLES, WIDTH], DType::F32);
    let y = random::normal(&y, [MICRO_BATCHES, EXAMPLES, WIDTH], DType::F32);

    // Each device takes the gradient of its own stage.
    let specs = (spec("stage"), spec("stage"), spec(()), spec(()));
    let results = (spec(()), spec("stage"));
    let on_mesh = shard_map(inside, &Mesh::new([("stage", STAGES)]), specs, results);
    let (loss, g) = on_mesh(w.clone(), b.clone(), x.clone(), y.clone());
    for (i, part) in shards(&g.0).iter().enumerate() {
        let norm = part.data.square().sum().sqrt();
        println!("{} has stage {i}; the gradient of its matrix has norm {norm}", part.device);
    }
    // Or the whole program is differentiated.
    let (outside, g_outside) = value_and_grad(on_devices)((w.clone(), b.clone()), x.clone(), y.clone());
    let (expected, g_expected) = value_and_grad(alone)((w, b), x, y);
    println!("loss           inside {loss}, through it {outside}, on one device {expected}");

    let difference = |a: &Tensor<B>, b: &Tensor<B>| (a - b).abs().max().item::<f32>();
    let of_gradients = |g: &Params<B>| difference(&g.0, &g_expected.0).max(difference(&g.1, &g_expected.1));
    println!("gradients      inside {:.0e}, through it {:.0e}", of_gradients(&g), of_gradients(&g_outside));
    let of_losses = difference(&loss, &expected).max(difference(&outside, &expected));
    of_losses.max(of_gradients(&g)).max(of_gradients(&g_outside))
}

fn main() {
    let difference = run::<Cpu>();
    println!("max difference {difference:.0e}");
    assert!(difference <= 1e-5);
}
