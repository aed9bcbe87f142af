//! Distributions with parameters, on tensors of any engine: the formulas of `jax/_src/random` in their order.

use super::draw;
use crate::library::T;
use crate::op::{Linalg, Random};
use crate::value::Term;
use crate::{DType, Number, Op, Shape, TensorType, Value};
use std::f64::consts::PI;

/// The machine epsilon, half of it (the distance below 1), and the least normal number.
fn limits(name: &str, dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F64 => (f64::EPSILON, f64::MIN_POSITIVE),
        DType::F32 => (f32::EPSILON.into(), f32::MIN_POSITIVE.into()),
        DType::F16 => (half::f16::EPSILON.into(), half::f16::MIN_POSITIVE.into()),
        DType::BF16 => (half::bf16::EPSILON.into(), half::bf16::MIN_POSITIVE.into()),
        other => panic!("{name}: gives floats, not {other}"),
    }
}

fn number(x: f64) -> Term {
    Term::Number(Number::Float(x))
}

fn uniform(key: Value, shape: &Shape, dtype: DType, low: f64, high: f64) -> T {
    T::of(draw::uniform_range(key, shape.clone(), dtype, number(low), number(high)))
}

fn normal(key: Value, shape: &Shape, dtype: DType) -> T {
    T::of(draw::normal(key, shape.clone(), dtype))
}

fn exponential(key: Value, shape: &Shape, dtype: DType) -> T {
    T::of(draw::exponential(key, shape.clone(), dtype))
}

#[track_caller]
fn parameter(name: &str, key: &Value, x: Term, shape: &Shape, dtype: DType) -> T {
    T::of(draw::parameter(name, key, x, shape, dtype))
}

/// A parameter for every element of the sample: `[keys.., shape..]`.
#[track_caller]
fn each(name: &str, key: &Value, x: T, shape: &Shape) -> Value {
    let batch = draw::batch(name, key);
    let full: Shape = batch.iter().chain(shape.iter()).copied().collect();
    x.into_value().broadcast_to(name, &full)
}

#[track_caller]
pub(super) fn gamma(key: Value, a: Term, shape: Shape, dtype: DType, log: bool) -> T {
    let name = if log { "loggamma" } else { "gamma" };
    limits(name, dtype);
    let a = parameter(name, &key, a, &shape, dtype);
    gamma_of(key, &a, shape, dtype, log)
}

fn gamma_of(key: Value, a: &T, shape: Shape, dtype: DType, log: bool) -> T {
    let a = each("gamma", &key, a.clone(), &shape);
    T::of(Value::apply2(Op::Random(Random::Gamma { shape, dtype, log }), key, a))
}

#[track_caller]
pub(super) fn poisson(key: Value, rate: Term, shape: Shape, dtype: DType) -> T {
    let rate = parameter("poisson", &key, rate, &shape, DType::F32);
    let rate = each("poisson", &key, rate, &shape);
    T::of(Value::apply2(Op::Random(Random::Poisson { shape, dtype }), key, rate))
}

#[track_caller]
pub(super) fn beta(key: Value, a: Term, b: Term, shape: Shape, dtype: DType) -> T {
    limits("beta", dtype);
    let a = parameter("beta", &key, a, &shape, dtype);
    let b = parameter("beta", &key, b, &shape, dtype);
    let (first, second) = draw::split_two(key);
    let log_a = gamma_of(first, &a, shape.clone(), dtype, true);
    let log_b = gamma_of(second, &b, shape, dtype, true);
    let most = log_a.maximum(&log_b);
    let (a, b) = ((log_a - &most).exp(), (log_b - &most).exp());
    &a / (&a + b)
}

#[track_caller]
pub(super) fn dirichlet(key: Value, alpha: T, shape: Shape, dtype: DType) -> T {
    let Some((&n, others)) = alpha.shape().split_last() else {
        panic!("dirichlet: the parameter has an axis of components, a scalar has none")
    };
    assert!(
        Shape::from(others).broadcast(&shape).as_ref() == Some(&shape),
        "dirichlet: parameters of shape {} do not broadcast to samples of shape {shape}",
        alpha.shape()
    );
    let full = shape.insert(shape.rank(), n);
    gamma_of(key, &alpha.cast(dtype), full, dtype, true).softmax(-1)
}

#[track_caller]
pub(super) fn rademacher(key: Value, shape: Shape, dtype: DType) -> T {
    let heads = T::of(draw::bernoulli(key, number(0.5), shape)).cast(dtype);
    heads * 2 - 1
}

