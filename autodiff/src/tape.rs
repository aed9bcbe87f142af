//! The tape of one running call: what was executed, and what its rule needs.
//!
//! It holds values of the engine below only, so there are no cycles and nothing to leak. It is closed when the
//! function has returned; a tensor that outlives the call then cannot be used any more.

use crate::vjp::{self, Residuals, T};
use plywood_core::Op;
use plywood_core::at::{self, At};
use smallvec::SmallVec;
use std::sync::{Mutex, MutexGuard};

/// The tape. Slots number the tracked values: first the variables, then the outputs of the entries.
pub(crate) struct Tape(Mutex<Record>);

struct Record {
    entries: Vec<Entry>,
    slots: u32,
    closed: bool,
}

/// One executed operation.
pub(crate) struct Entry {
    pub op: Op,
    pub at: At,
    /// The slot of each input that is tracked.
    pub slots: SmallVec<[Option<u32>; 3]>,
    pub residuals: Residuals,
    pub first_output: u32,
    pub outputs: u32,
}

/// The cotangents of one pass, by slot; what is absent is zero.
type Cotangents = Vec<Option<T>>;

impl Tape {
    pub fn new() -> Self {
        // Room for most functions: entries are large to move.
        Tape(Mutex::new(Record { entries: Vec::with_capacity(256), slots: 0, closed: false }))
    }

    /// A panic in the user's function leaves whole entries behind, so a poisoned tape is as good as another.
    #[inline]
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The slot of a new variable.
    pub fn variable(&self) -> u32 {
        let mut record = self.lock();
        record.slots += 1;
        record.slots - 1
    }

    /// Appends the entry that `make` makes for the slot of its first output, and gives that slot; nothing if the
    /// tape is closed.
    #[inline]
    pub fn push(&self, outputs: usize, make: impl FnOnce(u32) -> Entry) -> Option<u32> {
        let mut record = self.lock();
        if record.closed {
            return None;
        }
        let first = record.slots;
        record.slots += outputs as u32;
        record.entries.push(make(first));
        Some(first)
    }

    /// No operation is noted any more.
    pub fn close(&self) {
        self.lock().closed = true;
    }

    /// The cotangents of the first `variables` slots, given those of some outputs. Each entry is dropped as soon as it
    /// is used, so that what it kept can be overwritten.
    pub fn backward(&self, seeds: Vec<(u32, T)>, variables: usize) -> Vec<Option<T>> {
        let (mut entries, slots) = {
            let mut record = self.lock();
            record.closed = true;
            (std::mem::take(&mut record.entries), record.slots)
        };
        let mut cotangents = seed(seeds, slots);
        while let Some(entry) = entries.last() {
            pull(entry, &mut cotangents);
            entries.truncate(entries.len() - 1);
        }
        cotangents.truncate(variables);
        cotangents
    }

    /// As [`backward`](Tape::backward), leaving the tape as it is for another pass.
    pub fn backward_again(&self, seeds: Vec<(u32, T)>, variables: usize) -> Vec<Option<T>> {
        let record = self.lock();
        let mut cotangents = seed(seeds, record.slots);
        for entry in record.entries.iter().rev() {
            pull(entry, &mut cotangents);
        }
        cotangents.truncate(variables);
        cotangents
    }
}

fn seed(seeds: Vec<(u32, T)>, slots: u32) -> Cotangents {
    let mut cotangents: Cotangents = vec![None; slots as usize];
    for (slot, ct) in seeds {
        accumulate(&mut cotangents, slot, ct);
    }
    cotangents
}

#[inline]
fn accumulate(cotangents: &mut Cotangents, slot: u32, ct: T) {
    let place = &mut cotangents[slot as usize];
    *place = Some(match place.take() {
        Some(sum) => T::of(sum.into_value().accumulate(ct.into_value())),
        None => ct,
    });
}

/// Pulls the cotangents of an entry's outputs back to its inputs, on behalf of its line.
fn pull(entry: &Entry, cotangents: &mut Cotangents) {
    let outputs = entry.first_output as usize..(entry.first_output + entry.outputs) as usize;
    let mut cts: SmallVec<[Option<T>; 1]> = SmallVec::new();
    for ct in &mut cotangents[outputs] {
        cts.push(ct.take());
    }
    if cts.iter().all(Option::is_none) {
        return;
    }
    let mut wanted = SmallVec::new();
    for slot in &entry.slots {
        wanted.push(slot.is_some());
    }
    at::within(entry.at, || {
        let mut gradients = vjp::pull_back(&entry.op, &entry.residuals, wanted, cts);
        for (slot, gradient) in entry.slots.iter().zip(&mut gradients) {
            if let (Some(slot), Some(gradient)) = (slot, gradient.take()) {
                accumulate(cotangents, *slot, gradient);
            }
        }
    })
}
