//! Loops as long as a condition holds: no step, some, by counters and by what is computed; constants of the condition
//! and of the body; states of several types; loops and branches inside.

use super::{S, apply, cond_op, graph, scan_op, types, types_of, while_op};
use crate::data::{cycle, floats, ints, uniform};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::While;
use plywood_core::{Array, DType, Op};
use std::sync::Arc;

/// A loop: constants of the condition, of the body, first state.
struct Inputs<const N: usize, const M: usize, const K: usize>([Array; N], [Array; M], [Array; K]);

impl<const N: usize, const M: usize, const K: usize> Inputs<N, M, K> {
    fn sample(
        self,
        name: &str,
        condition: impl FnOnce(&[S]) -> S,
        body: impl FnOnce(&[S]) -> Vec<S>,
    ) -> Sample {
        let Inputs(of_condition, of_body, state) = self;
        let op = while_op([&types(&of_condition), &types(&of_body), &types(&state)], condition, body);
        let inputs = of_condition.into_iter().chain(of_body).chain(state);
        Sample::new(format!("while/{name}"), op, inputs)
    }
}

pub(in crate::samples) fn while_loop() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in [DType::F64, DType::F32, DType::BF16, DType::I64, DType::I32, DType::U8] {
        for (n, what) in [(0.0, "no step"), (1.0, "one step"), (9.5, "some steps")] {
            let one = |x: f64| cycle(dtype, [], &[Wide::Float(x)]);
            let count = Inputs([one(n)], [one(2.0)], [one(0.0)]);
            let count =
                count.sample(&format!("count {dtype} {what}"), |x| x[1].lt(&x[0]), |x| vec![&x[1] + &x[0]]);
            // A start that is the bound is not smooth.
            samples.push(count.smooth_if(dtype == DType::F64 && n > 0.0));
        }
        let signed = dtype != DType::U8;
        let (a, b) = if signed { (-2, 1) } else { (2, 1) };
        let pair = |x: i64| cycle(dtype, [2], &[Wide::Int(x as i128), Wide::Int(3)]);
        for n in [0, 6] {
            let swap = Inputs([], [], [ints(DType::I32, [], &[n]), pair(a), pair(b)]);
            let swap = swap.sample(
                &format!("swap {dtype} {n} steps"),
                |x| x[0].gt(0),
                |x| vec![&x[0] - 1, x[2].clone(), &x[1] + &x[2]],
            );
            samples.push(swap.smooth_if(dtype == DType::F64));
        }
    }
    for dtype in [DType::F64, DType::F32] {
        let of_dtype = programs(dtype).into_iter();
        samples.extend(of_dtype.map(|s| s.class(Class::Norm(16)).smooth_if(dtype == DType::F64)));
    }
    for n in [1, 6, 27] {
        let collatz = Inputs([], [], [ints(DType::I32, [], &[n]), ints(DType::I32, [], &[0])]);
        samples.push(collatz.sample(
            &format!("collatz i32 {n}"),
            |x| x[0].gt(1),
            |x| {
                let op =
                    cond_op(&types_of(&x[..1]), &[&|x| vec![x[0].floor_divide(2)], &|x| vec![&x[0] * 3 + 1]]);
                let next = apply(op, &[x[0].remainder(2), x[0].clone()]).remove(0);
                vec![next, &x[1] + 1]
            },
        ));
    }
    samples
}

