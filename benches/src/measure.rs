//! How a closure is timed, and several of them in turns.
//!
//! What is compared is timed in turns, in several rounds, so that a change of the machine's mood meets all of them. A
//! result lives until the next one is there, as in a loop of the user's (`y = f(&x)`), so that a pool of buffers is met
//! as a program meets it.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// Something to time.
pub type Work = Box<dyn FnMut()>;

/// Work that keeps its result until the next one is there.
pub fn keep<T: 'static>(mut f: impl FnMut() -> T + 'static) -> Work {
    let mut last = None;
    Box::new(move || drop(last.replace(black_box(f()))))
}

/// Nanoseconds of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timing {
    /// The fastest sample: what the code takes when nothing disturbs it.
    pub min: f64,
    /// The sample in the middle.
    pub median: f64,
}

impl Timing {
    /// Of samples, in any order; there is at least one.
    pub fn of(mut samples: Vec<f64>) -> Timing {
        samples.sort_by(f64::total_cmp);
        Timing { min: samples[0], median: samples[samples.len() / 2] }
    }
}

/// A sample is at least this many nanoseconds long, so that reading the clock does not count.
const SAMPLE: f64 = 20_000.0;

/// Samples of about `seconds`, three at least, each in nanoseconds a call; after one call that is not counted.
pub fn samples(f: &mut dyn FnMut(), seconds: f64) -> Vec<f64> {
    f();
    let mut calls = 1;
    let mut first = time(f, 1);
    while first * (calls as f64) < SAMPLE && calls < 1 << 20 {
        calls *= 2;
        first = time(f, calls);
    }
    let mut samples = vec![first];
    let start = Instant::now();
    while samples.len() < 3 || start.elapsed().as_secs_f64() < seconds {
        samples.push(time(f, calls));
    }
    samples
}

fn time(f: &mut dyn FnMut(), calls: u32) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        f();
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}

/// Between two works: the threads of the last one stop spinning.
const PAUSE: Duration = Duration::from_millis(2);

/// The timings of several works, which take turns of about `seconds` for `rounds`.
pub fn in_turns(works: &mut [&mut Work], rounds: usize, seconds: f64) -> Vec<Timing> {
    let mut all = vec![Vec::new(); works.len()];
    for _ in 0..rounds.max(1) {
        for (work, all) in works.iter_mut().zip(&mut all) {
            std::thread::sleep(PAUSE);
            all.extend(samples(&mut **work, seconds));
        }
    }
    all.into_iter().map(Timing::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timings_are_of_the_calls() {
        let mut slow: Work = Box::new(|| std::thread::sleep(Duration::from_millis(2)));
        let mut fast = keep(|| 1 + black_box(1));
        let t = in_turns(&mut [&mut slow, &mut fast], 2, 0.005);
        assert!(t[0].min >= 2e6 && t[0].median >= t[0].min, "{t:?}");
        assert!(t[1].min < t[0].min, "{t:?}");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Timing::of(vec![5.0, 1.0, 3.0]), Timing { min: 1.0, median: 3.0 });
    }
}
