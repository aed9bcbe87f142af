//! A program on its devices.
//!
//! [`MultiDevice<B>`](MultiDevice) is what an engine hands `Op::Pmap` to: it divides the inputs, lets each device's thread run the
//! program on its part, and keeps the results in parts. [`Machine`] is what it has to know of a backend.

mod machine;
mod parts;
mod place;
mod prepare;
mod workers;

pub(crate) use machine::Hands;
pub use machine::Machine;
pub use parts::{Shard, lies_on, shards};
pub use place::collective;
pub(crate) use place::{is_here, number, ready};

use crate::threads::{Failure, MEETINGS, Meetings, Stopped, WAITS};
use crate::world::world;
use place::{Place, groups};
use plywood_core::op::{Call, Pmap, Policy, Rule};
use plywood_core::{Device, Error, Op, Step, Value, Values, at};
use std::any::Any;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

static RUNS: AtomicU64 = AtomicU64::new(0);
static MOVED: AtomicU64 = AtomicU64::new(0);
static GATHERED: AtomicU64 = AtomicU64::new(0);

/// What programs on many devices have done in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunStats {
    /// Programs that ran.
    pub runs: u64,
    /// Inputs that had to be divided anew, since they did not lie as the program takes them.
    pub divided: u64,
    /// Results in parts that were brought together for somebody who read them.
    pub gathered: u64,
    /// Collectives that devices of this process completed.
    pub collectives: u64,
    /// How often a device had to wait for others.
    pub waits: u64,
}

/// The devices of a backend, running one program together.
#[derive(Clone, Copy, Debug)]
pub struct MultiDevice<B>(PhantomData<B>);

impl<B: Machine> MultiDevice<B> {
    /// What was done so far.
    pub fn stats() -> RunStats {
        RunStats {
            runs: RUNS.load(Ordering::Relaxed),
            divided: MOVED.load(Ordering::Relaxed),
            gathered: GATHERED.load(Ordering::Relaxed),
            collectives: MEETINGS.load(Ordering::Relaxed),
            waits: WAITS.load(Ordering::Relaxed),
        }
    }

    /// Executes a program; results that are divided stay on their devices.
    ///
    /// Panics, with the device, where it fails on one: then it ends on all.
    pub fn execute(step: Step<'_>, p: &Arc<Pmap>, inputs: Values) -> Values {
        RUNS.fetch_add(1, Ordering::Relaxed);
        let fail = |why: String| -> ! { panic!("pmap, at {}: {why}", step.at) };
        if let Some(axis) = place::running() {
            fail(format!("a pmap inside of the one over {axis}; a mesh with several axes is one program"))
        }
        let devices = match Self::devices(p) {
            Ok(devices) => devices,
            Err(e) => fail(e.to_string()),
        };
        let (engine, hands) = (B::ENGINE, Hands::of::<B>());
        let world = world();
        let here: Vec<usize> = match world {
            None => (0..devices.len()).collect(),
            Some(world) => vec![world.rank()],
        };
        // What each device of this process gets.
        let mut parts: Vec<Values> = vec![Values::new(); here.len()];
        for (x, spec) in inputs.into_iter().zip(&p.inputs) {
            let divided = match parts::lying(&x, p, spec, &devices) {
                Some(parts) => parts,
                None => {
                    MOVED.fetch_add(1, Ordering::Relaxed);
                    at::within(step.at, || parts::divided(&x, p, spec, &here))
                }
            };
            for ((part, place), x) in parts.iter_mut().zip(&here).zip(divided) {
                part.push(match B::put(x, devices[*place]) {
                    Ok(x) => x,
                    Err(e) => fail(e.to_string()),
                });
            }
        }
        let program = prepare::prepared(&p.graph);
        let types: Vec<_> = program.output_types().cloned().collect();
        let call = Op::Call(Arc::new(Call { graph: program, rule: Rule::Through(Policy::Everything) }));
        let meetings = Arc::new(Meetings::new(devices.clone(), hands));
        let share = (hands.threads / here.len().max(1)).max(1);
        let groups = match groups(p, &here, &meetings, world) {
            Ok(groups) => groups,
            Err(e) => fail(e.to_string()),
        };
        let results: Arc<Vec<Mutex<Option<Values>>>> =
            Arc::new(here.iter().map(|_| Mutex::default()).collect());
        let ends: Arc<Vec<_>> = Arc::new(groups.iter().flatten().map(|(_, end)| end.clone()).collect());
        let mut work: Vec<(Device, workers::Work)> = Vec::new();
        for (i, ((part, &place), groups)) in parts.into_iter().zip(&here).zip(groups).enumerate() {
            let device = devices[place];
            let (meetings, results, call, types) =
                (meetings.clone(), results.clone(), call.clone(), types.clone());
            let (line, mut part, ends) = (step.at, Some(part), ends.clone());
            let own: Vec<_> = groups.iter().map(|(_, end)| end.clone()).collect();
            let work_of = move || {
                let mut run = || {
                    let part = part.take().expect("it runs once");
                    let step = Step { op: &call, outputs: &types, at: line };
                    let outputs = engine.execute(step, part);
                    let outputs = outputs.into_iter().map(parts::arrived).collect::<Result<Values, Error>>();
                    match outputs.and_then(|outputs| B::set_going(device).map(|()| outputs)) {
                        Ok(outputs) => *results[i].lock().unwrap_or_else(|e| e.into_inner()) = Some(outputs),
                        Err(e) => panic!("{e}"),
                    }
                    own.iter().for_each(|end| end.ended());
                };
                let mut on_device = || B::on(device, share, &mut run);
                let place_of = Place { number: place, groups, device };
                let outcome =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| place_of.run(&mut on_device)));
                match outcome {
                    Ok(()) => meetings.ended(place),
                    Err(panic) if panic.is::<Stopped>() => meetings.ended(place),
                    Err(panic) => {
                        meetings.failed(place, text(&*panic));
                        ends.iter().for_each(|end| end.give_up());
                    }
                }
            };
            work.push((device, Box::new(work_of)));
        }
        workers::run(engine.id(), work);
        meetings.close();
        if let Some(Failure { place, message }) = meetings.failure() {
            fail(format!("on {}: {message}", devices[place]))
        }
        // One column for each output.
        let mut columns: Vec<Vec<Value>> = p.outputs.iter().map(|_| Vec::new()).collect();
        for result in results.iter() {
            let outputs =
                result.lock().unwrap_or_else(|e| e.into_inner()).take().expect("no device has failed");
            columns.iter_mut().zip(outputs).for_each(|(column, y)| column.push(y));
        }
        let outputs = columns.into_iter().zip(&p.outputs).zip(step.outputs);
        outputs
            .map(|((column, spec), ty)| parts::whole(column, ty, p, spec, &devices, hands, step.at))
            .collect()
    }

    fn devices(p: &Pmap) -> Result<Arc<[Device]>, Error> {
        let n = p.places();
        let devices = match &p.devices {
            Some(devices) => devices.clone(),
            None => B::places(n)?.into(),
        };
        let unfit = |reason: String| Error::Unavailable { backend: B::ENGINE.name(), reason };
        if devices.len() < n {
            return Err(unfit(format!("a mesh of {n} places on {} devices", devices.len())));
        }
        match world() {
            Some(world) if world.size() != n => Err(unfit(format!(
                "a mesh of {n} places in a world of {} processes ({}): each process is one place",
                world.size(),
                world.name()
            ))),
            _ => Ok(devices[..n].into()),
        }
    }
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, Some(text)) => text.to_string(),
        (None, None) => "it panicked".to_string(),
    }
}
