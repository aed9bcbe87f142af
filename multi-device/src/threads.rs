//! Devices of one process: each runs on a thread, and what they have they hand over in shared memory, without a copy where their
//! memory is the same.
//!
//! A device leaves its part at a meeting and goes on; whoever needs the result waits for the meeting to be complete. What all get
//! alike is computed once, with all threads of the machine: by the last one to come, on its device, or, where parts are themselves
//! on their way, by the first one who needs it. So several collectives in a row cost one wait, however many they are, and a device
//! that is late is waited for only where its part is needed.
//!
//! What always holds: nobody waits for ever. Collectives of a group meet in the order of the program; a meeting that can no longer
//! be complete, since devices have ended, have failed, stand at another operation or wait for one another, ends the run on all
//! of them with one error. For that it is known of each device what it waits for: a thread waits at the bell and nowhere else, in
//! the name of the device that it runs, before it asks for data of a part that is on its way.

use crate::collective::{is_shared, result};
use crate::communicator::{Arrival, Communicator, Request};
use crate::own::{Log, Own};
use crate::run::{Hands, is_here, number, ready};
use plywood_core::at::At;
use plywood_core::op::Collective;
use plywood_core::{Device, Error, TensorType, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};

/// A group of devices: which axis of the mesh they lie along, and the first of them.
type Group = (usize, usize);

/// Collectives that devices of this process have completed; and how often one of them had to wait.
pub(crate) static MEETINGS: AtomicU64 = AtomicU64::new(0);
pub(crate) static WAITS: AtomicU64 = AtomicU64::new(0);

/// What went wrong on which device.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub place: usize,
    pub message: String,
}

/// The devices of a run, where they meet.
pub(crate) struct Meetings {
    devices: Arc<[Device]>,
    hands: Hands,
    state: Mutex<State>,
    bell: Condvar,
}

struct State {
    failure: Option<Failure>,
    doing: Vec<Doing>,
    open: HashMap<(Group, u64), Arc<Meeting>>,
}

/// What a device is at.
#[derive(Clone)]
enum Doing {
    Running,
    Waiting(Arc<Meeting>),
    Ended,
}

/// One collective of one group.
struct Meeting {
    collective: Collective,
    ty: TensorType,
    at: At,
    members: Vec<usize>,
    parts: Mutex<Vec<Option<Value>>>,
    /// All parts, once all members have come.
    complete: OnceLock<Vec<Value>>,
    /// Whether it is known that no part waits for another meeting.
    here: AtomicBool,
    /// What all members get alike, once it is computed.
    shared: OnceLock<Result<Value, Error>>,
}

/// Thrown on devices that are stopped because another one failed.
pub(crate) struct Stopped;

impl Meetings {
    pub fn new(devices: Arc<[Device]>, hands: Hands) -> Self {
        let doing = vec![Doing::Running; devices.len()];
        let state = State { failure: None, doing, open: HashMap::new() };
        Meetings { devices, hands, state: Mutex::new(state), bell: Condvar::new() }
    }

    /// The backend's own way between the devices at these places, if it has one.
    pub fn own(&self, members: &[usize]) -> Option<Vec<Arc<dyn Communicator>>> {
        let devices: Vec<Device> = members.iter().map(|&place| self.devices[place]).collect();
        let ends = (self.hands.group)(&devices)?;
        let log = Arc::new(Log::new(devices));
        let own = |end| Arc::new(Own { end, log: log.clone() }) as Arc<dyn Communicator>;
        Some(ends.into_iter().map(own).collect())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A device has ended.
    pub fn ended(&self, place: usize) {
        let mut state = self.lock();
        state.doing[place] = Doing::Ended;
        self.look(&mut state);
    }

    /// A device has failed: the others stop where they would wait.
    pub fn failed(&self, place: usize, message: String) {
        let mut state = self.lock();
        state.doing[place] = Doing::Ended;
        state.failure.get_or_insert(Failure { place, message });
        self.bell.notify_all();
    }

    /// All devices have ended. (What never came together holds on to the meetings that it waits for.)
    pub fn close(&self) {
        let open = std::mem::take(&mut self.lock().open);
        drop(open);
    }

    /// The first failure.
    pub fn failure(&self) -> Option<Failure> {
        self.lock().failure.clone()
    }

    /// Whether anybody can go on; a failure where nobody can.
    fn look(&self, state: &mut State) {
        let stuck = |doing: &Doing| match doing {
            Doing::Running => false,
            Doing::Waiting(meeting) => meeting.complete.get().is_none(),
            Doing::Ended => true,
        };
        let waiting = state.doing.iter().position(|d| matches!(d, Doing::Waiting(_)));
        let (Some(first), true) = (waiting, state.doing.iter().all(stuck)) else { return };
        let Doing::Waiting(meeting) = state.doing[first].clone() else { unreachable!("it waits") };
        let place = |&place: &usize| match &state.doing[place] {
            Doing::Ended => format!("{} has ended", self.devices[place]),
            Doing::Running => unreachable!("all are stuck"),
            Doing::Waiting(other) => format!("{} waits in {}", self.devices[place], other.shown()),
        };
        let parts = meeting.parts();
        let missing = meeting.members.iter().zip(parts.iter()).filter(|(_, part)| part.is_none());
        let missing: Vec<String> = missing.map(|(p, _)| place(p)).collect();
        let message = format!("{} is not reached by all devices: {}", meeting.shown(), missing.join(", "));
        drop(parts);
        state.failure.get_or_insert(Failure { place: first, message });
        self.bell.notify_all();
    }

    /// Stops this device if another one has failed.
    fn check(state: MutexGuard<'_, State>) -> MutexGuard<'_, State> {
        if state.failure.is_some() {
            drop(state);
            std::panic::resume_unwind(Box::new(Stopped));
        }
        state
    }
}

impl Meeting {
    fn parts(&self) -> MutexGuard<'_, Vec<Option<Value>>> {
        self.parts.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn shown(&self) -> String {
        let (name, axis) = (self.collective.name(), &self.collective.axis);
        format!("{name} over {axis:?}, at {}", self.at)
    }

    /// What a member gets of the parts, which wait for nobody, on its device.
    fn result(&self, all: &Meetings, parts: &[Value], rank: usize, ty: &TensorType) -> Result<Value, Error> {
        let device = all.devices[self.members[rank]];
        let here = |x| (all.hands.put)(x, device);
        let made = || result(&self.collective, parts, rank, ty, &here);
        if !is_shared(&self.collective.kind) {
            return made();
        }
        match self.shared.get_or_init(|| all.hands.together(device, made)) {
            Ok(value) => here(value.clone()),
            Err(e) => Err(e.clone()),
        }
    }
}

/// One device's end of a group of devices of this process.
pub(crate) struct Threads {
    pub meetings: Arc<Meetings>,
    /// Which axis of the mesh, and the places of the members.
    pub axis: usize,
    pub members: Vec<usize>,
    pub rank: usize,
    /// How many collectives it has started.
    pub started: AtomicU64,
}

impl Communicator for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.members.len()
    }

