//! What users see of the pool: its statistics, giving memory back, and how much is kept.

use crate::engine::Cpu;
use crate::pool;

/// How the CPU's memory stands: tensors' elements and the kernels' scratch, of the whole process.
///
/// Bytes are those of the pool's blocks, which may be an eighth larger than what was asked for. Values of up to 16
/// bytes need no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryStats {
    /// How often a block was asked for and one was there to be used again.
    pub hits: u64,
    /// How often there was none, and the system was asked.
    pub misses: u64,
    /// Bytes that somebody holds now.
    pub in_use: usize,
    /// Bytes that wait to be used again.
    pub kept: usize,
    /// The most bytes that were in use at once, ever or since [`Cpu::reset_memory_peak`] (to 64 KiB a thread).
    pub peak: usize,
    /// The most bytes that may wait in the part of the pool that all threads share. Beside it, each thread keeps up
    /// to 6 MiB of blocks of up to 64 KiB.
    pub cap: usize,
}

impl Cpu {
    /// How the CPU's memory stands. Counts of other threads may be a moment old.
    pub fn memory() -> MemoryStats {
        let (pool::Sums { hits, misses, in_use, kept, peak }, cap) = pool::stats();
        MemoryStats { hits, misses, in_use, kept, peak, cap }
    }

    /// From now on, the peak counts from what is in use now: to learn what a part of a program takes.
    ///
    /// ```
    /// use plywood_backend_cpu::Cpu;
    /// Cpu::reset_memory_peak();
    /// let before = Cpu::memory().in_use;
    /// // .. the part of the program ..
    /// let most = Cpu::memory().peak - before;
    /// # assert!(most < 1 << 20);
    /// ```
    pub fn reset_memory_peak() {
        pool::reset_peak();
    }

    /// Gives all memory that waits to be used again back to the system. (Another thread gives back the small blocks
    /// that it keeps when it next uses a tensor, or ends.)
    pub fn trim() {
        pool::trim();
    }

    /// At most so many bytes wait to be used again; of more, those that have waited longest go back to the system. At
    /// first it is a quarter of the machine's memory (of the container's, on Linux), or 1 GiB where that is not known.
    /// 0 keeps nothing.
    pub fn set_memory_cap(bytes: usize) {
        pool::set_cap(bytes);
    }
}
