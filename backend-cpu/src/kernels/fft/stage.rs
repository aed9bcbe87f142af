//! A stage: the columns of matrices `[n, m]`, transformed, as rows.

use super::batch;
use super::lane::{Kind, Lane};
use super::long::{self, Turn};
use super::plan::Real;
use crate::par;
use crate::pool::scratch;
use bytemuck::cast_slice;
use num_complex::Complex;
use std::sync::Mutex;

/// What is read.
#[derive(Clone, Copy)]
pub(super) enum Source<'a, T> {
    /// Real and imaginary parts.
    Pair(&'a [T], &'a [T]),
    /// Interleaved.
    Complex(&'a [Complex<T>]),
    /// Real numbers, lane by lane.
    Real(&'a [T]),
}

/// What is written.
pub(super) enum Sink<'a, T> {
    Pair(&'a mut [T], &'a mut [T]),
    Complex(&'a mut [Complex<T>]),
    Real(&'a mut [T]),
}

impl<T> Source<'_, T> {
    /// How many numbers, complex or real.
    pub fn len(&self) -> usize {
        match self {
            Source::Pair(re, _) => re.len(),
            Source::Complex(all) => all.len(),
            Source::Real(all) => all.len(),
        }
    }
}

impl<'a, T: Real> Source<'a, T> {
    /// Real lanes of even length as complex numbers.
    pub fn halved(self) -> Source<'a, T> {
        match self {
            Source::Real(all) => Source::Complex(cast_slice(all)),
            other => other,
        }
    }

    /// What is there from `start` on.
    pub fn from(self, start: usize) -> Source<'a, T> {
        match self {
            Source::Pair(re, im) => Source::Pair(&re[start..], &im[start..]),
            Source::Complex(all) => Source::Complex(&all[start..]),
            Source::Real(all) => Source::Real(&all[start..]),
        }
    }

    /// Parts of so many numbers.
    pub fn parts(self, size: usize) -> impl Iterator<Item = Source<'a, T>> {
        (0..self.len() / size).map(move |i| {
            let range = i * size..(i + 1) * size;
            match self {
                Source::Pair(re, im) => Source::Pair(&re[range.clone()], &im[range]),
                Source::Complex(all) => Source::Complex(&all[range]),
                Source::Real(all) => Source::Real(&all[range]),
            }
        })
    }

    /// `count` numbers, `step` apart, of `width` neighbouring columns, into rows of `room` numbers.
    #[inline]
    pub fn load(
        self,
        start: usize,
        [count, step]: [usize; 2],
        width: usize,
        buffer: &mut [Complex<T>],
        room: usize,
    ) {
        let zero = T::zero();
        if width == 1 && step == 1 {
            let out = &mut buffer[..count];
            match self {
                Source::Pair(re, im) => {
                    let parts = re[start..start + count].iter().zip(&im[start..start + count]);
                    out.iter_mut().zip(parts).for_each(|(x, (&re, &im))| *x = Complex { re, im });
                }
                Source::Complex(all) => out.copy_from_slice(&all[start..start + count]),
                Source::Real(all) => {
                    let parts = &all[start..start + count];
                    out.iter_mut().zip(parts).for_each(|(x, &re)| *x = Complex { re, im: zero });
                }
            }
            return;
        }
        for i in 0..count {
            let from = start + i * step;
            let range = from..from + width;
            let out = buffer[i..].iter_mut().step_by(room);
            match self {
                Source::Pair(re, im) => {
                    let parts = re[range.clone()].iter().zip(&im[range]);
                    out.zip(parts).for_each(|(x, (&re, &im))| *x = Complex { re, im });
                }
                Source::Complex(all) => out.zip(&all[range]).for_each(|(x, from)| *x = *from),
                Source::Real(all) => {
                    out.zip(&all[range]).for_each(|(x, &re)| *x = Complex { re, im: zero });
                }
            }
        }
    }
}

