//! An ensemble: ten networks learn handwritten digits at once, and vote.
//!
//! What to look at: [`train`] is written for one network and is a function of its key, from which the first weights and the
//! order of the images come. `vmap` over ten keys trains ten, step by step together: initialization, shuffling, gradients
//! and Adam are each executed once a step, for all. The images are the same for all (`None`), and are not copied; each
//! network picks other rows of them.

#[path = "digits/adam.rs"]
mod adam;
#[path = "digits/data.rs"]
mod data;
#[path = "digits/model.rs"]
mod model;

use adam::Adam;
use data::{CLASSES, Dataset};
use model::{Mlp, loss};
use plywood::prelude::*;
use std::time::Instant;

const NETWORKS: usize = 10;
const EPOCHS: usize = 20;
const BATCH: usize = 64;

/// A network that has learned.
fn train<B: Backend>(key: Tensor<B>, images: Tensor<B>, labels: Tensor<B>) -> Mlp<B> {
    let [init, order] = random::split(&key);
    let mut params = Mlp::new(&init, &[images.size(1), 64, 64, CLASSES]);
    let mut adam = Adam::new(&params, 3e-3);
    for epoch in 0..EPOCHS {
        let order = random::permutation(&random::fold_in(&order, epoch), images.size(0));
        for i in 0..images.size(0) / BATCH {
            let rows = order.get(i * BATCH..(i + 1) * BATCH);
            let g = grad(loss)(params.clone(), images.get(&rows), labels.get(&rows));
            (params, adam) = adam.update(params, g);
        }
    }
    params
}

/// The probabilities of the classes `[n, classes]`.
fn predict<B: Backend>(params: Mlp<B>, images: Tensor<B>) -> Tensor<B> {
    params.predict(&images).softmax(-1)
}

fn run<B: Backend>() -> f32 {
    let [split, seed] = random::split(&random::key::<B>(0));
    let Dataset { train: known, test, size: [height, width] } = Dataset::built_in(&split);
    println!("{} images of {height}x{width} to train on, {} to test", known.len(), test.len());

    let keys = random::split_n(&seed, NETWORKS);
    let train_all = Vmap::new().in_axes((0, None, None)).of(train);
    let start = Instant::now();
    let networks = train_all(keys.clone(), known.images.clone(), known.labels.clone());
    let together = start.elapsed().as_secs_f64();
    let alone = train(keys.get(0), known.images, known.labels);
    let apart = start.elapsed().as_secs_f64() - together;
    println!("{NETWORKS} networks in {together:.1} s, the first of them alone in {apart:.1} s");

    let p = Vmap::new().in_axes((0, None)).of(predict)(networks, test.images.clone());
    let difference = (p.get(0) - predict(alone, test.images)).abs().max().item::<f32>();
    println!("max difference between the first and itself alone {difference:.0e}\n");

    let accuracy = |p: &Tensor<B>| p.argmax(-1).eq(&test.labels).mean().item::<f32>();
    for i in 0..NETWORKS {
        println!("network {i}     {:.4}", accuracy(&p.get(i)));
    }
    accuracy(&p.mean_axes(0))
}

fn main() {
    let accuracy = run::<Cpu>();
    println!("test accuracy {accuracy:.4}");
}
