//! A kernel of the planner as a program of the kernel language, built from the formulas of the operations alone.
//!
//! A kernel that reduces rows is several loops over each row. A value is made in the first loop that all it depends on
//! allows, its level: a reduction is a number of the row from the next loop on. A later loop that needs an element's value
//! computes it again, or reads it where it was left: in the output that it is, or, where it is dear, in one that is written
//! later.

mod fuses;
mod operands;

pub use fuses::Kernels;
pub use operands::{of_rows, over_domain};

use crate::formulas::{self, formula, held, reduce};
use crate::ir::ArgId;
use crate::{Builder, Program, V, Width, cast};
use plywood_core::op::Unary;
use plywood_core::{Equation, Graph, Op, Var};
use plywood_fusion::plan::{Kernel, Operand, Per, Plan};
use smallvec::SmallVec;

/// A kernel's program, and for each output the inputs, as bits, that it may overwrite.
#[derive(Clone, Debug)]
pub struct Made {
    /// Inputs in order, then outputs.
    pub program: Program,
    /// By output.
    pub overwrites: SmallVec<[u32; 8]>,
}

/// The program of a plan's kernel. `splats` says, as bits, which of its inputs have one element for each row: those whose
/// innermost stride over the domain is 0 (see [`over_domain`]).
pub fn program(graph: &Graph, plan: &Plan, kernel: &Kernel, splats: u32) -> Made {
    let names = Names::new(graph, kernel);
    let levels = levels(graph, kernel, &names);
    let b = Builder::new(width(graph, kernel));
    let mut emitter = Emitter::new(graph, plan, kernel, &names, &levels, &b, splats);
    emitter.write();
    let overwrites = emitter.overwrites();
    drop(emitter);
    Made { program: b.finish(), overwrites }
}

/// The width of a kernel's lanes: of its widest elements.
fn width(graph: &Graph, kernel: &Kernel) -> Width {
    let equations = kernel.equations.iter().map(|&i| &graph.equations()[i]);
    let vars = equations.flat_map(|e| e.inputs.iter().chain(&e.outputs));
    vars.map(|&v| Width::of(graph.ty(v).dtype)).fold(Width::W32, Width::max)
}

/// Numbers of a kernel's variables: inputs, then what equations give. A variable may be an input twice, for each element and for
/// each row.
struct Names(Vec<(Var, Option<Per>, usize)>);

impl Names {
    fn new(graph: &Graph, kernel: &Kernel) -> Names {
        let inputs = kernel.inputs.iter().map(|x| (x.name(graph), Some(x.per)));
        let made = kernel.equations.iter().map(|&i| (graph.equations()[i].outputs[0], None));
        let mut names: Vec<_> = inputs.chain(made).enumerate().map(|(i, (v, per))| (v, per, i)).collect();
        names.sort_unstable_by_key(|x| x.0);
        Names(names)
    }

    /// None of a number that fills a tensor.
    fn of(&self, v: Var, per: Per) -> Option<usize> {
        let first = self.0.partition_point(|x| x.0 < v);
        let same = self.0[first..].iter().take_while(|x| x.0 == v);
        same.into_iter().find(|x| x.1.is_none_or(|of| of == per)).map(|x| x.2)
    }
}

/// The loop in which each value is made.
fn levels(graph: &Graph, kernel: &Kernel, names: &Names) -> Vec<usize> {
    let mut levels = vec![0; kernel.inputs.len()];
    for (&i, &per) in kernel.equations.iter().zip(&kernel.per) {
        let e = &graph.equations()[i];
        let read = e.inputs.iter().filter_map(|&v| names.of(v, per.read_by(e)));
        let of_inputs = read.map(|x| levels[x]).max().unwrap_or(0);
        levels.push(of_inputs + matches!(e.op, Op::Reduce { .. }) as usize);
    }
    levels
}

struct Emitter<'a, 'b> {
    graph: &'a Graph,
    plan: &'a Plan,
    kernel: &'a Kernel,
    names: &'a Names,
    levels: &'a [usize],
    b: &'b Builder,
    /// Of inputs, then of outputs.
    args: Vec<ArgId>,
    splats: u32,
    /// The loop at work.
    level: usize,
    /// Values of rows.
    rows: Vec<Option<V<'b>>>,
    /// Values of elements, in the loop at work.
    elements: Vec<Option<V<'b>>>,
    /// Where values that later loops read are left: an output, by its number.
    left: Vec<Option<usize>>,
    /// The last loop that reads each input, and the first that writes each output.
    read: Vec<usize>,
    written: Vec<usize>,
}

