//! Every collective on 1, 2, 3, 4 and 8 devices, of every dtype, size 0 too: `Op::Pmap` on the CPU gives what the lanes of `vmap` give,
//! and so do its derivatives, taken outside and inside, for many lanes at once, and as one call. With types that say what varies and
//! without: a tracked program's gradient is that of the sum of all devices' results, too.

use plywood_autodiff::{Autodiff, vjp};
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Collective, CollectiveKind, Pmap, Spec};
use plywood_core::record::{argument, extract};
use plywood_core::{Array, Backend, DType, Dyn, Op, Tensor, TensorType, Trace, Value, Values, Varying};
use plywood_fusion::Fusion;
use plywood_gauntlet::data::small;
use plywood_gauntlet::properties::{self, directions, pullback, pushed};
use plywood_gauntlet::samples::collective::among;
use plywood_gauntlet::tolerance::compare;
use plywood_gauntlet::{Class, Sample};
use std::sync::Arc;

fn collective(sample: &Sample) -> &Collective {
    let Op::Collective(c) = &sample.op else { unreachable!("a sample of collectives") };
    c
}

/// The program of a function of what each device has; inputs and outputs have the devices as first axis.
fn program(
    c: &Collective,
    tracked: bool,
    types: &[TensorType],
    f: impl FnOnce(&Collective, Vec<Value>) -> Vec<Value>,
) -> Op {
    let c = Collective { tracked, ..c.clone() };
    let varying = if tracked { Varying::over([(c.axis.clone(), c.size)]) } else { Varying::NOTHING };
    let block = |ty: &TensorType| {
        let shape = ty.shape.without(&[0]).insert(0, 1);
        argument(
            Trace::ENGINE,
            ty.with_shape(shape).with_varying(varying.clone()),
            Trace::ENGINE.device(None),
        )
    };
    let x: Vec<Value> = types.iter().map(block).collect();
    let of_lane = |x: &Value| {
        let shape = x.shape().without(&[0]);
        x.clone().reshape_to(shape)
    };
    let y: Vec<Value> = f(&c, x.iter().map(of_lane).collect())
        .into_iter()
        .map(|y| {
            let shape = y.shape().insert(0, 1);
            y.reshape_to(shape).vary_to(&varying)
        })
        .collect();
    let spec = || Spec::default().behind([0]);
    Op::Pmap(Arc::new(Pmap {
        graph: Arc::new(extract(&x, &y).0),
        mesh: [(c.axis.clone(), c.size)].into(),
        devices: None,
        inputs: x.iter().map(|_| spec()).collect(),
        outputs: y.iter().map(|_| spec()).collect(),
        tracked,
    }))
}

fn apply(c: &Collective, x: Vec<Value>) -> Vec<Value> {
    let op = Op::Collective(Arc::new(c.clone()));
    vec![match x.is_empty() {
        true => Value::create(Trace::ENGINE, op),
        false => Value::apply(&op, x.into_iter().collect()).remove(0),
    }]
}

/// The sample as a program.
fn on_devices(sample: &Sample, tracked: bool) -> Sample {
    let op = program(collective(sample), tracked, &sample.types(), apply);
    let name = format!("{} {}", sample.name, if tracked { "tracked" } else { "copies" });
    Sample { op, name, ..sample.clone() }
}

/// From the input and a cotangent to the gradient, which each device takes itself: of the sum of its result times the cotangent,
/// summed over the devices where that is tracked; where not, the sum over devices is taken in any case.
fn gradient_inside(sample: &Sample, tracked: bool) -> Op {
    let types = [sample.types(), sample.outputs().to_vec()].concat();
    program(collective(sample), tracked, &types, |c, x| {
        let ct = Tensor::<Trace>::of(x[1].clone());
        let f = |x: Tensor<Autodiff<Trace>>| {
            let y = Tensor::<Autodiff<Trace>>::of(apply(c, vec![x.into_value()]).remove(0));
            let loss = (y * ct.lift()).sum();
            let sum = Op::Collective(Arc::new(c.with(CollectiveKind::Sum)));
            if tracked { Tensor::of(Value::apply1(sum, loss.into_value())) } else { loss }
        };
        let (loss, pull) = vjp(f, (Tensor::<Trace>::of(x[0].clone()),));
        vec![pull(loss.ones_like()).0.into_value()]
    })
}

/// The samples, and of each kind one without elements.
fn samples(n: usize) -> Vec<Sample> {
    let mut all = among(n);
    let empty: Vec<Sample> = all
        .iter()
        .filter(|s| s.types().first().is_some_and(|ty| ty.dtype == DType::F32))
        .filter(|s| !s.name.ends_with("special") && !s.smooth)
        .map(|s| {
            let shape: Vec<usize> = s.types()[0].shape.iter().copied().chain([0]).collect();
            Sample::new(format!("{} empty", s.name), s.op.clone(), [small(DType::F32, &shape[..], "empty")])
        })
        .collect();
    assert!(empty.len() > 10, "{} empty samples", empty.len());
    all.extend(empty);
    all
}

