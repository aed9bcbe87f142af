//! Fourier transforms, an axis after another, of real and imaginary parts in memory of their own.
//!
//! How an axis is transformed follows from its size ([`Way`]): products of small primes within the memory of a cube ([`lanes`]),
//! two such passes for longer ones, a product with the matrix of the roots for short other sizes, and as a convolution of a power
//! of two, by chirps, for long ones ([`chirp`]). What is left has no kernel: longer than the product of two lanes.
//!
//! An inverse transform is that of exchanged real and imaginary parts, which are exchanged again.

mod chirp;
mod lanes;
mod tables;

use super::{Queue, operand, placed};
use crate::client::Facts;
use crate::data::{Buffer, Storage};
use crate::launch::Operand;
use crate::programs::Single;
use crate::queue;
use crate::views;
use cubecl::prelude::Runtime;
use lanes::{Input, Lanes, Numbers, radices};
use plywood_core::op::FftKind;
use plywood_core::{DType, Number, TensorType, Value, Values};
use plywood_kernel::Width;
use plywood_kernel::layout::{Layout, Strides};
use std::sync::Arc;
use tables::{Table, table};

/// Sizes up to which an axis is multiplied by a matrix of n x n roots.
const MATRIX: usize = 1024;
/// Elements that a cube takes at once, about.
const ELEMENTS: usize = 1024;

/// How an axis is transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// In the memory of a cube.
    Lanes,
    /// In two passes: of so many lanes, and of that many.
    Split(usize, usize),
    /// As a product with the matrix of the roots.
    Matrix,
    /// As a convolution on a circle of this size.
    Chirp(usize),
}

impl Way {
    fn of(facts: &Facts, dtype: DType, n: usize) -> Option<Way> {
        let smooth = |n: usize| radices(n).is_some() && Lanes::shared(dtype, n, 1) <= facts.shared;
        let by_lanes = |n: usize| {
            if smooth(n) {
                return Some(Way::Lanes);
            }
            radices(n)?;
            // The two lengths are as equal as they can be.
            let first = (2..=n.isqrt()).rev().find(|&first| n.is_multiple_of(first))?;
            (smooth(first) && smooth(n / first)).then_some(Way::Split(first, n / first))
        };
        let circle = (2 * n - 1).next_power_of_two();
        match by_lanes(n) {
            None if n <= MATRIX => Some(Way::Matrix),
            None => by_lanes(circle).map(|_| Way::Chirp(circle)),
            way => way,
        }
    }
}

/// Whether there are kernels for axes of these sizes.
pub fn has_kernels<R: Runtime>(queue: &Queue<'_, R>, dtype: DType, sizes: &[usize]) -> bool {
    sizes.iter().all(|&n| Way::of(&queue.client.facts, dtype, n).is_some())
}

/// Transforms the last axes, which have these sizes (before the halving of a real transform).
pub fn fft<R: Runtime>(
    queue: &Queue<'_, R>,
    types: &[TensorType],
    x: Values,
    kind: FftKind,
    sizes: &[usize],
) -> Values {
    let t = Transforms { queue, dtype: types[0].dtype };
    let mut inputs = x.into_iter().map(|x| t.part(x));
    let re = inputs.next().expect("the shape rule counts the inputs");
    let im = inputs.next().unwrap_or(Part { storage: Storage::Number([0; 8]), offset: 0 });
    let pair = Pair { re, im };
    let mut shape = types[0].shape.to_vec();
    let rank = shape.len();
    let last = sizes.len() - 1;
    let first = rank - sizes.len();
    let factor = 1.0 / sizes.iter().product::<usize>() as f64;
    let n = sizes[last];
    let pair = match kind {
        FftKind::Forward => t.axes(pair, &shape, first..rank, 1.0),
        FftKind::Inverse => t.axes(pair.exchanged(), &shape, first..rank, factor).exchanged(),
        FftKind::Real => {
            let half = n / 2 + 1;
            shape[rank - 1] = n;
            let pair = t.axis(&pair, Axis::of(&shape, rank - 1), Input::Real, half, 1.0);
            shape[rank - 1] = half;
            t.axes(pair, &shape, first..rank - 1, 1.0)
        }
        FftKind::InverseReal => {
            shape[rank - 1] = n / 2 + 1;
            let pair = t.axes(pair.exchanged(), &shape, first..rank - 1, 1.0).exchanged();
            shape[rank - 1] = n;
            t.axis(&pair, Axis::of(&shape, rank - 1), Input::Half, n, factor)
        }
    };
    let filled = |(ty, part): (&TensorType, Part)| {
        let layout = Layout { offset: part.offset, ..Layout::row_major(&ty.shape) };
        queue.value(ty.clone(), layout, part.storage)
    };
    types.iter().zip([pair.re, pair.im]).map(filled).collect()
}

