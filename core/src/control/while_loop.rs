//! `while_loop`: as long as a condition holds; with a bound on the number of steps it has a reverse mode.

use super::{Site, all, check_state, engine_of, recorded, symbols};
use crate::backend::Step;
use crate::op::{self, Call, Policy, Rule};
use crate::record::{argument, capturing, extract};
use crate::tree::{leaves, rebuild};
use crate::{
    Backend, DType, Graph, Op, SelfTree, Tensor, TensorType, Trace, Traced, Value, Values, Varying, at,
};
use std::sync::Arc;

const SITE: Site = Site { name: "while_loop", made: None };

/// Repeats a body as long as a condition holds of the state: the last state.
///
/// The condition gives a bool scalar; the body takes the state and gives the next, of the same structure and types. There is
/// forward mode; reverse mode needs a bound: [`WhileLoop`].
///
/// ```
/// use plywood::prelude::*;
/// let x = while_loop(|x: &Tensor<_>| x.lt(100.0), |x: Tensor<_>| x * 2.0, Tensor::<Cpu>::scalar(3.0));
/// assert_eq!(x.item::<f64>(), 192.0);
/// ```
#[track_caller]
pub fn while_loop<B: Backend, C, Holds, F>(condition: Holds, body: F, init: C) -> C
where
    C: SelfTree<B>,
    Holds: Fn(&C::On<Traced<B>>) -> Tensor<Traced<B>>,
    F: Fn(C::On<Traced<B>>) -> C::On<Traced<B>>,
{
    WhileLoop::new().run(SITE, &condition, &body, init)
}

/// [`while_loop`] with options: `WhileLoop::new().max_steps(100).of(condition, body)(init)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct WhileLoop {
    max_steps: Option<usize>,
}

impl WhileLoop {
    /// Without a bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many steps, then it ends though the condition holds. Such a loop has a reverse mode: it consists of nested
    /// scans whose blocks are computed again in the backward pass, so that memory grows with the logarithm of the bound.
    pub fn max_steps(self, steps: usize) -> Self {
        WhileLoop { max_steps: Some(steps) }
    }

    /// The loop, a function of the first state.
    #[track_caller]
    pub fn of<B: Backend, C, Holds, F>(self, condition: Holds, body: F) -> impl Fn(C) -> C
    where
        C: SelfTree<B>,
        Holds: Fn(&C::On<Traced<B>>) -> Tensor<Traced<B>>,
        F: Fn(C::On<Traced<B>>) -> C::On<Traced<B>>,
    {
        let site = Site { made: Some(at::caller()), ..SITE };
        move |init| self.run(site, &condition, &body, init)
    }

    #[track_caller]
    fn run<B: Backend, C, Holds, F>(self, site: Site, condition: &Holds, body: &F, init: C) -> C
    where
        C: SelfTree<B>,
        Holds: Fn(&C::On<Traced<B>>) -> Tensor<Traced<B>>,
        F: Fn(C::On<Traced<B>>) -> C::On<Traced<B>>,
    {
        let (init, state, condition, arguments, next) = {
            let state = all(&init);
            let (mut init, mut state, mut over) = (init, state, Varying::NOTHING);
            loop {
                let mut arguments = Vec::new();
                let symbols =
                    |arguments: &mut Vec<Value>| symbols::<B, C>(init.clone(), arguments, |x| x.ty().clone());
                let of_condition = symbols(&mut arguments);
                let holds = capturing(&over, || condition(&of_condition));
                let bool_scalar = TensorType::scalar(DType::Bool);
                let ty = holds.ty().clone();
                if ty.with_varying(Varying::NOTHING) != bool_scalar {
                    site.panic(format!("the condition gives {ty}, not {bool_scalar}"))
                }
                let condition = recorded(&arguments, &[holds.into_value()]);
                let mut arguments = Vec::new();
                let of_body = symbols(&mut arguments);
                let next = capturing(&over, || body(of_body));
                // On many devices a state that varies after a step does so from the start, and all of it, and what is captured,
                // where the number of steps varies.
                let after: Vec<Varying> =
                    leaves(&next).iter().map(|x| x.ty().varying.union(&ty.varying)).collect();
                let mut pairs = state.iter().zip(&after);
                let all = pairs.all(|(x, after)| after.beyond(&x.ty().varying).is_empty());
                if state.len() != after.len() || (all && ty.varying.beyond(&over).is_empty()) {
                    break (init, state, condition, arguments, next);
                }
                over = ty.varying;
                state = state.into_iter().zip(&after).map(|(x, after)| x.vary_to(after)).collect();
                init = rebuild::<B, B, _>(&init, state.iter().cloned());
            }
        };
        check_state::<B, Traced<B>, C, C::On<Traced<B>>>(site, &init, &next);
        let body = recorded(&arguments, &leaves(&next));
        let engine = engine_of::<B>(&state);
        let captured: Values = condition.captured.iter().chain(&body.captured).cloned().collect();
        let op = match self.max_steps {
            None => Op::While(Arc::new(op::While {
                condition_constants: condition.captured.len(),
                body_constants: body.captured.len(),
                condition: Arc::new(condition.graph),
                body: Arc::new(body.graph),
            })),
            Some(steps) => {
                let constants = (condition.captured.len(), body.captured.len());
                Op::Call(Arc::new(Call {
                    graph: Arc::new(bounded(&condition.graph, &body.graph, constants, steps)),
                    rule: Rule::Through(Policy::Everything),
                }))
            }
        };
        let inputs: Values = captured.into_iter().chain(state).collect();
        let outputs = op.infer(&inputs.iter().map(Value::ty).collect::<Vec<_>>());
        let results = engine.execute(Step { op: &op, outputs: &outputs, at: site.at() }, inputs);
        rebuild::<B, B, _>(&init, results)
    }
}

