//! One long lane, shared by threads: as a matrix `[a, b]` in row-major order its columns are transformed, result number
//! k of column j is turned by e^(-2πi jk / ab), and the other axis is transformed; the results are the matrix `[b, a]`.
//!
//! Whether a lane is cut, and how, follows from the shape alone.

use super::between;
use super::lane::{Kind, Lane};
use super::matrix::{self, Matrix};
use super::plan::{Ladder, Real, ladder, narrow, roots};
use super::stage::{Sink, Source, Stage};
use super::vector::lanes as lanes_of;
use crate::par;
use crate::pool::scratch;
use num_complex::Complex;
use std::array::from_fn;
use std::sync::{Arc, Mutex};

/// The shortest complex lane that is cut.
const LONG: usize = 1 << 15;
/// Columns that are transformed together.
const WIDTH: usize = 16;

/// The sizes of the matrix that each of so many lanes of n elements is; none where they stay whole.
pub(super) fn split(kind: Kind, count: usize, n: usize) -> Option<[usize; 2]> {
    let length = match kind {
        Kind::Complex { .. } => n,
        Kind::FromReal | Kind::ToReal if n.is_multiple_of(2) => n / 2,
        Kind::FromReal | Kind::ToReal => return None,
    };
    if length < LONG || count >= 4 {
        return None;
    }
    let root = length.isqrt();
    let a = (root / 8..=root).rev().find(|&a| length.is_multiple_of(a))?;
    Some([a, length / a])
}

/// Result number k of column j, turned by e^(-2πi jk / n), or back.
pub(super) struct Turn {
    ladder: Arc<Ladder>,
    inverse: bool,
}

impl Turn {
    pub fn run<T: Real>(&self, j: usize, column: &mut [Complex<T>]) {
        let root = |k: usize| {
            let root = self.ladder.root(j * k);
            narrow::<T>(if self.inverse { root.conj() } else { root })
        };
        // Those of 16 neighbours, and of the first of each 16.
        let near: [Complex<T>; 16] =
            from_fn(|k| if k < column.len() { root(k) } else { Complex::new(T::one(), T::zero()) });
        for (q, part) in column.chunks_mut(16).enumerate() {
            let far = root(16 * q);
            for (x, near) in part.iter_mut().zip(near) {
                let (re, im) = (near.re * far.re - near.im * far.im, near.re * far.im + near.im * far.re);
                *x = Complex::new(x.re * re - x.im * im, x.re * im + x.im * re);
            }
        }
    }
}

/// Transforms long lanes, one after the other.
pub(super) fn lanes<T: Real>(
    split: [usize; 2],
    kind: Kind,
    n: usize,
    scale: Option<T>,
    source: Source<'_, T>,
    sink: Sink<'_, T>,
) {
    let half = n / 2;
    match kind {
        Kind::Complex { inverse } => {
            for (source, sink) in source.parts(n).zip(sink.parts(n)) {
                one(split, inverse, scale, source, Out::of(sink));
            }
        }
        Kind::FromReal => {
            let roots = roots::<T>(n);
            let mut pairs = between::<T>(half);
            for (source, sink) in source.halved().parts(half).zip(sink.parts(half + 1)) {
                let z = &mut pairs.as_mut_slice::<Complex<T>>()[..half];
                one(split, false, None, source, Out::Complex(z));
                take_apart(z, &roots, sink);
            }
        }
        Kind::ToReal => {
            let roots = roots::<T>(n);
            let mut pairs = between::<T>(half);
            for (source, sink) in source.parts(half + 1).zip(sink.halved().parts(half)) {
                let z = &mut pairs.as_mut_slice::<Complex<T>>()[..half];
                join(source, &roots, z);
                one(split, true, scale, Source::Complex(z), Out::of(sink));
            }
        }
    }
}

/// Where results go.
enum Out<'a, T> {
    Pair(&'a mut [T], &'a mut [T]),
    Complex(&'a mut [Complex<T>]),
}

/// Some columns of all rows.
enum Rows<'a, T> {
    Pair(Vec<(&'a mut [T], &'a mut [T])>),
    Complex(Vec<&'a mut [Complex<T>]>),
}

impl<'a, T: Real> Out<'a, T> {
    fn of(sink: Sink<'a, T>) -> Self {
        match sink {
            Sink::Pair(re, im) => Out::Pair(re, im),
            Sink::Complex(all) => Out::Complex(all),
            Sink::Real(_) => unreachable!("real lanes that are cut have an even length"),
        }
    }

    /// Of rows of `columns` elements, pieces of so many columns.
    fn pieces(self, columns: usize, width: usize) -> Vec<Mutex<Option<Rows<'a, T>>>> {
        let count = columns.div_ceil(width);
        let pieces: Vec<Rows<'a, T>> = match self {
            Out::Pair(re, im) => {
                let mut pieces: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
                for (re, im) in re.chunks_mut(columns).zip(im.chunks_mut(columns)) {
                    let parts = re.chunks_mut(width).zip(im.chunks_mut(width));
                    pieces.iter_mut().zip(parts).for_each(|(piece, part)| piece.push(part));
                }
                pieces.into_iter().map(Rows::Pair).collect()
            }
            Out::Complex(all) => {
                let mut pieces: Vec<Vec<_>> = (0..count).map(|_| Vec::new()).collect();
                for row in all.chunks_mut(columns) {
                    let parts = row.chunks_mut(width);
                    pieces.iter_mut().zip(parts).for_each(|(piece, part)| piece.push(part));
                }
                pieces.into_iter().map(Rows::Complex).collect()
            }
        };
        pieces.into_iter().map(|p| Mutex::new(Some(p))).collect()
    }
}