/// Real or imaginary parts, in row-major order.
#[derive(Clone, Debug)]
struct Part {
    storage: Storage,
    offset: usize,
}

/// Complex numbers.
#[derive(Clone, Debug)]
struct Pair {
    re: Part,
    im: Part,
}

impl Part {
    fn new(buffer: Buffer) -> Part {
        Part { storage: Storage::Device(buffer), offset: 0 }
    }

    fn operand(&self, strides: [usize; 4]) -> Operand {
        let strides: Strides = strides.iter().map(|&s| s as isize).collect();
        Operand { storage: self.storage.clone(), offset: self.offset, strides }
    }
}

impl Pair {
    fn exchanged(self) -> Pair {
        Pair { re: self.im, im: self.re }
    }
}

/// An axis, with what lies outside of it and inside.
#[derive(Clone, Copy, Debug)]
struct Axis {
    outer: usize,
    n: usize,
    inner: usize,
}

impl Axis {
    fn of(shape: &[usize], d: usize) -> Axis {
        Axis { outer: shape[..d].iter().product(), n: shape[d], inner: shape[d + 1..].iter().product() }
    }

    /// The strides of an axis of n elements, and of a domain's last one.
    fn strides(&self, n: usize, last: usize) -> [usize; 4] {
        [n * self.inner, self.inner, 1, last]
    }
}

struct Transforms<'a, 'q, R: Runtime> {
    queue: &'a Queue<'q, R>,
    dtype: DType,
}

impl<R: Runtime> Transforms<'_, '_, R> {
    fn part(&self, x: Value) -> Part {
        let Operand { storage, offset, .. } = operand(&self.queue.contiguous(x));
        Part { storage, offset }
    }

    fn empty(&self, elements: usize) -> Buffer {
        self.queue.client.empty(elements * self.dtype.size())
    }

    fn table(&self, what: Table) -> Part {
        Part::new(table(self.queue.client, self.dtype, what))
    }

    fn number(&self, x: f64) -> Storage {
        Storage::Number(views::element(Number::Float(x), self.dtype))
    }

    /// Complex axes one after another; the factor comes with the last one.
    fn axes(&self, x: Pair, shape: &[usize], axes: std::ops::Range<usize>, factor: f64) -> Pair {
        let end = axes.end;
        axes.fold(x, |x, d| {
            let factor = if d + 1 == end { factor } else { 1.0 };
            self.axis(&x, Axis::of(shape, d), Input::Complex, shape[d], factor)
        })
    }

    /// One axis, of which the first `kept` results are written, each times a factor.
    fn axis(&self, x: &Pair, axis: Axis, input: Input, kept: usize, factor: f64) -> Pair {
        let Axis { outer, n, inner } = axis;
        let read_outer = if input == Input::Half { n / 2 + 1 } else { n } * inner;
        let whole = Numbers {
            lanes: outer * inner,
            parts: 1,
            inner,
            places: n,
            offsets: [x.re.offset, x.im.offset],
            read_outer,
            read_step: 1,
            read_part: 0,
            write_outer: kept * inner,
            write_step: 1,
            write_part: 0,
            kept,
        };
        match Way::of(&self.queue.client.facts, self.dtype, n).expect("it was asked before") {
            Way::Lanes => self.pass(x, n, input, false, whole, factor),
            Way::Split(first, second) => {
                let part = Numbers {
                    lanes: outer * second * inner,
                    parts: second,
                    read_step: second,
                    read_part: 1,
                    write_outer: n * inner,
                    write_step: second,
                    write_part: 1,
                    kept: n,
                    ..whole
                };
                let x = self.pass(x, first, input, true, part, 1.0);
                let part = Numbers {
                    lanes: outer * first * inner,
                    parts: first,
                    offsets: [0; 2],
                    read_outer: n * inner,
                    read_step: 1,
                    read_part: second,
                    write_step: first,
                    write_part: 1,
                    ..whole
                };
                self.pass(&x, second, Input::Complex, false, part, factor)
            }
            Way::Matrix => self.product(&self.whole(x, input, whole), axis, kept, factor),
            Way::Chirp(circle) => self.chirp(&self.whole(x, input, whole), axis, circle, kept, factor),
        }
    }

