//! IDX, the format of MNIST's files: two zeros, the element type (8: bytes), the number of axes, the size of each axis
//! as a big-endian u32, and the elements in row-major order.

use crate::mnist::DataError;
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// An array of bytes with `N` axes.
#[derive(Debug)]
pub struct Idx<const N: usize> {
    pub path: PathBuf,
    pub shape: [usize; N],
    pub bytes: Vec<u8>,
}

/// The file of that name in a folder, or the one with `.gz` after it.
pub fn read<const N: usize>(dir: &Path, name: &str) -> Result<Idx<N>, DataError> {
    let plain = dir.join(name);
    let zipped = dir.join(format!("{name}.gz"));
    for (path, is_zipped) in [(plain, false), (zipped, true)] {
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|mut file| match is_zipped {
            true => GzDecoder::new(file).read_to_end(&mut bytes),
            false => file.read_to_end(&mut bytes),
        });
        match read {
            Ok(_) => return parse(path, bytes),
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(source) => return Err(DataError::Unreadable { path, source }),
        }
    }
    Err(DataError::Missing { dir: dir.into(), name: name.into() })
}

fn parse<const N: usize>(path: PathBuf, mut bytes: Vec<u8>) -> Result<Idx<N>, DataError> {
    let header = 4 + 4 * N;
    let found = bytes.len();
    if found < header {
        return Err(DataError::Length { path, found, expected: header as u128 });
    }
    let word = |i: usize| [bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]];
    if word(0) != [0, 0, 8, N as u8] {
        return Err(DataError::Magic { path, axes: N, found: word(0) });
    }
    let shape: [usize; N] = std::array::from_fn(|i| u32::from_be_bytes(word(i + 1)) as usize);
    let expected = header as u128 + shape.iter().map(|&n| n as u128).product::<u128>();
    if found as u128 != expected {
        return Err(DataError::Length { path, found, expected });
    }
    bytes.drain(..header);
    Ok(Idx { path, shape, bytes })
}

#[cfg(test)]
mod tests;
