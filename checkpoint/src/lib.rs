//! Checkpoints: the tensors of a tree in a file, and back.
//!
//! ```
//! use plywood::prelude::*;
//!
//! #[derive(Clone, Debug, PartialEq, Tree)]
//! struct Linear<B: Backend> {
//!     weight: Tensor<B>,
//!     bias: Tensor<B>,
//! }
//!
//! # let folder = std::env::temp_dir().join(format!("plywood-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("model.safetensors");
//! let model = Linear::<Cpu> { weight: Tensor::from([[1.0, 2.0]]), bias: Tensor::scalar(0.5) };
//! checkpoint::save(&path, &model)?;
//!
//! // What is loaded is like a tree that is there: of its structure, its shapes and its dtypes.
//! let fresh = Linear::<Cpu> { weight: Tensor::zeros([1, 2], DType::F64), bias: Tensor::scalar(0.0) };
//! assert_eq!(checkpoint::load(&path, fresh)?, model);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Checkpoint`] adds metadata and looks into files; [`Checkpoints`] are those of a run, of which the last few are kept.
//! (Functions that compute again in the backward pass what they did not keep, `plywood::checkpoint(f)` and `plywood::Checkpoint`,
//! have the name from JAX, and nothing to do with files.)
//!
//! - **Files** are [safetensors](https://github.com/huggingface/safetensors), which other programs read and write. A tensor's name
//!   is its path, as errors print it: `layers[2].weight`, `[0]` in a tuple, `["key"]` in a map, and nothing at all where the tree
//!   is a tensor. Every dtype is stored as it is, to the bit.
//! - **Plain data** in a tree is structure: numbers, text, how long a `Vec` is, whether an `Option` has something, which variant.
//!   It is not stored, and the tree that is given to `load` decides. What has to be found again goes into a tensor, or into the
//!   metadata.
//! - **Nothing is lost**: a file takes the place of the old one when it is whole and durable, so a crash at any point leaves one of
//!   the two. What cannot be saved or loaded is an [`Error`] that says why.
//! - **Any backend**: tensors are read from their devices one at a time, and made on the backend of the tree that is given, on the
//!   device where its new tensors are made.

mod durable;
mod error;
mod folder;
mod format;
mod load;
mod save;

pub use error::Error;
pub use folder::Checkpoints;
pub use load::CheckpointFile;
pub use save::Checkpoint;

use plywood_core::{Backend, SelfTree, Tree};
use std::path::Path;

/// Saves the tensors of a tree as the file `path`, in the place of the one that is there. With metadata:
/// [`Checkpoint::save`].
///
/// # Errors
///
/// As there.
pub fn save<B: Backend, T: Tree<B>>(path: impl AsRef<Path>, tree: &T) -> Result<(), Error> {
    Checkpoint::new().save(path, tree)
}

/// The tree with the file's tensors in the place of its own; the file has exactly those, by name, shape and dtype. To look at
/// the file before: [`Checkpoint::open`] and [`CheckpointFile::load`].
///
/// # Errors
///
/// As these have.
#[track_caller]
pub fn load<B: Backend, T: SelfTree<B>>(path: impl AsRef<Path>, like: T) -> Result<T, Error> {
    Checkpoint::open(path)?.load(like)
}
