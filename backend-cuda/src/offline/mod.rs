//! The backend [`Offline`](crate::Offline): every kernel as CUDA C++, on a machine without a GPU.
//!
//! It takes the way that `Cuda` takes, by the same lowering and the same compiler of CubeCL's, with the properties of an H200; where
//! `Cuda` would have a kernel compiled and run, this one keeps its source ([`sources`]), once for each distinct kernel. So NVIDIA's
//! compiler can be asked about all of them where there is no GPU (`tools/nvrtc.py`). What always holds: nothing runs, and whatever
//! is read is zeros.

mod properties;
mod server;

use cubecl::prelude::KernelId;
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, MutexGuard};

pub use server::Nothing;

/// A kernel's source.
#[derive(Clone, Debug)]
pub struct Source {
    /// The kernel's name, which is its family's.
    pub name: String,
    /// CUDA C++; what the compiler said, where it made none.
    pub code: Result<String, String>,
    /// The arguments in memory, in order.
    pub arguments: Vec<Argument>,
    /// Units of a cube.
    pub units: u32,
    /// What a unit moves, where that is known.
    pub moves: Option<Moves>,
}

/// An argument of a kernel.
#[derive(Clone, Debug)]
pub struct Argument {
    /// The type of its elements, as CUDA C++ has it.
    pub elements: String,
    /// Whether it is written.
    pub written: bool,
}

/// Accesses of memory by a unit, where it reads each element once and writes each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Loads.
    pub loads: usize,
    /// Stores.
    pub stores: usize,
}

/// What was collected.
#[derive(Default)]
struct Collected {
    /// Of kernels that were launched; of some a little earlier.
    moves: HashMap<KernelId, Option<Moves>>,
    seen: HashSet<KernelId>,
    sources: Vec<Source>,
}

fn collected() -> MutexGuard<'static, Collected> {
    static ALL: LazyLock<Mutex<Collected>> = LazyLock::new(Default::default);
    ALL.lock().unwrap_or_else(|e| e.into_inner())
}

/// Takes the sources of the kernels that were launched for the first time since the last call, in the order of their launches.
pub fn sources() -> Vec<Source> {
    use cubecl::prelude::Runtime;
    // The server works in a thread of its own: wait for it.
    let client = Nothing::client(&Default::default());
    cubecl::future::block_on(client.sync()).expect("nothing runs, so nothing fails");
    std::mem::take(&mut collected().sources)
}

/// Forgets all kernels: each counts as new again.
pub fn clear() {
    sources();
    *collected() = Collected::default();
}

/// Says what a kernel moves, before it is launched.
pub(crate) fn note(id: KernelId, moves: Option<Moves>) {
    collected().moves.insert(id, moves);
}
