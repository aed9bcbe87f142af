//! MPI in this process: its one start, the thread that does it, and the process's end.
//!
//! What always holds: one thread of this crate, `mpi`, starts MPI and ends it. Where MPI lets any thread in, callers call it
//! themselves, and a group's started calls are made by a thread of the group; elsewhere `mpi` makes all calls, in the order in
//! which they were asked for. MPI ends when the process ends well, after the calls under way; a process that ends otherwise ends
//! the job.

use crate::ffi::{self, Comm, Level, Operators, Started};
use crate::{Error, Group};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, Once, OnceLock, PoisonError};
use std::thread::{self, Builder};
use std::time::Duration;

/// Work for a thread that calls MPI.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// What all groups share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) level: Level,
    pub(crate) operators: Operators,
    gate: Gate,
    tasks: Sender<Task>,
}

enum Task {
    Run(Job),
    End(Arc<Ended>),
}

#[derive(Debug, Default)]
struct Ended {
    done: Mutex<bool>,
    told: Condvar,
}

static WORLD: OnceLock<Result<Arc<Group>, Error>> = OnceLock::new();
static SHARED: OnceLock<Arc<Shared>> = OnceLock::new();
static ABORTING: AtomicBool = AtomicBool::new(false);

/// All processes of the job: what they can do together. Starts MPI at the first call, which all of them make; later calls give the
/// same group, or the same error.
///
/// Without `mpirun` the process is the only one. What MPI itself takes for fatal at its start, such as a launcher that does not
/// answer, ends the process with MPI's message. If the program has started MPI already, that is used, and left to the program to
/// end; it must have asked for `MPI_THREAD_MULTIPLE`.
///
/// `PLYWOOD_MPI_THREADS=one` has one thread make all calls, as where MPI lets no more in.
pub fn world() -> Result<Arc<Group>, Error> {
    WORLD.get_or_init(start).clone()
}

fn start() -> Result<Arc<Group>, Error> {
    let wanted = match std::env::var("PLYWOOD_MPI_THREADS") {
        Ok(threads) if threads == "one" => Level::One,
        Ok(_) | Err(_) => Level::Any,
    };
    let (tell, told) = channel();
    let (tasks, todo) = channel();
    Builder::new()
        .name("mpi".to_string())
        .spawn(move || run(wanted, tell, todo))
        .map_err(|e| Error::Start(format!("no thread for it: {e}")))?;
    let gone = |_| Error::Start("the thread that starts it panicked".to_string());
    let (level, operators, world, is_ours) = told.recv().map_err(gone)??;
    let shared = Arc::new(Shared { level, operators, gate: Gate::default(), tasks });
    if is_ours && SHARED.set(Arc::clone(&shared)).is_ok() && !ffi::at_exit(at_exit) {
        return Err(Error::Start("the C library takes no function to call at the process's end".to_string()));
    }
    let members = (0..world.size).collect();
    Ok(Group::new(shared, world, members))
}

type Told = Result<(Level, Operators, Comm, bool), Error>;

/// The thread `mpi`.
fn run(wanted: Level, tell: Sender<Told>, todo: Receiver<Task>) {
    let universe = match ffi::start(wanted) {
        Ok(Started { universe, level, operators, world }) => {
            let _ = tell.send(Ok((level, operators, world, universe.is_some())));
            universe
        }
        Err(error) => {
            let _ = tell.send(Err(error));
            return;
        }
    };
    for task in todo {
        match task {
            Task::Run(job) => perform(job),
            Task::End(ended) => {
                drop(universe);
                *ended.done.lock().unwrap_or_else(PoisonError::into_inner) = true;
                ended.told.notify_all();
                return;
            }
        }
    }
}

/// Runs a job; if it panics, whoever waits for it learns that, and the thread lives on.
pub(crate) fn perform(job: Job) {
    let _ = catch_unwind(AssertUnwindSafe(job));
}

impl Shared {
    /// Has the thread `mpi` run a job.
    pub(crate) fn submit(&self, job: Job) {
        // Without the thread the job is dropped, which whoever waits for it learns.
        let _ = self.tasks.send(Task::Run(job));
    }

    /// Keeps MPI from ending as long as what is returned lives; an error once it has begun to.
    pub(crate) fn enter(self: &Arc<Shared>) -> Result<Entered, Error> {
        let before = self.gate.0.fetch_add(1, Ordering::AcqRel);
        let entered = Entered(Arc::clone(self));
        if before & Gate::CLOSED == 0 { Ok(entered) } else { Err(Error::Ended) }
    }
}

/// How many calls are under way, and whether no more may come.
#[derive(Debug, Default)]
struct Gate(AtomicUsize);

impl Gate {
    const CLOSED: usize = 1 << (usize::BITS - 1);

    /// Lets nobody in any more, and returns when all have left.
    fn close(&self) {
        self.0.fetch_or(Gate::CLOSED, Ordering::AcqRel);
        while self.0.load(Ordering::Acquire) != Gate::CLOSED {
            thread::sleep(Duration::from_micros(100));
        }
    }
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Entered(Arc<Shared>);

impl Drop for Entered {
    fn drop(&mut self) {
        self.0.gate.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// At the process's end, by return from `main` or by `exit`: ends MPI, or the job.
fn at_exit(code: Option<i32>) {
    if ABORTING.load(Ordering::Acquire) {
        return;
    }
    match code {
        Some(0) | None => {}
        Some(code) => abort(code),
    }
    let Some(shared) = SHARED.get() else { return };
    shared.gate.close();
    let ended = Arc::new(Ended::default());
    if shared.tasks.send(Task::End(Arc::clone(&ended))).is_err() {
        return;
    }
    let mut done = ended.done.lock().unwrap_or_else(PoisonError::into_inner);
    while !*done {
        done = ended.told.wait(done).unwrap_or_else(PoisonError::into_inner);
    }
}

/// How long MPI may take to end the job, before this process ends without it: which its launcher notices, and ends the others.
const ABORT_LIMIT: Duration = Duration::from_secs(5);

/// Ends all processes of the job, at once and in whatever they are doing: `mpirun` ends with the code, which is not zero (1 instead).
///
/// Before MPI has started, or after it has ended, only this process ends.
pub fn abort(code: i32) -> ! {
    if ABORTING.swap(true, Ordering::AcqRel) {
        // Another thread is doing it.
        loop {
            thread::sleep(ABORT_LIMIT);
        }
    }
    let code = if code == 0 { 1 } else { code };
    let _ = Builder::new().spawn(move || {
        thread::sleep(ABORT_LIMIT);
        ffi::exit_now(code)
    });
    ffi::abort(code);
    ffi::exit_now(code)
}

/// From now on a panic of any thread prints its message and this process's rank, and ends the job, with the code 101.
///
/// Without this a panic of the main thread ends the job too, where the C library tells exit codes (glibc); one of another thread,
/// whose partners then wait for ever, does not.
pub fn end_job_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            before(info);
            if let Some(Ok(world)) = WORLD.get() {
                eprintln!("rank {} of {} panicked, which ends the job", world.rank(), world.size());
                abort(101);
            }
        }));
    });
}
