//! Rearranging: split, tile, repeat, roll, triangles, diagonals, grids, and taking along an axis.
//!
//! All of it is slices, reshapes and concatenations, so that derivatives are such too; gathers only where places are
//! given by a tensor.

mod diagonal;
mod join;
mod runs;
mod take;

pub use diagonal::{diag, diagonal, triangle, triangle_mask};
pub use join::{append, at_least, broadcast_all, delete, grid, insert, side_by_side, tile};
pub use runs::{pad, roll};
pub use take::{put_along_axis, repeat, repeat_each, take, take_along_axis, take_places};

use super::T;
use crate::shape::normalize_axis;

/// The parts between the cuts, which are places as in a slice: negative ones count from the end, those outside are
/// moved to the ends.
#[track_caller]
pub fn split(x: &T, cuts: &[isize], axis: isize) -> Vec<T> {
    let axis = normalize_axis("split", axis, x.shape());
    let n = x.shape()[axis];
    let place = |&c: &isize| (if c < 0 { c + n as isize } else { c }).clamp(0, n as isize) as usize;
    let mut places: Vec<usize> = cuts.iter().map(place).collect();
    places.push(n);
    let (mut parts, mut start) = (Vec::new(), 0);
    for place in places {
        parts.push(T::of(x.value().clone().slice_axis(axis, start, place.max(start))));
        start = place;
    }
    parts
}

/// As many parts, of equal size; where `uneven`, the first ones may be longer by one.
#[track_caller]
pub fn split_equally(name: &str, x: &T, parts: usize, axis: isize, uneven: bool) -> Vec<T> {
    let axis = normalize_axis(name, axis, x.shape());
    let n = x.shape()[axis];
    assert!(parts > 0, "{name}: into no parts");
    assert!(
        uneven || n.is_multiple_of(parts),
        "{name}: axis {axis} of shape {} has {n} elements, which {parts} does not divide (array_split makes uneven parts)",
        x.shape()
    );
    let (size, longer) = (n / parts, n % parts);
    let cut = |i: usize| (i * size + i.min(longer)) as isize;
    split(x, &(1..parts).map(cut).collect::<Vec<_>>(), axis as isize)
}

/// A quarter turn, `k` times, from axis `a` to axis `b`.
#[track_caller]
pub fn rot90(x: &T, k: i32, a: isize, b: isize) -> T {
    let (a, b) = (normalize_axis("rot90", a, x.shape()), normalize_axis("rot90", b, x.shape()));
    assert!(a != b, "rot90: axis {a} is named twice (shape {})", x.shape());
    match k.rem_euclid(4) {
        0 => x.clone(),
        1 => x.flip(b).swapaxes(a, b),
        2 => x.flip([a, b]),
        _ => x.swapaxes(a, b).flip(b),
    }
}
