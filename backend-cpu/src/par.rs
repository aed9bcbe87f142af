//! The one seam over rayon: whether work is divided, and into what.
//!
//! Work is estimated in nanoseconds. Below [`SERIAL`] it stays on the caller's thread, where waking others would cost
//! more than it gives; above, it is cut into a few pieces a thread, none shorter than a quarter of that. Nested calls
//! share rayon's one pool, so they never start more threads. No result depends on how work was divided: pieces write
//! disjoint outputs, or are cut by length alone ([`pieces`]) and combined in order.

use bytemuck::{Pod, cast_slice_mut};
use rayon::prelude::*;
use std::sync::OnceLock;

/// Work below this many nanoseconds is done where it is.
const SERIAL: f64 = 25_000.0;

/// How many units of `total` one piece has; all of them where the work is done serially.
fn piece(total: usize, work: f64) -> usize {
    let all = total as f64 * work;
    let threads = if all < SERIAL { 1 } else { rayon::current_num_threads() };
    if threads == 1 {
        return total.max(1);
    }
    let pieces = ((all / (SERIAL / 4.0)) as usize).clamp(1, threads * 4);
    total.div_ceil(pieces).max(1)
}

/// Into how many pieces work of so many nanoseconds is cut; 1 where it stays on the caller's thread.
pub fn pieces_of(nanoseconds: f64) -> usize {
    let threads = if nanoseconds < SERIAL { 1 } else { rayon::current_num_threads() };
    if threads == 1 { 1 } else { ((nanoseconds / (SERIAL / 4.0)) as usize).clamp(1, threads * 4) }
}

/// Calls `f` for every piece below `n`, in any order, on all threads.
pub fn pieces(n: usize, f: &(dyn Fn(usize) + Sync)) {
    index_chunks(n, 1, f);
}

/// Calls `f(first unit, units)` on pieces of `out`, whose every `unit` elements stay together and take `work`
/// nanoseconds.
pub fn chunks<T: Pod>(out: &mut [T], unit: usize, work: f64, f: impl Fn(usize, &mut [T]) + Sync) {
    let units = out.len() / unit.max(1);
    if units == 0 {
        return;
    }
    let size = piece(units, work);
    if size >= units {
        return f(0, out);
    }
    let bytes = size * unit * size_of::<T>();
    byte_chunks(cast_slice_mut(out), bytes, &|i, chunk| f(i * size, cast_slice_mut(chunk)));
}

/// Calls `f` on every index below `n`, in any order; each takes `work` nanoseconds.
pub fn each(n: usize, work: f64, f: impl Fn(usize) + Sync) {
    let size = piece(n, work);
    if size >= n {
        return (0..n).for_each(f);
    }
    index_chunks(n, size, &f);
}

/// What `f` gives for each index below `n`, in order; each takes `work` nanoseconds.
pub fn map<R: Send + Sync>(n: usize, work: f64, f: impl Fn(usize) -> R + Sync) -> Vec<R> {
    if piece(n, work) >= n {
        return (0..n).map(f).collect();
    }
    let slots: Vec<OnceLock<R>> = (0..n).map(|_| OnceLock::new()).collect();
    each(n, work, |i| {
        let first = slots[i].set(f(i)).is_ok();
        debug_assert!(first, "every index comes once");
    });
    slots.into_iter().map(|slot| slot.into_inner().expect("every index came")).collect()
}

// Rayon's machinery is compiled for these two alone: its generics, for each kernel, would be most of the crate.

fn byte_chunks(out: &mut [u8], bytes: usize, f: &(dyn Fn(usize, &mut [u8]) + Sync)) {
    out.par_chunks_mut(bytes).enumerate().for_each(|(i, chunk)| f(i, chunk));
}

fn index_chunks(n: usize, size: usize, f: &(dyn Fn(usize) + Sync)) {
    (0..n).into_par_iter().with_min_len(size).for_each(f);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_is_visited_once_with_its_place() {
        for (n, unit, work) in [(0, 1, 1.0), (5, 1, 1.0), (1000, 1, 1e3), (999, 3, 1e4), (1 << 16, 16, 1e3)] {
            let mut out = vec![0usize; n];
            chunks(&mut out, unit, work, |first, chunk| {
                for (i, x) in chunk.iter_mut().enumerate() {
                    *x += first * unit + i + 1;
                }
            });
            assert!(out.iter().enumerate().all(|(i, &x)| x == i + 1), "{n} {unit} {work}");
            assert_eq!(map(n, work, |i| i), (0..n).collect::<Vec<_>>());
        }
    }
}
