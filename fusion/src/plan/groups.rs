//! Groups: equations are read in the order of the program, and an open group takes those of its domain. It is closed, and
//! runs, before anything else reads what it gives; so groups that are open at a time never depend on each other.

use super::kernel::{OUTPUTS, kernels};
use super::{Device, Fuses, Lanes, Per, Step};
use plywood_core::{Equation, Graph, Op, Shape, Var};
use smallvec::SmallVec;

/// Inputs that a group reads, at most, whose elements differ; and numbers.
const INPUTS: usize = 10;
const NUMBERS: usize = 12;
/// Equations of a group, at most.
const EQUATIONS: usize = 96;
/// Groups that are open at a time, at most.
const OPEN: usize = 16;
/// Elements of a row, at least, where there are many rows; and at most where there are few.
const SHORT: usize = 8;
const LONG: usize = 2048;
/// Elements of a row, at most.
const LONGEST: usize = 1 << 16;

/// A group that still takes equations.
pub(super) struct Open {
    id: usize,
    pub shape: Shape,
    /// How many of the last axes are a row, once something was reduced.
    pub trailing: usize,
    /// Whether that is done in blocks.
    pub blocks: bool,
    pub lanes: Option<Lanes>,
    pub equations: Vec<(usize, Per)>,
    inputs: SmallVec<[Var; 16]>,
    numbers: SmallVec<[Var; 12]>,
    /// The contraction whose output it reads.
    dot: Option<Var>,
}

/// Where a variable comes from that equations read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Source {
    /// An open group, and how much of it there is.
    Group(usize, Per),
    /// An open group, which gives it when it has run.
    After(usize),
    /// A number that fills a tensor.
    Number,
    /// An equation that gives a view of something that is there.
    View(usize),
    /// A contraction, which is that step so far.
    Dot(usize),
    /// Anything else that is there.
    There,
}

pub(super) struct Planner<'a> {
    pub graph: &'a Graph,
    device: &'a dyn Device,
    /// For each variable, how many equations read it, the graph's outputs too.
    pub readers: Vec<u32>,
    pub steps: Vec<Option<Step>>,
    open: Vec<Open>,
    pub sources: Vec<Source>,
    /// Zeros: for counting.
    pub uses: Vec<u32>,
}

/// The steps of a graph, some of which nobody needs.
pub(super) fn steps(graph: &Graph, device: &dyn Device) -> Vec<Step> {
    let count = graph.definitions().len();
    let mut readers = vec![0; count];
    let inputs = graph.equations().iter().flat_map(|e| &e.inputs);
    inputs.chain(graph.outputs()).for_each(|v| readers[v.0 as usize] += 1);
    let mut planner = Planner {
        graph,
        device,
        readers,
        steps: Vec::with_capacity(graph.equations().len()),
        open: Vec::new(),
        sources: vec![Source::There; count],
        uses: vec![0; count],
    };
    for (i, e) in graph.equations().iter().enumerate() {
        planner.take(i, e);
    }
    while !planner.open.is_empty() {
        planner.close(0);
    }
    planner.steps.into_iter().flatten().collect()
}

