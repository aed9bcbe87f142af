//! What the sides of the comparison speak, each a process that is asked for one case at a time.
//!
//! A line comes in, a line goes out; fields stand between tabs:
//!
//! - `build`, case: makes the case and calls it once. Out come `built`, the nanoseconds of that first call, how it was done (`eager`,
//!   `jit`; empty where there is one way), and what came of it: how many numbers, their mean, the mean of their sizes, and up to [`SHOWN`]
//!   of them, evenly spaced. Or `-`, where the side has no such case, or `error` and why.
//! - `time`, seconds: calls the case that is built, again and again. Out come the minimum and the median in nanoseconds a call, and the most
//!   memory that the process has had since it made the case, in bytes beyond what it had before.
//!
//! Sides in Python are in `peers/`, and speak the same.

use crate::measure::{Timing, Work, samples};
use std::io::{self, BufRead, Write};
use std::time::Instant;

/// As many numbers of a result are shown.
pub const SHOWN: usize = 64;

/// A case that is made.
pub struct Job {
    /// Calls it, and keeps its result until the next one is there.
    pub call: Work,
    /// What the last call gave.
    pub result: Box<dyn Fn() -> Vec<f64>>,
    /// How it is done, where there are several ways; else nothing.
    pub how: &'static str,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Job({})", self.how)
    }
}

impl Job {
    /// Calls `f`; its result is read by `numbers`.
    pub fn new<T: 'static>(
        mut f: impl FnMut() -> T + 'static,
        numbers: impl Fn(&T) -> Vec<f64> + 'static,
        how: &'static str,
    ) -> Job {
        let last = std::rc::Rc::new(std::cell::RefCell::new(None));
        let kept = last.clone();
        let call = move || {
            let result = std::hint::black_box(f());
            drop(kept.replace(Some(result)));
        };
        let result = move || last.borrow().as_ref().map(&numbers).expect("it was called");
        Job { call: Box::new(call), result: Box::new(result), how }
    }
}

/// What came of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    /// How many.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// The mean of their sizes.
    pub size: f64,
    /// Some of them.
    pub shown: Vec<f64>,
}

impl Numbers {
    /// Of all numbers of a result.
    pub fn of(all: &[f64]) -> Numbers {
        let (n, shown) = (all.len(), all.len().min(SHOWN));
        let mean = |f: fn(f64) -> f64| all.iter().map(|&x| f(x)).sum::<f64>() / n.max(1) as f64;
        let shown = (0..shown).map(|i| all[i * n / shown]).collect();
        Numbers { count: n, mean: mean(|x| x), size: mean(f64::abs), shown }
    }

    fn line(&self) -> String {
        let shown: Vec<_> = self.shown.iter().map(|x| format!("{x:e}")).collect();
        format!("{}\t{:e}\t{:e}\t{}", self.count, self.mean, self.size, shown.join(" "))
    }
}

/// What a side answers when it has made a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// Nanoseconds of the first call.
    pub first: f64,
    /// How it is done.
    pub how: String,
    /// What came of it.
    pub numbers: Numbers,
}

impl Built {
    /// Reads a line: `None` where the side has no such case.
    pub fn parse(line: &str) -> Result<Option<Built>, String> {
        let fields: Vec<_> = line.trim_end_matches(['\n', '\r']).split('\t').collect();
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text:?} is not a number"));
        match fields[..] {
            ["-"] => Ok(None),
            ["error", ref why @ ..] => Err(why.join(" ")),
            ["built", first, how, count, mean, size, shown] => {
                let shown =
                    shown.split(' ').filter(|x| !x.is_empty()).map(number).collect::<Result<_, _>>()?;
                let count = count.parse().map_err(|_| format!("{count:?} numbers"))?;
                let numbers = Numbers { count, mean: number(mean)?, size: number(size)?, shown };
                Ok(Some(Built { first: number(first)?, how: how.to_string(), numbers }))
            }
            _ => Err(format!("{line:?} is no answer")),
        }
    }

    fn line(&self) -> String {
        format!("built\t{}\t{}\t{}", self.first, self.how, self.numbers.line())
    }
}

