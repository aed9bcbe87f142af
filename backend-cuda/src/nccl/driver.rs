//! A stream on a device, beside CubeCL's: what orders NCCL's work with what CubeCL queues.
//!
//! What always holds: a call of the driver's is made in the context of the device that it is for, and the thread has its own context
//! back afterwards.

#![allow(unsafe_code)]

use super::library::{self, Context, Driver, Event, Stream};
use super::region::Region;
use plywood_core::{Device, Error};
use std::ffi::c_int;
use std::ptr::null_mut;

/// A stream that runs beside others (`CU_STREAM_NON_BLOCKING`).
const BESIDE: u32 = 1;
/// An event that keeps no time (`CU_EVENT_DISABLE_TIMING`).
const WITHOUT_TIME: u32 = 2;

/// A stream of a device.
pub struct Lane {
    /// The device.
    pub device: Device,
    driver: &'static Driver,
    ordinal: c_int,
    context: Context,
    stream: Stream,
    event: Event,
    /// Whether it can be ordered with all of the context's streams by events.
    ordered: bool,
}

// SAFETY: contexts, streams and events of the driver's may be used from any thread; each call sets the context it is made in.
unsafe impl Send for Lane {}
// SAFETY: as above; the driver locks what it keeps.
unsafe impl Sync for Lane {}

impl Lane {
    /// A stream of a device that CubeCL has started.
    pub fn new(device: Device) -> Result<Lane, Error> {
        let driver = library::driver()?;
        let (context, stream, event) = (null_mut(), null_mut(), null_mut());
        let mut lane = Lane { device, driver, ordinal: 0, context, stream, event, ordered: false };
        // SAFETY (here and below): the place that is written to outlives the call.
        let code = unsafe { (driver.device_get)(&mut lane.ordinal, device.index as c_int) };
        lane.done("cuDeviceGet", code)?;
        // The context that CubeCL uses.
        let code = unsafe { (driver.context_retain)(&mut lane.context, lane.ordinal) };
        lane.done("cuDevicePrimaryCtxRetain", code)?;
        let mut made = null_mut();
        let create = || unsafe { (driver.stream_create)(&mut made, BESIDE) };
        let code = lane.within(create)?;
        lane.done("cuStreamCreate", code)?;
        lane.stream = made;
        let create = || unsafe { (driver.event_create)(&mut made, WITHOUT_TIME) };
        let code = lane.within(create)?;
        lane.done("cuEventCreate", code)?;
        lane.event = made;
        // A driver may have the functions, and still refuse.
        lane.ordered = lane.record_all().and_then(|()| lane.wait_all()).is_ok();
        Ok(lane)
    }

    /// Whether streams are ordered without the host's waiting.
    pub fn is_ordered(&self) -> bool {
        self.ordered
    }

    /// What the stream is given from now on comes after all that the device was given before, by whatever stream. Nothing, where the
    /// driver has no such events.
    pub fn after_others(&self) -> Result<(), Error> {
        if !self.ordered {
            return Ok(());
        }
        self.record_all()?;
        // SAFETY: the stream and the event are this device's and live.
        let wait = || unsafe { (self.driver.stream_wait_event)(self.stream, self.event, 0) };
        self.done("cuStreamWaitEvent", self.within(wait)?)
    }

    /// What the device is given from now on, by whatever stream, comes after all that this stream was given; where the driver has no
    /// such events, or they fail, the host waits for it.
    pub fn before_others(&self) -> Result<(), Error> {
        // SAFETY: as above.
        let record = || unsafe { (self.driver.event_record)(self.event, self.stream) };
        let ordered = || self.done("cuEventRecord", self.within(record)?).and_then(|()| self.wait_all());
        if self.ordered && ordered().is_ok() {
            return Ok(());
        }
        self.wait()
    }

    /// The host waits for the stream.
    pub fn wait(&self) -> Result<(), Error> {
        // SAFETY: the stream is this device's and lives.
        let wait = || unsafe { (self.driver.stream_synchronize)(self.stream) };
        self.done("cuStreamSynchronize", self.within(wait)?)
    }

    /// Zeros for a region.
    pub fn zero(&self, region: &Region) -> Result<(), Error> {
        let (address, bytes) = (region.address(), region.bytes());
        // SAFETY: the region has that many bytes, and is held until everything else comes after this stream.
        let set = || unsafe { (self.driver.set_bytes)(address, 0, bytes, self.stream) };
        self.done("cuMemsetD8Async", self.within(set)?)
    }

    /// Does something in the device's context, with its stream.
    pub fn with<T>(&self, f: impl FnOnce(Stream) -> Result<T, Error>) -> Result<T, Error> {
        self.within(|| f(self.stream))?
    }

    /// The event, once all that the context was given is done.
    fn record_all(&self) -> Result<(), Error> {
        let record = self.driver.context_record_event.ok_or_else(|| self.failed("no cuCtxRecordEvent"))?;
        // SAFETY: the context and the event are this device's and live.
        self.done("cuCtxRecordEvent", self.within(|| unsafe { record(self.context, self.event) })?)
    }

    /// All that the context is given waits for the event.
    fn wait_all(&self) -> Result<(), Error> {
        let wait = self.driver.context_wait_event.ok_or_else(|| self.failed("no cuCtxWaitEvent"))?;
        // SAFETY: as above.
        self.done("cuCtxWaitEvent", self.within(|| unsafe { wait(self.context, self.event) })?)
    }

    /// Does something in the device's context.
    fn within<T>(&self, f: impl FnOnce() -> T) -> Result<T, Error> {
        /// Takes the context away again, whatever happens.
        struct Pop(&'static Driver);
        impl Drop for Pop {
            fn drop(&mut self) {
                let mut context = null_mut();
                // SAFETY: a context was pushed by this thread.
                unsafe { (self.0.context_pop)(&mut context) };
            }
        }
        // SAFETY: the context is retained as long as the lane.
        self.done("cuCtxPushCurrent", unsafe { (self.driver.context_push)(self.context) })?;
        let _pop = Pop(self.driver);
        Ok(f())
    }

    fn done(&self, function: &str, code: c_int) -> Result<(), Error> {
        if code == 0 {
            return Ok(());
        }
        let mut why = std::ptr::null();
        // SAFETY: the place outlives the call, and what is written there is a text of the driver's or nothing.
        unsafe { (self.driver.get_error_string)(code, &mut why) };
        Err(self.failed(&format!("{function} gives {code}: {}", library::text(why))))
    }

    fn failed(&self, reason: &str) -> Error {
        Error::Device { device: self.device, reason: reason.to_string() }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if self.context.is_null() {
            return;
        }
        let _ = self.within(|| {
            // SAFETY: both are this lane's, and nobody else's; what the stream still has to do is done before it goes.
            unsafe {
                if !self.event.is_null() {
                    (self.driver.event_destroy)(self.event);
                }
                if !self.stream.is_null() {
                    (self.driver.stream_destroy)(self.stream);
                }
            }
        });
        // SAFETY: it was retained by `new`.
        unsafe { (self.driver.context_release)(self.ordinal) };
    }
}
