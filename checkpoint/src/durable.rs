//! Replacing a file: whole or not at all, whatever happens in between.
//!
//! The bytes go to a temporary file in the same folder. It is synced, renamed over the old file, and then the folder is synced
//! (on Unix). So a crash at any point leaves the old file or the new one, and who reads meanwhile reads one of them. What always
//! holds: a temporary file that is not renamed is removed, also by a panic. Only a process that dies leaves one; it is found by
//! its name and removed by a later save.

mod leftover;

pub(crate) use leftover::remove_leftovers;

use crate::Error;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// An error of the file system, with what was being done.
pub(crate) fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Io { path, action, source }
}

/// The folder that a file is in.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    }
}

/// A file that will take another one's place.
#[derive(Debug)]
pub(crate) struct Replacement {
    /// `None` once it was renamed.
    file: Option<BufWriter<File>>,
    temporary: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// An empty file in the folder of `target`.
    pub(crate) fn create(target: &Path) -> Result<Self, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let Some(name) = target.file_name() else {
            return Err(failed(target, "write")(io::ErrorKind::InvalidInput.into()));
        };
        if target.is_dir() {
            return Err(failed(target, "write")(io::ErrorKind::IsADirectory.into()));
        }
        let folder = folder_of(target);
        remove_leftovers(folder, &|of| of == name);
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let temporary = folder.join(leftover::temporary_name(name, count));
            match OpenOptions::new().write(true).create_new(true).open(&temporary) {
                Ok(file) => {
                    let file = Some(BufWriter::new(file));
                    return Ok(Replacement { file, temporary, target: target.to_path_buf() });
                }
                // A process of another machine has the name.
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(failed(target, "write")(e)),
            }
        }
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let file = self.file.as_mut().expect("it is open until it is renamed");
        file.write_all(bytes).map_err(failed(&self.target, "write"))
    }

    /// Puts the file in the place of the old one, for good.
    pub(crate) fn commit(mut self) -> Result<(), Error> {
        let mut file = self.file.take().expect("it is open until it is renamed");
        let done = file.flush().and_then(|()| file.get_ref().sync_all());
        // Not every system renames what is open.
        drop(file);
        let done = done.map_err(failed(&self.target, "write"));
        let done = done.and_then(|()| {
            fs::rename(&self.temporary, &self.target).map_err(failed(&self.target, "replace"))
        });
        if let Err(e) = done {
            let _ = fs::remove_file(&self.temporary);
            return Err(e);
        }
        sync_folder(folder_of(&self.target))
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        if let Some(file) = self.file.take() {
            // What is still buffered need not be written.
            drop(file.into_parts());
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// Makes names in a folder durable. There are file systems that cannot, and where names are durable anyway.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), Error> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(failed(folder, "sync")(e))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
#[cfg(not(unix))]
fn sync_folder(_: &Path) -> Result<(), Error> {
    Ok(())
}

/// Makes a folder and those above it that are missing, durably.
pub(crate) fn create_folder(folder: &Path) -> Result<(), Error> {
    let missing: Vec<&Path> =
        folder.ancestors().take_while(|f| !f.as_os_str().is_empty() && !f.exists()).collect();
    fs::create_dir_all(folder).map_err(failed(folder, "create"))?;
    missing.into_iter().try_for_each(|made| sync_folder(folder_of(made)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder, for one test.
    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("plywood-test-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// What a process leaves that dies before it renames.
    fn written(target: &Path, bytes: &[u8]) -> PathBuf {
        let mut replacement = Replacement::create(target).unwrap();
        replacement.write(bytes).unwrap();
        replacement.file.as_mut().unwrap().flush().unwrap();
        let temporary = replacement.temporary.clone();
        std::mem::forget(replacement);
        temporary
    }

    #[test]
    fn until_it_is_renamed_the_old_file_is_there() {
        let folder = folder("rename");
        let target = folder.join("x.y");
        fs::write(&target, "old").unwrap();
        let left = written(&target, b"new");
        assert_eq!(
            (fs::read(&target).unwrap(), fs::read(&left).unwrap()),
            (b"old".to_vec(), b"new".to_vec())
        );
        // Another one finishes; the first may still be written to, for all that anybody knows.
        let mut other = Replacement::create(&target).unwrap();
        assert_ne!(other.temporary, left);
        other.write(b"newer").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"old");
        other.commit().unwrap();
        assert_eq!((fs::read(&target).unwrap(), left.exists()), (b"newer".to_vec(), true));
        // One that is given up is removed.
        let given_up = Replacement::create(&target).unwrap();
        let temporary = given_up.temporary.clone();
        drop(given_up);
        assert_eq!((fs::read(&target).unwrap(), temporary.exists()), (b"newer".to_vec(), false));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_that_cannot_be_renamed_is_removed() {
        let folder = folder("cannot");
        let target = folder.join("x");
        let replacement = Replacement::create(&target).unwrap();
        // A folder that came meanwhile.
        fs::create_dir(&target).unwrap();
        let error = replacement.commit().unwrap_err();
        assert!(matches!(&error, Error::Io { action: "replace", path, .. } if *path == target), "{error}");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn folders_are_made() {
        let folder = folder("made");
        let inner = folder.join("a/b/c");
        create_folder(&inner).unwrap();
        create_folder(&inner).unwrap();
        assert!(inner.is_dir());
        fs::write(folder.join("file"), "").unwrap();
        assert!(matches!(create_folder(&folder.join("file/a")), Err(Error::Io { action: "create", .. })));
        fs::remove_dir_all(folder).unwrap();
    }
}
