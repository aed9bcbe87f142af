//! A thread's own small blocks, for which no lock is taken, and its counts.
//!
//! What a class keeps is bounded ([`most`]): what is more goes to the shared blocks, where a thread that has none
//! takes several at once; so blocks freed on another thread than the one that asked for them find their way back. A
//! thread that ends gives all of its blocks to the shared ones. When `EPOCH` has changed since a thread last looked,
//! somebody wants all memory back, and the thread gives its own to the system.

use super::block::{Block, Chain};
use super::class::{self, LINE};
use super::counts::{self, Counts};
use super::shared::Shared;
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The classes of up to 64 KiB have a chain of their own in each thread.
pub(super) const CLASSES: usize = 64;

/// Of each class at most so many bytes are kept by a thread (but two blocks in any case, and no more than 64).
const BYTES: usize = 128 << 10;

/// Changes whenever threads are to give back what they keep; odd while they are to keep nothing at all.
static EPOCH: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static LOCAL: RefCell<Local> = RefCell::new(Local::new());
}

struct Local {
    chains: [Chain; CLASSES],
    epoch: usize,
    counts: Counts,
}

/// How many blocks of a class a thread keeps.
#[inline]
fn most(class: usize) -> usize {
    (BYTES / class::capacity(class)).clamp(2, BYTES / (32 * LINE))
}

impl Local {
    fn new() -> Local {
        let chains = [const { Chain::new() }; CLASSES];
        Local { chains, epoch: EPOCH.load(Ordering::Relaxed), counts: Counts::register() }
    }

    /// Looks whether memory is wanted back; gives whether blocks may be kept.
    #[inline]
    fn look(&mut self) -> bool {
        let epoch = EPOCH.load(Ordering::Relaxed);
        if epoch != self.epoch {
            self.epoch = epoch;
            self.empty(|mut chain| std::iter::from_fn(|| chain.pop()).for_each(Block::free));
        }
        epoch.is_multiple_of(2)
    }

    #[cold]
    fn empty(&mut self, mut give: impl FnMut(Chain)) {
        for (class, chain) in self.chains.iter_mut().enumerate() {
            let chain = std::mem::take(chain);
            self.counts.kept(-((chain.len() * class::capacity(class)) as isize));
            give(chain);
        }
    }

    #[inline]
    fn take(&mut self, class: usize) -> Option<Block> {
        self.look();
        let block = match self.chains[class].pop() {
            Some(block) => {
                self.counts.kept(-(class::capacity(class) as isize));
                Some(block)
            }
            None => self.fetch(class),
        };
        self.counts.taken(class::capacity(class), block.is_some());
        block
    }

    /// Takes some blocks from the shared ones, and gives one of them.
    #[cold]
    fn fetch(&mut self, class: usize) -> Option<Block> {
        let mut shared = Shared::lock();
        let block = shared.take(class)?;
        // The next ones are pushed in reverse, so that the warmest is on top.
        let mut more = Chain::new();
        while more.len() < most(class) / 2
            && let Some(block) = shared.take(class)
        {
            more.push(block);
        }
        drop(shared);
        self.counts.kept((more.len() * class::capacity(class)) as isize);
        while let Some(block) = more.pop() {
            self.chains[class].push(block);
        }
        Some(block)
    }

    #[inline]
    fn put(&mut self, block: Block) {
        let (class, capacity) = (block.class(), block.capacity());
        self.counts.given(capacity);
        if !self.look() {
            return block.free();
        }
        self.counts.kept(capacity as isize);
        self.chains[class].push(block);
        if self.chains[class].len() > most(class) {
            self.spill(class);
        }
    }

    /// Gives the half of a class that has waited longest to the shared blocks.
    #[cold]
    fn spill(&mut self, class: usize) {
        let rest = self.chains[class].split_off(most(class) / 2);
        self.counts.kept(-((rest.len() * class::capacity(class)) as isize));
        let surplus = Shared::lock().put_all(rest);
        surplus.into_iter().for_each(Block::free);
    }

    /// Gives all blocks to the shared ones.
    fn give_up(&mut self) {
        self.empty(|chain| {
            if chain.len() > 0 {
                let surplus = Shared::lock().put_all(chain);
                surplus.into_iter().for_each(Block::free);
            }
        });
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// A kept block of one of the small classes. A thread that is ending has none of its own.
#[inline]
pub(super) fn take(class: usize) -> Option<Block> {
    LOCAL.try_with(|local| local.borrow_mut().take(class)).unwrap_or_else(|_| {
        let block = Shared::lock().take(class);
        counts::taken_at_end(class::capacity(class), block.is_some());
        block
    })
}

/// Keeps a block of one of the small classes.
#[inline]
pub(super) fn put(block: Block) {
    let mut block = Some(block);
    // The closure is called at most once, and a thread's blocks are not in use when a block is given back.
    let kept = LOCAL.try_with(|local| block.take().into_iter().for_each(|b| local.borrow_mut().put(b)));
    if kept.is_err()
        && let Some(block) = block
    {
        counts::given_at_end(block.capacity());
        let surplus = Shared::lock().put(block);
        surplus.into_iter().for_each(Block::free);
    }
}

/// Counts a large block that is taken, and whether it had been kept.
pub(super) fn count_taken(capacity: usize, hit: bool) {
    let counted = LOCAL.try_with(|local| local.borrow_mut().counts.taken(capacity, hit));
    counted.unwrap_or_else(|_| counts::taken_at_end(capacity, hit));
}

/// Counts a large block that is given back.
pub(super) fn count_given(capacity: usize) {
    let counted = LOCAL.try_with(|local| local.borrow_mut().counts.given(capacity));
    counted.unwrap_or_else(|_| counts::given_at_end(capacity));
}

/// The blocks of the calling thread go to the shared ones: before it sleeps.
pub(crate) fn give_up() {
    // A thread that is ending does so anyway.
    let _ = LOCAL.try_with(|local| local.borrow_mut().give_up());
}

/// Threads are to give back all that they keep, and to keep nothing where `nothing`; this one does at once, others
/// when they next ask for a block or give one back.
pub(super) fn recall(nothing: Option<bool>) {
    let next = |epoch: usize| {
        let odd = nothing.unwrap_or(epoch % 2 == 1);
        Some((epoch / 2 + 1) * 2 + usize::from(odd))
    };
    EPOCH.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).expect("there always is a next one");
    let _ = LOCAL.try_with(|local| local.borrow_mut().look());
}
