//! Fourier transforms: `rustfft` transforms a lane of interleaved complex numbers in a buffer; what is here brings lanes
//! into buffers and back.
//!
//! A [`Stage`] transforms the columns of matrices `[n, m]` and writes them as rows: `[m, n]`. So a transform over several
//! axes is a stage for each, from the first to the last, after which the axes are back in order; neighbouring columns are
//! read together, rows are written in one piece. Between stages complex numbers are interleaved. A real lane of even
//! length is a complex one of half the length, whose transform is taken apart ([`lane`]). One long lane is cut into a
//! matrix that two stages transform ([`long`]), so that threads can share it.
//!
//! Lengths that are powers of two have code of their own where real and imaginary parts can stay apart, as they are in
//! tensors: of vectors, whose lanes are columns of a matrix ([`vector`]). Rows stay in the first-level cache ([`row`],
//! and [`batch`] for many of them), long lanes are such matrices twice ([`matrix`]).

mod batch;
mod column;
mod lane;
mod long;
mod matrix;
mod plan;
mod real;
mod row;
mod stage;
mod vector;

use crate::data::{View, value};
use crate::layout::{Layout, row_major};
use crate::pool::{Scratch, scratch};
use crate::storage::Storage;
use lane::Kind;
use num_complex::Complex;
use plan::Real;
use plywood_core::op::{FftKind, Types};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Values};
use stage::{Sink, Source, Stage};

/// Transforms the last axes, which have these sizes (before the halving of a real transform).
pub fn fft(types: Types, x: Values, kind: FftKind, sizes: &[usize]) -> Values {
    match types[0].dtype {
        DType::F64 => run::<f64>(types, x, kind, sizes),
        _ => run::<f32>(types, x, kind, sizes),
    }
}

fn run<T: Real>(types: Types, x: Values, kind: FftKind, sizes: &[usize]) -> Values {
    let mut outs: Vec<Storage> = types.iter().map(|ty| Storage::overwritten(ty.bytes())).collect();
    let elements = types[0].elements();
    let mut strides = row_major(&types[0].shape);
    if elements > 0 && x[0].ty().elements() > 0 {
        let inputs: Vec<_> = x.iter().map(|x| View::<T>::of(x).to_contiguous()).collect();
        let source = match &inputs[..] {
            [re, im] => Source::Pair(re, im),
            [x] => Source::Real(x),
            _ => unreachable!("the shape rule counts the inputs"),
        };
        let mut slices = outs.iter_mut().map(|s| &mut s.as_mut_slice::<T>().expect("it is new")[..elements]);
        let sink = match (slices.next(), slices.next()) {
            (Some(re), Some(im)) => Sink::Pair(re, im),
            (Some(x), None) => Sink::Real(x),
            (None, _) => unreachable!("the shape rule counts the outputs"),
        };
        match kind {
            FftKind::Forward | FftKind::Inverse => complex(source, sink, sizes, kind == FftKind::Inverse),
            FftKind::InverseReal => to_real(source, sink, sizes),
            FftKind::Real => {
                from_real(source, sink, sizes);
                strides = halves_outside(&types[0], sizes.len());
            }
        }
    }
    let of = |(ty, storage): (&TensorType, _)| {
        value(ty.clone(), Layout { strides: strides.clone(), offset: 0 }, storage)
    };
    types.iter().zip(outs).map(of).collect()
}

/// Strides of a transform of real numbers over so many axes: the last axis lies outside the others that are transformed.
fn halves_outside(ty: &TensorType, transformed: usize) -> crate::layout::Strides {
    let rank = ty.rank();
    let first = rank - transformed;
    let mut order: Axes = (0..first).collect();
    order.push(rank - 1);
    order.extend(first..rank - 1);
    let in_memory = row_major(&order.iter().map(|&d| ty.shape[d]).collect::<Axes>());
    let mut strides = in_memory.clone();
    order.iter().zip(in_memory).for_each(|(&d, stride)| strides[d] = stride);
    strides
}

/// Complex numbers for a stage to leave to the next.
fn between<T: Real>(elements: usize) -> Scratch {
    scratch(elements * size_of::<Complex<T>>())
}

/// Stages over columns of complex numbers, all but the last into buffers; gives what is left to do to the last.
struct Chain<'a, T: Real> {
    source: Source<'a, T>,
    buffer: Option<Scratch>,
    elements: usize,
}

impl<T: Real> Chain<'_, T> {
    fn stage(&mut self, stage: Stage<T>) {
        let mut next = between::<T>(self.elements);
        let out = &mut next.as_mut_slice::<Complex<T>>()[..self.elements];
        stage.run(self.source(), Sink::Complex(out));
        self.buffer = Some(next);
    }

    fn source(&self) -> Source<'_, T> {
        match &self.buffer {
            Some(buffer) => Source::Complex(&buffer.as_slice::<Complex<T>>()[..self.elements]),
            None => self.source,
        }
    }
}

fn complex<T: Real>(source: Source<'_, T>, sink: Sink<'_, T>, sizes: &[usize], inverse: bool) {
    let each: usize = sizes.iter().product();
    let batches = source.len() / each;
    let scale = if inverse { Some(T::reciprocal(each)) } else { None };
    let kind = Kind::Complex { inverse };
    if let &[n] = sizes {
        return stage::lanes(kind, batches, n, scale, source, sink);
    }
    let mut chain = Chain { elements: source.len(), source, buffer: None };
    let (&n, before) = sizes.split_last().expect("there are some");
    for &n in before {
        chain.stage(Stage::new(kind, batches, n, each / n, None));
    }
    Stage::new(kind, batches, n, each / n, scale).run(chain.source(), sink);
}

fn from_real<T: Real>(source: Source<'_, T>, sink: Sink<'_, T>, sizes: &[usize]) {
    let (&n, before) = sizes.split_last().expect("there are some");
    let lanes = source.len() / n;
    let Some((&last, middle)) = before.split_last() else {
        return stage::lanes(Kind::FromReal, lanes, n, None, source, sink);
    };
    let rows: usize = before.iter().product();
    let (batches, each) = (lanes / rows, rows * (n / 2 + 1));
    let mut chain = Chain { elements: batches * each, source, buffer: None };
    chain.stage(Stage::new(Kind::FromReal, lanes, n, 1, None));
    let kind = Kind::Complex { inverse: false };
    for &n in middle {
        chain.stage(Stage::new(kind, batches, n, each / n, None));
    }
    Stage::new(kind, batches, last, each / last, None).run(chain.source(), sink);
}

fn to_real<T: Real>(source: Source<'_, T>, sink: Sink<'_, T>, sizes: &[usize]) {
    let (&n, before) = sizes.split_last().expect("there are some");
    let rows: usize = before.iter().product();
    let each = rows * (n / 2 + 1);
    let batches = source.len() / each;
    let scale = Some(T::reciprocal(rows * n));
    if before.is_empty() {
        return stage::lanes(Kind::ToReal, batches, n, scale, source, sink);
    }
    let mut chain = Chain { elements: batches * each, source, buffer: None };
    for &n in before {
        chain.stage(Stage::new(Kind::Complex { inverse: true }, batches, n, each / n, None));
    }
    Stage::new(Kind::ToReal, batches, n, rows, scale).run(chain.source(), sink);
}

#[cfg(test)]
mod tests;
