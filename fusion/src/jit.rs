//! `jit`: the calls that record a function and run its graph.
//!
//! What is generic here takes trees apart and puts them together.

use crate::cache::{self, Cache, Recording, Stats};
use crate::signature::{self, Signature};
use crate::structure::same;
use crate::{graphs, numbers, passes};
use plywood_core::at::At;
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, Dyn, Explanation, Function, Graph, Op, Path, SelfTree, Step, Traced, Value, Values, Visitor,
};
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

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
                if !before.is_empty() {
                    let paths = signature::paths(visit);
                    self.cache.because(reasons(&signature, &before, &paths));
                    report(self.made, &signature, &before, &paths);
                }
                recording
            }
        };
        let mut inputs = recording.captured.clone();
        // By value: what nobody else holds is donated.
        args.give_up(&mut |x| inputs.push(x.into_value()));
        let engine = inputs.first().map_or(B::ENGINE, Value::engine);
        let step = Step { op: &recording.op, outputs: &recording.outputs, at: self.made };
        let results = engine.execute(step, inputs);
        rebuild::<Traced<B>, B, Out>(&recording.template, results)
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
        let template = rebuild::<Traced<B>, Traced<B>, Out>(&out, symbols);
        let (lifted, numbers) = numbers::lifted(&passes::fold(&passes::inline(&graph)));
        let engine = example.unwrap_or(B::ENGINE);
        let numbers =
            Dyn::scoped::<B, _>(Some(engine), || numbers.iter().map(|x| x.on(engine)).collect::<Values>());
        let (optimized, planned) = graphs::optimized(lifted);
        let outputs = optimized.output_types().cloned().collect();
        let op = Op::Call(Arc::new(Call { graph: optimized, rule: Rule::Through(Policy::Everything) }));
        let captured = numbers.into_iter().chain(captured).collect();
        Recording { recorded: graph, engine, op, outputs, captured, planned, template }
    }

    /// The graph that was used last, improved, with plain numbers where they are used; none before the first call.
    pub fn graph(&self) -> Option<Graph> {
        Some(passes::optimized(&self.cache.latest()?.recorded))
    }

    /// The graph that was used last as it was recorded, then after each pass that changed something, with the pass's name; the last
    /// one is [`graph`](Jitted::graph). Nothing before the first call.
    ///
    /// ```
    /// use plywood::prelude::*;
    /// let f = Jit::new().of(|x: Tensor<_>| (&x * 1.0).exp() + x.exp());
    /// f.call((Tensor::<Cpu>::from([0.5, 1.0]),));
    /// for (pass, graph) in f.passes() {
    ///     println!("{pass}: {graph}");
    /// }
    /// let names: Vec<&str> = f.passes().into_iter().map(|(pass, _)| pass).collect();
    /// assert_eq!((names[0], names.contains(&"simplify"), names.contains(&"common")), ("recorded", true, true));
    /// ```
    pub fn passes(&self) -> Vec<(&'static str, Graph)> {
        let Some(recording) = self.cache.latest() else { return Vec::new() };
        let mut graphs = vec![("recorded", recording.recorded.clone())];
        for (name, pass) in passes::PASSES {
            let before = &graphs[graphs.len() - 1].1;
            let after = pass(before);
            if !same(before, &after) {
                graphs.push((name, after));
            }
        }
        graphs
    }

    /// What runs for the graph that was used last, and what it costs: each kernel with what it fused, bytes, arithmetic operations,
    /// time where it was measured, and the peak of memory; how often the function was recorded, and what differed the last
    /// time it was recorded again. The first line that prints is the number of kernels. Where there is no plan, before the first call
    /// and under a layer that derives the graph first, it says so.
    ///
    /// Recordings of one structure share a graph, whose lines are those where it was met first.
    ///
    /// ```
    /// use plywood::prelude::*;
    /// let step = Jit::new().of(|w: Tensor<_>, g: Tensor<_>, rate: f64| w - rate * g);
    /// let w = Tensor::<Cpu>::from([1.0, 2.0]);
    /// for rate in [0.1, 0.2] {
    ///     step.call((w.clone(), w.clone(), rate));
    /// }
    /// let text = step.explain().to_string();
    /// assert_eq!(text.lines().next(), Some("1 kernel"));
    /// assert!(text.ends_with("recorded again: args[2] is 0.2, it was 0.1"));
    /// ```
    pub fn explain(&self) -> Explanation {
        let Some(recording) = self.cache.latest() else {
            return Explanation::unplanned("no plan: it was not called yet");
        };
        let planned = match &recording.op {
            Op::Call(call) => recording.engine.explain(&call.graph),
            op => unreachable!("{op}: what is recorded is a call"),
        };
        let mut explanation = planned.unwrap_or_else(|| {
            let name = recording.engine.name();
            Explanation::unplanned(format!(
                "no plan here: {name} derives the graph or passes it on; the backend below plans what comes of it"
            ))
        });
        let Stats { calls, recordings, plans, kept } = self.stats();
        let times = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let (calls, recordings, plans) =
            (times(calls, "call"), times(recordings, "recording"), times(plans, "plan"));
        explanation.notes.push(format!("{calls}, {recordings} ({kept} kept), {plans}"));
        explanation
            .notes
            .extend(self.cache.reasons().iter().map(|reason| format!("recorded again: {reason}")));
        explanation
    }

    /// How often it was called and recorded; of a function without captures, wherever it was.
    pub fn stats(&self) -> Stats {
        self.cache.stats()
    }
}

/// The nearest of the earlier signatures: the latest of the same structure, and where it differs.
fn nearest<'a>(new: &Signature, before: &'a [Signature]) -> Option<(&'a Signature, Vec<usize>)> {
    before.iter().rev().find_map(|old| Some((old, new.differences(old)?)))
}

/// Why a function is recorded once more: what differs from the nearest earlier call.
fn reasons(new: &Signature, before: &[Signature], paths: &[String]) -> Vec<String> {
    match nearest(new, before) {
        Some((old, differences)) => {
            let one = |&i: &usize| format!("{} is {}, it was {}", paths[i], new.part(i), old.part(i));
            differences.iter().map(one).collect()
        }
        None => vec!["the arguments have another structure, or other axes are in scope".to_string()],
    }
}

/// Says why a function is recorded once more: where it is asked to (`PLYWOOD_EXPLAIN=1`), and once where one number in the
/// arguments makes it record again and again.
fn report(made: At, new: &Signature, before: &[Signature], paths: &[String]) {
    if std::env::var_os("PLYWOOD_EXPLAIN").is_some_and(|v| v == "1") {
        for reason in reasons(new, before, paths) {
            eprintln!("jit made at {made}: {reason}: recorded again");
        }
        return;
    }
    let Some((_, differences)) = nearest(new, before) else { return };
    let [i] = differences[..] else { return };
    let alone = |old: &Signature| new.differences(old).is_some_and(|d| d[..] == [i]);
    let times = before.iter().filter(|old| alone(old)).count();
    if new.part(i).is_plain() && times == 7 {
        eprintln!(
            "jit made at {made}: recorded for the 8th time because {} has another value each time (now {}); a scalar tensor \
             may change without that",
            paths[i],
            new.part(i)
        );
    }
}
