//! What must be true of every program: optimised and fused it gives what it gives operation by operation; so do its gradient, and
//! either for many lanes at once.

use super::build::Allowed;
use super::compare::{Compare, Expected, same, strictness};
use super::program::{Program, programs};
use super::unfused::{Noise, unfused};
use crate::Layout;
use crate::bits::bits_of;
use crate::properties::message;
use plywood_autodiff::Differentiate;
use plywood_batching::{Batched, Frame};
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::{
    Array, Backend, Engine, Graph, Layer, Number, Op, OpKind, Step, TensorType, Trace, Value, Values, at,
};
use plywood_fusion::passes;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

/// Elements of a value, at most.
pub(super) const ELEMENTS: usize = 8000;

/// A graph and what goes in.
struct Case {
    graph: Graph,
    inputs: Vec<(Array, Layout)>,
}

impl Case {
    /// Of a program's graph whose first inputs have these types, the program's own with or without lanes.
    fn new(program: &Program, graph: Graph, types: &[TensorType]) -> Self {
        let mut inputs: Vec<(Array, Layout)> = Vec::new();
        for (input, ty) in program.inputs.iter().zip(types) {
            let twin = (0..inputs.len()).find(|&k| types[k] == *ty && input.data % 8 == 3);
            match twin {
                Some(k) => inputs.push((inputs[k].0.clone(), Layout::Same(k))),
                None => inputs.push((input.data(ty), input.layout())),
            }
        }
        Case { graph, inputs }
    }

    /// The values on an engine, laid out as they are to be.
    fn values(&self, engine: &'static dyn Engine) -> Values {
        let mut values = Values::new();
        for (array, layout) in &self.inputs {
            let layout = match layout {
                layout if layout.fits(array) => *layout,
                _ => Layout::Plain,
            };
            values.push(layout.place(engine, array, &values));
        }
        values
    }

    fn check(&self, engine: &'static dyn Engine) -> Result<(), String> {
        self.improved(engine, &passes::optimized)
    }

    fn improved(&self, engine: &'static dyn Engine, pass: &dyn Fn(&Graph) -> Graph) -> Result<(), String> {
        let graph = &self.graph;
        let expected = Expected::of(engine, graph, self.values(engine), strictness(graph));
        let optimized = Arc::new(pass(graph));
        let error = |what: &str, e: String| format!("{what}: {e}\n{graph}\n{}", self.describe());
        // Held by somebody else: what goes in stays as it is.
        let shared = self.values(engine);
        same(&expected, &run(engine, &optimized, shared.clone())).map_err(|e| error("shared inputs", e))?;
        for (i, (value, (array, _))) in shared.iter().zip(&self.inputs).enumerate() {
            if bits_of(&value.array("input")) != bits_of(array) {
                return Err(error("shared inputs", format!("input {i} was overwritten")));
            }
        }
        drop(shared);
        same(&expected, &run(engine, &optimized, self.values(engine)))
            .map_err(|e| error("moved inputs", e))?;
        // Without what improves graphs, as one call.
        let plain = Arc::new(graph.clone());
        same(&expected, &run(engine, &plain, self.values(engine))).map_err(|e| error("as it is", e))
    }

    /// The inputs in words.
    fn describe(&self) -> String {
        let mut text = String::new();
        for (i, (array, layout)) in self.inputs.iter().enumerate() {
            let shown: Vec<String> =
                (0..array.ty().elements().min(6)).map(|k| crate::tolerance::element(array, k)).collect();
            let _ = writeln!(text, "input {i}: {} {layout:?}, [{} ..]", array.ty(), shown.join(", "));
        }
        text
    }
}

/// As one operation, the way `jit` runs it.
fn run(engine: &'static dyn Engine, graph: &Arc<Graph>, inputs: Values) -> Values {
    let outputs: Vec<TensorType> = graph.output_types().cloned().collect();
    let call = Call { graph: graph.clone(), rule: Rule::Through(Policy::Everything) };
    engine.execute(Step { op: &Op::Call(Arc::new(call)), outputs: &outputs, at: at::caller() }, inputs)
}

