//! Cutting out and putting together: steps, empty results, computed places outside, padding taken away and put between.

use super::FLOATS;
use crate::Sample;
use crate::data::{cycle, ints, mixed, small};
use plywood_core::op::{Padding, Slice};
use plywood_core::{Array, DType, Op, Shape};
use std::sync::Arc;

/// Data of every dtype, and small numbers for derivatives.
fn data(dtype: DType, shape: &[usize], name: &str, smooth: bool) -> Array {
    if smooth { small(dtype, shape, name) } else { cycle(dtype, shape, &mixed(dtype, name)) }
}

/// Every dtype with mixed values, and the floats with small ones where `smooth` is possible.
fn dtypes(elements: usize) -> impl Iterator<Item = (DType, bool)> {
    let smooth = FLOATS.into_iter().filter(move |_| elements <= 60).map(|d| (d, true));
    DType::ALL.into_iter().map(|d| (d, false)).chain(smooth)
}

fn suffix(dtype: DType, smooth: bool) -> String {
    format!("{dtype}{}", if smooth { " smooth" } else { "" })
}

pub(super) fn slice() -> Vec<Sample> {
    type Case<'a> = (&'a [usize], &'a [usize], &'a [usize], &'a [usize]);
    let cases: &[Case] = &[
        (&[], &[], &[], &[]),
        (&[7], &[0], &[7], &[1]),
        (&[7], &[2], &[5], &[1]),
        (&[7], &[1], &[7], &[2]),
        (&[7], &[0], &[7], &[9]),
        (&[7], &[3], &[3], &[1]),
        (&[7], &[7], &[7], &[2]),
        (&[0], &[0], &[0], &[1]),
        (&[3, 4], &[1, 0], &[3, 4], &[1, 3]),
        (&[3, 4], &[0, 1], &[3, 3], &[2, 1]),
        (&[2, 3, 4], &[0, 2, 1], &[2, 3, 4], &[1, 1, 2]),
        (&[2, 3, 4, 5], &[1, 0, 1, 0], &[2, 3, 4, 5], &[1, 2, 3, 4]),
        (&[40, 33], &[3, 1], &[39, 32], &[1, 1]),
        (&[2062], &[1], &[2062], &[2]),
    ];
    let mut samples = Vec::new();
    for &(shape, starts, limits, strides) in cases {
        for (dtype, smooth) in dtypes(shape.iter().product()) {
            let [starts, limits, strides] = [starts, limits, strides].map(|a| a.iter().copied().collect());
            let op = Op::Slice(Arc::new(Slice { starts, limits, strides }));
            let name = format!("slice/{shape:?} {op} {}", suffix(dtype, smooth));
            samples.push(Sample::new(name, op, [data(dtype, shape, "slice", smooth)]).smooth_if(smooth));
        }
    }
    samples
}

/// Shapes, sizes of windows, and where they start.
const WINDOWS: &[(&[usize], &[usize], &[i64])] = &[
    (&[], &[], &[]),
    (&[7], &[3], &[2]),
    (&[7], &[3], &[6]),
    (&[7], &[3], &[-5]),
    (&[7], &[7], &[1]),
    (&[7], &[0], &[3]),
    (&[0], &[0], &[0]),
    (&[3, 4], &[2, 2], &[1, 1]),
    (&[3, 4], &[1, 4], &[2, 3]),
    (&[3, 4], &[3, 1], &[-100, 100]),
    (&[2, 3, 4], &[1, 2, 3], &[1, 0, 1]),
    (&[2, 3, 4, 5], &[2, 1, 3, 2], &[0, 2, 0, 3]),
    (&[40, 33], &[17, 30], &[5, 2]),
];

/// Integer types for places; the unsigned and the narrow ones must be clamped without wrapping.
const PLACES: [DType; 4] = [DType::I32, DType::I64, DType::U8, DType::I8];

pub(super) fn dynamic_slice() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &(shape, sizes, starts) in WINDOWS {
        for (k, (dtype, smooth)) in dtypes(shape.iter().product()).enumerate() {
            let places = PLACES[k % PLACES.len()];
            let op = Op::DynamicSlice { sizes: Shape::from(sizes) };
            let name =
                format!("dynamic_slice/{shape:?} {sizes:?} at {starts:?} {places} {}", suffix(dtype, smooth));
            let x = data(dtype, shape, "dynamic_slice", smooth);
            let inputs = [x].into_iter().chain(starts.iter().map(|&s| ints(places, [], &[s])));
            samples.push(Sample::new(name, op, inputs).smooth_if(smooth));
        }
    }
    // Every integer type as places, with its extremes.
    for places in DType::ALL.into_iter().filter(|d| d.is_integer()) {
        for start in crate::data::specials(places) {
            let x = data(DType::F32, &[9], "places", true);
            let start = crate::data::fill(places, [], |_| start);
            let name = format!("dynamic_slice/places {places} {}", start.preview(1));
            samples.push(Sample::new(name, Op::DynamicSlice { sizes: Shape::from([4]) }, [x, start]));
        }
    }
    samples
}

