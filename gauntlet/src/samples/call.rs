//! Functions as operations: under each policy, with rules of the user's (the true derivative, so that differences agree),
//! captured values, functions in functions; and names.

use super::control::{Branch, S, apply, call_op, cond_op, full, graph, scan_op, types};
use super::{FLOATS, elementwise};
use crate::data::{cycle, ints, mixed, small, uniform};
use crate::{Class, Sample};
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::{Array, DType, Graph, Number, Op};
use std::sync::Arc;

pub(super) fn name() -> Vec<Sample> {
    let op = Op::Name { name: "a name".into() };
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        let values = mixed(dtype, "name");
        samples.extend(elementwise(&format!("name/{dtype}"), &op, &[(dtype, &values)], Class::Exact));
    }
    for dtype in FLOATS {
        let x = small(dtype, [2, 3], "smooth");
        samples.push(Sample::new(format!("name/{dtype} smooth"), op.clone(), [x]).smooth());
    }
    samples
}

/// Every policy, with its name.
fn policies() -> [(&'static str, Policy); 4] {
    [
        ("everything", Policy::Everything),
        ("nothing", Policy::Nothing),
        ("dots", Policy::Dots),
        ("names", Policy::Names(vec!["kept".to_string(), "absent".to_string()])),
    ]
}

fn named(x: &S, name: &str) -> S {
    S::of(x.value().clone().named(name))
}

pub(super) fn call() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in [DType::F64, DType::F32] {
        let of_dtype = through(dtype).into_iter().chain(ruled(dtype));
        samples.extend(of_dtype.map(|s| s.class(Class::Norm(16)).smooth_if(dtype == DType::F64)));
    }
    for dtype in DType::ALL {
        let all: [Array; 2] = [cycle(dtype, [3, 2], &mixed(dtype, "x")), small(dtype, [5], "y")];
        let op = call_op(&types(&all), Policy::Everything, |x| vec![x[1].clone(), x[0].t(), x[1].clone()]);
        samples.push(Sample::new(format!("call/turned {dtype}"), op, all));
        // Nothing of the input is read.
        let x = small(dtype, [2], "x");
        let op = call_op(&types(std::slice::from_ref(&x)), Policy::Nothing, |_| {
            vec![full(dtype, [3], Number::Int(1))]
        });
        samples.push(Sample::new(format!("call/ones {dtype}"), op, [x]));
    }
    samples
}

