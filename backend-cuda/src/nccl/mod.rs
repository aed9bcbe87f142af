//! Collective operations between GPUs, by NVIDIA's library NCCL: what `pmap` over devices is made of where the devices are NVIDIA's.
//!
//! A [`Communicator`] has the ranks of this process in a group of ranks, each with a device of its own. Its calls take values of the
//! engine `Cuda`, one for each rank, and give values; what is sent are the bytes of buffers on the devices.
//!
//! ```no_run
//! use plywood_backend_cuda::Cuda;
//! use plywood_backend_cuda::nccl::{Communicator, Fold};
//! # use plywood_core::{DeviceBackend, Value};
//! # fn main() -> Result<(), plywood_core::Error> {
//! # let values: Vec<Value> = vec![];
//! // Every GPU of this machine: rank k is the k-th.
//! let all = Communicator::of(&Cuda::found()?)?;
//! let sums = all.all_reduce(Fold::Sum, &values.iter().collect::<Vec<_>>())?;
//! # Ok(())
//! # }
//! ```
//!
//! **Why not CubeCL's.** CubeCL 0.10 has one collective, a sum of all ranks of one process, and its server panics where NCCL says no.
//! Its crate `cudarc` binds all of NCCL, but looks for `libnccl.so`, which only development packages have, and panics where it is not
//! there. So the two dozen functions of NCCL and of the driver that are needed are looked up here ([`library`]), as the driver is in
//! `find.rs`: a build needs neither, and what is missing at run time is a typed error.
//!
//! **Programs on many devices** speak by it where their GPUs are different ones ([`group`]).
//!
//! **Order.** CubeCL does not show its streams. So NCCL has a stream of its own for each rank
//! ([`driver::Lane`]), which waits for all that was put in the device's queues before, and for which all waits that is put there later: by
//! events of the whole context (`cuCtxRecordEvent`, `cuCtxWaitEvent`; CUDA 12.5). The host waits for CubeCL's thread to have issued what
//! was asked before, never for a device; with an older driver it waits for the devices, before and after ([`Communicator::waits`]).
//! What a device computes meanwhile is not overlapped with what is sent.
//!
//! What always holds: memory that NCCL reads or writes is held until everything that follows it in the device's queues comes after
//! NCCL, and no call reaches beyond it ([`region::Region`]). `unsafe` stands in `library`, `driver` and `comm` alone.

mod carry;
mod comm;
mod communicator;
mod driver;
mod group;
mod library;
mod moves;
mod region;

pub use communicator::{Communicator, Fold};
pub(crate) use group::group;
pub use library::version;
