//! Singular vectors of upper bidiagonal matrices by dividing them (Gu and Eisenstat 1995): without one row a matrix falls
//! into two, of whose vectors, and that row, its own are made by the secular equation of squares and products.
//!
//! A block has a column more than rows, but for the last one. Its right vectors are as many as its columns; the last of
//! them is then the one that it takes to 0.

use super::conquer::{Kind, LEAF, deflate, parts, take, tolerance, two_rows};
use super::householder::norm;
use super::loops::{largest, rotate_rows};
use super::real::Real;
use super::secular::Secular;
use super::svd::diagonalise;
use super::sweeps::{Rotated, rotation};
use crate::par;
use crate::pool::scratch;

/// The singular values of the square matrix with this diagonal and these elements above it, in place of the diagonal and
/// in no order, and their vectors in the rows of `u` and `v`. `e` is overwritten. False where the iteration does not
/// converge.
pub fn singular<T: Real>(d: &mut [T], e: &mut [T], u: &mut [T], v: &mut [T], threads: bool) -> bool {
    let n = d.len();
    let most = [largest(d), largest(e)].map(|x| x.unwrap_or(T::ZERO));
    let most = if most[0] > most[1] { most[0] } else { most[1] };
    if most == T::ZERO {
        for x in [u, v] {
            x.fill(T::ZERO);
            (0..n).for_each(|i| x[i * n + i] = T::ONE);
        }
        return true;
    }
    // Squares of small differences stay normal.
    let unit = most.power_of_two();
    d.iter_mut().chain(&mut *e).for_each(|x| *x = *x / unit);
    // With the row that is left out each but the last block has at most as many columns.
    let leaves = (n + 1).div_ceil(LEAF).next_power_of_two();
    let bound = |i: usize, of: usize| i * (leaves / of) * (n + 1) / leaves;
    // A block ends with the row that divides it from the next.
    let lengths =
        |of: usize, each: usize| (0..of).map(move |i| (bound(i + 1, of).min(n) - bound(i, of)) * each);
    let mut space = scratch(2 * n * n * size_of::<T>());
    let (other_u, other_v) = space.as_mut_slice::<T>()[..2 * n * n].split_at_mut(n * n);
    let (mut from, mut to) = ([u, v], [other_u, other_v]);
    // The results are in `u` and `v` after as many exchanges as there are levels.
    if leaves.trailing_zeros() % 2 == 1 {
        std::mem::swap(&mut from, &mut to);
    }
    let work = |of: usize| if threads { 0.1 * (n as f64 / of as f64).powi(3) + 1e4 } else { 0.0 };
    let mut of = leaves;
    let dividing: Vec<T> = d.to_vec();
    loop {
        let ds = parts(d, lengths(of, 1));
        let [us, vs] = from.each_mut().map(|x| parts(x, lengths(of, n)));
        let [out_u, out_v] = to.each_mut().map(|x| parts(x, lengths(of, n)));
        let fine = par::map(of, work(of), |i| {
            let (d, u, v) = (take(&ds[i]), take(&us[i]), take(&vs[i]));
            let (first, end) = (bound(i, of), bound(i + 1, of));
            let (u, v) = (&mut u[first..], &mut v[first..]);
            // All but the last block have a column more than rows.
            let rows = end - 1 - first;
            let d = &mut d[..rows];
            let wide = i + 1 < of;
            if of == leaves {
                return leaf(d, &e[first..], wide, u, v, n);
            }
            let (out_u, out_v) = (&mut take(&out_u[i])[first..], &mut take(&out_v[i])[first..]);
            let middle = bound(2 * i + 1, 2 * of) - 1;
            let row = [dividing[middle], e[middle]];
            merge(d, middle - first, row, wide, [u, v], [out_u, out_v], n, threads && of == 1);
            true
        });
        drop((ds, us, vs, out_u, out_v));
        if fine.contains(&false) {
            return false;
        }
        if of < leaves {
            std::mem::swap(&mut from, &mut to);
        }
        if of == 1 {
            break;
        }
        of /= 2;
    }
    d.iter_mut().for_each(|x| *x = *x * unit);
    true
}

