//! An operation for many lanes at once is the stack of the operation over their slices; so is its pullback, and so are its
//! tangents. For every placement of the lanes' axis in every operand, and operands that all lanes share.

use super::jvp::pushed;
use super::pullback::{directions, pullback};
use crate::tolerance::{Class, compare};
use crate::{Sample, lanes};
use plywood_batching::{Batched, Frame};
use plywood_core::{
    Array, Backend, Dyn, Engine, Layer, Op, OpKind, Tensor, TensorType, Value, Values, with_dtype,
};

/// Numbers of lanes that are tried.
const SIZES: [usize; 3] = [3, 1, 0];

/// For each input the axis that the lanes have; none where they share it.
type Placement = Vec<Option<usize>>;

/// The operation. Samples of more than a few thousand elements pass: what they show does not depend on lanes.
pub fn vmap(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    let class = match sample.class {
        Class::Sum { .. } => Class::Norm(256),
        // Which algorithm a factorisation or a transform takes may depend on how many there are.
        Class::Norm(most) => Class::Norm(4 * most),
        exact => exact,
    };
    let run = |on: &'static dyn Engine, x: Vec<Value>, _: Vec<Value>| -> Values {
        lanes::apply(on, &sample.op, x.into_iter().collect())
    };
    for_each_placement(engine, sample, class, &|_, _| vec![], &run)
}

/// The pullback (the tangents, where there is none) of smooth samples.
pub fn vmap_of_derivatives(engine: &'static dyn Engine, sample: &Sample) -> Result<(), String> {
    if sample.differentiable().is_empty() {
        return Ok(());
    }
    let class = Class::Norm(1024);
    let forward = |on: &'static dyn Engine, x: Vec<Value>, t: Vec<Value>| match is_layer(on) {
        true => pushed_on::<Batched<Dyn>>(sample, x, t),
        false => pushed_on::<Dyn>(sample, x, t),
    };
    let tangents = |sample: &Sample, name: &str| directions(name, &sample.types());
    for_each_placement(engine, sample, class, &tangents, &forward).map_err(|e| format!("tangents: {e}"))?;
    if !sample.has_reverse_mode() {
        return Ok(());
    }
    let reverse = |on: &'static dyn Engine, x: Vec<Value>, ct: Vec<Value>| match is_layer(on) {
        true => pulled_on::<Batched<Dyn>>(sample, x, ct),
        false => pulled_on::<Dyn>(sample, x, ct),
    };
    let cotangents = |sample: &Sample, name: &str| directions(name, &sample.outputs());
    for_each_placement(engine, sample, class, &cotangents, &reverse).map_err(|e| format!("cotangents: {e}"))
}

/// Whether it is the layer, otherwise the device.
fn is_layer(engine: &'static dyn Engine) -> bool {
    engine.id() == Batched::<Dyn>::ENGINE.id()
}

fn branded<B: Backend>(values: Vec<Value>) -> Vec<Tensor<B>> {
    values.into_iter().map(Tensor::of).collect()
}

fn pushed_on<B: Backend>(sample: &Sample, x: Vec<Value>, t: Vec<Value>) -> Values {
    pushed::<B>(sample.op.clone(), branded(x), branded(t)).into_iter().map(Tensor::into_value).collect()
}

fn pulled_on<B: Backend>(sample: &Sample, x: Vec<Value>, ct: Vec<Value>) -> Values {
    pullback::<B>(sample.op.clone(), branded(x), branded(ct)).into_iter().map(Tensor::into_value).collect()
}

