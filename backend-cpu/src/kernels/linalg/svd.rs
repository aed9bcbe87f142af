//! A = U diag(s) Vᵀ: to a square matrix by QR, to a bidiagonal one by reflections from both sides, in blocks; that one by
//! division ([`super::bidiagonal`]), down to small ones by implicit QR, with shifts of zero where others would cost small
//! singular values their accuracy (Demmel and Kahan 1990).

use super::bidiagonal;
use super::conquer::ordered;
use super::householder::{BLOCK, apply, apply_right, padded, qr, reflect_from, subtract_combination};
use super::loops::{LANES, largest, matrix_by_vector, scale, vector_by_matrix};
use super::real::{Real, product, rows, subtract_product};
use super::sweeps::{Rotated, rotation};
use crate::gemm::Matrix;
use crate::pool::scratch;

/// Sweeps for a singular value, at most, on average.
const SWEEPS: usize = 60;

/// The factors of the m x n matrix in `a`: U is m x j, s has min(m, n) elements, Vᵀ is k x n, where j and k are m and n if
/// `full`, else min(m, n). NaN where it is not finite.
#[allow(clippy::too_many_arguments)]
pub fn svd<T: Real>(
    a: &[T],
    m: usize,
    n: usize,
    full: bool,
    u: &mut [T],
    s: &mut [T],
    vt: &mut [T],
    threads: bool,
) {
    let least = m.min(n);
    if least == 0 {
        // What is left are the columns behind: those of the identity.
        for (x, n) in [(u, m), (vt, n)] {
            x.iter_mut().enumerate().for_each(|(i, x)| *x = if i / n == i % n { T::ONE } else { T::ZERO });
        }
        return;
    }
    let Some(most) = largest(a) else {
        [u, s, vt].into_iter().for_each(|x| x.fill(T::NAN));
        return;
    };
    // Of extreme numbers it is the matrix times a power of two, exactly.
    let extreme = most > T::ZERO && !(most > T::SMALL && most < T::ONE / T::SMALL);
    let unit = if extreme { most.power_of_two() } else { T::ONE };
    let scaled = |x: T| if extreme { x / unit } else { x };
    let found = if m == n {
        let mut space = scratch(n * n * size_of::<T>());
        let square = &mut space.as_mut_slice::<T>()[..n * n];
        square.iter_mut().zip(a).for_each(|(to, &x)| *to = scaled(x));
        of_square(square, n, u, s, vt, threads)
    } else {
        // A = Q R or Aᵀ = Q R, with a square R.
        let (tall, columns) = (m.max(n), if full { m.max(n) } else { least });
        let sizes = [tall * least, tall * columns, columns * least, least * least];
        let mut space = scratch(sizes.iter().sum::<usize>() * size_of::<T>());
        let (work, rest) = space.as_mut_slice::<T>().split_at_mut(sizes[0]);
        let (q, rest) = rest.split_at_mut(sizes[1]);
        let (r, rest) = rest.split_at_mut(sizes[2]);
        let inner = &mut rest[..sizes[3]];
        for (i, row) in work.chunks_mut(least).enumerate() {
            for (j, x) in row.iter_mut().enumerate() {
                *x = scaled(if m > n { a[i * n + j] } else { a[j * n + i] });
            }
        }
        qr(work, tall, least, columns, q, r, threads);
        let r = &mut r[..least * least];
        if m > n {
            let found = of_square(r, least, inner, s, vt, threads);
            // U is Q times the square factor; the columns behind stay.
            let size = [m, least, least];
            product(size, u, columns, rows(&*q, columns), rows(&*inner, least), threads);
            for (to, from) in u.chunks_mut(columns).zip(q.chunks(columns)) {
                to[least..].copy_from_slice(&from[least..]);
            }
            found
        } else {
            // A = Rᵀ Qᵀ; the square factors of R change sides.
            let mut other = scratch(least * least * size_of::<T>());
            let left = &mut other.as_mut_slice::<T>()[..least * least];
            let found = of_square(r, least, left, s, inner, threads);
            for i in 0..least {
                for j in 0..least {
                    u[i * least + j] = inner[j * least + i];
                }
            }
            let (left, q) = (rows(&*left, least).transposed(), rows(&*q, columns).transposed());
            product([least, least, n], vt, n, left, q, threads);
            for (i, row) in vt.chunks_mut(n).enumerate().skip(least) {
                row.iter_mut().enumerate().for_each(|(j, x)| *x = q.data[j * columns + i]);
            }
            found
        }
    };
    if !found {
        [u, s, vt].into_iter().for_each(|x| x.fill(T::NAN));
    } else if extreme {
        s.iter_mut().for_each(|x| *x = *x * unit);
    }
}

