//! Learning to learn: a network that fits a sinusoid it has never met from ten points, by one step of gradient descent
//! (Finn, Abbeel and Levine, "Model-agnostic meta-learning", 2017).
//!
//! What to look at:
//! - [`adapt`] takes a step along a gradient, and what is learned is where to start from: the gradient of the loss *after*
//!   the step runs back through the step, so it contains derivatives of derivatives. It is `grad` inside `grad`;
//! - [`losses`] is written for one task, and a task is a key: amplitude, phase and points come from it. Between the two
//!   derivatives stands a `vmap` over keys, which runs all tasks at once, each with its own adapted network.

#[path = "digits/adam.rs"]
mod adam;
// Its loss is of classes, and there are none here.
#[path = "digits/model.rs"]
#[allow(dead_code)]
mod model;

use adam::Adam;
use model::Mlp;
use plywood::prelude::*;
use std::f64::consts::PI;

/// Points that a task shows, and as many by which it is judged.
const POINTS: usize = 10;
/// Tasks in a batch.
const TASKS: usize = 25;
const STEPS: usize = 2000;
/// The learning rate of the step within a task.
const INNER_RATE: f64 = 0.03;

/// x and y, each `[POINTS, 1]`.
type Points<B> = (Tensor<B>, Tensor<B>);

/// A sinusoid: points to adapt to, and others.
fn task<B: Backend>(key: &Tensor<B>) -> [Points<B>; 2] {
    let [amplitude, phase, shown, asked] = random::split(key);
    let amplitude = random::uniform_range(&amplitude, [], DType::F32, 0.1, 5.0);
    let phase = random::uniform_range(&phase, [], DType::F32, 0.0, PI);
    [shown, asked].map(|key| {
        let x = random::uniform_range(&key, [POINTS, 1], DType::F32, -5.0, 5.0);
        let y = &amplitude * (&x - &phase).sin();
        (x, y)
    })
}

fn loss<B: Backend>(params: Mlp<B>, (x, y): Points<B>) -> Tensor<B> {
    (params.predict(&(x / 5.0)) - y).square().mean()
}

/// The network after one step towards some points.
fn adapt<B: Backend>(params: Mlp<B>, shown: Points<B>) -> Mlp<B> {
    let g = grad(loss)(params.clone(), shown);
    tree_map([params, g], |[p, g]| p - INNER_RATE * g)
}

/// The losses on a task, before and after the network has seen some of its points.
fn losses<B: Backend>(params: Mlp<B>, key: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let [shown, asked] = task(&key);
    (loss(params.clone(), asked.clone()), loss(adapt(params, shown), asked))
}

/// Their means over many tasks.
fn mean_losses<B: Backend>(params: Mlp<B>, keys: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let (before, after) = Vmap::new().in_axes((None, 0)).of(losses)(params, keys);
    (before.mean(), after.mean())
}

/// What is learned: to be good after the step.
fn meta_loss<B: Backend>(params: Mlp<B>, keys: Tensor<B>) -> Tensor<B> {
    mean_losses(params, keys).1
}

fn run<B: Backend>() -> [f32; 2] {
    let [init, train, test] = random::split(&random::key::<B>(0));
    let mut params = Mlp::new(&init, &[1, 40, 40, 1]);
    let mut adam = Adam::new(&params, 5e-3);
    let held_out = random::split_n(&test, 500);
    let judge = |params: &Mlp<B>| {
        let (before, after) = mean_losses(params.clone(), held_out.clone());
        [before, after].map(|loss| loss.item::<f32>())
    };
    let meta_grad = grad(meta_loss);
    for step in 0..STEPS {
        if step % (STEPS / 10) == 0 {
            let [before, after] = judge(&params);
            println!("step {step:>4}  before adaptation {before:.2}, after {after:.2}");
        }
        let keys = random::split_n(&random::fold_in(&train, step), TASKS);
        let g = meta_grad(params.clone(), keys);
        (params, adam) = adam.update(params, g);
    }
    judge(&params)
}

fn main() {
    let [before, after] = run::<Cpu>();
    println!("loss after adaptation {after:.2} (before {before:.2})");
    assert!(after <= before / 2.0);
}
