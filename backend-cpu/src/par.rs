//! The one seam over threads: whether work is divided, and into what.
//!
//! Work is estimated in nanoseconds. Below [`SERIAL`] it stays on the caller's thread, where waking others would cost
//! more than it gives; above, it is cut into a few pieces a thread, none shorter than a quarter of that. The threads
//! are the [`team`]'s. What is called within a piece is not divided again, so that no more threads run than were
//! asked for; and on a thread of a rayon pool the work is shared with that pool and nobody else, for the same reason.
//! No result depends on how work was divided: pieces write disjoint outputs, or are cut by length alone ([`map`]) and
//! combined in order.

mod team;

use bytemuck::{Pod, cast_slice_mut};
use rayon::prelude::*;
use smallvec::SmallVec;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

/// Work below this many nanoseconds is done where it is. Two threads gain from 5 µs of work on while the team is
/// awake, and from 20 µs on where it must be woken.
const SERIAL: f64 = 12_000.0;

/// The number of threads that was set for the process; 0 where none was.
static SET: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The number that a scope has set on this thread; 0 where none has.
    static SCOPED: Cell<usize> = const { Cell::new(0) };
}

/// How many threads share work that is started here: 1 within a piece of work that is shared already.
pub fn threads() -> usize {
    if team::busy() {
        return 1;
    }
    match (SCOPED.get(), SET.load(Ordering::Relaxed)) {
        (0, 0) => default_threads(),
        (0, n) | (n, _) => n,
    }
}

/// `RAYON_NUM_THREADS` where it is a number above 0, else as many as the system runs at once.
fn default_threads() -> usize {
    static DEFAULT: OnceLock<usize> = OnceLock::new();
    *DEFAULT.get_or_init(|| {
        let set = std::env::var("RAYON_NUM_THREADS").ok().and_then(|n| n.parse().ok());
        set.filter(|&n| n > 0).unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    })
}

/// Sets the number of threads for the process.
pub(crate) fn set_threads(n: usize) {
    SET.store(n, Ordering::Relaxed);
}

/// Runs `f` with another number of threads for the work that it starts on this thread.
pub(crate) fn with_threads<R>(n: usize, f: impl FnOnce() -> R) -> R {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPED.set(self.0);
        }
    }
    let _restore = Restore(SCOPED.replace(n));
    f()
}

/// Into how many pieces so many units, which take `work` nanoseconds each, would be cut here and now.
pub fn pieces(units: usize, work: f64) -> usize {
    units.div_ceil(piece(units, work)).max(1)
}

/// How many units of `total` one piece has; all of them where the work is done serially.
fn piece(total: usize, work: f64) -> usize {
    total.div_ceil(pieces_of(total as f64 * work)).max(1)
}

/// Into how many pieces work of so many nanoseconds is cut here and now; 1 where it stays on the caller's thread.
pub fn pieces_of(nanoseconds: f64) -> usize {
    let threads = if nanoseconds < SERIAL { 1 } else { threads() };
    if threads == 1 { 1 } else { ((nanoseconds / (SERIAL / 4.0)) as usize).clamp(1, threads * 4) }
}

/// Calls `f(first unit, units)` on pieces of `out`, whose every `unit` elements stay together (the last ones may be
/// fewer) and take `work` nanoseconds. Pieces begin at cache lines where `out` does.
pub fn chunks<T: Pod>(out: &mut [T], unit: usize, work: f64, f: impl Fn(usize, &mut [T]) + Sync) {
    let units = out.len().div_ceil(unit.max(1));
    if units == 0 {
        return;
    }
    let size = piece(units, work);
    if size >= units {
        return f(0, out);
    }
    let line = 64usize.checked_div(unit * size_of::<T>()).unwrap_or(1).max(1);
    let size = size.next_multiple_of(line);
    let bytes = size * unit * size_of::<T>();
    byte_chunks(cast_slice_mut(out), bytes, &|i, chunk| f(i * size, cast_slice_mut(chunk)));
}

/// Calls `f` on every index below `n`, in any order; each takes `work` nanoseconds.
pub fn each(n: usize, work: f64, f: impl Fn(usize) + Sync) {
    let size = piece(n, work);
    if size >= n {
        return (0..n).for_each(f);
    }
    divided(n.div_ceil(size), &|i| (i * size..n.min((i + 1) * size)).for_each(&f));
}

/// What `f` gives for each index below `n`, in order; each takes `work` nanoseconds.
pub fn map<R: Send + Sync>(n: usize, work: f64, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if piece(n, work) >= n {
        return (0..n).map(f).collect();
    }
    let slots: Vec<OnceLock<R>> = (0..n).map(|_| OnceLock::new()).collect();
    each(n, work, |i| {
        let first = slots[i].set(f(i)).is_ok();
        debug_assert!(first, "every index comes once");
    });
    slots.into_iter().map(|slot| slot.into_inner().expect("every index came")).collect()
}