type Run<'a> = &'a dyn Fn(&'static dyn Engine, Vec<Value>, Vec<Value>) -> Values;
type Along<'a> = &'a dyn Fn(&Sample, &str) -> Vec<Array>;

fn for_each_placement(
    engine: &'static dyn Engine,
    sample: &Sample,
    class: Class,
    along: Along<'_>,
    run: Run<'_>,
) -> Result<(), String> {
    let types = sample.types();
    let elements: usize = types.iter().chain(sample.outputs().iter()).map(TensorType::elements).sum();
    if elements > 4000 {
        return Ok(());
    }
    // What each lane has, and what it gives alone.
    let x: Vec<Vec<Array>> = (0..3).map(|lane| of_lane(sample, lane)).collect();
    let along: Vec<Vec<Array>> = (0..3).map(|lane| along(sample, &format!("lane {lane}"))).collect();
    for placement in placements(sample) {
        let at = |i: usize, lane: usize| if placement[i].is_some() { lane } else { 0 };
        let alone: Vec<Vec<Array>> = (0..3)
            .map(|lane| {
                let inputs = (0..types.len()).map(|i| constant(engine, &x[at(i, lane)][i])).collect();
                let directions = along[lane].iter().map(|a| constant(engine, a)).collect();
                Dyn::with_engine(engine, || run(engine, inputs, directions))
                    .iter()
                    .map(|y| y.array("vmap"))
                    .collect()
            })
            .collect();
        for size in SIZES {
            let frame = Frame::new(size, None);
            let layer = Batched::<Dyn>::ENGINE;
            let inputs = (0..types.len())
                .map(|i| match placement[i] {
                    None => Batched::<Dyn>::lift(constant(engine, &x[0][i])),
                    Some(axis) => {
                        let slices: Vec<&Array> = x[..size].iter().map(|x| &x[i]).collect();
                        let whole = constant(engine, &stacked(&slices, &types[i], axis));
                        frame.enter::<Dyn>(whole.move_axis(axis as isize, 0))
                    }
                })
                .collect();
            let directions = (0..along[0].len())
                .map(|i| {
                    let slices: Vec<&Array> = along[..size].iter().map(|a| &a[i]).collect();
                    frame.enter::<Dyn>(constant(engine, &stacked(&slices, &along[0][i].ty(), 0)))
                })
                .collect();
            let results = Dyn::with_engine(engine, || run(layer, inputs, directions));
            for (i, y) in results.into_iter().enumerate() {
                let (y, batched) = frame.leave(y);
                let y = y.array("vmap");
                let slices: Vec<&Array> = alone[..size].iter().map(|y| &y[i]).collect();
                // What is the same for all lanes is compared with each.
                let check = match batched {
                    true => compare(class, &y, &stacked(&slices, &alone[0][i].ty(), 0), None),
                    false => slices.iter().try_for_each(|slice| compare(class, &y, slice, None)),
                };
                check.map_err(|e| format!("{size} lanes at {placement:?}, output {i}: {e}"))?;
            }
        }
    }
    Ok(())
}

fn constant(engine: &'static dyn Engine, array: &Array) -> Value {
    Value::create(engine, Op::Constant(array.clone()))
}

/// The inputs of a lane: those of the sample, turned round a little, so that what one lane has is not another's.
pub(super) fn of_lane(sample: &Sample, lane: usize) -> Vec<Array> {
    let decides = |i: usize, array: &Array| {
        let scalar = array.shape().elements() == 1 && array.dtype().is_signed_integer();
        match sample.op.kind() {
            OpKind::Cond => i == 0,
            OpKind::While => scalar,
            _ => false,
        }
    };
    let one = |(i, array): (usize, Array)| match decides(i, &array) {
        // Lanes choose different branches, and take different numbers of steps.
        true => with_dtype!(array.dtype(), T => {
            let all = array.as_slice::<T>().expect("its own dtype");
            let more = |&x: &T| plywood_core::convert::Convert::narrow(plywood_core::convert::Wide::Float(
                plywood_core::convert::to_f64(x) + lane as f64,
            ));
            Array::new(all.iter().map(more).collect::<Vec<T>>(), array.shape().clone())
        }),
        false => with_dtype!(array.dtype(), T => {
            let mut all = array.as_slice::<T>().expect("its own dtype").to_vec();
            let n = all.len();
            all.rotate_left(if n == 0 { 0 } else { lane * (n / 3).max(1) % n });
            Array::new(all, array.shape().clone())
        }),
    };
    sample.inputs.iter().map(|i| i.data.clone()).enumerate().map(one).collect()
}

/// Slices of a type along a new axis.
pub(super) fn stacked(slices: &[&Array], ty: &TensorType, axis: usize) -> Array {
    let shape = ty.shape.insert(axis, slices.len());
    let outer: usize = ty.shape[..axis].iter().product();
    let inner: usize = ty.shape[axis..].iter().product();
    with_dtype!(ty.dtype, T => {
        let mut all: Vec<T> = Vec::with_capacity(shape.elements());
        for i in 0..outer {
            for slice in slices {
                all.extend_from_slice(&slice.as_slice::<T>().expect("its own dtype")[i * inner..(i + 1) * inner]);
            }
        }
        Array::new(all, shape)
    })
}

/// Every axis of every operand; operands together, alone, and with others.
fn placements(sample: &Sample) -> Vec<Placement> {
    let types = sample.types();
    let n = types.len();
    let rank = types.iter().map(TensorType::rank).max().unwrap_or(0);
    let all = (1usize << n.min(20)) - 1;
    let masks: Vec<usize> = match (&sample.op, n) {
        // A loop ends for constants that belong together: only its state and its numbers differ alone.
        (Op::While(w), _) => {
            let alone =
                |&i: &usize| i >= w.condition_constants + w.body_constants || types[i].elements() == 1;
            (0..n).filter(alone).map(|i| 1 << i).chain([all]).collect()
        }
        (_, 0..=3) => (1..=all).collect(),
        (_, _) => (0..n).map(|i| 1 << i).chain([all, all & 0x55555, all & 0xAAAAA]).collect(),
    };
    let mut placements = Vec::new();
    for start in 0..=rank {
        for &mask in &masks {
            let axis = |i: usize| (mask >> i & 1 == 1).then(|| (start + i) % (types[i].rank() + 1));
            let placement: Placement = (0..n).map(axis).collect();
            if !placements.contains(&placement) {
                placements.push(placement);
            }
        }
    }
    placements
}
