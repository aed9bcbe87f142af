//! [`Varying`]: over which axes of a mesh a value differs from device to device.
//!
//! Inside `shard_map` a value's type says it. A value that varies over no axis is the same everywhere, by construction: an
//! operation varies over whatever its operands vary over, a reduction over an axis gives what no longer varies over it, and an
//! operand that varies over less than the others is made to vary by an operation of its own, of which the transpose is a sum. So the
//! gradient of a replicated parameter is summed over the devices by itself, and a result that claims to be replicated can be
//! checked.
//!
//! What always holds: names are in order, each once.

use std::fmt;
use std::sync::Arc;

/// A set of named axes with their sizes. Empty everywhere but inside `shard_map`.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Varying(Option<Arc<[(Arc<str>, usize)]>>);

impl Varying {
    /// Over no axis.
    pub const NOTHING: Varying = Varying(None);

    /// Over these axes.
    pub fn over(axes: impl IntoIterator<Item = (Arc<str>, usize)>) -> Self {
        let mut axes: Vec<(Arc<str>, usize)> = axes.into_iter().collect();
        axes.sort();
        axes.dedup();
        if axes.is_empty() { Varying(None) } else { Varying(Some(axes.into())) }
    }

    /// Whether over none.
    #[inline]
    pub fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    /// The axes, by name.
    pub fn axes(&self) -> &[(Arc<str>, usize)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether over this axis.
    pub fn contains(&self, name: &str) -> bool {
        self.axes().iter().any(|(axis, _)| **axis == *name)
    }

    /// Over what either varies.
    pub fn union(&self, other: &Varying) -> Varying {
        match (&self.0, &other.0) {
            (_, None) => self.clone(),
            (None, _) => other.clone(),
            (Some(a), Some(b)) if a == b => self.clone(),
            (Some(a), Some(b)) => Varying::over(a.iter().chain(b.iter()).cloned()),
        }
    }

    /// The same but for one axis.
    pub fn without(&self, name: &str) -> Varying {
        Varying::over(self.axes().iter().filter(|(axis, _)| **axis != *name).cloned())
    }

    /// The axes that are not among those of `other`.
    pub fn beyond(&self, other: &Varying) -> Vec<(Arc<str>, usize)> {
        self.axes().iter().filter(|(axis, _)| !other.contains(axis)).cloned().collect()
    }
}

/// As in a type: `{data,model}`, and nothing where it varies over none.
impl fmt::Display for Varying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.axes().iter().map(|(name, _)| &**name).collect();
        if names.is_empty() { Ok(()) } else { write!(f, "{{{}}}", names.join(",")) }
    }
}

impl fmt::Debug for Varying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() { f.write_str("{}") } else { fmt::Display::fmt(self, f) }
    }
}
