//! What was recorded, by signature, bounded; and how often.
//!
//! A function without captures is the same function wherever `jit` meets it, so its cache belongs to its type and is the
//! whole process's; any other function's cache belongs to the object that `jit` made.

use crate::signature::Signature;
use plywood_core::{Engine, Graph, Op, TensorType, Values, Visitor};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Recordings of one function that are kept; the one that was not used for the longest time goes first.
const RECORDINGS: usize = 64;
/// Functions whose caches the process keeps.
const FUNCTIONS: usize = 1024;

/// How often a jitted function was called, and recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Calls.
    pub calls: u64,
    /// Calls that had to record the function.
    pub recordings: u64,
    /// Recordings for which a graph had to be improved and planned: the others found one of their structure.
    pub plans: u64,
    /// Recordings that are kept.
    pub kept: usize,
}

/// A recorded function.
pub struct Recording<Out> {
    /// As it was recorded.
    pub recorded: Graph,
    /// What runs it.
    pub engine: &'static dyn Engine,
    /// The call of the graph that runs.
    pub op: Op,
    /// The types of its outputs.
    pub outputs: Vec<TensorType>,
    /// Plain numbers and what the function captured: the graph's first inputs.
    pub captured: Values,
    /// Whether a graph had to be improved for it.
    pub planned: bool,
    /// The structure of the result, around symbols.
    pub template: Out,
}

struct Entry<Out> {
    signature: Signature,
    recording: Arc<Recording<Out>>,
    used: u64,
}

/// The recordings of one function.
pub struct Cache<Out>(Mutex<Entries<Out>>);

struct Entries<Out> {
    entries: Vec<Entry<Out>>,
    stats: Stats,
    /// Why it was recorded again, the last time.
    reasons: Vec<String>,
}

impl<Out> Default for Cache<Out> {
    fn default() -> Self {
        Cache(Mutex::new(Entries { entries: Vec::new(), stats: Stats::default(), reasons: Vec::new() }))
    }
}

impl<Out> fmt::Debug for Cache<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({:?})", self.stats())
    }
}

impl<Out> fmt::Debug for Recording<Out> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({})", self.recorded)
    }
}

impl<Out> Cache<Out> {
    fn lock(&self) -> MutexGuard<'_, Entries<Out>> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// The recording for these arguments; counts the call.
    pub fn find(&self, visit: impl Fn(&mut dyn Visitor)) -> Option<Arc<Recording<Out>>> {
        let mut cache = self.lock();
        cache.stats.calls += 1;
        let now = cache.stats.calls;
        // The one that was used last comes first.
        let at = cache.entries.iter().position(|e| e.signature.fits(&visit))?;
        if at > 0 {
            cache.entries.swap(0, at);
        }
        let entry = &mut cache.entries[0];
        entry.used = now;
        Some(entry.recording.clone())
    }

    /// Keeps a recording; gives the signatures of those before it.
    pub fn insert(&self, signature: Signature, recording: Arc<Recording<Out>>) -> Vec<Signature> {
        let mut cache = self.lock();
        cache.stats.recordings += 1;
        cache.stats.plans += recording.planned as u64;
        let before = cache.entries.iter().map(|e| e.signature.clone()).collect();
        if cache.entries.len() == RECORDINGS {
            let oldest = (0..RECORDINGS).min_by_key(|&i| cache.entries[i].used).expect("it is full");
            cache.entries.swap_remove(oldest);
        }
        let used = cache.stats.calls;
        cache.entries.push(Entry { signature, recording, used });
        before
    }

    /// The recording that was used last.
    pub fn latest(&self) -> Option<Arc<Recording<Out>>> {
        let cache = self.lock();
        cache.entries.iter().max_by_key(|e| e.used).map(|e| e.recording.clone())
    }

    /// Keeps why it was recorded again, a line each.
    pub fn because(&self, reasons: Vec<String>) {
        self.lock().reasons = reasons;
    }

    /// Why it was recorded again, the last time.
    pub fn reasons(&self) -> Vec<String> {
        self.lock().reasons.clone()
    }

    /// How often the function was called and recorded.
    pub fn stats(&self) -> Stats {
        let cache = self.lock();
        Stats { kept: cache.entries.len(), ..cache.stats }
    }
}

/// The cache of a function of this type on these arguments: the process's where the function captures nothing.
pub fn of_function<F: 'static, Args: 'static, Out: Send + Sync + 'static>() -> Arc<Cache<Out>> {
    if size_of::<F>() > 0 {
        return Arc::default();
    }
    type Caches = Mutex<HashMap<(TypeId, TypeId, TypeId), Arc<dyn Any + Send + Sync>>>;
    static CACHES: OnceLock<Caches> = OnceLock::new();
    let mut caches = CACHES.get_or_init(Caches::default).lock().unwrap_or_else(|e| e.into_inner());
    let key = (TypeId::of::<F>(), TypeId::of::<Args>(), TypeId::of::<Out>());
    if caches.len() >= FUNCTIONS && !caches.contains_key(&key) {
        caches.clear();
    }
    let cache = caches.entry(key).or_insert_with(|| Arc::new(Cache::<Out>::default())).clone();
    cache.downcast().expect("the key holds the type")
}
