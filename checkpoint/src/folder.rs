//! [`Checkpoints`]: the checkpoints of a run in a folder, the last few of them.
//!
//! What always holds: nothing is removed before what was saved last is durable, and never that; a file that is not whole does
//! not count as one of the last few.

use crate::durable::{create_folder, failed, remove_leftovers};
use crate::{Checkpoint, CheckpointFile, Error};
use plywood_core::{Backend, Tree};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The checkpoints of a run, by step: `step-000100.safetensors` and so on in a folder.
///
/// ```
/// use plywood::checkpoint::Checkpoints;
/// use plywood::prelude::*;
///
/// # let folder = std::env::temp_dir().join(format!("plywood-doc-checkpoints-{}", std::process::id()));
/// let checkpoints = Checkpoints::new(&folder).keep(3);
/// let mut params = (Tensor::<Cpu>::from([1.0, 2.0]), Tensor::scalar(0));
/// let mut first = 0;
/// if let Some((step, file)) = checkpoints.latest()? {
///     (params, first) = (file.load(params)?, step + 1);
/// }
/// for step in first..300 {
///     params.1 += 1;
///     if step % 50 == 0 {
///         checkpoints.save(step, &params)?;
///     }
/// }
/// assert_eq!(checkpoints.steps()?, [150, 200, 250]);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
    prefix: String,
    keep: Option<usize>,
}

impl Checkpoints {
    /// The checkpoints in a folder, which is made when the first is saved. All are kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Checkpoints { folder: folder.into(), prefix: "step".to_string(), keep: None }
    }

    /// With another word than `step` at the beginning of the files' names, so that several runs can share a folder. Panics where
    /// it is empty or has a separator of paths.
    #[track_caller]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        assert!(
            !prefix.is_empty() && !prefix.contains(['/', '\\', '\0']),
            "prefix: {prefix:?} does not begin the name of a file"
        );
        Checkpoints { prefix, ..self }
    }

    /// Keeps the last `n` only: after a checkpoint was saved, it and the `n - 1` before it, by step, stay. (Those of later steps,
    /// which there are after going back, stay too.) Panics where `n` is 0.
    #[track_caller]
    pub fn keep(self, n: usize) -> Self {
        assert!(n > 0, "keep: the checkpoint that was just saved is always kept, so at least 1");
        Checkpoints { keep: Some(n), ..self }
    }

    /// The file of a step, which need not be there.
    pub fn path(&self, step: u64) -> PathBuf {
        self.folder.join(self.name(step))
    }

    fn name(&self, step: u64) -> String {
        format!("{}-{step:06}.safetensors", self.prefix)
    }

    /// The step whose file has the name.
    fn step(&self, name: &str) -> Option<u64> {
        let digits = name.strip_prefix(&self.prefix)?.strip_prefix('-')?.strip_suffix(".safetensors")?;
        digits.parse().ok().filter(|&step| self.name(step) == name)
    }

    /// Saves a tree as the checkpoint of a step, makes it durable, and then removes those that are not kept. Gives the file's path.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::save`]; [`Error::NotRemoved`] where the checkpoint is there and an old one could not be removed.
    pub fn save<B: Backend, T: Tree<B>>(&self, step: u64, tree: &T) -> Result<PathBuf, Error> {
        self.save_with(step, &Checkpoint::new(), tree)
    }

    /// As [`save`](Checkpoints::save), with metadata.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_with<B: Backend, T: Tree<B>>(
        &self,
        step: u64,
        checkpoint: &Checkpoint,
        tree: &T,
    ) -> Result<PathBuf, Error> {
        self.prepare()?;
        let path = self.path(step);
        checkpoint.save(&path, tree)?;
        self.prune(step)?;
        Ok(path)
    }

    fn prepare(&self) -> Result<(), Error> {
        create_folder(&self.folder)?;
        remove_leftovers(&self.folder, &|name| name.to_str().is_some_and(|name| self.step(name).is_some()));
        Ok(())
    }

    fn prune(&self, saved: u64) -> Result<(), Error> {
        let Some(keep) = self.keep else { return Ok(()) };
        let mut kept = 1;
        for step in self.steps()?.into_iter().rev().filter(|&step| step < saved) {
            let path = self.path(step);
            if kept < keep {
                kept += usize::from(CheckpointFile::open(&path).is_ok());
                continue;
            }
            match fs::remove_file(&path) {
                // Another process removes them too.
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::NotRemoved { saved: self.path(saved), path, source: e });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// The steps that have files, in their order, whole or not; none where there is no folder.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder cannot be read.
    pub fn steps(&self) -> Result<Vec<u64>, Error> {
        let entries = match fs::read_dir(&self.folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed(&self.folder, "read"))?,
        };
        let mut steps = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed(&self.folder, "read"))?.file_name();
            steps.extend(name.to_str().and_then(|name| self.step(name)));
        }
        steps.sort_unstable();
        Ok(steps)
    }

    /// The last step that has a whole file, and that file, opened; `None` where there is none. Files that are not whole are passed
    /// over.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder or a file cannot be read: an older checkpoint is not taken for the latest then.
    pub fn latest(&self) -> Result<Option<(u64, CheckpointFile)>, Error> {
        for step in self.steps()?.into_iter().rev() {
            match CheckpointFile::open(&self.path(step)) {
                Ok(file) => return Ok(Some((step, file))),
                Err(Error::Format { .. } | Error::HeaderTooLarge { .. }) => {}
                // It was removed meanwhile.
                Err(Error::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
                Err(e) => return Err(e),
            }
        }
        Ok(None)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