impl Planner<'_> {
    pub fn source(&self, v: Var) -> Source {
        self.sources[v.0 as usize]
    }

    fn shape(&self, v: Var) -> &Shape {
        &self.graph.ty(v).shape
    }

    fn place(&self, id: usize) -> Option<usize> {
        self.open.iter().position(|open| open.id == id)
    }

    fn take(&mut self, i: usize, e: &Equation) {
        match &e.op {
            Op::Full { .. } => return self.one(i, e, Source::Number),
            Op::Broadcast { .. } | Op::Reshape { .. } if self.again(i, e) => return,
            Op::Broadcast { .. } | Op::Transpose { .. } => return self.one(i, e, Source::View(i)),
            _ => {}
        }
        match self.device.fuses(self.graph, e) {
            Fuses::No => self.one(i, e, Source::There),
            Fuses::Contraction => {
                // Where its step will be, once what it reads is there.
                self.settle(&e.inputs, None);
                let step = self.steps.len();
                self.one(i, e, Source::Dot(step));
            }
            Fuses::Elementwise(lanes) => self.elementwise(i, e, lanes),
            Fuses::Reduction { lanes, blocks } => self.reduction(i, e, lanes, blocks),
        }
    }

    /// A step of its own.
    fn one(&mut self, i: usize, e: &Equation, source: Source) {
        self.settle(&e.inputs, None);
        e.outputs.iter().for_each(|v| self.sources[v.0 as usize] = source);
        self.steps.push(Some(Step::One(i)));
    }

    /// Closes the groups, other than `but`, that give any of these.
    fn settle(&mut self, inputs: &[Var], but: Option<usize>) {
        for v in inputs {
            let id = match self.source(*v) {
                Source::Group(id, _) if Some(id) != but => id,
                Source::After(id) => id,
                _ => continue,
            };
            if let Some(at) = self.place(id) {
                self.close(at);
            }
        }
    }

    /// Values of rows under another shape, or for each element again: nothing is to be done. False where it is something else.
    fn again(&mut self, i: usize, e: &Equation) -> bool {
        let Source::Group(id, Per::Row) = self.source(e.inputs[0]) else { return false };
        let Some(at) = self.place(id) else { return false };
        let open = &self.open[at];
        let per = match &e.op {
            Op::Reshape { .. } => Per::Row,
            Op::Broadcast { shape, axes } => {
                if *shape != open.shape || !repeats_rows(self.shape(e.inputs[0]), shape, axes, open.trailing)
                {
                    return false;
                }
                Per::Element
            }
            _ => return false,
        };
        if open.equations.len() == EQUATIONS {
            return false;
        }
        self.open[at].equations.push((i, per));
        self.sources[e.outputs[0].0 as usize] = Source::Group(id, per);
        true
    }

    fn elementwise(&mut self, i: usize, e: &Equation, lanes: Option<Lanes>) {
        let shape = self.shape(e.outputs[0]).clone();
        let (at, per) = match self.row_group(e, &shape, lanes) {
            Some(at) => (Some(at), Per::Row),
            None => (self.element_group(e, &shape, lanes), Per::Element),
        };
        self.join(i, e, at, per, lanes, shape, 0);
    }

    /// The group of whose rows the equation computes something.
    fn row_group(&self, e: &Equation, shape: &Shape, lanes: Option<Lanes>) -> Option<usize> {
        let id = e.inputs.iter().find_map(|&v| match self.source(v) {
            Source::Group(id, Per::Row) => Some(id),
            _ => None,
        })?;
        let at = self.place(id)?;
        let open = &self.open[at];
        let leading = &open.shape[..open.shape.len() - open.trailing];
        let fits =
            shape.elements() == leading.iter().product::<usize>() && self.takes(open, e, lanes, Per::Row);
        fits.then_some(at)
    }

    fn element_group(&self, e: &Equation, shape: &Shape, lanes: Option<Lanes>) -> Option<usize> {
        let fits = |open: &Open| open.shape == *shape && self.takes(open, e, lanes, Per::Element);
        // The group that gives an input, before others.
        let own = e.inputs.iter().find_map(|&v| match self.source(v) {
            Source::Group(id, _) => self.place(id).filter(|&at| fits(&self.open[at])),
            _ => None,
        });
        own.or_else(|| self.open.iter().position(fits))
    }

    /// Whether a group may hold an equation, one value of which there is `per` what.
    fn takes(&self, open: &Open, e: &Equation, lanes: Option<Lanes>, per: Per) -> bool {
        let same = open.lanes.is_none() || lanes.is_none() || open.lanes == lanes;
        let reads = |v: &Var| match self.source(*v) {
            Source::After(id) => id != open.id,
            Source::Group(id, of) if id == open.id => {
                of == per
                    && open.lanes.or(lanes).is_none_or(|l| self.device.keeps(l, self.graph.ty(*v).dtype))
            }
            _ => true,
        };
        // Each contraction has a group of its own that goes on with it.
        let dot = |v: &Var| match self.source(*v) {
            Source::Dot(_) => open.dot.is_none_or(|dot| dot == *v),
            _ => true,
        };
        same && e.inputs.iter().all(|v| reads(v) && dot(v))
    }

    fn reduction(&mut self, i: usize, e: &Equation, lanes: Lanes, blocks: bool) {
        let Op::Reduce { axes, .. } = &e.op else { unreachable!("a device said it is a reduction") };
        let x = e.inputs[0];
        let shape = self.shape(x).clone();
        let trailing = axes.len();
        let leading = shape.len() - trailing;
        let last = axes.iter().enumerate().all(|(k, &axis)| axis == leading + k);
        let (rows, columns) =
            (shape[..leading].iter().product::<usize>(), shape[leading..].iter().product::<usize>());
        let blocks = blocks && leading == 0 && columns > LONG;
        let long = columns <= LONG || columns <= LONGEST && rows >= 16 || blocks;
        let short = columns >= SHORT || rows <= 512;
        if trailing == 0
            || !last
            || rows * columns == 0
            || !long
            || !short
            || self.source(x) == Source::Number
        {
            return self.one(i, e, Source::There);
        }
        let fits = |open: &Open| {
            open.shape == shape
                && (open.trailing == 0 || open.trailing == trailing)
                && self.takes(open, e, Some(lanes), Per::Element)
        };
        let at = match self.source(x) {
            Source::Group(id, _) => self.place(id).filter(|&at| fits(&self.open[at])),
            _ => self.open.iter().position(fits),
        };
        self.join(i, e, at, Per::Row, Some(lanes), shape, trailing);
        if let Source::Group(id, _) = self.source(e.outputs[0])
            && blocks
            && let Some(at) = self.place(id)
        {
            self.open[at].blocks = true;
            self.sources[e.outputs[0].0 as usize] = Source::After(id);
        }
    }

    /// Puts an equation into the group at that place, or into a new one.
    #[allow(clippy::too_many_arguments)]
    fn join(
        &mut self,
        i: usize,
        e: &Equation,
        at: Option<usize>,
        per: Per,
        lanes: Option<Lanes>,
        shape: Shape,
        trailing: usize,
    ) {
        let id = at.map(|at| self.open[at].id);
        self.settle(&e.inputs, id);
        let (mut inputs, mut numbers) = self.added(e, id);
        let at = match id.and_then(|id| self.place(id)) {
            Some(at)
                if self.open[at].inputs.len() + inputs.len() <= INPUTS
                    && self.open[at].numbers.len() + numbers.len() <= NUMBERS
                    && self.open[at].equations.len() < EQUATIONS =>
            {
                at
            }
            full => {
                if let Some(full) = full {
                    self.close(full);
                    (inputs, numbers) = self.added(e, None);
                }
                // What is a row's value alone is an element of a domain of its own.
                let (per, shape) = match per {
                    Per::Row if trailing == 0 => (Per::Element, self.shape(e.outputs[0]).clone()),
                    _ => (per, shape),
                };
                if self.open.len() == OPEN {
                    self.close(0);
                }
                self.open.push(Open {
                    id: i,
                    shape,
                    trailing,
                    blocks: false,
                    lanes,
                    equations: vec![],
                    inputs: SmallVec::new(),
                    numbers: SmallVec::new(),
                    dot: None,
                });
                return self.put(i, e, self.open.len() - 1, per, lanes, trailing, (inputs, numbers));
            }
        };
        self.put(i, e, at, per, lanes, trailing, (inputs, numbers));
    }

    #[allow(clippy::too_many_arguments)]
    fn put(
        &mut self,
        i: usize,
        e: &Equation,
        at: usize,
        per: Per,
        lanes: Option<Lanes>,
        trailing: usize,
        (inputs, numbers): (SmallVec<[Var; 3]>, SmallVec<[Var; 3]>),
    ) {
        let dot = e.inputs.iter().rev().find(|v| matches!(self.source(**v), Source::Dot(_))).copied();
        let open = &mut self.open[at];
        open.inputs.extend(inputs);
        open.numbers.extend(numbers);
        open.equations.push((i, per));
        open.lanes = open.lanes.or(lanes);
        open.dot = open.dot.or(dot);
        open.trailing = open.trailing.max(trailing);
        self.sources[e.outputs[0].0 as usize] = Source::Group(open.id, per);
    }

    /// What a group would read besides, and which numbers.
    fn added(&self, e: &Equation, id: Option<usize>) -> (SmallVec<[Var; 3]>, SmallVec<[Var; 3]>) {
        let open = id.and_then(|id| self.place(id)).map(|at| &self.open[at]);
        let (mut inputs, mut numbers) = (SmallVec::<[Var; 3]>::new(), SmallVec::<[Var; 3]>::new());
        for &v in &e.inputs {
            match self.source(v) {
                Source::Number => {}
                Source::Group(of, _) if Some(of) == id => {}
                Source::View(j) if self.shape(self.graph.equations()[j].inputs[0]).elements() == 1 => {
                    if !open.is_some_and(|open| open.numbers.contains(&v)) && !numbers.contains(&v) {
                        numbers.push(v);
                    }
                }
                _ => {
                    if !open.is_some_and(|open| open.inputs.contains(&v)) && !inputs.contains(&v) {
                        inputs.push(v);
                    }
                }
            }
        }
        (inputs, numbers)
    }

    fn close(&mut self, at: usize) {
        let open = self.open.swap_remove(at);
        for &(i, _) in &open.equations {
            self.sources[self.graph.equations()[i].outputs[0].0 as usize] = Source::There;
        }
        let steps = kernels(self, &open);
        debug_assert!(steps.iter().all(|s| !matches!(s, Step::Kernel(k) if k.outputs.len() > OUTPUTS)));
        for step in steps {
            // A contraction runs where its kernel does.
            if let Step::Contract { dot, .. } = &step {
                let v = self.graph.equations()[*dot].outputs[0];
                if let Source::Dot(place) = self.source(v) {
                    self.steps[place] = None;
                }
            }
            self.steps.push(Some(step));
        }
    }
}

/// Whether a broadcast of rows' values gives each element of a row the value of the row.
fn repeats_rows(rows: &Shape, shape: &Shape, axes: &[usize], trailing: usize) -> bool {
    let leading = shape.len() - trailing;
    let mut found = vec![1; leading];
    for (&size, &axis) in rows.iter().zip(axes) {
        match axis < leading {
            true => found[axis] = size,
            false if size != 1 => return false,
            false => {}
        }
    }
    found == shape[..leading]
}
