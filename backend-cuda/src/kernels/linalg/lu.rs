//! P A = L U: the largest element of a column and its row to the top, then all right of it and below.

use super::cube::{Cube, Matrix, Units, infinity_and_nan, ty};
use crate::emit::{Emit, I32, U32, Val, of};
use crate::queue::Code;
use cubecl::ir::{Arithmetic, Builtin, Comparison};
use plywood_core::DType;

/// Arguments: the matrices; the factors, pivots and permutations; determinants. Numbers: how many, rows, columns, the lesser of both, the
/// first element; the columns at work, from and to: where these are not all, rows are exchanged in what is right of them, and no more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lu {
    pub dtype: DType,
    pub cube: Cube,
    /// Whether the matrices, which are square, are transposed first.
    pub transposed: bool,
    pub determinant: bool,
}

impl Code for Lu {
    fn write(&self, mut e: Emit) -> Emit {
        e.fuse_products();
        let (ty, integer) = (ty(self.dtype), of(I32, 1));
        let (from, to, pivots, order) = (e.input(ty), e.output(ty), e.output(integer), e.output(integer));
        let determinants = self.determinant.then(|| e.output(ty));
        let [matrices, m, n, least, offset, first, end] = [(); 7].map(|()| e.scalar(U32));
        let cube = e.builtin(Builtin::CubePos);
        let there = e.compare(Comparison::Lower, cube, matrices);
        e.when(there, |e| {
            let units = Units::new(e, self.cube);
            let (zero, one, each) = (e.index(0), e.index(1), e.mul(m, n));
            let start = e.mul(cube, each);
            let read = e.add(offset, start);
            let from = Matrix { list: from, start: read, pitch: n };
            let to = Matrix { list: to, start, pitch: n };
            let a = match self.cube.shared {
                Some(space) => Matrix { list: e.shared(ty, space), start: zero, pitch: n },
                None => to,
            };
            let of_each =
                |e: &mut Emit, list: Val, size: Val| Matrix { list, start: e.mul(cube, size), pitch: zero };
            let (pivots, order) = (of_each(e, pivots, least), of_each(e, order, m));
            let start = e.compare(Comparison::Equal, first, zero);
            e.when(start, |e| {
                self.read(e, &units, from, a, [m, n]);
                units.share(e, zero, m, |e, i| {
                    let place = e.cast(i, I32);
                    order.set(e, zero, i, place);
                });
                e.meet_in_memory();
            });
            // The pivots of the panel; what is right of the last one is eliminated too, where it is the panel.
            let below = e.compare(Comparison::Lower, end, least);
            let last = e.select(below, end, least);
            let search = Search::new(e, self);
            e.each(first, last, one, |e, j| {
                let pivot = search.largest(e, &units, a, j, m);
                units.first(e, |e| {
                    let place = e.cast(pivot, I32);
                    pivots.set(e, zero, j, place);
                    let (x, y) = (order.get(e, zero, j), order.get(e, zero, pivot));
                    order.set(e, zero, j, y);
                    order.set(e, zero, pivot, x);
                });
                units.share(e, zero, n, |e, k| {
                    let (x, y) = (a.get(e, j, k), a.get(e, pivot, k));
                    a.set(e, j, k, y);
                    a.set(e, pivot, k, x);
                });
                e.meet_in_memory();
                let (divisor, nothing) = (a.get(e, j, j), e.constant(ty, 0.0));
                let some = e.compare(Comparison::NotEqual, divisor, nothing);
                let next = e.add(j, one);
                e.when(some, |e| {
                    units.share(e, next, m, |e, i| {
                        let x = a.get(e, i, j);
                        let x = e.div(x, divisor);
                        a.set(e, i, j, x);
                    });
                });
                e.meet_in_memory();
                units.cells(
                    e,
                    [next, m],
                    |_, _| [next, end],
                    |e, i, k| {
                        let (x, y) = (a.get(e, i, j), a.get(e, j, k));
                        a.subtract(e, i, k, x, y);
                    },
                );
                e.meet_in_memory();
            });
            if self.cube.shared.is_some() {
                units.cells(
                    e,
                    [zero, m],
                    |_, _| [zero, n],
                    |e, i, j| {
                        let x = a.get(e, i, j);
                        to.set(e, i, j, x);
                    },
                );
            }
            if let Some(list) = determinants {
                units.first(e, |e| {
                    let unity = e.constant(ty, 1.0);
                    let product = e.variable(unity);
                    e.each(zero, least, one, |e, j| {
                        let (x, before) = (a.get(e, j, j), e.current(product));
                        let after = e.mul(before, x);
                        let (pivot, place, other) = (pivots.get(e, zero, j), e.cast(j, I32), e.neg(after));
                        let own = e.compare(Comparison::Equal, pivot, place);
                        let after = e.select(own, after, other);
                        e.assign(product, after);
                    });
                    let product = e.current(product);
                    e.store(list, cube, product);
                });
            }
        });
        e
    }
}

