//! Factorisations of matrices, each of a batch by itself.
//!
//! All are our own: blocked, so that most of the work is products ([`crate::gemm`]), and on rows, so that what is left
//! are loops over contiguous elements ([`loops`]). Threads share a batch, or the products of one matrix. No result
//! depends on their number.

mod bidiagonal;
mod cholesky;
mod conquer;
mod eigh;
mod groups;
mod householder;
mod loops;
mod lu;
mod real;
mod secular;
mod svd;
mod sweeps;
#[cfg(test)]
mod tests;
mod triangular;
mod tridiagonal;

use crate::data::{View, value};
use crate::layout::Layout;
use crate::par;
use crate::pool::scratch;
use crate::storage::Storage;
use bytemuck::Pod;
use plywood_core::op::{Linalg, Types};
use plywood_core::{DType, Values};
use real::{Real, rows};
use std::sync::Mutex;

/// Each matrix of the batch by itself.
pub fn linalg(types: Types, x: Values, l: Linalg) -> Values {
    match x[0].dtype() {
        DType::F64 => run::<f64>(types, &x, l),
        _ => run::<f32>(types, &x, l),
    }
}

fn run<T: Real>(types: Types, x: &Values, l: Linalg) -> Values {
    let shape = x[0].shape();
    let (m, n) = (shape[shape.rank() - 2], shape[shape.rank() - 1]);
    let a = View::<T>::of(&x[0]).to_contiguous();
    let count: usize = shape[..shape.rank() - 2].iter().product();
    let a_of = |i: usize| &a[i * m * n..(i + 1) * m * n];
    let least = m.min(n);
    // Nanoseconds of one matrix, about.
    let work = |flops: f64| 50.0 + 0.5 * (m * n) as f64 + flops * 0.02 * size_of::<T>() as f64;
    let (rows_, columns) = (m as f64, n as f64);
    let cubic = rows_ * columns * least as f64;
    let right_sides = || (View::<T>::of(&x[1]).to_contiguous(), x[1].shape()[shape.rank() - 1]);
    match l {
        Linalg::Cholesky if (1..=cholesky::SMALL).contains(&n) => outputs::<T, u8, u8>(types, |out, _, _| {
            let unit = n * n * groups::GROUP;
            par::chunks(out, unit, work(cubic) * groups::GROUP as f64 / 4.0, |first, out| {
                cholesky::small(&a[first * unit..first * unit + out.len()], out, n);
            });
        }),
        Linalg::Cholesky => one_output(types, count, work(cubic / 3.0), |i, out, threads| {
            cholesky::cholesky(a_of(i), out, n, threads)
        }),
        Linalg::TriangularSolve { lower, transpose, unit_diagonal } => {
            let (b, k) = right_sides();
            one_output(types, count, work(rows_ * columns * k as f64), |i, out: &mut [T], threads| {
                out.copy_from_slice(&b[i * n * k..(i + 1) * n * k]);
                let a = rows(a_of(i), n);
                let a = if transpose { a.transposed() } else { a };
                triangular::solve(a, n, lower != transpose, unit_diagonal, out, k, k, threads);
            })
        }
        Linalg::Solve { transpose } => {
            let (b, k) = right_sides();
            if count > 1 && (1..=lu::SMALL).contains(&n) && (1..=lu::SMALL).contains(&k) {
                return outputs::<T, u8, u8>(types, |out, _, _| {
                    let (group, work) = (groups::GROUP, work(cubic) * groups::GROUP as f64 / 4.0);
                    par::chunks(out, n * k * group, work, |first, out| {
                        let (first, matrices) = (first * group, out.len() / (n * k));
                        let a = &a[first * n * n..][..matrices * n * n];
                        lu::small(a, &b[first * n * k..][..out.len()], out, n, k, transpose);
                    });
                });
            }
            let work = work(cubic + 2.0 * rows_ * columns * k as f64);
            one_output(types, count, work, |i, out: &mut [T], threads| {
                out.copy_from_slice(&b[i * n * k..(i + 1) * n * k]);
                lu::solve(a_of(i), n, transpose, out, k, threads);
            })
        }
        Linalg::Det => one_output(types, count, work(cubic), |i, out, threads| {
            out[0] = lu::determinant(a_of(i), n, threads)
        }),
        Linalg::Lu => outputs::<T, i32, i32>(types, |out, pivots, permutations| {
            batch(
                count,
                work(cubic),
                out,
                pivots,
                permutations,
                &|i, out: &mut [T], pivots, permutation, threads| {
                    out.copy_from_slice(a_of(i));
                    let mut space = scratch(least * size_of::<usize>());
                    let all = &mut space.as_mut_slice::<usize>()[..least];
                    lu::factorise(out, m, n, all, threads);
                    lu::permutation(all, permutation);
                    pivots.iter_mut().zip(&*all).for_each(|(to, &p)| *to = p as i32);
                },
            );
        }),
        Linalg::Qr { full } => outputs::<T, T, u8>(types, |q, r, _| {
            let k = if full { m } else { least };
            let work = work(4.0 * cubic);
            batch(count, work, q, r, &mut [], &|i, q, r, _: &mut [u8], threads| {
                let mut space = scratch(m * n * size_of::<T>());
                let copy = &mut space.as_mut_slice::<T>()[..m * n];
                copy.copy_from_slice(a_of(i));
                householder::qr(copy, m, n, k, q, r, threads);
            });
        }),
        Linalg::Eigh => outputs::<T, T, u8>(types, |w, v, _| {
            batch(count, work(15.0 * cubic), w, v, &mut [], &|i, w, v, _: &mut [u8], threads| {
                eigh::eigh(a_of(i), n, w, v, threads);
            });
        }),
        Linalg::Svd { full } => outputs::<T, T, T>(types, |u, s, vt| {
            batch(count, work(30.0 * cubic), u, s, vt, &|i, u, s, vt, threads| {
                svd::svd(a_of(i), m, n, full, u, s, vt, threads);
            });
        }),
    }
}

