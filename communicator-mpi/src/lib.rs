//! Bytes between the processes of a job, by MPI: what members of a group of processes do together, on elements of every type, waited
//! for or started beside computation.
//!
//! Everything but how elements are combined ([`Reduction`], [`combine`], [`fold`]) needs the feature `mpi`, and with it an MPI
//! library with its compiler wrapper, and libclang (Debian: `libopenmpi-dev openmpi-bin clang libclang-dev`). Without the feature
//! nothing of MPI is compiled.
//!
//! ```ignore
//! end_job_on_panic();
//! let all = world()?;
//! let mut sum = 1.5f32.to_ne_bytes();
//! all.all_reduce(Reduction::Sum, DType::F32, &mut sum)?;
//! let started = all.start_all_reduce(Reduction::SumInOrder, DType::F32, gradients);
//! // ... compute something else ...
//! let gradients = started.wait()?;
//! ```
//!
//! ```text
//! mpirun --bind-to none -n 4 program
//! ```
//!
//! # Threads, and progress
//!
//! MPI is asked for `MPI_THREAD_MULTIPLE`. Where it is given, a call that is waited for is made by its caller, at MPI's own speed;
//! one that is started is made by a thread of its group. That thread is inside MPI whatever the program does meanwhile, so the call
//! makes progress, which MPI's own nonblocking calls do not everywhere: Open MPI moves their bytes while some thread is inside it.
//! It first waits for the other members, asleep most of the time, so that the program has its cores; a call that was started is
//! therefore matched by calls that were started.
//!
//! Where only `MPI_THREAD_SERIALIZED` or `MPI_THREAD_FUNNELED` is given, one thread makes all calls of the process, in the order in
//! which they were asked for: operands are copied, and members' orders must agree across all groups, or they wait for each other
//! for ever. `MPI_THREAD_SINGLE` is an error.
//!
//! A process with several threads needs several cores: `mpirun` binds each process to one core unless it is told `--bind-to none`.
//! With more processes than cores Open MPI is to yield while it waits: `OMPI_MCA_mpi_yield_when_idle=1`. It does so by itself only
//! where it counts more processes than cores, and other programs are none of them.
//!
//! # What is exact
//!
//! Integers wrap; the largest and smallest of floats are NaN if any is; 16-bit floats are added in f32, and rounded to nearest. MPI's
//! own operators do only part of this, and those of Open MPI 4.1 err on small integers and on unsigned ones, so they serve sums of 32
//! and 64 bits alone. The order in which floats are added is MPI's, or that of ranks (`Reduction::SumInOrder`), which gives all
//! members the same bits, in every run.
//!
//! # How a job ends
//!
//! A process that returns from `main`, or exits, with 0 ends MPI in its own end, for which MPI waits for the others. With any
//! other code it ends the job, with that code (where the C library tells it: glibc). A panic of the main thread is such a code; so
//! that one of any thread ends the job, call `end_job_on_panic`. `abort` ends it at once. A process that is killed is noticed by
//! `mpirun`, which ends the others.

pub mod reduction;

#[cfg(feature = "mpi")]
mod buffer;
#[cfg(feature = "mpi")]
mod collective;
#[cfg(feature = "mpi")]
mod error;
#[cfg(feature = "mpi")]
mod ffi;
#[cfg(feature = "mpi")]
mod group;
#[cfg(feature = "mpi")]
mod patience;
#[cfg(feature = "mpi")]
mod process;
#[cfg(feature = "mpi")]
mod start;
#[cfg(feature = "mpi")]
mod started;
#[cfg(feature = "mpi")]
mod turns;
#[cfg(feature = "mpi")]
mod world;

#[cfg(feature = "mpi")]
pub use collective::Tuning;
#[cfg(feature = "mpi")]
pub use error::Error;
#[cfg(feature = "mpi")]
pub use group::Group;
#[cfg(feature = "mpi")]
pub use process::{abort, end_job_on_panic, world};
pub use reduction::{Reduction, combine, fold};
#[cfg(feature = "mpi")]
pub use start::{Source, Target};
#[cfg(feature = "mpi")]
pub use started::Pending;
#[cfg(feature = "mpi")]
pub use world::{join, messages};
