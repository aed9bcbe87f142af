//! Data from nothing: numbers of each kind as every dtype, counting along every axis, host data as they are.

use super::SHAPES;
use crate::Sample;
use crate::data::{cycle, mixed};
use plywood_core::{DType, Number, Op, TensorType};

pub(super) fn full() -> Vec<Sample> {
    let numbers = [
        Number::Int(0),
        Number::Int(3),
        Number::Int(-1),
        Number::Int((1 << 53) + 1),
        Number::UInt(u64::MAX),
        Number::Float(2.75),
        Number::Float(-2.75),
        Number::Float(1.0 + 1.0 / 256.0),
        Number::Float(1e300),
        Number::Float(f64::INFINITY),
        Number::Float(f64::NEG_INFINITY),
        Number::Float(f64::NAN),
        Number::Float(-0.0),
        Number::Bool(true),
        Number::Bool(false),
    ];
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        for number in numbers {
            let op = |shape: &[usize]| Op::Full { number, ty: TensorType::new(shape, dtype) };
            let name = format!("full/{number:?} {dtype}");
            samples.push(Sample::new(&name, op(&[2, 3]), []));
            samples.push(Sample::new(format!("{name} scalar"), op(&[]), []));
        }
        for &shape in SHAPES {
            let ty = TensorType::new(shape, dtype);
            let name = format!("full/{shape:?} {dtype}");
            samples.push(Sample::new(name, Op::Full { number: Number::Int(1), ty }, []));
        }
    }
    samples
}

pub(super) fn iota() -> Vec<Sample> {
    let cases: &[(&[usize], usize)] = &[
        (&[0], 0),
        (&[1], 0),
        (&[100], 0),
        (&[2, 3], 0),
        (&[2, 3], 1),
        (&[2, 0, 3], 2),
        (&[2, 3, 4], 1),
        (&[2, 3, 4, 5], 0),
        (&[2, 3, 4, 5], 3),
        (&[40, 33], 0),
        (&[40, 33], 1),
    ];
    let mut samples = Vec::new();
    for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
        let mut all: Vec<(&[usize], usize)> = cases.to_vec();
        // Beyond what the narrow floats count exactly, and a tile.
        if matches!(dtype, DType::F16 | DType::BF16 | DType::F32 | DType::I32) {
            all.extend([(&[2500][..], 0), (&[2, 1031], 1)]);
        }
        for (shape, axis) in all {
            let op = Op::Iota { ty: TensorType::new(shape, dtype), axis };
            samples.push(Sample::new(format!("iota/{dtype} {shape:?} along {axis}"), op, []));
        }
    }
    samples
}

pub(super) fn constant() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        let values = mixed(dtype, "constant");
        for &shape in SHAPES {
            let op = Op::Constant(cycle(dtype, shape, &values));
            samples.push(Sample::new(format!("constant/{dtype} {shape:?}"), op, []));
        }
    }
    samples
}
