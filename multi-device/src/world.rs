//! The processes of a job: several of them may run one program, each as one device.
//!
//! A process that has joined no world is alone. In a world of n processes a mesh has n places, process k is the device at
//! place k, and every process runs the same program: it gives the whole of each argument, of which it computes with its part, and
//! whoever reads a divided result does so in all processes, where the parts are exchanged.

use crate::communicator::Communicator;
use plywood_core::Error;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// The processes that run one program together.
pub trait World: Send + Sync {
    /// What carries the bytes: `MPI`.
    fn name(&self) -> String;

    /// Which process this is.
    fn rank(&self) -> usize;

    /// How many there are.
    fn size(&self) -> usize;

    /// This process's end of the group of these, of which it is one; all of them ask for it, in the same order.
    fn group(&self, members: &[usize]) -> Result<Arc<dyn Communicator>, Error>;
}

static WORLD: OnceLock<Arc<dyn World>> = OnceLock::new();

/// Joins a world, once, before the first program on many devices runs.
///
/// Panics where the process has joined another one.
#[track_caller]
pub fn join(world: Arc<dyn World>) {
    let new = world.clone();
    let joined = WORLD.get_or_init(|| world);
    assert!(Arc::ptr_eq(joined, &new), "the process has joined a world already ({})", joined.name());
}

/// The world, if the process has joined one of more than one process.
pub(crate) fn world() -> Option<&'static Arc<dyn World>> {
    WORLD.get().filter(|world| world.size() > 1)
}

/// Which process of its world this is; 0 where it is alone. The one that prints and saves is the first.
pub fn rank() -> usize {
    world().map_or(0, |world| world.rank())
}

/// How many processes run this program together; 1 where it is alone.
pub fn world_size() -> usize {
    world().map_or(1, |world| world.size())
}

/// This process's end of a group, made once.
pub(crate) fn group(world: &Arc<dyn World>, members: &[usize]) -> Result<Arc<dyn Communicator>, Error> {
    type Groups = Mutex<HashMap<Vec<usize>, Arc<dyn Communicator>>>;
    static GROUPS: OnceLock<Groups> = OnceLock::new();
    let mut groups = GROUPS.get_or_init(Groups::default).lock().unwrap_or_else(|e| e.into_inner());
    if let Some(group) = groups.get(members) {
        return Ok(group.clone());
    }
    let group = world.group(members)?;
    groups.insert(members.to_vec(), group.clone());
    Ok(group)
}
