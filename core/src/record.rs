//! Recording a function: an engine that computes nothing and remembers what it was asked.
//!
//! [`Traced<B>`] is the layer on which functions that become graphs run: it knows `B`, so a function may lift what it
//! captures. [`Trace`] is the same recording without a backend below, for replays of graphs. Each value points at the
//! node that made it; a graph is what the outputs reach. Traversal and drop are iterative: a chain of a million
//! operations is normal.

use crate::at::At;
use crate::backend::{Backend, Engine, Layer, Step, Values};
use crate::graph::{Equation, Graph, Var};
use crate::op::Types;
use crate::tree::leaves;
use crate::{Array, DType, Device, Error, Function, Op, TensorType, Tree, Value, Varying};
use smallvec::smallvec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Constants of more elements than this are captured inputs of a graph, not part of it.
const INLINE_CONSTANT: usize = 16;

/// The layer on which a function is recorded; values have types, but no data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Traced<B>(PhantomData<B>);

/// Recording without a backend, for replays: whatever reaches it becomes an equation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace;

/// What a recording engine keeps for a value: an output of a node.
struct Symbol {
    node: Arc<Node>,
    output: u32,
    device: Device,
}

struct Node {
    /// Nodes in the order of the program.
    sequence: u64,
    origin: Origin,
}

// Nearly all are operations.
#[allow(clippy::large_enum_variant)]
enum Origin {
    /// An argument of the function that is recorded.
    Argument,
    /// A value of the engine below, which the function captured.
    Captured(Value),
    /// An operation.
    Operation { op: Op, inputs: Values, outputs: Types, at: At },
}

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

fn node(origin: Origin) -> Arc<Node> {
    Arc::new(Node { sequence: SEQUENCE.fetch_add(1, Ordering::Relaxed), origin })
}

fn single(engine: &'static dyn Engine, ty: TensorType, device: Device, origin: Origin) -> Value {
    Value::new(engine, ty, Symbol { node: node(origin), output: 0, device })
}

thread_local! { static CAPTURED: RefCell<Varying> = const { RefCell::new(Varying::NOTHING) }; }

/// Runs `f`, in which all that is captured is made to vary over these axes of a mesh before: outside of a branch that only some
/// devices take, where it could not be taken together from all of them.
pub(crate) fn capturing<R>(over: &Varying, f: impl FnOnce() -> R) -> R {
    struct Restore(Varying);
    impl Drop for Restore {
        fn drop(&mut self) {
            CAPTURED.set(std::mem::take(&mut self.0));
        }
    }
    let all = CAPTURED.with_borrow(|captured| captured.union(over));
    let _restore = Restore(CAPTURED.replace(all));
    f()
}

/// An argument of a function that is to be recorded on `engine`.
pub fn argument(engine: &'static dyn Engine, ty: TensorType, device: Device) -> Value {
    single(engine, ty, device, Origin::Argument)
}

/// What stands in a tree whose tensors were given up.
pub(crate) fn nothing() -> Value {
    static NOTHING: OnceLock<Value> = OnceLock::new();
    let symbol = || argument(Trace::ENGINE, TensorType::scalar(DType::Bool), Trace::ENGINE.device(None));
    NOTHING.get_or_init(symbol).clone()
}

fn record(engine: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    let device = engine.device(inputs.first());
    let types = step.outputs.iter().cloned().collect();
    let origin = Origin::Operation { op: step.op.clone(), inputs, outputs: types, at: step.at };
    let node = node(origin);
    let value = |(i, ty)| Value::new(engine, ty, Symbol { node: node.clone(), output: i as u32, device });
    step.outputs.iter().cloned().enumerate().map(value).collect()
}

fn unreadable() -> Error {
    Error::Unreadable(
        "this value has no data: the function it is in is being recorded, and runs later; return the value from the \
         function and read it there"
            .to_string(),
    )
}

impl<B: Backend> Backend for Traced<B> {
    const ENGINE: &'static dyn Engine = &Traced::<B>(PhantomData);
}

impl<B: Backend> Layer for Traced<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        let inner = inner.vary_to(&CAPTURED.with_borrow(Varying::clone));
        let (ty, device) = (inner.ty().clone(), inner.device());
        single(Self::ENGINE, ty, device, Origin::Captured(inner))
    }
}

impl<B: Backend> Engine for Traced<B> {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        match step.op {
            Op::Constant(array) if array.ty().elements() > INLINE_CONSTANT => {
                B::ENGINE.execute(step, inputs).into_iter().map(Self::lift).collect()
            }
            _ => record(self, step, inputs),
        }
    }
    fn read(&'static self, _: &Value) -> Result<Array, Error> {
        Err(unreadable())
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        value.map_or_else(|| B::ENGINE.device(None), |v| v.data::<Symbol>().device)
    }
    fn name(&self) -> String {
        format!("Traced<{}>", B::ENGINE.name())
    }
}

impl Backend for Trace {
    const ENGINE: &'static dyn Engine = &Trace;
}

impl Engine for Trace {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        record(self, step, inputs)
    }
    fn read(&'static self, _: &Value) -> Result<Array, Error> {
        Err(unreadable())
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        value.map_or(Device { kind: "trace", index: 0 }, |v| v.data::<Symbol>().device)
    }
    fn name(&self) -> String {
        "Trace".to_string()
    }
}

