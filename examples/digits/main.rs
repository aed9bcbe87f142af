//! Handwritten digits: an MLP, trained with `value_and_grad`, minibatches and Adam, each step jitted.
//!
//! ```text
//! cargo run --release --example digits
//! cargo run --release --example digits -- --epochs 5 --data path/to/mnist
//! cargo run --release --example digits -- --backend lazy
//! cargo run --release --features wgpu --example digits -- --backend wgpu
//! ```
//!
//! What to look at:
//! - `model.rs`: parameters are plain structs that derive `Tree`, and the loss is a plain function of them;
//! - [`train_step`] below: `value_and_grad(loss)` is called like `loss`, and gives gradients in the shape of the parameters;
//! - [`train`]: the whole step is recorded once and then runs as one graph, `Jit::new().of(train_step)`; parameters and Adam's
//!   state are moved in, so that the step may overwrite them;
//! - `adam.rs`: an optimizer is a few lines with `tree_map`, which goes through parameters and gradients together;
//! - every random number comes from one key, split: the same `--seed` gives the same accuracy.
//!
//! Everything is generic over the backend; only [`trained`] says which it is: `Cpu`; `Fusion<Cpu>`, on which what stands around a step
//! is put off too, until `eval`, and then runs with it as one graph that is planned once; or what a name says at run time, `Dyn`.

mod adam;
mod data;
mod draw;
mod idx;
mod mnist;
mod model;

use adam::Adam;
use clap::Parser;
use data::{Dataset, Examples};
use indicatif::{ProgressBar, ProgressStyle};
use mnist::DataError;
use model::{Mlp, loss};
use plywood::prelude::*;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Trains a classifier of handwritten digits and shows what it has learned.
#[derive(Parser)]
struct Args {
    /// How often the training images are gone through
    #[arg(long, default_value_t = 40)]
    epochs: u32,
    /// Images in a minibatch
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Learning rate
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A folder with the four files of MNIST (train-images-idx3-ubyte and so on, or with .gz) instead of the built-in data
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What computes: cpu, lazy (the CPU, a step and what stands around it as one graph), or a GPU: cuda, wgpu (features)
    #[arg(long, default_value = "cpu")]
    backend: String,
}

fn main() -> ExitCode {
    match trained(&Args::parse()) {
        Ok(accuracy) => println!("test accuracy {accuracy:.4}"),
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// The accuracy on the backend that was asked for.
fn trained(args: &Args) -> Result<f32, Box<dyn Error>> {
    Ok(match &args.backend[..] {
        "cpu" => run::<Cpu>(args)?,
        "lazy" => run::<Fusion<Cpu>>(args)?,
        other => {
            Dyn::set_default(other)?;
            run::<Dyn>(args)?
        }
    })
}

/// Trains, shows some predictions, and gives the accuracy on the test images.
fn run<B: Backend>(args: &Args) -> Result<f32, DataError> {
    let [split, init, order] = random::split(&random::key::<B>(args.seed));
    let data = match &args.data {
        Some(dir) => Dataset::mnist(dir)?,
        None => Dataset::built_in(&split),
    };
    let [height, width] = data.size;
    println!("{} images of {height}x{width} to train on, {} to test", data.train.len(), data.test.len());

    let params = Mlp::new(&init, &[height * width, 256, 128, data::CLASSES]);
    let start = Instant::now();
    let params = train(args, params, &data.train, &order);
    println!("{} epochs in {:.1} s", args.epochs, start.elapsed().as_secs_f64());

    let predicted = params.predict(&data.test.images).argmax(-1);
    draw::images(&data.test, data.size, &predicted.to_vec::<i32>());
    Ok(predicted.eq(&data.test.labels).mean().item())
}

/// Parameters and Adam's state after a minibatch, and the loss before it.
fn train_step<B: Backend>(
    params: Mlp<B>,
    adam: Adam<B>,
    images: Tensor<B>,
    labels: Tensor<B>,
) -> (Mlp<B>, Adam<B>, Tensor<B>) {
    let (loss, grads) = value_and_grad(loss)(params.clone(), images, labels);
    let (params, adam) = adam.update(params, grads);
    (params, adam, loss)
}

/// The parameters after `args.epochs` passes over the training images, each in another order.
fn train<B: Backend>(args: &Args, mut params: Mlp<B>, train: &Examples<B>, key: &Tensor<B>) -> Mlp<B> {
    let batch = train.len().min(args.batch as usize);
    let batches = train.len() / batch;
    let bar = ProgressBar::new(args.epochs as u64 * batches as u64).with_style(bar_style());

    let step = Jit::new().of(train_step);
    let mut adam = Adam::new(&params, args.lr);
    for epoch in 0..args.epochs {
        let order = random::permutation(&random::fold_in(key, epoch), train.len());
        let mut total = Tensor::zeros([], DType::F32);
        for i in 0..batches {
            let rows = order.get(i * batch..(i + 1) * batch);
            let Examples { images, labels } = train.get(&rows);
            let loss;
            (params, adam, loss) = step.call((params, adam, images, labels));
            total += loss;
            eval(&(params.clone(), adam.clone(), total.clone()));
            bar.inc(1);
        }
        let mean = total / batches;
        bar.set_message(format!("epoch {}, loss {:.4}", epoch + 1, mean.item::<f32>()));
    }
    bar.finish();
    params
}

/// What is drawn on a terminal's standard error; elsewhere nothing is.
fn bar_style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}").expect("a template")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_learns_and_a_seed_gives_the_same_again() {
        let args = Args::parse_from(["digits", "--seed", "3"]);
        let accuracy = run::<Cpu>(&args).unwrap();
        assert!(accuracy >= 0.97, "{accuracy}");
        assert_eq!(run::<Cpu>(&args).unwrap(), accuracy);
        assert_eq!(run::<Fusion<Cpu>>(&args).unwrap(), accuracy);
        // Every step of both runs has one recording: all minibatches are of one size, and the number of the step is a tensor.
        type Inputs = (Mlp<Cpu>, Adam<Cpu>, Tensor<Cpu>, Tensor<Cpu>);
        let step = Jit::new().of::<Cpu, Inputs, _, _>(train_step);
        assert!(step.stats().calls > 1000);
        assert_eq!(step.stats().recordings, 1);
    }
}
