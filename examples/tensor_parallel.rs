//! Tensor parallelism by `shard_map`: a transformer's MLP block whose matrices are cut over devices.
//!
//! What to look at: four devices in a mesh of two rows and two columns. Examples are cut over "data". The first matrix is cut by
//! columns over "model", the second by rows: each device computes with its columns and rows alone, and one `psum` makes the
//! outputs whole ([`block`]). The specs beside the program say all this; the gradient is asked for as on one device ([`step`]), and
//! is right for what is cut and for what is the same everywhere: no sum over devices is written for it.

use plywood::prelude::*;

const WIDTH: usize = 32;
const HIDDEN: usize = 128;
const EXAMPLES: usize = 64;
const STEPS: usize = 5;
const RATE: f64 = 0.1;

/// `[width, hidden]`, `[hidden]`, `[hidden, width]`, `[width]`.
type Params<B> = (Tensor<B>, Tensor<B>, Tensor<B>, Tensor<B>);

fn init<B: Backend>(key: &Tensor<B>) -> Params<B> {
    let [k1, k2] = random::split(key);
    let matrix = |key, inputs: usize, outputs: usize| {
        (1.0 / inputs as f64).sqrt() * random::normal(key, [inputs, outputs], DType::F32)
    };
    let zeros = |n: usize| Tensor::zeros([n], DType::F32);
    (matrix(&k1, WIDTH, HIDDEN), zeros(HIDDEN), matrix(&k2, HIDDEN, WIDTH), zeros(WIDTH))
}

/// The block on a device: of the hidden units it has some.
fn block<B: Backend>((w1, b1, w2, b2): Params<B>, x: Tensor<B>) -> Tensor<B> {
    let hidden = (x.matmul(&w1) + b1).gelu();
    x + psum(hidden.matmul(&w2), "model") + b2
}

/// The loss over all examples, the same on all devices.
fn loss<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    pmean((block(params, x) - y).square().mean(), "data")
}

/// The loss, its gradient, and the parameters after a step down.
fn step<B: Backend>(params: Params<B>, x: Tensor<B>, y: Tensor<B>) -> (Tensor<B>, Params<B>, Params<B>) {
    let (loss, g) = value_and_grad(loss)(params.clone(), x, y);
    let next = tree_map([params, g.clone()], |[p, g]| p - RATE * g);
    (loss, g, next)
}

/// The same on one device.
fn loss_alone<B: Backend>((w1, b1, w2, b2): Params<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let out = &x + (x.matmul(&w1) + b1).gelu().matmul(&w2) + b2;
    (out - y).square().mean()
}

fn step_alone<B: Backend>(
    params: Params<B>,
    x: Tensor<B>,
    y: Tensor<B>,
) -> (Tensor<B>, Params<B>, Params<B>) {
    let (loss, g) = value_and_grad(loss_alone)(params.clone(), x, y);
    let next = tree_map([params, g.clone()], |[p, g]| p - RATE * g);
    (loss, g, next)
}

/// The largest difference between two trees.
fn difference<B: Backend, T: Tree<B>>(a: &T, b: &T) -> f32 {
    let pairs = tree_leaves(a).into_iter().zip(tree_leaves(b));
    pairs.map(|(a, b)| (a - b).abs().max().item::<f32>()).fold(0.0, f32::max)
}

fn run<B: Backend>() -> f32 {
    let [weights, teacher, data] = random::split(&random::key::<B>(0));
    let x = random::normal(&data, [EXAMPLES, WIDTH], DType::F32);
    // What is to be learned: what another block does.
    let (w1, b1, w2, b2) = init(&teacher);
    let y = &x + (x.matmul(&w1) + b1).gelu().matmul(&w2) + b2;

    let mesh = Mesh::new([("data", 2), ("model", 2)]);
    let params = || (spec((None, "model")), spec("model"), spec("model"), spec(()));
    let on_mesh =
        shard_map(step, &mesh, (params(), spec("data"), spec("data")), (spec(()), params(), params()));

    let mut params = init(&weights);
    let mut alone = params.clone();
    let mut worst: f32 = 0.0;
    for i in 0..STEPS {
        let (loss, g, next) = on_mesh(params, x.clone(), y.clone());
        if i == 0 {
            for part in shards(&next.0) {
                println!("{}: {} of the first matrix", part.device, part.data.shape());
            }
        }
        let (loss_alone, g_alone, next_alone) = step_alone(alone, x.clone(), y.clone());
        let of_gradients = difference(&g, &g_alone);
        println!("step {i}: loss {loss}, on one device {loss_alone}; gradients differ by {of_gradients:.0e}");
        (params, alone) = (next, next_alone);
        worst = worst.max(difference(&loss, &loss_alone)).max(of_gradients).max(difference(&params, &alone));
    }
    worst
}

fn main() {
    let difference = run::<Cpu>();
    println!("max difference {difference:.0e}");
    assert!(difference <= 1e-5);
}
