//! The batching rules: for each operation, how it is done for all lanes at once.
//!
//! A rule gets values of the engine below, each with the lanes as its first axis or the same for all lanes, at least one
//! of the former; and gives such values. What is the same for all stays so wherever a rule can leave it: repeating it
//! (a view, on a CPU) is the last resort.

mod call;
mod cast;
mod collective;
mod control;
mod conv;
mod dot;
mod fft;
mod gather;
mod linalg;
mod pmap;
mod random;
mod reduce;
mod scatter;
mod shape;
mod slice;
mod sort;
mod window;

use crate::frame::{Frame, repeated};
use plywood_core::at::At;
use plywood_core::op::Types;
use plywood_core::shape::Axes;
use plywood_core::{Engine, Op, Step, TensorType, Value, Values};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// A value of the engine below.
pub(crate) struct Arg {
    pub value: Value,
    /// Whether its first axis is the lanes'; otherwise it is the same for all.
    pub batched: bool,
}

/// Inputs or outputs of a rule.
pub(crate) type Args = SmallVec<[Arg; 3]>;

impl Arg {
    /// With the lanes as its first axis.
    fn lanes(self, size: usize) -> Value {
        if self.batched { self.value } else { repeated(self.value, size) }
    }

    /// How many axes one lane sees.
    fn rank(&self) -> usize {
        self.value.rank() - usize::from(self.batched)
    }
}

fn batched(value: Value) -> Args {
    smallvec![Arg { value, batched: true }]
}

fn same(value: Value) -> Args {
    smallvec![Arg { value, batched: false }]
}

/// The lanes, and what is known of the operation.
pub(crate) struct Batch<'a> {
    pub frame: &'a Arc<Frame>,
    pub below: &'static dyn Engine,
    /// The types of the outputs, as one lane sees them.
    pub outputs: &'a [TensorType],
    pub at: At,
}

impl Batch<'_> {
    fn size(&self) -> usize {
        self.frame.size()
    }

    /// Executes an operation below.
    pub fn run(&self, op: &Op, inputs: Values) -> Values {
        let types: Types = op.infer(&inputs.iter().map(Value::ty).collect::<SmallVec<[&TensorType; 8]>>());
        self.below.execute(Step { op, outputs: &types, at: self.at }, inputs)
    }

    /// Executes an operation below whose first axis is the lanes', of inputs and outputs alike.
    fn all(&self, op: &Op, x: Args) -> Args {
        let inputs = x.into_iter().map(|x| x.lanes(self.size())).collect();
        self.run(op, inputs).into_iter().map(|value| Arg { value, batched: true }).collect()
    }
}

/// Axes behind the lanes'.
fn up(axes: &[usize]) -> Axes {
    axes.iter().map(|d| d + 1).collect()
}

/// The lanes' axis in front of others.
fn led(first: usize, rest: &[usize]) -> Axes {
    std::iter::once(first).chain(rest.iter().copied()).collect()
}

/// The operation for all lanes.
pub(crate) fn apply(op: &Op, b: &Batch<'_>, x: Args) -> Args {
    match op {
        // Element by element.
        Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } | Op::Binary(_) | Op::Bits(_) => {
            b.all(op, x)
        }
        Op::Compare(_) | Op::Select | Op::Clamp | Op::Cast { .. } | Op::Special(_) => b.all(op, x),
        Op::StopGradient | Op::Name { .. } => b.all(op, x),
        Op::Bitcast { .. } => cast::bitcast(op, b, x),
        Op::Reshape { shape } => shape::reshape(shape, b, x),
        Op::Transpose { permutation } => shape::transpose(permutation, b, x),
        Op::Broadcast { shape, axes } => shape::broadcast(shape, axes, b, x),
        Op::Reverse { axes } => shape::reverse(axes, b, x),
        Op::Slice(s) => slice::slice(s, b, x),
        Op::DynamicSlice { sizes } => slice::dynamic_slice(sizes, b, x),
        Op::DynamicUpdate => slice::dynamic_update(b, x),
        Op::Pad { padding } => slice::pad(padding, b, x),
        Op::Concatenate { axis } => slice::concatenate(*axis, b, x),
        Op::Gather(g) => gather::gather(g, b, x),
        Op::Scatter(s) => scatter::scatter(s, b, x),
        Op::Reduce { kind, axes } => reduce::reduce(*kind, axes, b, x),
        Op::ArgReduce { kind, axis, dtype } => reduce::arg_reduce(*kind, *axis, *dtype, b, x),
        Op::Cumulative { kind, axis, reverse } => reduce::cumulative(*kind, *axis, *reverse, b, x),
        Op::Sort { axis, keys } => sort::sort(*axis, *keys, b, x),
        Op::TopK { k, axis } => sort::top_k(*k, *axis, b, x),
        Op::Dot(d) => dot::dot(d, b, x),
        Op::Conv(c) => conv::conv(c, b, x),
        Op::Window { kind, window } => window::window(*kind, window, b, x),
        Op::Fft { .. } => fft::fft(op, b, x),
        Op::Linalg(l) => linalg::linalg(*l, b, x),
        Op::Random(r) => random::random(r, b, x),
        Op::Call(c) => call::call(c, b, x),
        Op::Scan(s) => control::scan(s, b, x),
        Op::While(w) => control::while_loop(w, b, x),
        Op::Cond(c) => control::cond(c, b, x),
        Op::Collective(c) => collective::collective(c, b, x),
        Op::Pmap(p) => pmap::pmap(p, b, x),
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) => {
            unreachable!("{op}: without inputs it is the same for all lanes")
        }
    }
}
