//! The functions of [`random`](super) on values: ordinary code, compiled once.
//!
//! Formulas and their order are those of `jax/_src/random`, so that roundings agree; what a distribution's parameters
//! alone decide is computed on the host where they are plain numbers of the host.

use crate::backend::Values;
use crate::op::{ArgReduction, Binary, Compare, Random, Unary};
use crate::value::{IndexItem, Term};
use crate::{DType, Number, Op, Shape, TensorType, Value};
use std::f64::consts::SQRT_2;

#[track_caller]
fn random(op: Random, key: Value) -> Value {
    Value::apply1(Op::Random(op), key)
}

fn number(x: f64) -> Term {
    Term::Number(Number::Float(x))
}

/// The shape of a batch of keys without the two words.
#[track_caller]
pub(super) fn batch(name: &str, key: &Value) -> Shape {
    assert!(key.shape().last() == Some(&2), "{name}: a key is two u32, not {}", key.ty());
    key.shape()[..key.rank() - 1].into()
}

/// A parameter of a distribution as a value, which must broadcast to the shape of the sample.
#[track_caller]
pub(super) fn parameter(name: &str, key: &Value, x: Term, shape: &Shape, dtype: DType) -> Value {
    match x {
        Term::Number(number) => key.full(number, TensorType::scalar(dtype)),
        Term::Value(x) => {
            let fits = x.shape().broadcast(shape).as_ref() == Some(shape);
            assert!(fits, "{name}: a parameter of shape {} does not broadcast to {shape}", x.shape());
            x.cast(dtype)
        }
    }
}

#[track_caller]
pub(super) fn split(key: Value, n: usize) -> Value {
    random(Random::Split { shape: [n].into() }, key)
}

/// The keys of a split, one by one.
#[track_caller]
pub(super) fn split_apart(key: Value, n: usize) -> Values {
    let keys = split(key, n);
    let axis = keys.rank() - 2;
    let mut apart = Values::new();
    for i in 0..n {
        apart.push(keys.clone().slice_axis(axis, i, i + 1).squeeze(&[axis as isize]));
    }
    apart
}

#[track_caller]
pub(super) fn split_two(key: Value) -> (Value, Value) {
    let keys = split_apart(key, 2);
    (keys[0].clone(), keys[1].clone())
}

#[track_caller]
pub(super) fn fold_in(key: Value, data: Term) -> Value {
    let name = "random_fold_in";
    let batch = batch(name, &key);
    let data = match data {
        Term::Number(number) => {
            let word = match number {
                Number::Int(i) => i as u32,
                Number::UInt(i) => i as u32,
                Number::Float(_) | Number::Bool(_) => panic!("{name}: takes an integer, not {number}"),
            };
            key.full(Number::UInt(word.into()), TensorType::new(batch, DType::U32))
        }
        Term::Value(x) => {
            assert!(x.dtype().is_integer(), "{name}: takes an integer, not {}", x.ty());
            x.cast(DType::U32).broadcast_to(name, &batch)
        }
    };
    Value::apply2(Op::Random(Random::FoldIn), key, data)
}

#[track_caller]
pub(super) fn bits(key: Value, shape: Shape, dtype: DType) -> Value {
    random(Random::Bits { shape, dtype }, key)
}

#[track_caller]
pub(super) fn uniform(key: Value, shape: Shape, dtype: DType) -> Value {
    random(Random::Uniform { shape, dtype }, key)
}

#[track_caller]
pub(super) fn normal(key: Value, shape: Shape, dtype: DType) -> Value {
    random(Random::Normal { shape, dtype }, key)
}

#[track_caller]
pub(super) fn uniform_range(key: Value, shape: Shape, dtype: DType, low: Term, high: Term) -> Value {
    let low = parameter("uniform", &key, low, &shape, dtype);
    let high = parameter("uniform", &key, high, &shape, dtype);
    let span = high.binary(Binary::Sub, Term::Value(low.clone()));
    (uniform(key, shape, dtype).binary(Binary::Mul, Term::Value(span)))
        .binary(Binary::Add, Term::Value(low.clone()))
        .binary(Binary::Max, Term::Value(low))
}

#[track_caller]
pub(super) fn truncated_normal(key: Value, shape: Shape, dtype: DType, lower: Term, upper: Term) -> Value {
    let name = "truncated_normal";
    assert!(dtype.is_float(), "{name}: gives floats, not {dtype}");
    let lower = parameter(name, &key, lower, &shape, dtype);
    let upper = parameter(name, &key, upper, &shape, dtype);
    let a = lower.clone().binary(Binary::Div, number(SQRT_2)).unary(Unary::Erf);
    let b = upper.clone().binary(Binary::Div, number(SQRT_2)).unary(Unary::Erf);
    let u = uniform_range(key, shape, dtype, Term::Value(a), Term::Value(b));
    let x = u.unary(Unary::ErfInv).binary(Binary::Mul, number(SQRT_2));
    // Rounding may not lead out of the open interval.
    let lowest = lower.stop_gradient().binary(Binary::NextAfter, number(f64::INFINITY));
    let highest = upper.stop_gradient().binary(Binary::NextAfter, number(f64::NEG_INFINITY));
    x.binary(Binary::Max, Term::Value(lowest)).binary(Binary::Min, Term::Value(highest))
}