impl Node {
    fn types(&self, of: &Value) -> Types {
        match &self.origin {
            Origin::Operation { outputs, .. } => outputs.clone(),
            Origin::Argument | Origin::Captured(_) => smallvec![of.ty().clone()],
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let Origin::Operation { inputs, .. } = &mut self.origin else { return };
        let mut work = std::mem::take(inputs);
        while let Some(mut value) = work.pop() {
            let symbol = value.data_mut::<Symbol>().and_then(|s| Arc::get_mut(&mut s.node));
            if let Some(Node { origin: Origin::Operation { inputs, .. }, .. }) = symbol {
                work.extend(inputs.drain(..));
            }
        }
    }
}

/// The graph from `arguments` to `outputs`, all of one recording engine, and the values it captured, which are its
/// first inputs. What no output depends on is not in it.
///
/// Panics where an output depends on an argument of another function that is being recorded.
pub fn extract(arguments: &[Value], outputs: &[Value]) -> (Graph, Values) {
    let (graph, captured, _) = extract_marked(arguments, outputs, mark());
    (graph, captured)
}

/// A point in the order in which operations are recorded, for [`extract_marked`].
pub fn mark() -> u64 {
    SEQUENCE.load(Ordering::Relaxed)
}

/// [`extract`], and how many of the graph's equations were recorded before the mark: they are the first ones.
pub fn extract_marked(arguments: &[Value], outputs: &[Value], mark: u64) -> (Graph, Values, usize) {
    // Find the nodes that the outputs reach, each with one of its values.
    let mut found: HashMap<*const Node, Value> = HashMap::new();
    let key = |v: &Value| Arc::as_ptr(&v.data::<Symbol>().node);
    for a in arguments {
        found.insert(key(a), a.clone());
    }
    let mut work: Vec<Value> = outputs.to_vec();
    while let Some(value) = work.pop() {
        if found.contains_key(&key(&value)) {
            continue;
        }
        match &value.data::<Symbol>().node.origin {
            Origin::Argument => panic!(
                "a value of type {} depends on an argument of another function that is being recorded; pass it to \
                 this function as an argument",
                value.ty()
            ),
            Origin::Captured(_) => {}
            Origin::Operation { inputs, .. } => work.extend(inputs.iter().cloned()),
        }
        found.insert(key(&value), value);
    }
    // Number their outputs: captured values, arguments, then operations, each in the order of the program.
    let mut nodes: Vec<Value> = found.into_values().collect();
    nodes.sort_by_key(|v| v.data::<Symbol>().node.sequence);
    let mut types = Vec::new();
    let mut first: HashMap<*const Node, u32> = HashMap::new();
    let mut number = |v: &Value| {
        let start = types.len() as u32;
        first.insert(key(v), start);
        types.extend(v.data::<Symbol>().node.types(v));
        start
    };
    let mut captured = Values::new();
    let mut inputs = Vec::new();
    for v in &nodes {
        if let Origin::Captured(inner) = &v.data::<Symbol>().node.origin {
            inputs.push(Var(number(v)));
            captured.push(inner.clone());
        }
    }
    inputs.extend(arguments.iter().map(|a| Var(number(a))));
    for v in &nodes {
        if let Origin::Operation { .. } = v.data::<Symbol>().node.origin {
            number(v);
        }
    }
    let var = |v: &Value| Var(first[&key(v)] + v.data::<Symbol>().output);
    let is_early = |v: &&Value| {
        let node = &v.data::<Symbol>().node;
        node.sequence < mark && matches!(node.origin, Origin::Operation { .. })
    };
    let early = nodes.iter().filter(is_early).count();
    let equations = nodes.iter().filter_map(|v| {
        let Origin::Operation { op, inputs, outputs, at } = &v.data::<Symbol>().node.origin else {
            return None;
        };
        let start = first[&key(v)];
        Some(Equation {
            op: op.clone(),
            inputs: inputs.iter().map(var).collect(),
            outputs: (start..start + outputs.len() as u32).map(Var).collect(),
            at,
        })
    });
    let equations = equations.collect();
    let outputs = outputs.iter().map(var).collect();
    (Graph::new(inputs, captured.len(), equations, outputs, types), captured, early)
}

/// A function that records `f` instead of running it, and gives its graph.
///
/// ```
/// # use plywood::prelude::*;
/// fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     (2.0 * x.sin()).sum()
/// }
/// let graph = trace(f)(Tensor::<Cpu>::from([0.5f32, 1.0]));
/// assert_eq!(
///     graph.to_string(),
///     "{ lambda ; a:f32[2]. let\n    b:f32[2] = sin a\n    c:f32[2] = mul 2.0 b\n    \
///      d:f32[] = reduce_sum[axes=(0)] c\n  in (d) }"
/// );
/// ```
pub fn trace<B: Backend, Args: 'static, Out: Tree<Traced<B>>, F>(f: F) -> F::Boxed<Graph>
where
    F: Function<Traced<B>, Args, Out> + Send + Sync + 'static,
{
    F::boxed(move |args| {
        let mut arguments = Vec::new();
        let out = f.call(args, &mut |_, value| {
            let argument = argument(Traced::<B>::ENGINE, value.ty().clone(), value.device());
            arguments.push(argument.clone());
            argument
        });
        extract(&arguments, &leaves(&out)).0
    })
}
