//! The calls that NumPy's and JAX's users know, under the name of the JAX expression: values and gradients are JAX's.
//!
//! Each family has three files in `calls/`: `<family>.py` lists JAX expressions with their inputs, `<family>.txt` is what
//! JAX gives for them (`python tests/calls_oracle.py`), `<family>.rs` says each expression in Plywood. The set of
//! expressions must be the same.
//!
//! A line of the text: the expression; then, after tabs, inputs, outputs and gradients, each as `x type values`, `y ..`,
//! `g ..`. Gradients are the cotangents of the float inputs for the cotangents 1, 2, 3, .. of each float output.

#[path = "calls/activation.rs"]
mod activation;
#[path = "calls/arrange.rs"]
mod arrange;
#[path = "calls/contract.rs"]
mod contract;
#[path = "calls/conv.rs"]
mod conv;
#[path = "calls/fft.rs"]
mod fft;
#[path = "calls/indexing.rs"]
mod indexing;
#[path = "calls/linalg.rs"]
mod linalg;
#[path = "calls/order.rs"]
mod order;
#[path = "calls/random.rs"]
mod random;
#[path = "calls/search.rs"]
mod search;
#[path = "calls/special.rs"]
mod special;
#[path = "calls/statistics.rs"]
mod statistics;

use plywood::prelude::*;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

type V = Tensor<Autodiff<Cpu>>;

/// A JAX expression, and the same in Plywood.
struct Call(&'static str, fn(&[V]) -> Vec<V>);

/// A tensor as the text has it.
struct Written<'a> {
    ty: &'a str,
    values: Vec<f64>,
}

/// A line: the kind of each field by its letter.
struct Line<'a> {
    inputs: Vec<Tensor<Cpu>>,
    outputs: Vec<Written<'a>>,
    gradients: Vec<Written<'a>>,
}

fn written(field: &str) -> Written<'_> {
    let (ty, values) = field.split_once(' ').expect("a type and values");
    let number = |v: &str| v.parse::<f64>().expect("a number");
    Written { ty, values: values.split(',').filter(|v| !v.is_empty()).map(number).collect() }
}

fn tensor(w: Written<'_>) -> Tensor<Cpu> {
    let (name, sizes) = w.ty.strip_suffix(']').and_then(|t| t.split_once('[')).expect("a type");
    let dtype = DType::ALL.into_iter().find(|d| d.name() == name).expect("a dtype");
    let sizes: Vec<usize> =
        sizes.split(',').filter(|n| !n.is_empty()).map(|n| n.parse().expect("a size")).collect();
    Tensor::from_vec(w.values, sizes).cast(dtype)
}

fn line(text: &str) -> (&str, Line<'_>) {
    let mut fields = text.split('\t');
    let name = fields.next().expect("an expression");
    let mut line = Line { inputs: vec![], outputs: vec![], gradients: vec![] };
    for field in fields {
        let (kind, rest) = field.split_at(2);
        match kind {
            "x " => line.inputs.push(tensor(written(rest))),
            "y " => line.outputs.push(written(rest)),
            "g " => line.gradients.push(written(rest)),
            _ => panic!("{field}"),
        }
    }
    (name, line)
}

/// 1, 2, 3, .. like a tensor.
fn ramp(like: &Tensor<Cpu>) -> Tensor<Cpu> {
    (Tensor::arange(like.len()) + 1).reshape(like.shape()).cast(like.dtype())
}

/// Outputs, and the cotangents of the float inputs.
fn run(call: fn(&[V]) -> Vec<V>, inputs: &[Tensor<Cpu>]) -> (Vec<Tensor<Cpu>>, Vec<Tensor<Cpu>>) {
    let floats: Vec<Tensor<Cpu>> = inputs.iter().filter(|x| x.dtype().is_float()).cloned().collect();
    let all = inputs.to_vec();
    let f = move |floats: Vec<V>| {
        let mut floats = floats.into_iter();
        let next = |x: &Tensor<Cpu>| match x.dtype().is_float() {
            true => floats.next().expect("as many as were taken"),
            false => x.lift(),
        };
        call(&all.iter().map(next).collect::<Vec<_>>())
    };
    let (outputs, back) = vjp(f, (floats,));
    let cotangents = outputs.iter().map(ramp).collect();
    let (gradients,) = back(cotangents);
    (outputs, gradients)
}

/// Whether a tensor is what is written: the type, and values up to rounding relative to the largest.
fn agrees(got: &Tensor<Cpu>, want: &Written<'_>) -> bool {
    let near = match got.dtype() {
        DType::F64 => 1e-11,
        DType::F32 => 4e-6,
        DType::F16 => 2e-3,
        DType::BF16 => 1e-2,
        _ => 0.0,
    };
    let largest = want.values.iter().filter(|v| v.is_finite()).fold(0.0, |m: f64, v| m.max(v.abs()));
    let same = |(x, w): (f64, &f64)| x == *w || (x.is_nan() && w.is_nan()) || (x - w).abs() <= near * largest;
    got.ty().to_string() == want.ty
        && got.cast(DType::F64).to_vec::<f64>().into_iter().zip(&want.values).all(same)
}

fn check(calls: Vec<Call>, oracle: &str) {
    let oracle: BTreeMap<_, _> = oracle.lines().map(line).collect();
    let (mut wrong, mut seen) = (Vec::new(), Vec::new());
    for Call(name, call) in calls {
        assert!(!seen.contains(&name), "{name}: twice");
        seen.push(name);
        let Some(line) = oracle.get(name) else {
            wrong.push(format!("{name}: not in the oracle"));
            continue;
        };
        let result = catch_unwind(AssertUnwindSafe(|| run(call, &line.inputs)));
        let Ok((outputs, gradients)) = result else {
            wrong.push(format!("{name}: panicked"));
            continue;
        };
        let mut compare = |what: &str, got: &[Tensor<Cpu>], want: &[Written<'_>]| {
            let same = got.len() == want.len() && got.iter().zip(want).all(|(g, w)| agrees(g, w));
            if !same {
                let got: Vec<_> = got
                    .iter()
                    .map(|t| format!("{} {:?}", t.ty(), t.cast(DType::F64).to_vec::<f64>()))
                    .collect();
                let want: Vec<_> = want.iter().map(|w| format!("{} {:?}", w.ty, w.values)).collect();
                wrong.push(format!("{name}: {what}:\n   is {got:?}\n  not {want:?}"));
            }
        };
        compare("value", &outputs, &line.outputs);
        if !line.gradients.is_empty() {
            compare("gradient", &gradients, &line.gradients);
        }
    }
    wrong.extend(oracle.keys().filter(|name| !seen.contains(name)).map(|name| format!("{name}: not here")));
    assert!(wrong.is_empty(), "{} of {} calls:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
}

macro_rules! families { ($($family:ident)*) => { $(
    #[test]
    fn $family() {
        check($family::calls(), include_str!(concat!("calls/", stringify!($family), ".txt")));
    }
)* } }
families!(activation arrange contract conv fft indexing linalg order random search special statistics);
