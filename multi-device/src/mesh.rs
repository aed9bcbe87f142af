//! Meshes of devices, and how tensors lie on them.

use plywood_core::op::Spec;
use plywood_core::{Device, PathStep, Plain, Value, Visitor};
use smallvec::SmallVec;
use std::fmt;
use std::sync::Arc;

/// Devices in rows and columns, with a name for each axis.
///
/// ```
/// use plywood::prelude::*;
/// let mesh = Mesh::new([("data", 2), ("model", 4)]);
/// assert_eq!(mesh.size(), 8);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    pub(crate) axes: Arc<[(Arc<str>, usize)]>,
    pub(crate) devices: Option<Arc<[Device]>>,
}

impl Mesh {
    /// Names and sizes of the axes; the last one varies fastest from device to device. The devices are the backend's own, from its
    /// first.
    ///
    /// Panics where a name comes twice, or a size is 0.
    #[track_caller]
    pub fn new<const N: usize>(axes: [(&str, usize); N]) -> Self {
        for (i, (name, size)) in axes.iter().enumerate() {
            assert!(*size > 0, "Mesh: axis {name:?} has no devices");
            assert!(axes[..i].iter().all(|(other, _)| other != name), "Mesh: there are two axes {name:?}");
        }
        Mesh { axes: axes.iter().map(|&(name, size)| (name.into(), size)).collect(), devices: None }
    }

    /// Of these devices, as many as there are places.
    #[track_caller]
    pub fn devices(self, devices: impl IntoIterator<Item = Device>) -> Self {
        let devices: Arc<[Device]> = devices.into_iter().collect();
        assert!(devices.len() == self.size(), "Mesh: {} devices for {} places", devices.len(), self.size());
        Mesh { devices: Some(devices), ..self }
    }

    /// How many places it has.
    pub fn size(&self) -> usize {
        self.axes.iter().map(|(_, size)| size).product()
    }

    pub(crate) fn shown(&self) -> String {
        self.axes.iter().map(|(name, size)| format!("{name}: {size}")).collect::<Vec<_>>().join(", ")
    }
}

/// By which axes of a mesh each axis of a tensor is cut, by name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Names(Vec<Vec<String>>);

/// How the tensors of a tree lie: one for all, or an entry for each part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lying {
    /// All alike.
    All(Names),
    /// One for each part.
    Parts(Vec<Lying>),
}

/// How a tensor lies on a mesh (JAX's `PartitionSpec`): for each of its axes the mesh axis that cuts it, several in an array, or
/// `None`; axes behind are not cut. `spec("data")`, `spec((None, "model"))`, `spec((["data", "model"],))`; `spec(())` is the same on
/// all devices.
pub fn spec(dimensions: impl Dimensions) -> Names {
    Names(dimensions.names())
}

/// What [`spec`] takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a tensor is cut",
    note = "a spec is the name of a mesh axis, or a tuple with one entry for each axis of the tensor: a name, None, or names in an array"
)]
pub trait Dimensions {
    /// For each dimension the names of mesh axes.
    fn names(self) -> Vec<Vec<String>>;
}

/// One axis of a tensor in a [`spec`]: the mesh axis that cuts it, several, or none.
#[diagnostic::on_unimplemented(message = "`{Self}` is no name of a mesh axis, array of names, or None")]
pub trait Cut {
    /// The names.
    fn cut(self) -> Vec<String>;
}
impl Cut for &str {
    fn cut(self) -> Vec<String> {
        vec![self.to_string()]
    }
}
impl Cut for Option<&str> {
    fn cut(self) -> Vec<String> {
        self.into_iter().map(str::to_string).collect()
    }
}
impl<const N: usize> Cut for [&str; N] {
    fn cut(self) -> Vec<String> {
        self.iter().map(|name| name.to_string()).collect()
    }
}

impl Dimensions for &str {
    fn names(self) -> Vec<Vec<String>> {
        vec![self.cut()]
    }
}
impl Dimensions for () {
    fn names(self) -> Vec<Vec<String>> {
        Vec::new()
    }
}

