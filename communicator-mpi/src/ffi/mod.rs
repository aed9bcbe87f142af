//! The one place that calls MPI, and that MPI calls.
//!
//! What always holds: whatever is `unsafe` stands in this folder, each block with its reason; what leaves it is safe for any
//! caller: lengths are checked against what a call reads and writes, no buffer is lent beyond a call's return (with whichever code:
//! that MPI is then done with it is MPI's promise), and no call leaves a request behind. Which thread may call when is the caller's promise by order ([`crate::group`]), not by safety: MPI is told at
//! its start how many threads will come, and where it takes one only, one thread calls everything ([`crate::process`]).

#![allow(unsafe_code)]

mod comm;
mod operators;
mod process;

pub(crate) use comm::{Combining, Comm, is_aligned};
pub(crate) use operators::Operators;
pub(crate) use process::{Level, Started, abort, at_exit, exit_now, start};