/// A block by implicit QR.
fn leaf<T: Real>(d: &mut [T], e: &[T], wide: bool, u: &mut [T], v: &mut [T], stride: usize) -> bool {
    let n = d.len();
    let columns = n + wide as usize;
    let mut off = [T::ZERO; LEAF];
    off[..columns.max(1) - 1].copy_from_slice(&e[..columns.max(1) - 1]);
    // Identities; the transpose of the right one is turned.
    let mut left = [T::ZERO; LEAF * LEAF];
    let mut right = [T::ZERO; LEAF * LEAF];
    (0..n).for_each(|i| left[i * n + i] = T::ONE);
    (0..columns).for_each(|i| right[i * columns + i] = T::ONE);
    if wide {
        // The column behind is rotated away: into each row's own, from the last row up.
        let mut rest = if n > 0 { std::mem::replace(&mut off[n - 1], T::ZERO) } else { T::ZERO };
        for i in (0..n).rev() {
            if rest == T::ZERO {
                break;
            }
            let (c, s, r) = rotation(d[i], rest);
            d[i] = r;
            if i > 0 {
                (off[i - 1], rest) = (c * off[i - 1], -(s * off[i - 1]));
            }
            for row in right[..columns * columns].chunks_mut(columns) {
                (row[i], row[n]) = (c * row[i] + s * row[n], c * row[n] - s * row[i]);
            }
        }
    }
    let mut zu = Rotated::transposed(&left[..n * n], n, n);
    let mut zv = Rotated::transposed(&right[..columns * columns], columns, columns);
    let found = diagonalise(d, &mut off[..n], &mut zu, &mut zv, false);
    zu.apply(false);
    zv.apply(false);
    zu.write_rows(u, stride);
    zv.write_rows(v, stride);
    for (d, row) in d.iter_mut().zip(v.chunks_mut(stride)) {
        if *d < T::ZERO {
            *d = -*d;
            row[..columns].iter_mut().for_each(|x| *x = -*x);
        }
    }
    found
}

/// The singular values and vectors of two blocks, of which the first has `middle` rows, with a row of two elements between
/// them: from `d`, `u` and `v` to `d` and `out`.
#[allow(clippy::too_many_arguments)]
fn merge<T: Real>(
    d: &mut [T],
    middle: usize,
    row: [T; 2],
    wide: bool,
    [u, v]: [&mut [T]; 2],
    [out_u, out_v]: [&mut [T]; 2],
    stride: usize,
    threads: bool,
) {
    let n = d.len();
    let columns = n + wide as usize;
    for (i, row) in u.chunks_mut(stride).take(n).enumerate() {
        row[if i < middle { middle..n } else { 0..middle + (i > middle) as usize }].fill(T::ZERO);
    }
    u[middle * stride..][..n].fill(T::ZERO);
    u[middle * stride + middle] = T::ONE;
    for (i, row) in v.chunks_mut(stride).take(columns).enumerate() {
        row[if i <= middle { middle + 1..columns } else { 0..middle + 1 }].fill(T::ZERO);
    }
    // Between the vectors it is a diagonal, of which the element in the middle is 0, with z as the row in the middle.
    d[middle] = T::ZERO;
    let of = |i: usize| match i <= middle {
        true => row[0] * v[i * stride + middle],
        false => row[1] * v[i * stride + middle + 1],
    };
    let mut z: Vec<T> = (0..columns).map(of).collect();
    let mut kinds: Vec<Kind> = (0..n).map(|i| if i < middle { Kind::Before } else { Kind::Behind }).collect();
    kinds[middle] = Kind::Both;
    if let Some(last) = z.get(n).copied() {
        // Of the two vectors that the blocks take to 0 one is left.
        let (c, s, r) = rotation(z[middle], last);
        z[middle] = r;
        z.truncate(n);
        let (x, y) = two_rows(v, stride, middle, n, columns);
        rotate_rows(x, y, c, s);
        out_v[n * stride..][..columns].copy_from_slice(&v[n * stride..][..columns]);
    }
    // Of the whole matrix, whose largest element is about 1.
    let tolerance = tolerance(T::ONE);
    if z[middle].abs() < tolerance {
        z[middle] = tolerance.with_sign(z[middle]);
    }
    let deflated = deflate(d, &mut z, T::ONE, &mut kinds, Some(middle), tolerance, |p, i, c, s| {
        for (x, width) in [(&mut *u, n), (&mut *v, columns)] {
            let (x, y) = two_rows(x, stride, p, i, width);
            rotate_rows(x, y, c, s);
        }
    });
    let (mut poles, mut z) = (deflated.of(d), deflated.of(&z));
    let half = tolerance / T::TWO;
    if let Some(&least) = deflated.order.get(1).filter(|&&i| poles[i] < half) {
        poles[least] = half;
    }
    let length = norm(&z);
    z.iter_mut().for_each(|x| *x = *x / length);
    let secular = Secular { d: &poles, z: &z, rho: length * length, order: &deflated.order, squares: true };
    let roots = secular.roots(threads);
    let k = roots.len();
    let mut space = scratch(k * k * size_of::<T>());
    let coefficients = &mut space.as_mut_slice::<T>()[..k * k];
    let mut weights = secular.weights(&roots, threads);
    secular.vectors(&roots, &weights, None, coefficients, threads);
    deflated.mix(coefficients, v, middle + 1, columns, out_v, stride, threads);
    weights.iter_mut().zip(&poles).for_each(|(x, &d)| *x = *x * d);
    secular.vectors(&roots, &weights, Some(deflated.order[0]), coefficients, threads);
    deflated.mix(coefficients, u, middle, n, out_u, stride, threads);
    let values = roots.iter().map(|root| root.value()).chain(deflated.stay.iter().map(|&i| d[i]));
    let values: Vec<T> = values.collect();
    d.copy_from_slice(&values);
}
