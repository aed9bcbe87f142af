//! [`Error`]: what can be wrong with a file, or between a file and a tree. All of it comes from outside the program,
//! so nothing here panics.

use crate::format::MAX_HEADER;
use plywood_core::TensorType;
use std::io;
use std::path::PathBuf;

/// Why a checkpoint could not be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done: `open`, `write`, `rename`.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The file is foreign, truncated or corrupt.
    #[error("{}: not a whole safetensors file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Names, shapes and metadata take more bytes than the format allows.
    #[error("{}: a header of {bytes} bytes, where the format has at most {MAX_HEADER}", path.display())]
    HeaderTooLarge {
        /// The file.
        path: PathBuf,
        /// How large it would be, or is said to be.
        bytes: u64,
    },
    /// The file has not the tensors that the tree has.
    #[error("{}: {}", path.display(), difference(missing, unexpected))]
    Names {
        /// The file.
        path: PathBuf,
        /// What the tree has and the file has not.
        missing: Vec<String>,
        /// What the file has and the tree has not.
        unexpected: Vec<String>,
    },
    /// A tensor has another shape or dtype than the tree's.
    #[error("{}: `{name}` is {found}, where the tree has {expected}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type in the file: `f32[2,3]`.
        found: String,
        /// Its type in the tree.
        expected: Box<TensorType>,
    },
    /// A tensor has a dtype that Plywood has not.
    #[error("{}: `{name}` is {found}, a dtype that no tensor can have", path.display())]
    UnknownDType {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Its type in the file.
        found: String,
    },
    /// An element of a tensor of `bool` is neither 0 nor 1.
    #[error("{}: `{name}`: element {index} is {found}, where a bool is 0 or 1", path.display())]
    Bool {
        /// The file.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// Which element, in row-major order.
        index: usize,
        /// What it is.
        found: u8,
    },
    /// The file has no metadata of that key.
    #[error("{}: no metadata `{key}`; there are: {}", path.display(), list(available))]
    NoMeta {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        key: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The metadata is not of the type that was asked for.
    #[error("{}: metadata `{key}` is {found:?}, which is no {expected}", path.display())]
    Meta {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        key: String,
        /// What it is.
        found: String,
        /// The type.
        expected: &'static str,
    },
    /// A tensor's data could not be read: its device failed, or it has none (while a function is recorded).
    #[error("`{name}`: {source}")]
    Unreadable {
        /// The tensor.
        name: String,
        /// Why.
        source: plywood_core::Error,
    },
    /// Two tensors of the tree have one path, by a map's keys that print alike.
    #[error("two tensors of the tree are named `{name}`")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// The new checkpoint is there, and an older one, which was not to be kept, too.
    #[error("{}: cannot be removed, after {} was saved: {source}", path.display(), saved.display())]
    NotRemoved {
        /// What was saved.
        saved: PathBuf,
        /// What was to be removed.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A tensor has more bytes than memory can have.
    #[error("`{name}`: the bytes of {ty} cannot be counted")]
    TooLarge {
        /// The tensor.
        name: String,
        /// Its type.
        ty: Box<TensorType>,
    },
}

/// How many names a message has, so that it can be read.
const SHOWN: usize = 8;

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_string();
    }
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn difference(missing: &[String], unexpected: &[String]) -> String {
    let parts = [("lacks", missing, "that the tree has"), ("has", unexpected, "that the tree has not")];
    let parts = parts.iter().filter(|(_, names, _)| !names.is_empty());
    let parts: Vec<_> =
        parts.map(|(verb, names, whose)| format!("{verb} {}, {whose}", list(names))).collect();
    format!("the file {}", parts.join("; it "))
}
