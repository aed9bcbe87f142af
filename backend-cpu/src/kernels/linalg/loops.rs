//! Loops over rows, compiled for the processor at hand. Sums have a fixed order, whatever the processor.

use super::real::Real;
use crate::gemm::Matrix;
use crate::kernels::simd::{Loop, vectorized};
use std::marker::PhantomData;

/// Partial results of a sum; rows of a multiple of so many elements have no rest.
pub const LANES: usize = 32;

/// Declares functions whose bodies are loops that are compiled anew for each instruction set.
macro_rules! loops { ($($(#[$about:meta])* fn $name:ident($($a:ident: $t:ty),*) -> $R:ty $body:block)*) => { $(
    $(#[$about])*
    pub fn $name<'a, T: Real>($($a: $t),*) -> $R {
        struct Work<'a, T> { $($a: $t,)* marker: PhantomData<&'a T> }
        impl<'a, T: Real> Loop for Work<'a, T> {
            type Output = $R;
            #[inline(always)]
            fn run(self) -> $R {
                let Work { $($a,)* marker: _ } = self;
                $body
            }
        }
        vectorized(Work { $($a,)* marker: PhantomData })
    }
)* } }

pub(super) use loops;

#[inline(always)]
fn dot_of<T: Real>(x: &[T], y: &[T]) -> T {
    let mut sums = [T::ZERO; LANES];
    let (mut xs, mut ys) = (x.chunks_exact(LANES), y.chunks_exact(LANES));
    for (x, y) in (&mut xs).zip(&mut ys) {
        for l in 0..LANES {
            sums[l] = sums[l] + x[l] * y[l];
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(xs.remainder()).zip(ys.remainder()) {
        *sum = *sum + x * y;
    }
    let sums = kept(sums);
    sum_of(std::array::from_fn(|l| sums[l] + sums[l + FEW]))
}

/// Partial results of each of four sums.
const FEW: usize = 16;

#[inline(always)]
fn add_products<T: Real>(sum: [T; FEW], a: &[T; FEW], x: &[T; FEW]) -> [T; FEW] {
    std::array::from_fn(|l| sum[l] + a[l] * x[l])
}

/// The products of four rows with x, which is read once for all.
#[inline(always)]
fn four_dots<T: Real>(rows: [&[T]; 4], x: &[T]) -> [T; 4] {
    let (chunks, end) = x.as_chunks::<FEW>();
    let count = chunks.len();
    let [a, b, c, d] = rows.map(|row| &row.as_chunks::<FEW>().0[..count]);
    let (mut p, mut q, mut r, mut s) = ([T::ZERO; FEW], [T::ZERO; FEW], [T::ZERO; FEW], [T::ZERO; FEW]);
    for i in 0..count {
        let x = &chunks[i];
        p = add_products(p, &a[i], x);
        q = add_products(q, &b[i], x);
        r = add_products(r, &c[i], x);
        s = add_products(s, &d[i], x);
    }
    let mut out = kept([p, q, r, s]).map(sum_of);
    for (out, row) in out.iter_mut().zip(rows) {
        *out = row[count * FEW..].iter().zip(end).fold(*out, |sum, (&a, &x)| sum + a * x);
    }
    out
}

/// Partial sums as they are in memory: how they are added up must not decide how the loop before holds them, which would
/// be in parts of vectors.
#[inline(always)]
pub fn kept<A>(sums: A) -> A {
    std::hint::black_box(sums)
}

#[inline(always)]
fn sum_of<T: Real>(x: [T; FEW]) -> T {
    let x: [T; 8] = std::array::from_fn(|l| x[l] + x[l + 8]);
    let x: [T; 4] = std::array::from_fn(|l| x[l] + x[l + 4]);
    (x[0] + x[2]) + (x[1] + x[3])
}

#[inline(always)]
fn subtract_row<T: Real>(out: &mut [T], c: T, x: &[T]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = *out - c * x;
    }
}

#[inline(always)]
fn subtract_four<T: Real>(out: &mut [T], c: [T; 4], x: [&[T]; 4]) {
    let n = out.len();
    let x = x.map(|x| &x[..n]);
    let [x0, x1, x2, x3] = x.map(|x| x.as_chunks::<LANES>().0);
    let (chunks, rest) = out.as_chunks_mut::<LANES>();
    let whole = n - rest.len();
    for ((((out, x0), x1), x2), x3) in chunks.iter_mut().zip(x0).zip(x1).zip(x2).zip(x3) {
        for l in 0..LANES {
            out[l] = out[l] - ((c[0] * x0[l] + c[1] * x1[l]) + (c[2] * x2[l] + c[3] * x3[l]));
        }
    }
    let [x0, x1, x2, x3] = x.map(|x| &x[whole..]);
    for i in 0..rest.len() {
        rest[i] = rest[i] - ((c[0] * x0[i] + c[1] * x1[i]) + (c[2] * x2[i] + c[3] * x3[i]));
    }
}

/// Subtracts from `out` the rows `first..last` of `rows`, each times its coefficient.
#[inline(always)]
fn subtract_rows<T: Real>(
    out: &mut [T],
    rows: &[T],
    stride: usize,
    range: std::ops::Range<usize>,
    coefficient: impl Fn(usize) -> T,
) {
    let n = out.len();
    let row = |l: usize| &rows[l * stride..l * stride + n];
    let mut l = range.start;
    while l + 4 <= range.end {
        let c = [coefficient(l), coefficient(l + 1), coefficient(l + 2), coefficient(l + 3)];
        subtract_four(out, c, [row(l), row(l + 1), row(l + 2), row(l + 3)]);
        l += 4;
    }
    while l < range.end {
        subtract_row(out, coefficient(l), row(l));
        l += 1;
    }
}

/// The place of the first of the largest magnitudes, not NaN if there is another; 0 where there is none.
#[inline(always)]
fn first_largest<T: Real>(x: &[T]) -> usize {
    // The largest, then its place: the one a loop of maxima, the other seldom of many steps.
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut most = [T::ZERO; LANES];
    for x in chunks {
        for l in 0..LANES {
            most[l] = if x[l].abs() > most[l] { x[l].abs() } else { most[l] };
        }
    }
    let larger = |most: T, x: T| if x.abs() > most { x.abs() } else { most };
    let most = rest.iter().chain(&kept(most)).fold(T::ZERO, |most, &x| larger(most, x));
    let holds = |x: &[T; LANES]| x.iter().fold(false, |any, x| any | (x.abs() == most));
    let first = chunks.iter().position(holds).unwrap_or(chunks.len()) * LANES;
    x[first..].iter().position(|x| x.abs() == most).map_or(0, |i| first + i)
}

loops! {
    /// The largest magnitude; `None` where one is infinite or NaN.
    fn largest(x: &'a [T]) -> Option<T> {
        T::largest(x)
    }

    /// The sum of products.
    fn dot(x: &'a [T], y: &'a [T]) -> T {
        dot_of(x, y)
    }

    /// `out -= c x`.
    fn axpy(out: &'a mut [T], c: T, x: &'a [T]) -> () {
        subtract_row(out, c, x);
    }

    /// `x *= c`.
    fn scale(x: &'a mut [T], c: T) -> () {
        x.iter_mut().for_each(|x| *x = *x * c);
    }

    /// `x /= c`.
    fn divide(x: &'a mut [T], c: T) -> () {
        x.iter_mut().for_each(|x| *x = *x / c);
    }

    /// The transpose of a `height` x `width` matrix, each with so many elements from row to row.
    fn transpose(out: &'a mut [T], out_stride: usize, x: &'a [T], stride: usize, height: usize, width: usize) -> () {
        const TILE: usize = 8;
        for top in (0..height).step_by(TILE) {
            let rows = TILE.min(height - top);
            for left in (0..width).step_by(TILE) {
                let columns = TILE.min(width - left);
                if rows < TILE || columns < TILE {
                    for (i, j) in (top..top + rows).flat_map(|i| (left..left + columns).map(move |j| (i, j))) {
                        out[j * out_stride + i] = x[i * stride + j];
                    }
                    continue;
                }
                let tile: [[T; TILE]; TILE] = std::array::from_fn(|i| {
                    x[(top + i) * stride + left..].first_chunk().copied().expect("a row of a tile")
                });
                for j in 0..TILE {
                    let out: &mut [T; TILE] =
                        out[(left + j) * out_stride + top..].first_chunk_mut().expect("a row of a tile");
                    *out = std::array::from_fn(|i| tile[i][j]);
                }
            }
        }
    }

    /// `(x, y) = (c x + s y, c y - s x)`.
    fn rotate_rows(x: &'a mut [T], y: &'a mut [T], c: T, s: T) -> () {
        for (x, y) in x.iter_mut().zip(y) {
            (*x, *y) = (c * *x + s * *y, c * *y - s * *x);
        }
    }

    /// Subtracts a dense matrix of `n` columns from one with `stride` elements from row to row.
    fn subtract(out: &'a mut [T], stride: usize, x: &'a [T], n: usize) -> () {
        for (out, x) in out.chunks_mut(stride).zip(x.chunks(n)) {
            subtract_row(&mut out[..n], T::ONE, x);
        }
    }

    /// `out -= sum over l of c[l] x[l, ..]`, of rows with `stride` elements from one to the next.
    fn combine(out: &'a mut [T], c: &'a [T], x: &'a [T], stride: usize) -> () {
        subtract_rows(out, x, stride, 0..c.len(), |l| c[l]);
    }

    /// `out = sum over i of x[i] a[i, ..]`, of rows with `stride` elements from one to the next.
    fn vector_by_matrix(out: &'a mut [T], x: &'a [T], a: &'a [T], stride: usize) -> () {
        out.fill(T::ZERO);
        let n = out.len();
        let whole = n - n % LANES;
        let row = |i: usize| &a[i * stride..i * stride + n];
        let mut i = 0;
        while i + 8 <= x.len() {
            let x: &[T; 8] = x[i..i + 8].try_into().expect("eight");
            let sum = |a: [T; 8]| {
                let first = (x[0] * a[0] + x[1] * a[1]) + (x[2] * a[2] + x[3] * a[3]);
                first + ((x[4] * a[4] + x[5] * a[5]) + (x[6] * a[6] + x[7] * a[7]))
            };
            let a: [&[T]; 8] = std::array::from_fn(|k| row(i + k));
            let chunks = a.map(|a| a.as_chunks::<LANES>().0);
            for (c, out) in out.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let a = chunks.map(|a| &a[c]);
                for l in 0..LANES {
                    out[l] = out[l] + sum(std::array::from_fn(|k| a[k][l]));
                }
            }
            for j in whole..n {
                out[j] = out[j] + sum(std::array::from_fn(|k| a[k][j]));
            }
            i += 8;
        }
        for (i, &x) in x.iter().enumerate().skip(i) {
            subtract_row(out, -x, row(i));
        }
    }

    /// `out[i] = a[i, ..] x`, of rows with `stride` elements from one to the next.
    fn matrix_by_vector(out: &'a mut [T], a: &'a [T], stride: usize, x: &'a [T]) -> () {
        let row = |i: usize| &a[i * stride..i * stride + x.len()];
        let (fours, rest) = out.as_chunks_mut::<4>();
        let known = 4 * fours.len();
        for (i, out) in fours.iter_mut().enumerate() {
            *out = four_dots(std::array::from_fn(|k| row(4 * i + k)), x);
        }
        for (i, out) in (known..).zip(rest) {
            *out = dot_of(row(i), x);
        }
    }

    /// The upper factor of a symmetric n x n matrix of which the upper triangle is there, in its place: A = Uᵀ U.
    /// False where it is not positive definite. For small ones.
    fn cholesky(a: &'a mut [T], stride: usize, n: usize) -> bool {
        for r in 0..n {
            let rest = &mut a[r * stride..];
            let (above, below) = rest.split_at_mut(stride.min(rest.len()));
            let row = &mut above[..n];
            let pivot = row[r];
            if !(pivot > T::ZERO && pivot < T::INFINITY) {
                return false;
            }
            let root = pivot.sqrt();
            let inverse = T::ONE / root;
            row[r] = root;
            row[r + 1..].iter_mut().for_each(|x| *x = *x * inverse);
            for (i, other) in (r + 1..n).zip(below.chunks_mut(stride)) {
                subtract_row(&mut other[i..n], row[i], &row[i..]);
            }
        }
        true
    }

    /// Solves M X = B in the place of B, `n` rows of `columns`, for a triangular M, lower where `forward`. For few rows.
    fn solve_rows(m: Matrix<'a, T>, n: usize, forward: bool, unit: bool, b: &'a mut [T], stride: usize, columns: usize) -> () {
        let at = |i: usize, l: usize| m.data[(m.offset + i as isize * m.rows + l as isize * m.columns) as usize];
        // So many columns that the rows stay in the first cache.
        let width = 1024 / size_of::<T>();
        for first in (0..columns).step_by(width) {
            let width = width.min(columns - first);
            for step in 0..n {
                let i = if forward { step } else { n - 1 - step };
                let row = if forward {
                    let (done, rest) = b.split_at_mut(i * stride);
                    let row = &mut rest[first..first + width];
                    if i > 0 {
                        subtract_rows(row, &done[first..], stride, 0..i, |l| at(i, l));
                    }
                    row
                } else {
                    let (head, done) = b.split_at_mut(((i + 1) * stride).min(b.len()));
                    let row = &mut head[i * stride + first..i * stride + first + width];
                    if i + 1 < n {
                        subtract_rows(row, &done[first..], stride, 0..n - 1 - i, |l| at(i, i + 1 + l));
                    }
                    row
                };
                if !unit {
                    let pivot = at(i, i);
                    row.iter_mut().for_each(|x| *x = *x / pivot);
                }
            }
        }
    }

    /// The LU factors of a panel that lies transposed: column j at `panel[j * stride..][..m]`, of `n` columns. Row i is
    /// exchanged with row `pivots[i]`.
    fn lu_panel(panel: &'a mut [T], stride: usize, m: usize, n: usize, pivots: &'a mut [usize]) -> () {
        for j in 0..n {
            let (done, rest) = panel.split_at_mut(j * stride);
            let column = &mut rest[..m];
            // The columns before it, four at a time: their own rows first.
            let known = j.min(m);
            for l in (0..known).step_by(4) {
                let end = (l + 4).min(known);
                for i in l + 1..end {
                    let sum = (l..i).fold(T::ZERO, |sum, k| sum + done[k * stride + i] * column[k]);
                    column[i] = column[i] - sum;
                }
                let c: [T; 4] = std::array::from_fn(|k| if l + k < end { column[l + k] } else { T::ZERO });
                subtract_rows(&mut column[end..], &done[end..], stride, l..end, |k| c[k - l]);
            }
            if j >= m {
                continue;
            }
            let pivot = j + first_largest(&column[j..]);
            pivots[j] = pivot;
            if pivot != j {
                panel.chunks_mut(stride).take(n).for_each(|column| column.swap(j, pivot));
            }
            let column = &mut panel[j * stride..j * stride + m];
            let divisor = column[j];
            if divisor != T::ZERO {
                column[j + 1..].iter_mut().for_each(|x| *x = *x / divisor);
            }
        }
    }
}
