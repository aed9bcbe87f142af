//! A graph in two: what can be computed without the unknown inputs, and the rest.
//!
//! The graph is replayed on the layer itself, over a recording engine: known inputs are symbols there, and what the unknown
//! part lifts of the known one are the residuals. So operations inside that hold graphs are split by the same rules.

use super::{Part, Partial, known, unknown};
use crate::derive::{symbols, trace};
use plywood_core::record::{argument, extract};
use plywood_core::{Backend, Graph, Layer, Trace, Traced, Value, Values, Var};
use std::sync::Arc;

/// A graph in two parts.
pub(super) struct Split {
    /// From the known inputs to the known outputs, then the residuals.
    pub early: Graph,
    /// From the residuals, then the unknown inputs, to the unknown outputs.
    pub late: Graph,
    /// Which outputs are unknown.
    pub unknown: Vec<bool>,
}

impl Split {
    /// How many outputs are known.
    pub fn known_outputs(&self) -> usize {
        self.unknown.iter().filter(|u| !**u).count()
    }

    /// What the late part takes of the early one.
    pub fn residuals(&self) -> &[Var] {
        &self.early.outputs()[self.known_outputs()..]
    }
}

/// Splits a graph by its unknown inputs. Outputs marked in `late` are unknown, whatever they depend on.
pub(super) fn split(graph: &Graph, unknowns: &[bool], late: &[bool]) -> Arc<Split> {
    let flags = |flags: &[bool]| flags.iter().map(|&f| u8::from(f)).collect::<Vec<u8>>();
    graph.memo().get(&[flags(unknowns), flags(late)].concat(), || make(graph, unknowns, late))
}

fn make(graph: &Graph, unknowns: &[bool], late: &[bool]) -> Split {
    let on = <Partial<Trace> as Backend>::ENGINE;
    let recording = <Traced<Trace> as Backend>::ENGINE;
    let x = symbols(graph.input_types());
    let mut arguments = Vec::new();
    let inputs = x.iter().zip(unknowns).map(|(x, &is_unknown)| match is_unknown {
        false => known(on, x.clone()),
        true => {
            let symbol = argument(recording, x.ty().clone(), x.device());
            arguments.push(symbol.clone());
            unknown(on, symbol)
        }
    });
    let outputs = graph.replay(on, inputs.collect());
    let (mut early_outputs, mut late_outputs, mut is_unknown) = (Vec::new(), Vec::new(), Vec::new());
    for (y, &late) in outputs.iter().zip(late) {
        let late = match y.data::<Part>() {
            Part::Known(y) if late => Some(Traced::<Trace>::lift(y.clone())),
            Part::Unknown(y) => Some(y.clone()),
            Part::Known(y) => {
                early_outputs.push(y.clone());
                None
            }
        };
        is_unknown.push(late.is_some());
        late_outputs.extend(late);
    }
    drop(outputs);
    let (late, residuals) = extract(&arguments, &late_outputs);
    let known_x: Vec<Value> = x.iter().zip(unknowns).filter(|(_, u)| !**u).map(|(x, _)| x.clone()).collect();
    let known_outputs = early_outputs.len();
    let early = extract(&known_x, &[early_outputs, residuals.into_vec()].concat()).0;
    let (early, late) = without_repetition(early, late, known_outputs);
    Split { early, late, unknown: is_unknown }
}

/// The same parts, with each residual once.
fn without_repetition(early: Graph, late: Graph, known_outputs: usize) -> (Graph, Graph) {
    let (y, residuals) = early.outputs().split_at(known_outputs);
    let mut once: Vec<Var> = residuals.to_vec();
    once.sort_unstable();
    once.dedup();
    if once.len() == residuals.len() {
        return (early, late);
    }
    let x = symbols(once.iter().map(|&v| early.ty(v)));
    let unknown = symbols(late.input_types().skip(residuals.len()));
    let place = |v: &Var| x[once.binary_search(v).expect("it is one of them")].clone();
    let inputs: Values = residuals.iter().map(place).chain(unknown.iter().cloned()).collect();
    let outputs = late.replay(trace(), inputs);
    let late = extract(&[x, unknown].concat(), &outputs).0;
    (early.part(early.inputs(), &[y, &once].concat()), late)
}
