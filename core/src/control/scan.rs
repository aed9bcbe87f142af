//! `scan`: a loop with a state over the leading axis of tensors; `fori_loop`: over numbers.

use super::{Site, all, check_state, engine_of, recorded, symbols};
use crate::at::At;
use crate::backend::Step;
use crate::op::{self, Binary};
use crate::record::extract;
use crate::tree::{leaves, rebuild};
use crate::{
    Backend, DType, Graph, Number, Op, SelfTree, Tensor, TensorType, Term, Trace, Traced, Tree, Value,
    Values, at,
};
use std::sync::Arc;

const SITE: Site = Site { name: "scan", made: None };

/// Repeats a body over the leading axis of `xs`, carrying a state: `(last state, stacked results)`.
///
/// The body takes the state and a slice of each tensor of `xs`, and gives the next state, of the same structure and types,
/// and results, which are stacked along a new leading axis. Whatever is transformed, the loop stays one operation: its
/// derivative is a loop, and memory grows with the number of steps by what a step needs for its derivative.
///
/// Panics where the leading sizes of `xs` differ, or the body gives another type of state than it got.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([1.0, 2.0, 3.0]);
/// let (sum, sums) = scan(|sum: Tensor<_>, x: Tensor<_>| (&sum + &x, sum + x), Tensor::scalar(0.0), x);
/// assert_eq!(sum.item::<f64>(), 6.0);
/// assert_eq!(sums.to_vec::<f64>(), [1.0, 3.0, 6.0]);
/// ```
#[track_caller]
pub fn scan<B: Backend, C, X, Y, F>(body: F, init: C, xs: X) -> (C, Y::On<B>)
where
    C: SelfTree<B>,
    X: SelfTree<B>,
    Y: Tree<Traced<B>>,
    F: Fn(C::On<Traced<B>>, X::On<Traced<B>>) -> (C::On<Traced<B>>, Y),
{
    Scan::new().run(SITE, &body, init, xs)
}

/// [`scan`] with options: `Scan::new().reverse().unroll(4).of(body)(init, xs)`.
#[derive(Clone, Copy, Debug)]
pub struct Scan {
    reverse: bool,
    unroll: usize,
    length: Option<usize>,
}

impl Default for Scan {
    fn default() -> Self {
        Self::new()
    }
}

impl Scan {
    /// From the first slice to the last.
    pub fn new() -> Self {
        Scan { reverse: false, unroll: 1, length: None }
    }

    /// From the last slice to the first; results lie as their slices do.
    pub fn reverse(self) -> Self {
        Scan { reverse: true, ..self }
    }

    /// So many steps in one: for compilers, to which a longer body shows more.
    pub fn unroll(self, steps: usize) -> Self {
        Scan { unroll: steps.max(1), ..self }
    }

    /// How many steps; needed where `xs` has no tensors.
    pub fn length(self, steps: usize) -> Self {
        Scan { length: Some(steps), ..self }
    }

    /// The loop with this body, a function of the first state and of what is scanned.
    #[track_caller]
    pub fn of<B: Backend, C, X, Y, F>(self, body: F) -> impl Fn(C, X) -> (C, Y::On<B>)
    where
        C: SelfTree<B>,
        X: SelfTree<B>,
        Y: Tree<Traced<B>>,
        F: Fn(C::On<Traced<B>>, X::On<Traced<B>>) -> (C::On<Traced<B>>, Y),
    {
        let site = Site { made: Some(at::caller()), ..SITE };
        move |init, xs| self.run(site, &body, init, xs)
    }

