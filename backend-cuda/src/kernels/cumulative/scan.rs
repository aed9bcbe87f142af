//! Running reductions as kernels: a unit goes along a row alone, or a cube does, a tile at a time.
//!
//! Within a tile each unit takes a few neighbouring columns. The units' totals meet within planes, then in shared memory; the cube keeps
//! the total of the tiles before. A long row is cut into blocks: one kernel finds their totals, in another one each block starts from those before.
//!
//! What always holds: all units of a cube come to where they meet, and exchange values there.
//!
//! A row is `row / inner` of the loop around the axis and `row % inner` of the one within; results lie in row-major order, elements too,
//! from an offset on.

use super::step::Steps;
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of, ops};
use crate::queue::Code;
use cubecl::ir::{Builtin, Comparison};
use plywood_core::DType;
use plywood_core::op::Cumulation;
use plywood_kernel::{Type, Width};

/// Columns of a tile that a unit takes.
pub const EACH: usize = 4;

/// Who does what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// A unit goes along a row.
    Unit,
    /// A cube of so many units goes along a row.
    Cube(u32),
    /// A cube finds the total of a block of a row.
    Totals(u32),
    /// A cube goes along a block of a row; totals of blocks are known.
    Block(u32),
}

/// A kernel.
///
/// Arguments: elements; totals, a list for each lane of a state, where there are any; results, where there are any. Numbers: rows, columns, rows within, blocks of a row, columns of a block; the first element; where a row's
/// first column is, and from a column to the next.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scan {
    /// How elements are combined.
    pub kind: Cumulation,
    /// The elements.
    pub dtype: DType,
    /// How a bf16 is stored.
    pub bf16: Stored,
    /// How many units exchange values without shared memory: a power of two; 1 where the hardware cannot.
    pub plane: u32,
    /// The division of work.
    pub work: Work,
}

/// What is kept of some elements, in lanes.
pub(super) type State = Vec<Val>;

/// A kernel while it is written.
pub(super) struct Writer<'a> {
    pub(super) e: Emit,
    pub(super) code: &'a Scan,
    pub(super) steps: Steps,
    elements: Val,
    totals: Vec<Val>,
    results: Option<Val>,
    numbers: Numbers,
}

/// The numbers of a launch.
#[derive(Clone, Copy)]
struct Numbers {
    rows: Val,
    columns: Val,
    inner: Val,
    blocks: Val,
    long: Val,
    offset: Val,
    start: Val,
    step: Val,
}

impl Code for Scan {
    fn write(&self, mut e: Emit) -> Emit {
        let steps = Steps::new(self.kind, self.dtype);
        let elem = of(memory::elem(self.dtype, self.bf16), 1);
        let elements = e.input(elem);
        let totals = match self.work {
            Work::Unit | Work::Cube(_) => Vec::new(),
            Work::Totals(_) => steps.state.iter().map(|&ty| e.output(ops::lanes(ty, 1))).collect(),
            Work::Block(_) => steps.state.iter().map(|&ty| e.input(ops::lanes(ty, 1))).collect(),
        };
        let results = match self.work {
            Work::Unit | Work::Cube(_) | Work::Block(_) => Some(e.output(elem)),
            Work::Totals(_) => None,
        };
        let [rows, columns, inner, blocks, long, offset, start, step] = [(); 8].map(|()| e.scalar(U32));
        let numbers = Numbers { rows, columns, inner, blocks, long, offset, start, step };
        let mut w = Writer { e, code: self, steps, elements, totals, results, numbers };
        match self.work {
            Work::Unit => w.by_unit(),
            Work::Cube(units) | Work::Totals(units) | Work::Block(units) => w.by_cube(units as usize),
        }
        w.e
    }
}

