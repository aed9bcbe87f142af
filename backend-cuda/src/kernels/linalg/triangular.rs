//! Triangular systems: a row of the solution, then what it leaves of the others. A cube takes a few right sides.

use super::COLUMNS;
use super::cube::{Cube, Matrix, Units, ty};
use crate::emit::{Emit, I32, U32, of};
use crate::queue::Code;
use cubecl::ir::{Builtin, Comparison};
use cubecl::prelude::KernelBuilder;
use plywood_core::DType;

/// Arguments: the matrices, the right sides, the order of their rows, the solutions. Numbers: how many blocks of right sides, how many of
/// them for each matrix, the matrices' order, right sides of each, the first elements of both.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Triangular {
    pub dtype: DType,
    pub cube: Cube,
    pub lower: bool,
    pub transposed: bool,
    pub unit_diagonal: bool,
    /// Whether the right sides' rows come in another order.
    pub ordered: bool,
}

impl Code for Triangular {
    fn write(&self, builder: KernelBuilder) -> KernelBuilder {
        let mut e = Emit::new(builder);
        let ty = ty(self.dtype);
        let (a, b) = (e.input(ty), e.input(ty));
        let order = self.ordered.then(|| e.input(of(I32, 1)));
        let x = e.output(ty);
        let [all, blocks, n, columns, a_offset, b_offset] = [(); 6].map(|()| e.scalar(U32));
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
            let (square, sides) = (e.mul(n, n), e.mul(n, columns));
            let (square, sides) = (e.mul(matrix, square), e.mul(matrix, sides));
            let a = Matrix { list: a, start: e.add(a_offset, square), pitch: n };
            let b = Matrix { list: b, start: e.add(b_offset, sides), pitch: columns };
            let x = Matrix { list: x, start: sides, pitch: columns };
            let rows = e.mul(matrix, n);
            units.cells(e, [zero, n], |_, _| mine, |e, i, j| {
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
            });
            e.meet_in_memory();
            let forward = self.lower != self.transposed;
            e.each(zero, n, one, |e, step| {
                let next = e.add(step, one);
                let i = if forward { step } else { e.sub(n, next) };
                if !self.unit_diagonal {
                    let pivot = a.get(e, i, i);
                    let after = e.add(i, one);
                    units.cells(e, [i, after], |_, _| mine, |e, i, j| {
                        let y = x.get(e, i, j);
                        let y = e.div(y, pivot);
                        x.set(e, i, j, y);
                    });
                    e.meet_in_memory();
                }
                let open = if forward { [next, n] } else { [zero, i] };
                units.cells(e, open, |_, _| mine, |e, l, j| {
                    let factor = match self.transposed {
                        false => a.get(e, l, i),
                        true => a.get(e, i, l),
                    };
                    let y = x.get(e, i, j);
                    x.subtract(e, l, j, factor, y);
                });
                e.meet_in_memory();
            });
        });
        e.finish()
    }
}
