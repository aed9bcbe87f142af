//! Programs with reductions: a row is computed by one unit, or by the units of a cube together.

use super::{Writer, address};
use crate::emit::{Val, ops};
use cubecl::ir::{BinaryOperator, Builtin, Comparison, Plane};
use plywood_kernel::ir::{ArgId, Id, Op, Reduce, Stage, StageKind};

/// The units of a row.
#[derive(Clone, Copy)]
pub struct Cube {
    pub units: u32,
    pub kept: u32,
    pub exact: bool,
    pub plane: u32,
}

/// Values of a program, of the row and of the columns at work.
struct Values(Vec<Option<Val>>);

impl Values {
    fn of(&self, id: Id) -> Val {
        self.0[id as usize].expect("it was made before")
    }
}

/// A unit takes a row, one column after another.
pub fn by_unit(w: &mut Writer<'_>) {
    let row = w.e.builtin(Builtin::AbsolutePos);
    let (rows, columns) = (w.rows, w.columns);
    w.below(row, rows, |w| {
        let loops = address::loops(&mut w.e, row, &w.sizes.clone());
        let at = w.at(&loops);
        let mut values = Values(vec![None; w.program().ops().len()]);
        for stage in w.program().stages() {
            match stage.kind {
                StageKind::Row => once(w, stage, &at, &mut values, None),
                StageKind::Loop => {
                    let sums = sums(w, stage, 1);
                    let (zero, one) = (w.e.index(0), w.e.index(1));
                    w.range(zero, columns, one, |w, column| {
                        body(w, stage, &at, column, &mut values, &sums, None);
                    });
                    for (id, sum) in sums {
                        values.0[id as usize] = Some(w.e.current(sum));
                    }
                }
            }
        }
    });
}

/// A cube takes a row, its units in turns.
pub fn by_cube(w: &mut Writer<'_>, cube: Cube) {
    let row = w.e.builtin(Builtin::CubePos);
    let unit = w.e.builtin(Builtin::UnitPos);
    let (rows, columns) = (w.rows, w.columns);
    w.below(row, rows, |w| {
        let loops = address::loops(&mut w.e, row, &w.sizes.clone());
        let at = w.at(&loops);
        let mut values = Values(vec![None; w.program().ops().len()]);
        if cube.kept > 0 {
            kept(w, cube, unit, &at, &mut values);
            return;
        }
        let units = w.e.index(cube.units as usize);
        for stage in w.program().stages() {
            match stage.kind {
                StageKind::Row => once(w, stage, &at, &mut values, Some(unit)),
                StageKind::Loop => {
                    let vector = w.key.vector;
                    let sums = sums(w, stage, vector);
                    w.range(unit, columns, units, |w, column| {
                        body(w, stage, &at, column, &mut values, &sums, None);
                    });
                    for (id, sum) in sums {
                        let own = w.e.current(sum);
                        values.0[id as usize] = Some(together(w, cube, unit, id, own));
                    }
                }
            }
        }
    });
}

