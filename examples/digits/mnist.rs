//! Other images: MNIST's files from a folder.

use crate::data::{CLASSES, Dataset, Examples};
use crate::idx::{self, Idx};
use plywood::prelude::*;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

impl<B: Backend> Dataset<B> {
    /// MNIST's four files in a folder, each as it is or with `.gz`.
    pub fn mnist(dir: &Path) -> Result<Self, DataError> {
        let (train, size) = mnist_part(dir, "train")?;
        let (test, test_size) = mnist_part(dir, "t10k")?;
        if size != test_size {
            return Err(DataError::Sizes { dir: dir.into(), train: size, test: test_size });
        }
        Ok(Dataset { train, test, size })
    }
}

fn mnist_part<B: Backend>(dir: &Path, part: &str) -> Result<(Examples<B>, [usize; 2]), DataError> {
    let images: Idx<3> = idx::read(dir, &format!("{part}-images-idx3-ubyte"))?;
    let labels: Idx<1> = idx::read(dir, &format!("{part}-labels-idx1-ubyte"))?;
    let ([n, height, width], [m]) = (images.shape, labels.shape);
    if n != m {
        return Err(DataError::Counts { images: images.path, labels: labels.path, found: [n, m] });
    }
    if images.bytes.is_empty() {
        return Err(DataError::Empty { path: images.path });
    }
    if let Some(&label) = labels.bytes.iter().find(|&&label| usize::from(label) >= CLASSES) {
        return Err(DataError::Label { path: labels.path, label });
    }
    let examples = Examples {
        images: Tensor::from_vec(images.bytes, [n, height * width]).cast(DType::F32) / 255.0,
        labels: Tensor::from_vec(labels.bytes, [n]).cast(DType::I32),
    };
    Ok((examples, [height, width]))
}

/// What can be wrong with files of images.
#[derive(thiserror::Error)]
pub enum DataError {
    #[error("{} holds neither {name} nor {name}.gz", dir.display())]
    Missing { dir: PathBuf, name: String },
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{} is no IDX file of bytes with {axes} axes: it starts with {found:02x?}", path.display())]
    Magic { path: PathBuf, axes: usize, found: [u8; 4] },
    #[error("{} has {found} bytes where it should have {expected}", path.display())]
    Length { path: PathBuf, found: usize, expected: u128 },
    #[error("{} has {} images, but {} has {} labels", images.display(), found[0], labels.display(), found[1])]
    Counts { images: PathBuf, labels: PathBuf, found: [usize; 2] },
    #[error("{} has no images", path.display())]
    Empty { path: PathBuf },
    #[error("{} has the label {label}, which is no digit", path.display())]
    Label { path: PathBuf, label: u8 },
    #[error("{}: images to train on are of {train:?} pixels, images to test of {test:?}", dir.display())]
    Sizes { dir: PathBuf, train: [usize; 2], test: [usize; 2] },
}

/// As `main` prints what it returns: the message.
impl fmt::Debug for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
