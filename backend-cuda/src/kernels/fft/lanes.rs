//! Transforms of lanes that fit the memory of a cube: one kernel for each size that is a product of small primes.
//!
//! A cube takes a few lanes. It reads them into shared memory, and then goes from one half of it to the other, a radix at a time,
//! in Stockham's order: what is read is always as far apart as it can be, and the last step leaves the result in order. An
//! element of a lane has a *place* in the axis, of which the lanes may be parts: so two passes transform an axis that is too
//! long for one ([`Numbers`]).

use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of};
use crate::lower;
use crate::queue::Code;
use cubecl::ir::{Builtin, Comparison};
use plywood_core::DType;
use plywood_kernel::Width;
use plywood_kernel::ir::Arg;
use smallvec::SmallVec;
use std::f64::consts::TAU;

/// What lanes are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Complex numbers.
    Complex,
    /// Real ones.
    Real,
    /// The first n / 2 + 1 of n complex numbers, of which the others are the conjugates. The conjugates of all of them are
    /// transformed: the real part of that is the inverse transform.
    Half,
}

/// What a kernel depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lanes {
    /// f32 or f64.
    pub dtype: DType,
    /// Of a lane.
    pub size: usize,
    /// How many lanes a cube takes.
    pub group: usize,
    /// How many units it has.
    pub units: u32,
    /// What is read.
    pub input: Input,
    /// Whether neighbouring units read elements of neighbouring lanes, not of one.
    pub read_across: bool,
    /// Whether they write so.
    pub write_across: bool,
    /// Whether results are multiplied by the roots of the whole axis, as the first of two passes does.
    pub turned: bool,
}

/// The numbers of a launch. A lane is of one of the outer indices, a part of the axis, and one of the inner indices, whose elements
/// lie side by side. Places count along the axis: `element * step + part * part_step`.
#[derive(Clone, Copy, Debug)]
pub struct Numbers<T> {
    /// All of them.
    pub lanes: T,
    /// Of one axis.
    pub parts: T,
    /// Inner indices.
    pub inner: T,
    /// Places of the whole axis.
    pub places: T,
    /// Of the first real and imaginary part.
    pub offsets: [T; 2],
    /// Between outer indices, in elements read.
    pub read_outer: T,
    /// Between a lane's elements, in places read.
    pub read_step: T,
    /// Between parts, in places read.
    pub read_part: T,
    /// Between outer indices, in elements written.
    pub write_outer: T,
    /// Between a lane's elements, in places written.
    pub write_step: T,
    /// Between parts, in places written.
    pub write_part: T,
    /// Places that are written.
    pub kept: T,
}

impl<T: Copy> Numbers<T> {
    /// In the order in which kernels ask for them.
    pub fn all(&self) -> [T; 13] {
        let Numbers { lanes, parts, inner, places, offsets: [re, im], kept, .. } = *self;
        let Numbers { read_outer, read_step, read_part, write_outer, write_step, write_part, .. } = *self;
        let strides = [read_outer, read_step, read_part, write_outer, write_step, write_part];
        let [a, b, c, d, e, f] = strides;
        [lanes, parts, inner, places, re, im, a, b, c, d, e, f, kept]
    }

    fn of(all: [T; 13]) -> Numbers<T> {
        let [lanes, parts, inner, places, re, im, all @ ..] = all;
        let [read_outer, read_step, read_part, write_outer, write_step, write_part, kept] = all;
        Numbers {
            lanes,
            parts,
            inner,
            places,
            offsets: [re, im],
            read_outer,
            read_step,
            read_part,
            write_outer,
            write_step,
            write_part,
            kept,
        }
    }
}

/// The radices of a size, if it is a product of small primes.
pub fn radices(mut n: usize) -> Option<SmallVec<[usize; 12]>> {
    let mut radices = SmallVec::new();
    for radix in [4, 2, 3, 5, 7, 11, 13] {
        while n > 1 && n.is_multiple_of(radix) {
            radices.push(radix);
            n /= radix;
        }
    }
    (n == 1).then_some(radices)
}

/// A complex number.
type C = [Val; 2];

/// A lane of a cube.
struct Lane {
    inside: Val,
    outer: Val,
    part: Val,
    inner: Val,
}

impl Lanes {
    /// Elements from one lane in shared memory to the next: odd, so that units that go across find different banks.
    fn pitch(size: usize, group: usize) -> usize {
        if group == 1 { size } else { size | 1 }
    }

    /// Bytes of shared memory.
    pub fn shared(dtype: DType, size: usize, group: usize) -> usize {
        4 * group * Lanes::pitch(size, group) * dtype.size()
    }

    /// The lane with this number in the cube.
    fn lane(&self, e: &mut Emit, n: &Numbers<Val>, first: Val, i: Val) -> Lane {
        let lane = e.add(first, i);
        let inside = e.compare(Comparison::Lower, lane, n.lanes);
        let lane = e.select(inside, lane, first);
        let (inner, rest) = (e.rem(lane, n.inner), e.div(lane, n.inner));
        let (part, outer) = (e.rem(rest, n.parts), e.div(rest, n.parts));
        Lane { inside, outer, part, inner }
    }

