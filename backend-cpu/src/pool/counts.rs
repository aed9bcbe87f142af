//! What is counted: by each thread on its own, so that counting takes neither a lock nor a locked instruction.
//!
//! A thread's counts are atomics that it alone writes; whoever asks adds those of all threads. Bytes in use are
//! carried over to the total whenever a thread's own part passes [`CARRY`], and only then is the peak looked at: it
//! is exact to so many bytes a thread.

use std::sync::atomic::{AtomicIsize, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes that a thread may have taken or given back before it says so.
const CARRY: isize = 64 << 10;

/// Bytes in use, as far as threads have carried them over; the most there ever were.
static IN_USE: AtomicIsize = AtomicIsize::new(0);
static PEAK: AtomicIsize = AtomicIsize::new(0);

/// The counts of threads that live, and the sums of those that have ended.
static THREADS: Mutex<Vec<Arc<Numbers>>> = Mutex::new(Vec::new());
static ENDED: Numbers = Numbers::new();

struct Numbers {
    hits: AtomicU64,
    misses: AtomicU64,
    in_use: AtomicIsize,
    kept: AtomicIsize,
}

/// The sums over all threads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) hits: u64,
    pub(crate) misses: u64,
    pub(crate) in_use: usize,
    pub(crate) kept: usize,
    pub(crate) peak: usize,
}

impl Numbers {
    const fn new() -> Numbers {
        Numbers {
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            in_use: AtomicIsize::new(0),
            kept: AtomicIsize::new(0),
        }
    }
}

/// The counts of the thread that has them, which alone may change them.
pub(super) struct Counts(Arc<Numbers>);

/// Adds to a count that only this thread changes.
#[inline]
fn add(count: &AtomicU64, n: u64) {
    count.store(count.load(Relaxed) + n, Relaxed);
}

fn all() -> MutexGuard<'static, Vec<Arc<Numbers>>> {
    THREADS.lock().unwrap_or_else(|e| e.into_inner())
}

/// Adds to the bytes in use.
fn carry(bytes: isize) {
    let now = IN_USE.fetch_add(bytes, Relaxed) + bytes;
    if bytes > 0 {
        PEAK.fetch_max(now, Relaxed);
    }
}

impl Counts {
    /// New counts.
    pub(super) fn register() -> Counts {
        let numbers = Arc::new(Numbers::new());
        all().push(numbers.clone());
        Counts(numbers)
    }

    /// A block was taken.
    #[inline]
    pub(super) fn taken(&mut self, capacity: usize, hit: bool) {
        add(if hit { &self.0.hits } else { &self.0.misses }, 1);
        self.use_more(capacity as isize);
    }

    /// A block was given back.
    #[inline]
    pub(super) fn given(&mut self, capacity: usize) {
        self.use_more(-(capacity as isize));
    }

    #[inline]
    fn use_more(&mut self, bytes: isize) {
        let mut own = self.0.in_use.load(Relaxed) + bytes;
        if own.abs() >= CARRY {
            carry(own);
            own = 0;
        }
        self.0.in_use.store(own, Relaxed);
    }

    /// The thread keeps so many bytes more.
    #[inline]
    pub(super) fn kept(&mut self, bytes: isize) {
        self.0.kept.store(self.0.kept.load(Relaxed) + bytes, Relaxed);
    }
}

impl Drop for Counts {
    /// A thread ends: what it counted stays.
    fn drop(&mut self) {
        let mut threads = all();
        threads.retain(|other| !Arc::ptr_eq(other, &self.0));
        let Numbers { hits, misses, in_use, kept } = &*self.0;
        ENDED.hits.fetch_add(hits.load(Relaxed), Relaxed);
        ENDED.misses.fetch_add(misses.load(Relaxed), Relaxed);
        ENDED.kept.fetch_add(kept.load(Relaxed), Relaxed);
        carry(in_use.load(Relaxed));
    }
}

/// A thread whose counts are gone has taken a block.
pub(super) fn taken_at_end(capacity: usize, hit: bool) {
    (if hit { &ENDED.hits } else { &ENDED.misses }).fetch_add(1, Relaxed);
    carry(capacity as isize);
}

/// And given one back.
pub(super) fn given_at_end(capacity: usize) {
    carry(-(capacity as isize));
}

/// The peak is what is in use now.
pub(super) fn reset_peak() {
    PEAK.store(0, Relaxed);
    sums();
}

/// The sums over all threads; what blocks the shared part keeps is not among them.
pub(super) fn sums() -> Sums {
    let threads = all();
    let each = || threads.iter().map(|t| &**t).chain([&ENDED]);
    let in_use = IN_USE.load(Relaxed) + each().map(|t| t.in_use.load(Relaxed)).sum::<isize>();
    Sums {
        hits: each().map(|t| t.hits.load(Relaxed)).sum(),
        misses: each().map(|t| t.misses.load(Relaxed)).sum(),
        in_use: in_use.max(0) as usize,
        kept: each().map(|t| t.kept.load(Relaxed)).sum::<isize>().max(0) as usize,
        peak: PEAK.fetch_max(in_use, Relaxed).max(in_use) as usize,
    }
}
