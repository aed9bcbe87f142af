//! Whatever happens to a save, there is a whole file: the old one or the new one.

mod common;

use common::Folder;
use plywood::checkpoint::{self, Checkpoint, Checkpoints, Error};
use plywood::prelude::*;
use plywood::{Array, Engine, Path as KeyPath, Step, TensorType, Value, Visitor};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

type C = Tensor<Cpu>;

/// What happens when the data of a value are read, in the middle of a save.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Accident {
    Error,
    Panic,
    Death,
}

/// An engine whose values cannot be read.
struct Unlucky;
impl Engine for Unlucky {
    fn execute(&'static self, _: Step<'_>, _: plywood::Values) -> plywood::Values {
        unreachable!("nothing is computed")
    }
    fn read(&'static self, value: &Value) -> Result<Array, plywood::Error> {
        match value.data::<Accident>() {
            Accident::Error => Err(plywood::Error::Unreadable("the device is lost".to_string())),
            Accident::Panic => panic!("a panic in the middle of a save"),
            Accident::Death => std::process::abort(),
        }
    }
    fn device(&'static self, _: Option<&Value>) -> Device {
        Device::cpu(0)
    }
    fn name(&self) -> String {
        "Unlucky".to_string()
    }
}

/// A megabyte of data, and a tensor behind it that cannot be read.
#[derive(Clone)]
struct Doomed(C, Accident);
impl Tree<Cpu> for Doomed {
    type On<B: Backend> = ();
    fn map<B: Backend>(self, _: &mut dyn FnMut(C) -> Tensor<B>) {}
    fn visit(&self, path: KeyPath<'_>, visitor: &mut dyn Visitor) {
        let lost = Value::new(&Unlucky, TensorType::new([4], DType::Bool), self.1);
        visitor.tensor(path.index(0), self.0.value());
        visitor.tensor(path.index(1), &lost);
    }
}

fn doomed(accident: Accident) -> Doomed {
    Doomed(C::zeros([1 << 18], DType::F32), accident)
}

fn old() -> (C, C) {
    (C::from([1.0, 2.0]), C::scalar(3))
}

fn is_old(path: &Path) -> bool {
    checkpoint::load(path, (C::from([0.0, 0.0]), C::scalar(0))).unwrap() == old()
}

#[test]
fn a_save_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.file("x");
    checkpoint::save(&path, &old()).unwrap();
    let error = checkpoint::save(&path, &doomed(Accident::Error)).unwrap_err();
    assert_eq!(error.to_string(), "`[1]`: the device is lost");
    assert!(is_old(&path) && folder.names() == ["x"]);
    let panics = || checkpoint::save(&path, &doomed(Accident::Panic));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
    assert!(is_old(&path) && folder.names() == ["x"]);
}

#[test]
fn where_nothing_can_be_saved() {
    let folder = Folder::new();
    std::fs::create_dir(folder.file("empty")).unwrap();
    std::fs::create_dir_all(folder.file("full/inside")).unwrap();
    checkpoint::save(folder.file("file"), &old()).unwrap();
    let before = folder.names();
    let paths = ["no/such/folder/x", "empty", "full", "full/..", "file/x", "nul\0inside"]
        .map(|name| folder.file(name));
    for path in paths.into_iter().chain(["", "/", ".."].map(PathBuf::from)) {
        let error = checkpoint::save(&path, &old()).unwrap_err();
        assert!(matches!(&error, Error::Io { path: p, .. } if *p == path), "{error:?}");
    }
    assert!(is_old(&folder.file("file")));
    assert_eq!(folder.names(), before);
    let too_large = C::scalar(1.0).broadcast_to([usize::MAX / 8]);
    let too_large = (C::scalar(1), too_large.broadcast_to([2, usize::MAX / 8]));
    let error = checkpoint::save(folder.file("file"), &too_large).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { name, .. } if name == "[1]"), "{error:?}");
    assert!(is_old(&folder.file("file")));
}

#[test]
fn a_header_beyond_the_format_is_not_written() {
    let folder = Folder::new();
    let checkpoint = Checkpoint::new().meta("large", "x".repeat(100_000_000));
    let error = checkpoint.save(folder.file("x"), &old()).unwrap_err();
    assert!(matches!(error, Error::HeaderTooLarge { bytes: 100_000_001.., .. }), "{error:?}");
    assert!(folder.names().is_empty());
}

