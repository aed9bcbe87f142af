//! Which axis of each leaf is mapped: a tree of numbers that stands in front of the tree of tensors, and exceptions by path.

use plywood_core::{PathStep, Plain, Value, Visitor};
use std::fmt;

/// What `in_axes` and `out_axes` take: an axis for all of a tree (negative ones count from the end), `None` for what is
/// the same for all lanes, or a tuple with an entry for each part, which may be a tuple again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name axes",
    note = "axes are 0, -1, None, or a tuple with one entry for each argument, which may be a tuple itself: (None, 0)",
    note = "an array has numbers alone: [0, 1]; with None it is a tuple"
)]
pub trait InAxes {
    /// The axes as data.
    fn axes(self) -> Axes;
}

/// Axes of a tree.
#[derive(Clone, Debug, PartialEq)]
pub enum Axes {
    /// For all leaves.
    All(Option<isize>),
    /// For each part.
    Parts(Vec<Axes>),
}

macro_rules! number { ($($T:ty)*) => { $( impl InAxes for $T {
    fn axes(self) -> Axes { Axes::All(Some(self as isize)) }
} )* } }
number!(i32 isize usize);
impl InAxes for Option<i32> {
    fn axes(self) -> Axes {
        Axes::All(self.map(|axis| axis as isize))
    }
}
impl<A: InAxes, const N: usize> InAxes for [A; N] {
    fn axes(self) -> Axes {
        Axes::Parts(self.into_iter().map(InAxes::axes).collect())
    }
}
macro_rules! tuple { ($($T:ident $i:tt),*) => { impl<$($T: InAxes),*> InAxes for ($($T,)*) {
    fn axes(self) -> Axes { Axes::Parts(vec![$(self.$i.axes()),*]) }
} } }
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Axes::All(None) => f.write_str("None"),
            Axes::All(Some(axis)) => write!(f, "{axis}"),
            Axes::Parts(parts) => {
                f.write_str("(")?;
                for (i, part) in parts.iter().enumerate() {
                    write!(f, "{}{part}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(if parts.len() == 1 { ",)" } else { ")" })
            }
        }
    }
}

/// The axis of each leaf of a tree, with the leaf's path.
#[derive(Debug)]
pub struct Assigned<'a> {
    /// `in_axes` or `out_axes`, for messages.
    option: &'a str,
    /// What stands in front of the path of a leaf: `args`, `result`.
    root: &'a str,
    axes: &'a Axes,
    exceptions: &'a [(String, Option<isize>)],
    /// Which exceptions, and which parts of the axes' outermost tuple, have met a leaf.
    met: Vec<bool>,
    parts: usize,
    /// The first mistake.
    pub mistake: Option<String>,
    /// The tensors, in order.
    pub leaves: Vec<Leaf>,
}

/// A tensor of a tree, and which of its axes is mapped.
#[derive(Debug)]
pub struct Leaf {
    /// Its path, from `args` or `result`.
    pub path: String,
    /// The tensor.
    pub value: Value,
    /// The axis, which may count from the end; none where it is not mapped.
    pub axis: Option<isize>,
}

impl<'a> Assigned<'a> {
    /// To be shown the tree.
    pub fn new(
        option: &'a str,
        root: &'a str,
        axes: &'a Axes,
        exceptions: &'a [(String, Option<isize>)],
    ) -> Self {
        let met = vec![false; exceptions.len()];
        Assigned { option, root, axes, exceptions, met, parts: 0, mistake: None, leaves: Vec::new() }
    }

    /// To be called when the tree has been visited.
    pub fn finish(&mut self) {
        for ((path, _), met) in self.exceptions.iter().zip(&self.met) {
            if !met {
                let known: Vec<&str> = self.leaves.iter().map(|l| &*l.path).collect();
                self.mistake
                    .get_or_insert(format!("there is nothing at {path}; there are {}", known.join(", ")));
            }
        }
        if let Axes::Parts(parts) = self.axes {
            let superfluous = parts.iter().skip(self.parts).any(|part| *part != Axes::All(None));
            if superfluous {
                let (option, axes, root) = (self.option, self.axes, self.root);
                self.mistake.get_or_insert(format!(
                    "{option} is {axes}, with {} entries, and {root} has {}",
                    parts.len(),
                    self.parts
                ));
            }
        }
    }

    fn axis(&mut self, path: &str, steps: &[PathStep<'_>]) -> Option<isize> {
        let mut found = None;
        for (i, (prefix, axis)) in self.exceptions.iter().enumerate() {
            let rest = path.strip_prefix(prefix.as_str());
            if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])) {
                self.met[i] = true;
                found = Some(*axis);
            }
        }
        if let Some(axis) = found {
            return axis;
        }
        let mut axes = self.axes;
        for (depth, step) in steps.iter().enumerate() {
            let parts = match axes {
                Axes::All(axis) => return *axis,
                Axes::Parts(parts) => parts,
            };
            match step {
                PathStep::Index(i) if *i < parts.len() => axes = &parts[*i],
                PathStep::Index(i) => {
                    let what =
                        if depth == 0 { self.root.to_string() } else { format!("the tree around {path}") };
                    return self.wrong(format!(
                        "{} has {} entries, and {what} an element {i}",
                        self.option,
                        parts.len()
                    ));
                }
                PathStep::Field(_) | PathStep::Key(_) => {
                    return self.wrong(format!(
                        "{} has a tuple where {path} is in a struct or a map; an axis of one leaf is given by its path, \
                         in_axis(\"{path}\", 0)",
                        self.option
                    ));
                }
            }
        }
        match axes {
            Axes::All(axis) => *axis,
            Axes::Parts(_) => {
                self.wrong(format!("{} has a tuple for {path}, which is a tensor", self.option))
            }
        }
    }

    fn wrong(&mut self, mistake: String) -> Option<isize> {
        self.mistake.get_or_insert(mistake);
        None
    }

    fn count(&mut self, steps: &[PathStep<'_>]) {
        if let Some(PathStep::Index(i)) = steps.first() {
            self.parts = self.parts.max(i + 1);
        }
    }
}

impl Visitor for Assigned<'_> {
    fn tensor(&mut self, path: plywood_core::Path<'_>, value: &Value) {
        let steps = path.steps();
        self.count(&steps);
        let path = format!("{}{path}", self.root);
        let axis = self.axis(&path, &steps);
        self.leaves.push(Leaf { path, value: value.clone(), axis });
    }
    fn plain(&mut self, path: plywood_core::Path<'_>, _: &dyn Plain) {
        self.count(&path.steps());
    }
}
