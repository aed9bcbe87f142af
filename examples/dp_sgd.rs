//! Differentially private learning: handwritten digits by DP-SGD (Abadi et al., "Deep learning with differential
//! privacy", 2016). From the network one can hardly tell whether an image was among those that it learned from.
//!
//! What to look at:
//! - [`clipped`] is written for one example: the gradient of its loss, made no longer than [`CLIP`]. That bounds what one
//!   example can do, and needs the gradient of each, not that of a batch's mean;
//! - `Vmap::new().in_axes((None, 0, 0)).of(clipped)` computes it for a batch, whose size differs from step to step;
//! - every random number comes from a key that is derived, not drawn: which examples, and the noise of each parameter.
//!   The noise is as secret as its key: who means it takes one that nobody knows.

#[path = "digits/data.rs"]
mod data;
#[path = "digits/model.rs"]
mod model;

use data::{CLASSES, Dataset, Examples};
use model::{Mlp, loss};
use plywood::prelude::*;

/// The longest gradient of one example.
const CLIP: f64 = 1.0;
/// The standard deviation of the noise on the sum of a batch's gradients, in units of `CLIP`.
const NOISE: f64 = 4.0;
/// The probability with which an example is in a batch.
const RATE: f64 = 0.2;
const STEPS: usize = 200;
const LEARNING_RATE: f64 = 1.5;
/// The probability with which the bound on the loss of privacy need not hold; less than one example's share.
const DELTA: f64 = 1e-4;

/// The gradient by one example, of a norm of at most `CLIP`.
fn clipped<B: Backend>(params: Mlp<B>, image: Tensor<B>, label: Tensor<B>) -> Mlp<B> {
    let g = grad(loss)(params, image, label);
    let squares =
        tree_leaves(&g).iter().map(|g| g.square().sum()).reduce(|a, b| a + b).expect("there are parameters");
    let scale = (CLIP / squares.sqrt()).minimum(1.0);
    tree_map([g], |[g]| g * &scale)
}

/// Normal noise for each parameter.
fn noise<B: Backend>(key: &Tensor<B>, params: Mlp<B>) -> Mlp<B> {
    let mut keys = (0..).map(|i| random::fold_in(key, i));
    tree_map([params], |[p]| random::normal(&keys.next().expect("no end"), p.shape(), DType::F32))
}

/// How private so many steps are: ε, such that whether an example was there changes the probability of any result by a
/// factor of at most exp(ε). By the Rényi divergence of a Gaussian over a sample, of integer orders (Mironov, Talwar and
/// Zhang, 2019), whose sum over the steps bounds ε (Mironov, 2017).
fn epsilon(steps: usize) -> f64 {
    let of_order = |order: i32| {
        // The logarithms of the terms over k of (order choose k) (1 - RATE)^(order - k) RATE^k exp((k² - k) / 2 NOISE²).
        let mut choose = 0.0;
        let terms = (0..=order).map(|k| {
            let (rest, k) = ((order - k) as f64, k as f64);
            let term =
                choose + rest * (1.0 - RATE).ln() + k * RATE.ln() + (k * k - k) / (2.0 * NOISE * NOISE);
            choose += (rest / (k + 1.0)).ln();
            term.exp()
        });
        let divergence = terms.sum::<f64>().ln() / (order - 1) as f64;
        steps as f64 * divergence - DELTA.ln() / (order - 1) as f64
    };
    (2..64).map(of_order).fold(f64::INFINITY, f64::min)
}

fn run<B: Backend>() -> f32 {
    let [split, init, sample, noise_key] = random::split(&random::key::<B>(0));
    let Dataset { train, test, size: [height, width] } = Dataset::built_in(&split);
    println!("{} images to train on, {} to test", train.len(), test.len());
    println!("clip norm {CLIP}, noise multiplier {NOISE}, sampling rate {RATE}, delta {DELTA:e}");

    let accuracy =
        |params: &Mlp<B>| params.predict(&test.images).argmax(-1).eq(&test.labels).mean().item::<f32>();
    let mut params = Mlp::new(&init, &[height * width, 64, CLASSES]);
    let gradients = Vmap::new().in_axes((None, 0, 0)).of(clipped);
    for step in 0..STEPS {
        let chosen = random::bernoulli(&random::fold_in(&sample, step), RATE, [train.len()]);
        let Examples { images, labels } = train.get(&chosen.flatnonzero());
        let each = gradients(params.clone(), images, labels);
        let noise = noise(&random::fold_in(&noise_key, step), params.clone());
        // Divided by the size that is expected: that of this very batch is nobody's business.
        let expected = RATE * train.len() as f64;
        params = tree_map([params, each, noise], |[p, each, noise]| {
            p - LEARNING_RATE / expected * (each.sum_axes(0) + NOISE * CLIP * noise)
        });
        if (step + 1) % 40 == 0 {
            let (step, epsilon) = (step + 1, epsilon(step + 1));
            println!("step {step:>3}  epsilon {epsilon:.2}  accuracy {:.4}", accuracy(&params));
        }
    }
    accuracy(&params)
}

fn main() {
    let accuracy = run::<Cpu>();
    println!("test accuracy {accuracy:.4}");
}
