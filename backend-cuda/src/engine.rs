//! The one entry point: each operation to its family's kernels.
//!
//! Execution queues and returns. What a device cannot hold is an error before anything is launched, and only reading waits.

use crate::client::Client;
use crate::data::{self, Storage};
use crate::host;
use crate::kernels::{Queue, cast, conv, create, dot, random, reduce, remainder, select, shape, slice, window};
use crate::platform::{Platform, client};
use crate::programs::Single;
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::axis;
use plywood_core::control::interpret::{self, Runs};
use plywood_core::op::Binary;
use plywood_core::{Array, DType, Device, Engine, Error, Op, Step, TensorType, Value, Values};
use smallvec::smallvec;

/// Executes one operation on the device of its inputs, or the first one.
pub fn execute<P: Platform>(step: Step<'_>, x: Values) -> Values {
    let index = x.first().map_or(0, |x| data::data(x).device);
    if let Some(other) = x.iter().find(|x| data::data(x).device != index) {
        panic!("{}: operands on {} and {}, at {}", step.op.name(), x[0].device(), other.device(), step.at);
    }
    let client = client::<P>(index).unwrap_or_else(|e| panic!("{}: {e}, at {}", step.op.name(), step.at));
    has_dtypes(client, step, &x);
    on(&Queue { client, engine: P::ENGINE }, step, x)
}

/// Refuses what the device lacks.
fn has_dtypes<R: Runtime>(client: &Client<R>, step: Step<'_>, x: &Values) {
    let inputs = x.iter().map(|x| x.dtype());
    let lacks = |dtype: &DType| !client.facts.dtypes.contains(dtype);
    if let Some(dtype) = inputs.chain(step.outputs.iter().map(|ty| ty.dtype)).find(lacks) {
        let has: Vec<String> = client.facts.dtypes.iter().map(|d| d.to_string()).collect();
        panic!("{}: {} has no {dtype}; it has {}, at {}", step.op.name(), client.device, has.join(", "), step.at);
    }
}

fn on<R: Runtime>(queue: &Queue<'_, R>, step: Step<'_>, mut x: Values) -> Values {
    let Step { op, outputs, at: _ } = step;
    // Those that may have no results.
    match op {
        Op::Call(c) => return c.graph.replay(queue.engine, x),
        Op::Scan(s) => return interpret::scan(&Bodies(queue.engine), outputs, x, s),
        Op::While(w) => return interpret::while_loop(&Bodies(queue.engine), x, w),
        Op::Cond(c) => return interpret::cond(&Bodies(queue.engine), x, c),
        Op::Collective(c) => panic!("{}, at {}", axis::unbound(c.name(), &c.axis), step.at),
        _ => {}
    }
    let ty = outputs[0].clone();
    let dtype = x.first().map_or(ty.dtype, |x| x.dtype());
    let mut only = || x.pop().expect("the shape rule counted the inputs");
    smallvec![match op {
        Op::Unary(unary) => queue.map(Single::Unary(*unary, dtype), ty, &x),
        Op::IntegerPow { exponent } => queue.map(Single::IntegerPow(*exponent, dtype), ty, &x),
        Op::Binary(b) => binary(queue, ty, x, *b),
        Op::ReducePrecision { exponent_bits, mantissa_bits } => {
            queue.map(Single::ReducePrecision(*exponent_bits, *mantissa_bits, dtype), ty, &x)
        }
        Op::Bits(bits) => queue.map(Single::Bits(*bits, dtype), ty, &x),
        Op::Compare(compare) => queue.map(Single::Compare(*compare, dtype), ty, &x),
        Op::Select => select::select(queue, ty, x),
        Op::Clamp => queue.map(Single::Clamp(dtype), ty, &x),
        Op::Cast { dtype: _ } => cast::cast(queue, ty, only()),
        Op::Bitcast { dtype: _ } => cast::bitcast(queue, ty, only()),
        Op::Reshape { shape: _ } => shape::reshape(queue, ty, only()),
        Op::Transpose { permutation } => shape::transpose(queue, ty, only(), permutation),
        Op::Broadcast { shape: _, axes } => shape::broadcast(queue, ty, only(), axes),
        Op::Reverse { axes } => shape::reverse(queue, ty, only(), axes),
        Op::Slice(s) => shape::slice(queue, ty, only(), s),
        Op::Pad { padding } => slice::pad(queue, ty, x, padding),
        Op::Concatenate { axis } => slice::concatenate(queue, ty, x, *axis),
        Op::Reduce { kind, axes } => reduce::reduce(queue, ty, only(), *kind, axes),
        Op::ArgReduce { kind, axis, dtype: _ } => reduce::arg_reduce(queue, ty, only(), *kind, *axis),
        Op::Dot(d) => dot::dot(queue, ty, x, d),
        Op::Conv(c) => conv::conv(queue, ty, x, c),
        Op::Window { kind, window: w } => window::window(queue, ty, only(), *kind, w),
        Op::Full { number, ty: _ } => queue.number(ty.clone(), views::element(*number, ty.dtype)),
        Op::Iota { ty: _, axis } => create::iota(queue, ty, *axis),
        Op::Constant(array) => queue.upload(array),
        Op::StopGradient | Op::Name { .. } => only(),
        Op::Random(r) => match random::random(queue, ty, &x, r) {
            Some(y) => y,
            None => return host::execute(queue, step, x),
        },
        Op::DynamicSlice { .. }
        | Op::DynamicUpdate
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Sort { .. }
        | Op::TopK { .. }
        | Op::Cumulative { .. }
        | Op::Fft { .. }
        | Op::Linalg(_)
        | Op::Special(_) => return host::execute(queue, step, x),
        Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Collective(_) => {
            unreachable!("they returned above")
        }
    }]
}

