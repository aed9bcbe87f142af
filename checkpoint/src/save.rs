//! [`Checkpoint`]: what is saved beside the tensors, and saving.
//!
//! What always holds: tensors are read and written one after the other, so that at most one of them is on the host for it.

use crate::durable::Replacement;
use crate::{CheckpointFile, Error, format};
use plywood_core::{Backend, Path as KeyPath, Plain, Tree, Value, Visitor};
use std::collections::BTreeMap;
use std::path::Path;

/// A checkpoint to be saved: metadata beside a tree's tensors.
///
/// ```
/// use plywood::checkpoint::Checkpoint;
/// use plywood::prelude::*;
/// # let folder = std::env::temp_dir().join(format!("plywood-doc-checkpoint-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// let path = folder.join("model.safetensors");
/// let params = vec![Tensor::<Cpu>::from([1.0, 2.0]), Tensor::scalar(3)];
/// Checkpoint::new().meta("step", 100).meta("rate", 1e-3).save(&path, &params)?;
///
/// let file = Checkpoint::open(&path)?;
/// assert_eq!(file.meta("step"), Some("100"));
/// assert_eq!(file.meta_as::<f64>("rate")?, 1e-3);
/// assert_eq!(file.names().collect::<Vec<_>>(), ["[0]", "[1]"]);
/// assert_eq!(file.load(params.clone())?, params);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checkpoint {
    meta: BTreeMap<String, String>,
}

impl Checkpoint {
    /// A checkpoint without metadata.
    pub fn new() -> Self {
        Checkpoint::default()
    }

    /// Adds metadata, as text; what was there under the key is replaced.
    pub fn meta(mut self, key: impl Into<String>, value: impl ToString) -> Self {
        self.meta.insert(key.into(), value.to_string());
        self
    }

    /// Saves the tensors of a tree, and the metadata, as the file `path`. Where there is a file of that name, it is replaced once
    /// the new one is whole and durable; a link is replaced, not followed. Several processes may save to one path: one of the
    /// files stays, whole.
    ///
    /// The folder must be there. While it is written, the file has another name there, which begins with a dot.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file system refuses, [`Error::Unreadable`] where a tensor's data cannot be read,
    /// [`Error::DuplicateName`] where a map's keys print alike; and for trees beyond the format's or memory's bounds
    /// [`Error::HeaderTooLarge`] and [`Error::TooLarge`]. The old file is then as it was; but where the action is `sync`, the new one
    /// is in its place, and the system does not say that it is durable.
    pub fn save<B: Backend, T: Tree<B>>(&self, path: impl AsRef<Path>, tree: &T) -> Result<(), Error> {
        let mut tensors = Named(Vec::new());
        tree.visit(KeyPath::root(), &mut tensors);
        self.write(path.as_ref(), tensors.0)
    }

    fn write(&self, path: &Path, mut tensors: Vec<(String, Value)>) -> Result<(), Error> {
        format::sort(&mut tensors);
        let header = format::header(path, &self.meta, &tensors)?;
        compute(&tensors)?;
        let mut file = Replacement::create(path)?;
        file.write(&header)?;
        for (name, value) in tensors {
            let array = value.read().map_err(|source| Error::Unreadable { name, source })?;
            assert!(
                array.ty() == *value.ty(),
                "{}: {} was read as {}",
                value.engine().name(),
                value.ty(),
                array.ty()
            );
            file.write(&format::bytes(array.elements()))?;
        }
        file.commit()
    }

    /// Opens a file: reads what is in it, and finds it to be whole as far as that can be seen without reading the tensors.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file system refuses, [`Error::Format`] and [`Error::HeaderTooLarge`] where the file is not a whole
    /// safetensors file.
    pub fn open(path: impl AsRef<Path>) -> Result<CheckpointFile, Error> {
        CheckpointFile::open(path.as_ref())
    }
}

/// The tensors of a tree by name.
struct Named(Vec<(String, Value)>);

impl Visitor for Named {
    fn tensor(&mut self, path: KeyPath<'_>, value: &Value) {
        self.0.push((format::name(path), value.clone()))
    }
    fn plain(&mut self, _: KeyPath<'_>, _: &dyn Plain) {}
}

/// Computes what was put off, all tensors of an engine together.
fn compute(tensors: &[(String, Value)]) -> Result<(), Error> {
    let mut rest: Vec<&(String, Value)> = tensors.iter().collect();
    while let Some((name, first)) = rest.first() {
        let engine = first.engine();
        let (these, others): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|(_, x)| x.engine().id() == engine.id());
        let values: Vec<Value> = these.iter().map(|(_, x)| x.clone()).collect();
        engine.eval(&values).map_err(|source| Error::Unreadable { name: name.clone(), source })?;
        rest = others;
    }
    Ok(())
}