pub(super) fn dynamic_update() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &(shape, sizes, starts) in WINDOWS {
        for (k, (dtype, smooth)) in dtypes(shape.iter().product()).enumerate() {
            let places = PLACES[k % PLACES.len()];
            let name = format!(
                "dynamic_update/{shape:?} {sizes:?} at {starts:?} {places} {}",
                suffix(dtype, smooth)
            );
            let x = data(dtype, shape, "dynamic_update", smooth);
            let update = data(dtype, sizes, "the update", smooth);
            let inputs = [x, update].into_iter().chain(starts.iter().map(|&s| ints(places, [], &[s])));
            samples.push(Sample::new(name, Op::DynamicUpdate, inputs).smooth_if(smooth));
        }
    }
    samples
}

pub(super) fn pad() -> Vec<Sample> {
    // Low, high, interior of each axis.
    type Case<'a> = (&'a [usize], &'a [(isize, isize, usize)]);
    let cases: &[Case] = &[
        (&[], &[]),
        (&[4], &[(0, 0, 0)]),
        (&[4], &[(2, 1, 0)]),
        (&[4], &[(0, 0, 2)]),
        (&[4], &[(1, 2, 1)]),
        (&[4], &[(-1, 0, 0)]),
        (&[4], &[(-1, -2, 0)]),
        (&[4], &[(-2, -2, 1)]),
        (&[4], &[(-2, 3, 2)]),
        (&[4], &[(-4, 2, 0)]),
        (&[4], &[(5, -7, 0)]),
        (&[0], &[(2, 1, 3)]),
        (&[1], &[(0, 0, 5)]),
        (&[2, 3], &[(1, 0, 0), (0, 2, 0)]),
        (&[2, 3], &[(-1, 1, 1), (2, -1, 2)]),
        (&[2, 0], &[(1, 1, 0), (0, 2, 0)]),
        (&[2, 3, 4], &[(0, 1, 0), (0, 0, 0), (1, 0, 1)]),
        (&[2, 3, 4, 5], &[(1, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -2, 0)]),
        (&[40, 33], &[(1, 1, 0), (3, 4, 0)]),
    ];
    let mut samples = Vec::new();
    for &(shape, padding) in cases {
        for (dtype, smooth) in dtypes(shape.iter().product()) {
            let padding = padding.iter().map(|&(low, high, interior)| Padding { low, high, interior });
            let op = Op::Pad { padding: padding.collect() };
            let name = format!("pad/{shape:?} {op} {}", suffix(dtype, smooth));
            let inputs = [data(dtype, shape, "pad", smooth), small(dtype, [], "with")];
            samples.push(Sample::new(name, op, inputs).smooth_if(smooth));
        }
    }
    samples
}

pub(super) fn concatenate() -> Vec<Sample> {
    let cases: &[(&[&[usize]], usize)] = &[
        (&[&[4]], 0),
        (&[&[4], &[3]], 0),
        (&[&[4], &[0], &[1]], 0),
        (&[&[0], &[0]], 0),
        (&[&[2, 3], &[1, 3]], 0),
        (&[&[2, 3], &[2, 1], &[2, 4]], 1),
        (&[&[2, 3], &[2, 0]], 1),
        (&[&[0, 3], &[0, 2]], 1),
        (&[&[2, 3, 4], &[2, 1, 4]], 1),
        (&[&[2, 3, 1], &[2, 3, 1], &[2, 3, 1], &[2, 3, 1], &[2, 3, 1]], 2),
        (&[&[1, 3, 4, 5], &[2, 3, 4, 5]], 0),
        (&[&[40, 33], &[40, 7]], 1),
        (&[&[600], &[431]], 0),
    ];
    let mut samples = Vec::new();
    for &(shapes, axis) in cases {
        let elements = shapes.iter().map(|s| s.iter().product::<usize>()).sum();
        for (dtype, smooth) in dtypes(elements) {
            let name = format!("concatenate/{shapes:?} along {axis} {}", suffix(dtype, smooth));
            let inputs = shapes.iter().enumerate();
            let inputs = inputs.map(|(k, shape)| data(dtype, shape, &format!("part {k}"), smooth));
            samples.push(Sample::new(name, Op::Concatenate { axis }, inputs).smooth_if(smooth));
        }
    }
    samples
}
