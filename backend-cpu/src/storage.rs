//! [`Storage`]: where a value's bytes are: in the value itself, or in a buffer that may be shared.
//!
//! What fits 16 bytes is inline: a scalar then costs one allocation, that of its value. Bool is one byte, 0 or 1.

use crate::buffer::Buffer;
use bytemuck::Pod;

/// The most bytes that are kept inline.
pub const INLINE: usize = 16;

/// Bytes of elements.
#[derive(Clone, Debug)]
pub enum Storage {
    /// In the value itself; a copy is its own.
    Inline([u64; INLINE / 8]),
    /// In a buffer, shared by its clones.
    Shared(Buffer),
}

impl Storage {
    /// Zeros.
    pub fn zeroed(bytes: usize) -> Storage {
        if bytes <= INLINE {
            Storage::Inline([0; INLINE / 8])
        } else {
            Storage::Shared(Buffer::zeroed(bytes))
        }
    }

    /// Bytes for somebody who writes them all: they may hold anything.
    pub fn overwritten(bytes: usize) -> Storage {
        if bytes <= INLINE {
            Storage::Inline([0; INLINE / 8])
        } else {
            Storage::Shared(Buffer::overwritten(bytes))
        }
    }

    /// All bytes, of which there may be a few more than asked for.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Storage::Inline(words) => bytemuck::cast_slice(words),
            Storage::Shared(buffer) => buffer.bytes(),
        }
    }

    /// All bytes as elements.
    pub fn as_slice<T: Pod>(&self) -> &[T] {
        match self {
            Storage::Inline(words) => bytemuck::cast_slice(words),
            Storage::Shared(buffer) => buffer.as_slice(),
        }
    }

    /// All bytes as elements, for writing; `None` where somebody else holds them.
    pub fn as_mut_slice<T: Pod>(&mut self) -> Option<&mut [T]> {
        match self {
            Storage::Inline(words) => Some(bytemuck::cast_slice_mut(words)),
            Storage::Shared(buffer) => buffer.as_mut_slice(),
        }
    }

    /// Whether writing is possible: nobody else holds the bytes.
    pub fn is_unique(&self) -> bool {
        match self {
            Storage::Inline(_) => true,
            Storage::Shared(buffer) => buffer.is_unique(),
        }
    }
}
