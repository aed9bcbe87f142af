//! Views show the right elements, and copy nothing where they need not.

mod common;

use common::*;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Slice, Unary};
use plywood_core::shape::Axes;
use plywood_core::{Backend, DType, Device, DeviceBackend, Number, Op, Shape, TensorType, Value};
use std::sync::Arc;

#[test]
fn views_show_the_right_elements() {
    let shape = [3, 4, 5];
    let data = ramp(60);
    for dtype in [DType::F64, DType::I8, DType::BF16] {
        let x = of(dtype, &data, &shape);
        let data = numbers(&x);
        let slice = Slice {
            starts: Axes::from_slice(&[1, 0, 2]),
            limits: Axes::from_slice(&[3, 4, 5]),
            strides: Axes::from_slice(&[1, 3, 2]),
        };
        let cases: Vec<(Op, Shape, fn(&[usize]) -> Vec<usize>)> = vec![
            (Op::Transpose { permutation: Axes::from_slice(&[2, 0, 1]) }, [5, 3, 4].into(), |i| {
                vec![i[1], i[2], i[0]]
            }),
            (Op::Reverse { axes: Axes::from_slice(&[0, 2]) }, shape.into(), |i| {
                vec![2 - i[0], i[1], 4 - i[2]]
            }),
            (
                Op::Broadcast { shape: [3, 2, 4, 5].into(), axes: Axes::from_slice(&[0, 2, 3]) },
                [3, 2, 4, 5].into(),
                |i| vec![i[0], i[2], i[3]],
            ),
            (Op::Slice(Arc::new(slice)), [2, 2, 2].into(), |i| vec![1 + i[0], 3 * i[1], 2 + 2 * i[2]]),
            (Op::Reshape { shape: [12, 5].into() }, [12, 5].into(), |i| vec![i[0] / 4, i[0] % 4, i[1]]),
            (Op::StopGradient, shape.into(), |i| i.to_vec()),
        ];
        for (op, out, source) in cases {
            let y = apply(op.clone(), &[&x]);
            let want: Vec<f64> = indices(&out).iter().map(|i| at(&data, &shape, &source(i))).collect();
            assert_eq!((y.shape(), numbers(&y)), (&out, want), "{op:?}");
        }
    }
}

#[test]
fn every_view_reshapes_to_what_it_shows() {
    for dtype in [DType::F32, DType::Bool, DType::U16, DType::I64] {
        for shape in shapes() {
            for (name, x) in views(dtype, &shape) {
                let n = shape.elements() as isize;
                let flat = x.clone().reshape(&[n]);
                assert_eq!(numbers(&x), numbers(&flat), "{name} {dtype} {shape}");
                let again = flat.reshape_to(shape.clone());
                assert_eq!(numbers(&again), numbers(&x), "{name} {dtype} {shape}");
            }
        }
    }
}

#[test]
fn created_values_hold_what_they_say() {
    for dtype in DType::ALL {
        let ty = TensorType::new([2, 3], dtype);
        let full = Value::create(Cpu::ENGINE, Op::Full { number: Number::Int(3), ty: ty.clone() });
        assert_eq!(numbers(&full), [if dtype == DType::Bool { 1.0 } else { 3.0 }; 6], "{dtype}");
        if dtype == DType::Bool {
            continue;
        }
        let iota = |axis, shape: [usize; 2]| {
            numbers(&Value::create(Cpu::ENGINE, Op::Iota { ty: TensorType::new(shape, dtype), axis }))
        };
        assert_eq!(iota(0, [2, 3]), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0], "{dtype}");
        assert_eq!(iota(1, [2, 3]), [0.0, 1.0, 2.0, 0.0, 1.0, 2.0], "{dtype}");
        assert!(iota(0, [2, 0]).is_empty());
    }
    let wraps = Op::Iota { ty: TensorType::new([300], DType::U8), axis: 0 };
    assert_eq!(Value::create(Cpu::ENGINE, wraps).to_vec::<u8>()[254..258], [254, 255, 0, 1]);
    let long = Op::Iota { ty: TensorType::new([100_000], DType::I32), axis: 0 };
    assert!(Value::create(Cpu::ENGINE, long).to_vec::<i32>().iter().enumerate().all(|(i, &x)| x == i as i32));
    let minus = Op::Full { number: Number::Float(-1.5), ty: TensorType::scalar(DType::I16) };
    assert_eq!(Value::create(Cpu::ENGINE, minus).item::<i16>(), -1);
}

#[test]
fn there_is_one_device() {
    let x = value(&[1f32], &[]);
    assert_eq!((x.device(), Cpu::devices()), (Device::cpu(0), vec![Device::cpu(0)]));
    let there = Cpu::to_device(x.clone(), Device::cpu(0)).expect("it is there already");
    assert!(there.same(&x));
    let error = Cpu::to_device(x, Device::cpu(1)).expect_err("there is no such device");
    assert_eq!(error.to_string(), "there is no device cpu:1; there are: cpu:0");
    assert_eq!(Cpu::ENGINE.name(), "Cpu");
}

#[test]
fn an_operation_on_a_view_leaves_the_original_alone() {
    let x = value(&ramp(200), &[10, 20]);
    let before = x.to_vec::<f64>();
    let view = x.clone().t();
    let y = view.unary(Unary::Neg);
    assert_eq!(x.to_vec::<f64>(), before);
    assert_eq!(y.t().to_vec::<f64>(), before.iter().map(|v| -v).collect::<Vec<_>>());
}
