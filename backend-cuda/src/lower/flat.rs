//! Programs without reductions: a unit computes a few neighbouring columns of one row.

use super::{Argument, Writer, address};
use crate::emit::Val;
use cubecl::ir::Builtin;
use plywood_kernel::ir::{Id, Op};

/// All of the kernel.
pub fn write(w: &mut Writer<'_>) {
    let position = w.e.builtin(Builtin::AbsolutePos);
    let (rows, columns) = (w.rows, w.columns);
    let all = if w.sizes.is_empty() { columns } else { w.e.mul(rows, columns) };
    w.below(position, all, |w| {
        let (row, column) = match w.sizes.is_empty() {
            true => (w.e.index(0), position),
            false => (w.e.div(position, columns), w.e.rem(position, columns)),
        };
        let loops = address::loops(&mut w.e, row, &w.sizes.clone());
        let at = w.at(&loops);
        let mut values: Vec<Option<Val>> = vec![None; w.program().ops().len()];
        // What is stored is stored last: an argument may be read and written.
        let mut stores: Vec<(u8, Id)> = Vec::new();
        for (id, op) in w.program().ops().iter().enumerate() {
            let id = id as Id;
            values[id as usize] = match *op {
                Op::Load(arg) => Some(w.load(arg, &at, column)),
                Op::Store(arg, x) => {
                    stores.push((arg, x));
                    None
                }
                Op::While(_) | Op::Reduce(..) => unreachable!("it is not flat"),
                Op::Const(..)
                | Op::Column
                | Op::Unary(..)
                | Op::Binary(..)
                | Op::Fma(..)
                | Op::Compare(..)
                | Op::Select(..) => {
                    Some(w.computed(id, Some(column), &|x| values[x as usize].expect("it was made before")))
                }
            };
        }
        for (arg, x) in stores {
            w.store(arg, &at, column, values[x as usize].expect("it was made before"), x);
        }
    });
}

impl Writer<'_> {
    /// Where a row begins in each argument.
    pub(super) fn at(&mut self, loops: &[Val]) -> address::At {
        let (e, args) = (&mut self.e, &self.args);
        let zero = e.index(0);
        let start = |arg: &Argument| match arg {
            Argument::Memory(place) => place.start(e, loops),
            Argument::Number(_) => zero,
        };
        address::At(args.iter().map(start).collect())
    }
}
