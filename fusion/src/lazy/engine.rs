//! The lazy engine: operations become nodes, reading runs them.
//!
//! What always holds: data from the host are on the device at once, so that no graph holds them and no key compares them; what a
//! value waits for is bounded ([`BOUND`]).

use super::collect::exceeds;
use super::{flush, node};
use crate::graphs;
use node::{Lazy, Work};
use plywood_core::at::At;
use plywood_core::{
    Array, Backend, Device, DeviceBackend, Engine, Error, Explanation, Graph, Layer, Op, Step, Value, Values,
};
use std::cell::Cell;
use std::marker::PhantomData;

/// An operation that waits for more than so many others runs at once, and they with it. A program that never reads would
/// otherwise put off everything. So many are enough that what is spent on a run as such does not count, and few enough that a
/// graph is optimised in milliseconds.
const BOUND: u64 = 4096;

thread_local! {
    /// The line where the bound was last reached.
    static REACHED: Cell<Option<At>> = const { Cell::new(None) };
}

/// Whether a new value of this line runs at once. Where the bound was reached before, half of it is enough: so a loop that reads
/// nothing is cut at the same line each time, into runs of the same structure. What nodes know is a bound from above, so when it
/// is reached the operations are counted; half as many are worth a run.
fn due(value: &Value, at: At) -> bool {
    let known = Lazy::of(value).node.lock().extent.operations;
    if known <= BOUND / 2 {
        return false;
    }
    let bound = if REACHED.get() == Some(at) { BOUND / 2 } else { BOUND };
    let due = known > bound && exceeds(value, bound / 2);
    if due {
        REACHED.set(Some(at));
    }
    due
}

/// The lazy backend over `B`: operations are put off, and run when a value is read, all that it depends on together. Runs of
/// element-wise operations become single kernels, and a program that repeats itself, such as a training loop, is planned once and
/// found by its structure from then on.
///
/// [`eval`](plywood_core::eval) computes many values at once. A loop should do that with its state in each step, if it reads
/// nothing; where it does not, what waits for more than 4096 operations is computed at once, wherever that is in a step. A value
/// that is put off keeps what it depends on.
///
/// ```
/// use plywood::prelude::*;
/// fn loss<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
///     (x.matmul(&w) - 1.0).square().mean()
/// }
/// let x = Tensor::<Fusion<Cpu>>::from([[1.0, 2.0], [3.0, 5.0]]);
/// let mut w = Tensor::zeros([2], DType::F64);
/// for _ in 0..10 {
///     let g = grad(loss)(w.clone(), x.clone());
///     w = w - 0.01 * g;
///     eval(&w);
/// }
/// assert_eq!(w.device().to_string(), "cpu:0");
/// println!("{w}, {:?}", Fusion::<Cpu>::stats());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fusion<B>(PhantomData<B>);

/// How the lazy backends stand, all of the process together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FusionStats {
    /// Graphs that ran.
    pub runs: u64,
    /// Those that had to be optimised and planned.
    pub plans: u64,
    /// Those that were found.
    pub hits: u64,
    /// Graphs that are kept to be found.
    pub kept: usize,
    /// Operations that are put off.
    pub pending: u64,
    /// Values that somebody holds, operations that are put off among them.
    pub values: u64,
}

impl<B: Backend> Fusion<B> {
    /// How the lazy backends stand, all of the process together.
    ///
    /// ```
    /// use plywood::prelude::*;
    /// let x = Tensor::<Fusion<Cpu>>::from([1.0, 2.0]);
    /// let y = (&x * 2.0).sin();
    /// assert!(Fusion::<Cpu>::stats().pending > 0);
    /// let before = Fusion::<Cpu>::stats().runs;
    /// y.to_vec::<f64>();
    /// assert!(Fusion::<Cpu>::stats().runs > before);
    /// ```
    pub fn stats() -> FusionStats {
        let graphs::Counts { plans, hits, kept } = graphs::counts();
        let (pending, values) = node::counts();
        FusionStats { runs: plans + hits, plans, hits, kept, pending, values }
    }
}

impl<B: Backend> Backend for Fusion<B> {
    const ENGINE: &'static dyn Engine = &Fusion::<B>(PhantomData);
}

impl<B: Backend> Layer for Fusion<B> {
    type Inner = B;
    fn lift(inner: Value) -> Value {
        node::done(Self::ENGINE, inner)
    }
}

impl<B: DeviceBackend> DeviceBackend for Fusion<B> {
    fn devices() -> Vec<Device> {
        B::devices()
    }
    fn to_device(value: Value, device: Device) -> Result<Value, Error> {
        let inner = computed(B::ENGINE, &value)?;
        drop(value);
        B::to_device(inner, device).map(Self::lift)
    }
}

impl<B: Backend> Engine for Fusion<B> {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        execute(self, B::ENGINE, step, inputs)
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        computed(B::ENGINE, value)?.read()
    }
    fn eval(&'static self, values: &[Value]) -> Result<(), Error> {
        flush::flush(B::ENGINE, values)
    }
    fn device(&'static self, value: Option<&Value>) -> Device {
        value.map_or_else(|| B::ENGINE.device(None), |x| Lazy::of(x).node.device)
    }
    fn name(&self) -> String {
        format!("Fusion<{}>", B::ENGINE.name())
    }
    /// Of the graph alone: what else is put off runs together with it.
    fn explain(&self, graph: &Graph) -> Option<Explanation> {
        B::ENGINE.explain(graph)
    }
}

fn execute(this: &'static dyn Engine, below: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    match step.op {
        // Nothing would be gained, and the graph would hold the data.
        Op::Constant(_) => at_once(this, below, step, Values::new()),
        // It speaks of what is in scope now.
        Op::Collective(_) => match flush::flush(below, &inputs) {
            Ok(()) => {
                let inner = |x: &Value| Lazy::of(x).done().expect("it was computed");
                let values = inputs.iter().map(inner).collect();
                drop(inputs);
                at_once(this, below, step, values)
            }
            Err(e) => panic!("{}, at {}: {e}", step.op.name(), step.at),
        },
        _ if step.outputs.is_empty() => Values::new(),
        _ => {
            let device = inputs.first().map_or_else(|| below.device(None), |x| Lazy::of(x).node.device);
            let work = Work {
                op: step.op.clone(),
                inputs,
                types: step.outputs.iter().cloned().collect(),
                at: step.at,
            };
            let outputs = node::pending(this, device, work);
            if due(&outputs[0], step.at)
                && let Err(e) = flush::flush(below, &outputs)
            {
                panic!("{}, at {}: {e}", step.op.name(), step.at)
            }
            outputs
        }
    }
}

fn at_once(this: &'static dyn Engine, below: &'static dyn Engine, step: Step<'_>, inputs: Values) -> Values {
    below.execute(step, inputs).into_iter().map(|y| node::done(this, y)).collect()
}

/// The value below.
fn computed(below: &'static dyn Engine, value: &Value) -> Result<Value, Error> {
    let lazy = Lazy::of(value);
    if let Some(value) = lazy.done() {
        return Ok(value);
    }
    flush::flush(below, std::slice::from_ref(value))?;
    Ok(lazy.done().expect("it was computed"))
}