/// What `in_specs` and `out_specs` take: a [`spec`] for all tensors of a tree, or a tuple with an entry for each part, which may be a
/// tuple again.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how tensors lie on a mesh",
    note = "specs are spec(..), or a tuple with one entry for each argument, which may be a tuple itself"
)]
pub trait Specs {
    /// The specs as data.
    fn lying(self) -> Lying;
}
impl Specs for Names {
    fn lying(self) -> Lying {
        Lying::All(self)
    }
}
impl Specs for Lying {
    fn lying(self) -> Lying {
        self
    }
}
impl<S: Specs> Specs for Vec<S> {
    fn lying(self) -> Lying {
        Lying::Parts(self.into_iter().map(Specs::lying).collect())
    }
}
macro_rules! tuple { ($($T:ident $i:tt),*) => {
    impl<$($T: Cut),*> Dimensions for ($($T,)*) {
        fn names(self) -> Vec<Vec<String>> { vec![$(self.$i.cut()),*] }
    }
    impl<$($T: Specs),*> Specs for ($($T,)*) {
        fn lying(self) -> Lying { Lying::Parts(vec![$(self.$i.lying()),*]) }
    }
} }
tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dimension = |names: &Vec<String>| match &names[..] {
            [] => "None".to_string(),
            [name] => format!("{name:?}"),
            names => format!("{names:?}"),
        };
        write!(f, "({})", self.0.iter().map(dimension).collect::<Vec<_>>().join(", "))
    }
}

/// The spec of each tensor of a tree, with its path.
pub(crate) struct Placed<'a> {
    /// `in_specs` or `out_specs`, and `args` or `result`, for messages.
    option: &'a str,
    root: &'a str,
    lying: &'a Lying,
    mesh: &'a Mesh,
    pub mistake: Option<String>,
    pub leaves: Vec<(String, Value, Spec)>,
}

impl<'a> Placed<'a> {
    pub fn new(option: &'a str, root: &'a str, lying: &'a Lying, mesh: &'a Mesh) -> Self {
        Placed { option, root, lying, mesh, mistake: None, leaves: Vec::new() }
    }

    fn names(&self, path: &str, steps: &[PathStep<'_>]) -> Result<Names, String> {
        let mut lying = self.lying;
        for step in steps {
            let parts = match lying {
                Lying::All(names) => return Ok(names.clone()),
                Lying::Parts(parts) => parts,
            };
            lying = match step {
                PathStep::Index(i) if *i < parts.len() => &parts[*i],
                PathStep::Index(i) => {
                    let (option, n) = (self.option, parts.len());
                    return Err(format!("{option} has {n} entries, and {path} is in element {i}"));
                }
                PathStep::Field(_) | PathStep::Key(_) => {
                    let option = self.option;
                    return Err(format!(
                        "{option} has a tuple where {path} is in a struct or a map; one spec is for all of it"
                    ));
                }
            };
        }
        match lying {
            Lying::All(names) => Ok(names.clone()),
            Lying::Parts(_) => Err(format!("{} has a tuple for {path}, which is a tensor", self.option)),
        }
    }

    fn spec(&self, path: &str, names: &Names, x: &Value) -> Result<Spec, String> {
        let (option, mesh) = (self.option, self.mesh);
        if names.0.len() > x.rank() {
            return Err(format!(
                "{option} says {names} of {path}, which is {} and has {} axes",
                x.ty(),
                x.rank()
            ));
        }
        let mut used: Vec<u8> = Vec::new();
        let mut spec = Spec::default();
        for dimension in &names.0 {
            let mut axes: SmallVec<[u8; 2]> = SmallVec::new();
            for name in dimension {
                let Some(axis) = mesh.axes.iter().position(|(axis, _)| **axis == **name) else {
                    return Err(format!("{option} says {name:?} of {path}; the mesh has {}", mesh.shown()));
                };
                if used.contains(&(axis as u8)) {
                    return Err(format!("{option} cuts {path} by {name:?} twice"));
                }
                used.push(axis as u8);
                axes.push(axis as u8);
            }
            spec.0.push(axes);
        }
        Ok(spec)
    }
}

impl Visitor for Placed<'_> {
    fn tensor(&mut self, path: plywood_core::Path<'_>, value: &Value) {
        let steps = path.steps();
        let path = format!("{}{path}", self.root);
        let found = self.names(&path, &steps).and_then(|names| self.spec(&path, &names, value));
        let spec = found.unwrap_or_else(|mistake| {
            self.mistake.get_or_insert(mistake);
            Spec::default()
        });
        self.leaves.push((path, value.clone(), spec));
    }
    fn plain(&mut self, _: plywood_core::Path<'_>, _: &dyn Plain) {}
}
