//! A loop as one program, whose rows are the steps: the state lies in the same place in every row, slices that are read or
//! stacked one row behind the other.
//!
//! It is made where a step is element by element over tensors of one size and over single elements, and reductions of the
//! former to the latter. Everything else is run step by step.
//!
//! What always holds: in a step all of the state is read before any of it is written; elements are written in the step's last
//! loop, after the condition was looked at. So what a loop gives is what its steps alone give.

use crate::formulas::{self, formula, held, reduce};
use crate::fused::Kernels;
use crate::ir::ArgId;
use crate::{Builder, MAX_ARGS, Program, V, Width, cast};
use plywood_core::op::{Reduction, Scan, While};
use plywood_core::{DType, Equation, Graph, Number, Op, TensorType};
use plywood_fusion::plan::{Device, Fuses, Per};
use smallvec::SmallVec;
use std::ops::Range;

/// Equations of a body, at most: steps of larger ones cost more than their launches.
const LARGE: usize = 512;

/// Loops over a step's elements, at most: each computes anew what it needs.
const PASSES: usize = 4;

/// A loop's program.
#[derive(Clone, Debug)]
pub struct Looped {
    /// Its rows are the loop's steps.
    pub program: Program,
    /// What the program's arguments are, in order.
    pub arguments: Vec<Argument>,
    /// Elements of what is not a single one.
    pub elements: usize,
}

/// What an argument of a loop's program is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// That constant, read in each step.
    Constant(usize),
    /// That tensor of the state, read and written over in each step.
    State(usize),
    /// The step's slice of that scanned tensor.
    Scanned(usize),
    /// The step's slice of that stacked output.
    Stacked(usize),
}

/// The program of a scan; none where a step is not made of what a program has.
pub fn scan(scan: &Scan) -> Option<Looped> {
    let body = &scan.body;
    let mut steps = Steps::new(&[body])?;
    let argument = |i: usize| match i {
        i if i < scan.constants => Argument::Constant(i),
        i if i < scan.constants + scan.carries => Argument::State(i - scan.constants),
        i => Argument::Scanned(i - scan.constants - scan.carries),
    };
    let inputs: Vec<usize> =
        (0..).zip(body.input_types()).map(|(i, ty)| steps.argument(argument(i), ty)).collect();
    let outputs = steps.graph(body, &inputs, 0)?;
    let (carried, stacked) = outputs.split_at(scan.carries);
    let stores = (0..).zip(carried).map(|(k, &x)| (Argument::State(k), x));
    let stores = stores.chain((0..).zip(stacked).map(|(k, &x)| (Argument::Stacked(k), x))).collect();
    steps.finish(None, stores, body)
}

/// The program of a loop with a condition; none where a step is not made of what a program has.
pub fn while_loop(w: &While) -> Option<Looped> {
    let mut steps = Steps::new(&[&w.condition, &w.body])?;
    let constants = w.condition_constants + w.body_constants;
    let types = w.condition.input_types().take(w.condition_constants).chain(w.body.input_types());
    let argument = |(i, ty): (usize, &TensorType)| match i.checked_sub(constants) {
        None => steps.argument(Argument::Constant(i), ty),
        Some(k) => steps.argument(Argument::State(k), ty),
    };
    let inputs: Vec<usize> = types.enumerate().map(argument).collect();
    let (of_condition, of_body) = inputs.split_at(w.condition_constants);
    let state = &inputs[constants..];
    let mask = steps.graph(&w.condition, &[of_condition, state].concat(), 0)?[0];
    let end = End { mask, nodes: steps.nodes.len(), level: steps.nodes[mask].level };
    let outputs = steps.graph(&w.body, of_body, end.level)?;
    let stores = outputs.iter().enumerate().map(|(k, &x)| (Argument::State(k), x)).collect();
    steps.finish(Some(end), stores, &w.body)
}

/// Where a step ends unless its condition holds.
struct End {
    mask: usize,
    /// Nodes of the condition: those before.
    nodes: usize,
    level: usize,
}

/// A value of a step.
struct Node<'g> {
    from: From<'g>,
    per: Per,
    /// The loop over elements from which on it is known: a reduction's value from the next one on.
    level: usize,
}

