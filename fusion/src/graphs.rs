//! Optimised graphs by the structure of what was recorded, bounded. A graph that is found has its plan with it, so nothing is
//! optimised or planned again.
//!
//! What always holds: one structure has one optimised graph as long as it is kept; those not used for the longest time go first.

use crate::passes;
use crate::structure::{hash, same};
use plywood_core::Graph;
use std::sync::{Arc, Mutex, MutexGuard};

/// Graphs that are kept at most, and operations in them.
const GRAPHS: usize = 512;
const OPERATIONS: usize = 1 << 18;

struct Entry {
    hash: u64,
    recorded: Graph,
    optimized: Arc<Graph>,
    used: u64,
}

struct Cache {
    entries: Vec<Entry>,
    operations: usize,
    plans: u64,
    hits: u64,
}

static CACHE: Mutex<Cache> = Mutex::new(Cache { entries: Vec::new(), operations: 0, plans: 0, hits: 0 });

/// How often graphs were optimised and found, and how many are kept.
pub(crate) struct Counts {
    pub plans: u64,
    pub hits: u64,
    pub kept: usize,
}

fn lock() -> MutexGuard<'static, Cache> {
    CACHE.lock().unwrap_or_else(|e| e.into_inner())
}

pub(crate) fn counts() -> Counts {
    let cache = lock();
    Counts { plans: cache.plans, hits: cache.hits, kept: cache.entries.len() }
}

impl Cache {
    fn find(&mut self, hash: u64, recorded: &Graph) -> Option<Arc<Graph>> {
        let now = self.plans + self.hits;
        let entry = self.entries.iter_mut().find(|e| e.hash == hash && same(&e.recorded, recorded))?;
        entry.used = now;
        Some(entry.optimized.clone())
    }

    /// Keeps a graph; what has to go for it.
    fn insert(&mut self, entry: Entry) -> Vec<Entry> {
        let mut gone = Vec::new();
        self.operations += entry.recorded.equations().len();
        while self.entries.len() >= GRAPHS || (self.operations > OPERATIONS && !self.entries.is_empty()) {
            let oldest =
                (0..self.entries.len()).min_by_key(|&i| self.entries[i].used).expect("there are some");
            let old = self.entries.swap_remove(oldest);
            self.operations -= old.recorded.equations().len();
            gone.push(old);
        }
        self.entries.push(entry);
        gone
    }
}

/// The optimised graph of this structure, and whether it was not there yet.
pub(crate) fn optimized(recorded: Graph) -> (Arc<Graph>, bool) {
    let hash = hash(&recorded);
    {
        let mut cache = lock();
        if let Some(found) = cache.find(hash, &recorded) {
            cache.hits += 1;
            return (found, false);
        }
        cache.plans += 1;
    }
    let optimized = Arc::new(passes::optimized(&recorded));
    let mut cache = lock();
    // Another thread may have been quicker.
    if let Some(found) = cache.find(hash, &recorded) {
        return (found, false);
    }
    let used = cache.plans + cache.hits;
    let gone = cache.insert(Entry { hash, recorded, optimized: optimized.clone(), used });
    drop(cache);
    drop(gone);
    (optimized, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::tests::graph;

    #[test]
    fn it_is_bounded_and_the_oldest_go() {
        let mut cache = Cache { entries: Vec::new(), operations: 0, plans: 0, hits: 0 };
        let g = |n: usize| graph(1, move |x| vec![(0..n).fold(x[0].clone(), |x, _| x.sin())]);
        for n in 1..=GRAPHS + 1 {
            cache.plans += 1;
            let recorded = g(n);
            let used = cache.plans;
            cache.insert(Entry { hash: 0, optimized: Arc::new(recorded.clone()), recorded, used });
            assert!(cache.find(0, &g(1)).is_some(), "it is used all the time");
        }
        assert_eq!(cache.entries.len(), GRAPHS);
        assert!(cache.find(0, &g(2)).is_none() && cache.find(0, &g(3)).is_some());
        assert_eq!(cache.operations, cache.entries.iter().map(|e| e.recorded.equations().len()).sum());
    }
}