#[track_caller]
pub(super) fn laplace(key: Value, shape: Shape, dtype: DType) -> T {
    let (epsilon, _) = limits("laplace", dtype);
    let u = uniform(key, &shape, dtype, -1.0 + epsilon / 2.0, 1.0);
    u.sign() * (-u.abs()).log1p()
}

#[track_caller]
pub(super) fn logistic(key: Value, shape: Shape, dtype: DType) -> T {
    let (_, tiny) = limits("logistic", dtype);
    let u = uniform(key, &shape, dtype, tiny, 1.0);
    u.log() - (-u).log1p()
}

#[track_caller]
pub(super) fn cauchy(key: Value, shape: Shape, dtype: DType) -> T {
    let (epsilon, _) = limits("cauchy", dtype);
    let u = uniform(key, &shape, dtype, epsilon, 1.0);
    (PI * (u - 0.5)).tan()
}

#[track_caller]
pub(super) fn chisquare(key: Value, df: Term, shape: Shape, dtype: DType) -> T {
    limits("chisquare", dtype);
    let half = parameter("chisquare", &key, df, &shape, dtype) / 2.0;
    gamma_of(key, &half, shape, dtype, true).exp() * 2.0
}

#[track_caller]
pub(super) fn t(key: Value, df: Term, shape: Shape, dtype: DType) -> T {
    limits("t", dtype);
    let half = parameter("t", &key, df, &shape, dtype) / 2.0;
    let (first, second) = draw::split_two(key);
    let n = normal(first, &shape, dtype);
    let g = gamma_of(second, &half, shape, dtype, false);
    n * (half / g).sqrt()
}

#[track_caller]
pub(super) fn pareto(key: Value, b: Term, shape: Shape, dtype: DType) -> T {
    limits("pareto", dtype);
    let b = parameter("pareto", &key, b, &shape, dtype);
    (exponential(key, &shape, dtype) / b).exp()
}

#[track_caller]
pub(super) fn weibull_min(key: Value, scale: Term, concentration: Term, shape: Shape, dtype: DType) -> T {
    limits("weibull_min", dtype);
    let scale = parameter("weibull_min", &key, scale, &shape, dtype);
    let concentration = parameter("weibull_min", &key, concentration, &shape, dtype);
    exponential(key, &shape, dtype).pow(1.0 / concentration) * scale
}

#[track_caller]
pub(super) fn rayleigh(key: Value, scale: Term, shape: Shape, dtype: DType) -> T {
    limits("rayleigh", dtype);
    let scale = parameter("rayleigh", &key, scale, &shape, dtype);
    scale * (T::of(draw::uniform(key, shape, dtype)).log() * -2.0).sqrt()
}

#[track_caller]
pub(super) fn maxwell(key: Value, shape: Shape, dtype: DType) -> T {
    limits("maxwell", dtype);
    let full = shape.insert(shape.rank(), 3);
    normal(key, &full, dtype).square().sum_axes([-1]).sqrt()
}

#[track_caller]
pub(super) fn lognormal(key: Value, sigma: Term, shape: Shape, dtype: DType) -> T {
    limits("lognormal", dtype);
    let sigma = parameter("lognormal", &key, sigma, &shape, dtype);
    (normal(key, &shape, dtype) * sigma).exp()
}

#[track_caller]
pub(super) fn triangular(key: Value, [left, mode, right]: [Term; 3], shape: Shape, dtype: DType) -> T {
    limits("triangular", dtype);
    let [left, mode, right] = [left, mode, right].map(|x| parameter("triangular", &key, x, &shape, dtype));
    let u = T::of(draw::uniform(key, shape, dtype));
    let below = &left + (&u * (&right - &left) * (&mode - &left)).sqrt();
    let above = &right - ((1.0 - &u) * (&right - &left) * (&right - &mode)).sqrt();
    u.lt((mode - &left) / (right - left)).select(below, above)
}

#[track_caller]
pub(super) fn wald(key: Value, mean: Term, shape: Shape, dtype: DType) -> T {
    limits("wald", dtype);
    let mean = parameter("wald", &key, mean, &shape, dtype);
    let (first, second) = draw::split_two(key);
    let y = normal(first, &shape, dtype).square();
    let z = T::of(draw::uniform(second, shape, dtype));
    let square = mean.square();
    let root = (4.0 * &mean * &y + &square * y.square()).sqrt();
    let x = &mean + &square * y / 2.0 - &mean / 2.0 * root;
    z.le(&mean / (&mean + &x)).select(&x, square / &x)
}