enum From<'g> {
    Number(Number, DType),
    Argument(Argument, DType),
    Formula { graph: &'g Graph, e: &'g Equation, inputs: SmallVec<[usize; 3]> },
    Reduce { kind: Reduction, dtype: DType, input: usize },
}

struct Steps<'g> {
    width: Width,
    elements: usize,
    nodes: Vec<Node<'g>>,
}

impl<'g> Steps<'g> {
    /// Of steps that run these graphs.
    fn new(graphs: &[&'g Graph]) -> Option<Self> {
        let types = || graphs.iter().flat_map(|g| g.types());
        let width = types().map(|ty| Width::of(ty.dtype)).fold(Width::W32, Width::max);
        // Floats of 32 bits and fewer would be f64 in lanes of 64 bits.
        let rounds = |ty: &TensorType| ty.dtype.is_float() && ty.dtype != DType::F64;
        let elements = types().map(|ty| ty.elements()).max()?;
        let fits = types().all(|ty| ty.elements() == 1 || ty.elements() == elements)
            && graphs.iter().all(|g| g.equations().len() <= LARGE)
            && !(width == Width::W64 && types().any(rounds));
        (fits && elements > 0).then_some(Steps { width, elements, nodes: Vec::new() })
    }

    fn node(&mut self, from: From<'g>, per: Per, level: usize) -> usize {
        self.nodes.push(Node { from, per, level });
        self.nodes.len() - 1
    }

    fn per(&self, ty: &TensorType) -> Per {
        if ty.elements() == 1 { Per::Row } else { Per::Element }
    }

    fn argument(&mut self, argument: Argument, ty: &TensorType) -> usize {
        self.node(From::Argument(argument, ty.dtype), self.per(ty), 0)
    }

    /// Adds a graph's values, which are not made before a level; gives its outputs'.
    fn graph(&mut self, graph: &'g Graph, inputs: &[usize], least: usize) -> Option<Vec<usize>> {
        let mut known: Vec<usize> = vec![usize::MAX; graph.types().len()];
        for (v, &x) in graph.inputs().iter().zip(inputs) {
            known[v.0 as usize] = x;
        }
        for e in graph.equations() {
            let [output] = e.outputs[..] else { return None };
            let read = e.inputs.iter().map(|v| known[v.0 as usize]).collect();
            known[output.0 as usize] = self.equation(graph, e, read, least)?;
        }
        Some(graph.outputs().iter().map(|v| known[v.0 as usize]).collect())
    }

    fn equation(
        &mut self,
        graph: &'g Graph,
        e: &'g Equation,
        inputs: SmallVec<[usize; 3]>,
        least: usize,
    ) -> Option<usize> {
        let ty = graph.ty(e.outputs[0]);
        let elements = |i: usize| graph.ty(e.inputs[i]).elements();
        let level = inputs.iter().map(|&x| self.nodes[x].level).fold(least, usize::max);
        match (&e.op, Kernels { contractions: false, blocks: false }.fuses(graph, e)) {
            (Op::Full { number, .. }, _) => Some(self.node(From::Number(*number, ty.dtype), Per::Row, 0)),
            // The same elements in the same order, or one for all.
            (Op::Reshape { .. }, _) => Some(inputs[0]),
            (Op::Broadcast { .. }, _) => {
                (elements(0) == 1 || elements(0) == ty.elements()).then_some(inputs[0])
            }
            (Op::Reduce { kind, .. }, fuses) => {
                let fits = matches!(fuses, Fuses::Reduction { .. }) || ty.dtype == DType::Bool;
                let is_whole = elements(0) == self.elements && self.elements > 1 && ty.elements() == 1;
                let from = From::Reduce { kind: *kind, dtype: ty.dtype, input: inputs[0] };
                (fits && is_whole).then(|| self.node(from, Per::Row, level + 1))
            }
            (_, Fuses::Elementwise(_)) => {
                let per = self.per(ty);
                Some(self.node(From::Formula { graph, e, inputs }, per, level))
            }
            _ => None,
        }
    }

    /// The program that stores these values in each step.
    fn finish(self, end: Option<End>, stores: Vec<(Argument, usize)>, body: &Graph) -> Option<Looped> {
        // What keeps its place is not stored.
        let stays = |&(to, x): &(Argument, usize)| match self.nodes[x].from {
            From::Argument(from, _) => from == to,
            _ => false,
        };
        let types = body.output_types();
        let stores = stores.into_iter().zip(types).filter(|(store, _)| !stays(store));
        let stores: Vec<Store> =
            stores.map(|((to, x), ty)| Store { to, x, dtype: ty.dtype, per: self.per(ty) }).collect();
        let mut needed = vec![false; self.nodes.len()];
        for x in stores.iter().map(|s| s.x).chain(end.as_ref().map(|end| end.mask)) {
            needed[x] = true;
        }
        (0..self.nodes.len()).rev().for_each(|x| {
            if needed[x] {
                self.mark(x, &mut needed)
            }
        });
        let arguments =
            (0..self.nodes.len()).filter(|&x| needed[x]).filter_map(|x| match self.nodes[x].from {
                From::Argument(argument, _) => Some(argument),
                _ => None,
            });
        let mut arguments: Vec<Argument> = arguments.collect();
        arguments
            .extend(stores.iter().map(|s| s.to).filter(|to| !arguments.contains(to)).collect::<Vec<_>>());
        let levels = (0..self.nodes.len()).filter(|&x| needed[x]).map(|x| self.nodes[x].level);
        let top = levels.max().unwrap_or(0);
        if stores.is_empty() || arguments.len() > MAX_ARGS || top >= PASSES {
            return None;
        }
        let b = Builder::new(self.width);
        Writer::new(&self, &b, &needed, end, &stores, &arguments).write(top);
        Some(Looped { program: b.finish(), arguments, elements: self.elements })
    }

    /// What a value is made of is needed.
    fn mark(&self, x: usize, needed: &mut [bool]) {
        self.inputs(x).iter().for_each(|&y| needed[y] = true);
    }

    fn inputs(&self, x: usize) -> &[usize] {
        match &self.nodes[x].from {
            From::Number(..) | From::Argument(..) => &[],
            From::Formula { inputs, .. } => inputs,
            From::Reduce { input, .. } => std::slice::from_ref(input),
        }
    }
}

/// What a step leaves.
struct Store {
    to: Argument,
    x: usize,
    dtype: DType,
    per: Per,
}

struct Writer<'a, 'g, 'b> {
    steps: &'a Steps<'g>,
    b: &'b Builder,
    needed: &'a [bool],
    end: Option<End>,
    stores: &'a [Store],
    arguments: &'a [Argument],
    /// The program's arguments, as `arguments`.
    ids: Vec<ArgId>,
    /// Values of the row.
    rows: Vec<Option<V<'b>>>,
    /// Values of elements, in the loop at work.
    elements: Vec<Option<V<'b>>>,
}

