//! `linearize`: a function on dual numbers over partial evaluation, with tangents unknown.

use super::{Part, Partial, inner, known, unknown};
use crate::forward::{self, Call, Forward};
use plywood_core::at::{self, At};
use plywood_core::record::{argument, extract};
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, Dyn, Engine, Function, Graph, Layer, Number, SelfTree, Tensor, TensorType, Traced, Tree, Value,
    Values,
};
use std::panic::Location;

/// A linear function from tangents of the arguments to tangents of the result.
pub type Linear<Args, Out> = Box<dyn Fn(Args) -> Out + Send + Sync>;

/// Computes `f` at some arguments, and its derivative there as a linear function of tangents, which can be applied many
/// times: what does not depend on the tangents is computed once, here.
///
/// Panics where it is applied to tangents of other shapes or dtypes than the arguments'; those of tensors that are not of
/// floats are ignored.
///
/// ```
/// use plywood::prelude::*;
/// let (y, df) = linearize(|x: Tensor<_>| x.sin().sum(), (Tensor::<Cpu>::from([0.0, 1.0]),));
/// assert_eq!(y.item::<f64>(), 1f64.sin());
/// assert_eq!(df((Tensor::from([1.0, 0.0]),)).item::<f64>(), 1.0);
/// assert_eq!(df((Tensor::from([0.0, 1.0]),)).item::<f64>(), 1f64.cos());
/// ```
#[track_caller]
pub fn linearize<B: Backend, Args, Known, Out, F>(f: F, args: Args) -> (Out::On<B>, Linear<Args, Out::On<B>>)
where
    Args: SelfTree<B> + Tree<B, On<Partial<B>> = Known>,
    Known: SelfTree<Partial<B>>,
    Out: Tree<Forward<Partial<B>>>,
    F: Function<Forward<Partial<B>>, Known, Out>,
{
    let made = Location::caller();
    let types: Vec<TensorType> = leaves(&args).iter().map(|x| x.ty().clone()).collect();
    let (engine, call) = (Forward::<Partial<B>>::ENGINE, Call::new());
    let example = leaves(&args).into_iter().next();
    let mut arguments = Vec::new();
    let args: Known =
        args.map::<Partial<B>>(&mut |x| Tensor::of(known(Partial::<B>::ENGINE, x.into_value())));
    let out = Dyn::scoped::<B, _>(example.as_ref().map(Value::engine), || {
        f.call(args, &mut |_, x| {
            let symbol = argument(Traced::<B>::ENGINE, x.ty().clone(), x.device());
            arguments.push(symbol.clone());
            match x.dtype().is_float() {
                true => call.dual(engine, x, unknown(Partial::<B>::ENGINE, symbol)),
                false => forward::constant(engine, x),
            }
        })
    });
    let tangents = leaves(&out).iter().map(|y| call.tangent(y)).collect();
    let lower = |y: Value| inner(&forward::into_primal(y)).clone();
    let y = rebuild::<_, B, _>(&out, leaves(&out).into_iter().map(lower));
    let map = Map::new(arguments, tangents, leaves(&y), Traced::<B>::lift);
    let linear = move |tangents: Args| {
        let tangents = leaves(&tangents);
        let found: Vec<TensorType> = tangents.iter().map(|t| t.ty().clone()).collect();
        assert!(
            found == types,
            "linearize: the tangents are {found:?}, the arguments {types:?} (in the linearize made at {made})"
        );
        rebuild::<_, B, _>(&out, map.apply(B::ENGINE, tangents, made))
    };
    (y, Box::new(linear))
}

/// A recorded map from tangents to tangents.
struct Map {
    graph: Graph,
    captured: Values,
    /// For each output its place among the graph's; none where it is zero, and of the type of the value.
    outputs: Vec<Result<usize, Value>>,
}

impl Map {
    /// From symbols to values of [`Partial`]; absent ones are zero, like the outputs' values.
    fn new(
        arguments: Vec<Value>,
        tangents: Vec<Option<Value>>,
        values: Vec<Value>,
        lift: fn(Value) -> Value,
    ) -> Map {
        let mut symbols = Vec::new();
        let outputs = (tangents.into_iter().zip(values))
            .map(|(t, y)| match t {
                None => Err(y.full_like(Number::Int(0))),
                Some(t) => {
                    symbols.push(match t.data::<Part>() {
                        Part::Unknown(t) => t.clone(),
                        Part::Known(t) => lift(t.clone()),
                    });
                    Ok(symbols.len() - 1)
                }
            })
            .collect();
        let (graph, captured) = extract(&arguments, &symbols);
        Map { graph, captured, outputs }
    }

    fn apply(&self, engine: &'static dyn Engine, tangents: Vec<Value>, at: At) -> Vec<Value> {
        let inputs: Values = self.captured.iter().cloned().chain(tangents).collect();
        let engine = inputs.first().map_or(engine, Value::engine);
        let results = at::within(at, || self.graph.replay(engine, inputs));
        let place = |o: &Result<usize, Value>| match o {
            Ok(i) => results[*i].clone(),
            Err(zero) => zero.clone(),
        };
        self.outputs.iter().map(place).collect()
    }
}
