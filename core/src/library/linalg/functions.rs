//! Factorisations, systems of equations, determinants, powers.

use super::*;

/// Which triangle of a matrix counts in [`solve_triangular`](crate::linalg::solve_triangular()), and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triangular {
    /// Whether it is the lower one, otherwise the upper.
    pub lower: bool,
    /// Whether the system is that of the transposed matrix.
    pub transpose: bool,
    /// Whether the diagonal counts as ones, and is not read.
    pub unit_diagonal: bool,
}

impl Triangular {
    /// The lower triangle.
    pub const LOWER: Triangular = Triangular { lower: true, transpose: false, unit_diagonal: false };
    /// The upper triangle.
    pub const UPPER: Triangular = Triangular { lower: false, ..Triangular::LOWER };

    /// Of the transposed matrix.
    pub const fn transposed(self) -> Self {
        Triangular { transpose: !self.transpose, ..self }
    }

    /// With ones on the diagonal, whatever is there.
    pub const fn unit_diagonal(self) -> Self {
        Triangular { unit_diagonal: true, ..self }
    }
}

#[track_caller]
pub fn cholesky(x: &T, upper: bool, symmetrize: bool) -> T {
    let x = square("cholesky", x);
    // Of an upper triangle that alone is read, the transpose.
    let x = match (symmetrize, upper) {
        (true, _) => symmetric(&x),
        (false, true) => matrix_transpose(&x),
        (false, false) => x,
    };
    let l = one(Linalg::Cholesky, &[&x]);
    if upper { matrix_transpose(&l) } else { l }
}

#[track_caller]
pub fn solve(a: &T, b: &T) -> T {
    let (a, b, vector) = system("solve", a, b);
    unvector(one(Linalg::Solve { transpose: false }, &[&a, &b]), vector)
}

#[track_caller]
pub fn solve_triangular(a: &T, b: &T, how: Triangular) -> T {
    let (a, b, vector) = system("solve_triangular", a, b);
    unvector(triangular(&a, &b, how), vector)
}

/// Of equal batches.
#[track_caller]
fn triangular(a: &T, b: &T, how: Triangular) -> T {
    let Triangular { lower, transpose, unit_diagonal } = how;
    one(Linalg::TriangularSolve { lower, transpose, unit_diagonal }, &[a, b])
}

#[track_caller]
pub fn cho_solve(c: &T, lower: bool, b: &T) -> T {
    let (c, b, vector) = system("cho_solve", c, b);
    let (first, second) = match lower {
        true => (Triangular::LOWER, Triangular::LOWER.transposed()),
        false => (Triangular::UPPER.transposed(), Triangular::UPPER),
    };
    unvector(triangular(&c, &triangular(&c, &b, first), second), vector)
}

#[track_caller]
pub fn lu_factor(x: &T) -> (T, T, T) {
    let [lu, pivots, permutation] = several(Linalg::Lu, &matrices("lu", x));
    (lu, pivots, permutation)
}

#[track_caller]
pub fn lu(x: &T) -> (T, T, T) {
    let (lu, _, permutation) = lu_factor(x);
    let (m, n) = (lu.size(-2), lu.size(-1));
    let (k, last) = (m.min(n), lu.rank() - 1);
    let below = places(&lu, m, n, 0).gt(places(&lu, m, n, 1));
    let upper = T::of(below.select(0, &lu).into_value().slice_axis(last - 1, 0, k));
    let lower = T::of(below.select(&lu, 0).into_value().slice_axis(last, 0, k));
    let lower = on_diagonal(&lu, m, k).select(1, lower);
    (matrix_transpose(&permutation.one_hot(m, lu.dtype())), lower, upper)
}

#[track_caller]
pub fn lu_solve(lu: &T, permutation: &T, b: &T, transpose: bool) -> T {
    let (lu, b, vector) = system("lu_solve", lu, b);
    let n = lu.size(-1);
    assert!(
        permutation.dtype().is_integer() && permutation.shape().last() == Some(&n),
        "lu_solve: factors of shape {} and a permutation {}",
        lu.shape(),
        permutation.ty()
    );
    let batch = &lu.shape()[..lu.rank() - 2];
    let permutation = permutation.broadcast_to(batch.iter().copied().chain([n]).collect::<Shape>());
    let unit = Triangular::LOWER.unit_diagonal();
    let x = if transpose {
        let x = triangular(&lu, &triangular(&lu, &b, Triangular::UPPER.transposed()), unit.transposed());
        rows_at(&x, &inverse_permutation(&permutation))
    } else {
        triangular(&lu, &triangular(&lu, &rows_at(&b, &permutation), unit), Triangular::UPPER)
    };
    unvector(x, vector)
}

#[track_caller]
pub fn qr(x: &T, complete: bool) -> (T, T) {
    let [q, r] = several(Linalg::Qr { full: complete }, &matrices("qr", x));
    (q, r)
}

#[track_caller]
pub fn eigh(x: &T) -> (T, T) {
    let [w, v] = several(Linalg::Eigh, &symmetric(&square("eigh", x)));
    (w, v)
}

#[track_caller]
pub fn svd(x: &T, full_matrices: bool) -> (T, T, T) {
    let [u, s, vt] = several(Linalg::Svd { full: full_matrices }, &matrices("svd", x));
    (u, s, vt)
}

#[track_caller]
pub fn svdvals(x: &T) -> T {
    svd(x, false).1
}

#[track_caller]
pub fn inv(x: &T) -> T {
    let x = square("inv", x);
    one(Linalg::Solve { transpose: false }, &[&x, &identities(&x)])
}

