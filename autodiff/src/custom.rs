//! Functions with a derivative of their own: `checkpoint`, `custom_vjp`, `custom_jvp`.
//!
//! The function and its rules are recorded where they are called, and become one operation that holds their graphs
//! ([`Call`]); every layer meets that. What a function captured (`w.lift()`) is among the operation's inputs.

use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, Function, Graph, Number, Op, SelfTree, Step, Tensor, TensorType, Traced, Tree, Value, Values,
    Var, at,
};
use std::sync::Arc;

/// Arguments that were handed to a function while it was recorded.
struct Arguments {
    values: Values,
    symbols: Vec<Value>,
}

/// Records a function of some arguments: what it returned, on the recording layer.
fn record<B: Backend, Args, Out, F>(f: &F, args: Args) -> (Out, Arguments)
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    let mut arguments = Arguments { values: Values::new(), symbols: Vec::new() };
    let out = f.call(args, &mut |_, value| {
        let symbol = symbol::<B>(&value);
        arguments.symbols.push(symbol.clone());
        arguments.values.push(value);
        symbol
    });
    (out, arguments)
}

fn symbol<B: Backend>(like: &Value) -> Value {
    argument(Traced::<B>::ENGINE, like.ty().clone(), like.device())
}

/// A tree like another, of new symbols; those and the tree.
fn fresh<B: Backend, T: SelfTree<Traced<B>>>(like: &T) -> (T, Vec<Value>) {
    let symbols: Vec<Value> = leaves(like).iter().map(symbol::<B>).collect();
    (rebuild::<Traced<B>, Traced<B>, _>(like, symbols.iter().cloned()), symbols)
}

/// Executes a function as an operation.
#[track_caller]
fn apply<B: Backend>(call: Call, inputs: Values) -> Values {
    let engine = inputs.first().map_or(B::ENGINE, Value::engine);
    let outputs: Vec<TensorType> = call.graph.output_types().cloned().collect();
    engine.execute(Step { op: &Op::Call(Arc::new(call)), outputs: &outputs, at: at::caller() }, inputs)
}

/// The function that computes `f`, and in the backward pass computes its inside again instead of keeping it: memory for
/// time. With other policies: [`Checkpoint`].
///
/// ```
/// use plywood::prelude::*;
/// fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     x.sin().sin().sum()
/// }
/// let x = Tensor::<Cpu>::from([1.0, 2.0]);
/// assert_eq!(grad(checkpoint(f))(x.clone()), grad(f)(x));
/// ```
pub fn checkpoint<B: Backend, Args: 'static, Out: Tree<Traced<B>>, F>(f: F) -> F::Boxed<Out::On<B>>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    Checkpoint::new().of(f)
}

/// [`checkpoint`] with a policy: what is kept, by name.
#[derive(Clone, Debug)]
pub struct Checkpoint(Policy);

impl Default for Checkpoint {
    fn default() -> Self {
        Self::new()
    }
}

impl Checkpoint {
    /// Keeps nothing but the arguments.
    pub fn new() -> Self {
        Checkpoint(Policy::Nothing)
    }

    /// Keeps what the policy says.
    pub fn policy(self, policy: Policy) -> Self {
        Checkpoint(policy)
    }

    /// Keeps the values that [`checkpoint_name`] gave one of these names.
    pub fn names<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        Checkpoint(Policy::Names(names.into_iter().map(str::to_string).collect()))
    }

    /// The function that computes `f`.
    pub fn of<B: Backend, Args: 'static, Out: Tree<Traced<B>>, F>(self, f: F) -> F::Boxed<Out::On<B>>
    where
        F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    {
        F::boxed(move |args| {
            let (out, arguments) = record::<B, _, _, _>(&f, args);
            let (graph, captured) = extract(&arguments.symbols, &leaves(&out));
            let call = Call { graph: Arc::new(graph), rule: Rule::Through(self.0.clone()) };
            let results = apply::<B>(call, captured.into_iter().chain(arguments.values).collect());
            rebuild::<Traced<B>, B, _>(&out, results)
        })
    }
}

