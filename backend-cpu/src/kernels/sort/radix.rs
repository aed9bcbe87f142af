//! Stable sorting digit by digit, the last one first, each by a pass that deals the elements out to 256 buckets.
//!
//! Threads take pieces of the lane. A piece's elements of one digit go, in order, behind those of the pieces before it:
//! its buckets are disjoint parts of the output, known when all have counted. So the result does not depend on the
//! number of pieces.

use crate::par;
use bytemuck::Pod;
use std::slice::IterMut;
use std::sync::Mutex;

/// How many elements have each digit.
type Counts = [u32; 256];

/// Sorts by `digits` digits, of which number 0 is the last; in so many pieces. `spare` is as long as `lane`.
pub(super) fn sort<E: Pod + Send + Sync>(
    lane: &mut [E],
    spare: &mut [E],
    digits: usize,
    pieces: usize,
    digit: impl Fn(&E, usize) -> u8 + Sync,
) {
    let n = lane.len();
    let size = n.div_ceil(pieces.max(1)).max(1);
    let (mut from, mut to) = (lane, spare);
    let mut turned = false;
    for i in 0..digits {
        let digit = |x: &E| digit(x, i);
        if pass(from, to, size, &digit) {
            std::mem::swap(&mut from, &mut to);
            turned = !turned;
        }
    }
    if turned {
        // What is sorted lies in the spare part.
        let work = if pieces > 1 { 0.2 } else { 0.0 };
        par::chunks(to, 1, work, |first, to| to.copy_from_slice(&from[first..first + to.len()]));
    }
}

/// One pass in pieces of `size` elements; whether it moved anything: it does not where all have one digit.
fn pass<E: Pod + Send + Sync>(
    from: &[E],
    to: &mut [E],
    size: usize,
    digit: &(impl Fn(&E) -> u8 + Sync),
) -> bool {
    let all: Vec<&[E]> = from.chunks(size).collect();
    let work = if all.len() > 1 { 5.0 * size as f64 } else { 0.0 };
    let counts = par::map(all.len(), work, |piece| count(all[piece], digit));
    let total = |d: u8| counts.iter().map(|c| c[d as usize] as usize).sum::<usize>();
    if from.first().is_none_or(|x| total(digit(x)) == from.len()) {
        return false;
    }
    let mut buckets: Vec<Vec<IterMut<'_, E>>> = all.iter().map(|_| Vec::with_capacity(256)).collect();
    let mut rest = to;
    for d in 0..256 {
        for (buckets, counts) in buckets.iter_mut().zip(&counts) {
            let (bucket, behind) = rest.split_at_mut(counts[d] as usize);
            buckets.push(bucket.iter_mut());
            rest = behind;
        }
    }
    let buckets: Vec<_> = buckets.into_iter().map(|b| Mutex::new(Some(b))).collect();
    par::each(all.len(), work, |piece| {
        let own = buckets[piece].lock().unwrap_or_else(|e| e.into_inner()).take();
        let own: Box<[IterMut<'_, E>]> = own.expect("every piece comes once").into_boxed_slice();
        let mut own: Box<[IterMut<'_, E>; 256]> = own.try_into().ok().expect("256 buckets");
        for x in all[piece] {
            *own[digit(x) as usize].next().expect("it was counted") = *x;
        }
    });
    true
}

fn count<E>(piece: &[E], digit: &impl Fn(&E) -> u8) -> Counts {
    // Two tables: neighbours with one digit do not wait for each other.
    let mut counts = [[0u32; 256]; 2];
    let mut pairs = piece.chunks_exact(2);
    for pair in &mut pairs {
        counts[0][digit(&pair[0]) as usize] += 1;
        counts[1][digit(&pair[1]) as usize] += 1;
    }
    for x in pairs.remainder() {
        counts[0][digit(x) as usize] += 1;
    }
    let [mut sum, other] = counts;
    sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
    sum
}
