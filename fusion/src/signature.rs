//! What a recording depends on: types and devices of tensors, plain data, the axes in scope. Two calls of one signature run
//! one graph.

use plywood_core::axis;
use plywood_core::{Device, Path, Plain, TensorType, Value, Visitor};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// One call's signature.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signature {
    hash: u64,
    parts: Vec<Part>,
    axes: Vec<(Arc<str>, usize)>,
}

/// A leaf of the arguments.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Tensor(TensorType, Device),
    /// Plain data as they print: numbers print so that they can be read back.
    Plain(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Tensor(ty, device) => write!(f, "{ty} on {device}"),
            Part::Plain(data) => f.write_str(data),
        }
    }
}
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Signature {
    /// Of arguments, which `visit` shows.
    pub fn of(visit: impl FnOnce(&mut dyn Visitor)) -> Self {
        struct Parts(Vec<Part>);
        impl Visitor for Parts {
            fn tensor(&mut self, _: Path<'_>, value: &Value) {
                self.0.push(Part::Tensor(value.ty().clone(), value.device()));
            }
            fn plain(&mut self, _: Path<'_>, data: &dyn Plain) {
                self.0.push(Part::Plain(format!("{data:?}")));
            }
        }
        let mut parts = Parts(Vec::new());
        visit(&mut parts);
        let axes: Vec<(Arc<str>, usize)> = axis::all().into_iter().map(|a| (a.name, a.size)).collect();
        let mut hasher = DefaultHasher::new();
        parts.0.hash(&mut hasher);
        axes.hash(&mut hasher);
        Signature { hash: hasher.finish(), parts: parts.0, axes }
    }

    /// Whether a call of the other signature runs this one's graph.
    pub fn is(&self, other: &Signature) -> bool {
        self.hash == other.hash && self == other
    }

    /// The leaves in which two signatures of one structure differ; none where the structure does.
    pub fn differences(&self, other: &Signature) -> Option<Vec<usize>> {
        let comparable = self.parts.len() == other.parts.len() && self.axes == other.axes;
        let differs = |i: &usize| self.parts[*i] != other.parts[*i];
        comparable.then(|| (0..self.parts.len()).filter(differs).collect())
    }

    pub fn part(&self, i: usize) -> &Part {
        &self.parts[i]
    }
}

/// The paths of the leaves, in the order of a signature's parts: for messages.
pub(crate) fn paths(visit: impl FnOnce(&mut dyn Visitor)) -> Vec<String> {
    struct Paths(Vec<String>);
    impl Visitor for Paths {
        fn tensor(&mut self, path: Path<'_>, _: &Value) {
            self.0.push(format!("args{path}"));
        }
        fn plain(&mut self, path: Path<'_>, _: &dyn Plain) {
            self.0.push(format!("args{path}"));
        }
    }
    let mut paths = Paths(Vec::new());
    visit(&mut paths);
    paths.0
}
