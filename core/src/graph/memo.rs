//! [`Memo`]: what was derived from a graph (its tangent graph, its backward graph) stays with it, and dies with it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Derived things, by their type and a key. Clones of a graph share them.
#[derive(Clone)]
pub struct Memo {
    id: u64,
    entries: Arc<Mutex<Vec<Entry>>>,
    plan: Arc<OnceLock<Box<dyn Any + Send + Sync>>>,
}

impl Default for Memo {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Memo { id: NEXT.fetch_add(1, Ordering::Relaxed), entries: Arc::default(), plan: Arc::default() }
    }
}

/// A thing's type, its key, and the thing.
type Entry = (TypeId, Vec<u8>, Arc<dyn Any + Send + Sync>);

impl Memo {
    /// Tells graphs apart, for keys of what is derived of several; unlike an address it is never used again.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The plan of the device that runs the graph, made at the first call; found faster than other things. None where another
    /// device, whose plan is of another type, was first: its plan is among the other things then.
    #[inline]
    pub fn plan<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.plan.get_or_init(|| Box::new(make())).downcast_ref()
    }

    /// Whether there is a plan of this type.
    pub fn has_plan<T: Any>(&self) -> bool {
        self.plan.get().is_some_and(|plan| plan.is::<T>())
    }

    /// The thing of this type and key, made where it is not there yet. `make` may derive other things meanwhile.
    pub fn get<T: Any + Send + Sync>(&self, key: &[u8], make: impl FnOnce() -> T) -> Arc<T> {
        let find = |entries: &[Entry]| -> Option<Arc<T>> {
            let found = entries.iter().find(|(ty, k, _)| *ty == TypeId::of::<T>() && k == key)?;
            found.2.clone().downcast().ok()
        };
        let lock = || self.entries.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(found) = find(&lock()) {
            return found;
        }
        let made = Arc::new(make());
        let mut entries = lock();
        // Another thread may have been quicker.
        find(&entries).unwrap_or_else(|| {
            entries.push((TypeId::of::<T>(), key.to_vec(), made.clone()));
            made
        })
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}
