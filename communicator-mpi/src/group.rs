//! A group of processes, and the calls its members make together: waited for ([`Group`]), or started ([`crate::start`]).
//!
//! What always holds: calls on a group are made one after another, in the order in which they were asked for in this process,
//! started ones among them, whichever threads ask; and a call that failed is the last one that MPI sees of the group.

use crate::Error;
use crate::collective::{self, Context, Scratch, Tuning, check};
use crate::ffi::{Comm, Level};
use crate::patience::Patience;
use crate::process::{Job, Shared, perform};
use crate::reduction::Reduction;
use crate::started::Pending;
use crate::turns::Turns;
use plywood_core::DType;
use std::fmt;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Builder;

/// Processes that call together, each with a rank.
///
/// Every member makes the same calls on a group in the same order, each with operands of the same length, element type and
/// reduction; and all in the same form, waited for or started. Threads of a process may call at once, on one group or several:
/// on one, their calls are made in the order in which they came, which must be the same on all members. Between groups there is
/// no order, unless MPI lets only one thread in: then all calls of a process are made one after another, and the members' orders
/// must agree across groups, too ([the crate](crate) says more).
///
/// A group is freed when its last handle is dropped, which all members do at about the same place of the program; the world's when
/// the process ends.
pub struct Group {
    shared: Arc<Shared>,
    /// None once it is being freed.
    comm: Option<Comm>,
    /// Ranks in the world.
    members: Vec<usize>,
    turns: Turns,
    memory: Mutex<Memory>,
    /// The thread that makes started calls, once there was one, where MPI lets it.
    thread: Mutex<Option<Sender<Job>>>,
    broken: OnceLock<Error>,
}

#[derive(Debug, Default)]
struct Memory {
    scratch: Scratch,
    tuning: Tuning,
}

