//! Operations that hold graphs, made of smaller programs; and collectives, where there are lanes.

use super::build::{Allowed, Builder, Digits, Entry};
use super::elementwise::un;
use super::precision::Precision;
use super::program::Instruction;
use plywood_core::op::{
    Call, Collective, CollectiveKind, Compare, Cond, Pmap, Policy, Reduction, Rule, Scan, Spec, Unary, While,
};
use plywood_core::shape::Axes;
use plywood_core::{DType, Graph, Op, Shape, TensorType};
use std::sync::Arc;

type Results = Option<Vec<Entry>>;

fn parts(x: &[Entry]) -> Vec<(TensorType, Precision)> {
    x.iter().map(|x| (x.ty().clone(), x.precision)).collect()
}

/// A body: the graph of a smaller program from arguments to its latest values, of which `outputs` makes what comes out.
fn body(
    allowed: Allowed,
    arguments: Vec<(TensorType, Precision)>,
    instructions: &[Instruction],
    outputs: impl FnOnce(&mut Builder) -> Results,
) -> Option<Arc<Graph>> {
    let count = arguments.len();
    let mut inner = Builder::new(arguments, allowed);
    inner.run(instructions);
    let results = outputs(&mut inner)?;
    Some(Arc::new(inner.graph(count, &results.iter().collect::<Vec<_>>())))
}

fn latest(inner: &Builder, back: usize) -> Entry {
    inner.values[inner.values.len().saturating_sub(1 + back)].clone()
}

/// One to three operands.
fn operands(b: &Builder, i: &Instruction, d: &mut Digits) -> Results {
    (0..1 + d.below(3)).map(|k| b.pick(i.operands[k], |_| true)).collect()
}

pub(super) fn call(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let rule = d.below(8);
    if rule >= 6 {
        return ruled(b, i, rule == 6);
    }
    let x = operands(b, i, d)?;
    let two = d.below(2) == 1;
    let graph = body(b.allowed, parts(&x), &i.body, |inner| {
        let mut results = vec![latest(inner, 0)];
        results.extend(two.then(|| latest(inner, 1)));
        Some(results)
    })?;
    let policy = match rule {
        0..3 => Policy::Everything,
        3 => Policy::Nothing,
        4 => Policy::Dots,
        _ => Policy::Names(vec!["kept".to_string()]),
    };
    b.op(Op::Call(Arc::new(Call { graph, rule: Rule::Through(policy) })), &x.iter().collect::<Vec<_>>())
}

/// A function of one operand with a derivative of its own: cos, whatever the function is.
fn ruled(b: &Builder, i: &Instruction, reverse: bool) -> Results {
    let x = b.float(i.operands[0])?;
    let argument = || parts(std::slice::from_ref(&x));
    let value = |inner: &mut Builder| inner.fit(&latest(inner, 0), x.ty());
    let graph = body(b.allowed, argument(), &i.body, |inner| Some(vec![value(inner)?]))?;
    let slope = |inner: &mut Builder| {
        let [x, along] = [inner.values[0].clone(), inner.values[1].clone()];
        inner.one(Op::Binary(plywood_core::op::Binary::Mul), &[&un(inner, Unary::Cos, &x)?, &along])
    };
    let twice = [argument(), argument()].concat();
    let rule = match reverse {
        true => Rule::Reverse {
            forward: body(b.allowed, argument(), &i.body, |inner| {
                Some(vec![value(inner)?, inner.values[0].clone()])
            })?,
            backward: body(b.allowed, twice, &[], |inner| Some(vec![slope(inner)?]))?,
        },
        // Of two arguments; the second is the tangent, which the function does not read.
        false => Rule::Forward {
            rule: body(b.allowed, twice, &[], |inner| {
                let slope = slope(inner)?;
                let call = Call { graph: graph.clone(), rule: Rule::Through(Policy::Everything) };
                let value = inner.one(Op::Call(Arc::new(call)), &[&inner.values[0].clone()])?;
                Some(vec![value, slope])
            })?,
        },
    };
    b.op(Op::Call(Arc::new(Call { graph, rule })), &[&x])
}

