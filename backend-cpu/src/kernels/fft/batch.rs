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
        let Piece { rows, source, sink } = self;
        let ([read, written], math) = (rows.sizes, Math::<S, T>::new(s));
        let mut memory = scratch(rows.room() * size_of::<T>());
        let memory = memory.as_mut_slice::<T>();
        match sink {
            Sink::Pair(re, im) => {
                let outs = re.chunks_exact_mut(written).zip(im.chunks_exact_mut(written));
                for (i, (re, im)) in outs.enumerate() {
                    rows.one(math, source.from(i * read), [re, im], memory);
                }
            }
            Sink::Complex(all) => {
                let (planes, memory) = memory.split_at_mut(2 * rows.pitch());
                let (re, im) = planes.split_at_mut(rows.pitch());
                let (re, im) = (&mut re[..written], &mut im[..written]);
                for (i, out) in all.chunks_exact_mut(written).enumerate() {
                    rows.one(math, source.from(i * read), [&mut *re, &mut *im], memory);
                    out.iter_mut().zip(&*re).for_each(|(out, &re)| out.re = re);
                    out.iter_mut().zip(&*im).for_each(|(out, &im)| out.im = im);
                }
            }
            Sink::Real(_) => unreachable!("real rows are halved"),
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
        let (planes, memory) = memory.split_at_mut(2 * pitch);
        let (x, y) = planes.split_at_mut(pitch);
        let (from_re, from_im) = match source {
            Source::Pair(re, im) => (&re[..read], &im[..read]),
            Source::Complex(all) => {
                x.iter_mut().zip(&all[..read]).for_each(|(x, z)| *x = z.re);
                y.iter_mut().zip(&all[..read]).for_each(|(y, z)| *y = z.im);
                (&x[..read], &y[..read])
            }
            Source::Real(_) => unreachable!("real rows are halved"),
        };
        let roots = self.roots.as_deref().unwrap_or(&[]);
        match self.kind {
            Kind::Complex { inverse: false } => {
                self.row.run(math, [from_re, from_im], [re, im], self.scale, memory);
            }
            Kind::Complex { inverse: true } => {
                self.row.run(math, [from_im, from_re], [im, re], self.scale, memory);
            }
            Kind::FromReal => {
                let (planes, memory) = memory.split_at_mut(2 * pitch);
                let (z_re, z_im) = planes.split_at_mut(pitch);
                self.row.run(math, [from_re, from_im], [&mut *z_re, &mut *z_im], self.scale, memory);
                take_apart(math, [z_re, z_im], roots, [re, im], memory);
            }
            Kind::ToReal => {
                let (planes, memory) = memory.split_at_mut(2 * pitch);
                let (z_re, z_im) = planes.split_at_mut(pitch);
                join(math, [from_re, from_im], roots, [&mut *z_re, &mut *z_im], memory);
                self.row.run(math, [z_im, z_re], [im, re], self.scale, memory);
            }
        }
    }
}
