//! A device: its client, and the facts about it that launches have to keep to.
//!
//! A launch that asks for more than a device has fails without a word, and so do types that it lacks; so all of that is known
//! here, and checked before.
//!
//! What always holds: a device has one queue, which all threads share, and whatever speaks to it goes through
//! [`Client::in_queue`]. CubeCL would give each thread a queue of its own, with memory of its own; but there a buffer that is given back goes to the
//! next of its own queue, though what another one has before it may still read it, and a queue waits for another one as it was
//! when a buffer was asked for, not when it was filled. In one queue, what is put in later comes later, whoever puts it in.

use crate::data::Buffer;
use crate::emit::memory::{self, Stored};
use crate::emit::{Dialect, atomic};
use crate::platform::Platform;
use crate::probe;
use cubecl::ir::features::{AtomicUsage, Plane, TypeUsage};
use cubecl::prelude::{ComputeClient, Runtime};
use cubecl::server::ServerError;
use cubecl::stream_id::StreamId;
use plywood_core::{DType, Device, Error};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Integers of a word or two: what devices may add to at a time.
const INTEGERS: [DType; 4] = [DType::I32, DType::U32, DType::I64, DType::U64];

/// A device.
pub struct Client<R: Runtime> {
    /// Which of its platform's.
    pub device: Device,
    /// The way to its queue; see [`Client::in_queue`].
    compute: ComputeClient<R>,
    /// What it can do.
    pub facts: Facts,
    /// What was launched, allocated and moved.
    pub counts: Counts,
}

/// What a device can do.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How a bf16 is stored.
    pub bf16: Stored,
    /// What kernels are guarded against.
    pub dialect: Dialect,
    /// How many units exchange values without shared memory; 1: none.
    pub plane: u32,
    /// Units of a cube, at most.
    pub units: u32,
    /// Cubes along a dimension of a launch, at most.
    pub cubes: u32,
    /// Bytes of one buffer, at most.
    pub bytes: u64,
    /// Bytes of memory that a cube shares.
    pub shared: usize,
    /// Components of a vector, at most.
    pub vector: usize,
    /// Arguments of a kernel, at most.
    pub bindings: usize,
    /// Dtypes that it has.
    pub dtypes: Vec<DType>,
    /// Integers that many units can add to one element of at a time.
    pub sums: Vec<DType>,
}

/// What a device was asked for, since the process began.
#[derive(Debug, Default)]
pub struct Counts {
    launches: AtomicUsize,
    allocations: AtomicUsize,
    to_device: AtomicUsize,
    to_host: AtomicUsize,
}

/// Counts of what a device was asked for, since the process began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStats {
    /// Kernels launched.
    pub launches: usize,
    /// Buffers asked for.
    pub allocations: usize,
    /// Bytes copied from the host.
    pub to_device: usize,
    /// Bytes copied to the host.
    pub to_host: usize,
}

/// The devices of a platform, or why there are none. A device is started when it is asked for.
pub struct Clients<R: Runtime>(Result<Vec<Slot<R>>, String>);

/// A device, and its client once it was asked for.
struct Slot<R: Runtime> {
    device: R::Device,
    client: OnceLock<Client<R>>,
}

impl<R: Runtime> Clients<R> {
    /// Looks for them.
    pub fn find<P: Platform<Runtime = R>>() -> Clients<R> {
        let slot = |device| Slot { device, client: OnceLock::new() };
        Clients(P::find().map(|found| found.into_iter().map(slot).collect()))
    }

    /// The devices there are.
    pub fn devices<P: Platform>(&self) -> Vec<Device> {
        let count = self.0.iter().flatten().count();
        (0..count).map(|index| Device { kind: P::KIND, index }).collect()
    }

    /// A device's client.
    pub fn get<P: Platform<Runtime = R>>(&self, index: usize) -> Result<&Client<R>, Error> {
        let slots = self.0.as_ref();
        let slots = slots
            .map_err(|reason| Error::Unavailable { backend: P::KIND.to_string(), reason: reason.clone() })?;
        let slot = slots.get(index).ok_or_else(|| Error::UnknownDevice {
            device: Device { kind: P::KIND, index },
            available: self.devices::<P>(),
        })?;
        Ok(slot.client.get_or_init(|| Client::new::<P>(index, &slot.device)))
    }
}