pub(super) fn types(graph: &Graph) -> Vec<TensorType> {
    graph.input_types().cloned().collect()
}

pub(super) fn symbols(types: &[TensorType]) -> Vec<Value> {
    types.iter().map(|ty| argument(Trace::ENGINE, ty.clone(), Trace::ENGINE.device(None))).collect()
}

/// Whether an engine has as many devices as a program asks for.
fn has_devices(engine: &'static dyn Engine) -> bool {
    engine.device(None).kind == "cpu"
}

fn recorded(engine: &'static dyn Engine, program: &Program) -> Graph {
    let devices = has_devices(engine);
    program.record(Allowed { irreversible: true, lanes: None, devices, elements: ELEMENTS })
}

/// The program.
pub fn forward(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let graph = recorded(engine, program);
    let types = types(&graph);
    Case::new(program, graph, &types).check(engine)
}

/// The program, improved by a pass of one's own.
pub fn improved(
    engine: &'static dyn Engine,
    program: &Program,
    pass: &dyn Fn(&Graph) -> Graph,
) -> Result<(), String> {
    let graph = recorded(engine, program);
    let types = types(&graph);
    Case::new(program, graph, &types).improved(engine, pass)
}

/// The comparison alone: noise that is not among the oracle's own passes as close.
pub fn tolerance(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let graph = recorded(engine, program);
    let types = types(&graph);
    let case = Case::new(program, graph, &types);
    let inputs = case.values(engine);
    let expected = Expected::of(engine, &case.graph, inputs.clone(), Compare::Close);
    let other = unfused(engine, &case.graph, inputs, Some(&Noise::of("another order", 1.0)));
    same(&expected, &other).map_err(|e| format!("{e}\n{}\n{}", case.graph, case.describe()))
}

/// What a program that is differentiated may hold.
pub(super) fn reversible(lanes: Option<usize>, devices: bool) -> Allowed {
    Allowed { irreversible: false, lanes, devices, elements: ELEMENTS / 4 }
}

/// Outputs, and cotangents of the inputs for the sum of all outputs of floats, or for any cotangents of them.
pub(super) fn backward(program: &Program, lanes: Option<usize>, devices: bool) -> Graph {
    let graph = program.record(reversible(lanes, devices));
    let joint = graph.vjp();
    let x = symbols(&types(&graph));
    let floats: Vec<TensorType> = graph.output_types().filter(|ty| ty.dtype.is_float()).cloned().collect();
    let one =
        |ty: &TensorType| Value::create(Trace::ENGINE, Op::Full { number: Number::Int(1), ty: ty.clone() });
    let data = |ty: &TensorType| {
        // Numbers that differ: 0, 1, 2, .. along the last axis.
        let Some(axis) = ty.rank().checked_sub(1) else { return one(ty) };
        Value::create(Trace::ENGINE, Op::Iota { ty: ty.clone(), axis })
    };
    let sum = program.choice.is_multiple_of(2);
    let cotangents = floats.iter().map(|ty| if sum { one(ty) } else { data(ty) });
    let results = joint.replay(Trace::ENGINE, x.iter().cloned().chain(cotangents).collect());
    extract(&x, &results).0
}

/// The program's gradient.
pub fn gradient(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let graph = backward(program, None, has_devices(engine));
    let types = types(&graph);
    Case::new(program, graph, &types).check(engine)
}

/// How many lanes a program runs for.
fn lanes(program: &Program) -> usize {
    [3, 2, 3, 1, 3, 2, 3, 0][program.choice as usize % 8]
}

