//! Branches: one, two, three; an index out of range on both sides; branches that ignore operands, or return them; several
//! results of several types; loops and branches inside.

use super::{Branch, S, apply, call_op, cond_op, full, scan_op, types, types_of};
use crate::data::{cycle, ints, small, uniform};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Policy;
use plywood_core::{Array, DType, Number};

fn samples_of(name: &str, which: &[i64], operands: &[Array], branches: &[Branch<'_>]) -> Vec<Sample> {
    let op = cond_op(&types(operands), branches);
    let one = |&i: &i64| {
        let inputs = std::iter::once(ints(DType::I32, [], &[i])).chain(operands.iter().cloned());
        Sample::new(format!("cond/{name} branch {i}"), op.clone(), inputs)
    };
    which.iter().map(one).collect()
}

pub(in crate::samples) fn cond() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
        let x = small(dtype, [2, 3], "x");
        let one = samples_of(&format!("one {dtype}"), &[-1, 0, 3], &[x], &[&|x| vec![&x[0] + &x[0]]]);
        samples.extend(one.into_iter().map(|s| s.smooth_if(dtype == DType::F64)));
    }
    for dtype in [DType::F64, DType::F32] {
        let of_dtype = programs(dtype).into_iter();
        samples.extend(of_dtype.map(|s| s.class(Class::Norm(8)).smooth_if(dtype == DType::F64)));
    }
    let bools = [small(DType::Bool, [5], "p"), small(DType::Bool, [5], "q")];
    let logic: [Branch<'_>; 2] =
        [&|x| vec![x[0].logical_and(&x[1]), x[1].clone()], &|x| vec![x[0].logical_not(), x[0].clone()]];
    samples.extend(samples_of("logic bool", &[0, 1], &bools, &logic));
    let numbers: [Branch<'_>; 2] = [
        &|_| vec![full(DType::F32, [], Number::Float(1.5)), full(DType::I64, [3], Number::Int(-7))],
        &|_| vec![full(DType::F32, [], Number::Float(2.5)), full(DType::I64, [3], Number::Int(9))],
    ];
    samples.extend(samples_of("numbers f32", &[0, 1], &[], &numbers));
    samples
}

fn programs(dtype: DType) -> Vec<Sample> {
    let mut all = Vec::new();
    let data = |shape: &[usize], name: &str| uniform(dtype, shape, name, -1.0, 1.0);
    let named = |name: &str| format!("{name} {dtype}");
    let pair = [data(&[3], "x"), data(&[3], "y")];
    let ends = [i32::MIN as i64, -2, 0, 1, 2, i32::MAX as i64];
    let two: [Branch<'_>; 2] = [&|x| vec![x[0].sin() * &x[1]], &|x| vec![&x[0] - &x[1]]];
    all.extend(samples_of(&named("two"), &ends, &pair, &two));

    let operands =
        [data(&[2, 3], "x"), ints(DType::I32, [2], &[5, -6]), cycle(DType::Bool, [], &[Wide::Int(1)])];
    let three: [Branch<'_>; 3] = [
        &|x| x.to_vec(),
        &|x| vec![full(x[0].dtype(), [2, 3], Number::Float(0.5)), &x[1] + &x[1], x[2].logical_not()],
        &|x| {
            let number = full(DType::I32, [2], Number::Int(7));
            vec![&x[0] * &x[0], number, full(DType::Bool, [], Number::Bool(true))]
        },
    ];
    all.extend(samples_of(&named("three"), &[0, 1, 2], &operands, &three));

    let ignoring: [Branch<'_>; 3] =
        [&|x| vec![x[1].exp()], &|x| vec![&x[0] * &x[0]], &|x| vec![full(x[0].dtype(), [3], Number::Int(3))]];
    all.extend(samples_of(&named("ignoring"), &[0, 1, 2], &pair, &ignoring));

    let shapes: [Branch<'_>; 2] = [&|x| vec![x[0].t(), x[0].t()], &|x| {
        let sum = x[0].sum().broadcast_to([3, 2]);
        vec![sum.clone(), sum]
    }];
    all.extend(samples_of(&named("shapes"), &[0, 1], &[data(&[2, 3], "x")], &shapes));

    let nested: [Branch<'_>; 2] = [
        &|x| {
            let op = cond_op(&types_of(&x[1..]), &[&|x| vec![x[0].sin()], &|x| vec![x[0].cos() * &x[0]]]);
            apply(op, x)
        },
        &|x| vec![-&x[1]],
    ];
    for j in [0, 1] {
        let operands = [ints(DType::I32, [], &[j]), data(&[3], "x")];
        let name = format!("nested {dtype} inner {j}");
        all.extend(samples_of(&name, &[0, 1], &operands, &nested));
    }

    let scan: [Branch<'_>; 2] = [
        &|x: &[S]| {
            let parts = types_of(x);
            let body = |x: &[S]| vec![&x[0] * &x[1] + &x[1]];
            apply(scan_op([&[], &parts[..1], &parts[1..]], 4, false, body), x)
        },
        &|x| vec![&x[0] + x[1].sum_axes(0)],
    ];
    all.extend(samples_of(&named("scan"), &[0, 1], &[data(&[2], "k"), data(&[4, 2], "x")], &scan));

    let call: [Branch<'_>; 2] =
        [&|x| apply(call_op(&types_of(x), Policy::Nothing, |x| vec![x[0].matmul(&x[1]).tanh()]), x), &|x| {
            vec![x[1].matmul(&x[0])]
        }];
    all.extend(samples_of(&named("call"), &[0, 1], &[data(&[2, 2], "a"), data(&[2, 2], "b")], &call));
    all
}