/// What a side answers when it has called a case many times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed {
    /// Nanoseconds a call.
    pub timing: Timing,
    /// The most memory, in bytes beyond what there was before the case.
    pub memory: f64,
}

impl Timed {
    /// Reads a line.
    pub fn parse(line: &str) -> Option<Timed> {
        let mut fields = line.trim_end_matches(['\n', '\r']).split('\t');
        let mut number = || fields.next()?.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
        Some(Timed { timing: Timing { min: number()?, median: number()? }, memory: number()? })
    }

    fn line(&self) -> String {
        format!("{}\t{}\t{}", self.timing.min, self.timing.median, self.memory)
    }
}

/// Answers the lines of the standard input until it ends.
pub fn serve(version: &str, make: impl Fn(&str) -> Option<Job>) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut say = |line: String| writeln!(out, "{line}").and_then(|()| out.flush());
    let mut built: Option<(Job, memory::Most)> = None;
    say(format!("ready\t{version}"))?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        match line.split('\t').collect::<Vec<_>>()[..] {
            ["build", case] => {
                // The last case's data go before the next one's come.
                drop(built.take());
                let mut most = memory::Most::begin();
                say(match make(case) {
                    None => "-".to_string(),
                    Some(mut job) => {
                        let start = Instant::now();
                        (job.call)();
                        let first = start.elapsed().as_nanos() as f64;
                        let numbers = most.apart(|| Numbers::of(&(job.result)()));
                        let answer = Built { first, how: job.how.to_string(), numbers };
                        built = Some((job, most));
                        answer.line()
                    }
                })?;
            }
            ["time", seconds] => {
                let seconds = seconds.parse().expect("seconds are a number");
                let (job, most) = built.as_mut().expect("a case was built");
                let timing = Timing::of(samples(&mut job.call, seconds));
                say(Timed { timing, memory: most.beyond() }.line())?;
            }
            _ => say(format!("error\t{line:?} is no request"))?,
        }
    }
    Ok(())
}

/// The memory of the process, by Linux's own account; none is known elsewhere.
mod memory {
    fn field(name: &str) -> f64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix(name));
        line.and_then(|l| l.split_whitespace().next()?.parse::<f64>().ok()).map_or(0.0, |kib| 1024.0 * kib)
    }

    /// What a case takes.
    pub(super) struct Most {
        before: f64,
        most: f64,
    }

    impl Most {
        /// From here on.
        pub(super) fn begin() -> Most {
            forget();
            Most { before: field("VmRSS:"), most: 0.0 }
        }

        /// The most bytes beyond those of the beginning.
        pub(super) fn beyond(&mut self) -> f64 {
            self.most = self.most.max(field("VmHWM:"));
            (self.most - self.before).max(0.0)
        }

        /// What `f` gives; its own memory does not count.
        pub(super) fn apart<T>(&mut self, f: impl FnOnce() -> T) -> T {
            self.beyond();
            let result = f();
            forget();
            result
        }
    }

    /// Lets the most be what there is.
    fn forget() {
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_as_they_are_written() {
        let numbers = Numbers::of(&[1.0, -2.5, 1e-300]);
        let built = Built { first: 1.5, how: "jit".into(), numbers };
        assert_eq!(Built::parse(&built.line()), Ok(Some(built)));
        let timed = Timed { timing: Timing { min: 1.5, median: 2e9 }, memory: 1e6 };
        assert_eq!(Timed::parse(&timed.line()), Some(timed));
        assert_eq!(Built::parse("-\n"), Ok(None));
        assert!(Built::parse("error\tno\n").is_err() && Built::parse("built\t1").is_err());
        for bad in ["-", "", "1\tx\t", "nan\t1\t3"] {
            assert_eq!(Timed::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn numbers_are_shown_evenly() {
        let all: Vec<_> = (0..1000).map(f64::from).collect();
        let numbers = Numbers::of(&all);
        assert_eq!((numbers.count, numbers.mean, numbers.shown.len()), (1000, 499.5, SHOWN));
        assert_eq!((numbers.shown[0], numbers.shown[63]), (0.0, 984.0));
        assert!(Numbers::of(&[]).shown.is_empty());
    }
}
