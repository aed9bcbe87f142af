//! Many rows of one length, a power of two: see [`super::row`]. What is interleaved is taken apart before, and put
//! together after; a real row of length n is a complex one of n / 2 numbers, as in [`super::lane`].

use super::lane::Kind;
use super::plan::{Real, real_row, row};
use super::real::{join, take_apart};
use super::row::{Row, pair};
use super::stage::{Sink, Source};
use super::vector::{Lanes, Math, lanes};
use crate::par;
use crate::pool::scratch;
use gemm_common::pulp::{Arch, Simd, WithSimd};
use num_complex::Complex;
use std::sync::Arc;

/// The roots between real rows and complex ones: e^(-2πi k / n), k from 1 to n / 4: real parts, then imaginary ones.
pub(super) fn real_roots<T: Lanes>(n: usize) -> Vec<T> {
    let root = |part: usize| (1..n / 4 + 1).map(move |k| pair::<T>(k, n)[part]);
    root(0).chain(root(1)).collect()
}

/// Complex numbers of a row, where rows of this kind and length are transformed here.
pub(super) fn length<T: Lanes>(kind: Kind, n: usize) -> Option<usize> {
    let length = match kind {
        Kind::Complex { .. } => n,
        Kind::FromReal | Kind::ToReal => n / 2,
    };
    (Row::<T>::fits(length, lanes::<T>()) && (length == n || n.is_multiple_of(2))).then_some(length)
}

/// Transforms rows of `length` complex numbers.
pub(super) fn rows<T: Real>(
    kind: Kind,
    length: usize,
    scale: Option<T>,
    source: Source<'_, T>,
    sink: Sink<'_, T>,
) {
    let real = !matches!(kind, Kind::Complex { .. });
    let (source, sink) = if real { (source.halved(), sink.halved()) } else { (source, sink) };
    let (read, written) = match kind {
        Kind::Complex { .. } => (length, length),
        Kind::FromReal => (length, length + 1),
        Kind::ToReal => (length + 1, length),
    };
    let rows = Rows {
        kind,
        row: row(length),
        roots: real.then(|| real_row(2 * length)),
        scale,
        sizes: [read, written],
    };
    let count = (4096 / length).max(1);
    let pieces = sink.pieces(count * written);
    let work = 0.1 * (length * count) as f64 * length.ilog2() as f64;
    par::each(pieces.len(), work, |i| {
        let piece = pieces[i].lock().unwrap_or_else(|e| e.into_inner()).take();
        let sink = piece.expect("every piece comes once");
        Arch::new().dispatch(Piece { rows: &rows, source: source.from(i * count * read), sink });
    });
}

/// How rows are transformed.
struct Rows<T: Real> {
    kind: Kind,
    row: Arc<Row<T>>,
    roots: Option<Arc<[T]>>,
    scale: Option<T>,
    /// Complex numbers of a row that are read and written.
    sizes: [usize; 2],
}

/// Some rows.
struct Piece<'a, T: Real> {
    rows: &'a Rows<T>,
    source: Source<'a, T>,
    sink: Sink<'a, T>,
}

impl<T: Real> WithSimd for Piece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, s: S) {
        let Piece { rows, source, mut sink } = self;
        if !Math::<S, T>::WIDE {
            return;
        }
        let ([read, written], math) = (rows.sizes, Math::<S, T>::new(s));
        let mut memory = scratch(rows.room() * size_of::<T>());
        let (planes, memory) = memory.as_mut_slice::<T>().split_at_mut(2 * rows.pitch());
        let (re, im) = planes.split_at_mut(rows.pitch());
        for i in 0..sink.len() / written {
            let place = i * written..(i + 1) * written;
            let outs = match &mut sink {
                Sink::Pair(re, im) => [&mut re[place.clone()], &mut im[place.clone()]],
                _ => [&mut re[..written], &mut im[..written]],
            };
            rows.one(math, source.from(i * read), outs, memory);
            if let Sink::Complex(all) = &mut sink {
                for ((out, &re), &im) in all[place].iter_mut().zip(&*re).zip(&*im) {
                    *out = Complex { re, im };
                }
            }
        }
    }
}

impl<T: Real> Rows<T> {
    /// Numbers from plane to plane.
    fn pitch(&self) -> usize {
        self.row.pitch()
    }

    /// Numbers of memory.
    fn room(&self) -> usize {
        6 * self.pitch() + self.row.room()
    }

    #[inline(always)]
    fn one<S: Simd>(
        &self,
        math: Math<S, T>,
        source: Source<'_, T>,
        [re, im]: [&mut [T]; 2],
        memory: &mut [T],
    ) {
        let (pitch, read) = (self.pitch(), self.sizes[0]);
        let (planes, memory) = memory.split_at_mut(4 * pitch);
        let (x, z) = planes.split_at_mut(2 * pitch);
        let ((x, y), (z_re, z_im)) = (x.split_at_mut(pitch), z.split_at_mut(pitch));
        let from = match source {
            Source::Pair(re, im) => [&re[..read], &im[..read]],
            Source::Complex(all) => {
                for ((x, y), z) in x.iter_mut().zip(&mut *y).zip(&all[..read]) {
                    (*x, *y) = (z.re, z.im);
                }
                [&x[..read], &y[..read]]
            }
            Source::Real(_) => unreachable!("real rows are halved"),
        };
        let roots = self.roots.as_deref().unwrap_or(&[]);
        // One call, so that its code is there once.
        let (from, to) = match self.kind {
            Kind::Complex { .. } => (from, [&mut *re, &mut *im]),
            Kind::FromReal => (from, [&mut *z_re, &mut *z_im]),
            Kind::ToReal => {
                join(math, from, roots, [&mut *z_re, &mut *z_im], memory);
                ([&*z_re, &*z_im], [&mut *re, &mut *im])
            }
        };
        let (from, to) = match self.kind {
            Kind::ToReal | Kind::Complex { inverse: true } => {
                let ([re, im], [to_re, to_im]) = (from, to);
                ([im, re], [to_im, to_re])
            }
            _ => (from, to),
        };
        self.row.run(math, from, to, self.scale, memory);
        if self.kind == Kind::FromReal {
            take_apart(math, [&*z_re, &*z_im], roots, [re, im], memory);
        }
    }
}