/// One complex lane.
fn one<T: Real>([a, b]: [usize; 2], inverse: bool, scale: Option<T>, source: Source<'_, T>, out: Out<'_, T>) {
    let out = match (source, out) {
        (Source::Pair(re, im), Out::Pair(to_re, to_im)) if Matrix::<T>::fits([a, b], lanes_of::<T>()) => {
            return match inverse {
                false => matrix::run([a, b], scale, [re, im], [to_re, to_im]),
                true => matrix::run([a, b], scale, [im, re], [to_im, to_re]),
            };
        }
        (_, out) => out,
    };
    let kind = Kind::Complex { inverse };
    let mut turned = between::<T>(a * b);
    let turned = &mut turned.as_mut_slice::<Complex<T>>()[..a * b];
    let turn = Turn { ladder: ladder::<T>(a * b), inverse };
    Stage::new(kind, 1, a, b, None).turned(turn).run(source, Sink::Complex(turned));
    let turned = Source::Complex(turned);
    // The matrix is [b, a] now; its columns' results are columns again.
    let lane = Lane::new(kind, b);
    let width = a.div_ceil(8).next_multiple_of(WIDTH).min(a);
    let pieces = out.pieces(a, width);
    let s = scale.unwrap_or(T::one());
    par::each(pieces.len(), lane.work() * width as f64, |i| {
        let piece = pieces[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        let mut piece = piece.expect("every piece comes once");
        let room = b + 8;
        let mut memory = scratch((WIDTH * room + lane.scratch()) * size_of::<Complex<T>>());
        let (buffer, own) = memory.as_mut_slice::<Complex<T>>().split_at_mut(WIDTH * room);
        let own = &mut own[..lane.scratch()];
        let end = width.min(a - i * width);
        for start in (0..end).step_by(WIDTH) {
            let count = WIDTH.min(end - start);
            turned.load(i * width + start, [b, a], count, buffer, room);
            buffer.chunks_mut(room).take(count).for_each(|lane_buffer| lane.run(&mut lane_buffer[..b], own));
            match &mut piece {
                Rows::Pair(rows) => {
                    for (k, (re, im)) in rows.iter_mut().enumerate() {
                        let outs = re[start..start + count].iter_mut().zip(&mut im[start..start + count]);
                        for ((re, im), x) in outs.zip(buffer[k..].iter().step_by(room)) {
                            (*re, *im) = (x.re * s, x.im * s);
                        }
                    }
                }
                Rows::Complex(rows) => {
                    for (k, row) in rows.iter_mut().enumerate() {
                        let outs = row[start..start + count].iter_mut();
                        outs.zip(buffer[k..].iter().step_by(room)).for_each(|(out, x)| *out = x.scale(s));
                    }
                }
            }
        }
    });
}

/// As the one in [`super::lane`], number by number.
fn take_apart<T: Real>(z: &[Complex<T>], roots: &[Complex<T>], sink: Sink<'_, T>) {
    let (p, half) = (z.len(), T::of(0.5));
    let number = |k: usize| {
        let (a, b) = (z[k % p], z[(p - k) % p]);
        let mirrored = k > p / 2;
        let (a, b, w) = if mirrored { (b, a, roots[p - k]) } else { (a, b, roots[k]) };
        let (sum, difference) =
            (Complex::new(a.re + b.re, a.im - b.im), Complex::new(a.re - b.re, a.im + b.im));
        let re = w.re * difference.im + w.im * difference.re;
        let im = w.im * difference.im - w.re * difference.re;
        match mirrored {
            false => Complex::new(half * (sum.re + re), half * (sum.im + im)),
            true => Complex::new(half * (sum.re - re), half * (im - sum.im)),
        }
    };
    let size = 1 << 12;
    let pieces = sink.pieces(size);
    par::each(pieces.len(), 3.0 * size as f64, |i| {
        let piece = pieces[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        match piece.expect("every piece comes once") {
            Sink::Pair(re, im) => {
                for (k, (re, im)) in re.iter_mut().zip(im).enumerate() {
                    let x = number(i * size + k);
                    (*re, *im) = (x.re, x.im);
                }
            }
            Sink::Complex(all) => all.iter_mut().zip(i * size..).for_each(|(out, k)| *out = number(k)),
            Sink::Real(_) => unreachable!("the transform of real numbers is complex"),
        }
    });
}

/// As the one in [`super::lane`], number by number.
fn join<T: Real>(source: Source<'_, T>, roots: &[Complex<T>], z: &mut [Complex<T>]) {
    let p = z.len();
    let at = |k: usize| match source {
        Source::Pair(re, im) => Complex::new(re[k], im[k]),
        Source::Complex(all) => all[k],
        Source::Real(_) => unreachable!("the transform of real numbers is complex"),
    };
    par::chunks(z, 1, 3.0, |first, z| {
        for (k, out) in (first..).zip(z) {
            if k == 0 {
                let (first, last) = (at(0).re, at(p).re);
                *out = Complex::new(first + last, first - last);
                continue;
            }
            let (a, b) = (at(k), at(p - k));
            let mirrored = k > p / 2;
            let (a, b, w) = if mirrored { (b, a, roots[p - k]) } else { (a, b, roots[k]) };
            let (sum, difference) =
                (Complex::new(a.re + b.re, a.im - b.im), Complex::new(a.re - b.re, a.im + b.im));
            let re = w.im * difference.re - w.re * difference.im;
            let im = w.re * difference.re + w.im * difference.im;
            *out = match mirrored {
                false => Complex::new(sum.re + re, sum.im + im),
                true => Complex::new(sum.re - re, im - sum.im),
            };
        }
    });
}
