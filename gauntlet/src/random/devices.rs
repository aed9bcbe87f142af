//! Random programs on many devices: what each device gives is what it gives where all of them go one operation at a time, side by
//! side, and meet in collectives that the lanes' layer executes.

use super::build::Allowed;
use super::compare::{Expected, same, strictness};
use super::precision::{Precision, of_graph};
use super::program::Program;
use super::properties::{ELEMENTS, backward, reversible, symbols, types};
use super::unfused::{Known, Noise, Run};
use crate::lanes;
use plywood_autodiff::Differentiate;
use plywood_core::op::{Collective, CollectiveKind, Pmap, Scan, Spec};
use plywood_core::record::extract;
use plywood_core::{Array, Engine, Equation, Graph, Number, Op, Step, TensorType, Trace, Value, Values};
use plywood_core::{Backend, at};
use std::sync::Arc;

/// On how many devices a program runs.
fn devices(program: &Program) -> usize {
    [2, 3, 4, 1, 2, 3, 8, 2][program.choice as usize % 8]
}

/// The outputs of a graph on each device, for the inputs of each.
fn side_by_side(run: Run<'_>, graph: &Graph, inputs: Vec<Vec<Known>>) -> Vec<Vec<Known>> {
    let count = graph.inputs().len() + graph.equations().iter().map(|e| e.outputs.len()).sum::<usize>();
    let mut env: Vec<Vec<Option<Known>>> = vec![vec![None; count]; inputs.len()];
    for (env, inputs) in env.iter_mut().zip(inputs) {
        graph.inputs().iter().zip(inputs).for_each(|(v, x)| env[v.0 as usize] = Some(x));
    }
    let of = |env: &[Option<Known>], vars: &[plywood_core::Var]| -> Vec<Known> {
        vars.iter().map(|v| env[v.0 as usize].clone().expect("it stands before")).collect()
    };
    for e in graph.equations() {
        let types: Vec<TensorType> = e.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
        let x: Vec<Vec<Known>> = env.iter().map(|env| of(env, &e.inputs)).collect();
        for (env, y) in env.iter_mut().zip(together(run, e, &types, x)) {
            e.outputs.iter().zip(y).for_each(|(v, y)| env[v.0 as usize] = Some(y));
        }
    }
    env.iter().map(|env| of(env, graph.outputs())).collect()
}

fn together(run: Run<'_>, e: &Equation, types: &[TensorType], x: Vec<Vec<Known>>) -> Vec<Vec<Known>> {
    match &e.op {
        Op::Collective(c) => spoken(run, e, c, types, x),
        Op::Call(call) => side_by_side(run, &call.graph, x),
        Op::Scan(scan) => scanned(run, scan, types, x),
        // What devices do apart.
        _ => x.into_iter().map(|x| run.equation(e, types, x)).collect(),
    }
}

/// By the lanes' layer, which has the devices as first axis.
fn spoken(
    run: Run<'_>,
    e: &Equation,
    c: &Collective,
    types: &[TensorType],
    x: Vec<Vec<Known>>,
) -> Vec<Vec<Known>> {
    let whole: Values = match c.kind {
        CollectiveKind::Index => Values::new(),
        _ => [Value::stack(x.iter().map(|x| x[0].0.clone()).collect(), 0)].into_iter().collect(),
    };
    let ty = types[0].with_shape(types[0].shape.insert(0, c.size));
    let precision = x.iter().flatten().map(|x| x.1).max().unwrap_or(Precision::Exact);
    let of_one: Vec<(&TensorType, Precision)> = x[0].iter().map(|x| (x.0.ty(), precision)).collect();
    let whole = whole.into_iter().map(|x| (x, precision)).collect();
    let execute = |x: Values| lanes::apply(run.engine, &e.op, x);
    let (y, precision) = run.by(&e.op, &of_one, std::slice::from_ref(&ty), whole, &execute).remove(0);
    (0..x.len()).map(|k| vec![(y.clone().slice_axis(0, k, k + 1).squeeze(&[0]), precision)]).collect()
}

fn scanned(run: Run<'_>, s: &Scan, types: &[TensorType], x: Vec<Vec<Known>>) -> Vec<Vec<Known>> {
    let n = s.constants + s.carries;
    let mut carries: Vec<Vec<Known>> = x.iter().map(|x| x[s.constants..n].to_vec()).collect();
    let mut stacks: Vec<Vec<Vec<Known>>> = vec![vec![Vec::new(); types.len() - s.carries]; x.len()];
    for i in 0..s.length {
        let i = if s.reverse { s.length - 1 - i } else { i };
        let slice = |(x, p): &Known| (x.clone().slice_axis(0, i, i + 1).squeeze(&[0]), *p);
        let inputs = x.iter().zip(&carries).map(|(x, carry)| {
            x[..s.constants].iter().chain(carry).cloned().chain(x[n..].iter().map(slice)).collect()
        });
        carries = side_by_side(run, &s.body, inputs.collect());
        for (carry, stacks) in carries.iter_mut().zip(&mut stacks) {
            stacks.iter_mut().zip(carry.drain(s.carries..)).for_each(|(stack, y)| stack.push(y));
        }
    }
    let finished = |(stack, ty): (Vec<Known>, &TensorType)| run.stacked(stack, s.reverse, ty);
    let one = |(carry, stacks): (Vec<Known>, Vec<Vec<Known>>)| {
        carry.into_iter().chain(stacks.into_iter().zip(&types[s.carries..]).map(finished)).collect()
    };
    carries.into_iter().zip(stacks).map(one).collect()
}