/// The value itself, by a name that a [`Checkpoint`]'s policy may keep.
#[track_caller]
pub fn checkpoint_name<B: Backend>(x: &Tensor<B>, name: &str) -> Tensor<B> {
    Tensor::of(x.value().clone().named(name))
}

/// The function that computes `f`, and is differentiated by a reverse rule: `forward` computes from the same arguments
/// `(result, residuals)`, `backward` from `(residuals, cotangent of the result)` the tuple of the arguments' cotangents.
///
/// The rule holds under every transformation; forward mode transposes it. Derivatives of higher order go through `forward`
/// and `backward`. What the functions capture is a constant to it: differentiating it panics.
///
/// ```
/// use plywood::prelude::*;
/// // The identity, whose gradient is cut off.
/// fn clipped<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     let forward = |x: Tensor<_>| (x, ());
///     let backward = |(): (), ct: Tensor<_>| (ct.clip(-1.0, 1.0),);
///     custom_vjp(|x: Tensor<_>| x, forward, backward)(x)
/// }
/// fn loss<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     (clipped(x) * Tensor::from([0.5, 10.0])).sum()
/// }
/// assert_eq!(grad(loss)(Tensor::<Cpu>::from([1.0, 2.0])).to_vec::<f64>(), [0.5, 1.0]);
/// ```
pub fn custom_vjp<B: Backend, Args, ArgsT, Out, Residuals, F, Forward, Backward>(
    f: F,
    forward: Forward,
    backward: Backward,
) -> F::Boxed<Out::On<B>>
where
    Args: Tree<B, On<Traced<B>> = ArgsT> + 'static,
    ArgsT: Tree<Traced<B>>,
    Out: SelfTree<Traced<B>>,
    Residuals: SelfTree<Traced<B>>,
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    Forward: Function<Traced<B>, Args, (Out, Residuals)> + Send + Sync + 'static,
    Backward: Fn(Residuals, Out) -> ArgsT + Send + Sync + 'static,
{
    F::boxed(move |args: Args| {
        let (out, arguments) = record::<B, _, _, _>(&f, args.clone());
        let ((again, residuals), same) = record::<B, _, _, _>(&forward, args);
        let types = |out: &Out| leaves(out).iter().map(|y| y.ty().clone()).collect::<Vec<_>>();
        assert!(
            types(&out) == types(&again),
            "custom_vjp: the function returns {:?}, its forward rule {:?}",
            types(&out),
            types(&again)
        );
        let (kept, kept_symbols) = fresh::<B, _>(&residuals);
        let (ct, ct_symbols) = fresh::<B, _>(&out);
        let cotangents = leaves(&backward(kept, ct));
        let found: Vec<TensorType> = cotangents.iter().map(|dx| dx.ty().clone()).collect();
        let wanted: Vec<TensorType> = arguments.values.iter().map(|x| x.ty().clone()).collect();
        assert!(
            found == wanted,
            "custom_vjp: the backward rule returns {found:?}, the arguments are {wanted:?}"
        );
        // Recorded as one, so that what any of them captured is an input of all.
        let (n, m) = (arguments.symbols.len(), leaves(&out).len());
        let symbols = [arguments.symbols, same.symbols, kept_symbols, ct_symbols].concat();
        let results = [leaves(&out), leaves(&again), leaves(&residuals), cotangents].concat();
        let (joint, captured) = extract(&symbols, &results);
        let (given, rest) = joint.inputs().split_at(captured.len());
        let (x, rest) = rest.split_at(n);
        let (same, rest) = rest.split_at(n);
        let (kept, ct) = rest.split_at(rest.len() - m);
        let (y, results) = joint.outputs().split_at(m);
        let (again, results) = results.split_at(m);
        let (residuals, dx) = results.split_at(results.len() - n);
        let floats: Vec<Var> = ct.iter().copied().filter(|&v| joint.ty(v).dtype.is_float()).collect();
        let graph = joint.part(&[given, x].concat(), y).with_captured(given.len());
        let forward = joint.part(&[given, same].concat(), &[again, residuals, given].concat());
        let backward = with_zeros(&joint, &[kept, given, &floats].concat(), ct, dx);
        let rule = Rule::Reverse { forward: Arc::new(forward), backward: Arc::new(backward) };
        let call = Call { graph: Arc::new(graph), rule };
        let results = apply::<B>(call, captured.into_iter().chain(arguments.values).collect());
        rebuild::<Traced<B>, B, _>(&out, results)
    })
}