impl<'a, 'g, 'b> Writer<'a, 'g, 'b> {
    fn new(
        steps: &'a Steps<'g>,
        b: &'b Builder,
        needed: &'a [bool],
        end: Option<End>,
        stores: &'a [Store],
        arguments: &'a [Argument],
    ) -> Self {
        let read = |argument: Argument| {
            let nodes = steps.nodes.iter();
            nodes.filter_map(move |n| match n.from {
                From::Argument(a, dtype) if a == argument => Some((dtype, n.per)),
                _ => None,
            })
        };
        let written = |argument| stores.iter().filter(move |s| s.to == argument).map(|s| (s.dtype, s.per));
        let declared = arguments.iter().map(|&a| {
            let (dtype, per) = read(a).chain(written(a)).next().expect("it is read or written");
            match per {
                Per::Row => b.splat_arg(dtype),
                Per::Element => b.arg(dtype),
            }
        });
        let ids = declared.collect();
        let [rows, elements] = [0, 1].map(|_| vec![None; steps.nodes.len()]);
        Writer { steps, b, needed, end, stores, arguments, ids, rows, elements }
    }

    fn write(mut self, top: usize) {
        let nodes = &self.steps.nodes;
        let first = self.end.as_ref().map_or(0, |end| end.level);
        let of_elements =
            self.stores.iter().filter(|s| s.per == Per::Element).map(|s| nodes[s.x].level.max(first));
        let reductions =
            (0..nodes.len()).filter(|&x| self.needed[x] && matches!(nodes[x].from, From::Reduce { .. }));
        let last = of_elements.chain(reductions.map(|x| nodes[x].level - 1)).max();
        for level in 0..=top {
            self.row(level, first);
            self.elements.fill(None);
            self.pass(level, last == Some(level));
        }
    }

