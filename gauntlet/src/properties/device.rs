//! A device gives what the CPU gives: operations with their inputs as every kind of view, derivatives, many lanes at once, and all of
//! these as one call, which the device may fuse.
//!
//! Data that only moves, integers and bools are equal. Arithmetic is as near as the device's is to IEEE's ([`Nearness`]).

use super::jvp::pushed;
use super::pullback::{data, directions, pullback, tensors};
use super::replay::{called, recorded};
use super::vmap::{of_lane, stacked};
use crate::bits::{bits_of, place};
use crate::tolerance::{Class, element, number};
use crate::{Layout, Sample, lanes};
use plywood_batching::{Batched, Frame};
use plywood_core::op::Pmap;
use plywood_core::record::extract;
use plywood_core::{Array, Backend, Dyn, Engine, Op, OpKind, Tensor, Trace, Value, Values};
use std::sync::Arc;

/// What of a sample is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The operation, for inputs of every layout.
    Forward,
    /// The pullback; the tangents, where there is none.
    Gradient,
    /// The operation and its pullback for several lanes.
    Vmap,
    /// The operation and its pullback as one call.
    Fused,
}

impl Part {
    /// All of them.
    pub const ALL: [Part; 4] = [Part::Forward, Part::Gradient, Part::Vmap, Part::Fused];
}

/// How a device's floats differ from IEEE's.
#[derive(Clone, Copy, Debug)]
pub struct Nearness {
    /// Units in the last place that a function of a few roundings may be off, beyond what the CPU may be.
    pub ulps: u64,
    /// Machine epsilons of the largest finite magnitude of the result, which pass too: where terms cancel. As many as a sample's
    /// class has, where that says more.
    pub epsilons: f64,
    /// Whether subnormal numbers may be taken for zero, so that neither they nor what is made of them is compared.
    pub flushes: bool,
    /// Whether a result that is not finite is compared only as such: infinities for NaN.
    pub finite: bool,
}

impl Nearness {
    /// A device with IEEE's arithmetic, whose compiler may fuse a product with a sum, and which adds in another order.
    pub const IEEE: Nearness = Nearness { ulps: 8, epsilons: 8.0, flushes: false, finite: false };

    /// Graphics: subnormals may be flushed, divisions and roots are not quite rounded, and infinities are not told from NaN.
    pub const GRAPHICS: Nearness = Nearness { ulps: 16, epsilons: 16.0, flushes: true, finite: true };
}

/// Compares a part of a sample on a device with the CPU.
pub fn device(
    engine: &'static dyn Engine,
    cpu: &'static dyn Engine,
    sample: &Sample,
    part: Part,
    near: Nearness,
) -> Result<(), String> {
    let mut plain = sample.clone();
    plain.inputs.iter_mut().for_each(|i| i.layout = Layout::Plain);
    let subnormal = subnormal(sample);
    let (there, plain_there) = (alone(engine, sample), alone(engine, &plain));
    let check = |got: &[Array], expected: &[Array], what: &str| {
        same(sample, got, expected, near, &subnormal).map_err(|e| format!("{what}: {e}"))
    };
    match part {
        Part::Forward => {
            let expected = plain.run(cpu);
            views(&there).iter().try_for_each(|variant| {
                check(&variant.run(engine), &expected, &format!("{:?}", variant.layouts()))
            })
        }
        Part::Gradient => {
            if !sample.smooth || sample.differentiable().is_empty() {
                return Ok(());
            }
            check(&gradient(engine, &there), &gradient(cpu, sample), "the derivative")
        }
        Part::Vmap => check(&vmapped(engine, &there), &vmapped(cpu, sample), "three lanes"),
        Part::Fused => {
            check(&fused(engine, &plain_there), &plain.run(cpu), "as one call")?;
            if !sample.smooth || sample.differentiable().is_empty() {
                return Ok(());
            }
            check(&fused_gradient(engine, &there), &gradient(cpu, sample), "the derivative as one call")
        }
    }
}

