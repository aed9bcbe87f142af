//! NCCL's communicators: one for each rank of this process, with the stream it works on.
//!
//! What always holds: a call is made in the context of its rank's device, on its lane's stream, with regions that it does not reach
//! beyond; and between `ncclGroupStart` and `ncclGroupEnd`, so that one thread may have several ranks.

#![allow(unsafe_code)]

use super::communicator::Fold;
use super::driver::Lane;
use super::library::{self, Comm, Nccl, UniqueId};
use super::region::Region;
use plywood_core::{Device, Error};
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

/// What NCCL counts in: its number of the type (`ncclDataType_t`), and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// The number.
    pub code: c_int,
    /// Bytes.
    pub size: usize,
}

/// Elements of a region.
#[derive(Clone, Copy, Debug)]
pub struct Span<'a> {
    /// The region.
    pub region: &'a Region,
    /// The first of them.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// A rank of this process.
pub struct Member {
    /// Which.
    pub rank: usize,
    /// Its stream.
    pub lane: Lane,
    nccl: &'static Nccl,
    comm: Comm,
}

// SAFETY: a communicator may be used from any thread, one at a time (`Communicator` locks).
unsafe impl Send for Member {}
// SAFETY: as above.
unsafe impl Sync for Member {}

/// A place where ranks can meet.
pub fn unique_id(nccl: &Nccl) -> Result<UniqueId, Error> {
    let mut id = UniqueId([0; 128]);
    // SAFETY: the place outlives the call.
    match unsafe { (nccl.get_unique_id)(&mut id) } {
        0 => Ok(id),
        code => Err(Error::Unavailable {
            backend: "nccl".to_string(),
            reason: format!("ncclGetUniqueId gives {code}: {}", said(nccl, code, null_mut())),
        }),
    }
}

/// Does calls as one: none of them waits for another.
pub fn group<T>(nccl: &Nccl, device: Device, calls: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let done = |function: &str, code: c_int| match code {
        0 => Ok(()),
        code => Err(failed(nccl, device, function, code, null_mut())),
    };
    // SAFETY: no arguments.
    done("ncclGroupStart", unsafe { (nccl.group_start)() })?;
    let result = calls();
    // SAFETY: a group was started by this thread; it ends, whatever its calls gave.
    let ended = done("ncclGroupEnd", unsafe { (nccl.group_end)() });
    let result = result?;
    ended.map(|()| result)
}

/// Becomes these ranks of a group of `size`, which meets at `id`. Waits until all others have come.
pub fn join(
    nccl: &'static Nccl,
    size: usize,
    id: UniqueId,
    lanes: Vec<(usize, Lane)>,
) -> Result<Vec<Member>, Error> {
    let device = lanes[0].1.device;
    let new = |(rank, lane)| Member { rank, lane, nccl, comm: null_mut() };
    let mut members: Vec<Member> = lanes.into_iter().map(new).collect();
    let joined = group(nccl, device, || {
        for member in &mut members {
            let (rank, comm) = (member.rank as c_int, &mut member.comm);
            member.lane.with(|_| {
                // SAFETY: the place is written to by the end of the group, and stays where it is until then.
                match unsafe { (nccl.comm_init_rank)(comm, size as c_int, id, rank) } {
                    0 => Ok(()),
                    code => Err(failed(nccl, device, "ncclCommInitRank", code, null_mut())),
                }
            })?;
        }
        Ok(())
    });
    if joined.is_err() {
        // What a failed group leaves is not to be destroyed.
        members.iter_mut().for_each(|member| member.comm = null_mut());
    }
    joined.map(|()| members)
}

impl Member {
    /// The sum, or an extreme, of all ranks' elements.
    pub fn all_reduce(&self, from: Span<'_>, to: Span<'_>, of: Element, how: Fold) -> Result<(), Error> {
        let (source, target, count) = (source(from, of), target(to, of), from.count);
        // SAFETY: both spans are inside of their regions, and have as many elements.
        self.call("ncclAllReduce", |stream| unsafe {
            (self.nccl.all_reduce)(source, target, count, of.code, how.code(), self.comm, stream)
        })
    }

