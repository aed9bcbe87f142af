//! [`Block`]: bytes from the system with a header, owned by whoever has the `Block`.
//!
//! The header takes the first cache line, the data follow. Small blocks come from the global allocator and are
//! cleared here. Large ones are mapped, because then the system clears each page when it is first touched, by the
//! thread that does; and huge ones ask for pages of 2 MiB, which are first touched two to five times as fast
//! (4 KiB pages on one machine: 0.3 to 0.9 GB/s; 2 MiB: 2 GB/s; a copy afterwards takes the same time on either).
//!
//! What always holds: a `Block` points to a live block that nobody else refers to, whose header is initialised, and
//! whose data bytes are all initialised (zero at first, then what holders leave).

#![allow(unsafe_code)]

use super::class::{self, LINE};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::AtomicUsize;

/// From so many bytes on (header included) a block is mapped.
const MAPPED: usize = 256 << 10;

/// The size of a huge page, and from so many bytes on blocks ask for them.
#[cfg(target_os = "linux")]
const HUGE: usize = 2 << 20;

/// What stands before the data: a cache line.
#[repr(C, align(64))]
pub(crate) struct Header {
    /// For a holder that shares the block: how many do.
    pub(crate) count: AtomicUsize,
    /// For a holder: how many of the bytes it asked for.
    pub(crate) bytes: usize,
    /// The size class.
    class: usize,
    /// The next block of a [`Chain`].
    next: Option<Block>,
}

const _: () = assert!(size_of::<Header>() == LINE);

/// A block that has one owner. It is given back to the pool or to the system by hand: dropping it leaks.
pub(crate) struct Block(NonNull<Header>);

// SAFETY: the owner alone refers to the block, so any thread may take it over.
unsafe impl Send for Block {}
// SAFETY: a shared `&Block` only reads.
unsafe impl Sync for Block {}

impl Block {
    /// A new block of a class, all zeros.
    pub(super) fn fresh(class: usize) -> Block {
        let layout = Self::layout(class);
        let start = if layout.size() >= MAPPED { map(layout) } else { allocate(layout) };
        let block = start.cast::<Header>();
        // SAFETY: the block is ours alone, large enough for a header and aligned to 64 bytes.
        unsafe { block.write(Header { count: AtomicUsize::new(1), bytes: 0, class, next: None }) };
        Block(block)
    }

    /// Gives the memory back to the system.
    pub(super) fn free(self) {
        let layout = Self::layout(self.class());
        if layout.size() >= MAPPED {
            // SAFETY: nobody refers to the block, and `fresh` mapped it with this layout.
            unsafe { unmap(self.0.cast(), layout) };
        } else {
            // SAFETY: nobody refers to the block, and `fresh` allocated it with this layout.
            unsafe { dealloc(self.0.as_ptr().cast(), layout) };
        }
    }

    fn layout(class: usize) -> Layout {
        let size = class::capacity(class).checked_add(LINE).expect("a tensor fits the address space");
        Layout::from_size_align(size, LINE).expect("a tensor fits the address space")
    }

    /// The size class.
    #[inline]
    pub(super) fn class(&self) -> usize {
        self.header().class
    }

    /// How many bytes it holds.
    #[inline]
    pub(super) fn capacity(&self) -> usize {
        class::capacity(self.class())
    }

    fn header(&self) -> &Header {
        // SAFETY: the block is live and its header initialised.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    fn header_mut(&mut self) -> &mut Header {
        // SAFETY: as above, and the owner alone refers to it.
        unsafe { self.0.as_mut() }
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        // SAFETY: the header is followed by `capacity` initialised bytes, which nobody else refers to.
        unsafe { std::slice::from_raw_parts(data(self.0), self.capacity()) }
    }

    /// All bytes, for writing.
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(data(self.0), self.capacity()) }
    }

    /// For a holder that counts references: one reference, to the first `bytes` bytes.
    #[inline]
    pub(crate) fn into_shared(mut self, bytes: usize) -> NonNull<Header> {
        debug_assert!(bytes <= self.capacity());
        let header = self.header_mut();
        *header.count.get_mut() = 1;
        header.bytes = bytes;
        self.0
    }

    /// The owner again.
    ///
    /// # Safety
    /// `header` is from `into_shared`, and the caller's was the last reference to the block.
    #[inline]
    pub(crate) unsafe fn from_shared(header: NonNull<Header>) -> Block {
        Block(header)
    }
}

/// The first data byte of a block.
#[inline]
pub(crate) fn data(block: NonNull<Header>) -> *mut u8 {
    // SAFETY: every block has a line for its header and at least one of data.
    unsafe { block.as_ptr().cast::<u8>().add(LINE) }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({} bytes)", self.capacity())
    }
}

/// Blocks linked through their headers, the last that came first.
#[derive(Debug, Default)]
pub(super) struct Chain {
    first: Option<Block>,
    len: usize,
}