/// The sample, where it is of many devices: this one at all their places.
fn alone(engine: &'static dyn Engine, sample: &Sample) -> Sample {
    let mut sample = sample.clone();
    if let Op::Pmap(p) = &sample.op {
        let devices = Some(vec![engine.device(None); p.places()].into());
        sample.op = Op::Pmap(Arc::new(Pmap { devices, ..(**p).clone() }));
    }
    sample
}

/// The sample with its inputs as every kind of view; as one other kind, which the sample decides, where `GAUNTLET_VIEWS=one`.
fn views(sample: &Sample) -> Vec<Sample> {
    let mut all = sample.variants();
    if std::env::var("GAUNTLET_VIEWS").is_ok_and(|how| how == "one") && all.len() > 2 {
        let chosen = 1 + sample.key() as usize % (all.len() - 1);
        all = vec![all.swap_remove(0), all.swap_remove(chosen.min(all.len() - 1))];
    }
    all
}

/// The pullback at small cotangents, or the tangents.
fn gradient(engine: &'static dyn Engine, sample: &Sample) -> Vec<Array> {
    let along = directions_of(sample);
    let results = derivative::<Dyn>(sample, tensors(engine, &data(sample)), tensors(engine, &along));
    results.iter().map(|x| x.value().array("gradient")).collect()
}

fn directions_of(sample: &Sample) -> Vec<Array> {
    match sample.has_reverse_mode() {
        true => directions(&sample.name, &sample.outputs()),
        false => directions(&sample.name, &sample.types()),
    }
}

fn derivative<B: Backend>(sample: &Sample, x: Vec<Tensor<B>>, along: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    match sample.has_reverse_mode() {
        true => pullback(sample.op.clone(), x, along),
        false => pushed(sample.op.clone(), x, along),
    }
}

/// The operation for three lanes, which differ in all inputs.
fn vmapped(engine: &'static dyn Engine, sample: &Sample) -> Vec<Array> {
    let types = sample.types();
    let elements: usize = types.iter().map(|ty| ty.elements()).sum();
    // Of what has no inputs, lanes differ in nothing.
    if elements > 4000 || types.is_empty() {
        return Vec::new();
    }
    let x: Vec<Vec<Array>> = (0..3).map(|lane| of_lane(sample, lane)).collect();
    let frame = Frame::new(3, None);
    let inputs: Values = (0..types.len())
        .map(|i| {
            let slices: Vec<&Array> = x.iter().map(|x| &x[i]).collect();
            let whole = stacked(&slices, &types[i], 0);
            frame.enter::<Dyn>(Value::create(engine, Op::Constant(whole)))
        })
        .collect();
    let results = Dyn::with_engine(engine, || lanes::apply(Batched::<Dyn>::ENGINE, &sample.op, inputs));
    results.into_iter().map(|y| frame.leave(y).0.array("vmap")).collect()
}

/// The operation as one call.
fn fused(engine: &'static dyn Engine, plain: &Sample) -> Vec<Array> {
    let arguments = recorded(&plain.types());
    let outputs = plain.apply(Trace::ENGINE, arguments.iter().cloned().collect());
    let (graph, _) = extract(&arguments, &outputs);
    called(engine, graph, plain.values(engine))
}

/// The derivative as one call.
fn fused_gradient(engine: &'static dyn Engine, sample: &Sample) -> Vec<Array> {
    let along = directions_of(sample);
    let types: Vec<_> = along.iter().map(Array::ty).collect();
    let (x, ct) = (recorded(&sample.types()), recorded(&types));
    let branded = |values: &[Value]| values.iter().cloned().map(Tensor::<Trace>::of).collect::<Vec<_>>();
    let results = derivative::<Trace>(sample, branded(&x), branded(&ct));
    let results: Vec<Value> = results.into_iter().map(Tensor::into_value).collect();
    let (graph, _) = extract(&x.into_iter().chain(ct).collect::<Vec<_>>(), &results);
    let inputs = tensors(engine, &[data(sample), along].concat());
    called(engine, graph, inputs.into_iter().map(Tensor::into_value).collect())
}