/// Runs a property over samples, with types that say what varies and without.
fn each(n: usize, chosen: impl Fn(&Sample) -> bool, property: impl Fn(&Sample, bool) -> Result<(), String>) {
    let chosen: Vec<Sample> = samples(n).into_iter().filter(chosen).collect();
    assert!(!chosen.is_empty());
    let failures: Vec<String> = (chosen.iter().flat_map(|s| [(s, false), (s, true)]))
        .filter_map(|(s, tracked)| {
            let why = property(s, tracked).err()?;
            Some(format!("\n  {} tracked: {tracked}: {why}", s.name))
        })
        .collect();
    assert!(failures.is_empty(), "{} of {}:{}", failures.len(), 2 * chosen.len(), failures.concat());
}

fn all_same(class: Class, got: &[Array], expected: &[Array]) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{} results, expected {}", got.len(), expected.len()));
    }
    got.iter().zip(expected).try_for_each(|(got, expected)| compare(class, got, expected, None))
}

/// Where nothing is added, the same bits; small numbers are added exactly.
fn values(n: usize) {
    each(
        n,
        |_| true,
        |sample, tracked| {
            let (here, expected) = (on_devices(sample, tracked), sample.run(Cpu::ENGINE));
            let c = collective(sample);
            let class = match c.kind {
                CollectiveKind::Sum | CollectiveKind::SumScatter { .. } => sample.class,
                CollectiveKind::Max | CollectiveKind::Min => Class::Equal,
                CollectiveKind::AllGather { .. } | CollectiveKind::AllToAll { .. } => Class::Exact,
                CollectiveKind::Permute { .. } | CollectiveKind::Index | CollectiveKind::Vary => Class::Exact,
            };
            all_same(class, &here.run(Cpu::ENGINE), &expected)?;
            all_same(class, &here.run(Fusion::<Cpu>::ENGINE), &expected).map_err(|e| format!("put off: {e}"))
        },
    );
}

fn tensors(arrays: &[Array]) -> Vec<Tensor<Dyn>> {
    arrays.iter().map(|a| Tensor::of(Value::create(Cpu::ENGINE, Op::Constant(a.clone())))).collect()
}

fn arrays(tensors: Vec<Tensor<Dyn>>) -> Vec<Array> {
    tensors.into_iter().map(|t| t.value().array("devices")).collect()
}

fn has_gradient(s: &Sample) -> bool {
    s.types().first().is_some_and(|ty| ty.dtype.is_float()) && !s.name.ends_with("special")
}

/// Those of the lanes of `vmap`, which are checked by differences elsewhere.
fn derivatives(n: usize) {
    each(n, has_gradient, |sample, tracked| {
        let here = on_devices(sample, tracked);
        let x: Vec<Array> = sample.inputs.iter().map(|i| i.data.clone()).collect();
        let ct = directions("cotangents", &sample.outputs());
        let t = directions("tangents", &sample.types());
        let class = Class::Ulps(2);
        let expected = arrays(pullback(sample.op.clone(), tensors(&x), tensors(&ct)));
        let outside = arrays(pullback(here.op.clone(), tensors(&x), tensors(&ct)));
        all_same(class, &outside, &expected).map_err(|e| format!("outside: {e}"))?;
        let inputs: Values = tensors(&[x.clone(), ct].concat()).into_iter().map(Tensor::into_value).collect();
        let inside = Value::apply(&gradient_inside(sample, tracked), inputs);
        let inside: Vec<Array> = inside.iter().map(|y| y.array("inside")).collect();
        all_same(class, &inside, &expected).map_err(|e| format!("inside: {e}"))?;
        let expected = arrays(pushed(sample.op.clone(), tensors(&x), tensors(&t)));
        let tangents = arrays(pushed(here.op.clone(), tensors(&x), tensors(&t)));
        all_same(class, &tangents, &expected).map_err(|e| format!("tangents: {e}"))
    });
}

/// For many lanes at once, and as one call; the derivatives, too.
fn layers(n: usize) {
    let few = |s: &Sample| {
        let of = s.types().first().is_none_or(|ty| matches!(ty.dtype, DType::F64 | DType::I32));
        of && !s.name.ends_with("special")
    };
    each(n, few, |sample, tracked| {
        let here = on_devices(sample, tracked);
        if !here.inputs.is_empty() {
            properties::vmap(Cpu::ENGINE, &here).map_err(|e| format!("vmap: {e}"))?;
        }
        if here.smooth {
            properties::vmap_of_derivatives(Cpu::ENGINE, &here).map_err(|e| format!("vmap: {e}"))?;
        }
        properties::replay(Cpu::ENGINE, &here).map_err(|e| format!("one call: {e}"))
    });
}

macro_rules! tests { ($($name:ident $n:literal)*) => { $(
    mod $name {
        #[test]
        fn values() {
            super::values($n);
        }
        #[test]
        fn derivatives() {
            super::derivatives($n);
        }
        #[test]
        fn layers() {
            super::layers($n);
        }
    }
)* } }
tests!(one 1 two 2 three 3 four 4 eight 8);
