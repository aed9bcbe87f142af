//! Calls on one communicator: bytes in, bytes out, MPI's codes as errors.

use super::Operators;
use crate::Error;
use crate::patience::Patience;
use crate::reduction::Reduction;
use mpi::ffi;
use plywood_core::DType;
use std::ffi::{c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::OnceLock;

const SUCCESS: c_int = ffi::MPI_SUCCESS as c_int;
/// The tag of messages between two members; their order tells them apart.
const TAG: c_int = 1;

/// A communicator of our own.
#[derive(Debug)]
pub(crate) struct Comm {
    raw: ffi::MPI_Comm,
    pub(crate) rank: usize,
    pub(crate) size: usize,
    /// How errors call it.
    pub(crate) name: String,
}

// SAFETY: a handle is a number or an address that MPI alone follows; MPI's functions may be called with it from every thread
// that may call MPI.
unsafe impl Send for Comm {}
// SAFETY: as above; nothing here changes after it was made.
unsafe impl Sync for Comm {}

/// Elements of a type, and how they are combined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Combining<'a> {
    pub(crate) operators: &'a Operators,
    pub(crate) how: Reduction,
    pub(crate) dtype: DType,
}

impl Comm {
    /// All processes, in a communicator of our own: what others send does not meet it.
    pub(super) fn world() -> Result<Comm, Error> {
        let mut raw = MaybeUninit::uninit();
        // SAFETY: MPI has started; the handle is written where the call succeeds, which it does or ends the process, as nobody
        // has told this communicator otherwise.
        let raw = unsafe {
            let code = ffi::MPI_Comm_dup(ffi::RSMPI_COMM_WORLD, raw.as_mut_ptr());
            if code != SUCCESS {
                return Err(Error::Start(text(code)));
            }
            raw.assume_init()
        };
        Comm::new(raw, |_, size| format!("the world of {size}"))
    }

    fn new(raw: ffi::MPI_Comm, name: impl FnOnce(usize, usize) -> String) -> Result<Comm, Error> {
        let (mut rank, mut size) = (0, 0);
        // SAFETY: a communicator that was made just now.
        let code = unsafe {
            match ffi::MPI_Comm_set_errhandler(raw, ffi::RSMPI_ERRORS_RETURN) {
                SUCCESS => ffi::MPI_Comm_rank(raw, &mut rank).max(ffi::MPI_Comm_size(raw, &mut size)),
                code => code,
            }
        };
        let (rank, size) = (rank as usize, size as usize);
        let comm = Comm { raw, rank, size, name: name(rank, size) };
        comm.checked("MPI_Comm_rank", code)?;
        Ok(comm)
    }

    /// The error that a code means.
    pub(super) fn error(&self, call: &'static str, code: c_int) -> Error {
        Error::Call { call, group: self.name.clone(), code, text: text(code) }
    }

    fn checked(&self, call: &'static str, code: c_int) -> Result<(), Error> {
        if code == SUCCESS { Ok(()) } else { Err(self.error(call, code)) }
    }

    /// A communicator of some members, which alone call this. They are distinct and in range, and this process is one.
    pub(crate) fn sub(&self, members: &[usize], tag: u32, name: String) -> Result<Comm, Error> {
        assert!(members.contains(&self.rank) && members.iter().all(|&m| m < self.size));
        let ranks: Vec<c_int> = members.iter().map(|&m| m as c_int).collect();
        let tag = c_int::try_from(tag).unwrap_or(c_int::MAX);
        let (mut all, mut some) = (MaybeUninit::uninit(), MaybeUninit::uninit());
        let mut raw = MaybeUninit::uninit();
        // SAFETY: each handle is read only after the call that writes it has succeeded, and the groups are freed once. The ranks
        // are as many as said.
        let raw = unsafe {
            self.checked("MPI_Comm_group", ffi::MPI_Comm_group(self.raw, all.as_mut_ptr()))?;
            let mut all: ffi::MPI_Group = all.assume_init();
            let code = ffi::MPI_Group_incl(all, ranks.len() as c_int, ranks.as_ptr(), some.as_mut_ptr());
            ffi::MPI_Group_free(&mut all);
            self.checked("MPI_Group_incl", code)?;
            let mut some: ffi::MPI_Group = some.assume_init();
            let code = ffi::MPI_Comm_create_group(self.raw, some, tag, raw.as_mut_ptr());
            ffi::MPI_Group_free(&mut some);
            self.checked("MPI_Comm_create_group", code)?;
            raw.assume_init()
        };
        Comm::new(raw, |_, _| name)
    }

    /// Lets MPI forget it.
    pub(crate) fn free(self) {
        let mut raw = self.raw;
        // SAFETY: a communicator of our own, which its only owner gives up.
        unsafe { ffi::MPI_Comm_free(&mut raw) };
    }

    /// Whether [`Comm::all_reduce_in_place`] may be called.
    pub(crate) fn is_in_place() -> bool {
        in_place().is_some()
    }