/// Steps of one block, blocks of one block of blocks, and so on.
const BLOCK: usize = 16;

/// A loop of at most so many steps, of operations that have all derivatives.
///
/// A step is taken where the condition holds. Sixteen of them are a block, sixteen blocks a larger one; each is a scan in a
/// call that keeps nothing of its inside, and is entered only where the condition still holds. So a backward pass holds
/// sixteen states of each level at a time, whatever the number of steps. The bound, in base sixteen, says how many blocks of
/// each level there are.
fn bounded(condition: &Graph, body: &Graph, (c, b): (usize, usize), steps: usize) -> Graph {
    let constants = c + b;
    let types: Vec<TensorType> = condition.input_types().take(c).chain(body.input_types()).cloned().collect();
    let mut level =
        when(condition, &mut |x| body.replay(engine(), x[c..].iter().cloned().collect()), c, b, &types);
    let (mut levels, mut left) = (Vec::new(), steps);
    while left > 0 {
        levels.push((left % BLOCK, level.clone()));
        left /= BLOCK;
        let block = repeated(&level, constants, BLOCK);
        let call = Call { graph: Arc::new(block), rule: Rule::Through(Policy::Nothing) };
        let op = Op::Call(Arc::new(call));
        level = when(condition, &mut |x| Value::apply(&op, x.iter().cloned().collect()), c, b, &types);
    }
    // The large blocks first: the small ones, of which there are more, are for what is left.
    function(&types, |x| {
        let (fixed, state) = x.split_at(constants);
        let mut state: Vec<Value> = state.to_vec();
        for (times, level) in levels.iter().rev().filter(|(times, _)| *times > 0) {
            let block = repeated(level, constants, *times);
            state = block.replay(engine(), fixed.iter().cloned().chain(state).collect()).into_vec();
        }
        state
    })
}

fn engine() -> &'static dyn crate::Engine {
    <Trace as Backend>::ENGINE
}

/// The graph of a function of symbols of these types.
fn function(types: &[TensorType], f: impl FnOnce(&[Value]) -> Vec<Value>) -> Graph {
    let symbol = |ty: &TensorType| argument(engine(), ty.clone(), engine().device(None));
    let arguments: Vec<Value> = types.iter().map(symbol).collect();
    let outputs = f(&arguments);
    extract(&arguments, &outputs).0
}

/// From constants and state to what `step` makes of the state where the condition holds, else the state itself.
fn when(
    condition: &Graph,
    step: &mut dyn FnMut(&[Value]) -> Values,
    c: usize,
    b: usize,
    types: &[TensorType],
) -> Graph {
    let taken = Arc::new(function(types, |x| step(x).into_vec()));
    let which = condition.output_types().next().expect("it says whether it holds").varying.clone();
    let stay = Arc::new(function(types, |x| x[c + b..].to_vec()));
    let op = Op::Cond(Arc::new(op::Cond { branches: vec![stay, taken], which }));
    function(types, |x| {
        let looked_at = x[..c].iter().chain(&x[c + b..]).cloned().collect();
        let holds = condition.replay(engine(), looked_at).remove(0).cast(DType::I32);
        Value::apply(&op, std::iter::once(holds).chain(x.iter().cloned()).collect()).into_vec()
    })
}

/// A step repeated.
fn repeated(step: &Graph, constants: usize, times: usize) -> Graph {
    let scan = op::Scan {
        body: Arc::new(step.clone()),
        constants,
        carries: step.outputs().len(),
        length: times,
        reverse: false,
    };
    let types: Vec<TensorType> = step.input_types().cloned().collect();
    function(&types, |x| Value::apply(&Op::Scan(Arc::new(scan)), x.iter().cloned().collect()).into_vec())
}
