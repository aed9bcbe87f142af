//! Memory that is lent to NCCL: an address on a device, of so many bytes, and what keeps it.

use crate::client::Client;
use crate::data::{self, Buffer, GpuData, Storage};
use cubecl::cuda::CudaRuntime;
use plywood_core::{Error, Value};

/// Bytes of a buffer.
#[derive(Clone, Debug)]
pub struct Part {
    /// The buffer.
    pub buffer: Buffer,
    /// The first.
    pub start: usize,
    /// How many.
    pub bytes: usize,
}

impl Part {
    /// The elements of a value that lie in row-major order.
    pub fn of(x: &Value) -> Part {
        let GpuData { storage: Storage::Device(buffer), layout, .. } = data::data(x) else {
            unreachable!("it is in memory, in order")
        };
        Part { buffer: buffer.clone(), start: layout.offset * x.dtype().size(), bytes: x.ty().bytes() }
    }
}

/// Bytes on a device. As long as it lives, nobody else is given the memory.
#[derive(Debug)]
pub struct Region {
    address: u64,
    bytes: usize,
    _held: Buffer,
}

impl Region {
    /// Where these parts lie. CubeCL's thread has issued all that this thread asked for before; it is waited for once.
    pub fn of(client: &Client<CudaRuntime>, parts: Vec<Part>) -> Result<Vec<Region>, Error> {
        let failed = |reason: String| Error::Device { device: client.device, reason };
        let lent = client.in_queue(|compute| {
            let lent = || {
                // On CubeCL's own thread each of these is done at once.
                let lend = |part: &Part| compute.get_resource(part.buffer.handle.clone());
                let place = |part: &Part| lend(part).map(|lent| (lent.resource().ptr, lent.resource().size));
                parts.iter().map(|part| place(part).map_err(|e| e.to_string())).collect::<Vec<_>>()
            };
            compute.exclusive(lent)
        });
        let lent = lent.map_err(|e| failed(e.to_string()))?;
        let region = |(part, lent): (Part, Result<(u64, u64), String>)| {
            let (address, size) = lent.map_err(failed)?;
            let Part { buffer, start, bytes } = part;
            if (start + bytes) as u64 > size {
                return Err(failed(format!(
                    "a buffer has {size} bytes, and {bytes} from {start} on were meant"
                )));
            }
            Ok(Region { address: address + start as u64, bytes, _held: buffer })
        };
        parts.into_iter().zip(lent).map(region).collect()
    }

    /// Where it begins.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// How long it is.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The address of an element, if so many from it on are inside.
    pub fn elements(&self, first: usize, count: usize, size: usize) -> u64 {
        assert!((first + count) * size <= self.bytes, "{count} elements from {first} on are outside");
        self.address + (first * size) as u64
    }
}
