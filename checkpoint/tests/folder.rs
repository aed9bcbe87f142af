//! The checkpoints of a run: which are kept, which is the latest.

mod common;

use common::Folder;
use plywood::checkpoint::{Checkpoint, Checkpoints, Error};
use plywood::prelude::*;

fn tree(i: u64) -> (Tensor<Cpu>,) {
    (Tensor::from([i]),)
}

/// The latest step, as its name says and as its tensor says.
fn latest(checkpoints: &Checkpoints) -> Option<(u64, u64)> {
    let (step, file) = checkpoints.latest().unwrap()?;
    Some((step, file.load(tree(0)).unwrap().0.get(0).item::<u64>()))
}

#[test]
fn the_last_few_are_kept() {
    let cases: [(Option<usize>, &[u64], &[u64]); 8] = [
        (None, &[1, 2, 3, 4], &[1, 2, 3, 4]),
        (Some(1), &[1, 2, 3, 4], &[4]),
        (Some(3), &[1, 2, 3, 4, 5], &[3, 4, 5]),
        (Some(3), &[1, 2], &[1, 2]),
        (Some(2), &[0, 999_999, 1_000_000, u64::MAX], &[1_000_000, u64::MAX]),
        // The same step again.
        (Some(2), &[1, 2, 2, 2], &[1, 2]),
        // Back to step 2: what was just saved is kept, and so are later ones.
        (Some(2), &[1, 5, 6, 2], &[2, 5, 6]),
        (Some(1), &[7, 3], &[3, 7]),
    ];
    for (keep, saved, left) in cases {
        let folder = Folder::new();
        let mut checkpoints = Checkpoints::new(folder.file("run/checkpoints"));
        if let Some(n) = keep {
            checkpoints = checkpoints.keep(n);
        }
        assert_eq!(
            (checkpoints.steps().unwrap().len(), latest(&checkpoints)),
            (0, None),
            "there is no folder yet"
        );
        for &step in saved {
            assert_eq!(checkpoints.save(step, &tree(step)).unwrap(), checkpoints.path(step));
        }
        assert_eq!(checkpoints.steps().unwrap(), left, "{keep:?} of {saved:?}");
        let last = left[left.len() - 1];
        assert_eq!(latest(&checkpoints), Some((last, last)));
    }
}

#[test]
fn what_is_not_whole_is_passed_over_and_does_not_count() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::new(folder.path());
    for step in 1..=5 {
        checkpoints.save(step, &tree(step)).unwrap();
    }
    let cut = |step| {
        let bytes = std::fs::read(checkpoints.path(step)).unwrap();
        std::fs::write(checkpoints.path(step), &bytes[..bytes.len() - 1]).unwrap();
    };
    cut(3);
    cut(5);
    assert_eq!(latest(&checkpoints), Some((4, 4)));
    std::fs::write(checkpoints.path(6), "").unwrap();
    std::fs::create_dir(checkpoints.path(7)).unwrap();
    assert_eq!(latest(&checkpoints), Some((4, 4)));
    std::fs::remove_dir(checkpoints.path(7)).unwrap();
    // Whole are 1, 2, 4; with 7, the last three are 2, 4, 7.
    let keeping = checkpoints.clone().keep(3);
    keeping.save_with(7, &Checkpoint::new().meta("seed", 1), &tree(7)).unwrap();
    assert_eq!(checkpoints.steps().unwrap(), [2, 3, 4, 5, 6, 7]);
    assert_eq!(checkpoints.latest().unwrap().unwrap().1.meta("seed"), Some("1"));
    keeping.save(8, &tree(8)).unwrap();
    assert_eq!(checkpoints.steps().unwrap(), [4, 5, 6, 7, 8]);
}

