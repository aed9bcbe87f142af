//! Reductions over every choice of axes, and the places of extremes.
//!
//! Sums of moderate data are compared on the scale of their terms; sums of special values, which are infinite or NaN or
//! exact, with the same tolerance. Products stay within the range of f16.

use super::FLOATS;
use crate::Sample;
use crate::data::{self, Numbers, cycle, distinct, fill, mixed, small, specials, uniform};
use crate::{Class, Layout};
use plywood_core::convert::Wide;
use plywood_core::op::{ArgReduction, Reduction};
use plywood_core::{Array, DType, Op};

/// Shapes, and axes to reduce: none, one, several, all, empty ones, longer than a tile.
const CASES: &[(&[usize], &[usize])] = &[
    (&[], &[]),
    (&[7], &[]),
    (&[7], &[0]),
    (&[1], &[0]),
    (&[0], &[0]),
    (&[2, 0], &[1]),
    (&[2, 0], &[0]),
    (&[0, 3], &[0]),
    (&[3, 5], &[0]),
    (&[3, 5], &[1]),
    (&[3, 5], &[0, 1]),
    (&[2, 3, 4], &[1]),
    (&[2, 3, 4], &[0, 2]),
    (&[2, 3, 4], &[2]),
    (&[2, 3, 4, 5], &[1, 3]),
    (&[2, 3, 4, 5], &[0, 1, 2, 3]),
    (&[1, 9, 1], &[0, 1]),
    (&[33, 40], &[0]),
    (&[33, 40], &[1]),
    (&[5, 1031], &[1]),
    (&[1031, 5], &[0]),
    (&[1031], &[0]),
    (&[3, 700, 2], &[1]),
];

fn takes(kind: Reduction, dtype: DType) -> bool {
    match kind {
        Reduction::Sum | Reduction::Prod => dtype != DType::Bool,
        Reduction::Max | Reduction::Min => true,
        Reduction::And | Reduction::Or | Reduction::Xor => !dtype.is_float(),
    }
}

fn op(kind: Reduction, axes: &[usize]) -> Op {
    Op::Reduce { kind, axes: axes.iter().copied().collect() }
}

/// How many elements come together in one.
fn terms(shape: &[usize], axes: &[usize]) -> usize {
    axes.iter().map(|&d| shape[d]).product()
}

fn class(kind: Reduction, dtype: DType, terms: usize) -> Class {
    match kind {
        _ if !dtype.is_float() => Class::Exact,
        Reduction::Sum => Class::Sum { terms },
        Reduction::Prod => Class::Ulps(2 + terms as u32),
        Reduction::Max | Reduction::Min => Class::Equal,
        Reduction::And | Reduction::Or | Reduction::Xor => Class::Exact,
    }
}

/// Data whose reduction is not overflow: floats for products lie around 1, where a few thousand of them cancel out.
fn moderate(kind: Reduction, dtype: DType, shape: &[usize]) -> Array {
    let name = kind.name();
    match kind {
        Reduction::Prod if dtype.is_float() => {
            // Factors and their near-reciprocals by turns, so that long products stay near 1.
            let mut numbers = Numbers::of(name);
            let factors: Vec<f64> = (0..31).map(|_| numbers.between(0.7, 1.4)).collect();
            let value =
                |i: usize| if i.is_multiple_of(2) { factors[i / 2 % 31] } else { -1.0 / factors[i / 2 % 31] };
            fill(dtype, shape, |i| Wide::Float(value(i)))
        }
        Reduction::Sum | Reduction::Max | Reduction::Min | Reduction::Prod if dtype.is_float() => {
            let mut numbers = Numbers::of(name);
            let values: Vec<Wide> = (0..97).map(|_| Wide::Float(numbers.between(-4.0, 5.0))).collect();
            cycle(dtype, shape, &values)
        }
        Reduction::Sum | Reduction::Prod | Reduction::Max | Reduction::Min => {
            cycle(dtype, shape, &mixed(dtype, name))
        }
        // Few bits clear (or set), so that results say something.
        Reduction::And => sparse(dtype, shape, true),
        Reduction::Or => sparse(dtype, shape, false),
        Reduction::Xor => cycle(dtype, shape, &mixed(dtype, name)),
    }
}

/// Integers with at most one bit set, or, inverted, at most one clear.
fn sparse(dtype: DType, shape: &[usize], inverted: bool) -> Array {
    let bits = dtype.bits();
    let mut i = 0;
    fill(dtype, shape, |_| {
        i += 1;
        if dtype == DType::Bool {
            return Wide::Int(i128::from((i % 5 == 0) != inverted));
        }
        let one = if i % 3 == 0 { 1i128 << (i * 7 % bits) } else { 0 };
        Wide::Int(if inverted { !one } else { one })
    })
}

