//! A recorded graph, replayed, gives what eager execution gives, to the bit: of the operation, and of its
//! pullback (of its tangents, where it has no reverse mode).

use super::jvp::pushed;
use super::pullback::{data, directions, pullback, tensors};
use crate::tolerance::{Class, compare};
use crate::{Layout, Sample};
use plywood_core::record::{argument, extract};
use plywood_core::{Array, Backend, Device, Engine, OpKind, Tensor, TensorType, Trace, Value, Values};

/// Records the operation, and for smooth samples its derivative; replays both.
pub fn replay(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let recorded = |types: &[TensorType]| -> Vec<Value> {
        let device = Device { kind: "trace", index: 0 };
        types.iter().map(|ty| argument(Trace::ENGINE, ty.clone(), device)).collect()
    };
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
    same(&got, &plain.run(engine))?;

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
    let got = read(&graph.replay(engine, inputs.into_iter().map(Tensor::into_value).collect()));
    let eager = derivative(sample, tensors(engine, &data(sample)), tensors(engine, &cotangents));
    let eager: Values = eager.into_iter().map(Tensor::into_value).collect();
    same(&got, &read(&eager)).map_err(|e| format!("the derivative: {e}"))
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