/// How a started call waits for others.
#[derive(Clone, Copy)]
pub(crate) enum Waits {
    /// It is a call of all members, which meet first: MPI's own waiting would keep a core busy.
    Meeting,
    /// It asks again and again by itself.
    Itself,
    /// As MPI waits, since it stands for a call that is waited for.
    Busily,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Group {
    pub(crate) fn new(shared: Arc<Shared>, comm: Comm, members: Vec<usize>) -> Arc<Group> {
        let (turns, memory) = (Turns::default(), Mutex::default());
        let (thread, broken) = (Mutex::new(None), OnceLock::new());
        Arc::new(Group { shared, comm: Some(comm), members, turns, memory, thread, broken })
    }

    fn comm(&self) -> &Comm {
        self.comm.as_ref().expect("until it is dropped")
    }

    /// The rank of this process in the group.
    pub fn rank(&self) -> usize {
        self.comm().rank
    }

    /// How many members it has.
    pub fn size(&self) -> usize {
        self.comm().size
    }

    /// The members' ranks in the world, by their ranks here.
    pub fn members(&self) -> &[usize] {
        &self.members
    }

    /// A group of some members, given by their ranks here; the places in the list are their ranks there. All of them call this with
    /// the same list and tag, and nobody else; for them it is one of the calls on this group. Groups that are made at the same time,
    /// of other members, have other tags. An error for a process that is not in the list.
    ///
    /// # Panics
    /// If a member is named twice, or is none of this group; if the tag is above `i32::MAX`. (MPI promises tags up to 2^15 - 1.)
    #[track_caller]
    pub fn sub(self: &Arc<Self>, members: &[usize], tag: u32) -> Result<Arc<Group>, Error> {
        check::members(self.size(), members);
        assert!(i32::try_from(tag).is_ok(), "a tag of {tag}, where MPI takes an i32");
        if !members.contains(&self.rank()) {
            let (rank, group, members) = (self.rank(), self.to_string(), members.to_vec());
            return Err(Error::NotAMember { rank, group, members });
        }
        let inside = members.to_vec();
        let world: Vec<usize> = members.iter().map(|&m| self.members[m]).collect();
        let name = format!("the group of ranks {world:?}");
        let comm = self.call(move |cx| cx.comm.sub(&inside, tag, name))?;
        Ok(Group::new(Arc::clone(&self.shared), comm, world))
    }

    /// All members get the combination of all members' elements, in place.
    ///
    /// With [`Reduction::Sum`] members get the same bits as far as MPI's algorithm gives them, which those of the common libraries
    /// do but for what a NaN holds besides; [`Reduction::SumInOrder`] gives the same bits, always.
    ///
    /// # Panics
    /// If these are not whole elements, or bools to be added.
    #[track_caller]
    pub fn all_reduce(self: &Arc<Self>, how: Reduction, dtype: DType, data: &mut [u8]) -> Result<(), Error> {
        check::elements(how, dtype, data.len());
        self.run(&[], data, move |cx, _, data| collective::all_reduce(cx, how, dtype, data))
    }

    /// Each member gets its block of the combination of all members' elements: of as many equal blocks as there are members, by
    /// rank.
    ///
    /// # Panics
    /// If `data` is not as many times `mine` as there are members, or these are not whole elements, or bools to be added.
    #[track_caller]
    pub fn reduce_scatter(
        self: &Arc<Self>,
        how: Reduction,
        dtype: DType,
        data: &[u8],
        mine: &mut [u8],
    ) -> Result<(), Error> {
        check::elements(how, dtype, mine.len());
        check::blocks("reduce_scatter", self.size(), data.len(), mine.len());
        self.run(data, mine, move |cx, data, mine| collective::reduce_scatter(cx, how, dtype, data, mine))
    }

    /// All members get all members' bytes, by rank.
    ///
    /// # Panics
    /// If `all` is not as many times `mine` as there are members.
    #[track_caller]
    pub fn all_gather(self: &Arc<Self>, mine: &[u8], all: &mut [u8]) -> Result<(), Error> {
        check::blocks("all_gather", self.size(), all.len(), mine.len());
        self.run(mine, all, collective::all_gather)
    }

    /// Each member gets its block of every member's bytes, by rank: of as many equal blocks as there are members.
    ///
    /// # Panics
    /// If `out` is not as long as `data`, or these are not as many blocks.
    #[track_caller]
    pub fn all_to_all(self: &Arc<Self>, data: &[u8], out: &mut [u8]) -> Result<(), Error> {
        check::exchanged(self.size(), data.len(), out.len());
        self.run(data, out, collective::all_to_all)
    }

    /// Sends `data` to one member and receives `out` from another, of the same length. Without `from`, `out` is zeros. Members
    /// that neither send nor receive need not call.
    ///
    /// # Panics
    /// If a rank is out of range.
    #[track_caller]
    pub fn permute(
        self: &Arc<Self>,
        to: Option<usize>,
        from: Option<usize>,
        data: &[u8],
        out: &mut [u8],
    ) -> Result<(), Error> {
        check::ranks(self.size(), [to, from]);
        self.run(data, out, move |cx, data, out| collective::permute(cx, to, from, data, out, None))
    }

    /// All members get the bytes of member `root`.
    ///
    /// # Panics
    /// If there is no such member.
    #[track_caller]
    pub fn broadcast(self: &Arc<Self>, root: usize, data: &mut [u8]) -> Result<(), Error> {
        check::ranks(self.size(), [Some(root)]);
        self.run(&[], data, move |cx, _, data| collective::broadcast(cx, root, data))
    }

    /// Returns when all members have called it.
    pub fn barrier(self: &Arc<Self>) -> Result<(), Error> {
        self.call(|cx| cx.comm.barrier())
    }

    /// How operands are cut into pieces.
    pub fn tuning(&self) -> Tuning {
        lock(&self.memory).tuning
    }

    /// Cuts operands into other pieces from now on. All members do so, between the same calls.
    pub fn set_tuning(&self, tuning: Tuning) {
        lock(&self.memory).tuning = tuning;
    }

    /// Makes a call from one buffer into another, and waits.
    fn run(
        self: &Arc<Self>,
        from: &[u8],
        into: &mut [u8],
        f: impl FnOnce(&mut Context, &[u8], &mut [u8]) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        match self.shared.level {
            Level::Any => self.now(|cx| f(cx, from, into)),
            // Another thread makes the call, to which buffers are not lent.
            Level::One => {
                let (from, mut copy) = (from.to_vec(), into.to_vec());
                let call = move |cx: &mut Context, _: &AtomicBool| {
                    f(cx, &from, &mut copy)?;
                    Ok(copy)
                };
                into.copy_from_slice(&self.later(Waits::Busily, call).wait()?);
                Ok(())
            }
        }
    }

    /// Makes a call that borrows nothing, and waits.
    fn call<R: Send + 'static>(
        self: &Arc<Self>,
        f: impl FnOnce(&mut Context) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        match self.shared.level {
            Level::Any => self.now(f),
            Level::One => self.later(Waits::Busily, move |cx, _| f(cx)).wait(),
        }
    }