#[track_caller]
pub fn det(x: &T) -> T {
    one(Linalg::Det, &[&square("det", x)])
}

#[track_caller]
pub fn slogdet(x: &T) -> (T, T) {
    let (lu, pivots, _) = lu_factor(&square("slogdet", x));
    let factors = diagonal(&lu);
    let stayed = pivots.eq(T::of(pivots.value().iota(pivots.ty().clone(), pivots.rank() - 1)));
    let signs = stayed.select(factors.sign(), -factors.sign());
    (signs.prod_axes(-1), factors.abs().log().sum_axes(-1))
}

#[track_caller]
pub fn matrix_power(x: &T, n: i32) -> T {
    let x = square("matrix_power", x);
    let mut square = if n < 0 { inv(&x) } else { x };
    let (mut left, mut power) = (n.unsigned_abs(), None::<T>);
    while left > 0 {
        if left & 1 == 1 {
            power = Some(match power {
                Some(power) => power.matmul(&square),
                None => square.clone(),
            });
        }
        left >>= 1;
        if left > 0 {
            square = square.matmul(&square);
        }
    }
    power.unwrap_or_else(|| identities(&square))
}

/// Products of two matrices at a time, in the order of fewest multiplications.
#[track_caller]
pub fn multi_dot(all: &[T]) -> T {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { panic!("multi_dot: no matrices") };
    if all.len() == 1 {
        return first.clone();
    }
    let ends = [first.rank() == 1, last.rank() == 1];
    let mut chain: Vec<T> = all.to_vec();
    chain[0] = if ends[0] { row(first) } else { first.clone() };
    let n = chain.len();
    chain[n - 1] = if ends[1] { column(last) } else { last.clone() };
    for (i, x) in chain.iter().enumerate() {
        assert!(
            x.rank() == 2,
            "multi_dot: matrix {i} has shape {}; only the ends may be vectors",
            all[i].shape()
        );
        let fits = i == 0 || chain[i - 1].size(1) == x.size(0);
        assert!(fits, "multi_dot: shapes {} and {} do not meet", all[i.max(1) - 1].shape(), all[i].shape());
    }
    let sizes: Vec<usize> =
        std::iter::once(chain[0].size(0)).chain(chain.iter().map(|x| x.size(1))).collect();
    // The least cost of each part of the chain, and where it is cut.
    let mut best = vec![vec![(0usize, 0usize); n]; n];
    for length in 1..n {
        for i in 0..n - length {
            let j = i + length;
            let cost = |k: usize| best[i][k].0 + best[k + 1][j].0 + sizes[i] * sizes[k + 1] * sizes[j + 1];
            best[i][j] = (i..j).map(|k| (cost(k), k)).min().expect("there is a cut");
        }
    }
    #[track_caller]
    fn multiplied(chain: &[T], best: &[Vec<(usize, usize)>], i: usize, j: usize) -> T {
        if i == j {
            return chain[i].clone();
        }
        let cut = best[i][j].1;
        multiplied(chain, best, i, cut).matmul(&multiplied(chain, best, cut + 1, j))
    }
    let product = multiplied(&chain, &best, 0, n - 1);
    let axes: Vec<isize> = (0..2).filter(|&d| ends[d as usize]).collect();
    if axes.is_empty() { product } else { product.squeeze(axes) }
}

/// Squarings of [`expm`], at most.
const SQUARINGS: usize = 16;

/// By scaling, the Padé approximation of order 13, and squaring (Higham 2005).
#[track_caller]
pub fn expm(x: &T) -> T {
    const B: [f64; 14] = [
        64764752532480000.0,
        32382376266240000.0,
        7771770303897600.0,
        1187353796428800.0,
        129060195264000.0,
        10559470521600.0,
        670442572800.0,
        33522128640.0,
        1323241920.0,
        40840800.0,
        960960.0,
        16380.0,
        182.0,
        1.0,
    ];
    let x = square("expm", x);
    if x.is_empty() {
        return x;
    }
    let norm = x.stop_gradient().abs().sum_axes(-2).max_axes(-1);
    let squarings = ((norm / 5.371920351148152).log() / std::f64::consts::LN_2).ceil().maximum(0);
    let wide = |x: &T| column(&column(x));
    let a = &x * wide(&(-&squarings).exp2());
    let a2 = a.matmul(&a);
    let a4 = a2.matmul(&a2);
    let a6 = a4.matmul(&a2);
    let eye = identities(&a);
    let sum = |i: usize| &a6 * B[i + 6] + &a4 * B[i + 4] + &a2 * B[i + 2] + &eye * B[i];
    let high = |i: usize| a6.matmul(&(&a6 * B[i + 6] + &a4 * B[i + 4] + &a2 * B[i + 2]));
    // Odd terms: a times a sum of even powers; even ones.
    let odd = a.matmul(&(high(7) + sum(1)));
    let even = high(6) + sum(0);
    let mut r = one(Linalg::Solve { transpose: false }, &[&(&even - &odd), &(&even + &odd)]);
    // Where values are known, no more squarings than the largest matrix needs; while a function is recorded, all.
    let most = match squarings.max().cast(DType::F64).value().read() {
        Ok(most) => most.as_slice::<f64>().map_or(SQUARINGS, |m| (m[0].max(0.0) as usize).min(SQUARINGS)),
        Err(_) => SQUARINGS,
    };
    for i in 0..most {
        r = wide(&squarings.gt(i as f64)).select(r.matmul(&r), &r);
    }
    wide(&squarings.le(SQUARINGS as f64)).select(&r, f64::NAN)
}