#[track_caller]
pub(super) fn exponential(key: Value, shape: Shape, dtype: DType) -> Value {
    uniform(key, shape, dtype).unary(Unary::Neg).unary(Unary::Log1p).unary(Unary::Neg)
}

#[track_caller]
pub(super) fn gumbel(key: Value, shape: Shape, dtype: DType) -> Value {
    let tiny = match dtype {
        DType::F64 => f64::MIN_POSITIVE,
        DType::F32 | DType::BF16 => f32::MIN_POSITIVE.into(),
        DType::F16 => half::f16::MIN_POSITIVE.into(),
        other => panic!("gumbel: gives floats, not {other}"),
    };
    let u = uniform_range(key, shape, dtype, number(tiny), number(1.0));
    u.unary(Unary::Log).unary(Unary::Neg).unary(Unary::Log).unary(Unary::Neg)
}

#[track_caller]
pub(super) fn randint(key: Value, shape: Shape, low: i32, high: i32) -> Value {
    let span = if high <= low { 1 } else { high.wrapping_sub(low) as u32 };
    // 2^32 modulo the span, from 2^16; for a span above 2^16 the square wraps to 0, as in JAX.
    let half = (1 << 16) % span;
    let multiplier = half.wrapping_mul(half) % span;
    let word = |n: u32| Term::Number(Number::UInt(n.into()));
    let (high_key, low_key) = split_two(key);
    let high_bits = bits(high_key, shape.clone(), DType::U32).binary(Binary::Rem, word(span));
    let low_bits = bits(low_key, shape, DType::U32).binary(Binary::Rem, word(span));
    (high_bits.binary(Binary::Mul, word(multiplier)).binary(Binary::Add, Term::Value(low_bits)))
        .binary(Binary::Rem, word(span))
        .cast(DType::I32)
        .binary(Binary::Add, Term::Number(Number::Int(low.into())))
}

#[track_caller]
pub(super) fn bernoulli(key: Value, p: Term, shape: Shape) -> Value {
    let dtype = match &p {
        Term::Number(_) => DType::F32,
        Term::Value(p) => p.dtype(),
    };
    assert!(dtype.is_float(), "bernoulli: a probability is a float, not {dtype}");
    let p = parameter("bernoulli", &key, p, &shape, dtype);
    uniform(key, shape, dtype).compare(Compare::Lt, Term::Value(p))
}

#[track_caller]
pub(super) fn categorical(key: Value, logits: Value, shape: Shape) -> Value {
    let Some((&classes, others)) = logits.shape().split_last() else {
        panic!("categorical: logits have an axis of classes, a scalar has none")
    };
    assert!(
        shape.broadcast(&others.into()).as_ref() == Some(&shape),
        "categorical: logits of shape {} draw a sample whose shape ends with {others:?}, not {shape}",
        logits.shape()
    );
    let noise = gumbel(key, shape.insert(shape.rank(), classes), logits.dtype());
    noise.binary(Binary::Add, Term::Value(logits)).arg_reduce(ArgReduction::Max, -1)
}

#[track_caller]
pub(super) fn permutation(mut key: Value, n: usize) -> Value {
    let shape: Shape = batch("permutation", &key).iter().copied().chain([n]).collect();
    let axis = shape.rank() - 1;
    let mut places = key.iota(TensorType::new(shape, DType::I32), axis);
    let rounds = 3.0 * (n.max(1) as f64).ln() / f64::from(u32::MAX).ln();
    for _ in 0..rounds.ceil() as usize {
        let (next, sub) = split_two(key);
        key = next;
        let order = bits(sub, [n].into(), DType::U32);
        places = Value::sort_together([order, places].into_iter().collect(), axis as isize, 1).remove(1);
    }
    places
}

#[track_caller]
pub(super) fn shuffle(key: Value, x: Value) -> Value {
    let Some(&n) = x.shape().first() else { panic!("shuffle: a scalar has no axis to shuffle") };
    x.get(&[IndexItem::Tensor(permutation(key, n))])
}

#[track_caller]
pub(super) fn choice(key: Value, n: usize, shape: Shape, replace: bool) -> Value {
    let draws = shape.elements();
    assert!(n > 0 || draws == 0, "choice: {draws} draws from nothing");
    assert!(replace || draws <= n, "choice: {draws} draws without replacement from {n}");
    if replace {
        let Ok(n) = i32::try_from(n) else { panic!("choice: {n} is too large for an i32") };
        return randint(key, shape, 0, n);
    }
    let out = batch("choice", &key).iter().chain(shape.iter()).copied().collect();
    let places = permutation(key, n);
    let axis = places.rank() - 1;
    places.slice_axis(axis, 0, draws).reshape_to(out)
}