impl<R: Runtime> Client<R> {
    fn new<P: Platform<Runtime = R>>(index: usize, device: &R::Device) -> Client<R> {
        let compute = R::client(device);
        let properties = compute.properties();
        let usable = |dtype: DType, stored: Stored| {
            let usage = properties.type_usage(memory::elem(dtype, stored).into());
            P::UNSAID.contains(&dtype)
                || (usage.contains(TypeUsage::Buffer) && usage.contains(TypeUsage::Conversion))
        };
        let bf16 = if usable(DType::BF16, Stored::Native) { Stored::Native } else { Stored::Bits };
        let sums = |dtype: DType| {
            let usage = properties.features.atomic_type_usage(atomic(memory::elem(dtype, bf16)));
            usable(dtype, bf16) && usage.contains(AtomicUsage::Add)
        };
        let hardware = &properties.hardware;
        let same = hardware.plane_size_min == hardware.plane_size_max;
        let plane =
            if properties.features.plane.contains(Plane::Ops) && same { hardware.plane_size_max } else { 1 };
        let cubes = hardware.max_cube_count;
        let facts = Facts {
            bf16,
            // Graphics compilers rewrite sums; CUDA's does not, but fuses them with products.
            dialect: Dialect { rewrites: P::REWRITES, fuses_products: !P::REWRITES, wide_fma: false },
            plane,
            units: hardware.max_units_per_cube,
            cubes: cubes.0.min(cubes.1),
            bytes: properties.memory.max_page_size,
            shared: hardware.max_shared_memory_size,
            vector: hardware.max_vector_size.min(4),
            bindings: hardware.max_bindings as usize,
            sums: INTEGERS.iter().copied().filter(|&dtype| sums(dtype)).collect(),
            dtypes: DType::ALL.iter().copied().filter(|&dtype| usable(dtype, bf16)).collect(),
        };
        let mut client =
            Client { device: Device { kind: P::KIND, index }, compute, facts, counts: Counts::default() };
        client.facts.dialect.wide_fma =
            P::REWRITES && client.facts.dtypes.contains(&DType::F64) && !probe::fuses(&client);
        client
    }

    /// Counts so far.
    pub fn stats(&self) -> DeviceStats {
        let of = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        DeviceStats {
            launches: of(&self.counts.launches),
            allocations: of(&self.counts.allocations),
            to_device: of(&self.counts.to_device),
            to_host: of(&self.counts.to_host),
        }
    }

    /// Counts a launch.
    pub fn launched(&self) {
        self.counts.launches.fetch_add(1, Ordering::Relaxed);
    }

    /// Runs what speaks to the device, in its queue.
    pub fn in_queue<T>(&self, f: impl FnOnce(&ComputeClient<R>) -> T) -> T {
        StreamId { value: 0 }.executes(|| f(&self.compute))
    }

    /// Whether nobody else holds this buffer, so that a kernel that is put in the queue now may overwrite it: it comes after all
    /// that read it.
    pub fn is_last(&self, buffer: &Buffer) -> bool {
        let last = buffer.handle.can_mut();
        // Whoever gave it up had put in its kernels before.
        fence(Ordering::Acquire);
        last
    }

    /// Memory for so many bytes, which hold anything.
    pub fn empty(&self, bytes: usize) -> Buffer {
        self.fits(bytes);
        self.counts.allocations.fetch_add(1, Ordering::Relaxed);
        let size = bytes.max(4).next_multiple_of(4);
        Buffer { handle: self.in_queue(|compute| compute.empty(size)), bytes }
    }

    /// Memory with these bytes.
    pub fn upload(&self, bytes: &[u8]) -> Buffer {
        self.fits(bytes.len());
        self.counts.allocations.fetch_add(1, Ordering::Relaxed);
        self.counts.to_device.fetch_add(bytes.len(), Ordering::Relaxed);
        let mut padded = bytes.to_vec();
        padded.resize(bytes.len().max(4).next_multiple_of(4), 0);
        Buffer { handle: self.in_queue(|compute| compute.create_from_slice(&padded)), bytes: bytes.len() }
    }

    fn fits(&self, bytes: usize) {
        assert!(
            bytes as u64 <= self.facts.bytes,
            "{}: {bytes} bytes were asked for, and its buffers have at most {}",
            self.device,
            self.facts.bytes
        );
    }

    /// The bytes of a buffer, once everything before is done.
    pub fn download(&self, buffer: &Buffer) -> Result<Vec<u8>, Error> {
        // Only a flush says that a launch failed.
        self.set_going()?;
        let read = self.in_queue(|compute| compute.read_one(buffer.handle.clone()));
        let mut bytes = read.map_err(|e| self.failed(&e))?.to_vec();
        bytes.truncate(buffer.bytes);
        self.counts.to_host.fetch_add(buffer.bytes, Ordering::Relaxed);
        Ok(bytes)
    }

    /// Sets going what was launched, and does not wait for it.
    pub fn set_going(&self) -> Result<(), Error> {
        self.in_queue(|compute| compute.flush()).map_err(|e| self.failed(&e))
    }

    /// Waits until all that was launched is done.
    pub fn wait(&self) -> Result<(), Error> {
        let done = self.in_queue(|compute| cubecl::future::block_on(compute.sync()));
        done.map_err(|e| self.failed(&e))
    }

    fn failed(&self, e: &ServerError) -> Error {
        Error::Device { device: self.device, reason: short(&e.to_string()) }
    }
}

/// The first lines of what a driver says.
fn short(message: &str) -> String {
    message.lines().take_while(|line| !line.starts_with("Backtrace")).take(6).collect::<Vec<_>>().join(" ")
}
