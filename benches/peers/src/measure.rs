//! A case on all sides, in turns.

use crate::compare;
use crate::options::Options;
use crate::sides::{Side, machine};
use plywood_benches::measure::Timing;
use plywood_benches::peers::protocol::{Built, Timed};
use plywood_benches::peers::{Bound, Case};

/// What was measured of a case on one side.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The side's name.
    pub side: String,
    /// Nanoseconds a warm call: the least minimum of all rounds, and the middle one of the medians.
    pub timing: Timing,
    /// Nanoseconds of the first call.
    pub first: f64,
    /// The most memory, in bytes beyond what there was before.
    pub memory: f64,
    /// How it is done.
    pub how: String,
    /// What is different from our numbers, if anything.
    pub different: Option<String>,
}

/// A row of the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// The case's name.
    pub name: &'static str,
    /// What bounds it.
    pub bound: Bound,
    /// Nanoseconds in which the machine can do what bounds it.
    pub limit: Option<f64>,
    /// The sides that have the case, ours first.
    pub sides: Vec<Measured>,
}

impl Row {
    /// What a side took.
    pub fn of(&self, side: &str) -> Option<&Measured> {
        self.sides.iter().find(|m| m.side == side)
    }

    /// The best of the others that compute the same.
    pub fn best_peer(&self) -> Option<&Measured> {
        let peers = self.sides.iter().skip(1).filter(|m| m.different.is_none());
        peers.min_by(|a, b| a.timing.min.total_cmp(&b.timing.min))
    }

    /// The best peer's time over ours.
    pub fn ratio(&self) -> Option<f64> {
        Some(self.best_peer()?.timing.min / self.sides.first()?.timing.min)
    }
}

fn together(timed: &[Timed], built: Built, side: &str, different: Option<String>) -> Measured {
    let min = timed.iter().map(|t| t.timing.min).fold(f64::INFINITY, f64::min);
    let median = Timing::of(timed.iter().map(|t| t.timing.median).collect()).median;
    let memory = timed.iter().map(|t| t.memory).fold(0.0, f64::max);
    let Built { first, how, .. } = built;
    Measured { side: side.to_string(), timing: Timing { min, median }, first, memory, how, different }
}

/// Makes the case on each side, compares the numbers, and times all in turns. `None` where our side failed.
pub fn row(case: &Case, sides: &mut [Side], machine: &mut Side, options: &Options) -> Option<Row> {
    let mut built: Vec<_> = sides.iter_mut().map(|side| side.build(case.name)).collect();
    let ours = built[0].as_ref()?.numbers.clone();
    let limited = machine.build(&machine::bound(case.bound)).is_some();
    let mut timed = vec![Vec::new(); sides.len()];
    let mut limits = Vec::new();
    for _ in 0..options.rounds {
        for (i, side) in sides.iter_mut().enumerate().filter(|(i, _)| built[*i].is_some()) {
            timed[i].extend(side.time(options.seconds));
        }
        limits.extend(limited.then(|| machine.time(options.seconds / 4.0)).flatten());
    }
    let measured = sides.iter().zip(built.iter_mut()).zip(&timed).filter(|(_, timed)| !timed.is_empty());
    let measured = measured.filter_map(|((side, built), timed)| {
        let built = built.take()?;
        let different = compare::difference(case.check, &ours, &built.numbers);
        if let Some(what) = &different {
            eprintln!("{}: {} computes something else: {what}", case.name, side.name);
        }
        Some(together(timed, built, &side.name, different))
    });
    let limit = limits.iter().map(|t| t.timing.min).min_by(f64::total_cmp);
    Some(Row { name: case.name, bound: case.bound, limit, sides: measured.collect() })
}
