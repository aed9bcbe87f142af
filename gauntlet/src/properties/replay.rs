//! A recorded graph, replayed or executed as one call, gives what eager execution gives, to the bit: of the operation, and of its
//! pullback (of its tangents, where it has no reverse mode).

use super::jvp::pushed;
use super::pullback::{data, directions, pullback, tensors};
use crate::tolerance::{Class, compare};
use crate::{Layout, Sample};
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::{
    Array, Backend, Device, Engine, Graph, Op, OpKind, Step, Tensor, TensorType, Trace, Value, Values, at,
};
use std::sync::Arc;

/// Records the operation, and for smooth samples its derivative; replays both.
pub fn replay(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let types = sample.types();
    let arguments = recorded(&types);
    let outputs = sample.apply(Trace::ENGINE, arguments.iter().cloned().collect());
    let (graph, captured) = extract(&arguments, &outputs);
    // (What a collective does among lanes may be several operations.)
    let one = graph.equations().len() == 1 || sample.op.kind() == OpKind::Collective;
    if !captured.is_empty() || !one {
        return Err(format!("one operation was recorded as {graph}"));
    }
    let mut plain = sample.clone();
    plain.inputs.iter_mut().for_each(|i| i.layout = Layout::Plain);
    let got = read(&graph.replay(engine, plain.values(engine)));
    let eager = plain.run(engine);
    same(&got, &eager)?;
    same(&called(engine, graph, plain.values(engine)), &eager).map_err(|e| format!("as one call: {e}"))?;

    if !sample.smooth {
        return Ok(());
    }
    let cotangents = match sample.has_reverse_mode() {
        true => directions(&sample.name, &sample.outputs()),
        false => directions(&sample.name, &types),
    };
    let cotangent_types: Vec<TensorType> = cotangents.iter().map(Array::ty).collect();
    let (x, ct) = (recorded(&types), recorded(&cotangent_types));
    let branded = |values: &[Value]| values.iter().cloned().map(Tensor::<Trace>::of).collect::<Vec<_>>();
    let gradients = derivative::<Trace>(sample, branded(&x), branded(&ct));
    let gradients: Vec<Value> = gradients.into_iter().map(Tensor::into_value).collect();
    let arguments: Vec<Value> = x.into_iter().chain(ct).collect();
    let (graph, _) = extract(&arguments, &gradients);
    let inputs = tensors(engine, &[data(sample), cotangents.clone()].concat());
    let inputs: Values = inputs.into_iter().map(Tensor::into_value).collect();
    let got = read(&graph.replay(engine, inputs.clone()));
    let eager = derivative(sample, tensors(engine, &data(sample)), tensors(engine, &cotangents));
    let eager: Values = eager.into_iter().map(Tensor::into_value).collect();
    let eager = read(&eager);
    same(&got, &eager).map_err(|e| format!("the derivative: {e}"))?;
    same(&called(engine, graph, inputs), &eager).map_err(|e| format!("the derivative as one call: {e}"))
}

/// Arguments of a function that is recorded.
pub(super) fn recorded(types: &[TensorType]) -> Vec<Value> {
    let device = Device { kind: "trace", index: 0 };
    types.iter().map(|ty| argument(Trace::ENGINE, ty.clone(), device)).collect()
}

/// The graph as one operation, which a device may execute otherwise than equation by equation.
pub(super) fn called(engine: &'static dyn Engine, graph: Graph, inputs: Values) -> Vec<Array> {
    let outputs: Vec<TensorType> = graph.output_types().cloned().collect();
    let call = Call { graph: Arc::new(graph), rule: Rule::Through(Policy::Everything) };
    read(&engine.execute(Step { op: &Op::Call(Arc::new(call)), outputs: &outputs, at: at::caller() }, inputs))
}

/// The pullback at some cotangents; without one, the tangents along a direction.
fn derivative<B: Backend>(sample: &Sample, x: Vec<Tensor<B>>, along: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    match sample.has_reverse_mode() {
        true => pullback(sample.op.clone(), x, along),
        false => pushed(sample.op.clone(), x, along),
    }
}

fn read(values: &[Value]) -> Vec<Array> {
    values.iter().map(|v| v.array("replay")).collect()
}

fn same(got: &[Array], expected: &[Array]) -> Result<(), String> {
    let pairs = got.iter().zip(expected);
    pairs.map(|(g, e)| compare(Class::Exact, g, e, None)).collect::<Result<Vec<()>, _>>().map(|_| ())
}