impl<'a, T: Real> Sink<'a, T> {
    /// Real lanes of even length as complex numbers.
    pub fn halved(self) -> Sink<'a, T> {
        match self {
            Sink::Real(all) => Sink::Complex(bytemuck::cast_slice_mut(all)),
            other => other,
        }
    }

    /// Pieces of so many numbers, of which every thread may take one.
    pub fn pieces(self, size: usize) -> Vec<Mutex<Option<Sink<'a, T>>>> {
        let one = |sink| Mutex::new(Some(sink));
        match self {
            Sink::Pair(re, im) => {
                let pairs = re.chunks_mut(size).zip(im.chunks_mut(size));
                pairs.map(|(re, im)| one(Sink::Pair(re, im))).collect()
            }
            Sink::Complex(all) => all.chunks_mut(size).map(|all| one(Sink::Complex(all))).collect(),
            Sink::Real(all) => all.chunks_mut(size).map(|all| one(Sink::Real(all))).collect(),
        }
    }

    /// Parts of so many numbers.
    pub fn parts(self, size: usize) -> impl Iterator<Item = Sink<'a, T>> {
        self.pieces(size).into_iter().filter_map(|m| m.into_inner().unwrap_or_else(|e| e.into_inner()))
    }

    pub fn len(&self) -> usize {
        match self {
            Sink::Pair(re, _) => re.len(),
            Sink::Complex(all) => all.len(),
            Sink::Real(all) => all.len(),
        }
    }

    /// Writes a lane from `at` on.
    #[inline]
    fn store(&mut self, at: usize, lane: &[Complex<T>], scale: Option<T>) {
        let range = at..at + lane.len();
        match self {
            Sink::Pair(re, im) => {
                let outs = re[range.clone()].iter_mut().zip(&mut im[range]).zip(lane);
                match scale {
                    None => outs.for_each(|((re, im), x)| (*re, *im) = (x.re, x.im)),
                    Some(s) => outs.for_each(|((re, im), x)| (*re, *im) = (x.re * s, x.im * s)),
                }
            }
            Sink::Complex(all) => match scale {
                None => all[range].copy_from_slice(lane),
                Some(s) => all[range].iter_mut().zip(lane).for_each(|(out, x)| *out = x.scale(s)),
            },
            Sink::Real(all) => {
                let s = scale.unwrap_or(T::one());
                all[range].iter_mut().zip(lane).for_each(|(out, x)| *out = x.re * s);
            }
        }
    }
}

/// The columns of `batches` matrices `[n, m]`, transformed, as rows.
pub(super) struct Stage<T: Real> {
    lane: Lane<T>,
    batches: usize,
    columns: usize,
    scale: Option<T>,
    turn: Option<Turn>,
}

/// Transforms lanes that lie along memory, a long one by all threads.
pub(super) fn lanes<T: Real>(
    kind: Kind,
    count: usize,
    n: usize,
    scale: Option<T>,
    source: Source<'_, T>,
    sink: Sink<'_, T>,
) {
    match (long::split(kind, count, n), batch::length::<T>(kind, n)) {
        (Some(split), _) => long::lanes(split, kind, n, scale, source, sink),
        (None, Some(length)) => batch::rows(kind, length, scale, source, sink),
        (None, None) => Stage::new(kind, count, n, 1, scale).run(source, sink),
    }
}

impl<T: Real> Stage<T> {
    /// Columns of `n` numbers: the real ones, of a real transform.
    pub fn new(kind: Kind, batches: usize, n: usize, columns: usize, scale: Option<T>) -> Self {
        Stage { lane: Lane::new(kind, n), batches, columns, scale, turn: None }
    }

    /// With each result turned.
    pub fn turned(self, turn: Turn) -> Self {
        Stage { turn: Some(turn), ..self }
    }

    pub fn run(self, source: Source<'_, T>, sink: Sink<'_, T>) {
        let Stage { lane, batches, columns, scale, turn } = self;
        let (source, sink) = if lane.halved() { (source.halved(), sink.halved()) } else { (source, sink) };
        debug_assert!(lane.kind() != Kind::FromReal || columns == 1);
        let (count, written) = (lane.input(), lane.output());
        // Neighbouring columns are read together: a cache line of them, or a few lanes that lie along memory.
        let width = match columns {
            1 => (4096 / lane.room()).clamp(1, 64),
            _ => (64 / size_of::<T>()).min(columns),
        };
        // A lane's room is not a power of two, so that columns of the buffer do not meet in one place of the cache.
        let room = lane.room() + if columns == 1 { 0 } else { 8 };
        // Groups of columns: of one matrix, or of all where each has one.
        let total = batches * columns;
        let across = if columns == 1 { total } else { columns };
        let groups = across.div_ceil(width);
        let pieces = if columns == 1 {
            sink.pieces(width * written)
        } else {
            debug_assert_eq!(sink.len(), total * written);
            sink.parts(columns * written).flat_map(|matrix| matrix.pieces(width * written)).collect()
        };
        par::each(pieces.len(), lane.work() * width as f64, |i| {
            let piece = pieces[i].lock().unwrap_or_else(|e| e.into_inner()).take();
            let mut piece = piece.expect("every piece comes once");
            let size = width * room;
            let mut memory = scratch((size + lane.scratch()) * size_of::<Complex<T>>());
            let (buffer, own) = memory.as_mut_slice::<Complex<T>>().split_at_mut(size);
            let own = &mut own[..lane.scratch()];
            let lanes = piece.len() / written;
            if columns == 1 {
                for c in 0..lanes {
                    source.load((i * width + c) * count, [count, 1], 1, buffer, room);
                    lane.run(buffer, own);
                    piece.store(c * written, &buffer[..written], scale);
                }
                return;
            }
            let start = i / groups * (count * columns) + i % groups * width;
            source.load(start, [count, columns], lanes, buffer, room);
            for (c, buffer) in buffer.chunks_mut(room).take(lanes).enumerate() {
                lane.run(buffer, own);
                if let Some(turn) = &turn {
                    turn.run(i % groups * width + c, &mut buffer[..written]);
                }
                piece.store(c * written, &buffer[..written], scale);
            }
        });
    }
}