    fn id(&self, argument: Argument) -> ArgId {
        self.ids[self.arguments.iter().position(|&a| a == argument).expect("it was declared")]
    }

    /// What is computed once a step before a loop over elements, and whether the step is done at all.
    fn row(&mut self, level: usize, first: usize) {
        let end = self.end.as_ref().filter(|end| end.level == level).map(|end| (end.mask, end.nodes));
        self.b.row();
        let all = self.steps.nodes.len();
        let of_condition = end.map_or(0, |(_, nodes)| nodes);
        self.singles(level, 0..of_condition);
        if let Some((mask, _)) = end {
            self.b.go_on_while(self.value(mask));
        }
        self.singles(level, of_condition..all);
        for s in self.stores.iter().filter(|s| s.per == Per::Row) {
            if self.steps.nodes[s.x].level.max(first) == level {
                self.store(s, self.rows[s.x].expect("it is of this level"));
            }
        }
        self.b.next_loop();
    }

    /// The single elements of a level, of some nodes.
    fn singles(&mut self, level: usize, nodes: Range<usize>) {
        for x in nodes {
            let node = &self.steps.nodes[x];
            if self.needed[x] && node.per == Per::Row && node.level == level {
                self.rows[x] = Some(self.computed(x));
            }
        }
    }

    /// A loop over the elements: reductions that are known from the next one on, and in the last one what is left.
    fn pass(&mut self, level: usize, is_last: bool) {
        let nodes = &self.steps.nodes;
        let is_reduced =
            |x: usize| matches!(nodes[x].from, From::Reduce { .. }) && nodes[x].level == level + 1;
        let reduced: Vec<usize> = (0..nodes.len()).filter(|&x| self.needed[x] && is_reduced(x)).collect();
        let stores = self.stores.iter().filter(|s| is_last && s.per == Per::Element);
        let stores: SmallVec<[&Store; 8]> = stores.collect();
        let mut needed = vec![false; nodes.len()];
        stores.iter().for_each(|s| needed[s.x] = true);
        reduced.iter().for_each(|&x| self.steps.mark(x, &mut needed));
        for x in (0..nodes.len()).rev() {
            if needed[x] && nodes[x].per == Per::Element {
                self.steps.mark(x, &mut needed);
            }
        }
        for x in (0..nodes.len()).filter(|&x| needed[x] && nodes[x].per == Per::Element) {
            self.elements[x] = Some(self.computed(x));
        }
        for x in reduced {
            let From::Reduce { kind, input, .. } = nodes[x].from else { unreachable!("it was looked for") };
            self.rows[x] = Some(reduce::encode(kind, self.value(input)).reduce(reduce::step(kind)));
        }
        // All that is read in this loop is read before anything is written.
        stores.into_iter().for_each(|s| self.store(s, self.value(s.x)));
    }

    fn store(&self, s: &Store, v: V<'b>) {
        self.b.store(self.id(s.to), cast::stored(v, s.dtype));
    }

    fn value(&self, x: usize) -> V<'b> {
        match self.steps.nodes[x].per {
            Per::Row => self.rows[x],
            Per::Element => self.elements[x],
        }
        .expect("values come in order")
    }

    fn computed(&self, x: usize) -> V<'b> {
        match &self.steps.nodes[x].from {
            From::Number(number, dtype) => formulas::number(self.b, *number, *dtype),
            From::Argument(argument, _) => self.b.load(self.id(*argument)),
            From::Formula { graph, e, inputs } => {
                let inputs: SmallVec<[V<'b>; 3]> = inputs.iter().map(|&y| self.value(y)).collect();
                formula(graph, e, &inputs)
            }
            From::Reduce { kind, dtype, .. } => {
                let all = self.rows[x].expect("its loop came before");
                held(reduce::decode(*kind, *dtype, all), *dtype)
            }
        }
    }
}
