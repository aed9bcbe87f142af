//! What can go wrong outside the program: MPI that does not start, a call that fails, a group one is not in.

/// What MPI could not do.
///
/// After a call has failed MPI promises nothing: the group is broken, and each later call on it gives the same error. A job is
/// best ended then ([`abort`](crate::abort)).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// MPI could not be started.
    #[error("MPI does not start: {0}")]
    Start(String),
    /// The library does not let as many threads in as this crate needs.
    #[error(
        "this MPI gives no more than {given}; it takes MPI_THREAD_FUNNELED, or MPI_THREAD_MULTIPLE where others started MPI"
    )]
    Threads {
        /// The level it gives.
        given: &'static str,
    },
    /// A call failed.
    #[error("{call} on {group}: {text} (code {code})")]
    Call {
        /// MPI's name of the call.
        call: &'static str,
        /// The group.
        group: String,
        /// MPI's code.
        code: i32,
        /// MPI's words for it.
        text: String,
    },
    /// A peer sent more or fewer bytes than are taken.
    #[error("{group}: {came} bytes came from rank {from}, where {expected} are taken")]
    Length {
        /// The group.
        group: String,
        /// The peer.
        from: usize,
        /// How many it sent.
        came: usize,
        /// How many there is room for.
        expected: usize,
    },
    /// A group was asked for by a process that is not in it.
    #[error("rank {rank} of {group} is not among the members {members:?}")]
    NotAMember {
        /// The rank of this process.
        rank: usize,
        /// The group whose ranks these are.
        group: String,
        /// Who is in the group that was asked for.
        members: Vec<usize>,
    },
    /// MPI has ended in this process, which is ending itself.
    #[error("MPI has ended in this process")]
    Ended,
}