    fn start(&self, request: Request) -> Result<Box<dyn Arrival>, Error> {
        let Request { collective, input, output, at } = request;
        let all = &self.meetings;
        let key = ((self.axis, self.members[0]), self.started.fetch_add(1, Ordering::Relaxed));
        let mut state = Meetings::check(all.lock());
        let meeting = state.open.entry(key).or_insert_with(|| {
            Arc::new(Meeting {
                collective: collective.clone(),
                ty: input.ty().clone(),
                at,
                members: self.members.clone(),
                parts: Mutex::new(vec![None; self.members.len()]),
                complete: OnceLock::new(),
                here: AtomicBool::new(false),
                shared: OnceLock::new(),
            })
        });
        let meeting = meeting.clone();
        // (One on another line is another one, though it may look the same.)
        if meeting.collective != collective || meeting.ty != *input.ty() || meeting.at != at {
            let (name, axis) = (collective.name(), &collective.axis);
            let message = format!(
                "{name} over {axis:?} of {}, at {at}, where others are in {} of {}: devices reach the same collectives in the \
                 same order",
                input.ty(),
                meeting.shown(),
                meeting.ty
            );
            drop(state);
            panic!("{message}");
        }
        let mut parts = meeting.parts();
        parts[self.rank] = Some(input);
        let last = parts.iter().all(Option::is_some);
        let all_parts = if last { std::mem::take(&mut *parts) } else { Vec::new() };
        drop(parts);
        if last {
            state.open.remove(&key);
        }
        drop(state);
        if last {
            let parts: Vec<Value> = all_parts.into_iter().flatten().collect();
            if is_shared(&collective.kind) && parts.iter().all(is_here) {
                meeting.result(all, &parts, self.rank, &output)?;
            }
            let first = meeting.complete.set(parts).is_ok();
            debug_assert!(first, "there is one last member");
            MEETINGS.fetch_add(1, Ordering::Relaxed);
            // Whoever is about to wait holds the lock until it does.
            drop(all.lock());
            all.bell.notify_all();
        }
        let place = self.members[self.rank];
        Ok(Box::new(Waiter { all: all.clone(), meeting, place, rank: self.rank, ty: output }))
    }
}

/// A device's result.
struct Waiter {
    all: Arc<Meetings>,
    meeting: Arc<Meeting>,
    place: usize,
    rank: usize,
    ty: TensorType,
}

impl Waiter {
    /// The parts, once all members have come.
    fn parts(&self) -> &[Value] {
        if let Some(parts) = self.meeting.complete.get() {
            return parts;
        }
        WAITS.fetch_add(1, Ordering::Relaxed);
        // Another device may need this one's result before this one does.
        let place = number().unwrap_or(self.place);
        let mut state = Meetings::check(self.all.lock());
        loop {
            if let Some(parts) = self.meeting.complete.get() {
                return parts;
            }
            state.doing[place] = Doing::Waiting(self.meeting.clone());
            self.all.look(&mut state);
            state = Meetings::check(state);
            state = self.all.bell.wait(state).unwrap_or_else(|e| e.into_inner());
            state.doing[place] = Doing::Running;
            state = Meetings::check(state);
        }
    }
}

impl Arrival for Waiter {
    fn wait(&self) -> Result<Value, Error> {
        self.ready()?;
        self.meeting.result(&self.all, self.parts(), self.rank, &self.ty)
    }

    fn is_here(&self) -> bool {
        let Some(parts) = self.meeting.complete.get() else { return false };
        if !self.meeting.here.load(Ordering::Acquire) {
            if !parts.iter().all(is_here) {
                return false;
            }
            self.meeting.here.store(true, Ordering::Release);
        }
        true
    }

    fn ready(&self) -> Result<(), Error> {
        let parts = self.parts();
        if !self.meeting.here.load(Ordering::Acquire) {
            parts.iter().try_for_each(ready)?;
            self.meeting.here.store(true, Ordering::Release);
        }
        Ok(())
    }
}