/// A program for many devices along one axis, on the whole of its inputs.
pub(super) fn program(run: Run<'_>, p: &Pmap, x: Vec<Known>) -> Vec<Known> {
    let cut = |spec: &Spec| spec.0.iter().position(|axes| !axes.is_empty());
    let of_device = |k: usize| -> Vec<Known> {
        let part = |((x, precision), spec): (&Known, &Spec)| match cut(spec) {
            Some(d) => {
                let n = x.shape()[d] / p.places();
                (x.clone().slice_axis(d, k * n, (k + 1) * n), *precision)
            }
            None => (x.clone(), *precision),
        };
        x.iter().zip(&p.inputs).map(part).collect()
    };
    let results = side_by_side(run, &p.graph, (0..p.places()).map(of_device).collect());
    let whole = |(j, spec): (usize, &Spec)| match cut(spec) {
        Some(d) => {
            let parts: Values = results.iter().map(|y| y[j].0.clone()).collect();
            let precision = results.iter().map(|y| y[j].1).max().unwrap_or(Precision::Exact);
            (Value::concatenate(parts, d as isize), precision)
        }
        None => results[0][j].clone(),
    };
    p.outputs.iter().enumerate().map(whole).collect()
}

/// A program of this graph for so many devices: what is batched is an element for each along a new axis in front, the rest all get;
/// results have that axis, or are the same for all.
fn on_devices(graph: &Graph, size: usize, cut: &[bool], results_cut: &[bool]) -> Op {
    let across = || Spec::default().behind([0]);
    let block = |ty: TensorType, cut: bool| if cut { ty.with_shape(ty.shape.insert(0, 1)) } else { ty };
    let blocks: Vec<TensorType> =
        types(graph).into_iter().zip(cut).map(|(ty, &cut)| block(ty, cut)).collect();
    let x = symbols(&blocks);
    let reshaped =
        |x: Value, cut: bool, shape: plywood_core::Shape| if cut { x.reshape_to(shape) } else { x };
    let inner = x.iter().zip(cut).map(|(x, &cut)| {
        let shape = if cut { x.shape().without(&[0]) } else { x.shape().clone() };
        reshaped(x.clone(), cut, shape)
    });
    let results = graph.replay(Trace::ENGINE, inner.collect());
    let results: Vec<Value> = results
        .into_iter()
        .zip(results_cut)
        .map(|(y, &cut)| {
            let shape = y.shape().insert(0, 1);
            reshaped(y, cut, shape)
        })
        .collect();
    let specs = |cut: &[bool]| cut.iter().map(|&cut| if cut { across() } else { Spec::default() }).collect();
    Op::Pmap(Arc::new(Pmap {
        graph: Arc::new(extract(&x, &results).0),
        mesh: [("i".into(), size)].into(),
        devices: None,
        inputs: specs(cut),
        outputs: specs(results_cut),
        tracked: false,
    }))
}

/// A graph of one operation.
fn alone(op: &Op, given: &[TensorType]) -> Graph {
    let x = symbols(given);
    let y = Value::apply(op, x.iter().cloned().collect());
    extract(&x, &y).0
}

/// A graph on devices, and what it must give there.
struct Case<'a> {
    program: &'a Program,
    /// What each device computes.
    graph: Graph,
    size: usize,
    cut: Vec<bool>,
    /// Which results differ between devices.
    results_cut: Vec<bool>,
}

