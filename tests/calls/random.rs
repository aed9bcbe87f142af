//! Random numbers of distributions: the key is the first input.

use super::{Call, V};
use plywood::prelude::*;

/// A call with a key and parameters.
fn one(x: V) -> Vec<V> {
    vec![x]
}

pub(super) fn calls() -> Vec<Call> {
    use DType::{F32, F64, I32, U8};
    use random as r;
    vec![
        Call("R.gamma(wrap(k), a, (5,), f32)", |x| one(r::gamma(&x[0], &x[1], [5], F32))),
        Call("R.gamma(wrap(k), a, (3, 4), f64)", |x| one(r::gamma(&x[0], &x[1], [3, 4], F64))),
        Call("R.gamma(wrap(k), 2.0, (6,), f64)", |x| one(r::gamma(&x[0], 2.0, [6], F64))),
        Call("R.loggamma(wrap(k), a, (4,), f64)", |x| one(r::loggamma(&x[0], &x[1], [4], F64))),
        Call("R.loggamma(wrap(k), a, (2, 3), f32)", |x| one(r::loggamma(&x[0], &x[1], [2, 3], F32))),
        Call("jax.vmap(lambda k: R.gamma(wrap(k), a, (3,), f64))(k)", |x| {
            one(r::gamma(&x[0], &x[1], [3], F64))
        }),
        Call("R.poisson(wrap(k), r, (6,))", |x| one(r::poisson(&x[0], &x[1], [6], I32))),
        Call("R.poisson(wrap(k), 4.0, (3, 5))", |x| one(r::poisson(&x[0], 4.0, [3, 5], I32))),
        Call("R.poisson(wrap(k), 30.0, (4, 3), i32)", |x| one(r::poisson(&x[0], 30.0, [4, 3], I32))),
        Call("jax.vmap(lambda k: R.poisson(wrap(k), 7.0, (4,), i32))(k)", |x| {
            one(r::poisson(&x[0], 7.0, [4], I32))
        }),
        Call("R.poisson(wrap(k), r, (4,), jnp.uint8)", |x| one(r::poisson(&x[0], &x[1], [4], U8))),
        Call("R.beta(wrap(k), a, b, (3,), f64)", |x| one(r::beta(&x[0], &x[1], &x[2], [3], F64))),
        Call("R.dirichlet(wrap(k), a, (2,), f64)", |x| one(r::dirichlet(&x[0], &x[1], [2], F64))),
        Call("R.dirichlet(wrap(k), a, (2,), f32)", |x| one(r::dirichlet(&x[0], &x[1], [2], F32))),
        Call("2 * R.bernoulli(wrap(k), f32(0.5), (7,)).astype(i32) - 1", |x| {
            one(r::rademacher(&x[0], [7], I32))
        }),
        Call("2 * R.bernoulli(wrap(k), f32(0.5), (7,)).astype(f32) - 1", |x| {
            one(r::rademacher(&x[0], [7], F32))
        }),
        Call("R.laplace(wrap(k), (5,), f64)", |x| one(r::laplace(&x[0], [5], F64))),
        Call("R.laplace(wrap(k), (5,), f32)", |x| one(r::laplace(&x[0], [5], F32))),
        Call("R.logistic(wrap(k), (5,), f64)", |x| one(r::logistic(&x[0], [5], F64))),
        Call("R.cauchy(wrap(k), (5,), f64)", |x| one(r::cauchy(&x[0], [5], F64))),
        Call("R.chisquare(wrap(k), d, (3,), f64)", |x| one(r::chisquare(&x[0], &x[1], [3], F64))),
        Call("R.t(wrap(k), d, (3,), f64)", |x| one(r::t(&x[0], &x[1], [3], F64))),
        Call("R.pareto(wrap(k), b, (3,), f64)", |x| one(r::pareto(&x[0], &x[1], [3], F64))),
        Call("R.weibull_min(wrap(k), s, c, (3,), f64)", |x| {
            one(r::weibull_min(&x[0], &x[1], &x[2], [3], F64))
        }),
        Call("R.rayleigh(wrap(k), s, (3,), f64)", |x| one(r::rayleigh(&x[0], &x[1], [3], F64))),
        Call("R.maxwell(wrap(k), (4,), f64)", |x| one(r::maxwell(&x[0], [4], F64))),
        Call("R.lognormal(wrap(k), s, (3,), f64)", |x| one(r::lognormal(&x[0], &x[1], [3], F64))),
        Call("R.triangular(wrap(k), l, m, r, (3,), f64)", |x| {
            one(r::triangular(&x[0], &x[1], &x[2], &x[3], [3], F64))
        }),
        Call("R.wald(wrap(k), m, (3,), f64)", |x| one(r::wald(&x[0], &x[1], [3], F64))),
        Call("R.geometric(wrap(k), p, (4,), i32)", |x| one(r::geometric(&x[0], &x[1], [4], I32))),
        Call("abs(R.generalized_normal(wrap(k), 1.5, (4,), f64))", |x| {
            one(r::generalized_normal(&x[0], 1.5, [4], F64).abs())
        }),
        Call("R.choice(wrap(k), 5, (8,), p=p)", |x| one(r::choice_by(&x[0], &x[1], [8], true))),
        Call("R.choice(wrap(k), 5, (2, 2), p=p, replace=False)", |x| {
            one(r::choice_by(&x[0], &x[1], [2, 2], false))
        }),
        Call("R.orthogonal(wrap(k), 4, (2,), f64)", |x| one(r::orthogonal(&x[0], 4, [2], F64))),
        Call("R.orthogonal(wrap(k), 2, (), f64, 3)", |x| one(r::orthogonal_of(&x[0], 2, 3, [], F64))),
        Call("R.multivariate_normal(wrap(k), m, c, (3,), f64)", |x| {
            one(r::multivariate_normal(&x[0], &x[1], &x[2], [3], F64))
        }),
    ]
}
