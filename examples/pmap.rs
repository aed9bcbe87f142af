//! `pmap`: one program on many devices, each with its part.
//!
//! What to look at: the functions speak of one device's part, and have no axis for devices. Eight keys give eight matrices, each
//! made on its device, where it stays: the next `pmap` takes it from there. What devices have together they say by a name of
//! their axis, as in `psum(x, "devices")`. The CPU is divided into as many devices as there are keys; on GPUs they are the
//! machine's.

use plywood::prelude::*;
use std::time::Instant;

const DEVICES: usize = 8;
/// Of a device's matrix, f32: 120 MB, and 960 MB on all devices.
const SIZE: [usize; 2] = [5000, 6000];
/// The rows whose products with each other are taken; those of all rows are 2.4 TFLOP, half a minute on two cores.
const ROWS: usize = 500;

/// A matrix of random numbers.
fn numbers<B: Backend>(key: Tensor<B>) -> Tensor<B> {
    random::normal(&key, SIZE, DType::F32)
}

/// The mean of the products of the first rows with each other, and of all numbers.
fn means<B: Backend>(x: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    let rows = x.get(..ROWS);
    (rows.matmul(&rows.t()).mean(), x.mean())
}

/// A device's share of what all have.
fn share<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    &x / psum(x.clone(), "devices")
}

fn seconds<R>(f: impl FnOnce() -> R) -> (R, f64) {
    let start = Instant::now();
    let result = f();
    (result, start.elapsed().as_secs_f64())
}

/// Runs it on the devices of a backend, of which `moved` says how many tensors were divided anew, and how many brought together.
fn run<B: Backend>(moved: impl Fn() -> [u64; 2]) -> f32 {
    let keys = random::split_n(&random::key::<B>(0), DEVICES);
    let (x, made) = seconds(|| pmap(numbers)(keys.clone()));
    println!("{} in {made:.1} s", x.shape());
    for part in shards(&x) {
        println!("{}  {}  first {}", part.device, part.data.shape(), part.data.get((0, 0, ..4)));
    }

    let before = moved();
    let ((products, mean), taken) = seconds(|| pmap(means)(x));
    let [divided, gathered] = std::array::from_fn(|i| moved()[i] - before[i]);
    println!("means in {taken:.1} s; divided anew: {divided}, brought together: {gathered}");
    assert_eq!([divided, gathered], [0, 0]);

    let squares = mean.square();
    let shares = Pmap::new().axis_name("devices").of(share)(squares);
    println!("shares         {shares}\nin all         {}", shares.sum());

    // One after the other, on one device with all threads.
    let (alone, time) = seconds(|| {
        let each: Vec<_> = (0..DEVICES).map(|i| means(numbers(keys.get(i)))).collect();
        let (products, mean): (Vec<_>, Vec<_>) = each.into_iter().unzip();
        (stack(&products, 0), stack(&mean, 0))
    });
    println!("loop over keys {time:.1} s");
    let difference = |a: Tensor<B>, b: Tensor<B>| (a - b).abs().max().item::<f32>();
    difference(products, alone.0).max(difference(mean, alone.1))
}

fn main() {
    let difference = run::<Cpu>(|| {
        let stats = MultiDevice::<Cpu>::stats();
        [stats.divided, stats.gathered]
    });
    println!("max difference {difference:.0e}");
    assert!(difference <= 1e-5);
}