/// What a loop's floats may become.
fn may_be_close(x: &Entry) -> (TensorType, Precision) {
    let precision = if x.dtype().is_float() { Precision::Close } else { Precision::Exact };
    (x.ty().clone(), precision)
}

/// A constant, a state or two, and what is scanned.
pub(super) fn scan(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let length = |ty: &TensorType| ty.rank() >= 1 && ty.shape[0] <= 5;
    let xs = b.pick(i.operands[0], length)?;
    let steps = xs.shape()[0];
    let state = b.pick(i.operands[1], |ty| ty.elements() <= 600)?;
    let constant = b.pick(i.operands[2], |_| true)?;
    let (constants, reverse) = (d.below(2), d.below(2) == 1);
    let close = d.below(2) == 1;
    let of = |x: &Entry| if close { may_be_close(x) } else { (x.ty().clone(), x.precision) };
    let slice = (xs.ty().with_shape(xs.shape().without(&[0])), xs.precision);
    let mut arguments = vec![of(&state), slice];
    let mut inputs = vec![&state, &xs];
    if constants == 1 {
        arguments.insert(0, (constant.ty().clone(), constant.precision));
        inputs.insert(0, &constant);
    }
    let stacked = d.below(3);
    let body = body(b.allowed, arguments, &i.body, |inner| {
        let mut results = vec![inner.fit(&latest(inner, 0), state.ty())?];
        results.extend((0..stacked).map(|back| latest(inner, back)));
        Some(results)
    })?;
    b.op(Op::Scan(Arc::new(Scan { body, constants, carries: 1, length: steps, reverse })), &inputs)
}

/// Lanes that go different ways do nothing together.
fn lanes_apart(b: &Builder) -> Allowed {
    Allowed { lanes: None, ..b.allowed }
}

/// So many steps, by a counter.
pub(super) fn while_loop(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    if !b.allowed.irreversible {
        return None;
    }
    let scalar = TensorType::new(Shape::scalar(), DType::I32);
    let state = b.pick(i.operands[0], |ty| ty.elements() <= 600)?;
    let constant = b.pick(i.operands[1], |_| true)?;
    let bound = b.full(d.of(&[2.0, 1.0, 0.0, 4.0]), &scalar)?;
    let zero = b.full(0.0, &scalar)?;
    let close = d.below(2) == 1;
    let state_part = if close { may_be_close(&state) } else { (state.ty().clone(), state.precision) };
    let counter = (scalar.clone(), Precision::Exact);
    let condition =
        body(lanes_apart(b), vec![counter.clone(), counter.clone(), state_part.clone()], &[], |inner| {
            let [bound, counter] = [inner.values[0].clone(), inner.values[1].clone()];
            inner.op(Op::Compare(Compare::Lt), &[&counter, &bound])
        })?;
    let arguments = vec![(constant.ty().clone(), constant.precision), counter, state_part];
    let body = body(lanes_apart(b), arguments, &i.body, |inner| {
        let counter = inner.values[1].clone();
        let next = super::elementwise::with(inner, plywood_core::op::Binary::Add, &counter, 1.0)?;
        Some(vec![next, inner.fit(&latest(inner, 0), state.ty())?])
    })?;
    let op = While { condition, body, condition_constants: 1, body_constants: 1 };
    b.op(Op::While(Arc::new(op)), &[&bound, &constant, &zero, &state])
}