/// In a process of its own: the one that dies.
const DIES_IN: &str = "PLYWOOD_TEST_DIES_IN";

#[test]
fn the_process_that_dies() {
    let Some(folder) = std::env::var_os(DIES_IN) else { return };
    let _ = Checkpoints::new(PathBuf::from(folder)).keep(1).save(2, &doomed(Accident::Death));
}

#[test]
fn a_process_that_dies_in_a_save_loses_nothing() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::new(folder.path()).keep(1);
    checkpoints.save(1, &old()).unwrap();
    let dies = || {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args(["--exact", "the_process_that_dies", "--test-threads", "1"]).env(DIES_IN, folder.path());
        assert!(!program.output().unwrap().status.success(), "it died");
    };
    dies();
    let names = folder.names();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with(".step-000002.safetensors.") && names[0].ends_with(".tmp"), "{names:?}");
    assert_eq!(checkpoints.steps().unwrap(), [1]);
    let (step, file) = checkpoints.latest().unwrap().unwrap();
    assert_eq!((step, file.load((C::from([0.0, 0.0]), C::scalar(0))).unwrap()), (1, old()));
    // Where processes can be seen, what is left of a dead one is removed by the next save. (Elsewhere after an hour.)
    dies();
    if cfg!(target_os = "linux") {
        assert_eq!(folder.names().len(), 2);
        checkpoints.save(3, &old()).unwrap();
        assert_eq!(folder.names(), ["step-000003.safetensors"]);
    }
}

/// In a process of its own, whose files cannot be larger than a few hundred kilobytes.
const FULL: &str = "PLYWOOD_TEST_FULL";

#[test]
fn the_process_whose_disk_is_full() {
    let Some(path) = std::env::var_os(FULL) else { return };
    let error = checkpoint::save(&path, &C::zeros([1 << 20], DType::F32)).unwrap_err();
    assert!(
        matches!(&error, Error::Io { action: "write", source, .. } if source.kind() == std::io::ErrorKind::FileTooLarge),
        "{error:?}"
    );
    println!("it was refused");
}

#[cfg(unix)]
#[test]
fn a_disk_that_is_full() {
    let folder = Folder::new();
    let path = folder.file("x");
    checkpoint::save(&path, &old()).unwrap();
    let mut program = Command::new("sh");
    program
        .args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap());
    program.args(["--exact", "the_process_whose_disk_is_full", "--nocapture"]).env(FULL, &path);
    let output = program.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("it was refused"), "{text}");
    assert!(is_old(&path) && folder.names() == ["x"]);
}

#[test]
fn many_save_to_one_path() {
    let folder = Folder::new();
    let path = folder.file("x");
    let tree = |i: i32| vec![C::full([3000], i, DType::I32), C::full([7], i, DType::I32)];
    checkpoint::save(&path, &tree(0)).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (1..5)
            .map(|i| {
                let (path, tree) = (&path, &tree);
                scope.spawn(move || (0..20).for_each(|_| checkpoint::save(path, &tree(i)).unwrap()))
            })
            .collect();
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let loaded = checkpoint::load(&path, tree(0)).unwrap();
                let first = loaded[0].to_vec::<i32>()[0];
                assert_eq!(loaded, tree(first), "a whole file, of one writer");
            }
        });
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(folder.names(), ["x"]);
}

#[test]
fn what_was_opened_stays() {
    let folder = Folder::new();
    let path = folder.file("x");
    checkpoint::save(&path, &old()).unwrap();
    let file = Checkpoint::open(&path).unwrap();
    checkpoint::save(&path, &(C::from([8.0, 9.0]), C::scalar(9))).unwrap();
    assert_eq!(file.load(old()).unwrap(), old());
}

#[test]
fn a_path_without_a_folder() {
    let folder = Folder::new();
    let here = std::env::current_dir().unwrap();
    // No other test of this program minds where it is.
    std::env::set_current_dir(folder.path()).unwrap();
    checkpoint::save("bare", &old()).unwrap();
    assert!(is_old(Path::new("bare")));
    std::env::set_current_dir(here).unwrap();
    assert_eq!(folder.names(), ["bare"]);
}
