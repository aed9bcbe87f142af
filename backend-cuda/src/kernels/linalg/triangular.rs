//! Triangular systems: a row of the solution, then what it leaves of the others. A cube takes a few right sides.

use super::COLUMNS;
use super::cube::{Cube, Matrix, Units, ty};
use crate::emit::{Emit, I32, U32, Val, of};
use crate::queue::Code;
use cubecl::ir::{Builtin, Comparison};
use plywood_core::DType;

/// Arguments: the matrices, the right sides, the order of their rows, the solutions; or only one that holds a triangle and, right of it,
/// the right sides. Numbers: how many blocks of right sides, how many of them for each matrix, the matrices' order, right sides of
/// each; of the matrices, the right sides and the solutions the first element, and how many from matrix to matrix and row to row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Triangular {
    pub dtype: DType,
    pub cube: Cube,
    pub lower: bool,
    pub transposed: bool,
    pub unit_diagonal: bool,
    /// Whether the right sides' rows come in another order.
    pub ordered: bool,
    /// Whether all is in one memory.
    pub in_place: bool,
}

impl Code for Triangular {
    fn write(&self, mut e: Emit) -> Emit {
        e.fuse_products();
        let ty = ty(self.dtype);
        let [a, b] = match self.in_place {
            false => [e.input(ty), e.input(ty)],
            true => [e.output(ty); 2],
        };
        let order = self.ordered.then(|| e.input(of(I32, 1)));
        let x = if self.in_place { a } else { e.output(ty) };
        let [all, blocks, n, columns] = [(); 4].map(|()| e.scalar(U32));
        let places = [(); 3].map(|()| [(); 3].map(|()| e.scalar(U32)));
        let cube = e.builtin(Builtin::CubePos);
        let there = e.compare(Comparison::Lower, cube, all);
        e.when(there, |e| {
            let units = Units::new(e, self.cube);
            let (zero, one, width) = (e.index(0), e.index(1), e.index(COLUMNS));
            let (matrix, block) = (e.div(cube, blocks), e.rem(cube, blocks));
            let first = e.mul(block, width);
            let end = e.add(first, width);
            let fits = e.compare(Comparison::Lower, end, columns);
            let end = e.select(fits, end, columns);
            let mine = [first, end];
            let mut of_matrix = |list: Val, [offset, each, pitch]: [Val; 3]| {
                let start = e.mul(matrix, each);
                Matrix { list, start: e.add(offset, start), pitch }
            };
            let [a, b, x] = [of_matrix(a, places[0]), of_matrix(b, places[1]), of_matrix(x, places[2])];
            let rows = e.mul(matrix, n);
            if !self.in_place {
                units.cells(
                    e,
                    [zero, n],
                    |_, _| mine,
                    |e, i, j| {
                        let row = match order {
                            None => i,
                            Some(list) => {
                                let index = e.add(rows, i);
                                let row = e.load(list, index);
                                e.cast(row, U32)
                            }
                        };
                        let y = b.get(e, row, j);
                        x.set(e, i, j, y);
                    },
                );
                e.meet_in_memory();
            }
            let forward = self.lower != self.transposed;
            e.each(zero, n, one, |e, step| {
                let next = e.add(step, one);
                let i = if forward { step } else { e.sub(n, next) };
                if !self.unit_diagonal {
                    let pivot = a.get(e, i, i);
                    let after = e.add(i, one);
                    units.cells(
                        e,
                        [i, after],
                        |_, _| mine,
                        |e, i, j| {
                            let y = x.get(e, i, j);
                            let y = e.div(y, pivot);
                            x.set(e, i, j, y);
                        },
                    );
                    e.meet_in_memory();
                }
                let open = if forward { [next, n] } else { [zero, i] };
                units.cells(
                    e,
                    open,
                    |_, _| mine,
                    |e, l, j| {
                        let factor = match self.transposed {
                            false => a.get(e, l, i),
                            true => a.get(e, i, l),
                        };
                        let y = x.get(e, i, j);
                        x.subtract(e, l, j, factor, y);
                    },
                );
                e.meet_in_memory();
            });
        });
        e
    }
}
