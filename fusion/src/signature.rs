//! What a recording depends on: types and devices of tensors, plain data, the axes in scope. Two calls of one signature run
//! one graph.
//!
//! A call compares its arguments with the signatures there are as it walks over them, and makes a signature of its own only where
//! none fits.

use plywood_core::axis;
use plywood_core::{Device, Path, Plain, TensorType, Value, Visitor};
use std::fmt;
use std::sync::Arc;

/// One call's signature.
#[derive(Clone, Debug, PartialEq)]
pub struct Signature {
    parts: Vec<Part>,
    axes: Vec<(Arc<str>, usize)>,
}

/// A leaf of the arguments.
#[derive(Clone, PartialEq)]
pub enum Part {
    /// A tensor's type, and where it is.
    Tensor(TensorType, Device),
    /// A number, by its type's name and its bits.
    Number(&'static str, u64, String),
    /// Other plain data as they print: numbers print so that they can be read back.
    Plain(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Tensor(ty, device) => write!(f, "{ty} on {device}"),
            Part::Number(_, _, data) | Part::Plain(data) => f.write_str(data),
        }
    }
}
impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A number's type and bits.
fn number(data: &dyn Plain) -> Option<(&'static str, u64)> {
    let data = data.as_any();
    macro_rules! first { ($($T:ty, $x:ident => $bits:expr;)*) => { $(
        if let Some(&$x) = data.downcast_ref::<$T>() {
            return Some((stringify!($T), $bits));
        }
    )* } }
    first! {
        f64, x => x.to_bits(); usize, x => x as u64; bool, x => x as u64; i32, x => x as u64; f32, x => x.to_bits() as u64;
        i64, x => x as u64; u64, x => x; u32, x => x as u64;
    }
    None
}

impl Part {
    fn of(data: &dyn Plain) -> Part {
        match number(data) {
            Some((ty, bits)) => Part::Number(ty, bits, format!("{data:?}")),
            None => Part::Plain(format!("{data:?}")),
        }
    }

    fn is(&self, data: &dyn Plain) -> bool {
        match self {
            Part::Tensor(..) => false,
            Part::Number(ty, bits, _) => number(data) == Some((ty, *bits)),
            Part::Plain(text) => number(data).is_none() && *text == format!("{data:?}"),
        }
    }

    /// Whether it is plain data.
    pub fn is_plain(&self) -> bool {
        !matches!(self, Part::Tensor(..))
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
                self.0.push(Part::of(data));
            }
        }
        let mut parts = Parts(Vec::new());
        visit(&mut parts);
        let axes = axis::all().into_iter().map(|a| (a.name, a.size)).collect();
        Signature { parts: parts.0, axes }
    }

    /// Whether it is that of these arguments.
    pub fn fits(&self, visit: impl FnOnce(&mut dyn Visitor)) -> bool {
        struct Compare<'a> {
            left: &'a [Part],
            same: bool,
        }
        impl Compare<'_> {
            fn next(&mut self, fits: impl FnOnce(&Part) -> bool) {
                match self.left.split_first() {
                    Some((part, rest)) if self.same => (self.same, self.left) = (fits(part), rest),
                    _ => self.same = false,
                }
            }
        }
        impl Visitor for Compare<'_> {
            fn tensor(&mut self, _: Path<'_>, value: &Value) {
                self.next(|part| {
                    matches!(part, Part::Tensor(ty, device) if ty == value.ty() && *device == value.device())
                });
            }
            fn plain(&mut self, _: Path<'_>, data: &dyn Plain) {
                self.next(|part| part.is(data));
            }
        }
        let mut compare = Compare { left: &self.parts, same: true };
        visit(&mut compare);
        compare.same && compare.left.is_empty() && axis::are(&self.axes)
    }

    /// The leaves in which two signatures of one structure differ; none where the structure does.
    pub fn differences(&self, other: &Signature) -> Option<Vec<usize>> {
        let comparable = self.parts.len() == other.parts.len() && self.axes == other.axes;
        let differs = |i: &usize| self.parts[*i] != other.parts[*i];
        comparable.then(|| (0..self.parts.len()).filter(differs).collect())
    }

    /// One leaf.
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