pub(super) fn reduce() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &kind in Reduction::ALL {
        for dtype in DType::ALL.into_iter().filter(|&d| takes(kind, d)) {
            let name = format!("reduce/{} {dtype}", kind.name());
            for &(shape, axes) in CASES {
                let x = moderate(kind, dtype, shape);
                let class = class(kind, dtype, terms(shape, axes));
                samples.push(
                    Sample::new(format!("{name} {shape:?} over {axes:?}"), op(kind, axes), [x]).class(class),
                );
            }
            samples.push(special_pairs(&name, kind, dtype));
            // Constant along one axis: a view of stride 0, along the reduced axis and beside it.
            for axes in [&[0][..], &[1], &[0, 1]] {
                let x = fill(dtype, [6, 70], |i| Wide::Int((i / 70) as i128 % 2 + 1));
                let class = class(kind, dtype, terms(&[6, 70], axes));
                let name = format!("{name} stride 0 over {axes:?}");
                samples
                    .push(Sample::new(name, op(kind, axes), [x]).class(class).layout(0, Layout::Broadcast));
            }
        }
        for dtype in FLOATS.into_iter().filter(|&d| takes(kind, d)) {
            for (shape, axes) in [(&[6][..], &[0][..]), (&[2, 3], &[1]), (&[2, 3, 2], &[0, 2])] {
                let x = match kind {
                    Reduction::Sum | Reduction::And | Reduction::Or | Reduction::Xor => {
                        small(dtype, shape, "x")
                    }
                    Reduction::Prod => uniform(dtype, shape, "x", 0.5, 1.5),
                    Reduction::Max | Reduction::Min => distinct(dtype, shape, "x"),
                };
                let name = format!("reduce/{} {dtype} {shape:?} over {axes:?} smooth", kind.name());
                let class = class(kind, dtype, terms(shape, axes));
                samples.push(Sample::new(name, op(kind, axes), [x]).class(class).smooth());
            }
        }
        if kind == Reduction::Prod {
            samples.extend(products_with_zeros());
        }
        if kind == Reduction::Sum {
            samples.extend(sums_that_cancel());
        }
    }
    samples
}

/// All pairs of special values.
fn special_pairs(name: &str, kind: Reduction, dtype: DType) -> Sample {
    let all = specials(dtype);
    let n = all.len();
    let x = fill(dtype, [n * n, 2], |i| if i % 2 == 0 { all[i / 2 / n] } else { all[i / 2 % n] });
    Sample::new(format!("{name} special pairs"), op(kind, &[1]), [x]).class(class(kind, dtype, 2))
}

/// No zero, one, two in a row: for derivatives that must not divide.
fn products_with_zeros() -> Vec<Sample> {
    let x = [1.5, 2.0, -0.5, 0.0, 2.0, 3.0, 0.0, 0.0, 1.25];
    FLOATS
        .map(|dtype| {
            let x = data::floats(dtype, [3, 3], &x);
            let name = format!("reduce/reduce_prod {dtype} with zeros smooth");
            Sample::new(name, op(Reduction::Prod, &[1]), [x]).class(Class::Ulps(4)).smooth()
        })
        .into()
}

/// Terms of very different sizes: a plain running sum in the narrow type fails.
fn sums_that_cancel() -> Vec<Sample> {
    let sample = |dtype: DType| {
        // 2048 + 1 is 2048 in f16; 256 + 1 is 256 in bf16.
        let x = fill(dtype, [3, 4096], |i| Wide::Float([1.0, 0.5, 0.25][i / 4096]));
        let name = format!("reduce/reduce_sum {dtype} of many equal");
        Sample::new(name, op(Reduction::Sum, &[1]), [x]).class(Class::Sum { terms: 4096 })
    };
    FLOATS.map(sample).into()
}

pub(super) fn arg_reduce() -> Vec<Sample> {
    let cases: &[(&[usize], usize)] = &[
        (&[7], 0),
        (&[1], 0),
        (&[0, 3], 1),
        (&[3, 0], 0),
        (&[3, 5], 0),
        (&[3, 5], 1),
        (&[2, 3, 4], 1),
        (&[2, 3, 4, 5], 2),
        (&[33, 40], 0),
        (&[33, 40], 1),
        (&[1031], 0),
    ];
    let mut samples = Vec::new();
    for &kind in ArgReduction::ALL {
        let kind = match kind {
            ArgReduction::Max | ArgReduction::Min => kind,
        };
        let op = |axis| Op::ArgReduce { kind, axis, dtype: DType::I32 };
        for dtype in DType::ALL {
            let name = format!("arg_reduce/{} {dtype}", kind.name());
            for &(shape, axis) in cases {
                // Few different values, so that there are ties; and all kinds of them, with NaN.
                let x = small(dtype, shape, kind.name());
                samples.push(Sample::new(format!("{name} {shape:?} along {axis}"), op(axis), [x]));
                let x = cycle(dtype, shape, &mixed(dtype, kind.name()));
                samples.push(Sample::new(format!("{name} {shape:?} along {axis} mixed"), op(axis), [x]));
            }
            let all = specials(dtype);
            let n = all.len();
            let x = fill(dtype, [n * n, 2], |i| if i % 2 == 0 { all[i / 2 / n] } else { all[i / 2 % n] });
            samples.push(Sample::new(format!("{name} special pairs"), op(1), [x]));
            let x = fill(dtype, [4, 9], |_| Wide::Int(1));
            samples.push(Sample::new(format!("{name} all equal"), op(1), [x]));
        }
        for index in DType::ALL.into_iter().filter(|d| d.is_integer()) {
            let x = distinct(DType::F32, [3, 100], "index");
            let name = format!("arg_reduce/{} place as {index}", kind.name());
            samples.push(Sample::new(name, Op::ArgReduce { kind, axis: 1, dtype: index }, [x]));
        }
    }
    samples
}
