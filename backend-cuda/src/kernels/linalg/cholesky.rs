//! A = L Lᵀ: a column's root and what is below it, then all right of it.

use super::cube::{Cube, Matrix, Units, infinity_and_nan, ty};
use crate::emit::{Emit, U32};
use crate::queue::Code;
use cubecl::ir::{Arithmetic, Builtin, Comparison};
use plywood_core::DType;

/// Arguments: the matrices, the factors. Numbers: how many, their order, the first element; the columns at work, from and to. Where
/// these are not all, what is right of them is left as it was.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cholesky {
    pub dtype: DType,
    pub cube: Cube,
}

impl Code for Cholesky {
    fn write(&self, mut e: Emit) -> Emit {
        e.fuse_products();
        let ty = ty(self.dtype);
        let (from, to) = (e.input(ty), e.output(ty));
        let [matrices, n, offset, first, end] = [(); 5].map(|()| e.scalar(U32));
        let cube = e.builtin(Builtin::CubePos);
        let there = e.compare(Comparison::Lower, cube, matrices);
        e.when(there, |e| {
            let units = Units::new(e, self.cube);
            let (zero, one, each) = (e.index(0), e.index(1), e.mul(n, n));
            let (nothing, unity) = (e.constant(ty, 0.0), e.constant(ty, 1.0));
            let [infinity, nan] = infinity_and_nan(e, self.dtype);
            let start = e.mul(cube, each);
            let read = e.add(offset, start);
            let from = Matrix { list: from, start: read, pitch: n };
            let to = Matrix { list: to, start, pitch: n };
            let a = match self.cube.shared {
                Some(space) => Matrix { list: e.shared(ty, space), start: zero, pitch: n },
                None => to,
            };
            let start = e.compare(Comparison::Equal, first, zero);
            e.when(start, |e| {
                units.cells(
                    e,
                    [zero, n],
                    |_, _| [zero, n],
                    |e, i, j| {
                        let below = e.compare(Comparison::LowerEqual, j, i);
                        let x = from.get(e, i, j);
                        let x = e.select(below, x, nothing);
                        a.set(e, i, j, x);
                    },
                );
                e.meet_in_memory();
            });
            // Once a pivot is not positive, all that follows is NaN, and so is the last one.
            e.each(first, end, one, |e, j| {
                let pivot = a.get(e, j, j);
                let positive = e.compare(Comparison::Greater, pivot, nothing);
                let finite = e.compare(Comparison::Lower, pivot, infinity);
                let fine = e.and(positive, finite);
                let pivot = e.select(fine, pivot, unity);
                let root = e.float(Arithmetic::Sqrt, pivot);
                let inverse = e.div(unity, root);
                let (root, inverse) = (e.select(fine, root, nan), e.select(fine, inverse, nan));
                e.meet_in_memory();
                units.first(e, |e| a.set(e, j, j, root));
                let next = e.add(j, one);
                units.share(e, next, n, |e, i| {
                    let x = a.get(e, i, j);
                    let x = e.mul(x, inverse);
                    a.set(e, i, j, x);
                });
                e.meet_in_memory();
                let columns = |e: &mut Emit, i| {
                    let (after, below) = (e.add(i, one), e.compare(Comparison::Lower, i, end));
                    [next, e.select(below, after, end)]
                };
                units.cells(e, [next, n], columns, |e, i, k| {
                    let (x, y) = (a.get(e, i, j), a.get(e, k, j));
                    a.subtract(e, i, k, x, y);
                });
                e.meet_in_memory();
            });
            let some = e.compare(Comparison::Greater, n, zero);
            let last = e.compare(Comparison::Equal, end, n);
            let done = e.and(some, last);
            e.when(done, |e| {
                let last = e.sub(n, one);
                let last = a.get(e, last, last);
                let fine = e.compare(Comparison::GreaterEqual, last, nothing);
                // All have read it before anything is written.
                e.meet_in_memory();
                units.cells(
                    e,
                    [zero, n],
                    |_, _| [zero, n],
                    |e, i, j| {
                        let below = e.compare(Comparison::LowerEqual, j, i);
                        let x = a.get(e, i, j);
                        let x = e.select(fine, x, nan);
                        let x = e.select(below, x, nothing);
                        to.set(e, i, j, x);
                    },
                );
            });
        });
        e
    }
}
