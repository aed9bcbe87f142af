//! What `pmap` and `shard_map` share: a function recorded once for a signature, and the program of many devices that comes of it.
//!
//! The two differ in how arguments are divided and results put together ([`Divides`]); the rest is here. What is generic takes trees
//! apart and puts them together.

use plywood_core::at::{self, At};
use plywood_core::axis::{self, Axis};
use plywood_core::op::{Pmap, Spec};
use plywood_core::record::{argument, extract};
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, Device, Dyn, Function, Op, Path, SelfTree, Step, Traced, Value, Varying, Visitor,
};
use plywood_fusion::recording::{Cache, Recording, Signature};
use std::any::TypeId;
use std::sync::Arc;

/// What an axis of a mesh belongs to; it runs nothing itself.
struct Marker;

/// How the arguments of one call are divided.
pub(crate) struct Divided {
    pub mesh: Arc<[(Arc<str>, usize)]>,
    pub devices: Option<Arc<[Device]>>,
    /// For each tensor: how it is cut, and the axis that the function does not see, of one element for each device.
    pub leaves: Vec<(Spec, Option<usize>)>,
}

/// How arguments are divided, and results put together.
pub(crate) trait Divides {
    /// Whether types say over which axes values vary.
    fn tracked(&self) -> bool;

    /// How the arguments are divided; panics where they cannot be.
    fn arguments(&self, made: At, visit: &mut dyn FnMut(&mut dyn Visitor)) -> Divided;

    /// The results as the program gives them, and how they lie.
    fn results(
        &self,
        made: At,
        divided: &Divided,
        visit: &mut dyn FnMut(&mut dyn Visitor),
    ) -> Vec<(Value, Spec)>;

    /// Panics where what the program gives is not as it was said to be.
    fn check(&self, made: At, program: &Pmap);
}

/// A function for many devices.
pub(crate) struct Recorded<F, Out> {
    pub f: F,
    pub cache: Arc<Cache<Out>>,
    pub divides: Box<dyn Divides + Send + Sync>,
    /// All options, as text: part of the signature.
    pub options: String,
    pub made: At,
}

impl<F, Out> Recorded<F, Out> {
    pub fn call<B: Backend, Args: SelfTree<B>>(&self, args: Args) -> Out::On<B>
    where
        Out: SelfTree<Traced<B>>,
        F: Function<Traced<B>, Args, Out>,
    {
        let visit = |visitor: &mut dyn Visitor| {
            visitor.plain(Path::root(), &self.options);
            args.visit(Path::root(), visitor)
        };
        let recording = match self.cache.find(visit) {
            Some(recording) => recording,
            None => {
                let (signature, recording) = (Signature::of(visit), Arc::new(self.record::<B, Args>(&args)));
                self.cache.insert(signature, recording.clone());
                recording
            }
        };
        let mut inputs = recording.captured.clone();
        inputs.extend(leaves(&args));
        drop(args);
        let engine = inputs.first().map_or(B::ENGINE, Value::engine);
        let step = Step { op: &recording.op, outputs: &recording.outputs, at: self.made };
        let results = engine.execute(step, inputs);
        rebuild::<Traced<B>, B, Out>(&recording.template, results)
    }

    fn record<B: Backend, Args: SelfTree<B>>(&self, args: &Args) -> Recording<Out>
    where
        Out: SelfTree<Traced<B>>,
        F: Function<Traced<B>, Args, Out>,
    {
        let (engine, made, divides) = (Traced::<B>::ENGINE, self.made, &*self.divides);
        let divided = divides.arguments(made, &mut |visitor| args.visit(Path::root(), visitor));
        let program = Pmap {
            graph: Arc::new(extract(&[], &[]).0),
            mesh: divided.mesh.clone(),
            devices: divided.devices.clone(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            tracked: divides.tracked(),
        };
        let mut arguments = Vec::new();
        let mut enter = |x: Value| {
            let (spec, unseen) = &divided.leaves[arguments.len()];
            let blocks = program.blocks(spec, x.rank());
            let shape: plywood_core::Shape = x.shape().iter().zip(blocks).map(|(n, b)| n / b).collect();
            let varying = if program.tracked { spec.varying(&program.mesh) } else { Varying::NOTHING };
            let ty = x.ty().with_shape(shape).with_varying(varying);
            let symbol = argument(engine, ty, x.device());
            arguments.push(symbol.clone());
            match unseen {
                None => symbol,
                Some(axis) => at::within(made, || {
                    let shape = symbol.shape().without(&[*axis]);
                    symbol.reshape_to(shape)
                }),
            }
        };
        let example = leaves(args).first().map(Value::engine);
        let out = within(&program.mesh, program.tracked, || {
            Dyn::scoped::<B, _>(example, || self.f.call(args.clone(), &mut |_, x| enter(x)))
        });
        let results = at::within(made, || {
            divides.results(made, &divided, &mut |visitor| out.visit(Path::root(), visitor))
        });
        let (values, outputs): (Vec<Value>, Vec<Spec>) = results.into_iter().unzip();
        let (graph, captured) = extract(&arguments, &values);
        let inputs = captured.iter().map(|_| Spec::default());
        let inputs = inputs.chain(divided.leaves.iter().map(|(spec, _)| spec.clone())).collect();
        let recorded = graph.part(graph.inputs(), graph.outputs()).with_captured(graph.captured());
        let program = program.with(Arc::new(graph), inputs, outputs);
        divides.check(made, &program);
        // The template holds nothing of what was recorded but the structure.
        let symbols: Vec<Value> =
            leaves(&out).iter().map(|y| argument(engine, y.ty().clone(), y.device())).collect();
        let template = rebuild::<Traced<B>, Traced<B>, Out>(&out, symbols);
        let types = program.graph.output_types().zip(&program.outputs);
        let outputs = types.map(|(ty, spec)| program.whole(spec, ty)).collect();
        let (op, engine) = (Op::Pmap(Arc::new(program)), example.unwrap_or(B::ENGINE));
        Recording { recorded, engine, op, outputs, captured, planned: true, template }
    }
}

/// Runs `f` with the axes of a mesh in scope.
fn within<R>(mesh: &[(Arc<str>, usize)], tracked: bool, f: impl FnOnce() -> R) -> R {
    let Some(((name, size), rest)) = mesh.split_first() else { return f() };
    let (name, size) = (name.clone(), *size);
    let axis = Axis { name, size, tracked, engine: TypeId::of::<Marker>(), frame: Arc::new(()) };
    axis::within(axis, || within(rest, tracked, f))
}