    /// Combines all members' bytes, in place.
    pub(crate) fn all_reduce_in_place(&self, combining: Combining, data: &mut [u8]) -> Result<(), Error> {
        let (ty, op) = combining.raw();
        let count = combining.count(data);
        let in_place = in_place().expect("asked before");
        // SAFETY: `data` holds `count` elements at an address that fits them, and is not looked at before the call returns.
        let code = unsafe { ffi::MPI_Allreduce(in_place, data.as_mut_ptr().cast(), count, ty, op, self.raw) };
        self.checked("MPI_Allreduce", code)
    }

    /// Combines all members' bytes.
    pub(crate) fn all_reduce(&self, combining: Combining, from: &[u8], into: &mut [u8]) -> Result<(), Error> {
        assert_eq!(from.len(), into.len());
        let (ty, op) = combining.raw();
        let count = combining.count(from).min(combining.count(into));
        let (from, into) = (from.as_ptr().cast(), into.as_mut_ptr().cast());
        // SAFETY: both hold `count` elements at addresses that fit them; the call returns before they are looked at again.
        let code = unsafe { ffi::MPI_Allreduce(from, into, count, ty, op, self.raw) };
        self.checked("MPI_Allreduce", code)
    }

    /// Combines all members' bytes, of which each gets its block.
    pub(crate) fn reduce_scatter(
        &self,
        combining: Combining,
        data: &[u8],
        mine: &mut [u8],
    ) -> Result<(), Error> {
        assert_eq!(data.len(), mine.len() * self.size);
        let (ty, op) = combining.raw();
        let count = combining.count(mine).min(combining.count(data));
        let (data, mine) = (data.as_ptr().cast(), mine.as_mut_ptr().cast());
        // SAFETY: `mine` holds `count` elements and `data` as many for each member, at addresses that fit them; the call returns
        // before they are looked at again.
        let code = unsafe { ffi::MPI_Reduce_scatter_block(data, mine, count, ty, op, self.raw) };
        self.checked("MPI_Reduce_scatter_block", code)
    }

    /// All members' bytes, by rank.
    pub(crate) fn all_gather(&self, mine: &[u8], all: &mut [u8]) -> Result<(), Error> {
        assert_eq!(all.len(), mine.len() * self.size);
        let n = count(mine.len());
        // SAFETY: `mine` has n bytes and `all` n for each member; the call returns before they are looked at again.
        let code = unsafe {
            let byte = ffi::RSMPI_UINT8_T;
            ffi::MPI_Allgather(mine.as_ptr().cast(), n, byte, all.as_mut_ptr().cast(), n, byte, self.raw)
        };
        self.checked("MPI_Allgather", code)
    }

    /// The block that each member has for this one, by rank.
    pub(crate) fn all_to_all(&self, data: &[u8], out: &mut [u8]) -> Result<(), Error> {
        assert!(data.len() == out.len() && data.len().is_multiple_of(self.size));
        let n = count(data.len() / self.size);
        // SAFETY: both have n bytes for each member; the call returns before they are looked at again.
        let code = unsafe {
            let byte = ffi::RSMPI_UINT8_T;
            ffi::MPI_Alltoall(data.as_ptr().cast(), n, byte, out.as_mut_ptr().cast(), n, byte, self.raw)
        };
        self.checked("MPI_Alltoall", code)
    }

    /// The bytes of member `root`.
    pub(crate) fn broadcast(&self, root: usize, data: &mut [u8]) -> Result<(), Error> {
        assert!(root < self.size);
        let n = count(data.len());
        // SAFETY: `data` has n bytes; the call returns before they are looked at again.
        let code = unsafe {
            ffi::MPI_Bcast(data.as_mut_ptr().cast(), n, ffi::RSMPI_UINT8_T, root as c_int, self.raw)
        };
        self.checked("MPI_Bcast", code)
    }

    /// Returns when all members have called it.
    pub(crate) fn barrier(&self) -> Result<(), Error> {
        // SAFETY: no memory is lent.
        self.checked("MPI_Barrier", unsafe { ffi::MPI_Barrier(self.raw) })
    }

    /// As [`Comm::barrier`], waiting with patience.
    pub(crate) fn meet(&self, mut patience: Patience) -> Result<(), Error> {
        let mut request = MaybeUninit::uninit();
        // SAFETY: no memory is lent; the request is read only if the call succeeds, and completed before this returns.
        unsafe {
            self.checked("MPI_Ibarrier", ffi::MPI_Ibarrier(self.raw, request.as_mut_ptr()))?;
            self.checked("MPI_Test", complete(request.assume_init(), &mut patience).0)
        }
    }

