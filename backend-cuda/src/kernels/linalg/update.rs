//! What is right of a panel of columns and below: less the product of the panel's part of the rows and of the columns. A cube takes a tile.

use super::cube::{Cube, Matrix, PANEL, Units, ty};
use crate::emit::{Emit, U32, Val};
use crate::queue::Code;
use cubecl::ir::{Builtin, Comparison};
use plywood_core::DType;

/// Arguments: the matrices. Numbers: how many tiles, tiles down and across of each matrix, its rows and columns, the panel's first and
/// last column (exclusive), behind which the tiles begin. The panel is [`PANEL`] columns wide.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    pub dtype: DType,
    pub cube: Cube,
    /// Whether the columns' part is the transpose of the rows', and only the lower triangle's tiles count.
    pub symmetric: bool,
}

impl Code for Update {
    fn write(&self, mut e: Emit) -> Emit {
        e.fuse_products();
        let ty = ty(self.dtype);
        let list = e.output(ty);
        let [all, down, across, m, n, first, end] = [(); 7].map(|()| e.scalar(U32));
        let cube = e.builtin(Builtin::CubePos);
        let there = e.compare(Comparison::Lower, cube, all);
        e.when(there, |e| {
            let units = Units::new(e, self.cube);
            let tiles = e.mul(down, across);
            let (matrix, tile) = (e.div(cube, tiles), e.rem(cube, tiles));
            let (i, j) = (e.div(tile, across), e.rem(tile, across));
            match self.symmetric {
                false => self.tile(e, &units, list, [matrix, i, j], [m, n], [first, end]),
                true => {
                    let lower = e.compare(Comparison::LowerEqual, j, i);
                    e.when(lower, |e| self.tile(e, &units, list, [matrix, i, j], [m, n], [first, end]));
                }
            }
        });
        e
    }
}

impl Update {
    fn tile(
        &self,
        e: &mut Emit,
        units: &Units,
        list: Val,
        [matrix, i, j]: [Val; 3],
        [m, n]: [Val; 2],
        [first, end]: [Val; 2],
    ) {
        let ty = ty(self.dtype);
        let (zero, one, width) = (e.index(0), e.index(1), e.index(PANEL));
        let each = e.mul(m, n);
        let a = Matrix { list, start: e.mul(matrix, each), pitch: n };
        let corner = |e: &mut Emit, i: Val| {
            let i = e.mul(i, width);
            e.add(end, i)
        };
        let (top, left) = (corner(e, i), corner(e, j));
        let pitch = e.index(PANEL + 1);
        let [rows, columns] =
            [(); 2].map(|()| Matrix { list: e.shared(ty, PANEL * (PANEL + 1)), start: zero, pitch });
        // What lies outside is the last row or column once more, and is not written.
        let within = |e: &mut Emit, i: Val, size: Val| {
            let inside = e.compare(Comparison::Lower, i, size);
            let last = e.sub(size, one);
            (inside, e.select(inside, i, last))
        };
        let whole = [zero, width];
        units.cells(
            e,
            whole,
            |_, _| whole,
            |e, r, l| {
                let (row, column) = (e.add(top, r), e.add(first, l));
                let (_, row) = within(e, row, m);
                let x = a.get(e, row, column);
                rows.set(e, r, l, x);
            },
        );
        units.cells(
            e,
            whole,
            |_, _| whole,
            |e, r, l| {
                // Neighbouring units read neighbouring elements.
                let x = match self.symmetric {
                    false => {
                        let (row, column) = (e.add(first, r), e.add(left, l));
                        let (_, column) = within(e, column, n);
                        a.get(e, row, column)
                    }
                    true => {
                        let (row, column) = (e.add(left, r), e.add(first, l));
                        let (_, row) = within(e, row, m);
                        a.get(e, row, column)
                    }
                };
                match self.symmetric {
                    false => columns.set(e, r, l, x),
                    true => columns.set(e, l, r, x),
                }
            },
        );
        e.meet();
        units.cells(
            e,
            whole,
            |_, _| whole,
            |e, r, c| {
                let (row, column) = (e.add(top, r), e.add(left, c));
                let ((below, row), (beside, column)) = (within(e, row, m), within(e, column, n));
                let before = a.get(e, row, column);
                let rest = e.variable(before);
                e.each(zero, width, one, |e, l| {
                    let (x, y, before) = (rows.get(e, r, l), columns.get(e, l, c), e.current(rest));
                    let product = e.mul(x, y);
                    let after = e.sub(before, product);
                    e.assign(rest, after);
                });
                let rest = e.current(rest);
                let inside = e.and(below, beside);
                e.when(inside, |e| a.set(e, row, column, rest));
            },
        );
    }
}