fn programs(dtype: DType) -> Vec<Sample> {
    let mut all = Vec::new();
    let i32 = |n: i64| ints(DType::I32, [], &[n]);
    let data = |shape: &[usize], name: &str| uniform(dtype, shape, name, 0.5, 1.5);
    for n in [0, 1, 4] {
        let power = Inputs([i32(n)], [data(&[3], "x")], [i32(0), data(&[3], "y")]);
        let name = format!("power {dtype} {n} steps");
        all.push(power.sample(&name, |x| x[1].lt(&x[0]), |x| vec![&x[1] + 1, &x[2] * &x[0]]));
    }

    // One body under two conditions: what is derived of it is not of one of them.
    let body = |x: &[S]| vec![&x[0] * 0.5 + x[0].sin() * 0.1];
    let shared = graph(&[floats(dtype, [2], &[3.0, 5.0]).ty()], body);
    for bound in [2.0, 1.0] {
        let state = floats(dtype, [2], &[3.0, 5.0]);
        let condition = graph(&[state.ty()], |x| vec![x[0].max().gt(bound)]);
        let (body, condition_constants, body_constants) = (shared.clone(), 0, 0);
        let op = Op::While(Arc::new(While { condition, body, condition_constants, body_constants }));
        all.push(Sample::new(format!("while/halve_to_{bound} {dtype}"), op, [state]));
    }

    // The number of steps depends on the data, as does the derivative; the bound counts for nothing.
    let bound = floats(dtype, [], &[1e-3]);
    let a = data(&[3], "a");
    let newton = Inputs([a.clone(), bound], [a], [floats(dtype, [3], &[1.0, 1.0, 2.0])]);
    all.push(newton.sample(
        &format!("newton {dtype}"),
        |x| (&x[2] * &x[2] - &x[0]).abs().gt(&x[1]).any(),
        |x| vec![(&x[1] + &x[0] / &x[1]) * 0.5],
    ));

    let go = cycle(DType::Bool, [], &[Wide::Int(1)]);
    let mixed =
        Inputs([], [], [go, i32(0), floats(dtype, [3], &[4.0, 3.0, 2.5]), ints(DType::U8, [2], &[250, 3])]);
    all.push(mixed.sample(
        &format!("mixed {dtype}"),
        |x| x[0].clone(),
        |x| {
            let v = &x[2] * 0.5;
            vec![v.sum().gt(2.0), &x[1] + 1, v, &x[3] + &x[3]]
        },
    ));

    let scan = Inputs([], [data(&[4, 2], "x")], [i32(0), data(&[2], "s")]);
    all.push(scan.sample(
        &format!("scan {dtype}"),
        |x| x[0].lt(2),
        |x| {
            let inner = [x[2].clone(), x[0].clone()];
            let parts = types_of(&inner);
            let op = scan_op([&[], &parts[..1], &parts[1..]], 4, false, |x| vec![&x[0] * &x[1] + &x[1]]);
            vec![&x[1] + 1, apply(op, &inner).remove(0)]
        },
    ));

    let nested = Inputs([i32(3)], [data(&[2], "x")], [i32(0), data(&[2], "p")]);
    all.push(nested.sample(
        &format!("nested {dtype}"),
        |x| x[1].lt(&x[0]),
        |x| {
            let [x, i, p] = x else { unreachable!() };
            // As many factors as the outer loop's counter says.
            let inner = [i.clone(), x.clone(), i.zeros_like(), p.clone()];
            let parts = types_of(&inner);
            let op = while_op(
                [&parts[..1], &parts[1..2], &parts[2..]],
                |x| x[1].lt(&x[0]),
                |x| vec![&x[1] + 1, (&x[2] * &x[0]).sin()],
            );
            vec![i + 1, apply(op, &inner).remove(1)]
        },
    ));

    let branch = Inputs([i32(4)], [data(&[2], "x")], [i32(0), data(&[2], "p")]);
    all.push(branch.sample(
        &format!("branch {dtype}"),
        |x| x[1].lt(&x[0]),
        |x| {
            let [x, i, p] = x else { unreachable!() };
            let operands = [p.clone(), x.clone()];
            let op = cond_op(
                &types_of(&operands),
                &[&|x| vec![&x[0] * &x[1]], &|x| vec![x[1].clone()], &|x| vec![x[0].cos()]],
            );
            vec![i + 1, apply(op, &[i.clone(), p.clone(), x.clone()]).remove(0)]
        },
    ));
    all
}
