//! How what devices have travels between them: a trait, with one implementation for the threads of a process, and others for
//! processes and for GPUs.
//!
//! A communicator is one device's end of a group: the devices along an axis of a mesh that it speaks with. What always holds: all
//! members start the same collectives in the same order. Starting does not wait; whoever needs the result does.

use plywood_core::at::At;
use plywood_core::op::Collective;
use plywood_core::{Engine, Error, TensorType, Value};

/// One device's part of a collective.
#[derive(Debug)]
pub struct Request {
    /// What is done. (Its axis is the group's.)
    pub collective: Collective,
    /// What this device has.
    pub input: Value,
    /// What it gets.
    pub output: TensorType,
    /// The line of the program.
    pub at: At,
}

impl Request {
    /// The engine of the values.
    pub fn engine(&self) -> &'static dyn Engine {
        self.input.engine()
    }
}

/// A result that is on its way.
pub trait Arrival: Send + Sync {
    /// Waits for it.
    fn wait(&self) -> Result<Value, Error>;

    /// Whether [`wait`](Arrival::wait) would give it without waiting for other devices.
    fn is_here(&self) -> bool {
        true
    }

    /// Waits until that is so.
    fn ready(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// One device's end of a group of devices.
pub trait Communicator: Send + Sync {
    /// The device's place in the group.
    fn rank(&self) -> usize;

    /// How many devices are in it.
    fn size(&self) -> usize;

    /// Gives the device's part, and does not wait. (Of `axis_index` there is nothing to be said to others: it does not come here.)
    fn start(&self, request: Request) -> Result<Box<dyn Arrival>, Error>;

    /// The device has come to the end of a program; panics where others wait for what it will not start.
    fn ended(&self) {}

    /// A program has failed on some device: whoever waits for others of the group is let go. What cannot be used afterwards says so.
    fn give_up(&self) {}
}
