//! The pool: every block of elements and of scratch comes from it and goes back to it.
//!
//! Fresh pages are what large results cost most: the system takes longer to map and clear them than a kernel to fill
//! them. So blocks come in size classes ([`class`]), and one that is given back waits for the next request of its
//! class: up to 64 KiB in the thread that gave it back, without a lock ([`local`]), above and beyond that in a part
//! that all threads share, under a cap ([`shared`]). Of a class the block that came last is given first: it is the
//! warmest. A loop that allocates the same sizes again and again gets no fresh page after its first turn.
//!
//! What is wasted: a block is up to an eighth larger than what was asked for (of a large one the surplus pages are
//! never touched), and has a header of 64 bytes. What is kept: at most the cap in the shared part, and 128 KiB (or
//! two blocks) of each of the 64 small classes in each thread, in all about 6 MiB a thread.

mod block;
mod class;
mod counts;
mod local;
mod shared;

pub(crate) use block::{Block, Header, data};
pub(crate) use local::give_up;

use bytemuck::Pod;
use shared::Shared;
use std::ops::{Deref, DerefMut};

/// How the pool stands; see [`crate::MemoryStats`].
pub(crate) use counts::Sums;

/// A block of at least so many bytes, and whether its data are all zero; else they may hold anything.
#[inline]
pub(crate) fn take(bytes: usize) -> (Block, bool) {
    let class = class::of(bytes);
    let kept = if class < local::CLASSES { local::take(class) } else { take_large(class) };
    match kept {
        Some(block) => (block, false),
        None => (Block::fresh(class), true),
    }
}

fn take_large(class: usize) -> Option<Block> {
    let block = Shared::lock().take(class);
    local::count_taken(class::capacity(class), block.is_some());
    block
}

/// Gives a block back.
#[inline]
pub(crate) fn put(block: Block) {
    if block.class() < local::CLASSES {
        return local::put(block);
    }
    put_large(block);
}

fn put_large(block: Block) {
    local::count_given(block.capacity());
    let surplus = Shared::lock().put(block);
    surplus.into_iter().for_each(Block::free);
}

/// Bytes for a kernel's own use, aligned to cache lines; they go back to the pool when they are dropped.
#[derive(Debug)]
pub struct Scratch {
    /// Only taken out by `drop`.
    block: Option<Block>,
    bytes: usize,
}

/// So many bytes of scratch, rounded up to a multiple of 8; they may hold anything.
pub fn scratch(bytes: usize) -> Scratch {
    let bytes = bytes.checked_next_multiple_of(8).expect("fits the address space");
    Scratch { block: Some(take(bytes).0), bytes }
}

impl Scratch {
    /// All bytes as elements.
    pub fn as_slice<T: Pod>(&self) -> &[T] {
        bytemuck::cast_slice(self)
    }

    /// All bytes as elements, for writing.
    pub fn as_mut_slice<T: Pod>(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(self)
    }
}

impl Deref for Scratch {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.block.as_ref().expect("it is not dropped yet").bytes()[..self.bytes]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.block.as_mut().expect("it is not dropped yet").bytes_mut()[..self.bytes]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.block.take().into_iter().for_each(put);
    }
}

/// How the pool stands: the sums of all threads with what the shared part keeps, and the cap.
pub(crate) fn stats() -> (Sums, usize) {
    let mut sums = counts::sums();
    let mut shared = Shared::lock();
    sums.kept += shared.bytes();
    (sums, shared.cap())
}

/// From now on, the peak counts from what is in use now.
pub(crate) fn reset_peak() {
    counts::reset_peak();
}

/// Gives back all that waits to be used again: here at once, by other threads when they next use the pool.
pub(crate) fn trim() {
    local::recall(None);
    let all = Shared::lock().take_all();
    all.into_iter().for_each(Block::free);
}

/// At most so many bytes wait in the shared part; where there are to be none, threads keep none either.
pub(crate) fn set_cap(bytes: usize) {
    local::recall(Some(bytes == 0));
    let surplus = Shared::lock().set_cap(bytes);
    surplus.into_iter().for_each(Block::free);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_aligned_writable_and_as_long_as_asked_for() {
        for bytes in [0, 1, 64, 100, 4096, 1 << 20] {
            let mut scratch = scratch(bytes);
            assert_eq!(scratch.len(), bytes.next_multiple_of(8));
            assert!(scratch.as_ptr().addr().is_multiple_of(64));
            scratch.as_mut_slice::<u32>().fill(7);
            assert!(scratch.as_slice::<u32>().iter().all(|&x| x == 7));
        }
    }

    #[test]
    fn the_last_small_block_comes_first() {
        // The thread's own: other tests run on other threads.
        let (mut a, b) = (scratch(3000), scratch(3000));
        a[0] = 1;
        let places = [a.as_ptr(), b.as_ptr()];
        drop(a);
        drop(b);
        let again = [scratch(2999), scratch(2900)];
        assert_eq!([again[1].as_ptr(), again[0].as_ptr()], places);
    }
}
