//! Scans: states, slices and results of several types and numbers, none of each, both directions, no step and one; loops,
//! branches and functions inside.

use super::{S, apply, call_op, cond_op, full, scan_op, types, types_of, while_op};
use crate::data::{cycle, ints, small, uniform};
use crate::{Class, Layout, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Policy;
use plywood_core::{Array, DType, Number};

/// Errors relative to the largest result: chains of functions, none of which grows.
const NORM: Class = Class::Norm(16);

/// A scan: constants, first state, what is scanned.
struct Inputs<const C: usize, const K: usize, const X: usize>([Array; C], [Array; K], [Array; X]);

impl<const C: usize, const K: usize, const X: usize> Inputs<C, K, X> {
    /// The sample of a body. Its name says how many steps, and in which direction.
    fn sample(self, name: &str, length: usize, reverse: bool, body: impl FnOnce(&[S]) -> Vec<S>) -> Sample {
        let Inputs(constants, state, xs) = self;
        let op = scan_op([&types(&constants), &types(&state), &types(&xs)], length, reverse, body);
        let way = if reverse { " backward" } else { "" };
        let inputs = constants.into_iter().chain(state).chain(xs);
        Sample::new(format!("scan/{name} {length} steps{way}"), op, inputs)
    }
}

pub(in crate::samples) fn scan() -> Vec<Sample> {
    let mut samples = sums();
    for dtype in [DType::F64, DType::F32] {
        samples.extend(programs(dtype).into_iter().map(|s| s.class(NORM).smooth_if(dtype == DType::F64)));
    }
    samples.extend(integers());
    samples
}

/// Running sums: every dtype, rows of several sizes, few and many steps.
fn sums() -> Vec<Sample> {
    let mut samples = Vec::new();
    let dtypes = DType::ALL.into_iter().filter(|&d| d != DType::Bool);
    for dtype in dtypes {
        let narrow = dtype == DType::BF16;
        let cases: &[(&[usize], usize)] =
            &[(&[3], 5), (&[], 7), (&[2, 0], 3), (&[2, 3], 1), (&[2, 3], 0), (&[40, 7], 6), (&[], 300)];
        // Beyond seven terms bf16 rounds.
        let cases = cases.iter().filter(|(_, n)| !narrow || *n < 8);
        for (&(shape, length), reverse) in cases.flat_map(|c| [(c, false), (c, true)]) {
            let all: Vec<usize> = [&[length], shape].concat();
            let (k, x) = (small(dtype, shape, "sums k"), small(dtype, &all[..], "sums x"));
            let sample =
                Inputs([], [k], [x]).sample(&format!("sums {dtype} {shape:?}"), length, reverse, |x| {
                    let sum = &x[0] + &x[1];
                    vec![sum.clone(), sum]
                });
            let elements: usize = sample.inputs.iter().map(|i| i.data.shape().elements()).sum();
            samples.push(sample.smooth_if(dtype == DType::F64 && (1..100).contains(&elements)));
        }
    }
    samples
}

/// A scalar.
fn scalar(dtype: DType, x: f64) -> Array {
    cycle(dtype, [], &[Wide::Float(x)])
}

fn programs(dtype: DType) -> Vec<Sample> {
    let mut all = Vec::new();
    let data = |shape: &[usize], name: &str| uniform(dtype, shape, name, -1.0, 1.0);
    let named = |name: &str| format!("{name} {dtype}");

    for (length, reverse) in [(4, false), (4, true), (1, false), (0, false), (0, true)] {
        let rnn = Inputs([data(&[3, 3], "w"), data(&[3], "b")], [data(&[3], "h")], [data(&[length, 3], "x")]);
        all.push(rnn.sample(&named("rnn"), length, reverse, |x| {
            let [w, b, h, x] = x else { unreachable!() };
            let h = (w.matmul(h) + x + b).tanh();
            vec![h.clone(), &h * &h]
        }));

        let state = [data(&[2], "h"), ints(DType::I32, [], &[1]), cycle(DType::Bool, [], &[Wide::Int(1)])];
        let j = ints(DType::I32, [length], &[2, -1, 3, 1][..length]);
        let constants = [scalar(dtype, 0.75), ints(DType::I32, [], &[2])];
        let mixed = Inputs(constants, state, [data(&[length, 2], "v"), j]);
        all.push(mixed.sample(&named("mixed"), length, reverse, |x| {
            let [f, m, h, n, flag, v, j] = x else { unreachable!() };
            let next = h * f + v * j.cast(h.dtype());
            let n = n + j * m;
            let flag = flag.logical_xor(&n.gt(4));
            vec![next.clone(), n.clone(), flag.clone(), h * next, n, flag, h.clone()]
        }));

        let swap = Inputs([], [data(&[3], "a"), data(&[3], "b")], [data(&[length, 3], "x")]);
        all.push(swap.sample(&named("swap"), length, reverse, |x| {
            let [a, b, x] = x else { unreachable!() };
            vec![b.clone(), a * x]
        }));

        let no_carry = Inputs([data(&[2], "c")], [], [data(&[length, 2], "x")]);
        all.push(no_carry.sample(&named("map"), length, reverse, |x| {
            let [c, x] = x else { unreachable!() };
            vec![x.sin() * c, x + x]
        }));

        let no_xs = Inputs([scalar(dtype, 2.75)], [uniform(dtype, [2], "logistic", 0.2, 0.8)], []);
        all.push(no_xs.sample(&named("logistic"), length, reverse, |x| {
            let [r, x] = x else { unreachable!() };
            vec![r * x * (1.0 - x), x.clone()]
        }));
    }

    let fixed = |k| {
        let fixed = Inputs([data(&[2], "c")], [k], [data(&[3, 2], "x")]);
        fixed.sample(&named("fixed"), 3, false, |x| {
            let [c, k, x] = x else { unreachable!() };
            vec![k.clone(), c.clone(), x.clone(), k.clone(), full(c.dtype(), [2], Number::Int(2)), x.clone()]
        })
    };
    all.push(fixed(data(&[2], "k")));
    // One value, held twice: as a constant and as the state.
    let mut same = fixed(data(&[2], "c")).layout(1, Layout::Same(0));
    same.name += ", the state is the constant";
    all.push(same);

    let dot = Inputs([], [data(&[], "k")], [data(&[4, 3], "a"), data(&[4, 3], "b")]);
    all.push(dot.sample(&named("dot"), 4, false, |x| vec![&x[0] + (&x[1] * &x[2]).sum()]));

    let unused = Inputs(
        [data(&[2], "c")],
        [data(&[2], "k"), data(&[2], "l")],
        [data(&[3, 2], "x"), ints(DType::I32, [3], &[1, 2, 3])],
    );
    all.push(unused.sample(&named("unused"), 3, true, |x| {
        let [_, k, l, x, _] = x else { unreachable!() };
        vec![x.clone(), l.clone(), k.clone()]
    }));

    let repeat = Inputs([data(&[2], "c")], [], []);
    all.push(repeat.sample(&named("repeat"), 3, false, |x| vec![&x[0] * 2.0]));

    let turned = Inputs([], [data(&[2, 3], "k")], [data(&[3, 2, 3], "x")]);
    all.push(turned.sample(&named("turned"), 3, true, |x| vec![&x[0] + &x[1], (&x[0] * &x[1]).t()]));

    // What does not depend on the step: computed once.
    let hoisted = Inputs([data(&[2], "c")], [data(&[2], "k")], [data(&[3, 2], "x")]);
    all.push(hoisted.sample(&named("hoisted"), 3, false, |x| {
        let [c, k, x] = x else { unreachable!() };
        let k = k + c.exp() * x;
        vec![k.clone(), c.cos(), k * c.exp()]
    }));

    for reverse in [false, true] {
        let nested = Inputs([data(&[3], "w")], [data(&[3], "t")], [data(&[2, 4, 3], "x")]);
        all.push(nested.sample(&named("nested"), 2, reverse, |x| {
            let [w, t, x] = x else { unreachable!() };
            // Its state begins as a number, and depends on what is differentiated only then.
            let inner = [w.clone(), full(w.dtype(), [3], Number::Int(0)), x.clone()];
            let parts = types_of(&inner);
            let op = scan_op([&parts[..1], &parts[1..2], &parts[2..]], 4, true, |x| {
                let p = &x[1] * &x[0] + &x[2];
                vec![p.clone(), p]
            });
            let found = apply(op, &inner);
            vec![t * &found[0], found[1].clone(), found[0].clone()]
        }));
    }

    let call = Inputs([], [data(&[2], "k")], [data(&[3, 2], "x")]);
    all.push(call.sample(&named("call"), 3, false, |x| {
        let op = call_op(&types_of(x), Policy::Nothing, |x| vec![x[0].sin() * &x[1]]);
        let k = apply(op, x).remove(0);
        vec![k.clone(), k]
    }));

    let which = ints(DType::I32, [5], &[0, 1, 2, 7, -3]);
    let branch = Inputs([], [data(&[2], "k")], [data(&[5, 2], "x"), which]);
    all.push(branch.sample(&named("branch"), 5, false, |x| {
        let [k, x, i] = x else { unreachable!() };
        let op = cond_op(
            &types_of(&[k.clone(), x.clone()]),
            &[&|x| vec![x[0].sin() + &x[1]], &|x| vec![&x[0] * &x[1]], &|x| vec![x[1].clone()]],
        );
        let k = apply(op, &[i.clone(), k.clone(), x.clone()]).remove(0);
        vec![k.clone(), k]
    }));
    all
}

/// States without a derivative.
fn integers() -> Vec<Sample> {
    let mut all = Vec::new();
    for length in [0, 1, 6] {
        let counter = Inputs([], [ints(DType::I64, [], &[-2])], []);
        all.push(counter.sample("counter i64", length, false, |x| vec![&x[0] + 1, &x[0] * &x[0]]));

        let bools = small(DType::Bool, [length, 2], "parity");
        let parity = Inputs([], [small(DType::Bool, [2], "k")], [bools]);
        all.push(parity.sample("parity bool", length, true, |x| {
            let p = x[0].logical_xor(&x[1]);
            vec![p.clone(), p.logical_not()]
        }));
    }
    let counts = ints(DType::I32, [4], &[3, 0, -1, 2]);
    let doubled = Inputs([], [ints(DType::I32, [], &[1])], [counts]);
    all.push(doubled.sample("doubled i32", 4, false, |x| {
        let parts = types_of(&[x[1].clone(), x[0].clone()]);
        let op = while_op([&[], &[], &parts], |x| x[0].gt(0), |x| vec![&x[0] - 1, &x[1] + &x[1]]);
        let k = apply(op, &[x[1].clone(), x[0].clone()]).remove(1);
        vec![k.clone(), k]
    }));
    all
}