#[track_caller]
pub(super) fn geometric(key: Value, p: Term, shape: Shape, dtype: DType) -> T {
    assert!(dtype.is_integer(), "geometric: gives integers, not {dtype}");
    let float = match &p {
        Term::Value(p) => p.dtype().to_float(),
        Term::Number(_) => DType::F32,
    };
    let p = parameter("geometric", &key, p, &shape, float);
    let u = T::of(draw::uniform(key, shape, float));
    let u = u.eq(0).select(1, u);
    ((u.log() / (-p).log1p()).floor() + 1).cast(dtype)
}

#[track_caller]
pub(super) fn generalized_normal(key: Value, p: f64, shape: Shape, dtype: DType) -> T {
    limits("generalized_normal", dtype);
    let (first, second) = draw::split_two(key);
    let g = gamma(first, number(1.0 / p), shape.clone(), dtype, false);
    rademacher(second, shape, dtype) * g.pow(1.0 / p)
}

#[track_caller]
pub(super) fn choice_by(key: Value, p: T, shape: Shape, replace: bool) -> T {
    let n = p.len();
    let p = p.cast(p.dtype().to_float());
    assert!(p.rank() == 1, "choice: the probabilities are a vector, not {}", p.ty());
    let draws = shape.elements();
    assert!(n > 0 || draws == 0, "choice: {draws} draws from nothing");
    assert!(replace || draws <= n, "choice: {draws} draws without replacement from {n}");
    let batch = draw::batch("choice", &key);
    if !replace {
        let gumbel = T::of(draw::gumbel(key, [n].into(), p.dtype()));
        let rank = batch.rank();
        let places = Value::apply(
            &Op::TopK { k: draws, axis: rank },
            [(gumbel + p.log()).into_value()].into_iter().collect(),
        );
        let full: Shape = batch.iter().chain(shape.iter()).copied().collect();
        return T::of(places[1].clone().reshape_to(full));
    }
    // The number of cumulated probabilities below r is the place of the first that is not.
    let kind = crate::op::Cumulation::Sum;
    let sums = T::of(Value::apply1(Op::Cumulative { kind, axis: 0, reverse: false }, p.value().clone()));
    let total = p.value().clone();
    let last = T::of(sums.value().clone().slice_axis(0, n - 1, n).reshape_to(Shape::scalar()));
    let u = T::of(draw::uniform(key, shape, total.dtype()));
    let r = last * (1 - u);
    let axis = r.rank();
    let full = r.shape().insert(axis, n);
    let below = sums.broadcast_to(full).lt(r.expand_dims(-1));
    below.cast(DType::I32).sum_axes([-1])
}

#[track_caller]
pub(super) fn orthogonal(key: Value, n: usize, m: usize, shape: Shape, dtype: DType) -> T {
    limits("orthogonal", dtype);
    let (most, least) = (n.max(m), n.min(m));
    let full: Shape = shape.iter().copied().chain([most, least]).collect();
    let z = normal(key, &full, dtype).into_value();
    let factors = Value::apply(&Op::Linalg(Linalg::Qr { full: false }), [z].into_iter().collect());
    let (q, r) = (T::of(factors[0].clone()), T::of(factors[1].clone()));
    // Signs of R's diagonal make the distribution uniform.
    let rank = r.rank();
    let ty = |axis| {
        let ty = TensorType::new(r.shape().clone(), DType::I32);
        T::of(r.value().iota(ty, axis))
    };
    let diagonal = ty(rank - 2).eq(ty(rank - 1)).select(&r, 0).sum_axes([-1]);
    let x = q * diagonal.sign().expand_dims(-2);
    if n < m { T::of(x.into_value().swap_axes(-1, -2)) } else { x }
}

#[track_caller]
pub(super) fn multivariate_normal(key: Value, mean: Term, cov: T, shape: Shape, dtype: DType) -> T {
    limits("multivariate_normal", dtype);
    let rank = cov.rank();
    assert!(
        rank >= 2 && cov.shape()[rank - 1] == cov.shape()[rank - 2],
        "multivariate_normal: the covariance is a square matrix, not {}",
        cov.ty()
    );
    let n = cov.shape()[rank - 1];
    let full = shape.insert(shape.rank(), n);
    let mean = parameter("multivariate_normal", &key, mean, &full, dtype);
    assert!(
        Shape::from(&cov.shape()[..rank - 2]).broadcast(&shape).as_ref() == Some(&shape),
        "multivariate_normal: covariances of shape {} do not broadcast to samples of shape {shape}",
        cov.shape()
    );
    let factor = Value::apply1(Op::Linalg(Linalg::Cholesky), cov.cast(dtype).into_value());
    let x = normal(key, &full, dtype).expand_dims(-2);
    mean + (T::of(factor) * x).sum_axes([-1])
}
