//! The one entry point: each operation to its family's kernels.
//!
//! Execution queues and returns. What a device cannot hold is an error before anything is launched, and only reading waits.

use crate::client::Client;
use crate::data::{self, Storage};
use crate::fused;
use crate::host;
use crate::kernels::{
    Queue, cast, control, conv, create, cumulative, dot, fft, gather, linalg, random, reduce, remainder,
    scatter, select, shape, slice, sort, window,
};
use crate::platform::{Platform, chosen, client};
use crate::programs::Single;
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::axis;
use plywood_core::op::{Binary, Linalg, Random, SpecialFunction};
use plywood_core::{Array, DType, Device, Error, Op, Step, TensorType, Value, Values};
use plywood_multi_device::{MultiDevice, collective, lies_on};
use smallvec::smallvec;

/// Executes one operation on the device of its inputs, or the first one. Programs on many devices run on theirs, and data that are on
/// their way are waited for by what computes with them.
pub fn execute<P: Platform>(step: Step<'_>, x: Values) -> Values {
    match step.op {
        Op::Pmap(p) => return MultiDevice::<P>::execute(step, p, x),
        Op::Collective(c) => {
            let values = collective(P::ENGINE, step, x);
            return values.unwrap_or_else(|| panic!("{}, at {}", axis::unbound(c.name(), &c.axis), step.at));
        }
        _ => {}
    }
    let index = x.first().map_or(chosen(), |x| x.device().index);
    if let Some(other) = x.iter().find(|x| x.device().index != index) {
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
        panic!(
            "{}: {} has no {dtype}; it has {}, at {}",
            step.op.name(),
            client.device,
            has.join(", "),
            step.at
        );
    }
}

fn on<R: Runtime>(queue: &Queue<'static, R>, step: Step<'_>, mut x: Values) -> Values {
    let Step { op, outputs, at: _ } = step;
    if is_hosts(queue, op, outputs) {
        return host::execute(queue, step, x);
    }
    // Those that may have no results.
    match op {
        Op::Call(c) => return fused::call(queue, &c.graph, x),
        Op::Scan(s) => return control::scan(queue, outputs, x, s),
        Op::While(w) => return control::while_loop(queue, x, w),
        Op::Cond(c) => return control::cond(queue, x, c),
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
        Op::DynamicSlice { sizes: _ } => slice::dynamic_slice(queue, ty, x),
        Op::DynamicUpdate => slice::dynamic_update(queue, ty, x),
        Op::Gather(g) => gather::gather(queue, ty, x, g),
        Op::Scatter(s) => scatter::scatter(queue, ty, x, s),
        Op::Pad { padding } => slice::pad(queue, ty, x, padding),
        Op::Concatenate { axis } => slice::concatenate(queue, ty, x, *axis),
        Op::Reduce { kind, axes } => reduce::reduce(queue, ty, only(), *kind, axes),
        Op::ArgReduce { kind, axis, dtype: _ } => reduce::arg_reduce(queue, ty, only(), *kind, *axis),
        Op::Sort { axis, keys } => return sort::sort(queue, outputs, x, *axis, *keys),
        Op::TopK { k, axis } => return sort::top_k(queue, outputs, &x[0], *k, *axis),
        Op::Cumulative { kind, axis, reverse } =>
            cumulative::cumulative(queue, ty, only(), *kind, *axis, *reverse),
        Op::Dot(d) => dot::dot(queue, ty, x, d),
        Op::Conv(c) => conv::conv(queue, ty, x, c),
        Op::Window { kind, window: w } => window::window(queue, ty, only(), *kind, w),
        Op::Full { number, ty: _ } => queue.number(ty.clone(), views::element(*number, ty.dtype)),
        Op::Iota { ty: _, axis } => create::iota(queue, ty, *axis),
        Op::Constant(array) => queue.upload(array),
        Op::StopGradient | Op::Name { .. } => only(),
        Op::Random(r) => random::random(queue, ty, &x, r),
        Op::Fft { kind, sizes } => return fft::fft(queue, outputs, x, *kind, sizes),
        Op::Linalg(l) => return linalg::linalg(queue, outputs, x, *l),
        Op::Special(s) => unreachable!("{} is the host's", s.function.name()),
        Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Collective(_) | Op::Pmap(_) => {
            unreachable!("they returned above")
        }
    }]
}

