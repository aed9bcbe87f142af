//! The team: threads that help whoever has work to divide.
//!
//! rayon takes 10 to 20 µs to have a piece of work begun on other threads and ended; that is as long as an
//! element-wise operation over 1e5 elements. Here a caller puts a job on a board and works on it itself; members of
//! the team that are awake see it at once, and spin for [`SPIN`] before they sleep. Measured on a virtual machine
//! with 4 cores, other work running beside it, 8 equal pieces, best twentieth of 3,000 calls, for 0, 5, 10, 20, 50, 100 and 200 µs of
//! work on one thread: rayon 11, 14, 19, 25, 33, 66, 117 µs; the team 0.8, 2.9, 5.4, 10, 22, 39, 80 µs. With 200 µs
//! between calls, in which the team falls asleep: rayon 12 to 35 µs, the team 5 to 20 µs for up to 20 µs of work.
//!
//! Each participant begins with a range of pieces of its own, the same whenever a job has as many pieces, so that
//! what one operation leaves in a core's cache the next one finds there; who is done takes from the others. A caller
//! whose job nobody takes up does all of it, and waits for nobody.
//!
//! What always holds: when `run` returns or panics no other thread refers to the job any more; every piece was run
//! once, unless one has panicked. There are as many members as any job asked for, less one, and none for a job of a
//! thread that is itself at work on a piece (the seam sees to that).

#![allow(unsafe_code)]

use crate::pool;
use smallvec::SmallVec;
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicPtr, AtomicUsize};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long a member looks for another job before it sleeps.
const SPIN: Duration = Duration::from_micros(50);

/// So many callers have help at the same time; others do their work alone.
const PLACES: usize = 8;

/// Members of the team, at most.
const MOST: usize = 255;

/// What a caller wants done.
struct Job {
    /// Runs one piece. It lives as long as the job is on the board.
    body: &'static (dyn Fn(usize) + Sync),
    ranges: SmallVec<[Range; 8]>,
    /// How many more members may take part.
    room: AtomicIsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Pieces that are left of a participant's own; in a cache line of its own.
#[repr(align(64))]
struct Range {
    next: AtomicUsize,
    end: usize,
}

/// A place on the board.
#[repr(align(64))]
struct Place {
    /// Whether a caller has this place.
    taken: AtomicBool,
    job: AtomicPtr<Job>,
    /// Members that look at the job or work on it.
    present: AtomicUsize,
}

static BOARD: [Place; PLACES] = [const {
    Place {
        taken: AtomicBool::new(false),
        job: AtomicPtr::new(std::ptr::null_mut()),
        present: AtomicUsize::new(0),
    }
}; PLACES];

/// Changes whenever a job comes to the board.
static NEWS: AtomicUsize = AtomicUsize::new(0);

/// Members that sleep, counted while `BED` is locked.
static SLEEPERS: AtomicUsize = AtomicUsize::new(0);
static BED: Mutex<()> = Mutex::new(());
static BELL: Condvar = Condvar::new();

/// Members that were hired.
static MEMBERS: Mutex<usize> = Mutex::new(0);
static HIRED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Whether this thread is at work on a piece.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread is at work on a piece of some job.
#[inline]
pub(super) fn busy() -> bool {
    BUSY.get()
}

impl Job {
    /// Runs pieces until none is left, one's own range first. A panic ends the job.
    fn work(&self, own: usize) {
        let n = self.ranges.len();
        let run = || {
            for range in (0..n).map(|i| &self.ranges[(own + i) % n]) {
                while range.next.load(Relaxed) < range.end {
                    let piece = range.next.fetch_add(1, Relaxed);
                    if piece < range.end {
                        (self.body)(piece);
                    }
                }
            }
        };
        let before = BUSY.replace(true);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
            self.ranges.iter().for_each(|range| range.next.store(range.end, Relaxed));
            self.panic.lock().unwrap_or_else(|e| e.into_inner()).get_or_insert(panic);
        }
        BUSY.set(before);
    }
}

