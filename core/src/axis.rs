//! Named axes that are in scope: the shell asks for their sizes, the layer that made one for its frame.
//!
//! `vmap` and `pmap` put an axis in scope on the thread that runs the mapped function. Of two axes with one name the inner
//! one is meant. (What runs on a device later finds its place among the others in another way.)

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

/// An axis that has a name.
#[derive(Clone)]
pub struct Axis {
    /// The name.
    pub name: Arc<str>,
    /// How many lanes.
    pub size: usize,
    /// Whether types say which values vary along it, as in `shard_map`.
    pub tracked: bool,
    /// The engine that made it.
    pub engine: TypeId,
    /// What that engine knows of it.
    pub frame: Arc<dyn Any + Send + Sync>,
}

impl fmt::Debug for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} lanes", self.name, self.size)
    }
}

thread_local! { static SCOPE: RefCell<Vec<Axis>> = const { RefCell::new(Vec::new()) }; }

/// Runs `f` with one more axis in scope.
pub fn within<R>(axis: Axis, f: impl FnOnce() -> R) -> R {
    struct Restore;
    impl Drop for Restore {
        fn drop(&mut self) {
            SCOPE.with_borrow_mut(Vec::pop);
        }
    }
    SCOPE.with_borrow_mut(|scope| scope.push(axis));
    let _restore = Restore;
    f()
}

/// The axis of this name, the innermost.
pub fn find(name: &str) -> Option<Axis> {
    SCOPE.with_borrow(|scope| scope.iter().rev().find(|axis| *axis.name == *name).cloned())
}

/// All axes in scope, the innermost last.
pub fn all() -> Vec<Axis> {
    SCOPE.with_borrow(Vec::clone)
}

/// Whether these are the axes in scope, by name and size.
pub fn are(axes: &[(Arc<str>, usize)]) -> bool {
    SCOPE.with_borrow(|scope| {
        scope.iter().map(|axis| (&axis.name, axis.size)).eq(axes.iter().map(|(n, s)| (n, *s)))
    })
}

/// Whether there are none.
pub fn none() -> bool {
    SCOPE.with_borrow(Vec::is_empty)
}

/// The size of an axis, and whether types say what varies along it; panics at the caller's line where there is no such axis, with the names that there are.
#[track_caller]
pub(crate) fn size(operation: &str, name: &str) -> (usize, bool) {
    match find(name) {
        Some(axis) => (axis.size, axis.tracked),
        None => panic!("{}", unbound(operation, name)),
    }
}

/// What a collective says where its axis is not in scope.
pub fn unbound(operation: &str, name: &str) -> String {
    let names: Vec<String> = all().iter().map(|axis| format!("{:?}", axis.name)).collect();
    let there = match &names[..] {
        [] => "none is in scope".to_string(),
        names => format!("in scope: {}", names.join(", ")),
    };
    format!(
        "{operation}: there is no axis {name:?} here ({there}); Vmap::new().axis_name({name:?}) makes one, and so do pmap \
         and shard_map, for the thread that runs the function"
    )
}