/// The factors of the n x n matrix in `a`, which is overwritten. False where the iteration does not converge.
fn of_square<T: Real>(a: &mut [T], n: usize, u: &mut [T], s: &mut [T], vt: &mut [T], threads: bool) -> bool {
    let mut space = scratch((2 * n * n + 3 * n) * size_of::<T>());
    let (left, rest) = space.as_mut_slice::<T>().split_at_mut(n * n);
    let (right, rest) = rest.split_at_mut(n * n);
    let (off, rest) = rest.split_at_mut(n);
    let (tau_left, rest) = rest.split_at_mut(n);
    let tau_right = &mut rest[..n.saturating_sub(1)];
    let (mut matrix, stride) = padded::<T>(n);
    let full = matrix.as_mut_slice::<T>();
    full.chunks_mut(stride).zip(a.chunks(n)).for_each(|(to, from)| to[..n].copy_from_slice(from));
    reduce(full, stride, n, left, right, s, off, tau_left, tau_right, threads);
    // The vectors take the places of the matrix, in rows.
    let vectors = &mut full[..n * n];
    let found = bidiagonal::singular(s, off, a, vectors, threads);
    if !found {
        return false;
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| s[j].partial_cmp(&s[i]).expect("they are numbers"));
    let sorted: Vec<T> = order.iter().map(|&i| s[i]).collect();
    s.copy_from_slice(&sorted);
    ordered(a, n, &order, u);
    apply(left, n, tau_left, 0, u, n, n, threads);
    for (row, &i) in vt.chunks_mut(n).zip(&order) {
        row.copy_from_slice(&vectors[i * n..(i + 1) * n]);
    }
    apply_right(right, n, tau_right, 1, vt, n, threads);
    true
}