/// The part of a graph from `inputs` to `outputs`; cotangents that are not of floats are not among the inputs, and zero.
fn with_zeros(joint: &Graph, inputs: &[Var], cotangents: &[Var], outputs: &[Var]) -> Graph {
    let absent: Vec<Var> = cotangents.iter().copied().filter(|v| !inputs.contains(v)).collect();
    if absent.is_empty() {
        return joint.part(inputs, outputs);
    }
    let part = joint.part(&[inputs, &absent].concat(), outputs);
    // Replayed with zeros in their place.
    let engine = <plywood_core::Trace as Backend>::ENGINE;
    let symbols: Vec<Value> = part
        .input_types()
        .take(inputs.len())
        .map(|ty| argument(engine, ty.clone(), engine.device(None)))
        .collect();
    let zeros = part
        .input_types()
        .skip(inputs.len())
        .map(|ty| Value::create(engine, Op::Full { number: Number::Int(0), ty: ty.clone() }));
    let results = part.replay(engine, symbols.iter().cloned().chain(zeros).collect());
    extract(&symbols, &results).0
}

/// The function that computes `f`, and is differentiated by a forward rule: from the tuple of the arguments and that of
/// their tangents, `(result, tangent of the result)`, linear in the tangents.
///
/// The rule holds under every transformation; reverse mode transposes it.
///
/// ```
/// use plywood::prelude::*;
/// fn log1pexp<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     let f = |x: Tensor<_>| (1.0 + x.exp()).log();
///     // Without overflow.
///     custom_jvp(f, |(x,): (Tensor<_>,), (dx,): (Tensor<_>,)| ((1.0 + x.exp()).log(), dx * x.sigmoid()))(x)
/// }
/// let x = Tensor::<Cpu>::scalar(100.0f32);
/// assert_eq!(grad(log1pexp)(x).item::<f32>(), 1.0);
/// ```
pub fn custom_jvp<B: Backend, Args, ArgsT, Out, F, R>(f: F, rule: R) -> F::Boxed<Out::On<B>>
where
    Args: Tree<B, On<Traced<B>> = ArgsT> + 'static,
    ArgsT: SelfTree<Traced<B>>,
    Out: SelfTree<Traced<B>>,
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    R: Fn(ArgsT, ArgsT) -> (Out, Out) + Send + Sync + 'static,
{
    F::boxed(move |args: Args| {
        let template: ArgsT = args.clone().map::<Traced<B>>(&mut |x| Tensor::of(symbol::<B>(x.value())));
        let (out, arguments) = record::<B, _, _, _>(&f, args);
        let ((x, x_symbols), (dx, dx_symbols)) = (fresh::<B, _>(&template), fresh::<B, _>(&template));
        let (y, dy) = rule(x, dx);
        let types = |out: &Out| leaves(out).iter().map(|y| y.ty().clone()).collect::<Vec<_>>();
        assert!(
            types(&out) == types(&y) && types(&out) == types(&dy),
            "custom_jvp: the function returns {:?}, its rule {:?} and tangents {:?}",
            types(&out),
            types(&y),
            types(&dy)
        );
        let (n, m) = (arguments.symbols.len(), leaves(&out).len());
        let symbols = [arguments.symbols, x_symbols, dx_symbols].concat();
        let results = [leaves(&out), leaves(&y), leaves(&dy)].concat();
        let (joint, captured) = extract(&symbols, &results);
        let (given, rest) = joint.inputs().split_at(captured.len());
        let (x, pairs) = rest.split_at(n);
        let (y, pushed) = joint.outputs().split_at(m);
        let graph = joint.part(&[given, x].concat(), y).with_captured(given.len());
        let rule = joint.part(&[given, pairs].concat(), pushed);
        let call = Call { graph: Arc::new(graph), rule: Rule::Forward { rule: Arc::new(rule) } };
        let results = apply::<B>(call, captured.into_iter().chain(arguments.values).collect());
        rebuild::<Traced<B>, B, _>(&out, results)
    })
}