impl Case<'_> {
    fn whole(&self) -> Vec<TensorType> {
        let one = |(ty, cut): (TensorType, &bool)| {
            if *cut { ty.with_shape(ty.shape.insert(0, self.size)) } else { ty }
        };
        types(&self.graph).into_iter().zip(&self.cut).map(one).collect()
    }

    fn inputs(&self) -> Vec<Array> {
        self.program.inputs.iter().zip(self.whole()).map(|(input, ty)| input.data(&ty)).collect()
    }

    fn expected(&self, engine: &'static dyn Engine) -> Expected<'_> {
        let inputs = values(engine, &self.inputs());
        let exact = vec![Precision::Exact; inputs.len()];
        let run = move |noise: Option<&Noise>| {
            let of_device = |k: usize| -> Vec<Known> {
                let part = |(x, &cut): (&Value, &bool)| match cut {
                    true => (x.clone().slice_axis(0, k, k + 1).squeeze(&[0]), Precision::Exact),
                    false => (x.clone(), Precision::Exact),
                };
                inputs.iter().zip(&self.cut).map(part).collect()
            };
            let inputs = (0..self.size).map(of_device).collect();
            let results = side_by_side(Run { engine, noise }, &self.graph, inputs);
            let whole = |j: usize| {
                let of_devices: Values = results.iter().map(|y| y[j].0.clone()).collect();
                let y = if self.results_cut[j] { Value::stack(of_devices, 0) } else { of_devices[0].clone() };
                y.array("side by side")
            };
            (0..self.results_cut.len()).map(whole).collect()
        };
        Expected::by(Box::new(run), of_graph(&self.graph, &exact), strictness(&self.graph))
    }

    fn check(&self, what: &str, engine: &'static dyn Engine, got: &[Value]) -> Result<(), String> {
        same(&self.expected(engine), got)
            .map_err(|e| format!("{what}, on {} devices: {e}\n{}", self.size, self.graph))
    }
}

fn values(engine: &'static dyn Engine, arrays: &[Array]) -> Values {
    arrays.iter().map(|x| Value::create(engine, Op::Constant(x.clone()))).collect()
}

fn executed(engine: &'static dyn Engine, op: &Op, x: Values) -> Values {
    let outputs = op.infer(&x.iter().map(Value::ty).collect::<Vec<_>>());
    engine.execute(Step { op, outputs: &outputs, at: at::caller() }, x)
}

fn cut(program: &Program) -> Vec<bool> {
    program.inputs.iter().map(|input| input.batched).collect()
}

/// The program on devices.
pub fn on_many(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let size = devices(program);
    let lanes = Some(size);
    let allowed = Allowed { irreversible: true, lanes, devices: false, elements: ELEMENTS / 4 };
    let graph = program.record(allowed);
    let results_cut = vec![true; graph.outputs().len()];
    let case = Case { program, graph, size, cut: cut(program), results_cut };
    let op = on_devices(&case.graph, size, &case.cut, &case.results_cut);
    case.check("value", engine, &executed(engine, &op, values(engine, &case.inputs())))
}

/// Its gradient: taken on each device, and taken of the whole.
pub fn gradient_on_many(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let size = devices(program);
    let graph = backward(program, Some(size), false);
    let results_cut = vec![true; graph.outputs().len()];
    let case = Case { program, graph, size, cut: cut(program), results_cut };
    let op = on_devices(&case.graph, size, &case.cut, &case.results_cut);
    case.check("gradient inside", engine, &executed(engine, &op, values(engine, &case.inputs())))?;

    // The cotangents that the program itself chooses, for every device the same.
    let forward = program.record(reversible(Some(size), false));
    let op = on_devices(&forward, size, &case.cut, &vec![true; forward.outputs().len()]);
    let whole = alone(&op, &case.whole());
    let joint = whole.vjp();
    let inputs = values(engine, &case.inputs());
    let floats: Vec<TensorType> = forward.output_types().filter(|ty| ty.dtype.is_float()).cloned().collect();
    let cotangents = floats.iter().map(|ty| {
        let ty = ty.with_shape(ty.shape.insert(0, size));
        match ty.rank() - 1 {
            axis if axis > 0 && !program.choice.is_multiple_of(2) => {
                Value::create(engine, Op::Iota { ty, axis })
            }
            _ => Value::create(engine, Op::Full { number: Number::Int(1), ty }),
        }
    });
    let got = joint.replay(engine, inputs.into_iter().chain(cotangents).collect());
    // What all devices got has the sum of what they contribute.
    let x = symbols(&types(&case.graph));
    let results = case.graph.replay(Trace::ENGINE, x.iter().cloned().collect());
    let differentiable: Vec<bool> = (types(&forward).iter().zip(&case.cut))
        .filter(|(ty, _)| ty.dtype.is_float())
        .map(|(_, &cut)| cut)
        .collect();
    let n = forward.outputs().len();
    let total = |x: Value| {
        let kind = CollectiveKind::Sum;
        Value::apply1(
            Op::Collective(Arc::new(Collective { axis: "i".into(), size, kind, tracked: false })),
            x,
        )
    };
    let results: Vec<Value> = (results.into_iter().enumerate())
        .map(|(j, y)| match j.checked_sub(n).map(|j| differentiable[j]) {
            Some(false) => total(y),
            Some(true) | None => y,
        })
        .collect();
    let graph = extract(&x, &results).0;
    let results_cut =
        (0..results.len()).map(|j| j.checked_sub(n).is_none_or(|j| differentiable[j])).collect();
    Case { graph, results_cut, ..case }.check("gradient outside", engine, &got)
}
