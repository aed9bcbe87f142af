//! Files as they should be, and every way in which they are not.

use super::{Idx, read};
use crate::data::Dataset;
use crate::mnist::DataError;
use flate2::{Compression, write::GzEncoder};
use plywood::prelude::*;
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// A folder of its own for a test, which goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("plywood-digits-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
    fn with(self, file: &str, bytes: &[u8]) -> Self {
        fs::write(self.0.join(file), bytes).unwrap();
        self
    }
    /// MNIST's files, with images of 2x3 pixels.
    fn mnist(name: &str) -> Self {
        let images = |n: u32| idx(&[n, 2, 3], &(0..6 * n as u8).collect::<Vec<_>>());
        Folder::new(name)
            .with("train-images-idx3-ubyte", &images(4))
            .with("train-labels-idx1-ubyte", &idx(&[4], &[9, 0, 1, 2]))
            .with("t10k-images-idx3-ubyte.gz", &zip(&images(2)))
            .with("t10k-labels-idx1-ubyte.gz", &zip(&idx(&[2], &[3, 4])))
    }
}
impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn idx(shape: &[u32], elements: &[u8]) -> Vec<u8> {
    let sizes = shape.iter().flat_map(|n| n.to_be_bytes());
    [0, 0, 8, shape.len() as u8].into_iter().chain(sizes).chain(elements.iter().copied()).collect()
}

fn zip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn an_array_is_read_plain_and_zipped() {
    let file = idx(&[2, 1, 2], &[1, 2, 3, 4]);
    for (name, bytes) in [("a", file.clone()), ("a.gz", zip(&file))] {
        let folder = Folder::new(name).with(name, &bytes);
        let array: Idx<3> = read(&folder.0, "a").unwrap();
        assert_eq!((array.shape, &array.bytes[..]), ([2, 1, 2], &[1, 2, 3, 4][..]), "{name}");
    }
}

#[test]
fn a_wrong_file_is_named_with_what_is_wrong() {
    let good = idx(&[2, 2], &[1, 2, 3, 4]);
    let zipped = zip(&good);
    let (mut magic, mut checksum) = (good.clone(), zipped.clone());
    magic[2] = 13;
    checksum[zipped.len() - 6] ^= 1;
    let cases: [(&str, &str, &[u8], &str); 9] = [
        ("missing", "b", &good, "holds neither a nor a.gz"),
        ("empty", "a", &[], "a has 0 bytes where it should have 12"),
        ("header", "a", &good[..11], "a has 11 bytes where it should have 12"),
        ("magic", "a", &magic, "a is no IDX file of bytes with 2 axes: it starts with [00, 00, 0d, 02]"),
        ("axes", "a", &idx(&[1, 1, 4], &[1, 2, 3, 4]), "with 2 axes: it starts with [00, 00, 08, 03]"),
        ("short", "a", &good[..15], "a has 15 bytes where it should have 16"),
        ("huge", "a", &idx(&[u32::MAX; 2], &[]), "12 bytes where it should have 18446744065119617037"),
        ("cut", "a.gz", &zipped[..zipped.len() - 9], "a.gz cannot be read: "),
        ("checksum", "a.gz", &checksum, "a.gz cannot be read: corrupt gzip stream"),
    ];
    for (name, file, bytes, want) in cases {
        let folder = Folder::new(name).with(file, bytes);
        let message = read::<2>(&folder.0, "a").expect_err(name).to_string();
        assert!(message.contains(want), "{name}: {message}");
    }
    let not_zipped = Folder::new("not-zipped").with("a.gz", &good);
    let message = read::<2>(&not_zipped.0, "a").unwrap_err().to_string();
    assert!(message.contains("a.gz cannot be read: invalid gzip header"), "{message}");
}

fn mnist(folder: &Folder) -> Result<Dataset<Cpu>, DataError> {
    Dataset::mnist(&folder.0)
}

#[test]
fn mnists_four_files_are_a_data_set() {
    let data = mnist(&Folder::mnist("good")).unwrap();
    assert_eq!((data.size, data.train.len(), data.test.len()), ([2, 3], 4, 2));
    assert_eq!(data.train.images.shape(), &[4, 6]);
    assert_eq!(data.train.images.get((1, 0)).item::<f32>(), 6.0 / 255.0);
    assert_eq!(data.test.labels.to_vec::<i32>(), [3, 4]);
}

#[test]
fn files_that_do_not_fit_together_are_refused() {
    let labels = "train-labels-idx1-ubyte";
    let cases: [(&str, &str, Vec<u8>, &str); 5] = [
        ("fewer", labels, idx(&[3], &[1, 2, 3]), "images-idx3-ubyte has 4 images, but"),
        ("label", labels, idx(&[4], &[1, 2, 10, 3]), "has the label 10, which is no digit"),
        ("broken", labels, idx(&[4], &[1, 2]), "has 10 bytes where it should have 12"),
        ("none", "train-images-idx3-ubyte", idx(&[0, 2, 3], &[]), "has 0 images, but"),
        (
            "sizes",
            "t10k-images-idx3-ubyte",
            idx(&[2, 2, 2], &[0; 8]),
            "of [2, 3] pixels, images to test of [2, 2]",
        ),
    ];
    for (name, file, bytes, want) in cases {
        let folder = Folder::mnist(name).with(file, &bytes);
        let message = mnist(&folder).err().expect(name).to_string();
        assert!(message.contains(want), "{name}: {message}");
    }
    let empty = Folder::mnist("empty").with("t10k-images-idx3-ubyte", &idx(&[2, 0, 3], &[]));
    assert!(mnist(&empty).err().expect("empty").to_string().contains("has no images"));
}
