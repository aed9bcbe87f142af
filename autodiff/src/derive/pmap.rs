//! A program for many devices, derived: its derivative is a program for the same devices.
//!
//! What is kept of the inside stays on its device: it leaves with a new axis in front, an element for each device, and comes back
//! by it. Where types say over which axes a value varies, that is all. Where they do not, each device has its own copy of what
//! is the same for all: the cotangents of such an input are added up, and that of such an output goes to the device it was
//! taken from, the first.

use super::{Backward, Tangent, backward, symbols, tangent, trace};
use crate::vjp::T;
use plywood_core::op::{Call, Collective, CollectiveKind, Pmap, Policy, Rule, Spec};
use plywood_core::record::extract;
use plywood_core::{Graph, Op, Value, Values};
use std::sync::Arc;

/// How a value lies outside.
#[derive(Clone)]
pub(crate) enum Lies {
    /// Divided so.
    By(Spec),
    /// An element for each device, along a new axis in front.
    Inside,
}

/// A graph over blocks as a program of the same devices.
pub(crate) fn on_devices(p: &Pmap, graph: &Graph, inputs: &[Lies], outputs: &[Lies]) -> Pmap {
    let blocks = symbols(
        graph
            .input_types()
            .zip(inputs)
            .map(|(ty, lies)| match lies {
                Lies::By(_) => ty.clone(),
                Lies::Inside => ty.with_shape(ty.shape.insert(0, 1)),
            })
            .collect::<Vec<_>>()
            .iter(),
    );
    let inner = blocks.iter().zip(inputs).map(|(x, lies)| match lies {
        Lies::By(_) => x.clone(),
        Lies::Inside => x.clone().reshape_to(x.shape().without(&[0])),
    });
    let results = graph.replay(trace(), inner.collect());
    let spec = |(lies, ty): (&Lies, &plywood_core::TensorType)| match lies {
        Lies::By(spec) => spec.clone(),
        Lies::Inside => p.stacked(ty),
    };
    let results: Vec<Value> = (results.into_iter().zip(outputs))
        .map(|(y, lies)| match lies {
            Lies::By(spec) if p.tracked => y.vary_to(&spec.varying(&p.mesh)),
            Lies::By(_) => y,
            Lies::Inside => {
                let shape = y.shape().insert(0, 1);
                y.reshape_to(shape)
            }
        })
        .collect();
    let of_inputs = inputs.iter().zip(graph.input_types()).map(spec).collect();
    let of_outputs = outputs.iter().zip(graph.output_types()).map(spec).collect();
    p.with(Arc::new(extract(&blocks, &results).0), of_inputs, of_outputs)
}

fn by(specs: &[Spec]) -> Vec<Lies> {
    specs.iter().cloned().map(Lies::By).collect()
}

fn through(graph: &Arc<Graph>) -> Call {
    Call { graph: graph.clone(), rule: Rule::Through(Policy::Everything) }
}

fn graph_of(op: &Op) -> &Arc<Graph> {
    let Op::Call(call) = op else { unreachable!("a call's derivatives are calls") };
    &call.graph
}

fn key(kind: &str, flags: &[bool], p: &Pmap) -> Vec<u8> {
    let rest = format!("{kind} {:?} {:?} {:?} {:?} {}", p.mesh, p.devices, p.inputs, p.outputs, p.tracked);
    flags.iter().map(|&f| u8::from(f)).chain(rest.into_bytes()).collect()
}

/// For the inputs whose cotangents are wanted.
pub(super) fn pmap_backward(p: &Pmap, wanted: &[bool]) -> Arc<Backward> {
    p.graph.memo().get(&key("pmap", wanted, p), || {
        let derived = backward(&through(&p.graph), wanted);
        let (forward, backward) = (graph_of(&derived.forward), graph_of(&derived.backward));
        let saved = vec![Lies::Inside; forward.outputs().len() - p.outputs.len()];
        let leaving = [by(&p.outputs), saved.clone()].concat();
        let forward = on_devices(p, forward, &by(&p.inputs), &leaving);
        let kept = derived.inputs.iter().map(|&i| p.inputs[i].clone());
        let floats = p.graph.output_types().zip(&p.outputs).filter(|(ty, _)| ty.dtype.is_float());
        let of_cts: Vec<Spec> = floats.map(|(_, spec)| spec.clone()).collect();
        let of_dx: Vec<Spec> =
            p.inputs.iter().zip(wanted).filter(|(_, w)| **w).map(|(spec, _)| spec.clone()).collect();
        let arriving = [by(&kept.collect::<Vec<_>>()), saved, by(&of_cts)].concat();
        let backward = match p.tracked {
            true => on_devices(p, backward, &arriving, &by(&of_dx)),
            false => on_devices(p, &of_copies(p, backward, &of_cts, &of_dx), &arriving, &by(&of_dx)),
        };
        Backward {
            forward: Op::Pmap(Arc::new(forward)),
            inputs: derived.inputs.clone(),
            backward: Op::Pmap(Arc::new(backward)),
        }
    })
}

/// A backward graph, of which the last inputs are cotangents, for devices that each have their own copy of everything.
fn of_copies(p: &Pmap, backward: &Graph, of_cts: &[Spec], of_dx: &[Spec]) -> Graph {
    let x = symbols(backward.input_types());
    let first_ct = x.len() - of_cts.len();
    let inputs: Values = (x.iter().enumerate())
        .map(|(i, x)| match i.checked_sub(first_ct) {
            Some(ct) => p.unnamed(&of_cts[ct]).into_iter().fold(x.clone(), |x, axis| of_first(p, axis, x)),
            None => x.clone(),
        })
        .collect();
    let dx = backward.replay(trace(), inputs);
    let total = |x: Value, axis: usize| Value::apply1(collective(p, axis, CollectiveKind::Sum), x);
    let dx: Vec<Value> =
        dx.into_iter().zip(of_dx).map(|(dx, spec)| p.unnamed(spec).into_iter().fold(dx, total)).collect();
    extract(&x, &dx).0
}

fn collective(p: &Pmap, axis: usize, kind: CollectiveKind) -> Op {
    let (name, size) = p.mesh[axis].clone();
    Op::Collective(Arc::new(Collective { axis: name, size, kind, tracked: p.tracked }))
}

/// The value on the first device along an axis, zero on the others.
fn of_first(p: &Pmap, axis: usize, x: Value) -> Value {
    let index = T::of(Value::create(trace(), collective(p, axis, CollectiveKind::Index)));
    let x = T::of(x);
    index.eq(0).select(&x, x.zeros_like()).into_value()
}

/// For the inputs that have tangents.
pub(super) fn pmap_tangent(p: &Pmap, given: &[bool]) -> Arc<Tangent> {
    p.graph.memo().get(&key("pmap tangent", given, p), || {
        let derived = tangent(&through(&p.graph), given);
        let chosen = |specs: &[Spec], flags: &[bool]| -> Vec<Spec> {
            specs.iter().zip(flags).filter(|(_, f)| **f).map(|(spec, _)| spec.clone()).collect()
        };
        let inputs = [p.inputs.clone(), chosen(&p.inputs, given)].concat();
        let outputs = [p.outputs.clone(), chosen(&p.outputs, &derived.present)].concat();
        let pushed = on_devices(p, graph_of(&derived.call), &by(&inputs), &by(&outputs));
        Tangent { call: Op::Pmap(Arc::new(pushed)), present: derived.present.clone() }
    })
}
