//! Small matrices that are factorised side by side, one in each lane, in loops compiled for the processor at hand.

use super::loops::loops;
use super::real::Real;
use crate::kernels::simd::{Loop, vectorized};
use std::marker::PhantomData;

/// Matrices side by side.
pub const GROUP: usize = 16;

/// Exchanges the lanes of two places that are marked.
#[inline(always)]
fn exchange_lanes<T: Real>(x: &mut [[T; GROUP]], one: usize, other: usize, marked: &[bool; GROUP]) {
    let (a, b) = (x[one], x[other]);
    for l in 0..GROUP {
        x[one][l] = if marked[l] { b[l] } else { a[l] };
        x[other][l] = if marked[l] { a[l] } else { b[l] };
    }
}

/// `x[at] -= c y` in all lanes.
#[inline(always)]
fn subtract_lanes<T: Real>(x: &mut [[T; GROUP]], at: usize, c: [T; GROUP], y: [T; GROUP]) {
    let x = &mut x[at];
    for l in 0..GROUP {
        x[l] = x[l] - c[l] * y[l];
    }
}

loops! {
    /// The lower factors of [`GROUP`] matrices of order n side by side; of some it may be that they are not to be used.
    /// What is left in the lanes of those that are not positive definite is NaN.
    fn cholesky_group(a: &'a mut [[T; GROUP]], n: usize) -> () {
        let mut fine = [true; GROUP];
        for j in 0..n {
            let mut pivot = a[j * n + j];
            for k in 0..j {
                let x = a[j * n + k];
                for l in 0..GROUP {
                    pivot[l] = pivot[l] - x[l] * x[l];
                }
            }
            let mut inverse = [T::ZERO; GROUP];
            for l in 0..GROUP {
                fine[l] &= pivot[l] > T::ZERO && pivot[l] < T::INFINITY;
                pivot[l] = pivot[l].sqrt();
                inverse[l] = T::ONE / pivot[l];
            }
            a[j * n + j] = pivot;
            for i in j + 1..n {
                let mut sum = a[i * n + j];
                for k in 0..j {
                    let (x, y) = (a[i * n + k], a[j * n + k]);
                    for l in 0..GROUP {
                        sum[l] = sum[l] - x[l] * y[l];
                    }
                }
                for l in 0..GROUP {
                    a[i * n + j][l] = sum[l] * inverse[l];
                }
            }
        }
        for x in a {
            for l in 0..GROUP {
                x[l] = if fine[l] { x[l] } else { T::NAN };
            }
        }
    }

    /// Solves A X = B for [`GROUP`] matrices of order n side by side, with as many right sides of k columns, in the place of
    /// B: by elimination, each row exchanged with any below it that begins with a larger number. NaN in the lanes of
    /// matrices that are not finite.
    fn solve_group(a: &'a mut [[T; GROUP]], b: &'a mut [[T; GROUP]], n: usize, k: usize) -> () {
        let mut fine = [true; GROUP];
        for x in a.iter() {
            for l in 0..GROUP {
                fine[l] &= x[l].abs() < T::INFINITY;
            }
        }
        for j in 0..n {
            for i in j + 1..n {
                let (upper, lower) = (a[j * n + j], a[i * n + j]);
                let mut larger = [false; GROUP];
                for l in 0..GROUP {
                    larger[l] = lower[l].abs() > upper[l].abs();
                }
                for c in j..n {
                    exchange_lanes(a, j * n + c, i * n + c, &larger);
                }
                for c in 0..k {
                    exchange_lanes(b, j * k + c, i * k + c, &larger);
                }
            }
            let pivot = a[j * n + j];
            for i in j + 1..n {
                let mut factor = a[i * n + j];
                for l in 0..GROUP {
                    // With a pivot of 0 there is nothing to eliminate.
                    factor[l] = if pivot[l] == T::ZERO { T::ZERO } else { factor[l] / pivot[l] };
                }
                for c in j + 1..n {
                    subtract_lanes(a, i * n + c, factor, a[j * n + c]);
                }
                for c in 0..k {
                    subtract_lanes(b, i * k + c, factor, b[j * k + c]);
                }
            }
        }
        for i in (0..n).rev() {
            let pivot = a[i * n + i];
            for c in 0..k {
                for j in i + 1..n {
                    subtract_lanes(b, i * k + c, a[i * n + j], b[j * k + c]);
                }
                let x = &mut b[i * k + c];
                for l in 0..GROUP {
                    x[l] = x[l] / pivot[l];
                }
            }
        }
        for x in b {
            for l in 0..GROUP {
                x[l] = if fine[l] { x[l] } else { T::NAN };
            }
        }
    }
}