/// Reduces a matrix ([`padded`]): its diagonal, what is above that, and the vectors of the reflections from both sides.
#[allow(clippy::too_many_arguments)]
pub fn reduce<T: Real>(
    a: &mut [T],
    stride: usize,
    n: usize,
    left: &mut [T],
    right: &mut [T],
    diagonal: &mut [T],
    off: &mut [T],
    tau_left: &mut [T],
    tau_right: &mut [T],
    threads: bool,
) {
    // Rows go on to a multiple of so many elements, and begin at one, where vectors have zeros: loops have no rests.
    let width = n.next_multiple_of(LANES);
    // Within a block the matrix is A - V Yᵀ - X Uᵀ. Rows of V and of X lie by turns, and those of Y and of U.
    let mut space = scratch((4 * BLOCK + 2) * width * size_of::<T>());
    let (all, rest) = space.as_mut_slice::<T>()[..(4 * BLOCK + 2) * width].split_at_mut(4 * BLOCK * width);
    let (column, row) = rest.split_at_mut(width);
    let mut by = [T::ZERO; 2 * BLOCK + 1];
    for first in (0..n).step_by(BLOCK) {
        let end = (first + BLOCK).min(n);
        let (vx, yu) = all.split_at_mut(2 * BLOCK * width);
        vx[..2 * (end - first) * width].fill(T::ZERO);
        yu[..2 * (end - first) * width].fill(T::ZERO);
        for j in first..end {
            let count = 2 * (j - first);
            let start = j - j % LANES;
            let column = &mut column[start..];
            let below = a[start * stride + j..].iter().step_by(stride).take(n - start);
            column.iter_mut().zip(below).for_each(|(c, &x)| *c = x);
            column[n - start..].fill(T::ZERO);
            subtract_combination(column, count, |l| yu[l * width + j], &vx[start..], width);
            column[..j - start].fill(T::ZERO);
            let (beta, t) = reflect_from(column, j - start);
            (diagonal[j], tau_left[j]) = (beta, t);
            let v = &mut vx[count * width..(count + 1) * width];
            v[start..].copy_from_slice(column);
            left[j * n..(j + 1) * n].copy_from_slice(&v[..n]);
            if j + 1 == n {
                off[j] = T::ZERO;
                break;
            }
            // y = tau (Aᵀ v - Y (Vᵀ v) - U (Xᵀ v))
            let next = (j + 1) - (j + 1) % LANES;
            let (top, below) = (j - j % 8, (j + 1) - (j + 1) % 8);
            let bottom = n.next_multiple_of(8);
            let (known, y) = yu.split_at_mut(count * width);
            let y = &mut y[next..width];
            vector_by_matrix(y, &column[top - start..bottom - start], &a[top * stride + next..], stride);
            matrix_by_vector(&mut by[..count], &vx[start..], width, column);
            subtract_combination(y, count, |l| by[l], &known[next.min(known.len())..], width);
            scale(y, t);
            // The row has this column's own part: its vector has a 1 at j.
            let row = &mut row[next..];
            row.copy_from_slice(&a[j * stride + next..][..width - next]);
            subtract_combination(row, count + 1, |l| vx[l * width + j], &yu[next..], width);
            row[..j + 1 - next].fill(T::ZERO);
            let (beta, t) = reflect_from(row, j + 1 - next);
            (off[j], tau_right[j]) = (beta, t);
            let u = &mut yu[(count + 1) * width..(count + 2) * width];
            u[next..].copy_from_slice(row);
            right[j * n..(j + 1) * n].copy_from_slice(&u[..n]);
            // x = tau (A u - V (Yᵀ u) - X (Uᵀ u))
            let (known, x) = vx.split_at_mut((count + 1) * width);
            let x = &mut x[..width];
            matrix_by_vector(&mut x[below..bottom], &a[below * stride + next..], stride, row);
            matrix_by_vector(&mut by[..count + 1], &yu[next..], width, row);
            subtract_combination(&mut x[next..], count + 1, |l| by[l], &known[next..], width);
            scale(x, t);
        }
        if end < n {
            let size = [n - end, 2 * BLOCK, n - end];
            let at = |x| Matrix { offset: end as isize, ..rows::<T>(x, width) };
            subtract_product(
                size,
                &mut a[end * stride + end..],
                stride,
                at(vx).transposed(),
                at(yu),
                threads,
            );
        }
    }
}

/// The smaller singular value of the matrix (f g; 0 h).
fn smaller<T: Real>(f: T, g: T, h: T) -> T {
    let (f, g, h) = (f.abs(), g.abs(), h.abs());
    let (low, high) = if f < h { (f, h) } else { (h, f) };
    if low == T::ZERO {
        return T::ZERO;
    }
    let ratio = T::ONE + low / high;
    let difference = (high - low) / high;
    if g < high {
        let by = (g / high) * (g / high);
        let sum = (ratio * ratio + by).sqrt() + (difference * difference + by).sqrt();
        return low * (T::TWO / sum);
    }
    let by = high / g;
    if by == T::ZERO {
        return (low * high) / g;
    }
    let one = (T::ONE + (ratio * by) * (ratio * by)).sqrt();
    let other = (T::ONE + (difference * by) * (difference * by)).sqrt();
    let c = T::ONE / (one + other);
    T::TWO * ((low * c) * by)
}

