//! Eigenvectors of tridiagonal matrices by dividing them (Cuppen 1981): without one pair of elements beside the
//! diagonal a matrix falls into two, of whose eigenvectors its own are made by the secular equation and a product.

use super::conquer::{Kind, LEAF, deflate, parts, take, tolerance, two_rows};
use super::eigh::diagonalise;
use super::loops::{largest, rotate_rows};
use super::real::Real;
use super::secular::Secular;
use super::sweeps::Rotated;
use crate::par;
use crate::pool::scratch;

/// The eigenvalues of the tridiagonal matrix with this diagonal and these elements beside it, in place of the diagonal and
/// in no order, and their vectors in the rows of `q`. `e` is overwritten. False where the iteration does not converge.
pub fn eigen<T: Real>(d: &mut [T], e: &mut [T], q: &mut [T], threads: bool) -> bool {
    let n = d.len();
    let most = [largest(d), largest(e)].map(|x| x.unwrap_or(T::ZERO));
    let most = if most[0] > most[1] { most[0] } else { most[1] };
    if most == T::ZERO {
        q.fill(T::ZERO);
        (0..n).for_each(|i| q[i * n + i] = T::ONE);
        return true;
    }
    // Squares of small differences stay normal.
    let unit = most.power_of_two();
    d.iter_mut().chain(&mut *e).for_each(|x| *x = *x / unit);
    let leaves = n.div_ceil(LEAF).next_power_of_two();
    let bound = |i: usize, of: usize| i * (leaves / of) * n / leaves;
    let lengths = |of: usize, each: usize| (0..of).map(move |i| (bound(i + 1, of) - bound(i, of)) * each);
    // Where it is divided a pair is taken away and, from the diagonal, as much.
    for at in (1..leaves).map(|i| bound(i, leaves)) {
        (d[at - 1], d[at]) = (d[at - 1] - e[at - 1].abs(), d[at] - e[at - 1].abs());
    }
    let mut space = scratch(n * n * size_of::<T>());
    let (mut from, mut to) = (q, &mut space.as_mut_slice::<T>()[..n * n]);
    // The result is in `q` after as many exchanges as there are levels.
    if leaves.trailing_zeros() % 2 == 1 {
        std::mem::swap(&mut from, &mut to);
    }
    let work = |of: usize| if threads { 0.05 * (n as f64 / of as f64).powi(3) + 1e4 } else { 0.0 };
    let (ds, qs) = (parts(d, lengths(leaves, 1)), parts(from, lengths(leaves, n)));
    let fine: Vec<bool> = par::map(leaves, work(leaves), |i| {
        let (d, q, first) = (take(&ds[i]), take(&qs[i]), bound(i, leaves));
        leaf(d, &e[first..], &mut q[first..], n)
    });
    drop((ds, qs));
    if fine.contains(&false) {
        return false;
    }
    let mut of = leaves;
    while of > 1 {
        of /= 2;
        let (ds, qs) = (parts(d, lengths(of, 1)), parts(from, lengths(of, n)));
        let outs = parts(to, lengths(of, n));
        par::each(of, work(of), |i| {
            let (d, q, out) = (take(&ds[i]), take(&qs[i]), take(&outs[i]));
            let (first, middle) = (bound(i, of), bound(2 * i + 1, 2 * of));
            let (q, out) = (&mut q[first..], &mut out[first..]);
            merge(d, middle - first, e[middle - 1], q, out, n, threads && of == 1);
        });
        drop((ds, qs, outs));
        std::mem::swap(&mut from, &mut to);
    }
    d.iter_mut().for_each(|x| *x = *x * unit);
    true
}

/// A block by implicit QL.
fn leaf<T: Real>(d: &mut [T], e: &[T], q: &mut [T], stride: usize) -> bool {
    let n = d.len();
    let mut off = [T::ZERO; LEAF];
    off[..n - 1].copy_from_slice(&e[..n - 1]);
    let mut identity = [T::ZERO; LEAF * LEAF];
    (0..n).for_each(|i| identity[i * n + i] = T::ONE);
    let mut z = Rotated::transposed(&identity[..n * n], n, n);
    let found = diagonalise(d, &mut off[..n], &mut z, false);
    z.apply(false);
    z.write_rows(q, stride);
    found
}

/// The eigenvalues and vectors of two blocks, of which the first has `middle` rows, with the pair `rho` between them:
/// from `d` and `q` to `d` and `out`.
fn merge<T: Real>(
    d: &mut [T],
    middle: usize,
    rho: T,
    q: &mut [T],
    out: &mut [T],
    stride: usize,
    threads: bool,
) {
    let n = d.len();
    for (i, row) in q.chunks_mut(stride).take(n).enumerate() {
        row[if i < middle { middle..n } else { 0..middle }].fill(T::ZERO);
    }
    // D + 2 |rho| z zᵀ, with z of length 1.
    let half = (T::ONE / T::TWO).sqrt();
    let of = |i: usize| match i < middle {
        true => q[i * stride + middle - 1] * half,
        false => q[i * stride + middle] * half.with_sign(rho),
    };
    let mut z: Vec<T> = (0..n).map(of).collect();
    let rho = T::TWO * rho.abs();
    let mut kinds: Vec<Kind> = (0..n).map(|i| if i < middle { Kind::Before } else { Kind::Behind }).collect();
    let most = d.iter().chain(&z).fold(T::EPSILON, |most, x| if x.abs() > most { x.abs() } else { most });
    let deflated = deflate(d, &mut z, rho, &mut kinds, None, tolerance(most), |p, i, c, s| {
        let (x, y) = two_rows(q, stride, p, i, n);
        rotate_rows(x, y, c, s);
    });
    let (poles, z) = (deflated.of(d), deflated.of(&z));
    let secular = Secular { d: &poles, z: &z, rho, order: &deflated.order, squares: false };
    let roots = secular.roots(threads);
    let k = roots.len();
    let mut space = scratch(k * k * size_of::<T>());
    let coefficients = &mut space.as_mut_slice::<T>()[..k * k];
    secular.vectors(&roots, &secular.weights(&roots, threads), None, coefficients, threads);
    deflated.mix(coefficients, q, middle, n, out, stride, threads);
    let values = roots.iter().map(|root| root.value()).chain(deflated.stay.iter().map(|&i| d[i]));
    let values: Vec<T> = values.collect();
    d.copy_from_slice(&values);
}