/// Runs `body` for each piece below `pieces`, on up to `threads` threads, of which the caller's is one.
pub(super) fn run(threads: usize, pieces: usize, body: &(dyn Fn(usize) + Sync)) {
    let participants = threads.min(pieces);
    let place = BOARD
        .iter()
        .find(|place| participants > 1 && !place.taken.load(Relaxed) && !place.taken.swap(true, Acquire));
    let Some(place) = place else { return (0..pieces).for_each(body) };
    hire(threads - 1);
    let bound = |i: usize| pieces * i / participants;
    let range = |i| Range { next: AtomicUsize::new(bound(i)), end: bound(i + 1) };
    // SAFETY: only the lifetime changes. The reference is used by this call and by members that are present at the
    // place, and below this function does not return before there are none and no more can come; nor does it unwind,
    // as panics of pieces are caught and nothing else panics.
    let body =
        unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(body) };
    let mut job = Job {
        body,
        ranges: (0..participants).map(range).collect(),
        room: AtomicIsize::new(participants as isize - 1),
        panic: Mutex::new(None),
    };
    place.job.store((&raw const job).cast_mut(), SeqCst);
    NEWS.fetch_add(1, SeqCst);
    wake(participants - 1);
    job.work(0);
    // A member that comes after this finds nothing; one that came before is counted as present.
    place.job.store(std::ptr::null_mut(), SeqCst);
    let mut looks = 0u32;
    while place.present.load(SeqCst) > 0 {
        looks = looks.saturating_add(1);
        if looks < 10_000 { std::hint::spin_loop() } else { std::thread::yield_now() }
    }
    place.taken.store(false, Release);
    if let Some(panic) = job.panic.get_mut().unwrap_or_else(|e| e.into_inner()).take() {
        resume_unwind(panic);
    }
}

/// Lets so many members wake, where they sleep.
fn wake(wanted: usize) {
    let sleepers = SLEEPERS.load(SeqCst);
    if sleepers == 0 {
        return;
    }
    // Whoever is about to sleep holds the lock until it does.
    drop(BED.lock());
    if wanted >= sleepers {
        BELL.notify_all();
    } else {
        (0..wanted).for_each(|_| BELL.notify_one());
    }
}

/// Sees that there are so many members, if the system has threads for them.
fn hire(wanted: usize) {
    let wanted = wanted.min(MOST);
    if HIRED.load(Relaxed) >= wanted {
        return;
    }
    let mut members = MEMBERS.lock().unwrap_or_else(|e| e.into_inner());
    while *members < wanted {
        let number = *members + 1;
        let thread = std::thread::Builder::new().name(format!("plywood-{number}"));
        if thread.spawn(move || member(number)).is_err() {
            break;
        }
        *members = number;
    }
    // Where the system refuses, it is not asked for as many again.
    HIRED.store(wanted, Relaxed);
}

/// The life of a member.
fn member(number: usize) {
    loop {
        let seen = NEWS.load(SeqCst);
        BOARD.iter().for_each(|place| help(place, number));
        let since = Instant::now();
        while NEWS.load(Relaxed) == seen {
            for _ in 0..32 {
                std::hint::spin_loop();
            }
            if since.elapsed() > SPIN {
                sleep(seen);
            }
        }
    }
}

/// Works on the job at a place, if there is one and it has room.
fn help(place: &Place, number: usize) {
    if place.job.load(Relaxed).is_null() {
        return;
    }
    place.present.fetch_add(1, SeqCst);
    let job = place.job.load(SeqCst);
    // SAFETY: a job that is on the board lives. Its caller takes it off before it ends, and then waits until nobody
    // is present; this member counted itself before it looked. (Both are sequentially consistent: either this load
    // comes after the caller's removal and finds nothing, or the caller's wait sees the count.)
    if let Some(job) = unsafe { job.as_ref() }
        && job.room.fetch_sub(1, Relaxed) > 0
    {
        job.work(number % job.ranges.len());
    }
    place.present.fetch_sub(1, SeqCst);
}

/// Sleeps until there is something new.
fn sleep(seen: usize) {
    pool::give_up();
    let mut bed = BED.lock().unwrap_or_else(|e| e.into_inner());
    SLEEPERS.fetch_add(1, SeqCst);
    while NEWS.load(SeqCst) == seen {
        bed = BELL.wait(bed).unwrap_or_else(|e| e.into_inner());
    }
    SLEEPERS.fetch_sub(1, SeqCst);
}
