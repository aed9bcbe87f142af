//! Bytes between the processes of a job, by MPI, with the feature `mpi`; without it there is only how elements are combined
//! ([`Reduction`], [`combine`], [`fold`]), and nothing of MPI is compiled.
#![cfg_attr(feature = "mpi", doc = include_str!("../README.md"))]

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
