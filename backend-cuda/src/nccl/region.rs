//! Memory that is lent to NCCL: an address on a device, of so many bytes, and what keeps it.

use crate::client::Client;
use crate::data::{self, Buffer, GpuData, Storage};
use cubecl::cuda::CudaRuntime;
use plywood_core::{Error, Value};

/// Bytes on a device. As long as it lives, nobody else is given the memory.
#[derive(Debug)]
pub struct Region {
    address: u64,
    bytes: usize,
    _held: Buffer,
}

impl Region {
    /// So many bytes of a buffer, from one on. CubeCL's thread has issued all that this thread asked for before.
    pub fn of(
        client: &Client<CudaRuntime>,
        buffer: &Buffer,
        start: usize,
        bytes: usize,
    ) -> Result<Region, Error> {
        let failed = |reason: String| Error::Device { device: client.device, reason };
        let lent = client
            .in_queue(|compute| compute.get_resource(buffer.handle.clone()))
            .map_err(|e| failed(e.to_string()))?;
        let has = lent.resource().size as usize;
        if start + bytes > has {
            return Err(failed(format!("a buffer has {has} bytes, and {bytes} from {start} on were meant")));
        }
        Ok(Region { address: lent.resource().ptr + start as u64, bytes, _held: buffer.clone() })
    }

    /// The elements of a value that lie in row-major order.
    pub fn of_value(client: &Client<CudaRuntime>, x: &Value) -> Result<Region, Error> {
        let GpuData { storage: Storage::Device(buffer), layout, .. } = data::data(x) else {
            unreachable!("it is in memory, in order")
        };
        Region::of(client, buffer, layout.offset * x.dtype().size(), x.ty().bytes())
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
