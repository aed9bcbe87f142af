//! Derivatives where they are easily wrong: at ties and kinks, at singular points, across dtypes, at indices that
//! repeat, and of derivatives. Each case has the name of a line in `derivatives_oracle.txt`, which JAX made
//! (`derivatives_oracle.py`); types, values and the set of names agree.
//!
//! A case pulls back the cotangents 1, 2, 3, .. so that a cotangent in a wrong place is seen.

#[path = "derivatives/indexing.rs"]
mod indexing;
#[path = "derivatives/kinks.rs"]
mod kinks;
#[path = "derivatives/nested.rs"]
mod nested;
#[path = "derivatives/singular.rs"]
mod singular;
#[path = "derivatives/types.rs"]
mod types;

use plywood::prelude::*;
use plywood::tree::{SelfTree, leaves};
use plywood::{Function, Value};
use std::collections::BTreeMap;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

type C = Tensor<Cpu>;
type V = Tensor<Autodiff<Cpu>>;
type W = Tensor<Autodiff<Autodiff<Cpu>>>;

/// A name, and results.
type Case = (&'static str, Vec<C>);

/// 1, 2, 3, .. like a tensor.
fn ramp<B: Backend>(like: &Tensor<B>) -> Tensor<B> {
    (Tensor::arange(like.len()) + 1).reshape(&like.shape()[..]).cast(like.dtype())
}

/// The value of a function, and the cotangents of its arguments.
fn both<Args: SelfTree<Cpu>>(f: impl Function<Autodiff<Cpu>, Args, V>, args: Args) -> Vec<C> {
    let (y, back) = vjp(f, args);
    let cotangents = back(ramp(&y));
    [y].into_iter().chain(leaves(&cotangents).into_iter().map(C::of)).collect()
}

/// The cotangents of a function's arguments.
fn pull<Args: SelfTree<Cpu>>(f: impl Function<Autodiff<Cpu>, Args, V>, args: Args) -> Vec<C> {
    both(f, args).split_off(1)
}

/// The cotangent of the cotangent.
fn second(f: impl Fn(W) -> W + Copy + Send + Sync + 'static, x: &C) -> Vec<C> {
    pull(move |x: V| first(f, x), (x.clone(),))
}

/// The cotangent of the argument, on a backend that may be differentiated again.
fn first<B: Backend>(
    f: impl Fn(Tensor<Autodiff<B>>) -> Tensor<Autodiff<B>> + Send + Sync + 'static,
    x: Tensor<B>,
) -> Tensor<B> {
    let (y, back) = vjp(f, (x,));
    back(ramp(&y)).0
}

/// A line of the oracle: types and values.
fn results(line: &str) -> (&str, Vec<(&str, Vec<f64>)>) {
    let mut fields = line.split('\t');
    let name = fields.next().expect("a name");
    let result = |field| {
        let (ty, values) = str::split_once(field, ' ').expect("a type and values");
        (ty, values.split(',').filter(|v| !v.is_empty()).map(|v| v.parse().expect("a float")).collect())
    };
    (name, fields.map(result).collect())
}

/// Equal, or both NaN, or near: elementary functions differ in their last bits.
fn agree(x: f64, want: f64, dtype: DType) -> bool {
    let near = match dtype {
        DType::F64 => 1e-12,
        DType::F32 => 1e-6,
        _ => 0.0,
    };
    x == want || (x.is_nan() && want.is_nan()) || (x - want).abs() <= near * want.abs().min(f64::MAX)
}

#[test]
fn derivatives_agree_with_jax() {
    let oracle = include_str!("derivatives_oracle.txt").lines().map(results).collect::<BTreeMap<_, _>>();
    let families = [kinks::cases(), singular::cases(), types::cases(), indexing::cases(), nested::cases()];
    let mut wrong = Vec::new();
    let mut seen = Vec::new();
    for (name, got) in families.into_iter().flatten() {
        seen.push(name);
        let Some(want) = oracle.get(name) else {
            wrong.push(format!("{name}: not in the oracle"));
            continue;
        };
        let got: Vec<_> = (got.iter())
            .map(|t| (t.ty().to_string(), t.cast(DType::F64).to_vec::<f64>(), t.dtype()))
            .collect();
        let same = got.len() == want.len()
            && got.iter().zip(want).all(|((ty, x, dtype), (want_ty, want))| {
                ty == want_ty
                    && x.len() == want.len()
                    && x.iter().zip(want).all(|(x, w)| agree(*x, *w, *dtype))
            });
        if !same {
            let got: Vec<_> = got.iter().map(|(ty, x, _)| (ty, x)).collect();
            wrong.push(format!("{name}:\n   is {got:?}\n  not {want:?}"));
        }
    }
    wrong.extend(oracle.keys().filter(|name| !seen.contains(name)).map(|name| format!("{name}: not here")));
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), seen.len(), wrong.join("\n"));
}
