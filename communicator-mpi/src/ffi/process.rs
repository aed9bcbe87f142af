//! MPI's start and end in this process, and the end of the process.

use super::{Comm, Operators};
use crate::Error;
use mpi::{Threading, ffi};
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

/// From which threads MPI may be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// From any, also at once.
    Any,
    /// From the one that started it.
    One,
}

/// MPI, started. Dropped on the thread that started it, it ends MPI, if it was not started by others.
pub(crate) struct Started {
    /// As long as this lives; none where others started it.
    pub(crate) universe: Option<mpi::environment::Universe>,
    pub(crate) level: Level,
    pub(crate) operators: Operators,
    /// All processes.
    pub(crate) world: Comm,
}

/// Starts MPI, or joins what others have started, at `wanted` or the highest level it gives. All processes of the job call this.
pub(crate) fn start(wanted: Level) -> Result<Started, Error> {
    let asked = match wanted {
        Level::Any => Threading::Multiple,
        Level::One => Threading::Funneled,
    };
    let (universe, given) = match mpi::initialize_with_threading(asked) {
        Some((universe, given)) => (Some(universe), given),
        None if mpi::is_finalized() => return Err(Error::Ended),
        None => (None, mpi::environment::threading_support()),
    };
    let level = match given {
        Threading::Multiple => wanted,
        Threading::Serialized | Threading::Funneled if universe.is_some() => Level::One,
        Threading::Serialized => return Err(Error::Threads { given: "MPI_THREAD_SERIALIZED" }),
        Threading::Funneled => return Err(Error::Threads { given: "MPI_THREAD_FUNNELED" }),
        Threading::Single => return Err(Error::Threads { given: "MPI_THREAD_SINGLE" }),
    };
    let world = Comm::world()?;
    let operators = Operators::new().map_err(|code| world.error("MPI_Op_create", code))?;
    Ok(Started { universe, level, operators, world })
}

/// Ends all processes of the job, this one with them unless MPI is at a loss.
pub(crate) fn abort(code: i32) {
    if mpi::is_initialized() && !mpi::is_finalized() {
        // SAFETY: MPI has started and not ended. The standard has this call make its best attempt in whatever state MPI is.
        unsafe { ffi::MPI_Abort(ffi::RSMPI_COMM_WORLD, code) };
    }
}

/// Ends this process at once: nothing that should run at its end does.
pub(crate) fn exit_now(code: i32) -> ! {
    unsafe extern "C" {
        fn _exit(code: c_int) -> !;
    }
    // SAFETY: the C library's function, which takes any number and does not return.
    unsafe { _exit(code) }
}

/// The function that is called at the process's end.
static AT_EXIT: OnceLock<fn(Option<i32>)> = OnceLock::new();

fn ending(code: Option<i32>) {
    if let Some(f) = AT_EXIT.get() {
        f(code)
    }
}

/// Has `f` called, once, when the process ends by returning from `main` or by `exit`; with the code where the C library tells it
/// (glibc). False if the library refuses.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) fn at_exit(f: fn(Option<i32>)) -> bool {
    unsafe extern "C" {
        fn on_exit(f: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
    }
    extern "C" fn call(code: c_int, _: *mut c_void) {
        ending(Some(code));
    }
    // SAFETY: the C library's function; what it is given has the type it calls, and lives as long as the process.
    AT_EXIT.set(f).is_ok() && unsafe { on_exit(call, std::ptr::null_mut()) } == 0
}

/// Has `f` called, once, when the process ends by returning from `main` or by `exit`; with the code where the C library tells it
/// (glibc). False if the library refuses.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn at_exit(f: fn(Option<i32>)) -> bool {
    unsafe extern "C" {
        fn atexit(f: extern "C" fn()) -> c_int;
    }
    extern "C" fn call() {
        ending(None);
    }
    // SAFETY: the C library's function; what it is given has the type it calls, and lives as long as the process.
    AT_EXIT.set(f).is_ok() && unsafe { atexit(call) } == 0
}
