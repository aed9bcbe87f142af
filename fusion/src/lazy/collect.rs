//! What a run consists of: the operations that some values wait for, as a graph; what goes in, and what must come out.
//!
//! **Who may ask for an output** is decided by counts. An operation that is collected is taken out of its node, so that its
//! inputs belong to this run, and nobody else can clone them. The holders of an output's value are then some of these inputs, and
//! others:
//! - Where there are no others, there will be none: nobody has anything to clone. Such an output is not kept; such an input is
//!   given up to the run.
//! - Where there are others, the output is kept. They may let go meanwhile, and it was kept in vain.
//! - An output whose value is not among the inputs, and that is not gone, is held by others.
//!
//! **Threads** meet in two places. One collects at a time ([`PLANNING`]), and nodes change between pending, in flight and done
//! under that lock only; so a walk sees each operation pending, done, or in another run's flight, and in that case waits for its end
//! and walks again, never looking behind it. Others may meanwhile clone, drop and use values, which changes counts only in the ways
//! above: whoever uses a value holds it.

use super::flush::Flight;
use super::node::{Extent, Lazy, Node, Output, Work};
use crate::structure::ByAddress;
use plywood_core::{Equation, Graph, TensorType, Value, Values, Var};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

static PLANNING: Mutex<()> = Mutex::new(());

/// The right to collect, and to say that nodes are done.
pub(super) fn planning() -> MutexGuard<'static, ()> {
    PLANNING.lock().unwrap_or_else(|e| e.into_inner())
}

/// What is found from some values.
pub(super) enum Found {
    /// Nothing is to be done.
    Nothing,
    /// Another thread runs some of it.
    Busy(Arc<Flight>),
    /// A value that it needs is gone: the run that had it panicked.
    Lost,
    /// This is to be done.
    Run(Box<Run>),
}

/// A run: its operations are out of their nodes, and go back where the run is dropped before it ends.
pub(super) struct Run {
    pub flight: Arc<Flight>,
    pub graph: Graph,
    /// Values of the engine below.
    pub inputs: Values,
    /// For each output of the graph, whose it is: a place in `nodes`, and which output.
    outputs: Vec<(usize, usize)>,
    /// In the order of the program.
    nodes: Vec<Arc<Node>>,
    works: Vec<Work>,
}

/// What `roots` wait for.
pub(super) fn collect(roots: &[Value]) -> Found {
    let _planning = planning();
    let nodes = match walk(roots) {
        Ok(nodes) if nodes.is_empty() => return Found::Nothing,
        Ok(mut nodes) => {
            nodes.sort_unstable_by_key(|node| node.sequence);
            nodes
        }
        Err(found) => return found,
    };
    let flight = Arc::new(Flight::default());
    let take = |node: &Arc<Node>| {
        let mut state = node.lock();
        state.flight = Some(flight.clone());
        state.work.take().expect("the walk found it pending")
    };
    let works: Vec<Work> = nodes.iter().map(take).collect();
    let (graph, inputs, outputs) = wire(&nodes, &works);
    Found::Run(Box::new(Run { flight, graph, inputs, outputs, nodes, works }))
}

/// The pending nodes that the roots reach.
fn walk(roots: &[Value]) -> Result<Vec<Arc<Node>>, Found> {
    let mut found: HashSet<*const Node, ByAddress> = HashSet::default();
    let mut nodes = Vec::new();
    let mut next: Vec<(Arc<Node>, usize)> = Vec::new();
    let step = |x: &Value| {
        let lazy = Lazy::of(x);
        (lazy.node.clone(), lazy.output)
    };
    next.extend(roots.iter().map(step));
    while let Some((node, output)) = next.pop() {
        if found.contains(&Arc::as_ptr(&node)) {
            continue;
        }
        let state = node.lock();
        if let Some(flight) = &state.flight {
            return Err(Found::Busy(flight.clone()));
        }
        let Some(work) = &state.work else {
            match state.outputs[output] {
                Output::Done(_) => continue,
                Output::Pending | Output::Gone => return Err(Found::Lost),
            }
        };
        next.extend(work.inputs.iter().map(step));
        drop(state);
        found.insert(Arc::as_ptr(&node));
        nodes.push(node);
    }
    Ok(nodes)
}

/// Whether a value waits for more than so many operations. If not, its node knows from now on how many they are.
pub(super) fn exceeds(value: &Value, most: u64) -> bool {
    let root = &Lazy::of(value).node;
    let mut found: HashSet<*const Node, ByAddress> = HashSet::default();
    // Held, so that an address stands for one node.
    let mut nodes = vec![root.clone()];
    let mut all = Extent { operations: 0, oldest: root.sequence };
    found.insert(Arc::as_ptr(root));
    let mut at = 0;
    while at < nodes.len() {
        let node = nodes[at].clone();
        at += 1;
        let state = node.lock();
        let Some(work) = &state.work else { continue };
        all.operations += work.operations();
        all.oldest = all.oldest.min(node.sequence);
        if all.operations > most {
            return true;
        }
        let new = |x: &&Value| found.insert(Arc::as_ptr(&Lazy::of(x).node));
        nodes.extend(work.inputs.iter().filter(new).map(|x| Lazy::of(x).node.clone()));
    }
    root.lock().extent = all;
    false
}

