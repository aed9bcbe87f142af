//! Ratios to plain loops and to the copy of the same bytes, and the goals:
//! `cargo run --release -p plywood-benches --bin ratios -- [--seconds S] [filter]...`
//!
//! A case, its loop and its copy take turns. Without a filter the goals come first, then every family at every size;
//! `goals` prints the goals alone; another filter picks by family and name. `RAYON_NUM_THREADS` sets the number of threads, of
//! the backend and of the loops.

use plywood_benches::families::{Case, SIZES, all};
use plywood_benches::goals::{self, Goal};
use plywood_benches::machine::{self, digits, time};
use plywood_benches::measure::{Timing, Work, in_turns};
use plywood_benches::reference;

/// Turns that a case, its loop and its copy take.
const ROUNDS: usize = 5;

/// What was measured of a case.
struct Measured {
    ours: Timing,
    reference: Option<Timing>,
    copy: Timing,
}

fn measure(mut case: Case, seconds: f64) -> Measured {
    let mut copy = reference::copy(case.bytes);
    let mut works: Vec<&mut Work> = vec![&mut case.ours, &mut copy];
    works.extend(&mut case.reference);
    let t = in_turns(&mut works, ROUNDS, seconds / ROUNDS as f64);
    Measured { ours: t[0], copy: t[1], reference: t.get(2).copied() }
}

impl Measured {
    /// How many times as fast as the loop.
    fn of_loop(&self) -> Option<f64> {
        Some(self.reference?.min / self.ours.min)
    }

    /// The part of the copy's bandwidth, in percent.
    fn of_copy(&self) -> f64 {
        100.0 * self.copy.min / self.ours.min
    }

    fn cells(&self, n: usize) -> String {
        let of_loop = self.of_loop().map_or("-".to_string(), digits);
        let (min, median) = (time(self.ours.min), time(self.ours.median));
        let each = digits(self.ours.min / n as f64);
        format!(
            "{n} | {min} ({median}) | {each} | {of_loop} | {:.0} | {}",
            self.of_copy(),
            time(self.copy.min)
        )
    }
}

const HEAD: &str = "n | time: min (median) | ns/element | x loop | % of copy | copy";

/// The goal, what was reached, and whether it is enough.
fn judged(goal: Goal, n: usize, m: &Measured) -> String {
    let (wanted, reached, met) = match goal {
        Goal::TimesLoop(x) => {
            let got = m.of_loop().expect("a goal beside a loop has a loop");
            (format!("{x} x loop"), digits(got), got >= x)
        }
        Goal::OfCopy(x) => (format!("{x} % of copy"), format!("{:.0} %", m.of_copy()), m.of_copy() >= x),
        Goal::PerSecond(x) => {
            let got = 1e9 * n as f64 / m.ours.min;
            (format!("{:.0} M/s", x / 1e6), format!("{:.0} M/s", got / 1e6), got >= x)
        }
        Goal::Below(ns) => (format!("{} or less", time(ns)), time(m.ours.min), m.ours.min <= ns),
        Goal::OverLoop(ns) => {
            let got = m.ours.min - m.reference.expect("a goal over a loop has a loop").min;
            (format!("{} over the loop", time(ns)), format!("{got:.0} ns"), got <= ns)
        }
    };
    format!("{wanted} | {reached} | {}", if met { "yes" } else { "no" })
}

fn main() {
    let (mut seconds, mut filters) = (0.3, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                let value = args.next().and_then(|s| s.parse().ok());
                seconds = value.expect("--seconds wants a number");
            }
            _ => filters.push(arg),
        }
    }
    let wanted = |text: &str| filters.is_empty() || filters.iter().any(|f| text.contains(f.as_str()));
    println!("{}; {} threads.\n", machine::describe(), rayon::current_num_threads());
    println!("| goal of | {HEAD} | wanted | reached | met |\n|---|---|---|---|---|---|---|---|---|---|");
    for target in goals::all().into_iter().filter(|t| wanted("goals") || wanted(&t.name)) {
        let m = measure((target.build)(), seconds);
        println!("| {} | {} | {} |", target.name, m.cells(target.n), judged(target.goal, target.n, &m));
    }
    println!("\n| family | what | {HEAD} |\n|---|---|---|---|---|---|---|---|");
    for entry in all().into_iter().filter(|e| wanted(e.family) || wanted(&e.name)) {
        for n in SIZES {
            let m = measure(entry.build(n), seconds / 3.0);
            println!("| {} | {} | {} |", entry.family, entry.name, m.cells(n));
        }
    }
}
