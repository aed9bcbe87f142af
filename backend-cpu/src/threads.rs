//! What users see of the threads: how many share an operation's work.

use crate::engine::Cpu;
use crate::par;

impl Cpu {
    /// Operations from now on share their work among `n` threads, the caller's among them; in the whole process, but
    /// where [`Cpu::with_threads`] says otherwise. No result depends on it.
    ///
    /// At first it is the number in the environment variable `RAYON_NUM_THREADS`, or else as many as the system runs
    /// at once. An operation on a thread of a rayon pool is shared with that pool.
    ///
    /// # Panics
    /// Where `n` is 0.
    #[track_caller]
    pub fn threads(n: usize) {
        at_least_one(n);
        par::set_threads(n);
    }

    /// Calls `f`, in which operations share their work among `n` threads; on this thread only.
    ///
    /// # Panics
    /// Where `n` is 0.
    #[track_caller]
    pub fn with_threads<R>(n: usize, f: impl FnOnce() -> R) -> R {
        at_least_one(n);
        par::with_threads(n, f)
    }

    /// Among how many threads an operation would share its work here and now.
    pub fn thread_count() -> usize {
        par::threads()
    }
}

#[track_caller]
fn at_least_one(n: usize) {
    assert!(n > 0, "Cpu: 0 threads do nothing; at least 1 is needed, the caller's");
}
