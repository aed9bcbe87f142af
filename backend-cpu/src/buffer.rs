//! [`Buffer`]: reference-counted bytes for elements, in one heap allocation.
//!
//! The count, the length and the data lie in one block, so that a tensor costs one allocation beside its value. The
//! data start at a multiple of 64 bytes and are zero at first; a large block comes from `alloc_zeroed` at a small
//! alignment, because only then does the system hand out fresh pages without writing them first.
//!
//! Fresh pages are what large results cost most: the system takes longer to map and clear them than a kernel to fill
//! them. So a large block that is given back waits in `RECYCLED` for the next one of its size, up to a cap.
//!
//! This is the only module with unsafe code. What always holds: `block` points to a live block whose header is
//! initialised and whose data bytes are all initialised (zero, or what a former holder left); `&mut` to data is given out only while the count is one.

#![allow(unsafe_code)]

use bytemuck::Pod;
use std::alloc::{Layout, alloc, alloc_zeroed, dealloc, handle_alloc_error};
use std::collections::VecDeque;
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};
use std::sync::{Mutex, MutexGuard};

/// Where data start: at multiples of this address.
const ALIGN: usize = 64;

/// Up to so many bytes are cleared here: the system's allocators are quicker at plain blocks than at cleared ones.
const SMALL: usize = 1 << 13;

/// From so many bytes on a block is recycled; the system's allocator keeps smaller ones warm by itself.
const LARGE: usize = 1 << 16;

/// At most so many bytes wait to be used again; the oldest go back to the system first.
const RECYCLED_BYTES: usize = 256 << 20;

/// Large blocks without a holder, the oldest first.
static RECYCLED: Mutex<Recycled> = Mutex::new(Recycled { blocks: VecDeque::new(), bytes: 0 });

struct Recycled {
    blocks: VecDeque<Block>,
    bytes: usize,
}

/// A block that nobody holds.
struct Block(NonNull<Header>);

// SAFETY: nobody refers to the block, so any thread may take it over; the lock orders one holder's uses before the
// next one's.
unsafe impl Send for Block {}

impl Recycled {
    fn lock() -> MutexGuard<'static, Recycled> {
        RECYCLED.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A block of just so many bytes of data, the last that came.
    fn take(&mut self, bytes: usize) -> Option<Block> {
        let place = self.blocks.iter().rposition(|b| b.bytes() == bytes)?;
        self.bytes -= bytes;
        self.blocks.remove(place)
    }

    /// Keeps a block, and gives those that no longer fit under the cap.
    fn put(&mut self, block: Block) -> Vec<Block> {
        self.bytes += block.bytes();
        self.blocks.push_back(block);
        let mut out = Vec::new();
        while self.bytes > RECYCLED_BYTES {
            let oldest = self.blocks.pop_front().expect("blocks have the bytes that are counted");
            self.bytes -= oldest.bytes();
            out.push(oldest);
        }
        out
    }
}

impl Block {
    fn bytes(&self) -> usize {
        // SAFETY: the block is live, and its header was initialised when it was made.
        unsafe { self.0.as_ref() }.bytes
    }

    /// Gives the memory back to the system.
    fn free(self) {
        let layout = Buffer::block_layout(self.bytes());
        // SAFETY: nobody refers to the block, and it was allocated by `Buffer::fresh` with this very layout.
        unsafe { dealloc(self.0.as_ptr().cast(), layout) };
    }
}

