//! [`Memo`]: what was derived from a graph (its tangent graph, its backward graph) stays with it, and dies with it.

use std::any::{Any, TypeId};
use std::fmt;
use std::sync::{Arc, Mutex};

/// Derived things, by their type and a key. Clones of a graph share them.
#[derive(Clone, Default)]
pub struct Memo(Arc<Mutex<Vec<Entry>>>);

/// A thing's type, its key, and the thing.
type Entry = (TypeId, Vec<u8>, Arc<dyn Any + Send + Sync>);

impl Memo {
    /// The thing of this type and key, made where it is not there yet. `make` may derive other things meanwhile.
    pub fn get<T: Any + Send + Sync>(&self, key: &[u8], make: impl FnOnce() -> T) -> Arc<T> {
        let find = |entries: &[Entry]| -> Option<Arc<T>> {
            let found = entries.iter().find(|(ty, k, _)| *ty == TypeId::of::<T>() && k == key)?;
            found.2.clone().downcast().ok()
        };
        let lock = || self.0.lock().unwrap_or_else(|e| e.into_inner());
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