impl<'a, 'b> Emitter<'a, 'b> {
    fn new(
        graph: &'a Graph,
        plan: &'a Plan,
        kernel: &'a Kernel,
        names: &'a Names,
        levels: &'a [usize],
        b: &'b Builder,
        splats: u32,
    ) -> Self {
        let dtype = |x: &Operand| graph.ty(x.var).dtype;
        let inputs = kernel.inputs.iter().enumerate().map(|(i, x)| (dtype(x), splats >> i & 1 == 1));
        let outputs = kernel.outputs.iter().map(|x| (dtype(x), x.per == Per::Row));
        let args =
            inputs.chain(outputs).map(|(d, splat)| if splat { b.splat_arg(d) } else { b.arg(d) }).collect();
        let mut emitter = Emitter {
            graph,
            plan,
            kernel,
            names,
            levels,
            b,
            args,
            splats,
            level: 0,
            rows: vec![None; levels.len()],
            elements: vec![None; levels.len()],
            left: vec![None; levels.len()],
            read: vec![0; kernel.inputs.len()],
            written: Vec::new(),
        };
        emitter.leave();
        emitter
    }

    fn equation(&self, x: usize) -> &'a Equation {
        &self.graph.equations()[self.kernel.equations[x - self.kernel.inputs.len()]]
    }

    fn per(&self, x: usize) -> Per {
        match x.checked_sub(self.kernel.inputs.len()) {
            Some(k) => self.kernel.per[k],
            None if self.splats >> x & 1 == 1 => Per::Row,
            None => Per::Element,
        }
    }

    /// The values that equations make.
    fn made(&self) -> std::ops::Range<usize> {
        self.kernel.inputs.len()..self.levels.len()
    }

    /// Decides where values are left for later loops.
    fn leave(&mut self) {
        let outputs = || self.kernel.outputs.iter().enumerate();
        let number = |x: &Operand| self.names.of(x.var, x.per).expect("a kernel's outputs are its own");
        let mut written: Vec<usize> = outputs().map(|(_, x)| self.levels[number(x)]).collect();
        let mut taken = vec![false; written.len()];
        let mut left = vec![None; self.levels.len()];
        // The last loop that needs a value: from the last value to the first, so that its readers are known.
        let mut last = self.levels.to_vec();
        for x in self.made().rev() {
            let e = self.equation(x);
            let v = e.outputs[0];
            if self.per(x) == Per::Element && last[x] > self.levels[x] {
                let fits = |&(j, o): &(usize, &Operand)| {
                    o.per == Per::Element
                        && !taken[j]
                        && self.levels[number(o)] >= last[x]
                        && self.graph.ty(o.var).dtype == self.graph.ty(v).dtype
                };
                if let Some((j, _)) = outputs().find(|(_, o)| o.var == v) {
                    left[x] = Some(j);
                } else if is_dear(&e.op)
                    && let Some((j, _)) = outputs().find(fits)
                {
                    (left[x], taken[j]) = (Some(j), true);
                    written[j] = written[j].min(self.levels[x]);
                }
            }
            // A value that is left nowhere is computed again.
            let at = match (&e.op, left[x]) {
                (Op::Reduce { .. }, _) => self.levels[x] - 1,
                (_, Some(_)) => self.levels[x],
                (_, None) => last[x],
            };
            for y in e.inputs.iter().filter_map(|&v| self.names.of(v, self.per(x).read_by(e))) {
                last[y] = last[y].max(at);
            }
        }
        (self.left, self.written) = (left, written);
    }

    /// All stages.
    fn write(&mut self) {
        let last = self.levels.iter().copied().max().unwrap_or(0);
        for level in 0..=last {
            self.level = level;
            self.rows_at(level);
            self.elements.fill(None);
            self.loop_at(level);
        }
    }

    /// What is computed once a row, before a loop.
    fn rows_at(&mut self, level: usize) {
        let here = |x: &usize| self.per(*x) == Per::Row && self.levels[*x] == level;
        let here: Vec<usize> = self.made().filter(here).collect();
        if here.is_empty() {
            return;
        }
        self.b.row();
        for x in here {
            let e = self.equation(x);
            let v = match &e.op {
                Op::Reduce { kind, .. } => {
                    let all = self.rows[x].expect("its loop came before");
                    let dtype = self.graph.ty(e.outputs[0]).dtype;
                    held(reduce::decode(*kind, dtype, all), dtype)
                }
                _ => self.computed(x),
            };
            self.rows[x] = Some(v);
            if let Some(j) = self.kernel.outputs.iter().position(|o| o.var == e.outputs[0]) {
                self.store(j, v);
            }
        }
        self.b.next_loop();
    }

    /// A loop: reductions, outputs, and what is left for later.
    fn loop_at(&mut self, level: usize) {
        let reduced =
            |x: &usize| matches!(self.equation(*x).op, Op::Reduce { .. }) && self.levels[*x] == level + 1;
        let reduced: Vec<usize> = self.made().filter(reduced).collect();
        let stored = |x: &usize| self.per(*x) == Per::Element && self.levels[*x] == level;
        let mut stores: SmallVec<[(usize, V<'b>); 8]> = SmallVec::new();
        for x in self.made().filter(stored).collect::<Vec<_>>() {
            let v = self.equation(x).outputs[0];
            let own = self.kernel.outputs.iter().position(|o| o.var == v);
            if let Some(j) = own.or(self.left[x]) {
                stores.push((j, self.element(x)));
            }
        }
        for x in reduced {
            let e = self.equation(x);
            let Op::Reduce { kind, .. } = &e.op else { unreachable!("it was looked for") };
            let value = self.value(e.inputs[0], Per::Element);
            self.rows[x] = Some(reduce::encode(*kind, value).reduce(reduce::step(*kind)));
        }
        // All that is read in this loop is read before anything is written.
        stores.into_iter().for_each(|(j, v)| self.store(j, v));
    }

    fn store(&self, j: usize, v: V<'b>) {
        let dtype = self.graph.ty(self.kernel.outputs[j].var).dtype;
        self.b.store(self.args[self.kernel.inputs.len() + j], cast::stored(v, dtype));
    }

    fn value(&mut self, v: Var, per: Per) -> V<'b> {
        match self.names.of(v, per) {
            None => self.number(v),
            Some(x) if self.per(x) == Per::Row => {
                if self.rows[x].is_none() {
                    // Inputs only: rows' own values were computed in their order.
                    self.rows[x] = Some(self.b.load(self.args[x]));
                }
                self.rows[x].expect("it is there")
            }
            Some(x) => self.element(x),
        }
    }

    fn element(&mut self, x: usize) -> V<'b> {
        if let Some(v) = self.elements[x] {
            return v;
        }
        let v = if x < self.kernel.inputs.len() {
            self.read[x] = self.read[x].max(self.level);
            self.b.load(self.args[x])
        } else if let Some(j) = self.left[x].filter(|_| self.levels[x] < self.level) {
            self.b.load(self.args[self.kernel.inputs.len() + j])
        } else {
            self.computed(x)
        };
        self.elements[x] = Some(v);
        v
    }

    /// An equation's value from those that it reads.
    fn computed(&mut self, x: usize) -> V<'b> {
        let e = self.equation(x);
        let per = self.kernel.per[x - self.kernel.inputs.len()].read_by(e);
        let inputs: SmallVec<[V<'b>; 3]> = e.inputs.iter().map(|&v| self.value(v, per)).collect();
        formula(self.graph, e, &inputs)
    }

    /// The number that fills a tensor, in lanes.
    fn number(&self, v: Var) -> V<'b> {
        let definition = self.plan.definitions[v.0 as usize].map(|i| &self.graph.equations()[i].op);
        let Some(Op::Full { number, ty }) = definition else {
            unreachable!("a kernel's other inputs are numbers")
        };
        formulas::number(self.b, *number, ty.dtype)
    }

    /// For each output the inputs of its dtype that are read for the last time before it is written, or as it is.
    fn overwrites(&self) -> SmallVec<[u32; 8]> {
        let inputs = || self.kernel.inputs.iter().enumerate();
        let of = |(j, o): (usize, &Operand)| {
            let fits = |(i, x): &(usize, &Operand)| {
                o.per == Per::Element
                    && (self.per(*i), x.view) == (Per::Element, None)
                    && self.graph.ty(x.var).dtype == self.graph.ty(o.var).dtype
                    && self.read[*i] <= self.written[j]
            };
            inputs().filter(fits).fold(0, |all, (i, _)| all | 1 << i)
        };
        self.kernel.outputs.iter().enumerate().map(of).collect()
    }
}

/// Whether a value is worth leaving in memory rather than computing it again.
fn is_dear(op: &Op) -> bool {
    match op {
        Op::Unary(
            Unary::Abs
            | Unary::Neg
            | Unary::Sign
            | Unary::Square
            | Unary::Floor
            | Unary::Ceil
            | Unary::Round
            | Unary::RoundEven
            | Unary::IsFinite,
        ) => false,
        Op::Unary(_) => true,
        Op::Binary(binary) => {
            use plywood_core::op::Binary::{Atan2, Div, Pow};
            matches!(binary, Div | Pow | Atan2)
        }
        _ => false,
    }
}