impl Chain {
    pub(super) const fn new() -> Chain {
        Chain { first: None, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn push(&mut self, mut block: Block) {
        block.header_mut().next = self.first.take();
        self.first = Some(block);
        self.len += 1;
    }

    #[inline]
    pub(super) fn pop(&mut self) -> Option<Block> {
        let mut block = self.first.take()?;
        self.first = block.header_mut().next.take();
        self.len -= 1;
        Some(block)
    }

    /// Leaves the first `n` blocks and gives the others, the last that came first.
    pub(super) fn split_off(&mut self, n: usize) -> Chain {
        let mut kept = Chain::new();
        while kept.len < n
            && let Some(block) = self.pop()
        {
            kept.push(block);
        }
        let rest = std::mem::take(self);
        while let Some(block) = kept.pop() {
            self.push(block);
        }
        rest
    }
}

/// Cleared bytes from the global allocator.
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: the layout's size is not zero, as it has room for a header.
    let Some(start) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
    // SAFETY: the bytes are ours alone.
    unsafe { start.write_bytes(0, layout.size()) };
    start
}

/// How many bytes are mapped for a layout: a multiple of any system's page size.
#[cfg(unix)]
fn mapped(layout: Layout) -> usize {
    layout.size().checked_next_multiple_of(64 << 10).expect("a tensor fits the address space")
}

/// New pages, which read as zeros.
#[cfg(unix)]
fn map(layout: Layout) -> NonNull<u8> {
    let bytes = mapped(layout);
    #[cfg(target_os = "linux")]
    if bytes >= HUGE {
        return map_huge(layout, bytes);
    }
    pages(layout, bytes)
}

#[cfg(unix)]
fn pages(layout: Layout, bytes: usize) -> NonNull<u8> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON);
    // SAFETY: a new private mapping at a place of the system's choice touches no memory in use.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, flags, -1, 0) };
    if start == libc::MAP_FAILED {
        handle_alloc_error(layout);
    }
    NonNull::new(start.cast()).expect("the system maps nothing at address 0")
}

/// New pages from a multiple of 2 MiB on, huge ones if the system has them.
#[cfg(target_os = "linux")]
fn map_huge(layout: Layout, bytes: usize) -> NonNull<u8> {
    let all = pages(layout, bytes.checked_add(HUGE).expect("a tensor fits the address space"));
    let before = all.addr().get().next_multiple_of(HUGE) - all.addr().get();
    // SAFETY: `before` is at most 2 MiB, so the block and what is around it lie within what was mapped just now, and
    // only what is around it is given back. All are multiples of the page size. The advice changes no contents;
    // where it is refused, pages are small.
    unsafe {
        let start = all.add(before);
        if before > 0 {
            libc::munmap(all.as_ptr().cast(), before);
        }
        if before < HUGE {
            libc::munmap(start.add(bytes).as_ptr().cast(), HUGE - before);
        }
        libc::madvise(start.as_ptr().cast(), bytes, libc::MADV_HUGEPAGE);
        start
    }
}

/// Gives pages back.
///
/// # Safety
/// `map` gave them for this layout, and nobody refers to them.
#[cfg(unix)]
unsafe fn unmap(start: NonNull<u8>, layout: Layout) {
    // SAFETY: by the caller's promise.
    let done = unsafe { libc::munmap(start.as_ptr().cast(), mapped(layout)) };
    debug_assert_eq!(done, 0, "unmapping what was mapped");
}

#[cfg(not(unix))]
fn map(layout: Layout) -> NonNull<u8> {
    // SAFETY: the layout's size is not zero.
    let start = unsafe { std::alloc::alloc_zeroed(layout) };
    NonNull::new(start).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cfg(not(unix))]
unsafe fn unmap(start: NonNull<u8>, layout: Layout) {
    // SAFETY: by the caller's promise, `map` allocated it with this layout.
    unsafe { dealloc(start.as_ptr(), layout) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_blocks_are_aligned_and_zero() {
        for bytes in [0, 1, 100, 8 << 10, MAPPED - LINE, MAPPED, 3 << 20, 4 << 20] {
            let mut block = Block::fresh(class::of(bytes));
            assert!(block.capacity() >= bytes);
            assert!(block.bytes().as_ptr().addr().is_multiple_of(LINE), "{bytes}");
            assert!(block.bytes().iter().all(|&b| b == 0), "{bytes}");
            block.bytes_mut().fill(1);
            block.free();
        }
    }

    #[test]
    fn a_chain_gives_the_last_that_came_first() {
        let mut chain = Chain::new();
        let mut places = vec![];
        for _ in 0..5 {
            let block = Block::fresh(0);
            places.push(block.0);
            chain.push(block);
        }
        let mut rest = chain.split_off(2);
        assert_eq!((chain.len(), rest.len()), (2, 3));
        let mut order = vec![];
        for chain in [&mut chain, &mut rest] {
            while let Some(block) = chain.pop() {
                order.push(block.0);
                block.free();
            }
        }
        places.reverse();
        assert_eq!(order, places);
    }
}
