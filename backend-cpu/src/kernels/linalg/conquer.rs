//! What is made of the vectors of two blocks when a band matrix has been divided ([`super::tridiagonal`],
//! [`super::bidiagonal`]): some stay, the others are mixed by a product.
//!
//! Vectors lie in rows. Those of a block are within its columns; the other elements of its rows may hold anything.

use super::householder::norm;
use super::loops::transpose;
use super::next;
use super::real::{Real, product, rows};
use crate::gemm::Matrix;
use crate::pool::scratch;
use std::sync::Mutex;

/// Rows of a block that is not divided.
pub const LEAF: usize = 32;

/// Rounding errors in what is negligible.
pub fn tolerance<T: Real>(most: T) -> T {
    T::TWO * T::TWO * T::EPSILON * most
}

/// What a vector is made of: the block before, the one behind, or both.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Before,
    Both,
    Behind,
}

/// Which vectors stay as they are, and how the others are mixed.
pub struct Deflated {
    /// Those that do not stay: first those that are before alone, then of both, then behind alone.
    pub mixed: Vec<usize>,
    /// The places of these by value.
    pub order: Vec<usize>,
    pub stay: Vec<usize>,
    before: usize,
    both: usize,
}

/// Finds vectors that stay, since z is negligible there, or is made so by a rotation (of which `rotate` is told, as in
/// [`super::loops::rotate_rows`]) of two whose values are close. The `pinned` one, of the least value, does not stay.
pub fn deflate<T: Real>(
    d: &mut [T],
    z: &mut [T],
    rho: T,
    kinds: &mut [Kind],
    pinned: Option<usize>,
    tolerance: T,
    mut rotate: impl FnMut(usize, usize, T, T),
) -> Deflated {
    let n = d.len();
    let mut all: Vec<usize> = (0..n).filter(|&i| Some(i) != pinned).collect();
    all.sort_by(|&i, &j| d[i].partial_cmp(&d[j]).expect("they are numbers"));
    let (mut kept, mut stay) = (Vec::with_capacity(n), Vec::with_capacity(n));
    kept.extend(pinned);
    let mut last: Option<usize> = None;
    for i in all {
        if rho * z[i].abs() <= tolerance {
            stay.push(i);
            continue;
        }
        let Some(p) = last.replace(i) else { continue };
        let length = norm(&[z[i], z[p]]);
        let (c, s) = (z[i] / length, z[p] / length);
        if ((d[i] - d[p]) * c * s).abs() > tolerance {
            kept.push(p);
            continue;
        }
        (z[p], z[i]) = (T::ZERO, length);
        (d[p], d[i]) = (d[p] * (c * c) + d[i] * (s * s), d[p] * (s * s) + d[i] * (c * c));
        if kinds[p] != kinds[i] {
            (kinds[p], kinds[i]) = (Kind::Both, Kind::Both);
        }
        rotate(p, i, c, -s);
        stay.push(p);
    }
    kept.extend(last);
    let mut by_kind: Vec<usize> = (0..kept.len()).collect();
    by_kind.sort_by_key(|&i| kinds[kept[i]]);
    let mut order = vec![0; kept.len()];
    by_kind.iter().enumerate().for_each(|(place, &i)| order[i] = place);
    let mixed: Vec<usize> = by_kind.iter().map(|&i| kept[i]).collect();
    let count = |kind: Kind| mixed.iter().filter(|&&i| kinds[i] == kind).count();
    let (before, both) = (count(Kind::Before), count(Kind::Both));
    Deflated { mixed, order, stay, before, both }
}

impl Deflated {
    /// The vectors of the larger block: products of `coefficients` with those that are mixed, then those that stay.
    /// Vectors have `width` elements, of which those of the block before are above `split`.
    #[allow(clippy::too_many_arguments)]
    pub fn mix<T: Real>(
        &self,
        coefficients: &[T],
        x: &[T],
        split: usize,
        width: usize,
        out: &mut [T],
        stride: usize,
        threads: bool,
    ) {
        let k = self.mixed.len();
        if k > 0 {
            let (upper, lower) = (self.before + self.both, k - self.before);
            let mut space = scratch((upper * split + lower * (width - split)) * size_of::<T>());
            let (first, second) = space.as_mut_slice::<T>().split_at_mut(upper * split);
            for (to, &i) in first.chunks_mut(split.max(1)).zip(&self.mixed) {
                to.copy_from_slice(&x[i * stride..][..split]);
            }
            for (to, &i) in second.chunks_mut(width - split).zip(&self.mixed[self.before..]) {
                to.copy_from_slice(&x[i * stride + split..][..width - split]);
            }
            let by: Matrix<'_, T> = rows(coefficients, k);
            product([k, upper, split], out, stride, by, rows(&*first, split), threads);
            let (by, second) = (by.at_column(self.before), rows(&*second, width - split));
            product([k, lower, width - split], &mut out[split..], stride, by, second, threads);
        }
        for (to, &i) in out.chunks_mut(stride).skip(k).zip(&self.stay) {
            to[..width].copy_from_slice(&x[i * stride..][..width]);
        }
    }

    /// These elements of what is mixed.
    pub fn of<T: Real>(&self, x: &[T]) -> Vec<T> {
        self.mixed.iter().map(|&i| x[i]).collect()
    }
}

/// Two rows of a matrix, of the first `width` elements.
pub fn two_rows<T>(
    x: &mut [T],
    stride: usize,
    one: usize,
    other: usize,
    width: usize,
) -> (&mut [T], &mut [T]) {
    let (low, high) = (one.min(other), one.max(other));
    let (upper, lower) = x.split_at_mut(high * stride);
    let (low, high) = (&mut upper[low * stride..][..width], &mut lower[..width]);
    if one < other { (low, high) } else { (high, low) }
}

/// Writes n rows in this order as the columns of an n x n matrix.
pub fn ordered<T: Real>(x: &[T], n: usize, order: &[usize], out: &mut [T]) {
    const STRIP: usize = 32;
    let mut space = scratch(STRIP * n * size_of::<T>());
    let strip = &mut space.as_mut_slice::<T>()[..STRIP * n];
    for (first, from) in (0..n).step_by(STRIP).zip(order.chunks(STRIP)) {
        for (to, &i) in strip.chunks_mut(n).zip(from) {
            to.copy_from_slice(&x[i * n..(i + 1) * n]);
        }
        transpose(&mut out[first..], n, strip, n, from.len(), n);
    }
}

/// A slice that one of many takes.
pub type Part<'a, T> = Mutex<&'a mut [T]>;

/// Parts of such lengths.
pub fn parts<T>(mut x: &mut [T], lengths: impl Iterator<Item = usize>) -> Vec<Part<'_, T>> {
    lengths.map(|n| Mutex::new(next(&mut x, n))).collect()
}

/// Takes a part, which comes once.
pub fn take<'a, T>(part: &Part<'a, T>) -> &'a mut [T] {
    std::mem::take(&mut *part.lock().unwrap_or_else(|e| e.into_inner()))
}
