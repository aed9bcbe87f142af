//! [`Buffer`]: reference-counted bytes for elements, in one block of the pool.
//!
//! The count, the length and the data lie in one block, so that a tensor costs one allocation beside its value, and
//! none once the pool has a block of its size. The data start at a multiple of 64 bytes.
//!
//! What always holds: `block` points to a live block whose data bytes are all initialised (zero where that is asked
//! for, else what a former holder left); `&mut` to data is given out only while the count is one.

#![allow(unsafe_code)]

use crate::par;
use crate::pool::{self, Block, Header};
use bytemuck::Pod;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{Ordering, fence};

/// Reference-counted, 64-byte-aligned bytes. A clone shares them.
pub struct Buffer {
    block: NonNull<Header>,
}

// SAFETY: the header is only changed through atomics, and data are written only through `&mut Buffer` while it is the
// only reference, as with `Arc<[u8]>`.
unsafe impl Send for Buffer {}
// SAFETY: as above: a shared `&Buffer` gives only `&[u8]`.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// So many zero bytes, rounded up to a multiple of 8.
    pub fn zeroed(bytes: usize) -> Buffer {
        let (mut buffer, zero) = Self::take(bytes);
        if !zero {
            let bytes = buffer.bytes_mut().expect("nobody else holds it");
            par::chunks(bytes, 1, 0.03, |_, bytes| bytes.fill(0));
        }
        buffer
    }

    /// So many bytes, rounded up to a multiple of 8, for somebody who writes them all: they may hold anything.
    #[inline]
    pub fn overwritten(bytes: usize) -> Buffer {
        Self::take(bytes).0
    }

    /// A block of the pool, and whether it is all zero.
    #[inline]
    fn take(bytes: usize) -> (Buffer, bool) {
        let bytes = bytes.checked_next_multiple_of(8).expect("fits the address space");
        let (block, zero) = pool::take(bytes);
        (Buffer { block: block.into_shared(bytes) }, zero)
    }

    #[inline]
    fn header(&self) -> &Header {
        // SAFETY: the block lives as long as any reference, and its header is initialised.
        unsafe { self.block.as_ref() }
    }

    /// Whether nobody else holds these bytes.
    pub fn is_unique(&self) -> bool {
        // Acquire: what a former holder read, it read before we write.
        self.header().count.load(Ordering::Acquire) == 1
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block has at least `bytes` initialised bytes of data, which nobody writes while `&self` lives:
        // writing takes a unique `&mut Buffer`.
        unsafe { std::slice::from_raw_parts(pool::data(self.block), self.header().bytes) }
    }

    /// All bytes, for writing; `None` where somebody else holds them.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: the block has at least `bytes` initialised bytes of data; the count is one and `self` is borrowed
        // mutably, so no other reference to the data exists or can be made while the slice lives.
        Some(unsafe { std::slice::from_raw_parts_mut(pool::data(self.block), self.header().bytes) })
    }

    /// All bytes as elements.
    pub fn as_slice<T: Pod>(&self) -> &[T] {
        bytemuck::cast_slice(self.bytes())
    }

    /// All bytes as elements, for writing; `None` where somebody else holds them.
    pub fn as_mut_slice<T: Pod>(&mut self) -> Option<&mut [T]> {
        self.bytes_mut().map(bytemuck::cast_slice_mut)
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        // Relaxed is enough to count up: whoever clones already holds a reference.
        let before = self.header().count.fetch_add(1, Ordering::Relaxed);
        assert!(before < usize::MAX / 2, "too many references to a buffer");
        Buffer { block: self.block }
    }
}

impl Drop for Buffer {
    #[inline]
    fn drop(&mut self) {
        if self.header().count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        // SAFETY: the block is from `into_shared`; this was the last reference, and the fence orders all other
        // holders' uses before.
        pool::put(unsafe { Block::from_shared(self.block) });
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.header().bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_aligned_zero_and_as_long_as_asked_for() {
        for bytes in [0, 1, 8, 17, 64, 1000, 1 << 20] {
            let mut b = Buffer::zeroed(bytes);
            assert_eq!(b.bytes().len(), bytes.next_multiple_of(8));
            assert!(b.bytes().as_ptr().addr().is_multiple_of(64));
            assert!(b.bytes().iter().all(|&x| x == 0));
            b.as_mut_slice::<u64>().expect("unique").fill(u64::MAX);
            assert!(b.as_slice::<u16>().iter().all(|&x| x == u16::MAX));
        }
    }

    #[test]
    fn a_block_is_used_again_and_cleared_where_that_is_asked_for() {
        // Sizes that no other test has; the smaller is kept by the thread, the larger is shared.
        for bytes in [30_008, 9_876_544] {
            let mut a = Buffer::zeroed(bytes);
            let address = a.bytes().as_ptr();
            a.bytes_mut().expect("unique").fill(7);
            drop(a);
            // Of the same class.
            let b = Buffer::overwritten(bytes - 100);
            assert_eq!((b.bytes().as_ptr(), b.bytes().len()), (address, bytes - 96));
            assert!(b.is_unique());
            drop(b);
            let c = Buffer::zeroed(bytes);
            assert_eq!(c.bytes().as_ptr(), address);
            assert!(c.bytes().iter().all(|&x| x == 0));
        }
    }

    #[test]
    fn shared_bytes_are_not_writable() {
        let mut a = Buffer::zeroed(32);
        let mut b = a.clone();
        assert!(!a.is_unique() && a.bytes_mut().is_none() && b.bytes_mut().is_none());
        assert_eq!(a.bytes().as_ptr(), b.bytes().as_ptr());
        drop(a);
        assert!(b.is_unique() && b.bytes_mut().is_some());
    }

    #[test]
    fn buffers_cross_threads() {
        let b = Buffer::zeroed(1 << 12);
        let held: Vec<_> =
            (0..4).map(|_| b.clone()).map(|b| std::thread::spawn(move || b.bytes().len())).collect();
        assert!(held.into_iter().all(|t| t.join().expect("no panic") == 1 << 12));
        assert!(b.is_unique());
    }
}
