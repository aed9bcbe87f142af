//! Failing cases made small: operations, rows and columns are taken away as long as the case goes on failing.

use super::generate::Case;
use super::promise;
use crate::kernel::ir::{Id, Op, Program, Type};
use crate::kernel::{Builder, V};

/// What becomes of one operation.
#[derive(Clone, Copy)]
enum Edit {
    /// A store is left out.
    Drop,
    /// Another value stands for this one.
    Is(Id),
    /// A constant stands for it.
    Const,
}

/// The smallest case found that `fails`.
pub fn shrink(mut case: Case, fails: impl Fn(&Case) -> bool) -> Case {
    loop {
        let next = candidates(&case).find(|c| fails(c));
        match next {
            Some(smaller) => case = smaller,
            None => return case,
        }
    }
}

fn candidates(case: &Case) -> impl Iterator<Item = Case> {
    let sizes = [(1, case.columns), (case.rows / 2, case.columns), (case.rows - 1, case.columns)].into_iter();
    let columns = [1, case.columns / 2, case.columns.saturating_sub(1)];
    let sizes = sizes.chain(columns.map(|columns| (case.rows, columns)));
    let sizes = sizes.filter(|&(r, c)| {
        r > 0 && r <= case.rows && c <= case.columns && (r, c) != (case.rows, case.columns)
    });
    let sizes = sizes.map(|(rows, columns)| {
        let mut places = case.places.clone();
        for (place, arg) in places.iter_mut().zip(case.program.args()) {
            // Rows stay apart.
            let width = arg.dtype.size() * if arg.splat { 1 } else { columns };
            if place.stride.unsigned_abs() > width {
                place.stride = width as isize;
            }
        }
        Case { rows, columns, places, ..case.clone() }
    });
    let first = (case.first != 0).then(|| Case { first: 0, ..case.clone() });
    let apart = case.places.iter().enumerate().filter(|(n, place)| place.of != *n).map(|(n, _)| {
        let mut places = case.places.clone();
        places[n].of = n;
        Case { places, ..case.clone() }
    });
    let ops = (0..case.program.ops().len() as Id).rev().flat_map(|i| edits(&case.program, i));
    let programs = ops.filter_map(|(i, edit)| edited(&case.program, i, edit));
    let smaller = programs.filter(|p| p.ops().len() < case.program.ops().len() && promise::is_kept(p));
    let all: Vec<Case> = sizes.chain(first).chain(apart).collect();
    all.into_iter().chain(smaller.map(|program| Case { program, ..case.clone() }))
}

fn edits(p: &Program, i: Id) -> Vec<(Id, Edit)> {
    let op = p.ops()[i as usize];
    let edits: Vec<Edit> = match op {
        Op::Store(..) | Op::While(_) => vec![Edit::Drop],
        Op::Const(..) => vec![],
        _ => {
            let ty = p.ty(i);
            let same = op.operands().filter(|&x| p.ty(x) == ty).map(Edit::Is);
            same.chain([Edit::Const]).collect()
        }
    };
    edits.into_iter().map(|edit| (i, edit)).collect()
}

/// The program with one operation changed, and without what nobody needs then; `None` where it is not one.
fn edited(p: &Program, at: Id, edit: Edit) -> Option<Program> {
    let n = p.ops().len();
    let mut needed = vec![false; n];
    for i in (0..n).rev() {
        let op = p.ops()[i];
        let is_at = i as Id == at;
        if !needed[i] && op.has_value() {
            continue;
        }
        needed[i] = true;
        match (is_at, edit) {
            (true, Edit::Drop) => needed[i] = false,
            (true, Edit::Is(x)) => needed[x as usize] = true,
            (true, Edit::Const) => {}
            (false, _) => op.operands().for_each(|x| needed[x as usize] = true),
        }
    }
    let b = Builder::new(p.width());
    for arg in p.args() {
        if arg.splat {
            b.splat_arg(arg.dtype)
        } else {
            b.arg(arg.dtype)
        };
    }
    rebuild(&b, p, &needed, at, edit)?;
    Some(b.finish())
}

fn rebuild(b: &Builder, p: &Program, needed: &[bool], at: Id, edit: Edit) -> Option<()> {
    let mut values: Vec<Option<V<'_>>> = Vec::new();
    let mut stores = false;
    for stage in p.stages() {
        b.stage(stage.kind);
        for i in stage.ops.clone() {
            let op = p.ops()[i as usize];
            let value = match (needed[i as usize], i == at, edit) {
                (false, ..) => None,
                (true, true, Edit::Is(x)) => values[x as usize],
                (true, true, _) => Some(b.push(Op::Const(p.ty(i), one(p.ty(i))))),
                (true, false, _) => {
                    stores |= matches!(op, Op::Store(..));
                    Some(b.try_push(op.map(|x| values[x as usize].expect("it is needed").id()))?)
                }
            };
            values.push(value);
        }
    }
    stores.then_some(())
}

fn one(ty: Type) -> u64 {
    match ty {
        Type::F32 => 1f32.to_bits() as u64,
        Type::F64 => 1f64.to_bits(),
        Type::I32 | Type::U32 | Type::I64 | Type::U64 | Type::Mask => 1,
    }
}
