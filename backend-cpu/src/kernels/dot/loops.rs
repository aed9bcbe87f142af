//! The products that are loops: a matrix and a vector, a column and a row, integers, and matrices of a few elements.

use super::super::simd::{Loop, vectorized};
use crate::gemm::{Matrix, Widen};
use crate::kernel::target::Target;
use crate::math::Num;
use crate::par;

/// `sum + x * y`, rounded twice.
#[inline(always)]
fn add_product<A: Num>(sum: A, x: A, y: A) -> A {
    sum.add(x.mul(y))
}

macro_rules! widen { ($($T:ty)*) => { $( impl Widen<$T> for $T {
    #[inline(always)]
    fn widen(self) -> $T {
        self
    }
} )* } }
widen!(i64 i32 i16 i8 u64 u32 u16 u8);

/// How many sums run side by side in an inner product, so that additions need not wait for each other.
const LANES: usize = 64;
/// Inner products of few rows are cut into pieces of this length, so that threads can share them.
const PIECE: usize = 1 << 15;
/// Elements of the output that stay in the first cache while rows are added to them.
const BLOCK: usize = 1024;
/// Rows of `y` that are added while they stay in the second cache.
const DEPTH: usize = 64;
/// Nanoseconds to read an element of a matrix and use it once.
const READ: f64 = 0.1;

/// `n` elements from `offset` on, at a stride, side by side.
fn vector<T: Widen<A>, A: Num>(data: &[T], offset: isize, stride: isize, n: usize) -> Vec<A> {
    (0..n as isize).map(|i| data[(offset + i * stride) as usize].widen()).collect()
}

/// `out = x v`, where v is the one column of `y`: k elements.
pub(super) fn gemv<T: Widen<A>, A: Num>(
    out: &mut [A],
    k: usize,
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
    threads: bool,
) {
    let v = vector(y.data, y.offset, y.rows, k);
    let same = std::any::TypeId::of::<T>() == std::any::TypeId::of::<A>();
    let rows = |first: usize, out: &mut [A]| {
        let x = x.at_row(first);
        if same {
            let data = bytemuck::cast_slice(x.data);
            let x = Matrix { data, offset: x.offset, rows: x.rows, columns: x.columns };
            if crate::gemm::gemv(Target::current(), out, x, &v) {
                return;
            }
        }
        if x.columns.unsigned_abs() <= x.rows.unsigned_abs() {
            vectorized(Rows { out, x, v: &v });
        } else {
            vectorized(Columns { out, x, v: &v });
        }
    };
    if k > 2 * PIECE && x.columns == 1 && out.len() <= 8 {
        let pieces = k.div_ceil(PIECE);
        let work = if threads { READ * PIECE as f64 } else { 0.0 };
        for (i, out) in out.iter_mut().enumerate() {
            let parts = par::map(pieces, work, |p| {
                let v = &v[p * PIECE..k.min((p + 1) * PIECE)];
                let mut part = [A::ZERO];
                vectorized(Rows { out: &mut part, x: x.at_row(i).at_column(p * PIECE), v });
                part[0]
            });
            *out = parts.into_iter().fold(A::ZERO, A::add);
        }
        return;
    }
    // Columns are read along the output: long pieces of them, one for each thread.
    let unit = match x.rows == 1 && k > 1 {
        true => out.len().div_ceil(par::threads()).next_multiple_of(LANES).min(BLOCK),
        false => 1,
    };
    let work = if threads { READ * (k * unit) as f64 } else { 0.0 };
    par::chunks(out, unit, work, |first, out| rows(first * unit, out));
}

/// Each output is the inner product of a row and `v`.
struct Rows<'a, T, A> {
    out: &'a mut [A],
    x: Matrix<'a, T>,
    v: &'a [A],
}

impl<T: Widen<A>, A: Num> Loop for Rows<'_, T, A> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Rows { out, x, v } = self;
        for (i, out) in out.iter_mut().enumerate() {
            let start = x.offset + i as isize * x.rows;
            if x.columns != 1 {
                let row = (0..v.len() as isize).map(|l| x.data[(start + l * x.columns) as usize].widen());
                *out = row.zip(v).fold(A::ZERO, |sum, (x, &v)| add_product(sum, x, v));
                continue;
            }
            let row = &x.data[start as usize..start as usize + v.len()];
            let mut sums = [A::ZERO; LANES];
            let (whole, parts) = (row.chunks_exact(LANES), v.chunks_exact(LANES));
            let mut rest = A::ZERO;
            for (x, &v) in whole.remainder().iter().zip(parts.remainder()) {
                rest = add_product(rest, x.widen(), v);
            }
            for (x, v) in whole.zip(parts) {
                for l in 0..LANES {
                    sums[l] = add_product(sums[l], x[l].widen(), v[l]);
                }
            }
            let mut n = LANES;
            while n > 1 {
                n /= 2;
                for l in 0..n {
                    sums[l] = sums[l].add(sums[l + n]);
                }
            }
            *out = sums[0].add(rest);
        }
    }
}