    /// The part of this rank of it: `from` has one for each.
    pub fn reduce_scatter(&self, from: Span<'_>, to: Span<'_>, of: Element, how: Fold) -> Result<(), Error> {
        let (source, target, count) = (source(from, of), target(to, of), to.count);
        // SAFETY: both spans are inside of their regions; the first has `size` times as many elements (`moves`).
        self.call("ncclReduceScatter", |stream| unsafe {
            (self.nccl.reduce_scatter)(source, target, count, of.code, how.code(), self.comm, stream)
        })
    }

    /// All ranks' elements, one after another.
    pub fn all_gather(&self, from: Span<'_>, to: Span<'_>, of: Element) -> Result<(), Error> {
        let (source, target, count) = (source(from, of), target(to, of), from.count);
        // SAFETY: both spans are inside of their regions; the second has `size` times as many elements (`moves`).
        self.call("ncclAllGather", |stream| unsafe {
            (self.nccl.all_gather)(source, target, count, of.code, self.comm, stream)
        })
    }

    /// To another rank, which receives as many.
    pub fn send(&self, from: Span<'_>, of: Element, to: usize) -> Result<(), Error> {
        let (source, count) = (source(from, of), from.count);
        // SAFETY: the span is inside of its region.
        self.call("ncclSend", |stream| unsafe {
            (self.nccl.send)(source, count, of.code, to as c_int, self.comm, stream)
        })
    }

    /// From another rank, which sends as many.
    pub fn receive(&self, to: Span<'_>, of: Element, from: usize) -> Result<(), Error> {
        let (target, count) = (target(to, of), to.count);
        // SAFETY: the span is inside of its region.
        self.call("ncclRecv", |stream| unsafe {
            (self.nccl.receive)(target, count, of.code, from as c_int, self.comm, stream)
        })
    }

    /// What went wrong since the last call: a rank that is lost, a network that fails.
    pub fn check(&self) -> Result<(), Error> {
        let mut code = 0;
        // SAFETY: the place outlives the call.
        let asked = unsafe { (self.nccl.comm_get_async_error)(self.comm, &mut code) };
        match (asked, code) {
            // 7: something is under way.
            (0, 0 | 7) => Ok(()),
            (0, code) => Err(self.failed("an earlier call", code)),
            (code, _) => Err(self.failed("ncclCommGetAsyncError", code)),
        }
    }

    fn call(&self, function: &str, f: impl FnOnce(library::Stream) -> c_int) -> Result<(), Error> {
        self.lane.with(|stream| match f(stream) {
            0 => Ok(()),
            code => Err(self.failed(function, code)),
        })
    }

    fn failed(&self, function: &str, code: c_int) -> Error {
        failed(self.nccl, self.lane.device, function, code, self.comm)
    }
}

impl Member {
    /// Leaves the group without waiting for the others.
    pub fn abort(mut self) {
        self.leave(true)
    }

    fn leave(&mut self, at_once: bool) {
        if self.comm.is_null() {
            return;
        }
        let leave = match at_once {
            true => self.nccl.comm_abort,
            false => {
                let _ = self.lane.wait();
                self.nccl.comm_destroy
            }
        };
        // SAFETY: the communicator is this rank's, and nobody else's.
        let _ = self.lane.with(|_| unsafe {
            leave(self.comm);
            Ok(())
        });
        self.comm = null_mut();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // After a panic others may not come any more.
        self.leave(std::thread::panicking())
    }
}

fn source(span: Span<'_>, of: Element) -> *const c_void {
    span.region.elements(span.first, span.count, of.size) as *const c_void
}

fn target(span: Span<'_>, of: Element) -> *mut c_void {
    span.region.elements(span.first, span.count, of.size) as *mut c_void
}

fn failed(nccl: &Nccl, device: Device, function: &str, code: c_int, comm: Comm) -> Error {
    let reason = format!("NCCL: {function} gives {code}: {}", said(nccl, code, comm));
    Error::Device { device, reason }
}

/// What NCCL says of an error.
fn said(nccl: &Nccl, code: c_int, comm: Comm) -> String {
    // SAFETY: any number may be asked about.
    let what = library::text(unsafe { (nccl.get_error_string)(code) });
    // SAFETY: a communicator, or none.
    let last = nccl.get_last_error.map(|of| library::text(unsafe { of(comm) })).unwrap_or_default();
    match last.trim() {
        "" => what,
        last => format!("{what} ({last})"),
    }
}
