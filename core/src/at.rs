//! Where in the user's program an operation stands.
//!
//! Every public method is `#[track_caller]`, so an operation knows its line. A layer's rule runs on behalf of an
//! operation that the user wrote earlier: it runs `within` that line, and what it executes is filed there.

use std::cell::Cell;
use std::panic::Location;

/// A line of the user's program.
pub type At = &'static Location<'static>;

thread_local! { static ON_BEHALF: Cell<Option<At>> = const { Cell::new(None) }; }

/// The line that is being executed: the caller's, or the one this thread acts on behalf of.
#[track_caller]
#[inline]
pub fn caller() -> At {
    let here = Location::caller();
    ON_BEHALF.get().unwrap_or(here)
}

/// Runs `f` on behalf of the line `at`.
pub fn within<R>(at: At, f: impl FnOnce() -> R) -> R {
    struct Restore(Option<At>);
    impl Drop for Restore {
        fn drop(&mut self) {
            ON_BEHALF.set(self.0)
        }
    }
    let _restore = Restore(ON_BEHALF.replace(Some(at)));
    f()
}