/// Each column, times its element of `v`, is added to the output, which is zero.
struct Columns<'a, T, A> {
    out: &'a mut [A],
    x: Matrix<'a, T>,
    v: &'a [A],
}

impl<T: Widen<A>, A: Num> Loop for Columns<'_, T, A> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Columns { out, x, v } = self;
        for (b, out) in out.chunks_mut(BLOCK).enumerate() {
            let start = x.offset + (b * BLOCK) as isize * x.rows;
            let first = |l: usize| (start + l as isize * x.columns) as usize;
            if x.rows != 1 {
                for (l, &v) in v.iter().enumerate() {
                    for (i, out) in out.iter_mut().enumerate() {
                        let at = (first(l) as isize + i as isize * x.rows) as usize;
                        *out = add_product(*out, x.data[at].widen(), v);
                    }
                }
                continue;
            }
            let n = out.len();
            let column = |l: usize| &x.data[first(l)..first(l) + n];
            // Four at a time: the sums are read and written a quarter as often.
            let (fours, rest) = v.as_chunks::<4>();
            for (l, &[v0, v1, v2, v3]) in fours.iter().enumerate() {
                let [x0, x1, x2, x3] = [0, 1, 2, 3].map(|i| column(4 * l + i));
                for i in 0..n {
                    let sum = add_product(add_product(out[i], x0[i].widen(), v0), x1[i].widen(), v1);
                    out[i] = add_product(add_product(sum, x2[i].widen(), v2), x3[i].widen(), v3);
                }
            }
            for (l, &v) in (4 * fours.len()..).zip(rest) {
                for (out, x) in out.iter_mut().zip(column(l)) {
                    *out = add_product(*out, x.widen(), v);
                }
            }
        }
    }
}

/// The product, added to `out`: for every row, rows of `y` are added to it.
pub(super) fn plain<T: Num + Widen<T>>(
    [_, k, n]: [usize; 3],
    out: &mut [T],
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
    threads: bool,
) {
    let copy: Vec<T>;
    let y = if y.columns == 1 {
        y
    } else {
        copy = (0..k).flat_map(|l| vector::<T, T>(y.data, y.at_row(l).offset, y.columns, n)).collect();
        Matrix { data: &copy, offset: 0, rows: n as isize, columns: 1 }
    };
    let work = if threads { (k * n) as f64 * 0.1 } else { 0.0 };
    par::chunks(out, n, work, |first, out| vectorized(Plain { out, x: x.at_row(first), y, k, n }));
}

struct Plain<'a, T> {
    out: &'a mut [T],
    x: Matrix<'a, T>,
    y: Matrix<'a, T>,
    k: usize,
    n: usize,
}

impl<T: Num> Loop for Plain<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Plain { out, x, y, k, n } = self;
        let row = |l: usize, j: usize, n: usize| {
            let start = (y.offset + l as isize * y.rows) as usize + j;
            &y.data[start..start + n]
        };
        // A block of rows and columns of `y` stays in the second cache while all rows of the output use it.
        for (b, l) in (0..n.div_ceil(BLOCK)).flat_map(|b| (0..k).step_by(DEPTH).map(move |l| (b, l))) {
            let (j, last) = (b * BLOCK, k.min(l + DEPTH));
            for (i, out) in out.chunks_mut(n).enumerate() {
                let start = x.offset + i as isize * x.rows;
                let at = |l: usize| x.data[(start + l as isize * x.columns) as usize];
                let (mut l, n) = (l, BLOCK.min(n - j));
                let out = &mut out[j..j + n];
                while l + 4 <= last {
                    let (x0, x1, x2, x3) = (at(l), at(l + 1), at(l + 2), at(l + 3));
                    let (y0, y1) = (row(l, j, n), row(l + 1, j, n));
                    let (y2, y3) = (row(l + 2, j, n), row(l + 3, j, n));
                    for j in 0..n {
                        let sum = add_product(add_product(out[j], x0, y0[j]), x1, y1[j]);
                        out[j] = add_product(add_product(sum, x2, y2[j]), x3, y3[j]);
                    }
                    l += 4;
                }
                while l < last {
                    let x = at(l);
                    for (out, &y) in out.iter_mut().zip(row(l, j, n)) {
                        *out = add_product(*out, x, y);
                    }
                    l += 1;
                }
            }
        }
    }
}