// The machinery is compiled for these two alone: its generics, for each kernel, would be most of the crate.

fn byte_chunks(out: &mut [u8], bytes: usize, f: &(dyn Fn(usize, &mut [u8]) + Sync)) {
    // Whoever runs a piece takes its slice.
    let slices: SmallVec<[Mutex<Option<&mut [u8]>>; 16]> =
        out.chunks_mut(bytes).map(|slice| Mutex::new(Some(slice))).collect();
    divided(slices.len(), &|i| {
        let slice = slices[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        f(i, slice.expect("every piece comes once"));
    });
}

/// Calls `f` for every piece below `pieces`, each once, in any order, on all threads.
pub fn divided(pieces: usize, f: &(dyn Fn(usize) + Sync)) {
    let threads = threads();
    if threads > 1 && rayon::current_thread_index().is_some() {
        // As many tasks as threads are allowed, of which each takes pieces until there are none.
        let next = AtomicUsize::new(0);
        return (0..threads.min(pieces)).into_par_iter().with_max_len(1).for_each(|_| {
            while let Some(i) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&i| i < pieces) {
                f(i);
            }
        });
    }
    team::run(threads, pieces, f);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::thread::ThreadId;

    #[test]
    fn every_element_is_visited_once_with_its_place() {
        for threads in [1, 2, 3, 4, 9] {
            let cases =
                [(0, 1, 1.0), (5, 1, 1.0), (1000, 1, 1e3), (999, 3, 1e4), (1001, 3, 1e4), (1 << 16, 16, 1e3)];
            for (n, unit, work) in cases {
                with_threads(threads, || {
                    let mut out = vec![0usize; n];
                    chunks(&mut out, unit, work, |first, chunk| {
                        for (i, x) in chunk.iter_mut().enumerate() {
                            *x += first * unit + i + 1;
                        }
                    });
                    assert!(out.iter().enumerate().all(|(i, &x)| x == i + 1), "{n} {unit} {work}");
                    assert_eq!(map(n, work, |i| i), (0..n).collect::<Vec<_>>());
                });
            }
        }
    }

    /// The threads on which `f`, given a function that notes its thread, runs that.
    fn noted(f: impl FnOnce(&(dyn Fn() + Sync))) -> HashSet<ThreadId> {
        let seen = Mutex::new(HashSet::new());
        f(&|| {
            seen.lock().expect("no panic").insert(std::thread::current().id());
            std::thread::sleep(std::time::Duration::from_micros(200));
        });
        seen.into_inner().expect("no panic")
    }

    #[test]
    fn nested_work_stays_on_the_threads_that_were_asked_for() {
        for threads in [1, 2, 3, 4] {
            let seen = noted(|note| {
                with_threads(threads, || {
                    each(16, 1e6, |_| {
                        assert_eq!(super::threads(), 1);
                        each(4, 1e6, |_| note());
                    });
                });
            });
            assert!(!seen.is_empty() && seen.len() <= threads, "{} of {threads}", seen.len());
        }
    }

    #[test]
    fn a_rayon_pool_shares_its_own_work() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("three threads");
        let own: HashSet<_> = pool.broadcast(|_| std::thread::current().id()).into_iter().collect();
        for threads in [2, 8] {
            let seen = noted(|note| pool.install(|| with_threads(threads, || each(64, 1e6, |_| note()))));
            assert!(seen.is_subset(&own) && seen.len() <= threads);
        }
    }

    #[test]
    fn many_callers_share_the_team() {
        let run = |seed: usize| {
            for round in 0..50 {
                let sum: usize = map(40, 1e6, |i| i * seed + round).into_iter().sum();
                assert_eq!(sum, 780 * seed + 40 * round);
            }
        };
        std::thread::scope(|scope| {
            (0..12).for_each(|seed| drop(scope.spawn(move || with_threads(4, || run(seed)))))
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_team_goes_on() {
        for bad in [0, 7, 39] {
            let panic = std::panic::catch_unwind(|| {
                with_threads(4, || {
                    each(40, 1e6, |i| {
                        if i == bad {
                            std::panic::panic_any(i)
                        }
                    })
                });
            });
            assert_eq!(panic.expect_err("it panicked").downcast_ref::<usize>(), Some(&bad));
            assert_eq!(with_threads(4, || map(40, 1e6, |i| i)).len(), 40);
        }
        assert!(!team::busy());
    }
}