    #[track_caller]
    fn run<B: Backend, C, X, Y, F>(self, site: Site, body: &F, init: C, xs: X) -> (C, Y::On<B>)
    where
        C: SelfTree<B>,
        X: SelfTree<B>,
        Y: Tree<Traced<B>>,
        F: Fn(C::On<Traced<B>>, X::On<Traced<B>>) -> (C::On<Traced<B>>, Y),
    {
        let (first, slices) = (all(&init), all(&xs));
        let length = self.steps(site, &slices);
        let (init, first, arguments, next, y) = {
            let (mut init, mut first) = (init, first);
            loop {
                let mut arguments = Vec::new();
                let state = symbols::<B, C>(init.clone(), &mut arguments, |x| x.ty().clone());
                let slice = symbols::<B, X>(xs.clone(), &mut arguments, |x| {
                    x.ty().with_shape(x.shape().without(&[0]))
                });
                let (next, y) = body(state, slice);
                // On many devices a state that varies after a step does so from the start.
                let more = |(x, next): (&Value, Value)| next.ty().varying.beyond(&x.ty().varying).is_empty();
                let after = leaves(&next);
                if first.len() != after.len() || first.iter().zip(after.iter().cloned()).all(more) {
                    break (init, first, arguments, next, y);
                }
                let varied = first.into_iter().zip(after);
                first = varied.map(|(x, next)| x.vary_to(&next.ty().varying)).collect();
                init = rebuild::<B, B, _>(&init, first.iter().cloned());
            }
        };
        // The loop's operation holds the slices alone, so that they may be overwritten.
        drop(xs);
        check_state::<B, Traced<B>, C, C::On<Traced<B>>>(site, &init, &next);
        let body = recorded(&arguments, &[leaves(&next), leaves(&y)].concat());
        let results = self.execute(
            engine_of::<B>(&[&first[..], &slices].concat()),
            site.at(),
            body,
            first,
            slices,
            length,
        );
        let (carry, ys) = results.split_at(leaves(&init).len());
        let carry = rebuild::<B, B, _>(&init, carry.iter().cloned());
        (carry, rebuild::<Traced<B>, B, _>(&y, ys.iter().cloned()))
    }

    /// The number of steps.
    #[track_caller]
    fn steps(self, site: Site, xs: &[Value]) -> usize {
        let mut length = self.length;
        for x in xs {
            let Some(&n) = x.shape().first() else {
                site.panic(format!("a scalar has no axis to scan over: {}", x.ty()))
            };
            let expected = *length.get_or_insert(n);
            if n != expected {
                site.panic(format!("{} has {n} slices, others {expected}", x.ty()))
            }
        }
        match length {
            Some(length) => length,
            None => site.panic("nothing says how many steps; Scan::new().length(n) does".to_string()),
        }
    }

    #[track_caller]
    fn execute(
        self,
        engine: &'static dyn crate::Engine,
        at: At,
        body: super::Recorded,
        init: Vec<Value>,
        xs: Vec<Value>,
        length: usize,
    ) -> Vec<Value> {
        let body = outside(engine, body);
        let (constants, carries) = (body.captured.len(), init.len());
        let graph = Arc::new(body.graph);
        let run = |graph: Arc<Graph>, init: Vec<Value>, xs: Vec<Value>, length: usize| -> Vec<Value> {
            let op = op::Scan { body: graph, constants, carries, length, reverse: self.reverse };
            let inputs: Values = body.captured.iter().cloned().chain(init).chain(xs).collect();
            let types: Vec<&TensorType> = inputs.iter().map(Value::ty).collect();
            let op = Op::Scan(Arc::new(op));
            let outputs = op.infer(&types);
            drop(types);
            engine.execute(Step { op: &op, outputs: &outputs, at }, inputs).into_vec()
        };
        let blocks = length / self.unroll;
        if self.unroll == 1 || blocks == 0 {
            return run(graph, init, xs, length);
        }
        // Whole blocks, and the steps that are left: at the end, or (backwards) at the front.
        let rest = length - blocks * self.unroll;
        let (from, to) = if self.reverse { (rest, length) } else { (0, blocks * self.unroll) };
        let part = |from: usize, to: usize| -> Vec<Value> {
            xs.iter().map(|x| x.clone().slice_axis(0, from, to)).collect()
        };
        let in_blocks = part(from, to)
            .into_iter()
            .map(|x| {
                let shape = [blocks, self.unroll].into_iter().chain(x.shape()[1..].iter().copied()).collect();
                x.reshape_to(shape)
            })
            .collect();
        let block = Arc::new(unrolled(&graph, constants, carries, self.unroll, self.reverse));
        let mut results = run(block, init, in_blocks, blocks);
        let ys: Vec<Value> = results
            .split_off(carries)
            .into_iter()
            .map(|y| {
                let shape =
                    std::iter::once(blocks * self.unroll).chain(y.shape()[2..].iter().copied()).collect();
                y.reshape_to(shape)
            })
            .collect();
        if rest == 0 {
            return results.into_iter().chain(ys).collect();
        }
        let (from, to) = if self.reverse { (0, rest) } else { (length - rest, length) };
        let mut results = run(graph, results, part(from, to), rest);
        let others = results.split_off(carries);
        let joined = ys.into_iter().zip(others).map(|(y, other)| {
            let pair = if self.reverse { [other, y] } else { [y, other] };
            Value::concatenate(pair.into_iter().collect(), 0)
        });
        results.into_iter().chain(joined).collect()
    }
}