struct Header {
    count: AtomicUsize,
    bytes: usize,
}

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
    /// The block for so many bytes of data: header, up to 63 bytes of padding, data.
    fn block_layout(bytes: usize) -> Layout {
        let size = bytes.checked_add(size_of::<Header>() + ALIGN - 1).expect("fits the address space");
        Layout::from_size_align(size, align_of::<Header>()).expect("a tensor fits the address space")
    }

    /// So many zero bytes, rounded up to a multiple of 8.
    pub fn zeroed(bytes: usize) -> Buffer {
        match Self::recycled(bytes) {
            Some(mut buffer) => {
                buffer.bytes_mut().expect("nobody else holds it").fill(0);
                buffer
            }
            None => Self::fresh(bytes),
        }
    }

    /// So many bytes, rounded up to a multiple of 8, for somebody who writes them all: they may hold anything.
    pub fn overwritten(bytes: usize) -> Buffer {
        Self::recycled(bytes).unwrap_or_else(|| Self::fresh(bytes))
    }

    fn recycled(bytes: usize) -> Option<Buffer> {
        if bytes < LARGE {
            return None;
        }
        let Block(block) = Recycled::lock().take(bytes.checked_next_multiple_of(8)?)?;
        let buffer = Buffer { block };
        buffer.header().count.store(1, Ordering::Relaxed);
        Some(buffer)
    }

    /// A new block, of zeros.
    fn fresh(bytes: usize) -> Buffer {
        let bytes = bytes.checked_next_multiple_of(8).expect("fits the address space");
        let layout = Self::block_layout(bytes);
        let block = if bytes <= SMALL {
            // SAFETY: the layout's size is not zero, as it has room for a header.
            let block = unsafe { alloc(layout) };
            if !block.is_null() {
                // SAFETY: the block is ours alone and has this size.
                unsafe { block.write_bytes(0, layout.size()) };
            }
            block
        } else {
            // SAFETY: as above.
            unsafe { alloc_zeroed(layout) }
        };
        let Some(block) = NonNull::new(block.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: the block is ours alone, large enough for a header and aligned for one.
        unsafe { block.write(Header { count: AtomicUsize::new(1), bytes }) };
        Buffer { block }
    }

    fn header(&self) -> &Header {
        // SAFETY: the block lives as long as any reference, and its header was initialised by `fresh`.
        unsafe { self.block.as_ref() }
    }

    /// The first data byte: the first multiple of 64 behind the header.
    fn start(&self) -> *mut u8 {
        let behind = size_of::<Header>();
        let address = self.block.addr().get() + behind;
        // SAFETY: `block_layout` has room for the header, the padding up to the next multiple of 64, and the data.
        unsafe { self.block.as_ptr().cast::<u8>().add(behind + address.next_multiple_of(ALIGN) - address) }
    }

    /// Whether nobody else holds these bytes.
    pub fn is_unique(&self) -> bool {
        // Acquire: what a former holder read, it read before we write.
        self.header().count.load(Ordering::Acquire) == 1
    }

    /// All bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `start` is followed by `bytes` initialised bytes, which nobody writes while `&self` lives: writing
        // takes a unique `&mut Buffer`.
        unsafe { std::slice::from_raw_parts(self.start(), self.header().bytes) }
    }

    /// All bytes, for writing; `None` where somebody else holds them.
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: `start` is followed by `bytes` initialised bytes; the count is one and `self` is borrowed mutably,
        // so no other reference to the data exists or can be made while the slice lives.
        Some(unsafe { std::slice::from_raw_parts_mut(self.start(), self.header().bytes) })
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
    fn drop(&mut self) {
        if self.header().count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        // This was the last reference, and the fence orders all other holders' uses before.
        let block = Block(self.block);
        if block.bytes() < LARGE {
            return block.free();
        }
        let surplus = Recycled::lock().put(block);
        surplus.into_iter().for_each(Block::free);
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
            assert!(b.bytes().as_ptr().addr().is_multiple_of(ALIGN));
            assert!(b.bytes().iter().all(|&x| x == 0));
            b.as_mut_slice::<u64>().expect("unique").fill(u64::MAX);
            assert!(b.as_slice::<u16>().iter().all(|&x| x == u16::MAX));
        }
    }

    #[test]
    fn a_large_block_is_used_again() {
        // A size that no other test has.
        let bytes = LARGE + 8 * 1234;
        let mut a = Buffer::zeroed(bytes);
        let address = a.bytes().as_ptr();
        a.bytes_mut().expect("unique").fill(7);
        drop(a);
        let b = Buffer::overwritten(bytes);
        assert_eq!(b.bytes().as_ptr(), address);
        assert!(b.is_unique());
        drop(b);
        let c = Buffer::zeroed(bytes);
        assert_eq!(c.bytes().as_ptr(), address);
        assert!(c.bytes().iter().all(|&x| x == 0));
    }

    #[test]
    fn what_waits_stays_under_the_cap() {
        let mut recycled = Recycled { blocks: VecDeque::new(), bytes: 0 };
        let size = RECYCLED_BYTES / 4;
        let block = || {
            let buffer = std::mem::ManuallyDrop::new(Buffer::fresh(size));
            Block(buffer.block)
        };
        for _ in 0..4 {
            assert!(recycled.put(block()).is_empty());
        }
        let surplus = recycled.put(block());
        assert_eq!((surplus.len(), recycled.bytes), (1, 4 * size));
        let taken = recycled.take(size).expect("there are four");
        assert!(recycled.take(size + 8).is_none());
        assert_eq!(recycled.bytes, 3 * size);
        surplus.into_iter().chain([taken]).chain(recycled.blocks).for_each(Block::free);
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
