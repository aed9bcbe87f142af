//! What kernels are compared with: the plain loop one would write over slices, and the plain copy.
//!
//! Both run on as many threads as the backend, write into warm memory that they own, and stay on one thread where the
//! work is too small for more.

use crate::measure::Work;
use rayon::prelude::*;
use std::hint::black_box;

/// Elements below which a loop is not divided.
const PIECE: usize = 8 << 10;

/// The elements of a piece: four pieces a thread.
fn piece(n: usize) -> usize {
    n.div_ceil(4 * rayon::current_num_threads()).max(PIECE)
}

/// `f(first element, piece of out)` on the pieces of `out`, on all threads.
fn pieces<U: Send>(out: &mut [U], f: impl Fn(usize, &mut [U]) + Sync) {
    let size = piece(out.len());
    if size >= out.len() {
        return f(0, out);
    }
    out.par_chunks_mut(size).enumerate().for_each(|(i, out)| f(i * size, out));
}

/// `f` of every element.
pub fn map<T, U>(x: Vec<T>, f: impl Fn(T) -> U + Sync + 'static) -> Work
where
    T: Copy + Sync + 'static,
    U: Copy + Default + Send + 'static,
{
    let mut out = vec![U::default(); x.len()];
    Box::new(move || {
        pieces(black_box(&mut out), |first, out| {
            for (out, &x) in out.iter_mut().zip(&x[first..]) {
                *out = f(x);
            }
        })
    })
}

/// `f` of every pair of elements.
pub fn zip<T, U>(x: Vec<T>, y: Vec<T>, f: impl Fn(T, T) -> U + Sync + 'static) -> Work
where
    T: Copy + Sync + 'static,
    U: Copy + Default + Send + 'static,
{
    let mut out = vec![U::default(); x.len()];
    Box::new(move || {
        pieces(black_box(&mut out), |first, out| {
            for ((out, &x), &y) in out.iter_mut().zip(&x[first..]).zip(&y[first..]) {
                *out = f(x, y);
            }
        })
    })
}

/// `f(row of x, row of out)` on all rows of `columns` elements, where an output row has `wide` elements.
pub fn rows<T, U>(x: Vec<T>, columns: usize, wide: usize, f: impl Fn(&[T], &mut [U]) + Sync + 'static) -> Work
where
    T: Copy + Sync + 'static,
    U: Copy + Default + Send + 'static,
{
    let rows = x.len() / columns;
    let mut out = vec![U::default(); rows * wide];
    let size = piece(x.len()).div_ceil(columns);
    Box::new(move || {
        let each = |(x, out): (&[T], &mut [U])| {
            x.chunks_exact(columns).zip(out.chunks_exact_mut(wide)).for_each(|(x, out)| f(x, out))
        };
        let out = black_box(&mut out[..]);
        if size >= rows {
            return each((&x, out));
        }
        x.par_chunks(size * columns).zip(out.par_chunks_mut(size * wide)).for_each(each)
    })
}

/// All elements folded by `f`: each piece from `start`, then the pieces.
pub fn fold(x: Vec<f32>, start: f32, f: impl Fn(f32, f32) -> f32 + Sync + Send + 'static) -> Work {
    Box::new(move || {
        let x = black_box(&x[..]);
        let all = |x: &[f32]| x.iter().fold(start, |a, &x| f(a, x));
        let size = piece(x.len());
        black_box(match size >= x.len() {
            true => all(x),
            false => x.par_chunks(size).map(all).reduce(|| start, &f),
        });
    })
}

/// Bytes below which a copy is not divided: waking threads would take as long.
const COPY_PIECE: usize = 1 << 20;

/// A plain copy into warm memory that reads and writes `moved` bytes together.
pub fn copy(moved: usize) -> Work {
    // Ones, for fresh zeros would all be read from one page of the system's.
    let (from, mut to) = (vec![1u8; moved / 2], vec![2u8; moved / 2]);
    let size = from.len().div_ceil(rayon::current_num_threads()).max(COPY_PIECE);
    Box::new(move || {
        let (from, to) = (black_box(&from[..]), black_box(&mut to[..]));
        match size >= from.len() {
            true => to.copy_from_slice(from),
            false => to
                .par_chunks_mut(size)
                .zip(from.par_chunks(size))
                .for_each(|(to, from)| to.copy_from_slice(from)),
        }
    })
}
