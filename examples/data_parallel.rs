//! Data parallelism by `shard_map`: handwritten digits learned on several devices, each with its part of every minibatch.
//!
//! ```text
//! cargo run --release --example data_parallel -- --devices 2
//! cargo run --release --example data_parallel -- --devices 4 --checkpoint target/run --every 50
//! ```
//!
//! What to look at: [`loss`] is the mean over a device's part, and the `pmean` of that; [`train_step`] is written as for one
//! device. By its specs the parameters are the same on all devices, so their gradients are those of all examples: whatever the
//! number of devices, the losses are the same to rounding. A checkpoint knows nothing of devices: a run that was stopped goes on
//! on any number of them.

#[path = "digits/adam.rs"]
mod adam;
#[path = "digits/data.rs"]
mod data;
#[path = "digits/model.rs"]
mod model;

use adam::Adam;
use clap::Parser;
use data::{CLASSES, Dataset, Examples};
use model::Mlp;
use plywood::checkpoint::{Checkpoint, Checkpoints};
use plywood::prelude::*;
use plywood::{rank, world_size};
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Trains a classifier of handwritten digits on several devices.
#[derive(Clone, Parser)]
struct Args {
    /// How many devices; the CPU is divided into as many [default: 2, or one for each process]
    #[arg(long)]
    devices: Option<usize>,
    /// How often the training images are gone through
    #[arg(long, default_value_t = 20)]
    epochs: usize,
    /// Images in a minibatch, of all devices
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Learning rate
    #[arg(long, default_value_t = 2e-3)]
    lr: f64,
    /// Seed of all random numbers
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A folder for checkpoints; a run goes on from the latest there
    #[arg(long, value_name = "DIR")]
    checkpoint: Option<PathBuf>,
    /// Steps from one checkpoint to the next
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    /// Stops after so many steps, with a checkpoint
    #[arg(long, value_name = "STEPS")]
    stop_after: Option<u64>,
    /// Joins the other processes of the job: each is one device
    #[arg(long)]
    mpi: bool,
}

/// Steps from one line that says the loss to the next.
const SAID: u64 = 40;
/// Checkpoints that are kept.
const KEPT: usize = 3;

