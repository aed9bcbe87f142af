//! Columns whose length is a power of two, those of a vector's lanes at a time: n = ab vectors are a matrix `[a, b]`, small
//! transforms of whose columns and rows stay in the first-level cache while all n are in the second's.

use super::row::{pair, small_roots};
use super::vector::{C, Lanes, Math, SMALL};
use bytemuck::cast_slice_mut;
use gemm_common::pulp::Simd;

/// What transforms of n vectors need.
pub(super) struct Column<T> {
    n: usize,
    columns: Vec<[T; 2]>,
    rows: Vec<[T; 2]>,
    /// e^(-2πi ck / n) at `c a + k`.
    turns: Vec<[T; 2]>,
}

/// Vectors that a small transform keeps between its steps.
const BETWEEN: usize = SMALL[SMALL.len() - 1];

/// The sizes a and b.
fn split(n: usize) -> [usize; 2] {
    let b = 1 << (n.ilog2() / 2);
    [n / b, b]
}

impl<T: Lanes> Column<T> {
    pub fn fits(n: usize) -> bool {
        n.is_power_of_two() && n > 8 && split(n).iter().all(|n| SMALL.contains(n))
    }

    pub fn new(n: usize) -> Self {
        let [a, b] = split(n);
        let turns = (0..n).map(|i| pair(i / a * (i % a), n)).collect();
        Column { n, columns: small_roots(a), rows: small_roots(b), turns }
    }

    /// Vectors, real ones, of memory that `run` takes. The matrix has a column more, so that its rows do not meet in one
    /// place of the cache.
    pub fn room(&self) -> usize {
        2 * (self.n + self.columns.len() + BETWEEN)
    }

    /// Takes vectors in any order and gives them in any.
    #[inline(always)]
    pub fn run<S: Simd>(
        &self,
        math: Math<S, T>,
        memory: &mut [T],
        load: impl Fn(usize) -> C<S, T>,
        mut store: impl FnMut(usize, C<S, T>),
    ) {
        let (a, b) = (self.columns.len(), self.rows.len());
        let memory: &mut [C<S, T>] = cast_slice_mut(memory);
        let (between, matrix) = memory.split_at_mut(BETWEEN);
        let matrix = &mut matrix[..a * (b + 1)];
        for c in 0..b {
            let turns = &self.turns[c * a..][..a];
            math.small(
                &self.columns,
                between,
                #[inline(always)]
                |r| load(c + b * r),
                #[inline(always)]
                |k, x| matrix[k * (b + 1) + c] = math.turn(x, turns[k]),
            );
        }
        for (k, row) in matrix.chunks_exact(b + 1).enumerate() {
            math.small(
                &self.rows,
                between,
                #[inline(always)]
                |c| row[c],
                #[inline(always)]
                |j, x| store(k + a * j, x),
            );
        }
    }
}
