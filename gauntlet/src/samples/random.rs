//! Random numbers, to the bit: keys and batches of keys, every dtype and shape; normal ones to a few units in the last
//! place, as their logarithm is.

use super::FLOATS;
use crate::data::{Numbers, fill};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Random;
use plywood_core::{Array, DType, Op, Shape};

/// Keys: those of seed 0 and 42 first, then any.
fn keys(batch: &[usize]) -> Array {
    let mut numbers = Numbers::of("keys");
    let shape: Shape = batch.iter().copied().chain([2]).collect();
    let words: Vec<u32> = (0..shape.elements().max(4)).map(|_| numbers.bits() as u32).collect();
    let words = [0, 0, 0, 42].into_iter().chain(words);
    Array::new(words.take(shape.elements()).collect::<Vec<u32>>(), shape)
}

const KEYS: &[&[usize]] = &[&[], &[3], &[2, 2], &[0]];
const SHAPES: &[&[usize]] = &[&[], &[1], &[3], &[0], &[2, 3], &[2, 3, 4]];

pub(super) fn random() -> Vec<Sample> {
    let mut samples = Vec::new();
    for batch in KEYS {
        // A large sample of one key, and of a batch of them.
        let large: &[&[usize]] = if batch.is_empty() { &[&[515]] } else { &[&[65]] };
        let shapes = || SHAPES.iter().chain(large).map(|&s| Shape::from(s));
        let drawn = |random: Random, class: Class| {
            let name = format!("random/{random:?} keys {batch:?}");
            Sample::new(name, Op::Random(random), [keys(batch)]).class(class)
        };
        for dtype in [DType::U8, DType::U16, DType::U32, DType::U64] {
            samples.extend(shapes().map(|shape| drawn(Random::Bits { shape, dtype }, Class::Exact)));
        }
        for dtype in FLOATS {
            samples.extend(shapes().map(|shape| drawn(Random::Uniform { shape, dtype }, Class::Exact)));
            // XLA's own inverse error function of f64 is up to 26 units off the exact value; ours need not be.
            let class = Class::Ulps(if dtype == DType::F64 { 48 } else { 16 });
            samples.extend(shapes().map(|shape| drawn(Random::Normal { shape, dtype }, class)));
        }
        samples.extend(shapes().map(|shape| drawn(Random::Split { shape }, Class::Exact)));
        for round in 0..4 {
            let mut numbers = Numbers::of("fold_in");
            let data = fill(DType::U32, *batch, |_| {
                Wide::Int(if round == 0 { 0 } else { (numbers.bits() as u32 >> (8 * (round - 1))).into() })
            });
            let name = format!("random/fold_in {round} keys {batch:?}");
            samples.push(Sample::new(name, Op::Random(Random::FoldIn), [keys(batch), data]));
        }
    }
    samples.extend(gamma());
    samples.extend(poisson());
    // A new way to draw needs samples here.
    debug_assert!(samples.iter().all(|s| match &s.op {
        Op::Random(
            Random::Bits { .. }
            | Random::Uniform { .. }
            | Random::Normal { .. }
            | Random::Gamma { .. }
            | Random::Poisson { .. }
            | Random::Split { .. }
            | Random::FoldIn,
        ) => true,
        other => panic!("{other} is not random"),
    }));
    samples
}

/// Parameters below and above 1; of 16-bit floats JAX rounds after each step of the rejection, which ours does in f32.
fn gamma() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in FLOATS {
        for log in [false, true] {
            for (batch, shape) in
                [(&[][..], &[][..]), (&[], &[0]), (&[], &[2, 3]), (&[], &[257]), (&[3], &[5]), (&[0], &[2])]
            {
                let random = Random::Gamma { shape: shape.into(), dtype, log };
                let full: Shape = batch.iter().chain(shape).copied().collect();
                let mut numbers = Numbers::of("gamma");
                let a = fill(dtype, full, |i| {
                    let sizes = [(0.3, 1.0), (1.0, 2.0), (2.0, 20.0)];
                    let (low, high) = sizes[i % 3];
                    Wide::Float(numbers.between(low, high))
                });
                let name = format!("random/{random:?} keys {batch:?}");
                let sample = Sample::new(name, Op::Random(random), [keys(batch), a]).class(Class::Norm(64));
                // Not smooth: its derivative is that of a sample whose place in the distribution stays, which differences
                // of the rejection do not find.
                samples.push(match dtype.size() {
                    2 => sample.without_oracle("JAX rounds 16-bit floats after every step"),
                    _ => sample,
                });
            }
        }
    }
    samples
}

/// Rates on both sides of the change of methods.
fn poisson() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in super::INTEGERS {
        for (batch, shape) in [(&[][..], &[][..]), (&[], &[0]), (&[], &[2, 3]), (&[], &[131]), (&[3], &[5])] {
            let random = Random::Poisson { shape: shape.into(), dtype };
            let full: Shape = batch.iter().chain(shape).copied().collect();
            let mut numbers = Numbers::of("poisson");
            let rate = fill(DType::F32, full, |i| {
                let sizes = [(0.0, 2.0), (2.0, 10.0), (10.0, 20.0), (20.0, 50.0)];
                let (low, high) = sizes[i % 4];
                Wide::Float(numbers.between(low, high))
            });
            let name = format!("random/{random:?} keys {batch:?}");
            samples.push(Sample::new(name, Op::Random(random), [keys(batch), rate]));
        }
    }
    samples
}