/// Straight-line code of a row. Of the units that compute it together, the first one stores.
fn once(w: &mut Writer<'_>, stage: &Stage, at: &address::At, values: &mut Values, unit: Option<Val>) {
    let zero = w.e.index(0);
    for id in stage.ops.clone() {
        values.0[id as usize] = match w.program().ops()[id as usize] {
            Op::Load(arg) => Some(w.load(arg, at, zero)),
            Op::Store(arg, x) => {
                let value = values.of(x);
                match unit {
                    None => w.store(arg, at, zero, value, x),
                    Some(unit) => {
                        let first = w.e.compare(|x: BinaryOperator| Comparison::Equal(x), unit, zero);
                        w.when(first, |w| w.store(arg, at, zero, value, x));
                    }
                }
                None
            }
            Op::Reduce(..) | Op::Column => unreachable!("only loops reduce and count"),
            Op::While(_) => unreachable!("loops are run by the host"),
            Op::Const(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => Some(w.computed(id, None, &|x| values.of(x))),
        };
    }
}

/// A variable for each reduction of a loop.
fn sums(w: &mut Writer<'_>, stage: &Stage, lanes: usize) -> Vec<(Id, Val)> {
    let reduced = stage.ops.clone().filter(|&id| matches!(w.program().ops()[id as usize], Op::Reduce(..)));
    let reduced: Vec<Id> = reduced.collect();
    reduced
        .into_iter()
        .map(|id| {
            let (op, ty) = reduction(w, id);
            let first = ops::constant(&mut w.e, ty, op.identity(ty));
            let first = w.e.repeated(first, lanes);
            (id, w.e.variable(first))
        })
        .collect()
}

fn reduction(w: &Writer<'_>, id: Id) -> (Reduce, plywood_kernel::Type) {
    match w.program().ops()[id as usize] {
        Op::Reduce(op, _) => (op, w.program().ty(id)),
        other => unreachable!("{other:?} is no reduction"),
    }
}

/// What is done with the columns of one turn. With `memory`, what was read or is to be written of them stays in registers.
fn body(
    w: &mut Writer<'_>,
    stage: &Stage,
    at: &address::At,
    column: Val,
    values: &mut Values,
    sums: &[(Id, Val)],
    mut memory: Option<&mut Turn>,
) {
    let mut stores: Vec<(ArgId, Id)> = Vec::new();
    for id in stage.ops.clone() {
        values.0[id as usize] = match w.program().ops()[id as usize] {
            Op::Load(arg) => Some(match memory.as_deref_mut().and_then(|turn| turn.elements[arg as usize]) {
                Some(x) => x,
                None => {
                    let x = w.load(arg, at, column);
                    if let Some(turn) = memory.as_deref_mut() {
                        turn.elements[arg as usize] = Some(x);
                    }
                    x
                }
            }),
            Op::Store(arg, x) => {
                stores.push((arg, x));
                None
            }
            Op::Reduce(op, x) => {
                let ty = w.program().ty(id);
                let (_, sum) = *sums.iter().find(|(of, _)| *of == id).expect("each has its variable");
                let mut new = values.of(x);
                if let Some(inside) = memory.as_deref().and_then(|turn| turn.inside) {
                    let nothing = ops::constant(&mut w.e, ty, op.identity(ty));
                    new = w.e.select(inside, new, nothing);
                }
                let before = w.e.current(sum);
                let after = ops::step(&mut w.e, op, ty, new, before);
                w.e.assign(sum, after);
                None
            }
            Op::While(_) => unreachable!("loops are run by the host"),
            Op::Column
            | Op::Const(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => Some(w.computed(id, Some(column), &|x| values.of(x))),
        };
    }
    for (arg, x) in stores {
        let value = values.of(x);
        match memory.as_deref_mut() {
            None => w.store(arg, at, column, value, x),
            // Rounded as memory would have it: it may be read again.
            Some(turn) => {
                turn.elements[arg as usize] = Some(value);
                turn.written[arg as usize] = Some((x, value));
            }
        }
    }
}

/// What a unit keeps of the columns of one turn.
struct Turn {
    column: Val,
    /// Whether there are such columns; none where there always are.
    inside: Option<Val>,
    elements: Vec<Option<Val>>,
    /// What is to be written, with the value of the program that it is.
    written: Vec<Option<(Id, Val)>>,
}

/// A row that fits the units' registers: each element is read once, and written once, at the end.
fn kept(w: &mut Writer<'_>, cube: Cube, unit: Val, at: &address::At, values: &mut Values) {
    let args = w.program().args().len();
    let columns = w.columns;
    let mut turns: Vec<Turn> = (0..cube.kept)
        .map(|k| {
            let start = w.e.index((k * cube.units) as usize);
            let column = w.e.add(unit, start);
            let (column, inside) = match cube.exact {
                true => (column, None),
                false => {
                    // A unit without columns reads the first ones, and forgets them.
                    let inside = w.e.compare(|x: BinaryOperator| Comparison::Lower(x), column, columns);
                    let zero = w.e.index(0);
                    (w.e.select(inside, column, zero), Some(inside))
                }
            };
            Turn { column, inside, elements: vec![None; args], written: vec![None; args] }
        })
        .collect();
    for stage in w.program().stages() {
        match stage.kind {
            StageKind::Row => once(w, stage, at, values, Some(unit)),
            StageKind::Loop => {
                let vector = w.key.vector;
                let sums = sums(w, stage, vector);
                for turn in &mut turns {
                    body(w, stage, at, turn.column, values, &sums, Some(turn));
                }
                for (id, sum) in sums {
                    let own = w.e.current(sum);
                    values.0[id as usize] = Some(together(w, cube, unit, id, own));
                }
            }
        }
    }
    for turn in &turns {
        let write = |w: &mut Writer<'_>| {
            for (arg, written) in turn.written.iter().enumerate() {
                if let Some((x, value)) = *written {
                    w.store(arg as ArgId, at, turn.column, value, x);
                }
            }
        };
        match turn.inside {
            None => write(w),
            Some(inside) => w.when(inside, write),
        }
    }
}

/// All units' results of a reduction as one, which each of them has: first within a vector, then within planes, then over shared
/// memory.
fn together(w: &mut Writer<'_>, cube: Cube, unit: Val, id: Id, own: Val) -> Val {
    let (op, ty) = reduction(w, id);
    let e = &mut w.e;
    let mut all = e.component(own, 0);
    for i in 1..own.ty.vector_size() {
        let next = e.component(own, i);
        all = ops::step(e, op, ty, next, all);
    }
    let mut distance = cube.plane / 2;
    while distance > 0 {
        let mask = e.index(distance as usize);
        let other = e.push(Plane::ShuffleXor(BinaryOperator { lhs: all, rhs: mask }), all.ty);
        all = ops::step(e, op, ty, other, all);
        distance /= 2;
    }
    if cube.plane >= cube.units {
        return all;
    }
    // One result for each plane, or unit, in shared memory, halved until one is left.
    let groups = cube.units / cube.plane;
    let shared = e.shared(ops::lanes(ty, 1), groups as usize);
    let plane = e.index(cube.plane as usize);
    let group = if cube.plane == 1 { unit } else { e.div(unit, plane) };
    match cube.plane {
        1 => e.store(shared, group, all),
        _ => {
            let (within, zero) = (e.rem(unit, plane), e.index(0));
            let first = e.compare(|x: BinaryOperator| Comparison::Equal(x), within, zero);
            e.when(first, |e| e.store(shared, group, all));
        }
    }
    e.meet();
    let mut left = groups / 2;
    while left > 0 {
        let half = e.index(left as usize);
        let below = e.compare(|x: BinaryOperator| Comparison::Lower(x), unit, half);
        e.when(below, |e| {
            let there = e.add(unit, half);
            let (a, b) = (e.load(shared, there), e.load(shared, unit));
            let c = ops::step(e, op, ty, a, b);
            e.store(shared, unit, c);
        });
        e.meet();
        left /= 2;
    }
    // Nobody writes the memory again before all have read it: each reduction has its own.
    let zero = e.index(0);
    e.load(shared, zero)
}