/// Values of these types; `fill` writes all elements of each, of which there are up to three.
fn outputs<A: Pod, B: Pod, C: Pod>(types: Types, fill: impl FnOnce(&mut [A], &mut [B], &mut [C])) -> Values {
    let elements = |i: usize| types.get(i).map_or(0, |ty| ty.elements());
    let mut storages: [Storage; 3] =
        std::array::from_fn(|i| Storage::overwritten(types.get(i).map_or(0, |ty| ty.bytes())));
    let [a, b, c] = &mut storages;
    fill(part(a, elements(0)), part(b, elements(1)), part(c, elements(2)));
    let made = types.into_iter().zip(storages);
    made.map(|(ty, storage)| {
        let layout = Layout::row_major(&ty.shape);
        value(ty, layout, storage)
    })
    .collect()
}

/// The value of an operation with one output; `one` is called for each matrix with its part of it.
fn one_output<T: Pod + Send>(
    types: Types,
    count: usize,
    work: f64,
    one: impl Fn(usize, &mut [T], bool) + Sync,
) -> Values {
    outputs::<T, u8, u8>(types, |out, _, _| {
        let one = |i, out: &mut [T], _: &mut [u8], _: &mut [u8], threads| one(i, out, threads);
        batch(count, work, out, &mut [], &mut [], &one);
    })
}

fn part<T: Pod>(storage: &mut Storage, n: usize) -> &mut [T] {
    &mut storage.as_mut_slice::<T>().expect("nobody else holds it")[..n]
}

/// What is done to one matrix: its number, its part of each output, and whether threads may share the work.
type One<'a, A, B, C> = &'a (dyn Fn(usize, &mut [A], &mut [B], &mut [C], bool) + Sync);

/// Calls `one` for each of `count` matrices, which take `work` nanoseconds each, with their parts of the outputs.
fn batch<A: Send, B: Send, C: Send>(
    count: usize,
    work: f64,
    a: &mut [A],
    b: &mut [B],
    c: &mut [C],
    one: One<'_, A, B, C>,
) {
    if count == 0 {
        return;
    }
    let sizes = [a.len() / count, b.len() / count, c.len() / count];
    let run =
        |first: usize, matrices: usize, mut a: &mut [A], mut b: &mut [B], mut c: &mut [C], threads: bool| {
            for i in first..first + matrices {
                one(i, next(&mut a, sizes[0]), next(&mut b, sizes[1]), next(&mut c, sizes[2]), threads);
            }
        };
    let few = count < 2 * par::threads() && work > 1e6;
    let pieces = if count == 1 || few { 1 } else { par::pieces(count, work) };
    if pieces == 1 {
        return run(0, count, a, b, c, count == 1 || few);
    }
    let size = count.div_ceil(pieces);
    let (mut a, mut b, mut c) = (a, b, c);
    let parts: Vec<_> = (0..count)
        .step_by(size)
        .map(|first| {
            let n = size.min(count - first);
            let part = |i: usize| n * sizes[i];
            let parts = (next(&mut a, part(0)), next(&mut b, part(1)), next(&mut c, part(2)));
            Mutex::new(Some((first, n, parts)))
        })
        .collect();
    par::divided(parts.len(), &|i| {
        let part = parts[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        let (first, n, (a, b, c)) = part.expect("every piece comes once");
        run(first, n, a, b, c, false);
    });
}

/// Takes the first n elements off a slice.
fn next<'a, T>(rest: &mut &'a mut [T], n: usize) -> &'a mut [T] {
    let (first, others) = std::mem::take(rest).split_at_mut(n);
    *rest = others;
    first
}
