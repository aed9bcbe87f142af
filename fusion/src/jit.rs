//! `jit`: the calls that record a function and run its graph.
//!
//! What is generic here takes trees apart and puts them together.

use crate::cache::{self, Cache, Recording, Stats};
use crate::signature::{self, Signature};
use crate::{graphs, numbers, passes};
use plywood_core::at::At;
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, DType, Dyn, Function, Graph, Op, Path, SelfTree, Step, Tensor, TensorType, Trace, Traced, Value,
    Values, Visitor,
};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

/// The function that records `f` once for a signature (the structure, types and devices of its arguments, plain data in
/// them, axes in scope), and runs the recorded graph from then on: nothing of `f` itself.
///
/// An argument that is moved in is donated: its memory may be used again. What `f` captured is an input of the graph. For
/// a function without captures the recordings are the whole process's, so `jit(f)` may stand in a loop; any other is kept in a
/// variable. To look inside: [`Jit`].
///
/// Panics where `f` reads a value, at the line where it does.
///
/// ```
/// use plywood::prelude::*;
/// fn selu<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
///     lambda * x.gt(0.0).select(&x, alpha * x.exp() - alpha)
/// }
/// let x = Tensor::<Cpu>::from([0.0, 1.0]);
/// assert_eq!(jit(selu)(x.clone(), 1.67, 1.05), selu(x, 1.67, 1.05));
/// ```
#[track_caller]
pub fn jit<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(f: F) -> F::Boxed<Out::On<B>>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    let jitted = Jit::new().of(f);
    F::boxed(move |args| jitted.call(args))
}

/// [`jit`] with a handle to look inside: `Jit::new().of(f)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Jit(());

impl Jit {
    /// Without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// The recorded function, a [`Jitted`].
    #[track_caller]
    pub fn of<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F>(
        self,
        f: F,
    ) -> Jitted<B, Args, Out, F>
    where
        F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
    {
        let cache = cache::of_function::<F, (B, Args), Out>();
        Jitted { f, cache, made: Location::caller(), of: PhantomData }
    }
}

/// A function that is recorded, and can be looked into.
///
/// ```
/// use plywood::prelude::*;
/// let step = Jit::new().of(|x: Tensor<_>, rate: Tensor<_>| &x - rate * &x);
/// for i in 0..3 {
///     step.call((Tensor::<Cpu>::from([1.0, 2.0]), Tensor::scalar(0.1 * i as f64)));
/// }
/// assert_eq!((step.stats().calls, step.stats().recordings), (3, 1));
/// println!("{}", step.graph().expect("it was called"));
/// ```
pub struct Jitted<B: Backend, Args, Out, F> {
    f: F,
    cache: Arc<Cache<Out>>,
    made: At,
    of: PhantomData<fn(Args) -> B>,
}

impl<B: Backend, Args, Out, F> fmt::Debug for Jitted<B, Args, Out, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jitted(made at {})", self.made)
    }
}

impl<B: Backend, Args: SelfTree<B>, Out: SelfTree<Traced<B>>, F> Jitted<B, Args, Out, F>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    /// Calls the function with a tuple of its arguments.
    pub fn call(&self, args: Args) -> Out::On<B> {
        let visit = |visitor: &mut dyn Visitor| args.visit(Path::root(), visitor);
        let recording = match self.cache.find(visit) {
            Some(recording) => recording,
            None => {
                let signature = Signature::of(visit);
                let recording = Arc::new(self.record(&args));
                let before = self.cache.insert(signature.clone(), recording.clone());
                report(self.made, &signature, &before, || signature::paths(visit));
                recording
            }
        };
        let mut inputs = recording.captured.clone();
        // By value: what nobody else holds is donated.
        let nothing = nothing();
        args.map::<Trace>(&mut |x| {
            inputs.push(x.into_value());
            Tensor::of(nothing.clone())
        });
        let engine = inputs.first().map_or(B::ENGINE, Value::engine);
        let step = Step { op: &recording.op, outputs: &recording.outputs, at: self.made };
        let results = engine.execute(step, inputs);
        rebuild::<Traced<B>, B, Out>(recording.template.clone(), results)
    }

    fn record(&self, args: &Args) -> Recording<Out> {
        let engine = Traced::<B>::ENGINE;
        let mut arguments = Vec::new();
        let example = leaves(args).first().map(Value::engine);
        let out = Dyn::scoped::<B, _>(example, || {
            self.f.call(args.clone(), &mut |_, x| {
                let symbol = argument(engine, x.ty().clone(), x.device());
                arguments.push(symbol.clone());
                symbol
            })
        });
        let outputs = leaves(&out);
        let (graph, captured) = extract(&arguments, &outputs);
        // The template holds nothing of what was recorded but the structure.
        let symbols: Vec<Value> =
            outputs.iter().map(|y| argument(engine, y.ty().clone(), y.device())).collect();
        let template = rebuild::<Traced<B>, Traced<B>, Out>(out, symbols);
        let (lifted, numbers) = numbers::lifted(&passes::inline(&graph));
        let engine = example.unwrap_or(B::ENGINE);
        let numbers =
            Dyn::scoped::<B, _>(Some(engine), || numbers.iter().map(|x| x.on(engine)).collect::<Values>());
        let (optimized, planned) = graphs::optimized(lifted);
        let outputs = optimized.output_types().cloned().collect();
        let op = Op::Call(Arc::new(Call { graph: optimized, rule: Rule::Through(Policy::Everything) }));
        let captured = numbers.into_iter().chain(captured).collect();
        Recording { recorded: graph, op, outputs, captured, planned, template }
    }

    /// The graph that was used last, improved, with plain numbers where they are used; none before the first call.
    pub fn graph(&self) -> Option<Graph> {
        Some(passes::optimized(&self.cache.latest()?.recorded))
    }

    /// How often it was called and recorded; of a function without captures, wherever it was.
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }
}

/// What stands in a tree whose tensors were taken.
fn nothing() -> Value {
    static NOTHING: OnceLock<Value> = OnceLock::new();
    let symbol = || argument(Trace::ENGINE, TensorType::scalar(DType::Bool), Trace::ENGINE.device(None));
    NOTHING.get_or_init(symbol).clone()
}

/// Says why a function is recorded once more: where it is asked to (`PLYWOOD_EXPLAIN=1`), and once where one number in the
/// arguments makes it record again and again.
fn report(made: At, new: &Signature, before: &[Signature], paths: impl FnOnce() -> Vec<String>) {
    let near = before.iter().rev().find_map(|old| Some((old, new.differences(old)?)));
    let alone = |old: &Signature| new.differences(old).and_then(|d| (d.len() == 1).then(|| d[0]));
    let explain = std::env::var_os("PLYWOOD_EXPLAIN").is_some_and(|v| v == "1");
    if explain && !before.is_empty() {
        match &near {
            Some((old, differences)) => {
                let paths = paths();
                for &i in differences {
                    eprintln!(
                        "jit made at {made}: {} is {}, it was {}: recorded again",
                        paths[i],
                        new.part(i),
                        old.part(i)
                    );
                }
            }
            None => eprintln!("jit made at {made}: the arguments have another structure: recorded again"),
        }
        return;
    }
    let Some((_, differences)) = near else { return };
    let [i] = differences[..] else { return };
    let plain = new.part(i).is_plain();
    let times = before.iter().filter(|old| alone(old) == Some(i)).count();
    if plain && times == 7 {
        eprintln!(
            "jit made at {made}: recorded for the 8th time because {} has another value each time (now {}); a scalar tensor \
             may change without that",
            paths()[i],
            new.part(i)
        );
    }
}
