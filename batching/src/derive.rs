//! Batched graphs: a graph is replayed on this layer over a recording engine. What was derived stays with the graph it came
//! from.

use crate::engine::{Batched, same_for_all};
use crate::frame::{Frame, repeated};
use plywood_core::record::{argument, extract};
use plywood_core::{Backend, Engine, Graph, TensorType, Trace, Value};
use std::sync::Arc;

/// A graph for all lanes at once.
pub(crate) struct Derived {
    pub graph: Arc<Graph>,
    /// Which outputs have the lanes as their first axis; the others are the same for all.
    pub outputs: Vec<bool>,
}

/// For inputs of which those that are marked have the lanes as their first axis; outputs that are marked get it in any case.
pub(crate) fn graph(graph: &Graph, given: &[bool], forced: &[bool], frame: &Frame) -> Arc<Derived> {
    graph.memo().get(&key("graph", &[given, forced], &[], frame), || {
        let on = <Batched<Trace> as Backend>::ENGINE;
        let frame = Frame::new(frame.size(), frame.name().cloned());
        let symbols = symbols(graph.input_types().zip(given).map(|(ty, &given)| in_lanes(ty, given, &frame)));
        let inputs =
            symbols.iter().zip(graph.input_types()).zip(given).map(|((x, ty), &given)| match given {
                true => frame.batched(on, ty.clone(), x.clone()),
                false => same_for_all(on, x.clone()),
            });
        let results = frame.scoped(on, || graph.replay(on, inputs.collect()));
        let mut outputs = Vec::new();
        let results: Vec<Value> = (results.into_iter().enumerate())
            .map(|(i, y)| {
                let forced = forced.get(i).is_some_and(|&f| f);
                let (y, batched) = frame.leave(y);
                outputs.push(batched || forced);
                if forced && !batched { repeated(y, frame.size()) } else { y }
            })
            .collect();
        let captured = graph.captured();
        let graph = extract(&symbols, &results).0.with_captured(captured);
        Derived { graph: Arc::new(graph), outputs }
    })
}

/// What tells derived things of one graph apart.
pub(crate) fn key(kind: &str, flags: &[&[bool]], ids: &[u64], frame: &Frame) -> Vec<u8> {
    let mut key: Vec<u8> = kind.bytes().collect();
    for flags in flags {
        key.push(b'/');
        key.extend(flags.iter().map(|&f| u8::from(f)));
    }
    ids.iter().for_each(|id| key.extend(id.to_le_bytes()));
    key.extend(frame.size().to_le_bytes());
    key.extend(frame.name().map_or(&b""[..], |name| name.as_bytes()));
    key
}

/// The type below of a lane's type.
pub(crate) fn in_lanes(ty: &TensorType, batched: bool, frame: &Frame) -> TensorType {
    if batched { ty.with_shape(ty.shape.insert(0, frame.size())) } else { ty.clone() }
}

pub(crate) fn trace() -> &'static dyn Engine {
    <Trace as Backend>::ENGINE
}

/// New symbols of some types.
pub(crate) fn symbols(types: impl IntoIterator<Item = TensorType>) -> Vec<Value> {
    types.into_iter().map(|ty| argument(trace(), ty, trace().device(None))).collect()
}