    /// For each element of the cube's lanes that is this unit's: the lane's number and its own.
    fn elements(&self, e: &mut Emit, across: bool, body: impl FnOnce(&mut Emit, Val, Val)) {
        let (all, units) = (e.index(self.group * self.size), e.index(self.units as usize));
        let (size, group) = (e.index(self.size), e.index(self.group));
        let unit = e.builtin(Builtin::UnitPos);
        e.each(unit, all, units, |e, i| match across {
            true => {
                let (lane, element) = (e.rem(i, group), e.div(i, group));
                body(e, lane, element);
            }
            false => {
                let (lane, element) = (e.div(i, size), e.rem(i, size));
                body(e, lane, element);
            }
        });
    }

    /// Where a lane's element lies in shared memory.
    fn at(&self, e: &mut Emit, lane: Val, element: Val) -> Val {
        let pitch = e.index(Lanes::pitch(self.size, self.group));
        let start = e.mul(lane, pitch);
        e.add(start, element)
    }

    /// A complex number by its place: of the whole axis, in the conjugates of which only half is there.
    fn read(&self, e: &mut Emit, n: &Numbers<Val>, lists: [Option<Val>; 2], lane: &Lane, element: Val) -> C {
        let place = place(e, element, lane.part, n.read_step, n.read_part);
        let (two, zero) = (e.index(2), e.index(0));
        let half = e.div(n.places, two);
        let mirrored = e.compare(Comparison::Greater, place, half);
        let there = match self.input {
            Input::Half => {
                let other = e.sub(n.places, place);
                e.select(mirrored, other, place)
            }
            Input::Complex | Input::Real => place,
        };
        let index = element_index(e, lane, there, n.inner, n.read_outer);
        let nothing = e.constant(self.ty(), 0.0);
        let [re, im] = [0, 1].map(|i| match lists[i] {
            Some(list) => {
                let index = e.add(n.offsets[i], index);
                e.load(list, index)
            }
            None => nothing,
        });
        let im = match self.input {
            Input::Complex | Input::Real => im,
            Input::Half => {
                let conjugate = e.neg(im);
                let im = e.select(mirrored, im, conjugate);
                // Its own conjugate has no imaginary part: the first one, and the one in the middle.
                let twice = e.add(place, place);
                let first = e.compare(Comparison::Equal, place, zero);
                let middle = e.compare(Comparison::Equal, twice, n.places);
                let own = e.or(first, middle);
                e.select(own, nothing, im)
            }
        };
        [re, im]
    }

    /// Of an element.
    pub fn ty(&self) -> cubecl::ir::Type {
        of(memory::elem(self.dtype, Stored::Native), 1)
    }

    /// A step of this radix, after steps whose radices' product is `done`, from one part of shared memory to the other.
    fn step(&self, e: &mut Emit, table: Val, radix: usize, done: usize, from: C, to: C) {
        let count = self.size / radix;
        let unit = e.builtin(Builtin::UnitPos);
        let (all, units) = (e.index(self.group * count), e.index(self.units as usize));
        e.each(unit, all, units, |e, i| {
            let (per, before) = (e.index(count), e.index(done));
            let (lane, j) = (e.div(i, per), e.rem(i, per));
            let (block, k) = (e.div(j, before), e.rem(j, before));
            let start = self.at(e, lane, j);
            let values = (0..radix).map(|q| {
                let apart = e.index(q * count);
                let index = e.add(start, apart);
                let x = from.map(|list| e.load(list, index));
                match q == 0 || done == 1 {
                    true => x,
                    false => {
                        let turn = e.index(q * (self.size / (done * radix)));
                        let turn = e.mul(k, turn);
                        let w = root(e, table, turn);
                        times(e, x, w)
                    }
                }
            });
            let values: Vec<C> = values.collect();
            let results = butterfly(e, &values);
            let wide = e.index(done * radix);
            let block = e.mul(block, wide);
            let start = e.add(block, k);
            let start = self.at(e, lane, start);
            for (q, y) in results.into_iter().enumerate() {
                let apart = e.index(q * done);
                let index = e.add(start, apart);
                to.iter().zip(y).for_each(|(&list, y)| e.store(list, index, y));
            }
        });
        e.meet();
    }
}

