//! The blocks that all threads share, under a cap.
//!
//! A class gives the block that came last, which is the warmest; when the cap is exceeded, the blocks that have
//! waited longest go back to the system, whatever their class: sizes that are no longer asked for.

use super::block::{Block, Chain};
use super::class::CLASSES;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

static SHARED: Mutex<Shared> = Mutex::new(Shared::new(None));

pub(super) struct Shared {
    /// For each class its blocks with the time at which they came, the oldest first.
    classes: [VecDeque<(u64, Block)>; CLASSES],
    /// Of all blocks.
    bytes: usize,
    /// `None` until it is asked for: then the default.
    cap: Option<usize>,
    time: u64,
}

impl Shared {
    const fn new(cap: Option<usize>) -> Shared {
        Shared { classes: [const { VecDeque::new() }; CLASSES], bytes: 0, cap, time: 0 }
    }

    pub(super) fn lock() -> MutexGuard<'static, Shared> {
        SHARED.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn cap(&mut self) -> usize {
        *self.cap.get_or_insert_with(default_cap)
    }

    /// Sets the cap, and gives the blocks that no longer fit under it.
    pub(super) fn set_cap(&mut self, bytes: usize) -> Vec<Block> {
        self.cap = Some(bytes);
        self.surplus()
    }

    /// The block of a class that came last.
    pub(super) fn take(&mut self, class: usize) -> Option<Block> {
        let (_, block) = self.classes[class].pop_back()?;
        self.bytes -= block.capacity();
        Some(block)
    }

    /// Keeps a block, and gives those that no longer fit under the cap.
    pub(super) fn put(&mut self, block: Block) -> Vec<Block> {
        self.keep(block);
        self.surplus()
    }

    /// Keeps blocks of one class, the last of the chain as the warmest.
    pub(super) fn put_all(&mut self, mut blocks: Chain) -> Vec<Block> {
        // A chain gives the last that came first: those are to be on top again.
        let mut reversed = Chain::new();
        while let Some(block) = blocks.pop() {
            reversed.push(block);
        }
        while let Some(block) = reversed.pop() {
            self.keep(block);
        }
        self.surplus()
    }

    /// Gives all blocks.
    pub(super) fn take_all(&mut self) -> Vec<Block> {
        self.bytes = 0;
        self.classes.iter_mut().flat_map(|c| std::mem::take(c).into_iter().map(|(_, block)| block)).collect()
    }

    fn keep(&mut self, block: Block) {
        self.bytes += block.capacity();
        self.time += 1;
        self.classes[block.class()].push_back((self.time, block));
    }

    fn surplus(&mut self) -> Vec<Block> {
        let mut out = Vec::new();
        let cap = self.cap();
        while self.bytes > cap {
            let waiting = self.classes.iter_mut().filter(|c| !c.is_empty());
            let oldest = waiting.min_by_key(|c| c[0].0).and_then(VecDeque::pop_front);
            let (_, block) = oldest.expect("blocks have the bytes that are counted");
            self.bytes -= block.capacity();
            out.push(block);
        }
        out
    }
}

/// A quarter of the memory that this process may have; 1 GiB where the system does not say.
fn default_cap() -> usize {
    memory().map_or(1 << 30, |bytes| bytes / 4)
}

#[cfg(target_os = "linux")]
fn memory() -> Option<usize> {
    let read = |path| std::fs::read_to_string(path).ok();
    let all = read("/proc/meminfo").and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.strip_suffix("kB"))?;
        line.trim().parse::<usize>().ok()?.checked_mul(1024)
    });
    // The limit of the control group, in a container; "max" where there is none.
    let group = read("/sys/fs/cgroup/memory.max").and_then(|text| text.trim().parse().ok());
    [all, group].into_iter().flatten().min()
}

#[cfg(not(target_os = "linux"))]
fn memory() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::class;

    #[test]
    fn the_oldest_go_first_and_the_warmest_is_given() {
        let size = class::capacity(class::of(1 << 16));
        let (small, large) = (class::of(size), class::of(2 * size));
        let mut shared = Shared::new(Some(4 * size));
        let free = |blocks: Vec<Block>| {
            let n = blocks.len();
            blocks.into_iter().for_each(Block::free);
            n
        };
        let block = |mark: u8, class| {
            let mut block = Block::fresh(class);
            block.bytes_mut()[0] = mark;
            block
        };
        for mark in 0..4 {
            assert_eq!(free(shared.put(block(mark, small))), 0);
        }
        // Two make room for one of twice the size: the two that came first.
        assert_eq!(free(shared.put(block(9, large))), 2);
        assert_eq!(shared.bytes(), 4 * size);
        let mut given = vec![];
        while let Some(block) = shared.take(small) {
            given.push(block.bytes()[0]);
            block.free();
        }
        assert_eq!(given, [3, 2]);
        assert_eq!((free(shared.set_cap(0)), shared.bytes()), (1, 0));
        assert_eq!(free(shared.put(block(0, small))), 1);
    }

    #[test]
    fn a_chain_keeps_its_order() {
        let mut shared = Shared::new(Some(1 << 20));
        let mut chain = Chain::new();
        for mark in 0..3 {
            let mut block = Block::fresh(0);
            block.bytes_mut()[0] = mark;
            chain.push(block);
        }
        assert!(shared.put_all(chain).is_empty());
        for mark in [2, 1, 0] {
            let block = shared.take(0).expect("three came");
            assert_eq!(block.bytes()[0], mark);
            block.free();
        }
        assert!(shared.take_all().is_empty());
    }
}
