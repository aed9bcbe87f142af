//! What has to be known of a backend whose devices run one program: [`Machine`]; and the same for what does not know the backend's type.
//!
//! Devices may have memories of their own. So what always holds: data are put on a device before it computes with them.

use crate::communicator::Communicator;
use plywood_core::{Device, DeviceBackend, Error, Value};
use std::sync::Arc;

/// What a backend's devices share, and how work is run on one of them.
pub trait Machine: DeviceBackend {
    /// The devices of a program that names none, for so many places.
    fn places(n: usize) -> Result<Vec<Device>, Error>;

    /// A value's data on that device; the value itself where they are there.
    fn put(value: Value, device: Device) -> Result<Value, Error> {
        Self::to_device(value, device)
    }

    /// Threads of the machine, to be shared among devices where these are made of them.
    fn threads() -> usize;

    /// Runs work on this thread as that device, with so many threads of the machine.
    fn on(device: Device, threads: usize, work: &mut dyn FnMut());

    /// Sets going what this thread has queued on a device, at the end of a program; what has failed by then is said. Nothing on
    /// a device that computes at once.
    fn set_going(device: Device) -> Result<(), Error> {
        let _ = device;
        Ok(())
    }

    /// A way of the backend's own between these devices, which are a group of a mesh: an end for each, in their order. None: they
    /// hand over what they have from thread to thread. Asked for by every run; the backend keeps what is dear.
    fn group(devices: &[Device]) -> Option<Vec<Arc<dyn Communicator>>> {
        let _ = devices;
        None
    }
}

/// What devices of a backend do for each other, without its type.
#[derive(Clone, Copy)]
pub(crate) struct Hands {
    /// [`Machine::put`].
    pub put: fn(Value, Device) -> Result<Value, Error>,
    /// [`Machine::on`].
    on: fn(Device, usize, &mut dyn FnMut()),
    /// [`Machine::threads`].
    pub threads: usize,
    /// [`Machine::group`].
    pub group: fn(&[Device]) -> Option<Vec<Arc<dyn Communicator>>>,
}

impl Hands {
    /// Those of a backend.
    pub fn of<B: Machine>() -> Hands {
        Hands { put: B::put, on: B::on, threads: B::threads(), group: B::group }
    }

    /// Computes something on that device, with all threads of the machine.
    pub fn together<T>(&self, device: Device, work: impl FnOnce() -> T) -> T {
        let (mut work, mut done) = (Some(work), None);
        (self.on)(device, self.threads, &mut || done = work.take().map(|work| work()));
        done.expect("work is run once")
    }
}