/// Two or three branches, each with its part of the instructions.
pub(super) fn cond(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let scalar = TensorType::new(Shape::scalar(), DType::I32);
    let which = match d.below(2) {
        0 => b.full(d.of(&[0.0, 1.0, 2.0, -1.0]), &scalar)?,
        _ => b.partner(i.operands[2], &scalar)?,
    };
    let x = [b.pick(i.operands[0], |_| true)?, b.pick(i.operands[1], |_| true)?];
    let count = 2 + d.below(2);
    let each = i.body.len().div_ceil(count).max(1);
    let mut branches: Vec<Arc<Graph>> = Vec::new();
    let mut result: Option<TensorType> = None;
    for k in 0..count {
        let part = i.body.chunks(each).nth(k).unwrap_or(&[]);
        let branch = body(lanes_apart(b), parts(&x), part, |inner| {
            let y = latest(inner, 0);
            let ty = result.clone().unwrap_or_else(|| y.ty().clone());
            Some(vec![inner.fit(&y, &ty)?])
        })?;
        result = branch.output_types().next().cloned();
        branches.push(branch);
    }
    b.op(
        Op::Cond(Arc::new(Cond { branches, which: plywood_core::Varying::NOTHING })),
        &[&which, &x[0], &x[1]],
    )
}

/// On as many devices as an axis of an operand can be cut for, with another operand that all get.
pub(super) fn pmap(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    if !b.allowed.devices {
        return None;
    }
    let x = b.pick(i.operands[0], |ty| ty.rank() >= 1)?;
    let shared = b.pick(i.operands[1], |_| true)?;
    let axis = d.below(x.rank());
    let n = [2usize, 3, 5].into_iter().find(|n| x.shape()[axis].is_multiple_of(*n)).unwrap_or(1);
    let mut shape: Vec<usize> = x.shape().to_vec();
    shape[axis] /= n;
    let block = (x.ty().with_shape(Shape::from(&shape[..])), x.precision);
    let arguments = vec![block, (shared.ty().clone(), shared.precision)];
    let allowed = Allowed { devices: false, ..lanes_apart(b) };
    let graph = body(allowed, arguments, &i.body, |inner| {
        let y = latest(inner, 0);
        // A scalar is an element of a row.
        let shape = if y.rank() == 0 { Shape::from([1]) } else { y.shape().clone() };
        Some(vec![inner.reshape(&y, shape)?])
    })?;
    let cut = |axis: usize| {
        let mut spec = Spec(smallvec::smallvec![smallvec::SmallVec::new(); axis]);
        spec.0.push([0].into_iter().collect());
        spec
    };
    let (inputs, outputs) = (vec![cut(axis), Spec::default()], vec![cut(0)]);
    let mesh = [("d".into(), n)].into();
    let op = Pmap { graph, mesh, devices: None, inputs, outputs, tracked: false };
    b.op(Op::Pmap(Arc::new(op)), &[&x, &shared])
}

/// Along the axis of the lanes, whose name is `i`.
pub(super) fn collective(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let size = b.allowed.lanes?;
    let x = b.pick(i.operands[0], |_| true)?;
    let kind = match d.below(6) {
        0 if x.dtype() != DType::Bool => CollectiveKind::Sum,
        0 | 1 => CollectiveKind::Max,
        2 => CollectiveKind::Min,
        3 => CollectiveKind::AllGather { axis: d.below(x.rank() + 1) },
        4 => CollectiveKind::Permute { pairs: (1..size).map(|lane| (lane - 1, lane)).collect() },
        _ => CollectiveKind::Index,
    };
    let inputs = [&x];
    let inputs = &inputs[..usize::from(kind != CollectiveKind::Index)];
    let op = Op::Collective(Arc::new(Collective { axis: "i".into(), size, kind, tracked: false }));
    let gathers = b.op(op, inputs)?;
    // One sum over the lanes' axis keeps sizes from growing.
    match gathers[0].ty().elements() > 2000 && gathers[0].dtype() != DType::Bool {
        true => b.op(Op::Reduce { kind: Reduction::Max, axes: Axes::from_slice(&[0]) }, &[&gathers[0]]),
        false => Some(gathers),
    }
}