/// A graph for all lanes at once; inputs that are not batched are shared.
fn batched(program: &Program, graph: &Graph, size: usize) -> Graph {
    let on = Batched::<Trace>::ENGINE;
    let frame = Frame::new(size, Some("i".into()));
    let below = |(i, ty): (usize, TensorType)| match program.inputs[i].batched {
        true => ty.with_shape(ty.shape.insert(0, size)),
        false => ty,
    };
    let given: Vec<TensorType> = types(graph).into_iter().enumerate().map(below).collect();
    let x = symbols(&given);
    let enter = |(i, x): (usize, &Value)| match program.inputs[i].batched {
        true => frame.enter::<Trace>(x.clone()),
        false => Batched::<Trace>::lift(x.clone()),
    };
    let inputs: Values = x.iter().enumerate().map(enter).collect();
    let results = frame.run::<Trace, _>(|| graph.replay(on, inputs));
    let results: Vec<Value> = results.into_iter().map(|y| frame.leave(y).0).collect();
    extract(&x, &results).0
}

/// The program for many lanes at once.
pub fn vmap(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let size = lanes(program);
    let devices = has_devices(engine);
    let allowed = Allowed { irreversible: true, lanes: Some(size), devices, elements: ELEMENTS / 4 };
    let graph = batched(program, &program.record(allowed), size);
    let types = types(&graph);
    Case::new(program, graph, &types).check(engine)
}

/// The program's gradient for many lanes at once.
pub fn vmap_of_gradient(engine: &'static dyn Engine, program: &Program) -> Result<(), String> {
    let size = lanes(program);
    let graph = backward(program, Some(size), has_devices(engine));
    let graph = batched(program, &graph, size);
    let types = types(&graph);
    Case::new(program, graph, &types).check(engine)
}

/// The kinds of operations in a program's graph, and in the graphs that it holds.
pub fn kinds(program: &Program) -> BTreeSet<OpKind> {
    fn visit(graph: &Graph, found: &mut BTreeSet<OpKind>) {
        for e in graph.equations() {
            found.insert(e.op.kind());
            e.op.graphs().into_iter().for_each(|inner| visit(inner, found));
        }
    }
    let mut found = BTreeSet::new();
    let allowed =
        Allowed { irreversible: true, lanes: Some(lanes(program)), devices: true, elements: ELEMENTS };
    visit(&program.record(allowed), &mut found);
    found
}

thread_local! { static QUIET: Cell<bool> = const { Cell::new(false) }; }

/// What `f` gives, or its panic, of which nothing is printed: shrinking goes through many.
fn quietly<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                hook(panic)
            }
        }));
    });
    let before = QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(f));
    QUIET.set(before);
    result
}

/// Holds so many programs to a property, the same ones every time; panics with the smallest that fails.
///
/// `GAUNTLET_CASES` is another number of programs; `GAUNTLET_SEED` (a number) chooses other ones.
#[track_caller]
pub fn check(cases: u32, mut property: impl FnMut(&Program) -> Result<(), String>) {
    let number = |name: &str| std::env::var(name).ok().and_then(|v| v.parse::<u64>().ok());
    let cases = number("GAUNTLET_CASES").map_or(cases, |n| n as u32);
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number("GAUNTLET_SEED").unwrap_or(0).to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 3000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let property = RefCell::new(&mut property);
    let result = runner.run(&programs(14), |program| {
        let result = quietly(|| (property.borrow_mut())(&program));
        let result = result.unwrap_or_else(|panic| {
            let graph = quietly(|| recorded(Trace::ENGINE, &program).to_string());
            Err(format!("panicked: {}\n{}", message(&*panic), graph.unwrap_or_default()))
        });
        result.map_err(TestCaseError::fail)
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, program)) => panic!("{why}\n{program:?}"),
        Err(TestError::Abort(why)) => panic!("given up: {why}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_program_is_its_input() {
        let input = super::super::program::Input { shape: 1, dtype: 0, layout: 0, data: 0, batched: false };
        let program = Program { inputs: vec![input], instructions: vec![], outputs: vec![0], choice: 0 };
        let graph = recorded(Trace::ENGINE, &program);
        assert!(graph.equations().is_empty() && graph.outputs().len() == 2, "{graph}");
    }
}