/// Whether an operation goes over the host, for good (see `docs/gpu.md`).
fn is_hosts<R: Runtime>(queue: &Queue<'_, R>, op: &Op, outputs: &[TensorType]) -> bool {
    match op {
        Op::Random(r) => match r {
            Random::Gamma { .. } | Random::Poisson { .. } => true,
            Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } => false,
            Random::Split { .. } | Random::FoldIn => false,
        },
        Op::Linalg(l) => match l {
            Linalg::Qr { .. } | Linalg::Eigh | Linalg::Svd { .. } => true,
            Linalg::Cholesky | Linalg::Lu | Linalg::Det => false,
            Linalg::TriangularSolve { .. } | Linalg::Solve { .. } => false,
        },
        Op::Special(s) => match s.function {
            SpecialFunction::Digamma | SpecialFunction::Betainc => true,
            SpecialFunction::Igamma | SpecialFunction::Igammac => true,
        },
        Op::Fft { kind: _, sizes } => !fft::has_kernels(queue, outputs[0].dtype, sizes),
        Op::Unary(_)
        | Op::IntegerPow { .. }
        | Op::ReducePrecision { .. }
        | Op::Binary(_)
        | Op::Bits(_)
        | Op::Compare(_)
        | Op::Select
        | Op::Clamp
        | Op::Cast { .. }
        | Op::Bitcast { .. }
        | Op::Reshape { .. }
        | Op::Transpose { .. }
        | Op::Broadcast { .. }
        | Op::Reverse { .. }
        | Op::Slice(_)
        | Op::DynamicSlice { .. }
        | Op::DynamicUpdate
        | Op::Pad { .. }
        | Op::Concatenate { .. }
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Reduce { .. }
        | Op::ArgReduce { .. }
        | Op::Sort { .. }
        | Op::TopK { .. }
        | Op::Cumulative { .. }
        | Op::Dot(_)
        | Op::Conv(_)
        | Op::Window { .. }
        | Op::Full { .. }
        | Op::Iota { .. }
        | Op::Constant(_)
        | Op::StopGradient
        | Op::Name { .. }
        | Op::Call(_)
        | Op::Scan(_)
        | Op::While(_)
        | Op::Cond(_)
        | Op::Collective(_)
        | Op::Pmap(_) => false,
    }
}

/// Of two operands: formulas, but for what the language of formulas lacks.
fn binary<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, op: Binary) -> Value {
    let dtype = ty.dtype;
    match op {
        Binary::Div if dtype.is_integer() => remainder::quotient(queue, ty, x),
        Binary::Rem => remainder::remainder(queue, ty, x),
        Binary::NextAfter => queue.map(Single::NextAfter(dtype), ty, &x),
        Binary::Add
        | Binary::Sub
        | Binary::Mul
        | Binary::Div
        | Binary::Pow
        | Binary::Atan2
        | Binary::Max
        | Binary::Min => queue.map(Single::Binary(op, dtype), ty, &x),
    }
}

/// The data of a value, on the host.
pub fn read<P: Platform>(value: &Value) -> Result<Array, Error> {
    let client = client::<P>(data::data(value).device)?;
    Queue { client, engine: P::ENGINE }.read(value)
}

/// Waits until these values are computed.
pub fn eval<P: Platform>(values: &[Value]) -> Result<(), Error> {
    let mut devices: Vec<Device> = values.iter().flat_map(lies_on).collect();
    devices.sort();
    devices.dedup();
    devices.into_iter().try_for_each(|device| client::<P>(device.index)?.wait())
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