/// Singular values of a bidiagonal matrix, of any sign, in place of its diagonal; rotations go to both sides. False where
/// it does not converge.
pub fn diagonalise<T: Real>(
    d: &mut [T],
    e: &mut [T],
    u: &mut Rotated<T>,
    v: &mut Rotated<T>,
    threads: bool,
) -> bool {
    let n = d.len();
    let tolerance = T::EPSILON * (T::TWO * T::TWO);
    // A bound of the least singular value says what is negligible everywhere.
    let mut bound = d.first().map_or(T::ZERO, |x| x.abs());
    let mut least = bound;
    for i in 1..n {
        if bound == T::ZERO {
            break;
        }
        bound = d[i].abs() * (bound / (bound + e[i - 1].abs()));
        least = if bound < least { bound } else { least };
    }
    let negligible = tolerance * least;
    let floor = T::SMALL * T::SMALL;
    let negligible = if negligible > floor { negligible } else { floor };
    let mut sweeps = SWEEPS * n;
    let mut m = n;
    // The block that the last sweep was on, and whether it went down.
    let mut last = (usize::MAX, usize::MAX, true);
    while m > 1 {
        let end = m - 1;
        if e[end - 1].abs() <= negligible {
            e[end - 1] = T::ZERO;
            m -= 1;
            continue;
        }
        let start = (0..end).rev().find(|&i| e[i].abs() <= negligible).map_or(0, |i| i + 1);
        if start > 0 {
            e[start - 1] = T::ZERO;
        }
        if sweeps == 0 {
            return false;
        }
        sweeps -= 1;
        // From the larger end to the smaller, where small values are found first.
        let same = last.0 <= start && last.1 == end;
        let down = if same { last.2 } else { d[start].abs() >= d[end].abs() };
        last = (start, end, down);
        let (d, e) = (&mut d[start..=end], &mut e[start..end]);
        // Upwards it is the same on the transpose, read backwards: the sides change roles.
        if !down {
            d.reverse();
            e.reverse();
        }
        let shift = shift(d, e, tolerance);
        if let Some(shift) = shift {
            let row = if down { start } else { end };
            let (left, right) = if down { (&mut *u, &mut *v) } else { (&mut *v, &mut *u) };
            left.begin(row, down, threads);
            right.begin(row, down, threads);
            sweep(d, e, shift, left, right);
        }
        if !down {
            d.reverse();
            e.reverse();
        }
    }
    true
}

/// The shift of the next sweep; `None` where an element above the diagonal was negligible, and is zero now.
fn shift<T: Real>(d: &[T], e: &mut [T], tolerance: T) -> Option<T> {
    let end = e.len();
    if e[end - 1].abs() <= tolerance * d[end].abs() {
        e[end - 1] = T::ZERO;
        return None;
    }
    let mut bound = d[0].abs();
    let (mut least, mut most) = (bound, bound);
    for i in 0..end {
        if e[i].abs() <= tolerance * bound {
            e[i] = T::ZERO;
            return None;
        }
        bound = d[i + 1].abs() * (bound / (bound + e[i].abs()));
        least = if bound < least { bound } else { least };
        for x in [d[i + 1].abs(), e[i].abs()] {
            most = if x > most { x } else { most };
        }
    }
    let count = (0..d.len()).fold(T::ZERO, |sum, _| sum + T::ONE);
    if count * tolerance * (least / most) <= T::EPSILON {
        return Some(T::ZERO);
    }
    let shift = smaller(d[end - 1], e[end - 1], d[end]);
    let ratio = shift / d[0].abs();
    Some(if d[0] == T::ZERO || ratio * ratio < T::EPSILON { T::ZERO } else { shift })
}

/// One sweep from the first to the last row.
fn sweep<T: Real>(d: &mut [T], e: &mut [T], shift: T, left: &mut Rotated<T>, right: &mut Rotated<T>) {
    let end = e.len();
    if shift == T::ZERO {
        let (mut c, mut old) = (T::ONE, (T::ONE, T::ZERO));
        for i in 0..end {
            let (cosine, s, r) = rotation(d[i] * c, e[i]);
            c = cosine;
            if i > 0 {
                e[i - 1] = old.1 * r;
            }
            let (oc, os, di) = rotation(old.0 * r, d[i + 1] * s);
            (old, d[i]) = ((oc, os), di);
            right.rotate(c, s);
            left.rotate(oc, os);
        }
        let h = d[end] * c;
        (d[end], e[end - 1]) = (h * old.0, h * old.1);
        return;
    }
    let mut f = (d[0].abs() - shift) * (T::ONE.with_sign(d[0]) + shift / d[0]);
    let mut g = e[0];
    for i in 0..end {
        let (c, s, r) = rotation(f, g);
        if i > 0 {
            e[i - 1] = r;
        }
        f = c * d[i] + s * e[i];
        e[i] = c * e[i] - s * d[i];
        g = s * d[i + 1];
        d[i + 1] = c * d[i + 1];
        right.rotate(c, s);
        let (c, s, r) = rotation(f, g);
        d[i] = r;
        f = c * e[i] + s * d[i + 1];
        d[i + 1] = c * d[i + 1] - s * e[i];
        if i + 1 < end {
            g = s * e[i + 1];
            e[i + 1] = c * e[i + 1];
        }
        left.rotate(c, s);
    }
    e[end - 1] = f;
}
