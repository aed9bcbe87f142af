//! Where a thread stands while it runs a device's part: its groups, by the names of the mesh's axes.

use super::parts::arrived;
use crate::communicator::{Arrival, Communicator, Request};
use crate::threads::{Meetings, Threads};
use crate::world::World;
use plywood_core::op::{Collective, CollectiveKind, Pmap};
use plywood_core::{Array, Device, Engine, Error, Later, Op, Source, Step, Value, Values};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// A device's ends of the groups along each axis.
pub(super) struct Place {
    /// Its number in the mesh.
    pub number: usize,
    pub groups: Groups,
    pub device: Device,
}

thread_local! { static PLACE: RefCell<Option<Place>> = const { RefCell::new(None) }; }

impl Place {
    /// Runs work at this place.
    pub fn run(self, work: &mut dyn FnMut()) {
        struct Restore(Option<Place>);
        impl Drop for Restore {
            fn drop(&mut self) {
                PLACE.replace(self.0.take());
            }
        }
        let _restore = Restore(PLACE.replace(Some(self)));
        work()
    }
}

/// The axes over which this thread runs a program, if it does.
pub(super) fn running() -> Option<String> {
    PLACE.with_borrow(|place| {
        let names = place.as_ref()?.groups.iter().map(|(name, _)| format!("{name:?}"));
        Some(names.collect::<Vec<_>>().join(", "))
    })
}

/// The place that this thread runs, if it runs one.
pub(crate) fn number() -> Option<usize> {
    PLACE.with_borrow(|place| place.as_ref().map(|place| place.number))
}

/// A place's ends of its groups, by the names of the axes.
type Groups = Vec<(Arc<str>, Arc<dyn Communicator>)>;

/// The groups of each place: along each axis the devices that differ from it in that coordinate alone.
pub(super) fn groups(
    p: &Pmap,
    places: &[usize],
    meetings: &Arc<Meetings>,
    world: Option<&Arc<dyn World>>,
) -> Result<Vec<Groups>, Error> {
    let mut all = vec![Groups::new(); places.len()];
    for (axis, (name, size)) in p.mesh.iter().enumerate() {
        let step: usize = p.mesh[axis + 1..].iter().map(|(_, size)| size).product();
        // What the backend has of its own, by the group's first place.
        let mut own: HashMap<usize, Option<Vec<Arc<dyn Communicator>>>> = HashMap::new();
        for (groups, place) in all.iter_mut().zip(places) {
            let rank = place / step % size;
            let members: Vec<usize> = (0..*size).map(|k| place - rank * step + k * step).collect();
            let group: Arc<dyn Communicator> = match world {
                Some(world) => crate::world::group(world, &members)?,
                None => match own.entry(members[0]).or_insert_with(|| meetings.own(&members)) {
                    Some(ends) => ends[rank].clone(),
                    None => {
                        let (meetings, started) = (meetings.clone(), AtomicU64::new(0));
                        Arc::new(Threads { meetings, axis, members, rank, started })
                    }
                },
            };
            groups.push((name.clone(), group));
        }
    }
    Ok(all)
}

/// Executes a collective of the program that this thread runs as a device; none where it runs none, or one without such an axis. For
/// the engines of devices.
pub fn collective(engine: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Option<Values> {
    let Op::Collective(c) = step.op else { unreachable!("{}: not a collective", step.op) };
    let (group, device) = PLACE.with_borrow(|place| {
        let place = place.as_ref()?;
        let (_, group) = place.groups.iter().find(|(name, _)| *name == c.axis)?;
        Some((group.clone(), place.device))
    })?;
    let Some(input) = inputs.into_iter().next() else {
        let op = Op::Constant(Array::new(vec![group.rank() as i32], []));
        return Some(engine.execute(Step { op: &op, outputs: step.outputs, at: step.at }, Values::new()));
    };
    Some([spoken(c, &*group, device, input, step)].into_iter().collect())
}

fn spoken(c: &Collective, group: &dyn Communicator, device: Device, input: Value, step: Step<'_>) -> Value {
    let (engine, output) = (input.engine(), step.outputs[0].clone());
    if group.size() == 1 || c.kind == CollectiveKind::Vary {
        let alone = crate::collective::result(c, &[input], 0, &output, &Ok);
        return alone.unwrap_or_else(|e| panic!("{}, at {}: {e}", c.name(), step.at));
    }
    let mut behind = input.later().and_then(Later::source::<OnItsWay>).map_or(0, |source| source.behind + 1);
    let mut input = input;
    if behind > 0 && (behind > BEHIND || is_here(&input)) {
        input = arrived(input).unwrap_or_else(|e| panic!("{}, at {}: {e}", c.name(), step.at));
        behind = 0;
    }
    let request = Request { collective: c.clone(), input, output: output.clone(), at: step.at };
    match group.start(request) {
        Ok(arrival) => Value::new(engine, output, Later::new(OnItsWay { arrival, device, behind })),
        Err(e) => panic!("{}, at {}: {e}", c.name(), step.at),
    }
}

/// Whether a value, a collective's result perhaps, waits for no other device.
pub(crate) fn is_here(x: &Value) -> bool {
    x.later().and_then(Later::source::<OnItsWay>).is_none_or(|source| source.arrival.is_here())
}

/// Waits until that is so. Whoever asks for the value's data then asks nobody else: what another device waits for is waited for
/// by the thread that needs it, in its own name.
pub(crate) fn ready(x: &Value) -> Result<(), Error> {
    x.later().and_then(Later::source::<OnItsWay>).map_or(Ok(()), |source| source.arrival.ready())
}

/// A collective's result, which is waited for when it is needed.
struct OnItsWay {
    arrival: Box<dyn Arrival>,
    device: Device,
    /// How many others it waits for, one behind the other.
    behind: usize,
}

/// At most so many collectives, each of the last one's result, are on their way; a device that is farther ahead waits.
const BEHIND: usize = 16;

impl Source for OnItsWay {
    fn get(&self) -> Result<Value, Error> {
        self.arrival.wait()
    }
    fn device(&self) -> Device {
        self.device
    }
}
