//! Sliding windows: every kind, all attributes, ties, NaN and what lies outside alone, long windows.

use super::FLOATS;
use crate::data::{cycle, distinct, mixed, small, uniform};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::{Padding, Window, WindowKind};
use plywood_core::{DType, Op};
use std::sync::Arc;

/// The operand's shape; sizes, strides, dilation, and (low, high, interior) of each axis.
type Case = (
    &'static [usize],
    &'static [usize],
    &'static [usize],
    &'static [usize],
    &'static [(isize, isize, usize)],
);

const NONE: (isize, isize, usize) = (0, 0, 0);

const CASES: &[Case] = &[
    (&[], &[], &[], &[], &[]),
    (&[6], &[2], &[1], &[1], &[NONE]),
    (&[7], &[2], &[2], &[1], &[NONE]),
    (&[7], &[3], &[2], &[1], &[(1, 1, 0)]),
    (&[7], &[1], &[3], &[1], &[(2, 0, 0)]),
    (&[7], &[2], &[1], &[3], &[(1, 2, 0)]),
    (&[5], &[2], &[1], &[1], &[(3, 2, 2)]),
    (&[7], &[3], &[1], &[1], &[(-2, -1, 0)]),
    (&[5], &[9], &[1], &[1], &[(4, 4, 0)]),
    (&[4], &[2], &[2], &[1], &[(4, 4, 0)]),
    (&[4], &[6], &[1], &[1], &[NONE]),
    (&[0], &[2], &[1], &[1], &[(1, 2, 0)]),
    (&[4, 6], &[2, 2], &[2, 2], &[1, 1], &[NONE, NONE]),
    (&[5, 6], &[3, 2], &[1, 3], &[1, 2], &[(1, 1, 0), (0, 1, 1)]),
    (&[3, 5, 4], &[1, 3, 3], &[1, 2, 2], &[1, 1, 1], &[NONE, (1, 1, 0), (0, 1, 0)]),
    (&[2, 4, 5, 3], &[1, 2, 3, 1], &[1, 2, 1, 1], &[1, 1, 1, 1], &[NONE, NONE, (1, 1, 0), NONE]),
    (&[2, 3, 4, 4], &[2, 1, 2, 2], &[1, 2, 1, 2], &[1, 1, 2, 1], &[(1, 0, 0), NONE, (1, 1, 0), (-1, 2, 0)]),
    (&[40], &[14], &[1], &[1], &[(6, 7, 0)]),
    (&[19, 8], &[13, 2], &[2, 1], &[1, 1], &[(3, 4, 0), NONE]),
];

const LARGE: &[Case] = &[
    (&[3, 31, 30], &[1, 2, 2], &[1, 2, 2], &[1, 1, 1], &[NONE, NONE, NONE]),
    (&[2, 30, 33], &[1, 3, 3], &[1, 2, 2], &[1, 1, 1], &[NONE, (1, 1, 0), (1, 1, 0)]),
    (&[1031], &[40], &[3], &[1], &[(20, 19, 0)]),
];

fn op(kind: WindowKind, &(_, sizes, strides, dilation, padding): &Case) -> Op {
    let padding = padding.iter().map(|&(low, high, interior)| Padding { low, high, interior });
    let window = Window {
        sizes: sizes.into(),
        strides: strides.into(),
        dilation: dilation.into(),
        padding: padding.collect(),
    };
    Op::Window { kind, window: Arc::new(window) }
}

/// Whether every window sees an element: an extreme of padding alone is infinite, whose differences are not.
fn sees(&(shape, sizes, strides, dilation, padding): &Case) -> bool {
    let axis = |d: usize| {
        let (low, high, between) = padding[d];
        let spread = shape[d] + shape[d].saturating_sub(1) * between;
        let padded = (spread as isize + low + high) as usize;
        let inside = |i: usize| {
            let i = i as isize - low;
            i >= 0 && i < spread as isize && (i as usize).is_multiple_of(between + 1)
        };
        (0..(padded + strides[d]).saturating_sub((sizes[d] - 1) * dilation[d] + 1) / strides[d])
            .all(|p| (0..sizes[d]).any(|q| inside(p * strides[d] + q * dilation[d])))
    };
    (0..shape.len()).all(axis)
}

fn name(kind: WindowKind, case: &Case, dtype: DType) -> String {
    format!("window/{} {dtype} {:?} {}", kind.name(), case.0, op(kind, case))
}

fn class(kind: WindowKind, case: &Case, dtype: DType) -> Class {
    match kind {
        WindowKind::Sum if dtype.is_float() => Class::Sum { terms: case.1.iter().product() },
        WindowKind::Max | WindowKind::Min => Class::Equal,
        WindowKind::Sum | WindowKind::ArgMax | WindowKind::ArgMin => Class::Exact,
    }
}

/// Moderate numbers for sums of floats, where infinities would hide all else; values of every kind elsewhere.
fn values(kind: WindowKind, dtype: DType) -> Vec<Wide> {
    if kind == WindowKind::Sum && dtype.is_float() {
        let all = uniform(DType::F64, [61], "window", -2.0, 2.0).into_vec::<f64>().unwrap_or_default();
        return all.into_iter().map(Wide::Float).collect();
    }
    mixed(dtype, "window")
}

pub(super) fn window() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &kind in WindowKind::ALL {
        for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
            let all = dtype.is_float() || dtype == DType::I32 || dtype == DType::U8;
            for case in CASES.iter().step_by(if all { 1 } else { 4 }) {
                let x = cycle(dtype, case.0, &values(kind, dtype));
                samples.push(
                    Sample::new(name(kind, case, dtype), op(kind, case), [x]).class(class(kind, case, dtype)),
                );
            }
            for case in
                LARGE.iter().filter(|_| dtype == DType::F32 || dtype == DType::BF16 || dtype == DType::I8)
            {
                let x = cycle(dtype, case.0, &values(kind, dtype)[..17]);
                samples.push(
                    Sample::new(name(kind, case, dtype), op(kind, case), [x]).class(class(kind, case, dtype)),
                );
            }
        }
        for dtype in FLOATS {
            // Two values, so that each window has ties; NaN and infinities in small types, too.
            let ties = [1.0, 0.0, 1.0, 1.0, f64::NAN, 0.0, f64::NEG_INFINITY, f64::INFINITY, 1.0, -0.0, 0.0];
            let ties: Vec<Wide> = ties.into_iter().map(Wide::Float).collect();
            if kind != WindowKind::Sum {
                for case in &CASES[12..15] {
                    let name = format!("{} ties", name(kind, case, dtype));
                    let x = cycle(dtype, case.0, &ties);
                    samples.push(Sample::new(name, op(kind, case), [x]).class(class(kind, case, dtype)));
                }
            }
            for case in CASES.iter().filter(|case| kind == WindowKind::Sum || sees(case)) {
                let name = format!("{} smooth", name(kind, case, dtype));
                let x = match kind {
                    WindowKind::Sum => small(dtype, case.0, "window"),
                    _ => distinct(dtype, case.0, "window"),
                };
                let places = matches!(kind, WindowKind::ArgMax | WindowKind::ArgMin);
                let sample = Sample::new(name, op(kind, case), [x]).class(class(kind, case, dtype));
                samples.push(sample.smooth_if(!places));
            }
        }
    }
    samples
}
