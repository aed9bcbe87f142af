//! How a thread waits that has nothing to do but ask whether others have come: eagerly for a moment, then asleep.
//!
//! MPI's own waiting keeps a core busy. A call that runs beside computation should not, as long as its partners are late.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Asked so often without a pause: some tens of microseconds.
const EAGER: u32 = 200;
/// The longest sleep: what a started call may lose where nobody waits for it.
const LONGEST: Duration = Duration::from_micros(200);

/// The state of one wait.
#[derive(Debug)]
pub(crate) struct Patience<'a> {
    /// Whether somebody waits for the call now: then there is nothing to save.
    hurry: &'a AtomicBool,
    asked: u32,
}

impl<'a> Patience<'a> {
    pub(crate) fn new(hurry: &'a AtomicBool) -> Patience<'a> {
        Patience { hurry, asked: 0 }
    }

    /// After asking in vain.
    pub(crate) fn pause(&mut self) {
        self.asked = self.asked.saturating_add(1);
        if self.asked < EAGER {
            std::hint::spin_loop();
        } else if self.hurry.load(Ordering::Relaxed) {
            std::thread::yield_now();
        } else {
            std::thread::sleep(LONGEST.min(Duration::from_micros(20) * (self.asked - EAGER + 1)));
        }
    }
}