    /// Sends to one member and receives from another; either may be nobody. With patience, where some is given.
    pub(crate) fn exchange(
        &self,
        (to, data): (Option<usize>, &[u8]),
        (from, out): (Option<usize>, &mut [u8]),
        patience: Option<&mut Patience>,
    ) -> Result<(), Error> {
        let rank = |member: Option<usize>| match member {
            Some(member) => {
                assert!(member < self.size);
                member as c_int
            }
            // SAFETY: reads a constant of the library.
            None => unsafe { ffi::RSMPI_PROC_NULL },
        };
        let (sent, taken) = (count(data.len()), count(out.len()));
        let (data, into) = (data.as_ptr().cast::<c_void>(), out.as_mut_ptr().cast::<c_void>());
        let mut status = MaybeUninit::uninit();
        let (source, dest) = (rank(from), rank(to));
        // SAFETY: `data` has `sent` bytes and `out` `taken`. A call that waits returns before they are looked at again; of the
        // others both requests are completed here, whatever the codes are.
        let (call, code) = unsafe {
            let byte = ffi::RSMPI_UINT8_T;
            match patience {
                None => {
                    let status = status.as_mut_ptr();
                    let code = ffi::MPI_Sendrecv(
                        data, sent, byte, dest, TAG, into, taken, byte, source, TAG, self.raw, status,
                    );
                    ("MPI_Sendrecv", code)
                }
                Some(patience) => {
                    let (mut receive, mut send) = (MaybeUninit::uninit(), MaybeUninit::uninit());
                    let receiving =
                        ffi::MPI_Irecv(into, taken, byte, source, TAG, self.raw, receive.as_mut_ptr());
                    self.checked("MPI_Irecv", receiving)?;
                    let sending = ffi::MPI_Isend(data, sent, byte, dest, TAG, self.raw, send.as_mut_ptr());
                    let (received, came) = complete(receive.assume_init(), patience);
                    status.write(came);
                    if sending != SUCCESS {
                        return Err(self.error("MPI_Isend", sending));
                    }
                    let (sent, _) = complete(send.assume_init(), patience);
                    ("MPI_Test", if received != SUCCESS { received } else { sent })
                }
            }
        };
        self.checked(call, code)?;
        let mut came = 0;
        // SAFETY: the call that writes the status has succeeded.
        let code = unsafe { ffi::MPI_Get_count(status.as_ptr(), ffi::RSMPI_UINT8_T, &mut came) };
        self.checked("MPI_Get_count", code)?;
        match from {
            Some(from) if came != taken => {
                let (came, expected) = (came as usize, out.len());
                Err(Error::Length { group: self.name.clone(), from, came, expected })
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl Combining<'_> {
    fn raw(&self) -> (ffi::MPI_Datatype, ffi::MPI_Op) {
        self.operators.of(self.how, self.dtype)
    }

    /// How many elements these are, whole ones at an address that fits them.
    fn count(&self, data: &[u8]) -> c_int {
        assert!(data.len().is_multiple_of(self.dtype.size()) && is_aligned(self.dtype, data));
        count(data.len() / self.dtype.size())
    }
}

/// A number of elements as MPI takes it.
fn count(n: usize) -> c_int {
    c_int::try_from(n).expect("a call's piece has at most i32::MAX elements")
}

/// Whether MPI may take the bytes for elements where they lie.
pub(crate) fn is_aligned(dtype: DType, data: &[u8]) -> bool {
    data.as_ptr().align_offset(dtype.size()) == 0
}

/// Completes a request; its code and status.
///
/// # Safety
/// The request was made by a call that succeeded, and is not used again.
unsafe fn complete(mut request: ffi::MPI_Request, patience: &mut Patience) -> (c_int, ffi::MPI_Status) {
    // SAFETY: a status is plain numbers, for which zeros are values.
    let mut status = unsafe { MaybeUninit::zeroed().assume_init() };
    loop {
        let mut done = 0;
        // SAFETY: the request is pending, by the caller's promise and as the last test said so.
        let code = unsafe { ffi::MPI_Test(&mut request, &mut done, &mut status) };
        // A test that fails has completed the request.
        if done != 0 || code != SUCCESS {
            return (code, status);
        }
        patience.pause();
    }
}

/// MPI's words for a code.
fn text(code: c_int) -> String {
    let mut words = [0u8; ffi::MPI_MAX_ERROR_STRING as usize + 1];
    let mut len = 0;
    // SAFETY: MPI has started; it writes at most as many bytes as its constant says.
    let known = unsafe { ffi::MPI_Error_string(code, words.as_mut_ptr().cast::<c_char>(), &mut len) };
    match usize::try_from(len) {
        Ok(len) if known == SUCCESS && len <= words.len() => {
            String::from_utf8_lossy(&words[..len]).into_owned()
        }
        _ => "MPI has no words for it".to_string(),
    }
}

/// What stands for the send buffer where the receive buffer has the operand (`MPI_IN_PLACE`). The bindings lack it, as it is an
/// expression of C: known of Open MPI, whose header has had it as 1 since it exists, and which others do without.
fn in_place() -> Option<*const c_void> {
    static OPEN_MPI: OnceLock<bool> = OnceLock::new();
    let open = OPEN_MPI.get_or_init(|| {
        mpi::environment::library_version().is_ok_and(|version| version.starts_with("Open MPI"))
    });
    open.then_some(std::ptr::without_provenance(1))
}