/// Differentiated as they are.
fn through(dtype: DType) -> Vec<Sample> {
    let mut all = Vec::new();
    let data = |shape: &[usize], name: &str| uniform(dtype, shape, name, -1.0, 1.0);
    let mut push = |name: String, op: Op, inputs: &[Array]| {
        all.push(Sample::new(format!("call/{name}"), op, inputs.iter().cloned()))
    };
    for (policy_name, policy) in policies() {
        let inputs = [data(&[2, 3], "x"), data(&[3, 2], "w"), ints(DType::I32, [], &[3])];
        let dense = call_op(&types(&inputs), policy.clone(), |x| {
            let [x, w, n] = x else { unreachable!() };
            let kept = named(&x.matmul(w).sin(), "kept");
            let z = named(&(&kept * &kept), "other").exp() * n.cast(x.dtype());
            vec![z.clone(), kept.sum() * z.sum(), n + 1]
        });
        push(format!("dense {dtype} {policy_name}"), dense, &inputs);

        let inputs = [data(&[2], "k"), data(&[3, 2], "x")];
        let parts = types(&inputs);
        let scan = call_op(&parts, policy.clone(), |x| {
            let step = |x: &[S]| {
                let k = named(&(&x[0] * x[1].exp()), "kept").sin();
                vec![k.clone(), k]
            };
            apply(scan_op([&[], &parts[..1], &parts[1..]], 3, false, step), x)
        });
        push(format!("scan {dtype} {policy_name}"), scan, &inputs);

        // A function in a function, each with a policy of its own.
        let inputs = [data(&[3], "x"), data(&[3], "y")];
        let parts = types(&inputs);
        let nested = call_op(&parts, policy.clone(), |x| {
            let inner = call_op(&parts, Policy::Nothing, |x| {
                let z = named(&(&x[0] * x[1].cos()), "kept");
                vec![z.exp(), x[0].clone()]
            });
            let z = apply(inner, &[x[0].sin(), x[1].clone()]);
            vec![&z[0] * &z[1], &x[0] + &z[0]]
        });
        push(format!("nested {dtype} {policy_name}"), nested, &inputs);

        let i = ints(DType::I32, [], &[1]);
        let inputs = [i, data(&[3], "x")];
        let branch = call_op(&types(&inputs), policy, |x| {
            let branches: [Branch<'_>; 2] = [&|x| vec![x[0].cos()], &|x| vec![x[0].sin() * &x[0]]];
            apply(cond_op(&types(&inputs[1..]), &branches), x)
        });
        push(format!("branch {dtype} {policy_name}"), branch, &inputs);
    }
    all
}

/// The same graph, of whose inputs the first are captured.
fn captured(graph: Arc<Graph>, n: usize) -> Arc<Graph> {
    Arc::new(Graph::clone(&graph).with_captured(n))
}

/// Of a captured number k, x and y: `sin(x) y k`, by a reverse rule; and where x is positive.
fn sine(dtype: DType) -> (Op, [Array; 3]) {
    let data = |name: &str| uniform(dtype, [3], name, -1.0, 1.0);
    let inputs = [ints(DType::I32, [], &[3]), data("x"), data("y")];
    let given = types(&inputs);
    let value = |x: &[S]| {
        let [k, x, y] = x else { unreachable!() };
        vec![x.sin() * y * k.cast(x.dtype()), x.gt(0.0).cast(DType::I32)]
    };
    let forward = graph(&given, |x| {
        let residuals = [x[1].clone(), x[2].clone(), x[0].clone()];
        value(x).into_iter().chain(residuals).collect()
    });
    // Residuals, and the cotangent of the output that is of floats.
    let backward = graph(&[&given[1..], &given[..1], &given[1..2]].concat(), |x| {
        let [x, y, k, ct] = x else { unreachable!() };
        let ct = ct * k.cast(x.dtype());
        vec![&ct * y * x.cos(), ct * x.sin()]
    });
    let graph = captured(graph(&given, value), 1);
    (Op::Call(Arc::new(Call { graph, rule: Rule::Reverse { forward, backward } })), inputs)
}

/// Of a captured number k, x and integers m: `log(1 + e^x) m k`, by a forward rule; and `2 m`.
fn softplus(dtype: DType) -> (Op, [Array; 3]) {
    let inputs =
        [ints(DType::I32, [], &[2]), uniform(dtype, [3], "x", -2.0, 2.0), ints(DType::I32, [3], &[1, -2, 3])];
    let given = types(&inputs);
    let value = |x: &[S]| {
        let [k, x, m] = x else { unreachable!() };
        vec![(x.exp() + 1.0).log() * (m * k).cast(x.dtype()), m + m]
    };
    let rule = graph(&[&given[..], &given[1..]].concat(), |x| {
        let [k, x, m, dx, dm] = x else { unreachable!() };
        let mut outputs = value(&[k.clone(), x.clone(), m.clone()]);
        outputs.extend([dx * x.sigmoid() * (m * k).cast(x.dtype()), dm.zeros_like()]);
        outputs
    });
    let graph = captured(graph(&given, value), 1);
    (Op::Call(Arc::new(Call { graph, rule: Rule::Forward { rule } })), inputs)
}

/// Differentiated by rules.
fn ruled(dtype: DType) -> Vec<Sample> {
    let mut all = Vec::new();
    for (name, (op, inputs)) in [("sine", sine(dtype)), ("softplus", softplus(dtype))] {
        all.push(Sample::new(format!("call/{name} {dtype}"), op.clone(), inputs.clone()));
        // The function, twice, in one that is computed again.
        let inside = call_op(&types(&inputs), Policy::Nothing, |x| {
            let y = apply(op.clone(), x);
            let again = apply(op, &[x[0].clone(), y[0].clone(), x[2].clone()]);
            vec![again[0].clone(), y[1].clone()]
        });
        all.push(Sample::new(format!("call/{name}_twice {dtype}"), inside, inputs));
    }
    all
}
