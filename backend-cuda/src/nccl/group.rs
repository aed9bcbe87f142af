//! NCCL as what programs on many GPUs speak by: the ends of a group, each used by its device's thread.
//!
//! A group is made once for its devices, and kept. What always holds: results are values that are not yet computed, in the order of
//! their device's queue, so that nobody waits for them but who reads them; and a group that was given up is never spoken by again.

use super::communicator::{self, Fold};
use plywood_core::op::{Collective, CollectiveKind};
use plywood_core::{Device, Error, Value};
use plywood_multi_device::{Arrival, Communicator, Request};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ends of a group, in the order of its devices; none where NCCL could not make it.
type Ends = Option<Vec<Arc<End>>>;

/// The group of these GPUs; none for a device alone, for one that stands at several places, and where there is no NCCL, which is
/// said once.
pub fn group(devices: &[Device]) -> Option<Vec<Arc<dyn Communicator>>> {
    static GROUPS: Mutex<Option<HashMap<Vec<Device>, Ends>>> = Mutex::new(None);
    let distinct = devices.iter().enumerate().all(|(i, device)| !devices[..i].contains(device));
    if devices.len() < 2 || !distinct {
        return None;
    }
    let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
    let groups = groups.get_or_insert_default();
    let given_up = |ends: &Ends| ends.iter().flatten().any(|end| end.lock().is_none());
    if groups.get(devices).is_none_or(given_up) {
        groups.insert(devices.to_vec(), made(devices));
    }
    let ends = groups[devices].as_ref()?;
    Some(ends.iter().map(|end| end.clone() as Arc<dyn Communicator>).collect())
}

fn made(devices: &[Device]) -> Ends {
    match communicator::Communicator::of(devices) {
        Ok(all) => {
            if all.waits() {
                log::warn!(
                    "NCCL: the driver is older than CUDA 12.5, so each collective waits for the devices"
                );
            }
            let size = devices.len();
            let end = |(rank, nccl)| Arc::new(End { rank, size, nccl: Mutex::new(Some(nccl)) });
            Some(all.split().into_iter().enumerate().map(end).collect())
        }
        Err(e) => {
            static SAID: std::sync::Once = std::sync::Once::new();
            SAID.call_once(|| log::warn!("{e}; what GPUs hand to each other goes by way of the host"));
            None
        }
    }
}

/// A device's end.
struct End {
    rank: usize,
    size: usize,
    /// None once it was given up.
    nccl: Mutex<Option<communicator::Communicator>>,
}

impl End {
    fn lock(&self) -> MutexGuard<'_, Option<communicator::Communicator>> {
        self.nccl.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Communicator for End {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn start(&self, request: Request) -> Result<Box<dyn Arrival>, Error> {
        let nccl = self.lock();
        let Some(nccl) = &*nccl else {
            let reason = format!("{}: the group was given up", request.collective.name());
            return Err(Error::Device { device: request.input.device(), reason });
        };
        Ok(Box::new(Queued(spoken(nccl, &request.collective, request.input)?)))
    }

    fn give_up(&self) {
        if let Some(nccl) = self.lock().take() {
            nccl.abort();
        }
    }
}

/// NCCL cuts and stacks along the first axis.
fn spoken(nccl: &communicator::Communicator, c: &Collective, x: Value) -> Result<Value, Error> {
    let fold = |how| nccl.all_reduce(how, &[&x]);
    let mut results = match &c.kind {
        CollectiveKind::Sum => fold(Fold::Sum)?,
        CollectiveKind::Max => fold(Fold::Max)?,
        CollectiveKind::Min => fold(Fold::Min)?,
        CollectiveKind::AllGather { axis } => {
            let all = nccl.all_gather(&[&x])?;
            all.into_iter().map(|y| moved(y, 0, *axis)).collect()
        }
        CollectiveKind::SumScatter { axis } => nccl.reduce_scatter(Fold::Sum, &[&moved(x, *axis, 0)])?,
        CollectiveKind::AllToAll { split, concat } => {
            let all = nccl.all_to_all(&[&moved(x, *split, 0)])?;
            all.into_iter().map(|y| moved(y, 0, *concat)).collect()
        }
        CollectiveKind::Permute { pairs } => nccl.permute(pairs, &[&x])?,
        CollectiveKind::Index | CollectiveKind::Vary => unreachable!("{:?} says nothing to others", c.kind),
    };
    Ok(results.pop().expect("a tensor for the one that was given"))
}

/// With the axis `from` at `to`: a view.
fn moved(x: Value, from: usize, to: usize) -> Value {
    let mut axes: Vec<isize> = (0..x.rank() as isize).collect();
    let axis = axes.remove(from);
    axes.insert(to, axis);
    x.transpose(&axes)
}

/// A result in the order of the device's queue.
struct Queued(Value);

impl Arrival for Queued {
    fn wait(&self) -> Result<Value, Error> {
        Ok(self.0.clone())
    }
}