#[test]
fn files_of_others_are_left_alone() {
    let folder = Folder::new();
    let others = [
        "step-1.safetensors",
        "step-0000001.safetensors",
        "step-+00001.safetensors",
        "step-000001.safetensors.old",
        "step--00001.safetensors",
        "step-99999999999999999999.safetensors",
        "step.safetensors",
        "steps-000001.safetensors",
        "best-000001.safetensors",
        "step-best-000001.safetensors",
        ".step-000001.safetensors",
        ".step-000001.safetensors.tmp",
        ".other.safetensors.unknown-1-1.tmp",
        "notes.txt",
    ];
    for name in others {
        std::fs::write(folder.file(name), "").unwrap();
    }
    let checkpoints = Checkpoints::new(folder.path()).keep(1);
    assert_eq!((checkpoints.steps().unwrap(), latest(&checkpoints)), (vec![], None));
    checkpoints.save(2, &tree(2)).unwrap();
    checkpoints.save(3, &tree(3)).unwrap();
    let best = checkpoints.clone().prefix("step-best");
    assert_eq!(best.steps().unwrap(), [1]);
    best.save(9, &tree(9)).unwrap();
    assert_eq!((best.steps().unwrap(), checkpoints.steps().unwrap()), (vec![9], vec![3]));
    assert_eq!(folder.names().len(), others.len() + 1);
    assert_eq!(checkpoints.folder(), folder.path());
}

#[test]
fn leftovers_are_removed_when_nobody_can_write_to_them() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::new(folder.path()).prefix("a");
    let here = std::process::id();
    // Of a place that is not this one, by age alone.
    let names = [
        (".a-000001.safetensors.0123456789abcdef-1-0.tmp".to_string(), true),
        (format!(".a-000002.safetensors.unknown-{here}-99.tmp"), true),
        (".b-000001.safetensors.unknown-1-0.tmp".to_string(), false),
        (".a-000001.safetensors.unknown-1.tmp".to_string(), false),
    ];
    let hours = |n: u64| std::time::Duration::from_secs(n * 3600);
    let write = |name: &str, age| {
        let file = std::fs::File::create(folder.file(name)).unwrap();
        file.set_modified(std::time::SystemTime::now() - age).unwrap();
    };
    names.iter().for_each(|(name, _)| write(name, hours(0)));
    checkpoints.save(3, &tree(3)).unwrap();
    assert_eq!(folder.names().len(), names.len() + 1, "all may still be written");
    names.iter().for_each(|(name, _)| write(name, hours(2)));
    checkpoints.save(3, &tree(3)).unwrap();
    for (name, ours) in &names {
        assert_eq!(folder.file(name).exists(), !ours, "{name}");
    }
    // One file by itself looks for what is left of its own.
    let own = ".one.unknown-1-1.tmp";
    write(own, hours(2));
    plywood::checkpoint::save(folder.file("two"), &tree(0)).unwrap();
    assert!(folder.file(own).exists());
    plywood::checkpoint::save(folder.file("one"), &tree(0)).unwrap();
    assert!(!folder.file(own).exists());
}

#[test]
fn an_old_checkpoint_that_cannot_be_removed() {
    let folder = Folder::new();
    let checkpoints = Checkpoints::new(folder.path()).keep(1);
    std::fs::create_dir_all(checkpoints.path(1)).unwrap();
    let error = checkpoints.save(2, &tree(2)).unwrap_err();
    assert!(
        matches!(&error, Error::NotRemoved { saved, path, .. }
            if *saved == checkpoints.path(2) && *path == checkpoints.path(1)),
        "{error:?}"
    );
    assert_eq!(latest(&checkpoints), Some((2, 2)));
}

#[test]
#[should_panic(expected = "keep: the checkpoint that was just saved is always kept")]
fn none_cannot_be_kept() {
    let _ = Checkpoints::new("folder").keep(0);
}

#[test]
#[should_panic(expected = "prefix: \"../step\" does not begin the name of a file")]
fn a_prefix_is_no_path() {
    let _ = Checkpoints::new("folder").prefix("../step");
}