/// A variable while the graph is made: how many of the operations' inputs are its value, and one of them.
struct Slot<'a> {
    ty: &'a TensorType,
    inside: usize,
    value: Option<&'a Value>,
}

/// The graph of these operations, in order; the values that go in, and whose values come out.
fn wire(nodes: &[Arc<Node>], works: &[Work]) -> (Graph, Values, Vec<(usize, usize)>) {
    let mut slots: Vec<Slot<'_>> = Vec::with_capacity(2 * works.len());
    // The variable of a node's first output; of a value that is done, by its node and output.
    let mut made: HashMap<*const Node, u32, ByAddress> = HashMap::default();
    let mut given: HashMap<*const Lazy, u32, ByAddress> = HashMap::default();
    let mut equations = Vec::with_capacity(works.len());
    let mut inputs = Vec::new();
    for (node, work) in nodes.iter().zip(works) {
        let mut read = |x| {
            let lazy = Lazy::of(x);
            let var = match made.get(&Arc::as_ptr(&lazy.node)) {
                Some(first) => first + lazy.output as u32,
                None => *given.entry(std::ptr::from_ref(lazy)).or_insert_with(|| {
                    inputs.push(Var(slots.len() as u32));
                    slots.push(Slot { ty: x.ty(), inside: 0, value: None });
                    slots.len() as u32 - 1
                }),
            };
            let slot = &mut slots[var as usize];
            slot.inside += 1;
            slot.value = Some(x);
            Var(var)
        };
        let of = work.inputs.iter().map(&mut read).collect();
        let first = slots.len() as u32;
        made.insert(Arc::as_ptr(node), first);
        slots.extend(work.types.iter().map(|ty| Slot { ty, inside: 0, value: None }));
        equations.push(Equation {
            op: work.op.clone(),
            inputs: of,
            outputs: (first..slots.len() as u32).map(Var).collect(),
            at: work.at,
        });
    }
    let held = |slot: &Slot<'_>| slot.value.is_none_or(|x| x.holders() > slot.inside);
    let give = |v: &Var| {
        let slot = &slots[v.0 as usize];
        let lazy = Lazy::of(slot.value.expect("an operation reads it"));
        if held(slot) {
            return lazy.done().expect("the walk found it done");
        }
        match std::mem::replace(&mut lazy.node.lock().outputs[lazy.output], Output::Gone) {
            Output::Done(value) => value,
            Output::Pending | Output::Gone => unreachable!("the walk found it done"),
        }
    };
    let values = inputs.iter().map(give).collect();
    let (mut outputs, mut whose) = (Vec::new(), Vec::new());
    for (i, (node, e)) in nodes.iter().zip(&equations).enumerate() {
        let state = node.lock();
        for (j, v) in e.outputs.iter().enumerate() {
            let gone = matches!(state.outputs[j], Output::Gone);
            if !gone && held(&slots[v.0 as usize]) {
                outputs.push(*v);
                whose.push((i, j));
            }
        }
    }
    let types = slots.into_iter().map(|slot| slot.ty.clone()).collect();
    (Graph::new(inputs, 0, equations, outputs, types), values, whose)
}

impl Run {
    /// The line of its last operation.
    pub fn at(&self) -> plywood_core::at::At {
        self.works.last().expect("there is something to be done").at
    }

    /// Gives the nodes their values: the run has ended.
    pub fn finish(mut self, results: Values) {
        let mut vain = Values::new();
        {
            let _planning = planning();
            for (&(i, j), result) in self.outputs.iter().zip(results) {
                let output = &mut self.nodes[i].lock().outputs[j];
                match output {
                    Output::Pending => *output = Output::Done(result),
                    // Whoever held it has let go.
                    Output::Done(_) | Output::Gone => vain.push(result),
                }
            }
            self.nodes.iter().for_each(|node| node.lock().flight = None);
        }
        self.flight.end();
        // Outside of all locks: what operations held is let go.
        drop(vain);
        self.works.clear();
    }
}

impl Drop for Run {
    /// Of a run that panicked: others may try again, or learn what is lost.
    fn drop(&mut self) {
        if self.works.is_empty() {
            return;
        }
        {
            let _planning = planning();
            for (node, work) in self.nodes.iter().zip(self.works.drain(..)) {
                let mut state = node.lock();
                state.work = Some(work);
                state.flight = None;
            }
        }
        self.flight.end();
    }
}