fn main() -> ExitCode {
    let args = Args::parse();
    match join_world(args.mpi).and_then(|()| run::<Cpu>(&args)) {
        Ok((_, end)) if rank() == 0 => match end.accuracy {
            Some(accuracy) => println!("test accuracy {accuracy:.4}"),
            None => println!("stopped after step {}", end.steps),
        },
        Ok(_) => {}
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Joins the other processes of the job, if there are to be any.
fn join_world(mpi: bool) -> Result<(), Box<dyn Error>> {
    match mpi {
        #[cfg(feature = "mpi")]
        true => Ok(plywood::mpi::join()?),
        #[cfg(not(feature = "mpi"))]
        true => Err("this build does not know MPI; with --features mpi it does".into()),
        false => Ok(()),
    }
}

/// How a run ends: after so many steps; the accuracy, where these were all.
struct End {
    steps: u64,
    accuracy: Option<f32>,
}

/// Parameters and Adam's state.
type State<B> = (Mlp<B>, Adam<B>);

/// The mean over all devices' examples.
fn loss<B: Backend>(params: Mlp<B>, images: Tensor<B>, labels: Tensor<B>) -> Tensor<B> {
    pmean(model::loss(params, images, labels), "data")
}

/// The state after a minibatch, and the loss before it.
fn train_step<B: Backend>(
    (params, adam): State<B>,
    images: Tensor<B>,
    labels: Tensor<B>,
) -> (State<B>, Tensor<B>) {
    let (loss, grads) = value_and_grad(loss)(params.clone(), images, labels);
    (adam.update(params, grads), loss)
}

/// Trains, from the latest checkpoint if there is one. All processes do this, each as its device; the first of them prints and saves.
fn run<B: Backend>(args: &Args) -> Result<(State<B>, End), Box<dyn Error>> {
    let say = |text: String| {
        if rank() == 0 {
            println!("{text}")
        }
    };
    let devices = args.devices.unwrap_or(if world_size() > 1 { world_size() } else { 2 });
    let [split, init, order] = random::split(&random::key::<B>(args.seed));
    let Dataset { train, test, size: [height, width] } = Dataset::built_in(&split);
    if devices == 0 || args.batch == 0 || !args.batch.is_multiple_of(devices) || args.batch > train.len() {
        let (batch, all) = (args.batch, train.len());
        return Err(format!(
            "a minibatch of {batch} of the {all} images is not cut into equal parts for {devices} devices"
        )
        .into());
    }
    say(format!(
        "{} images of {height}x{width} to train on, {} to test; devices: {devices}",
        train.len(),
        test.len()
    ));

    let params = Mlp::new(&init, &[height * width, 256, 128, CLASSES]);
    let mut state = (params.clone(), Adam::new(&params, args.lr));
    let checkpoints = args.checkpoint.as_ref().map(|folder| Checkpoints::new(folder).keep(KEPT));
    // What decides what is learned, besides the state.
    let options = format!("--seed {} --batch {}", args.seed, args.batch);
    let mut done = 0;
    if let Some((step, file)) = checkpoints.as_ref().map(Checkpoints::latest).transpose()?.flatten() {
        if let Some(other) = file.meta("options").filter(|other| *other != options) {
            return Err(format!(
                "{} is of a run with {other}, this one has {options}",
                file.path().display()
            )
            .into());
        }
        (state, done) = (file.load(state)?, step);
        say(format!("on from step {done}"));
    }

    let mesh = Mesh::new([("data", devices)]);
    let step = shard_map(train_step, &mesh, (spec(()), spec("data"), spec("data")), spec(()));
    let batches = (train.len() / args.batch) as u64;
    let last = args.epochs as u64 * batches;
    let until = args.stop_after.map_or(last, |steps| steps.min(last));
    let start = (Instant::now(), done);
    let mut shuffled = None;
    while done < until {
        // Which images come is a matter of the step's number alone.
        let (epoch, i) = (done / batches, (done % batches) as usize);
        if i == 0 {
            shuffled = None;
        }
        let shuffle = || random::permutation(&random::fold_in(&order, epoch as u32), train.len());
        let rows = shuffled.get_or_insert_with(shuffle).get(i * args.batch..(i + 1) * args.batch);
        let Examples { images, labels } = train.get(&rows);
        let loss;
        (state, loss) = step(state, images, labels);
        done += 1;
        if done % SAID == 1 {
            say(format!("step {done:4}  loss {:.4}", loss.item::<f32>()));
        }
        let saves = rank() == 0 && (done.is_multiple_of(args.every) || done == until);
        if let Some(checkpoints) = checkpoints.as_ref().filter(|_| saves) {
            checkpoints.save_with(done, &Checkpoint::new().meta("options", &options), &state)?;
        }
    }
    say(format!("{} steps in {:.1} s", done - start.1, start.0.elapsed().as_secs_f64()));
    let accuracy = || state.0.predict(&test.images).argmax(-1).eq(&test.labels).mean().item::<f32>();
    let accuracy = (done == last).then(accuracy);
    Ok((state, End { steps: done, accuracy }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run with these options.
    fn trained(options: &str) -> (State<Cpu>, End) {
        let args = Args::parse_from(std::iter::once("data_parallel").chain(options.split_whitespace()));
        run::<Cpu>(&args).unwrap()
    }

    /// The largest difference between numbers of two states, of all.
    fn difference(a: &State<Cpu>, b: &State<Cpu>) -> f32 {
        let pairs = tree_leaves(a).into_iter().zip(tree_leaves(b));
        pairs.map(|(a, b)| (a - b).abs().max().item::<f32>()).fold(0.0, f32::max)
    }

    #[test]
    fn a_run_that_was_stopped_goes_on_on_other_devices() {
        let folder = std::env::temp_dir().join(format!("plywood-data-parallel-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let (whole, end) = trained("--epochs 2 --devices 1");
        let kept = format!("--epochs 2 --checkpoint {} --every 10", folder.display());
        // In the middle of an epoch, on a step of no other checkpoint, and once more where nothing is to be done.
        for (options, steps) in [
            ("--devices 2 --stop-after 17", 17),
            ("--devices 4 --stop-after 30", 30),
            ("--devices 1 --stop-after 30", 30),
            ("--devices 2", 44),
        ] {
            let (part, there) = trained(&format!("{kept} {options}"));
            assert_eq!((there.steps, there.accuracy.is_some()), (steps, steps == end.steps));
            if steps == end.steps {
                let worst = difference(&part, &whole);
                assert!(worst <= 1e-4, "{worst}");
            }
        }
        let files = Checkpoints::new(&folder).steps().unwrap();
        assert_eq!(files, [30, 40, 44]);
        let other =
            Args::parse_from(["data_parallel", "--seed", "1", "--checkpoint", folder.to_str().unwrap()]);
        let refused = run::<Cpu>(&other).map(|_| ()).unwrap_err().to_string();
        assert!(
            refused.contains("is of a run with --seed 0 --batch 64, this one has --seed 1 --batch 64"),
            "{refused}"
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn it_learns_on_any_number_of_devices() {
        for devices in [1, 2] {
            let accuracy = trained(&format!("--devices {devices}")).1.accuracy.unwrap();
            assert!(accuracy >= 0.96, "{devices}: {accuracy}");
        }
    }
}