/// The body without what is the same in every step: that is computed here, once.
fn outside(engine: &'static dyn crate::Engine, body: super::Recorded) -> super::Recorded {
    let Some((invariant, left, graph)) = body.graph.hoisted(body.captured.len()) else { return body };
    let values = invariant.replay(engine, body.captured.clone());
    let kept = body.captured.into_iter().zip(left).filter(|(_, left)| *left).map(|(x, _)| x);
    super::Recorded { captured: kept.chain(values).collect(), graph }
}

/// Several steps as one, over slices with a leading axis.
fn unrolled(step: &Graph, constants: usize, carries: usize, steps: usize, reverse: bool) -> Graph {
    let engine = <Trace as Backend>::ENGINE;
    let types = step.input_types().enumerate().map(|(i, ty)| match i < constants + carries {
        true => ty.clone(),
        false => ty.with_shape(ty.shape.insert(0, steps)),
    });
    let arguments: Vec<Value> =
        types.map(|ty| crate::record::argument(engine, ty, engine.device(None))).collect();
    let (fixed, xs) = arguments.split_at(constants + carries);
    let mut carry = fixed[constants..].to_vec();
    let mut ys: Vec<Vec<Value>> = (carries..step.outputs().len()).map(|_| Vec::new()).collect();
    for i in 0..steps {
        let i = if reverse { steps - 1 - i } else { i };
        let slices = xs.iter().map(|x| x.clone().slice_axis(0, i, i + 1).squeeze(&[0]));
        let inputs: Values = fixed[..constants].iter().cloned().chain(carry).chain(slices).collect();
        let mut results = step.replay(engine, inputs).into_vec();
        ys.iter_mut().zip(results.split_off(carries)).for_each(|(ys, y)| ys.push(y));
        carry = results;
    }
    let stacked = ys.into_iter().map(|mut ys| {
        if reverse {
            ys.reverse();
        }
        Value::stack(ys.into_iter().collect(), 0)
    });
    let outputs: Vec<Value> = carry.into_iter().chain(stacked).collect();
    extract(&arguments, &outputs).0
}

/// Repeats a body for the numbers from `low` to `high - 1`: the last state.
///
/// The body takes the number, an i32 scalar, and the state, and gives the next state. It is a [`scan`], and has its
/// derivatives.
///
/// ```
/// use plywood::prelude::*;
/// let y = fori_loop(0, 5, |i: Tensor<_>, x: Tensor<_>| x * (i + 1), Tensor::<Cpu>::scalar(1.0));
/// assert_eq!(y.item::<f64>(), 120.0);
/// ```
#[track_caller]
pub fn fori_loop<B: Backend, C, F>(low: i32, high: i32, body: F, init: C) -> C
where
    C: SelfTree<B>,
    F: Fn(Tensor<Traced<B>>, C::On<Traced<B>>) -> C::On<Traced<B>>,
{
    let n = high.saturating_sub(low).max(0) as usize;
    let ty = TensorType::new([n], DType::I32);
    let numbers = match leaves(&init).first() {
        Some(x) => x.iota(ty, 0),
        None => Value::create(B::ENGINE, Op::Iota { ty, axis: 0 }),
    };
    let numbers = numbers.binary(Binary::Add, Term::Number(Number::Int(low.into())));
    let site = Site { name: "fori_loop", ..SITE };
    let step = |state: C::On<Traced<B>>, i: Tensor<Traced<B>>| (body(i, state), ());
    Scan::new().run::<B, C, Tensor<B>, (), _>(site, &step, init, Tensor::of(numbers)).0
}
