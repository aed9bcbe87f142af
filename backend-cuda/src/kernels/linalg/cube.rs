//! A cube at work on a matrix: its units as rows and columns, and where the matrix lies.

use crate::client::Facts;
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, Val, of};
use cubecl::ir::{Builtin, Comparison, Type};
use plywood_core::DType;

/// Elements of a matrix for each unit of its cube, about.
const EACH: usize = 4;

/// Columns of a panel, and rows and columns of a tile.
pub const PANEL: usize = 32;

/// What a kernel's code depends on: the division of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cube {
    /// A power of two.
    pub units: u32,
    /// How many units take neighbouring columns, a power of two; the others take other rows.
    pub across: u32,
    /// Elements in shared memory, where the matrix fits.
    pub shared: Option<usize>,
}

impl Cube {
    /// For a matrix of so many elements.
    pub fn new(facts: &Facts, dtype: DType, elements: usize) -> Cube {
        let most = 1 << facts.units.min(512).ilog2();
        let units = (elements / EACH).next_power_of_two().clamp(32, most as usize) as u32;
        let units = units.min(most);
        // Few sizes, so that there are few kernels.
        let space = match elements {
            0..=1024 => elements.max(1).next_power_of_two(),
            _ => elements.next_multiple_of(1024),
        };
        // Beside it there is room for the search of pivots.
        let needed = space * dtype.size() + units as usize * (dtype.size() + 4) + 64;
        Cube { units, across: units.min(32), shared: (needed <= facts.shared).then_some(space) }
    }
}

/// A dtype's elements in memory.
pub fn ty(dtype: DType) -> Type {
    of(memory::elem(dtype, Stored::Native), 1)
}

/// A cube's units while a kernel is written.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    /// This unit's number.
    pub unit: Val,
    /// How many there are.
    pub count: Val,
    row: Val,
    rows: Val,
    column: Val,
    columns: Val,
}

impl Units {
    /// Those of the cube.
    pub fn new(e: &mut Emit, cube: Cube) -> Units {
        let unit = e.builtin(Builtin::UnitPos);
        let (count, columns, rows) = (
            e.index(cube.units as usize),
            e.index(cube.across as usize),
            e.index((cube.units / cube.across) as usize),
        );
        let (row, column) = (e.div(unit, columns), e.rem(unit, columns));
        Units { unit, count, row, rows, column, columns }
    }

    /// What is done for each number from `start` up to `end`, each by one unit.
    pub fn share(&self, e: &mut Emit, start: Val, end: Val, body: impl FnOnce(&mut Emit, Val)) {
        let first = e.add(start, self.unit);
        e.each(first, end, self.count, body);
    }

    /// What is done for each row and column, where the columns' end may depend on the row.
    pub fn cells(
        &self,
        e: &mut Emit,
        rows: [Val; 2],
        columns: impl FnOnce(&mut Emit, Val) -> [Val; 2],
        body: impl FnOnce(&mut Emit, Val, Val),
    ) {
        let first = e.add(rows[0], self.row);
        e.each(first, rows[1], self.rows, |e, i| {
            let [start, end] = columns(e, i);
            let first = e.add(start, self.column);
            e.each(first, end, self.columns, |e, j| body(e, i, j));
        });
    }

    /// What the first unit does.
    pub fn first(&self, e: &mut Emit, body: impl FnOnce(&mut Emit)) {
        let zero = e.index(0);
        let first = e.compare(Comparison::Equal, self.unit, zero);
        e.when(first, body);
    }
}

/// A matrix in row-major order.
#[derive(Clone, Copy, Debug)]
pub struct Matrix {
    /// Memory.
    pub list: Val,
    /// Of the first element.
    pub start: Val,
    /// Elements from row to row.
    pub pitch: Val,
}

impl Matrix {
    fn index(&self, e: &mut Emit, i: Val, j: Val) -> Val {
        let row = e.mul(i, self.pitch);
        let start = e.add(self.start, row);
        e.add(start, j)
    }

    /// An element.
    pub fn get(&self, e: &mut Emit, i: Val, j: Val) -> Val {
        let index = self.index(e, i, j);
        e.load(self.list, index)
    }

    /// Writes an element.
    pub fn set(&self, e: &mut Emit, i: Val, j: Val, x: Val) {
        let index = self.index(e, i, j);
        e.store(self.list, index, x);
    }

    /// `self[i, j] -= x y`.
    pub fn subtract(&self, e: &mut Emit, i: Val, j: Val, x: Val, y: Val) {
        let product = e.mul(x, y);
        let before = self.get(e, i, j);
        let after = e.sub(before, product);
        self.set(e, i, j, after);
    }
}

/// Infinity and NaN of a dtype.
pub fn infinity_and_nan(e: &mut Emit, dtype: DType) -> [Val; 2] {
    use crate::emit::ops::constant;
    use plywood_kernel::Type;
    match dtype {
        DType::F64 => [f64::INFINITY, f64::NAN].map(|x| constant(e, Type::F64, x.to_bits())),
        _ => [f32::INFINITY, f32::NAN].map(|x| constant(e, Type::F32, x.to_bits() as u64)),
    }
}
