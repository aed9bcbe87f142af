//! What the first call of a jitted function costs beyond a warm one, and how that grows with the graph:
//! `cargo run --release -p plywood-benches --bin first_call`. `peers/first_call.py` says the same of JAX.

use plywood_benches::jitted::first::{First, VARIANTS, chain, first, functions, layers};
use plywood_benches::machine::{self, time};
use plywood_benches::measure::{Timing, Work};

/// Graphs of one size.
const GRAPHS: u64 = 5;

/// The minimum, the median in brackets, and how many kernels were made.
fn cell(samples: &[First]) -> String {
    let timing = Timing::of(samples.iter().map(|s| s.beyond).collect());
    let kernels = samples.iter().map(|s| s.kernels).max().unwrap_or(0);
    format!("{} ({}), {kernels}", time(timing.min), time(timing.median))
}

/// First calls of so many operations, each time others.
fn graphs(operations: usize, make: fn(usize, u64) -> Work) -> String {
    let seeds = (0..GRAPHS).map(|i| i * 1_000_003 + operations as u64);
    cell(&seeds.map(|seed| first(|| make(operations, seed))).collect::<Vec<_>>())
}

fn main() {
    println!("{}\n", machine::describe());
    println!("First call less a warm one: the minimum (the median), and the kernels that were made.\n");
    println!("| function | warm | never seen | seen before |");
    println!("|---|---|---|---|");
    for (name, make) in functions() {
        let unseen: Vec<_> = (0..VARIANTS).map(|v| first(|| make(Some(v)))).collect();
        first(|| make(None));
        let seen: Vec<_> = (0..VARIANTS).map(|_| first(|| make(None))).collect();
        let warm = seen.iter().map(|s| s.warm).fold(f64::INFINITY, f64::min);
        println!("| {name} | {} | {} | {} |", time(warm), cell(&unseen), cell(&seen));
    }
    println!("\nThe goal: under 100 ms at 10,000 operations, and twice that at 20,000.\n");
    println!("| operations | element-wise, on 16 numbers | layers, on 4x4 |");
    println!("|---|---|---|");
    for operations in [1_000, 10_000, 20_000] {
        println!("| {operations} | {} | {} |", graphs(operations, chain), graphs(operations, layers));
    }
}