impl Lu {
    /// Reads a matrix; one that is not finite is NaN.
    fn read(&self, e: &mut Emit, units: &Units, from: Matrix, a: Matrix, [m, n]: [Val; 2]) {
        let (zero, one) = (e.index(0), e.index(1));
        let [infinity, nan] = infinity_and_nan(e, self.dtype);
        let flag = e.shared(of(U32, 1), 1);
        units.first(e, |e| e.store(flag, zero, zero));
        e.meet();
        units.cells(
            e,
            [zero, m],
            |_, _| [zero, n],
            |e, i, j| {
                let x = match self.transposed {
                    false => from.get(e, i, j),
                    true => from.get(e, j, i),
                };
                a.set(e, i, j, x);
                let size = e.float(Arithmetic::Abs, x);
                let finite = e.compare(Comparison::Lower, size, infinity);
                let not = e.not(finite);
                e.when(not, |e| e.store(flag, zero, one));
            },
        );
        e.meet_in_memory();
        let flag = e.load(flag, zero);
        let lost = e.compare(Comparison::Equal, flag, one);
        e.when(lost, |e| {
            units.cells(e, [zero, m], |_, _| [zero, n], |e, i, j| a.set(e, i, j, nan));
        });
        e.meet_in_memory();
    }
}

/// The search for a column's largest element.
struct Search {
    units: u32,
    sizes: Val,
    places: Val,
}

impl Search {
    fn new(e: &mut Emit, lu: &Lu) -> Search {
        let units = lu.cube.units;
        Search {
            units,
            sizes: e.shared(ty(lu.dtype), units as usize),
            places: e.shared(of(U32, 1), units as usize),
        }
    }

    /// The row of the first of the largest elements of a column, from its own row on: of none but numbers.
    fn largest(&self, e: &mut Emit, units: &Units, a: Matrix, j: Val, m: Val) -> Val {
        let own = a.get(e, j, j);
        let own = e.float(Arithmetic::Abs, own);
        let (largest, place) = (e.variable(own), e.variable(j));
        units.share(e, j, m, |e, i| {
            let x = a.get(e, i, j);
            let (x, before) = (e.float(Arithmetic::Abs, x), e.current(largest));
            let larger = e.compare(Comparison::Greater, x, before);
            e.when(larger, |e| {
                e.assign(largest, x);
                e.assign(place, i);
            });
        });
        let (own, row) = (e.current(largest), e.current(place));
        e.store(self.sizes, units.unit, own);
        e.store(self.places, units.unit, row);
        e.meet();
        let mut left = self.units / 2;
        while left > 0 {
            let half = e.index(left as usize);
            let below = e.compare(Comparison::Lower, units.unit, half);
            e.when(below, |e| {
                let there = e.add(units.unit, half);
                let (x, y) = (e.load(self.sizes, units.unit), e.load(self.sizes, there));
                let (p, q) = (e.load(self.places, units.unit), e.load(self.places, there));
                let (larger, same) =
                    (e.compare(Comparison::Greater, y, x), e.compare(Comparison::Equal, y, x));
                let earlier = e.compare(Comparison::Lower, q, p);
                let earlier = e.and(same, earlier);
                let other = e.or(larger, earlier);
                let (x, p) = (e.select(other, y, x), e.select(other, q, p));
                e.store(self.sizes, units.unit, x);
                e.store(self.places, units.unit, p);
            });
            e.meet();
            left /= 2;
        }
        let zero = e.index(0);
        e.load(self.places, zero)
    }
}