/// Of two operands: formulas, but for what the language of formulas lacks.
fn binary<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, op: Binary) -> Value {
    let dtype = ty.dtype;
    match op {
        Binary::Div if dtype.is_integer() => remainder::quotient(queue, ty, x),
        Binary::Rem => remainder::remainder(queue, ty, x),
        Binary::NextAfter => queue.map(Single::NextAfter(dtype), ty, &x),
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Pow | Binary::Atan2 | Binary::Max | Binary::Min => {
            queue.map(Single::Binary(op, dtype), ty, &x)
        }
    }
}

/// The data of a value, on the host.
pub fn read<P: Platform>(value: &Value) -> Result<Array, Error> {
    let client = client::<P>(data::data(value).device)?;
    Queue { client, engine: P::ENGINE }.read(value)
}

/// Waits until these values are computed.
pub fn eval<P: Platform>(values: &[Value]) -> Result<(), Error> {
    let mut devices: Vec<usize> = values.iter().map(|x| data::data(x).device).collect();
    devices.sort();
    devices.dedup();
    devices.into_iter().try_for_each(|index| client::<P>(index)?.wait())
}

/// The value's data on that device: by way of the host.
pub fn to_device<P: Platform>(value: Value, device: Device) -> Result<Value, Error> {
    let unknown = || Error::UnknownDevice { device, available: P::devices() };
    if device.kind != P::KIND {
        return Err(unknown());
    }
    let client = client::<P>(device.index)?;
    let from = data::data(&value);
    if from.device == device.index {
        return Ok(value);
    }
    let queue = Queue { client, engine: P::ENGINE };
    match &from.storage {
        Storage::Number(bytes) => Ok(queue.number(value.ty().clone(), *bytes)),
        Storage::Device(_) => Ok(queue.upload(&read::<P>(&value)?)),
    }
}

/// Bodies of loops, run from the host.
struct Bodies(&'static dyn Engine);

impl Runs for Bodies {
    fn engine(&self) -> &'static dyn Engine {
        self.0
    }
}
