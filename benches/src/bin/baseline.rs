//! Whether a part of ours has become slower: `cargo run --release -p plywood-benches --bin baseline -- [--write] [--seconds S] [filter]...`
//!
//! Each case of the families takes turns with its plain loop, or the copy of the same bytes where there is no loop; its number is the ratio of
//! the two minima. One that is 15 % above the committed file's is measured again, up to eleven times a second apart, and then ends the program with an
//! error. `--write` makes the file of this processor, on one thread, each number the middle one of three measurements, minutes apart.

use plywood::Cpu;
use plywood_benches::baseline::{Baseline, Numbers, losses, path};
use plywood_benches::families::{SIZES, all};
use plywood_benches::machine;
use plywood_benches::measure::{Work, in_turns};
use plywood_benches::reference;
use std::process::ExitCode;
use std::time::Duration;

/// What a part may lose.
const TOLERANCE: f64 = 0.15;
/// Turns that a case and its reference take.
const ROUNDS: usize = 5;
/// A loss that stays after so many measurements is one.
const TRIES: usize = 12;

/// The ratio of each case whose name passes.
fn ratios(seconds: f64, wanted: impl Fn(&str) -> bool) -> Numbers {
    let mut found = Numbers::new();
    for entry in all() {
        // Those that the caches hold: what memory gives changes from minute to minute.
        for &n in &SIZES[..2] {
            let name = format!("{}: {} at {n}", entry.family, entry.name);
            if !wanted(&name) {
                continue;
            }
            let mut case = entry.build(n);
            let mut reference = case.reference.take().unwrap_or_else(|| reference::copy(case.bytes));
            let mut works: Vec<&mut Work> = vec![&mut case.ours, &mut reference];
            let times = in_turns(&mut works, ROUNDS, seconds / ROUNDS as f64);
            found.insert(name, times[0].min / times[1].min);
        }
    }
    found
}

/// The lesser of both, name by name.
fn best(all: &mut Numbers, again: Numbers) {
    for (name, number) in again {
        let kept = all.entry(name).or_insert(number);
        *kept = kept.min(number);
    }
}

fn main() -> ExitCode {
    let (mut seconds, mut write, mut filters) = (0.1, false, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => {
                seconds = args.next().and_then(|s| s.parse().ok()).expect("--seconds wants a number")
            }
            "--write" => write = true,
            _ => filters.push(arg),
        }
    }
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()));
    // What waking threads takes changes from call to call.
    Cpu::threads(1);
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("no pool was there before");
    let path = path(&format!("ratios {}", machine::processor()));
    if write {
        let runs: [Numbers; 3] = std::array::from_fn(|_| ratios(seconds, wanted));
        let middle = |name: &String| {
            let mut all = runs.each_ref().map(|run| run[name]);
            all.sort_by(f64::total_cmp);
            all[1]
        };
        let numbers = runs[0].keys().map(|name| (name.clone(), middle(name))).collect();
        let head = vec![
            "Ratios of our time to a plain loop's, or to the copy of the same bytes, by `--bin baseline`"
                .into(),
            format!("{}; one thread", machine::describe()),
        ];
        std::fs::write(&path, Baseline { head, numbers }.text()).expect("the folder is there");
        println!("written: {}", path.display());
        return ExitCode::SUCCESS;
    }
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!(
            "there is no {}: a processor has ratios of its own, which --write measures",
            path.display()
        );
        return ExitCode::FAILURE;
    };
    let baseline = Baseline::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())).numbers;
    let mut now = ratios(seconds, |name| wanted(name) && baseline.contains_key(name));
    let mut lost = losses(&baseline, &now, TOLERANCE);
    for _ in 1..TRIES {
        if lost.is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_secs(1));
        best(&mut now, ratios(seconds, |name| lost.iter().any(|loss| loss.name == name)));
        lost = losses(&baseline, &now, TOLERANCE);
    }
    for loss in &lost {
        println!("lost  {loss}");
    }
    for win in losses(&now, &baseline, TOLERANCE) {
        println!("won   {}: {:.4} before, {:.4} now", win.name, win.now, win.before);
    }
    println!("{} of {} cases lost more than {:.0} %", lost.len(), now.len(), 100.0 * TOLERANCE);
    if lost.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
