//! What a plan's steps cost here: the clock that measures them in the first runs of a plan.
//!
//! What always holds: runs after the first few look at no clock; a measured time is the least of those of complete steps.

use super::{is_planned, looped};
use plywood_core::{Explanation, Graph, Op};
use plywood_fusion::plan::{self, Known};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Instant;

/// Runs that are measured.
const RUNS: u32 = 4;

/// The least time of each step in the first runs.
pub struct Times {
    /// Runs that are still to be measured.
    left: AtomicU32,
    nanoseconds: Box<[AtomicU64]>,
}

impl Times {
    pub fn new(steps: usize) -> Times {
        Times {
            left: AtomicU32::new(RUNS),
            nanoseconds: (0..steps).map(|_| AtomicU64::new(u64::MAX)).collect(),
        }
    }

    /// A clock for a run, that goes if it is one of the first.
    #[inline]
    pub fn clock(&self) -> Clock<'_> {
        match self.left.load(Ordering::Relaxed) {
            0 => Clock(None),
            _ => self.started(),
        }
    }

    #[cold]
    fn started(&self) -> Clock<'_> {
        let less = |left: u32| left.checked_sub(1);
        let first = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok();
        Clock(first.then(|| (self, Instant::now())))
    }
}

/// Measures the steps of one run, or none.
pub struct Clock<'a>(Option<(&'a Times, Instant)>);

impl Clock<'_> {
    /// This step is done, and the next one begins.
    #[inline]
    pub fn done(&mut self, step: usize) {
        if let Some((times, begun)) = &mut self.0 {
            let now = Instant::now();
            let nanoseconds = now.duration_since(*begun).as_nanos() as u64;
            times.nanoseconds[step].fetch_min(nanoseconds, Ordering::Relaxed);
            *begun = now;
        }
    }
}

/// What runs when a graph is called.
pub fn explain(graph: &Graph) -> Explanation {
    super::with_plan(graph, |planned| plan::explain(graph, &planned.plan, &planned.times))
}

impl Known for Times {
    fn seconds(&self, step: usize) -> Option<f64> {
        let least = self.nanoseconds[step].load(Ordering::Relaxed);
        (least < u64::MAX).then_some(1e-9 * least as f64)
    }

    fn body(&self, body: &Graph, of_loop: bool) -> Option<Explanation> {
        (!of_loop || is_planned(body)).then(|| explain(body))
    }

    fn is_one_kernel(&self, op: &Op) -> bool {
        looped::is_one_kernel(op)
    }
}