impl Code for Lanes {
    fn write(&self, mut e: Emit) -> Emit {
        e.fuse_products();
        let ty = self.ty();
        let re = e.input(ty);
        let im = (self.input != Input::Real).then(|| e.input(ty));
        let table = e.input(ty);
        let fine = self.turned.then(|| e.input(ty));
        let results = [e.output(ty), e.output(ty)];
        let n = Numbers::of([(); 13].map(|()| e.scalar(U32)));
        let factor = lower::number(&mut e, Arg { dtype: self.dtype, splat: true }, Width::of(self.dtype));
        let cube = e.builtin(Builtin::CubePos);
        let group = e.index(self.group);
        let first = e.mul(cube, group);
        let there = e.compare(Comparison::Lower, first, n.lanes);
        e.when(there, |e| {
            let length = self.group * Lanes::pitch(self.size, self.group);
            let mut halves = [(); 2].map(|()| [e.shared(ty, length), e.shared(ty, length)]);
            self.elements(e, self.read_across, |e, lane, element| {
                let read = self.lane(e, &n, first, lane);
                let x = self.read(e, &n, [Some(re), im], &read, element);
                let index = self.at(e, lane, element);
                halves[0].iter().zip(x).for_each(|(&list, x)| e.store(list, index, x));
            });
            e.meet();
            let mut done = 1;
            for radix in radices(self.size).expect("it was planned") {
                self.step(e, table, radix, done, halves[0], halves[1]);
                halves.swap(0, 1);
                done *= radix;
            }
            self.elements(e, self.write_across, |e, lane, element| {
                let index = self.at(e, lane, element);
                let y = halves[0].map(|list| e.load(list, index));
                let lane = self.lane(e, &n, first, lane);
                let place = place(e, element, lane.part, n.write_step, n.write_part);
                let kept = e.compare(Comparison::Lower, place, n.kept);
                let written = e.and(kept, lane.inside);
                let y = match fine {
                    None => y,
                    Some(fine) => {
                        let turn = e.mul(element, lane.part);
                        let (high, low) = (e.div(turn, n.parts), e.rem(turn, n.parts));
                        let (a, b) = (root(e, table, high), root(e, fine, low));
                        let w = times(e, a, b);
                        times(e, y, w)
                    }
                };
                let y = y.map(|y| e.mul(y, factor));
                let index = element_index(e, &lane, place, n.inner, n.write_outer);
                e.when(written, |e| results.iter().zip(y).for_each(|(&list, y)| e.store(list, index, y)));
            });
        });
        e
    }
}

fn place(e: &mut Emit, element: Val, part: Val, step: Val, part_step: Val) -> Val {
    let (a, b) = (e.mul(element, step), e.mul(part, part_step));
    e.add(a, b)
}

fn element_index(e: &mut Emit, lane: &Lane, place: Val, inner: Val, outer: Val) -> Val {
    let (a, b) = (e.mul(lane.outer, outer), e.mul(place, inner));
    let start = e.add(a, b);
    e.add(start, lane.inner)
}

/// A root of a table.
fn root(e: &mut Emit, table: Val, index: Val) -> C {
    let (one, twice) = (e.index(1), e.add(index, index));
    let next = e.add(twice, one);
    [e.load(table, twice), e.load(table, next)]
}

fn times(e: &mut Emit, [a, b]: C, [c, d]: C) -> C {
    let (ac, bd, ad, bc) = (e.mul(a, c), e.mul(b, d), e.mul(a, d), e.mul(b, c));
    [e.sub(ac, bd), e.add(ad, bc)]
}

fn sum(e: &mut Emit, x: C, y: C) -> C {
    [e.add(x[0], y[0]), e.add(x[1], y[1])]
}

fn difference(e: &mut Emit, x: C, y: C) -> C {
    [e.sub(x[0], y[0]), e.sub(x[1], y[1])]
}

/// -i x.
fn turned(e: &mut Emit, [re, im]: C) -> C {
    [im, e.neg(re)]
}

/// The transform of a few numbers.
fn butterfly(e: &mut Emit, x: &[C]) -> Vec<C> {
    match *x {
        [a, b] => vec![sum(e, a, b), difference(e, a, b)],
        [a, b, c, d] => {
            let (even, odd) = (butterfly(e, &[a, c]), butterfly(e, &[b, d]));
            let turned = turned(e, odd[1]);
            let (first, second) = (butterfly(e, &[even[0], odd[0]]), butterfly(e, &[even[1], turned]));
            vec![first[0], second[0], first[1], second[1]]
        }
        _ => odd(e, x),
    }
}

/// Of an odd number of them: by the sums and differences of those that are turned alike.
fn odd(e: &mut Emit, x: &[C]) -> Vec<C> {
    let n = x.len();
    let pairs: Vec<[C; 2]> =
        (1..=n / 2).map(|s| [sum(e, x[s], x[n - s]), difference(e, x[s], x[n - s])]).collect();
    let all = pairs.iter().fold(x[0], |all, pair| sum(e, all, pair[0]));
    let mut results = vec![all; n];
    for q in 1..=n / 2 {
        let (mut even, mut odd) = (x[0], None);
        for (s, pair) in (1..).zip(&pairs) {
            let angle = TAU * (s * q % n) as f64 / n as f64;
            let (cosine, sine) = (e.constant(x[0][0].ty, angle.cos()), e.constant(x[0][0].ty, angle.sin()));
            let (a, b) = (pair[0].map(|x| e.mul(x, cosine)), pair[1].map(|x| e.mul(x, sine)));
            even = sum(e, even, a);
            odd = Some(odd.map_or(b, |odd| sum(e, odd, b)));
        }
        let turned = turned(e, odd.expect("there is a pair"));
        results[q] = sum(e, even, turned);
        results[n - q] = difference(e, even, turned);
    }
    results
}
