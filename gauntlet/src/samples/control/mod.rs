//! Loops and branches, and what their samples are made of: graphs of functions, and operations that hold them.
//!
//! A sample is named `scan/rnn f64 ..`: the program's name is what the oracle finds its own program by, which knows
//! nothing of these graphs.

pub(super) mod cond;
pub(super) mod scan;
pub(super) mod while_loop;

use plywood_core::op::{Call, Cond, Policy, Rule, Scan, While};
use plywood_core::record::{argument, extract};
use plywood_core::{Array, Backend, DType, Graph, Number, Op, Shape, Tensor, TensorType, Trace, Value};
use std::sync::Arc;

/// A tensor in a function that is recorded.
pub(super) type S = Tensor<Trace>;

/// The graph of a function of tensors of these types.
pub(super) fn graph(types: &[TensorType], f: impl FnOnce(&[S]) -> Vec<S>) -> Arc<Graph> {
    let device = Trace::ENGINE.device(None);
    let x: Vec<Value> = types.iter().map(|ty| argument(Trace::ENGINE, ty.clone(), device)).collect();
    let y = f(&x.iter().cloned().map(S::of).collect::<Vec<_>>());
    let y: Vec<Value> = y.into_iter().map(S::into_value).collect();
    Arc::new(extract(&x, &y).0)
}

/// The types of arrays.
pub(super) fn types(x: &[Array]) -> Vec<TensorType> {
    x.iter().map(Array::ty).collect()
}

/// An operation on recorded tensors.
pub(super) fn apply(op: Op, x: &[S]) -> Vec<S> {
    let x = x.iter().map(|x| x.value().clone()).collect();
    Value::apply(&op, x).into_iter().map(S::of).collect()
}

/// The types of recorded tensors.
pub(super) fn types_of(x: &[S]) -> Vec<TensorType> {
    x.iter().map(|x| x.ty().clone()).collect()
}

/// One number everywhere, made from nothing.
pub(super) fn full(dtype: DType, shape: impl Into<Shape>, number: Number) -> S {
    S::of(Value::create(Trace::ENGINE, Op::Full { number, ty: TensorType::new(shape, dtype) }))
}

/// A scan over tensors of these types: constants, state, what is scanned.
pub(super) fn scan_op(
    parts: [&[TensorType]; 3],
    length: usize,
    reverse: bool,
    body: impl FnOnce(&[S]) -> Vec<S>,
) -> Op {
    let [constants, state, xs] = parts;
    let slices: Vec<TensorType> = xs.iter().map(|ty| ty.with_shape(ty.shape.without(&[0]))).collect();
    let body = graph(&[constants, state, &slices].concat(), body);
    Op::Scan(Arc::new(Scan { body, constants: constants.len(), carries: state.len(), length, reverse }))
}

/// A loop over tensors of these types: constants of the condition, of the body, state.
pub(super) fn while_op(
    parts: [&[TensorType]; 3],
    condition: impl FnOnce(&[S]) -> S,
    body: impl FnOnce(&[S]) -> Vec<S>,
) -> Op {
    let [of_condition, of_body, state] = parts;
    Op::While(Arc::new(While {
        condition: graph(&[of_condition, state].concat(), |x| vec![condition(x)]),
        body: graph(&[of_body, state].concat(), body),
        condition_constants: of_condition.len(),
        body_constants: of_body.len(),
    }))
}

/// A function of recorded tensors.
pub(super) type Branch<'a> = &'a dyn Fn(&[S]) -> Vec<S>;

/// A choice among functions of tensors of these types.
pub(super) fn cond_op(types: &[TensorType], branches: &[Branch<'_>]) -> Op {
    let branches = branches.iter().map(|f| graph(types, f)).collect();
    Op::Cond(Arc::new(Cond { branches, which: plywood_core::Varying::NOTHING }))
}

/// A function of tensors of these types as an operation that is differentiated as it is.
pub(super) fn call_op(types: &[TensorType], policy: Policy, f: impl FnOnce(&[S]) -> Vec<S>) -> Op {
    Op::Call(Arc::new(Call { graph: graph(types, f), rule: Rule::Through(policy) }))
}