    /// All numbers of an axis, of which half may be left out.
    fn whole(&self, x: &Pair, input: Input, numbers: Numbers<usize>) -> Pair {
        if input != Input::Half {
            return x.clone();
        }
        let n = numbers.places;
        let part = Numbers {
            lanes: numbers.lanes * n,
            parts: n,
            read_part: 1,
            write_outer: n * numbers.inner,
            write_part: 1,
            kept: n,
            ..numbers
        };
        self.pass(x, 1, input, false, part, 1.0)
    }

    /// Transforms lanes.
    fn pass(
        &self,
        x: &Pair,
        size: usize,
        input: Input,
        turned: bool,
        n: Numbers<usize>,
        factor: f64,
    ) -> Pair {
        let (client, dtype) = (self.queue.client, self.dtype);
        let elements = n.lanes / (n.parts * n.inner) * n.write_outer;
        let results = [self.empty(elements), self.empty(elements)];
        let fits = |group: usize| {
            group * size <= ELEMENTS && Lanes::shared(dtype, size, group) <= client.facts.shared
        };
        let most = n.lanes.next_power_of_two();
        let group =
            (1..11).map(|bit| 1 << bit).take_while(|&group| fits(group) && group <= most).last().unwrap_or(1);
        let units = ((group * size / 4).next_power_of_two() as u32).clamp(32, 512).min(client.facts.units);
        let code = Lanes {
            dtype,
            size,
            group,
            units: 1 << units.ilog2(),
            input,
            read_across: n.inner > 1 || (n.parts > 1 && n.read_part == 1),
            write_across: n.inner > 1 || (n.parts > 1 && n.write_part == 1),
            turned,
        };
        let ty = code.ty();
        let on = |part: &Part| part.storage.on(client, dtype.size());
        let mut inputs = vec![on(&x.re)];
        inputs.extend((input != Input::Real).then(|| on(&x.im)));
        inputs.push(table(client, dtype, Table::Roots { n: size, count: size }));
        inputs.extend(turned.then(|| table(client, dtype, Table::Roots { n: n.places, count: n.parts })));
        let arguments: Vec<_> = inputs.iter().chain(&results).map(|buffer| (buffer, ty)).collect();
        let whole = |n: usize| u32::try_from(n).unwrap_or_else(|_| panic!("{}: {n} elements", client.device));
        whole(elements.max(n.lanes * size));
        let mut numbers = n.all().map(whole).to_vec();
        let factor = views::lane(dtype, Width::of(dtype), &views::element(Number::Float(factor), dtype));
        numbers.push(factor as u32);
        numbers.extend((Width::of(dtype) == Width::W64).then_some((factor >> 32) as u32));
        let units = code.units;
        queue::queue(client, "fft", Arc::new(code), &arguments, &numbers, units, n.lanes.div_ceil(group));
        let [re, im] = results.map(Part::new);
        Pair { re, im }
    }

    /// As a product with the matrix of the roots: a row for each result.
    fn product(&self, x: &Pair, axis: Axis, kept: usize, factor: f64) -> Pair {
        let Axis { outer, n, inner } = axis;
        let results = [(); 2].map(|()| self.empty(outer * kept * inner));
        let matrix = self.table(Table::Matrix { n });
        let read = |part: &Part| part.operand([n * inner, 0, 1, inner]);
        let root = |offset: usize| Operand { offset, ..matrix.operand([0, 2 * n, 0, 2]) };
        let factor = Operand { storage: self.number(factor), offset: 0, strides: Strides::from_elem(0, 4) };
        let mut operands = vec![read(&x.re), read(&x.im), root(0), root(1), factor];
        operands
            .extend(results.iter().map(|buffer| Part::new(buffer.clone()).operand(axis.strides(kept, 0))));
        self.queue.run(Single::ComplexDot(self.dtype), &[outer, kept, inner, n], 1, operands);
        let [re, im] = results.map(Part::new);
        Pair { re, im }
    }

    /// Products of complex numbers over a domain.
    fn multiply(&self, shape: &[usize], x: [Operand; 2], y: [Operand; 2], to: [Operand; 2]) {
        let operands = x.into_iter().chain(y).chain(to).collect();
        self.queue.run(Single::ComplexMul(self.dtype), shape, 0, operands);
    }

    fn zeros(&self, elements: usize) -> Buffer {
        let buffer = self.empty(elements);
        let zero = Operand { storage: Storage::Number([0; 8]), offset: 0, strides: Strides::from_elem(0, 1) };
        let to = placed(&buffer, Layout::row_major(&[elements]));
        self.queue.copy(self.dtype, &[elements], zero, to);
        buffer
    }
}