    /// Makes a call on this thread, when its turn comes.
    fn now<R>(&self, f: impl FnOnce(&mut Context) -> Result<R, Error>) -> Result<R, Error> {
        let _entered = self.shared.enter()?;
        let ticket = self.turns.take();
        let _turn = self.turns.wait(ticket);
        self.attempt(f)
    }

    /// Has a call made by the thread whose it is, after those that were asked for before.
    pub(crate) fn later<R: Send + 'static>(
        self: &Arc<Self>,
        waits: Waits,
        f: impl FnOnce(&mut Context, &AtomicBool) -> Result<R, Error> + Send + 'static,
    ) -> Pending<R> {
        let (promise, pending) = Pending::new();
        let entered = match self.shared.enter() {
            Ok(entered) => entered,
            Err(error) => {
                promise.keep(Err(error));
                return pending;
            }
        };
        let group = Arc::clone(self);
        let make = move || {
            let result = group.attempt(|cx| {
                if let Waits::Meeting = waits
                    && group.size() > 1
                {
                    cx.comm.meet(Patience::new(promise.hurry()))?;
                }
                f(cx, promise.hurry())
            });
            promise.keep(result);
            drop(entered);
        };
        match self.shared.level {
            // One queue has all calls, of all groups.
            Level::One => self.shared.submit(Box::new(make)),
            Level::Any => self.queue(make),
        }
        pending
    }

    /// Has the group's thread do something when its turn comes, which it takes now.
    fn queue(self: &Arc<Self>, make: impl FnOnce() + Send + 'static) {
        let mut thread = lock(&self.thread);
        let tasks = thread.get_or_insert_with(|| {
            let (tasks, todo) = channel::<Job>();
            let work = move || todo.into_iter().for_each(perform);
            Builder::new().name("mpi group".to_string()).spawn(work).expect("a thread for started calls");
            tasks
        });
        // The turn is taken and the work queued under one lock, so that their orders are the same.
        let (group, ticket) = (Arc::clone(self), self.turns.take());
        let job = move || {
            let _turn = group.turns.wait(ticket);
            make()
        };
        tasks.send(Box::new(job)).expect("the thread lives as long as the group");
    }

    /// Makes a call; the first that fails is the last.
    fn attempt<R>(&self, f: impl FnOnce(&mut Context) -> Result<R, Error>) -> Result<R, Error> {
        if let Some(error) = self.broken.get() {
            return Err(error.clone());
        }
        let mut memory = lock(&self.memory);
        let Memory { scratch, tuning } = &mut *memory;
        let (comm, operators) = (self.comm(), &self.shared.operators);
        let result = f(&mut Context { comm, operators, tuning: *tuning, scratch });
        memory.scratch.trim();
        result.inspect_err(|error| {
            let _ = self.broken.set(error.clone());
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let Some(comm) = self.comm.take() else { return };
        // MPI that has ended has freed it.
        let Ok(entered) = self.shared.enter() else { return };
        let free = move || {
            comm.free();
            drop(entered);
        };
        match self.shared.level {
            Level::Any => free(),
            Level::One => self.shared.submit(Box::new(free)),
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.comm().name)
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group")
            .field("rank", &self.rank())
            .field("members", &self.members)
            .finish_non_exhaustive()
    }
}
