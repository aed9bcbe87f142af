//! The largest elements, by selection: candidates are those above the least of the k largest so far. They are collected
//! in a buffer, of which the k best stay when it is full; so the work is linear in the lane, whatever k is. A candidate is one
//! number: its key, inverted, above its place, so that the best is the least and of equal ones the first comes first.
//! Threads share the lanes, or take pieces of a long one, whose candidates meet at the end.

use super::{Bits, Key, LONG, last, turned_back};
use crate::data::View;
use crate::dispatch::stored;
use crate::kernels::simd::{Loop, vectorized};
use crate::par;
use crate::storage::Storage;
use plywood_core::op::Types;
use plywood_core::{Value, Values};

/// Elements that are looked at together.
const BLOCK: usize = 64;

/// The k largest along `axis`, and their places.
pub fn top_k(types: Types, x: Value, k: usize, axis: usize) -> Values {
    let (elements, n) = (x.ty().elements(), x.shape()[axis]);
    let lanes = last(x, axis);
    let mut values = Storage::overwritten(types[0].bytes());
    let mut places = Storage::overwritten(types[1].bytes());
    if elements > 0 && k > 0 {
        stored!(types[0].dtype, T => {
            let all = View::<T>::of(&lanes).to_contiguous();
            let found = find::<T>(&all, n, k);
            let out = values.as_mut_slice::<T>().expect("it is new");
            let at = places.as_mut_slice::<i32>().expect("it is new");
            let lanes = all.chunks(n).zip(found.chunks(k));
            for ((lane, found), (out, at)) in lanes.zip(out.chunks_mut(k).zip(at.chunks_mut(k))) {
                for ((&place, out), at) in found.iter().zip(out).zip(at) {
                    (*out, *at) = (lane[place as usize], place as i32);
                }
            }
        });
    }
    let [of_values, of_places] = [&types[0], &types[1]];
    smallvec::smallvec![turned_back(of_values, values, axis), turned_back(of_places, places, axis)]
}

/// For each lane the places of its k largest, in order.
fn find<T: Key>(all: &[T], n: usize, k: usize) -> Vec<u32> {
    assert!(i32::try_from(n).is_ok(), "top_k: {n} elements along the axis");
    let lanes = all.len() / n;
    let pieces = par::pieces_of(n as f64).min(par::threads());
    if n >= LONG && lanes < 2 * par::threads() && pieces > 1 && k < n / 16 {
        let size = n.div_ceil(pieces);
        let of_lane = |lane: &[T]| {
            let found = par::map(n.div_ceil(size), size as f64, |i| {
                let start = i * size;
                candidates(&lane[start..n.min(start + size)], start, k)
            });
            best::<T>(found.concat(), k)
        };
        return all.chunks(n).flat_map(of_lane).collect();
    }
    let mut places = vec![0; lanes * k];
    par::chunks(&mut places, k, n as f64 + 20.0 * k as f64, |first, places| {
        for (i, places) in places.chunks_mut(k).enumerate() {
            let start = (first + i) * n;
            places.copy_from_slice(&best::<T>(candidates(&all[start..start + n], 0, k), k));
        }
    });
    places
}

fn candidate(key: impl Bits, place: usize) -> u128 {
    (!key.wide() as u128) << 32 | place as u128
}

/// Places of the k best, in order.
fn best<T: Key>(mut found: Vec<u128>, k: usize) -> Vec<u32> {
    found.sort_unstable();
    found.truncate(k);
    found.into_iter().map(|x| x as u32).collect()
}

/// At most 2k elements, the k largest among them; the part starts at this place.
fn candidates<T: Key>(part: &[T], start: usize, k: usize) -> Vec<u128> {
    let full = (2 * k).max(256);
    let mut found: Vec<u128> = Vec::with_capacity((full + BLOCK).min(part.len()));
    let mut least: Option<T::Bits> = None;
    for (i, block) in part.chunks(BLOCK).enumerate() {
        if least.is_some_and(|least| !vectorized(Any { block, least })) {
            continue;
        }
        for (x, place) in block.iter().zip(start + i * BLOCK..) {
            let key = x.key();
            if least.is_none_or(|least| key > least) {
                found.push(candidate(key, place));
            }
        }
        if found.len() >= full {
            // Later ones equal to the k-th lose against it.
            let kth = *found.select_nth_unstable(k - 1).1 as u32 as usize - start;
            found.truncate(k);
            least = Some(part[kth].key());
        }
    }
    found
}

/// Whether any key is above the least.
struct Any<'a, T: Key> {
    block: &'a [T],
    least: T::Bits,
}

impl<T: Key> Loop for Any<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        self.block.iter().fold(false, |any, x| any | (x.key() > self.least))
    }
}