/// Where an input has a subnormal number, in an output of the same shape; anywhere, where shapes differ.
fn subnormal(sample: &Sample) -> (Vec<bool>, bool) {
    let mut at = Vec::new();
    for input in sample.inputs.iter().map(|i| &i.data).filter(|a| a.dtype().is_float()) {
        let n = input.shape().elements();
        at.resize(at.len().max(n), false);
        (0..n).filter(|&i| is_subnormal(input, i)).for_each(|i| at[i] = true);
    }
    let any = at.contains(&true);
    (at, any)
}

fn is_subnormal(array: &Array, i: usize) -> bool {
    use plywood_core::DType;
    let x = number(array, i).abs();
    let least = match array.dtype() {
        DType::F64 => f64::MIN_POSITIVE,
        DType::F16 => 2f64.powi(-14),
        _ => f32::MIN_POSITIVE as f64,
    };
    x > 0.0 && x < least
}

/// Whether results agree.
fn same(
    sample: &Sample,
    got: &[Array],
    expected: &[Array],
    near: Nearness,
    (subnormal, any): &(Vec<bool>, bool),
) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{} results, not {}", got.len(), expected.len()));
    }
    let elementwise = matches!(
        sample.op.kind(),
        OpKind::Unary
            | OpKind::IntegerPow
            | OpKind::ReducePrecision
            | OpKind::Binary
            | OpKind::Compare
            | OpKind::Cast
            | OpKind::Clamp
            | OpKind::Select
            | OpKind::Special
    );
    for (got, expected) in got.iter().zip(expected) {
        if got.ty() != expected.ty() {
            return Err(format!("got {}, not {}", got.ty(), expected.ty()));
        }
        let (a, b) = (bits_of(got), bits_of(expected));
        let dtype = got.dtype();
        let floats = dtype.is_float();
        let largest = match floats {
            true => {
                (0..b.len()).map(|i| number(expected, i).abs()).filter(|x| x.is_finite()).fold(0.0, f64::max)
            }
            false => 0.0,
        };
        let extra = match sample.class {
            Class::Exact | Class::Equal => 0,
            Class::Ulps(n) => n as u64,
            Class::Norm(_) | Class::Sum { .. } => 64,
        };
        // Where terms cancel the CPU is no nearer to the truth than its own class says.
        let epsilons = match sample.class {
            Class::Norm(n) => near.epsilons.max(n as f64),
            Class::Exact | Class::Equal | Class::Ulps(_) | Class::Sum { .. } => near.epsilons,
        };
        let agrees = |i: usize| {
            if a[i] == b[i] {
                return true;
            }
            let lost = match elementwise {
                true => subnormal.get(i).copied().unwrap_or(*any),
                false => *any,
            };
            if near.flushes && lost {
                return true;
            }
            if !floats {
                return false;
            }
            let (x, y) = (number(got, i), number(expected, i));
            if near.finite && !x.is_finite() && !y.is_finite() {
                return true;
            }
            let (Some(p), Some(q)) = (place(dtype, a[i]), place(dtype, b[i])) else {
                return x.is_nan() && y.is_nan();
            };
            let tiny = |array: &Array, x: f64| x == 0.0 || is_subnormal(array, i);
            let epsilon = match dtype.size() {
                8 => f64::EPSILON,
                4 => f32::EPSILON as f64,
                _ => {
                    if dtype == plywood_core::DType::F16 {
                        2f64.powi(-10)
                    } else {
                        2f64.powi(-7)
                    }
                }
            };
            p.abs_diff(q) <= near.ulps + extra
                || (near.flushes && tiny(got, x) && tiny(expected, y))
                || (x - y).abs() <= epsilons * epsilon * largest
        };
        let wrong: Vec<usize> = (0..a.len()).filter(|&i| !agrees(i)).collect();
        if !wrong.is_empty() {
            let shown: Vec<String> = wrong
                .iter()
                .take(4)
                .map(|&i| format!("[{i}]: got {}, the CPU {}", element(got, i), element(expected, i)))
                .collect();
            return Err(format!(
                "{} of {} elements of {} differ: {}",
                wrong.len(),
                a.len(),
                got.ty(),
                shown.join("; ")
            ));
        }
    }
    Ok(())
}
