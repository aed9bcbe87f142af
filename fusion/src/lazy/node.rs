//! What a value is on the lazy backend: an output of a node. A node is an operation that is put off, or the values it gave.
//!
//! What always holds:
//! - An output has one [`Lazy`], in one value, as long as anybody holds it; so how many hold that value, users and the inputs of
//!   operations, is how many can ask for the output. When the last one lets go, the output is let go.
//! - An operation's inputs are older than it, by `sequence`.
//! - A node's lock is held for moments only: nothing is dropped, and no other lock taken, meanwhile.

use super::flush::Flight;
use plywood_core::at::At;
use plywood_core::op::Types;
use plywood_core::{Device, Engine, Op, TensorType, Value, Values};
use smallvec::{SmallVec, smallvec};
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// What the lazy engine keeps for a value.
pub(super) struct Lazy {
    pub node: Arc<Node>,
    pub output: usize,
}

/// An operation, or what it gave.
pub(super) struct Node {
    /// Of pending nodes, their order in the program; a call counts as many as it holds.
    pub sequence: u64,
    pub device: Device,
    state: Mutex<State>,
}

pub(super) struct State {
    /// What is to be done; none once it is done, or while it is.
    pub work: Option<Work>,
    /// How much that is.
    pub extent: Extent,
    /// The run that does it.
    pub flight: Option<Arc<Flight>>,
    pub outputs: SmallVec<[Output; 1]>,
}

/// An output of a node.
pub(super) enum Output {
    /// Not computed yet, and somebody may ask for it.
    Pending,
    /// A value of the engine below.
    Done(Value),
    /// Nobody can ask for it; or the run that had it panicked.
    Gone,
}

/// An operation that is put off.
pub(super) struct Work {
    pub op: Op,
    pub inputs: Values,
    pub types: Types,
    pub at: At,
}

/// How much is put off up to a node: a bound from above on the operations it waits for, itself among them, from the time when it
/// was made. Some may have been computed since.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    /// The least of two bounds: the sum over the inputs, which counts what they share more than once; and how many operations the
    /// process has put off since the oldest that is waited for, which counts others' too.
    pub operations: u64,
    /// The sequence number of that oldest one.
    pub oldest: u64,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(0);
static PENDING: AtomicU64 = AtomicU64::new(0);
static VALUES: AtomicU64 = AtomicU64::new(0);

/// Operations that are put off, and values that are held.
pub(super) fn counts() -> (u64, u64) {
    (PENDING.load(Ordering::Relaxed), VALUES.load(Ordering::Relaxed))
}

impl Node {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl Lazy {
    fn value(engine: &'static dyn Engine, ty: TensorType, node: Arc<Node>, output: usize) -> Value {
        VALUES.fetch_add(1, Ordering::Relaxed);
        Value::new(engine, ty, Lazy { node, output })
    }

    pub fn of(value: &Value) -> &Lazy {
        value.data::<Lazy>()
    }

    /// The value below, if it is there.
    pub fn done(&self) -> Option<Value> {
        match &self.node.lock().outputs[self.output] {
            Output::Done(value) => Some(value.clone()),
            Output::Pending | Output::Gone => None,
        }
    }
}

impl Drop for Lazy {
    fn drop(&mut self) {
        VALUES.fetch_sub(1, Ordering::Relaxed);
        let output = std::mem::replace(&mut self.node.lock().outputs[self.output], Output::Gone);
        // The lock is free again.
        drop(output);
    }
}

impl Work {
    /// How many operations it is; a call is as many as it holds.
    pub fn operations(&self) -> u64 {
        match &self.op {
            Op::Call(call) => call.graph.equations().len().max(1) as u64,
            _ => 1,
        }
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        PENDING.fetch_sub(1, Ordering::Relaxed);
        release(std::mem::take(&mut self.inputs));
    }
}

/// A value of the engine below.
pub(super) fn done(engine: &'static dyn Engine, below: Value) -> Value {
    let (ty, device) = (below.ty().clone(), below.device());
    let extent = Extent { operations: 0, oldest: u64::MAX };
    let state = State { work: None, extent, flight: None, outputs: smallvec![Output::Done(below)] };
    Lazy::value(engine, ty, Arc::new(Node { sequence: 0, device, state: Mutex::new(state) }), 0)
}

/// An operation that is put off: its outputs, of which there are some.
pub(super) fn pending(engine: &'static dyn Engine, device: Device, work: Work) -> Values {
    let own = work.operations();
    let sequence = SEQUENCE.fetch_add(own, Ordering::Relaxed);
    PENDING.fetch_add(1, Ordering::Relaxed);
    let types = work.types.clone();
    let outputs = types.iter().map(|_| Output::Pending).collect();
    let extent = extent(sequence, own, &work.inputs);
    let state = Mutex::new(State { work: Some(work), extent, flight: None, outputs });
    let node = Arc::new(Node { sequence, device, state });
    types.into_iter().enumerate().map(|(i, ty)| Lazy::value(engine, ty, node.clone(), i)).collect()
}

fn extent(sequence: u64, own: u64, inputs: &[Value]) -> Extent {
    let mut all = Extent { operations: own, oldest: sequence };
    for x in inputs {
        let state = Lazy::of(x).node.lock();
        if state.work.is_some() {
            all.operations = all.operations.saturating_add(state.extent.operations);
            all.oldest = all.oldest.min(state.extent.oldest);
        }
    }
    all.operations = all.operations.min(sequence + own - all.oldest);
    all
}

/// Values whose turn to be dropped has not come, and whether this thread is dropping.
struct Queue {
    values: Vec<Value>,
    active: bool,
}

thread_local! {
    static QUEUE: RefCell<Queue> = const { RefCell::new(Queue { values: Vec::new(), active: false }) };
}

/// Drops values. What they let go, and what that lets go, is dropped one after another, not one inside another.
pub(super) fn release(values: Values) {
    if values.is_empty() {
        return;
    }
    // At a thread's end there is no queue any more.
    let started = QUEUE.try_with(|queue| {
        let mut queue = queue.borrow_mut();
        queue.values.extend(values);
        !std::mem::replace(&mut queue.active, true)
    });
    if started != Ok(true) {
        return;
    }
    let next = || QUEUE.try_with(|queue| queue.borrow_mut().values.pop()).ok().flatten();
    while let Some(value) = next() {
        drop(value);
    }
    let _ = QUEUE.try_with(|queue| queue.borrow_mut().active = false);
}
