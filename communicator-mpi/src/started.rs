//! Calls that are made beside computation: what is handed out for them, and what is kept.
//!
//! What always holds: buffers belong to the call until it is waited for, so nothing can dangle; a call that nobody waits for is
//! made all the same.

use crate::Error;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// A call under way; waited for, it gives its buffers back. Dropped, it is made all the same.
#[must_use = "what was started is waited for"]
pub struct Pending<T>(Arc<State<T>>);

struct State<T> {
    outcome: Mutex<Outcome<T>>,
    done: Condvar,
    /// Whether somebody waits.
    hurry: AtomicBool,
}

enum Outcome<T> {
    None,
    Some(Result<T, Error>),
    /// The thread that made the call panicked, in code of the buffers.
    Lost,
}

/// What gives a [`Pending`] its result.
pub(crate) struct Promise<T>(Arc<State<T>>);

impl<T> Pending<T> {
    pub(crate) fn new() -> (Promise<T>, Pending<T>) {
        let (outcome, done) = (Mutex::new(Outcome::None), Condvar::new());
        let state = Arc::new(State { outcome, done, hurry: AtomicBool::new(false) });
        (Promise(Arc::clone(&state)), Pending(state))
    }

    /// Returns when the call has been made.
    ///
    /// # Panics
    /// If code of the buffers did while the call was made.
    pub fn wait(self) -> Result<T, Error> {
        self.0.hurry.store(true, Ordering::Relaxed);
        let mut outcome = self.0.outcome();
        loop {
            match std::mem::replace(&mut *outcome, Outcome::None) {
                Outcome::None => outcome = self.0.done.wait(outcome).unwrap_or_else(PoisonError::into_inner),
                Outcome::Some(result) => return result,
                Outcome::Lost => panic!("a call that was started panicked"),
            }
        }
    }

    /// Whether the call has been made, so that waiting takes no time.
    pub fn is_done(&self) -> bool {
        !matches!(*self.0.outcome(), Outcome::None)
    }
}

impl<T> State<T> {
    fn outcome(&self) -> MutexGuard<'_, Outcome<T>> {
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, outcome: Outcome<T>) {
        *self.outcome() = outcome;
        self.done.notify_all();
    }
}

impl<T> Promise<T> {
    /// Whether somebody waits for the call.
    pub(crate) fn hurry(&self) -> &AtomicBool {
        &self.0.hurry
    }

    pub(crate) fn keep(self, result: Result<T, Error>) {
        self.0.set(Outcome::Some(result));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        let mut outcome = self.0.outcome();
        if let Outcome::None = *outcome {
            *outcome = Outcome::Lost;
            self.0.done.notify_all();
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("is_done", &self.is_done()).finish_non_exhaustive()
    }
}
