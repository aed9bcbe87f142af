//! Stable sorts: one and more keys, passengers, ties, special values, every axis, more than a tile. The largest
//! elements: any number of them.

use super::FLOATS;
use crate::Sample;
use crate::data::{cycle, distinct, fill, mixed, small};
use plywood_core::convert::Wide;
use plywood_core::{Array, DType, Op};

const CASES: &[(&[usize], usize)] = &[
    (&[7], 0),
    (&[1], 0),
    (&[0], 0),
    (&[0, 3], 1),
    (&[3, 0], 1),
    (&[3, 5], 0),
    (&[3, 5], 1),
    (&[2, 3, 4], 1),
    (&[2, 3, 4, 5], 0),
    (&[2, 3, 4, 5], 2),
    (&[33, 40], 0),
    (&[33, 40], 1),
    (&[1031], 0),
];

/// 0, 1, 2, ..: shows where each element went, and so whether the sort is stable.
fn places(shape: &[usize]) -> Array {
    fill(DType::I32, shape, |i| Wide::Int(i as i128))
}

pub(super) fn sort() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        for &(shape, axis) in CASES {
            let name = format!("sort/{dtype} {shape:?} along {axis}");
            let values = mixed(dtype, "sort");
            // Long ones for a few dtypes, and then not in every way: what they show does not depend on the type.
            let long = shape.iter().product::<usize>() > 1000;
            if long && ![DType::F64, DType::F32, DType::I32, DType::U8].contains(&dtype) {
                continue;
            }
            let (x, ties) = (cycle(dtype, shape, &values), small(dtype, shape, "ties"));
            let op = |keys| Op::Sort { axis, keys };
            samples.push(Sample::new(format!("{name} with places"), op(1), [x.clone(), places(shape)]));
            if long && dtype != DType::F32 {
                continue;
            }
            samples.push(Sample::new(&name, op(1), [x.clone()]));
            samples.push(Sample::new(format!("{name} ties"), op(1), [ties.clone(), places(shape)]));
            samples.push(Sample::new(format!("{name} two keys"), op(2), [ties.clone(), x, places(shape)]));
            let bools = small(DType::Bool, shape, "bools");
            let inputs = [bools, ties, places(shape), small(DType::F64, shape, "passenger")];
            samples.push(Sample::new(format!("{name} of four, three keys"), op(3), inputs));
        }
    }
    for dtype in FLOATS {
        for (shape, axis) in [(&[7][..], 0), (&[3, 4], 0), (&[3, 4], 1)] {
            let op = |keys| Op::Sort { axis, keys };
            let name = format!("sort/{dtype} {shape:?} along {axis}");
            let x = distinct(dtype, shape, "keys");
            samples.push(Sample::new(format!("{name} smooth"), op(1), [x.clone()]).smooth());
            let inputs = [x, small(dtype, shape, "passenger"), places(shape)];
            samples.push(Sample::new(format!("{name} passengers smooth"), op(1), inputs).smooth());
        }
    }
    samples
}

pub(super) fn top_k() -> Vec<Sample> {
    // Shape, axis, k: none, one, some, all; more than a buffer of candidates.
    let cases: &[(&[usize], usize, usize)] = &[
        (&[7], 0, 3),
        (&[1], 0, 1),
        (&[0], 0, 0),
        (&[5], 0, 0),
        (&[3, 0], 0, 2),
        (&[3, 5], 0, 2),
        (&[3, 5], 1, 5),
        (&[2, 3, 4], 1, 1),
        (&[33, 40], 0, 7),
        (&[1031], 0, 30),
        (&[1031], 0, 1000),
    ];
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        for &(shape, axis, k) in cases {
            let long = shape.iter().product::<usize>() > 1000;
            if long && ![DType::F64, DType::F32, DType::I32, DType::U8].contains(&dtype) {
                continue;
            }
            let (op, name) = (Op::TopK { k, axis }, format!("top_k/{dtype} {k} of {shape:?} along {axis}"));
            let x = cycle(dtype, shape, &mixed(dtype, "top_k"));
            samples.push(Sample::new(&name, op.clone(), [x]));
            samples.push(Sample::new(format!("{name} ties"), op, [small(dtype, shape, "ties")]));
        }
    }
    for dtype in FLOATS {
        for (shape, axis, k) in [(&[7][..], 0, 3), (&[3, 4], 0, 2), (&[3, 4], 1, 4), (&[2, 5, 3], 1, 2)] {
            let name = format!("top_k/{dtype} {k} of {shape:?} along {axis} smooth");
            let x = distinct(dtype, shape, "top_k");
            samples.push(Sample::new(name, Op::TopK { k, axis }, [x]).smooth());
        }
    }
    samples
}