impl Writer<'_> {
    fn by_unit(&mut self) {
        let n = self.numbers;
        let row = self.e.builtin(Builtin::AbsolutePos);
        let inside = self.e.compare(Comparison::Lower, row, n.rows);
        self.when(inside, |w| {
            let base = w.base(row);
            let first = w.first();
            let sums = w.variables(&first);
            let (zero, one) = (w.e.index(0), w.e.index(1));
            w.range(zero, n.columns, one, |w, column| {
                let at = w.at(base, column);
                let new = w.load(at);
                let before = w.current(&sums);
                let after = w.join(&before, &new);
                w.store(at, &after);
                w.assign(&sums, &after);
            });
        });
    }

    fn by_cube(&mut self, units: usize) {
        let n = self.numbers;
        let (cube, unit) = (self.e.builtin(Builtin::CubePos), self.e.builtin(Builtin::UnitPos));
        let all = self.e.mul(n.rows, n.blocks);
        let inside = self.e.compare(Comparison::Lower, cube, all);
        self.when(inside, |w| {
            let (row, block) = (w.e.div(cube, n.blocks), w.e.rem(cube, n.blocks));
            let base = w.base(row);
            let start = w.e.mul(block, n.long);
            let end = w.e.add(start, n.long);
            let short = w.e.compare(Comparison::Lower, end, n.columns);
            let end = w.e.select(short, end, n.columns);
            let first = w.first();
            let sums = w.variables(&first);
            match w.code.work {
                Work::Unit | Work::Cube(_) => {}
                // A unit's own columns, of all tiles.
                Work::Totals(_) => {
                    let (start, step) = (w.e.add(start, unit), w.e.index(units));
                    w.range(start, end, step, |w, column| {
                        let at = w.at(base, column);
                        let (before, new) = (w.current(&sums), w.load(at));
                        let after = w.join(&before, &new);
                        w.assign(&sums, &after);
                    });
                    let own = w.current(&sums);
                    let (_, total) = w.across(units, unit, own);
                    let zero = w.e.index(0);
                    let one = w.e.compare(Comparison::Equal, unit, zero);
                    w.when(one, |w| {
                        for (list, x) in w.totals.clone().into_iter().zip(total) {
                            w.e.store(list, cube, x);
                        }
                    });
                    return;
                }
                Work::Block(_) => {
                    let (of_row, one) = (w.e.mul(row, n.blocks), w.e.index(1));
                    w.range(of_row, cube, one, |w, i| {
                        let before = w.current(&sums);
                        let total: State =
                            w.totals.clone().into_iter().map(|list| w.e.load(list, i)).collect();
                        let after = w.join(&before, &total);
                        w.assign(&sums, &after);
                    });
                }
            }
            let step = w.e.index(units * EACH);
            w.range(start, end, step, |w, tile| w.tile(units, unit, base, tile, end, &sums));
        });
    }

    /// One tile, from a column on; `sums` is what was before it, and then what is before the next one.
    fn tile(&mut self, units: usize, unit: Val, base: Val, tile: Val, end: Val, sums: &[Val]) {
        let each = self.e.index(EACH);
        let own = self.e.mul(unit, each);
        let own = self.e.add(tile, own);
        let nothing = self.first();
        let mut columns: Vec<(Val, Val, State)> = Vec::with_capacity(EACH);
        for k in 0..EACH {
            let k = self.e.index(k);
            let column = self.e.add(own, k);
            let real = self.e.compare(Comparison::Lower, column, end);
            // What is not there reads the tile's first column, and forgets it.
            let there = self.e.select(real, column, tile);
            let at = self.at(base, there);
            let new = self.load(at);
            let new = self.select(real, &new, &nothing);
            let so_far = match columns.last() {
                None => new,
                Some((_, _, before)) => self.join(&before.clone(), &new),
            };
            columns.push((at, real, so_far));
        }
        let own = columns.last().expect("a unit takes some").2.clone();
        let (before, total) = self.across(units, unit, own);
        let carry = self.current(sums);
        let before = self.join(&carry, &before);
        for (at, real, so_far) in columns {
            let all = self.join(&before, &so_far);
            self.when(real, |w| w.store(at, &all));
        }
        let carry = self.join(&carry, &total);
        self.assign(sums, &carry);
    }

    /// Where a row begins, without the offset of the elements.
    fn base(&mut self, row: Val) -> Val {
        let n = self.numbers;
        let (outer, within) = (self.e.div(row, n.inner), self.e.rem(row, n.inner));
        let block = self.e.mul(n.columns, n.inner);
        let before = self.e.mul(outer, block);
        let base = self.e.add(before, within);
        self.e.add(base, n.start)
    }

    /// Where a column of a row is.
    fn at(&mut self, base: Val, column: Val) -> Val {
        let steps = self.e.mul(column, self.numbers.step);
        self.e.add(base, steps)
    }

    /// The state of an element alone.
    fn load(&mut self, at: Val) -> State {
        let at = self.e.add(at, self.numbers.offset);
        let x = self.e.load(self.elements, at);
        let dtype = self.code.dtype;
        let lane = Type::of(dtype, Width::of(dtype)).expect("it is its own width");
        let x = memory::widen(&mut self.e, dtype, x, lane);
        ops::apply(&mut self.e, &self.steps.enter, &[x])
    }

    /// Writes the result of a state.
    fn store(&mut self, at: Val, state: &[Val]) {
        let dtype = self.code.dtype;
        let y = ops::apply(&mut self.e, &self.steps.leave, state)[0];
        let lane = Type::of(dtype, Width::of(dtype)).expect("it is its own width");
        let y = memory::narrow(&mut self.e, dtype, self.code.bf16, y, lane);
        self.e.store(self.results.expect("there are results"), at, y);
    }

    pub(super) fn join(&mut self, old: &[Val], new: &[Val]) -> State {
        ops::apply(&mut self.e, &self.steps.join, &[old, new].concat())
    }

    /// The state of no elements.
    pub(super) fn first(&mut self) -> State {
        let (types, bits) = (self.steps.state.clone(), self.steps.first.clone());
        types.into_iter().zip(bits).map(|(ty, bits)| ops::constant(&mut self.e, ty, bits)).collect()
    }

    pub(super) fn select(&mut self, mask: Val, then: &[Val], or_else: &[Val]) -> State {
        then.iter().zip(or_else).map(|(&a, &b)| self.e.select(mask, a, b)).collect()
    }

    pub(super) fn put(&mut self, lists: &[Val], at: Val, state: &[Val]) {
        lists.iter().zip(state).for_each(|(&list, &x)| self.e.store(list, at, x));
    }

    pub(super) fn get(&mut self, lists: &[Val], at: Val) -> State {
        lists.iter().map(|&list| self.e.load(list, at)).collect()
    }

    pub(super) fn variables(&mut self, first: &[Val]) -> State {
        first.iter().map(|&x| self.e.variable(x)).collect()
    }

    pub(super) fn current(&mut self, variables: &[Val]) -> State {
        variables.iter().map(|&x| self.e.current(x)).collect()
    }

    pub(super) fn assign(&mut self, variables: &[Val], state: &[Val]) {
        variables.iter().zip(state).for_each(|(&var, &x)| self.e.assign(var, x));
    }

    pub(super) fn when(&mut self, mask: Val, body: impl FnOnce(&mut Self)) {
        self.e.open();
        body(self);
        self.e.close_when(mask);
    }

    pub(super) fn range(&mut self, start: Val, end: Val, step: Val, body: impl FnOnce(&mut Self, Val)) {
        let i = self.e.counter();
        self.e.open();
        body(self, i);
        self.e.close_range(i, start, end, step);
    }
}
